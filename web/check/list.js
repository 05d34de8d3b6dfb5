/*
 * The steps on the page: a mark, what was found, what to do about it.
 */

import { make } from '../lib/dom.js';
import { say, sayIn } from '../lib/i18n.js';

/** @typedef {import('../lib/i18n.js').Params} Params */
/** @typedef {import('./steps.js').Result} Result */
/** @typedef {Result['mark'] | 'wait' | 'busy'} Mark */

/** @type {Record<Mark, string>} */
const MARKS = { good: '✓', warn: '!', bad: '✕', skip: '–', wait: '·', busy: '…' };

class Row {
  element = make('li', 'step');
  #mark = make('span', 'mark');
  #title = make('h2');
  #says = make('p', 'says');
  #advice = make('p', 'advice');
  #facts = make('ul');

  /** @param {string} name */
  constructor(name) {
    this.element.id = `step-${name}`;
    this.#mark.setAttribute('role', 'img');
    say(this.#title, `check.step.${name}`);
    this.element.append(this.#mark, this.#title, this.#says, this.#advice, this.#facts);
    this.show('wait');
  }

  /** @param {Mark} mark @param {Partial<Result>} [result] */
  show(mark, { key, params, advice, facts = [] } = {}) {
    this.element.dataset.mark = mark;
    this.#mark.textContent = MARKS[mark];
    sayIn(this.#mark, 'aria-label', `check.mark.${mark}`);
    for (const [element, sentence] of /** @type {const} */ ([
      [this.#says, key], [this.#advice, advice],
    ])) {
      if (sentence) {
        say(element, sentence, params);
      } else {
        element.removeAttribute('data-i18n');
        element.textContent = '';
      }
    }
    this.#facts.replaceChildren(...facts.map((fact) => {
      const item = make('li');
      say(item, fact.key, fact.params);
      return item;
    }));
  }

  /** For the report, as it stands on the page. */
  get lines() {
    const facts = Array.from(this.#facts.children, (item) => `    ${item.textContent}`);
    const says = [this.#says.textContent, this.#advice.textContent].filter(Boolean).join(' ');
    return [`${this.#mark.textContent} ${this.#title.textContent}: ${says}`, ...facts];
  }
}

export class StepList {
  /** @type {Map<string, Row>} */
  #rows;
  /** How many steps went wrong, or half. */
  bad = 0;
  warned = 0;

  /** @param {HTMLElement} list @param {string[]} names */
  constructor(list, names) {
    this.#rows = new Map(names.map((name) => [name, new Row(name)]));
    list.append(...Array.from(this.#rows.values(), ({ element }) => element));
  }

  reset() {
    this.bad = this.warned = 0;
    this.#rows.forEach((row) => row.show('wait'));
  }

  /** @param {string} name */
  begin(name) {
    this.#rows.get(name)?.show('busy');
  }

  /** @param {string} name @param {string} key @param {Params} [params] */
  tell(name, key, params) {
    this.#rows.get(name)?.show('busy', { key, params });
  }

  /** @param {string} name @param {Result} result */
  end(name, result) {
    this.bad += result.mark === 'bad' ? 1 : 0;
    this.warned += result.mark === 'warn' ? 1 : 0;
    this.#rows.get(name)?.show(result.mark, result);
  }

  lines() {
    return Array.from(this.#rows.values(), (row) => row.lines).flat();
  }
}
