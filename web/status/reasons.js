/*
 * What was refused, closed and given up, by reason: a table for each, with the rows that are not zero.
 */

import { make } from '../lib/dom.js';
import { say } from '../lib/i18n.js';
import { Lines } from './chart.js';
import { count, minutes } from './numbers.js';

/** @typedef {import('./chart.js').Span} Span */
/** @typedef {import('./history.js').History} History */
/** @typedef {import('./history.js').Status} Status */

/** The meters of each table by how their names begin. */
export const FAMILIES = { refused: 'refused_', accept: 'accept_', closed: 'closed_', shed: 'shed_' };
/** Connections that only waited, and a pause of all, are no refusals. */
const NO_REASONS = ['accept_delayed', 'accept_paused'];

/** @param {string} name of a meter @param {string} prefix */
export const isReason = (name, prefix) => name.startsWith(prefix) && !NO_REASONS.includes(name);

class Row {
  element = make('tr');
  #lines = new Lines();
  #recent = make('td', 'number');
  #all = make('td', 'number');
  #name;

  /** @param {string} name of the meter @param {string} label */
  constructor(name, label) {
    const head = make('th');
    const means = make('span', 'small');
    const drawn = make('td', 'drawn');
    this.#name = name;
    this.element.id = `reason-${name}`;
    head.scope = 'row';
    head.append(make('code', '', label), means);
    say(means, `status.reason.${name}`);
    drawn.append(this.#lines.element);
    this.element.append(head, drawn, this.#recent, this.#all);
  }

  /** @param {Span} span @param {History} history @param {Status} status */
  show(span, history, status) {
    const read = (/** @type {Status} */ { meters }) => meters[this.#name] ?? 0;
    this.#lines.show(span, [history.rate(read)]);
    this.#recent.textContent = count(history.grown(read));
    this.#all.textContent = count(read(status));
  }
}

class Table {
  element = make('section', 'card');
  #table = make('table');
  #body = make('tbody');
  #recent = make('th', 'number');
  #none = make('p');
  #prefix;
  /** @type {Map<string, Row>} */
  #rows = new Map();

  /** @param {string} family @param {string} prefix */
  constructor(family, prefix) {
    const title = make('h2');
    const top = make('header');
    const head = make('thead');
    const titles = make('tr');
    this.#prefix = prefix;
    this.element.id = `reasons-${family}`;
    title.id = `reasons-${family}-title`;
    this.element.setAttribute('aria-labelledby', title.id);
    for (const [key, look] of [['reason', ''], ['drawn', 'drawn'], ['all', 'number']]) {
      const cell = make('th', look);
      const name = make('span', key === 'drawn' ? 'unseen' : '');
      cell.scope = 'col';
      say(name, `status.column.${key}`);
      cell.append(name);
      titles.append(cell);
    }
    this.#recent.scope = 'col';
    titles.lastElementChild?.before(this.#recent);
    say(title, `status.family.${family}`);
    say(this.#none, 'status.none');
    head.append(titles);
    top.append(title);
    this.#table.append(head, this.#body);
    this.element.append(top, this.#none, this.#table);
  }

  /** @param {Span} span @param {History} history @param {Status} status */
  show(span, history, status) {
    const names = Object.keys(status.meters).filter((name) => isReason(name, this.#prefix) && status.meters[name]);
    names.sort((a, b) => status.meters[b] - status.meters[a]);
    for (const name of names.filter((one) => !this.#rows.has(one))) {
      this.#rows.set(name, new Row(name, name.slice(this.#prefix.length).replaceAll('_', '-')));
    }
    const rows = names.flatMap((name) => this.#rows.get(name) ?? []);
    rows.forEach((row) => row.show(span, history, status));
    this.#body.replaceChildren(...rows.map(({ element }) => element));
    say(this.#recent, 'status.column.recent', { n: minutes(span) });
    this.#none.hidden = rows.length > 0;
    this.#table.hidden = !rows.length;
  }
}

export class Reasons {
  #tables = Object.entries(FAMILIES).map(([family, prefix]) => new Table(family, prefix));

  /** @param {HTMLElement} place */
  constructor(place) {
    place.append(...this.#tables.map(({ element }) => element));
  }

  /** @param {Span} span @param {History} history @param {Status} status */
  show(span, history, status) {
    this.#tables.forEach((table) => table.show(span, history, status));
  }
}
