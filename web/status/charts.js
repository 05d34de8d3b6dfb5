/*
 * Which charts there are.
 */

import { byId } from '../lib/dom.js';
import { say } from '../lib/i18n.js';
import { Chart } from './chart.js';
import { bytes, count, minutes, rate } from './numbers.js';

/** @typedef {import('./chart.js').Span} Span */
/** @typedef {import('./history.js').History} History */
/** @typedef {import('./history.js').Status} Status */

/** @param {number} n */
const percent = (n) => `${count(n, 1)} %`;

export class Charts {
  #title = byId('status-charts-title', HTMLElement);
  #peers = new Chart('peers', count);
  #rooms = new Chart('rooms', count);
  #messages = new Chart('messages', rate, 2);
  #bytes = new Chart('bytes', bytes, 2);
  #memory = new Chart('memory', bytes);
  #refused = new Chart('refused', rate);
  #loop = new Chart('loop', percent);

  /** @param {HTMLElement} place */
  constructor(place) {
    const charts = [this.#peers, this.#rooms, this.#messages, this.#bytes, this.#memory, this.#refused, this.#loop];
    place.append(...charts.map(({ element }) => element));
  }

  /** @param {Span} span @param {History} history @param {Status} status */
  show(span, history, status) {
    say(this.#title, 'status.charts', { n: minutes(span) });
    this.#peers.show(span, [history.gauge(({ peers }) => peers)], status.max_peers);
    this.#rooms.show(span, [history.gauge(({ rooms }) => rooms)]);
    this.#messages.show(span, [history.rate((s) => s.messages_in), history.rate((s) => s.messages_out)]);
    this.#bytes.show(span, [history.rate((s) => s.bytes_in), history.rate((s) => s.bytes_out)]);
    this.#memory.show(span, [history.gauge(({ memory }) => memory)], status.max_memory);
    this.#refused.show(span, [history.rate(({ refused }) => refused)]);
    this.#loop.element.hidden = !status.turns;
    this.#loop.show(span, [history.rate((s) => s.turn_ns / 1e7)]);
  }
}
