/*
 * One event opened: what it is, its session description with the m-lines folded and what is new
 * in it, and the message as it went over the wire.
 */

import { make } from '../lib/dom.js';
import { say, sayIn } from '../lib/i18n.js';
import { descriptionOf, parse } from './message.js';
import { diff } from './sdp.js';

/** @typedef {import('../client.js').Trace} Trace */

/** @param {Trace} trace */
function pretty(trace) {
  const json = parse(trace);
  try {
    return json === undefined ? trace.raw ?? '' : JSON.stringify(json, null, 2);
  } catch {
    return trace.raw ?? ''; // too deep to be written
  }
}

/** @param {string} key @param {...Node} children */
function fold(key, ...children) {
  const details = make('details');
  const summary = make('summary');
  say(summary, key);
  details.append(summary, ...children);
  return details;
}

export class Detail {
  element = make('section', 'signals-detail');
  #title = make('h2');
  #facts = make('p', 'small');
  #body = make('div', 'signals-body');
  #onlyNew = make('input');
  /** @type {{ trace: Trace, before: string } | null} */
  #shown = null;

  /** @param {() => void} close the reader is done with it */
  constructor(close) {
    const header = make('header');
    const button = make('button', 'quiet', '×');
    sayIn(button, 'aria-label', 'signals.close');
    button.addEventListener('click', close);
    header.append(this.#title, button);
    sayIn(this.element, 'aria-label', 'signals.detail');
    this.#onlyNew.type = 'checkbox';
    this.#onlyNew.addEventListener('change', () => this.#drawBody());
    this.element.append(header, this.#facts, this.#body);
    this.element.hidden = true;
  }

  /**
   * @param {Trace} trace
   * @param {string} way between which lanes
   * @param {string} before the description that this one is compared with, '' if none
   */
  show(trace, way, before) {
    const time = new Date(trace.t);
    const ms = String(time.getMilliseconds()).padStart(3, '0');
    const clock = `${time.toTimeString().slice(0, 8)}.${ms}`;
    this.#title.textContent = trace.type;
    const bytes = trace.bytes === undefined ? '' : `${trace.bytes} B`;
    this.#facts.textContent = [way, clock, bytes].filter(Boolean).join(' · ');
    this.#shown = { trace, before };
    this.#drawBody();
    this.element.hidden = false;
  }

  hide() {
    this.#shown = null;
    this.#body.replaceChildren();
    this.element.hidden = true;
  }

  #drawBody() {
    if (!this.#shown) {
      return;
    }
    const { trace, before } = this.#shown;
    const sdp = descriptionOf(trace);
    const raw = fold('signals.raw', make('pre', '', pretty(trace)));
    raw.open = !sdp;
    const isTelling = trace.summary !== trace.type;
    this.#body.replaceChildren(make('p', 'signals-summary', isTelling ? trace.summary : ''));
    if (sdp) {
      this.#body.append(...this.#drawSdp(before, sdp));
    }
    if (trace.raw !== undefined) {
      this.#body.append(raw);
    }
  }

  /** @param {string} before @param {string} sdp */
  #drawSdp(before, sdp) {
    const only = make('label', 'signals-check');
    const text = make('span');
    say(text, before ? 'signals.onlyNew' : 'signals.firstSdp');
    this.#onlyNew.disabled = !before;
    only.append(...before ? [this.#onlyNew] : [], text);
    const isFolding = Boolean(before) && this.#onlyNew.checked;
    const parts = diff(before, sdp).map((section) => {
      const details = make('details', 'signals-section');
      const summary = make('summary', '', section.title);
      if (before) {
        const count = make('span', section.changes ? 'changes' : 'changes none');
        say(count, section.changes ? 'signals.changes' : 'signals.same', { n: section.changes });
        summary.append(' ', count);
      }
      const lines = section.lines.filter(({ mark }) => !isFolding || mark !== ' ');
      const pre = make('pre');
      for (const { mark, text: line } of lines) {
        const kind = before ? { '+': 'added', '-': 'gone', ' ': '' }[mark] : '';
        pre.append(make('span', kind, `${before ? `${mark} ` : ''}${line}\n`));
      }
      details.open = Boolean(before) && section.changes > 0;
      details.append(summary, pre);
      return details;
    });
    return [only, ...parts];
  }
}
