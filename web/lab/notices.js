/*
 * The strip of notices above the page: one sentence each, until it is dismissed or no longer true.
 */

import { say, sayIn } from '../lib/i18n.js';
import { make } from '../lib/dom.js';

/** @typedef {import('../lib/i18n.js').Key} Key */
/** @typedef {import('../lib/i18n.js').Params} Params */

export class Notices {
  #place;
  /** @type {Map<string, HTMLElement>} by the matter they are about */
  #shown = new Map();

  /** @param {HTMLElement} place */
  constructor(place) {
    this.#place = place;
  }

  /**
   * Say this about the matter, instead of what was said about it before.
   * @param {string} matter
   * @param {'bad' | 'warn'} tone
   * @param {Key} key
   * @param {Params} [params]
   */
  show(matter, tone, key, params) {
    let notice = this.#shown.get(matter);
    if (!notice) {
      notice = this.#make(matter);
      this.#shown.set(matter, notice);
      this.#place.append(notice);
    }
    notice.dataset.tone = tone;
    const text = notice.firstElementChild;
    // Writing the same words again would make a screen reader repeat them.
    if (text && (text.getAttribute('data-i18n') !== key || params)) {
      say(text, key, params);
    }
  }

  /** @param {string} matter */
  hide(matter) {
    this.#shown.get(matter)?.remove();
    this.#shown.delete(matter);
  }

  /** @param {string} matter */
  #make(matter) {
    const notice = make('div', 'notice');
    notice.id = `notice-${matter}`;
    const close = make('button', 'close', '×');
    sayIn(close, 'aria-label', 'notice.close');
    close.addEventListener('click', () => this.hide(matter));
    notice.append(make('p'), close);
    return notice;
  }
}
