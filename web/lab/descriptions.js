/*
 * The last session description sent and received, to read and to copy.
 */

import { byId } from '../lib/dom.js';
import { copyOnClick } from './copy.js';

export class Description {
  #area;
  #type;
  #button;

  /**
   * @param {'sdp-sent' | 'sdp-received'} id
   * @param {() => void} copyFailed the text is selected then
   */
  constructor(id, copyFailed) {
    this.#area = byId(id, HTMLTextAreaElement);
    this.#type = byId(`${id}-type`, HTMLElement);
    this.#button = byId(`${id}-copy`, HTMLButtonElement);
    copyOnClick(this.#button, this.#area, copyFailed);
  }

  /** @param {string} type @param {string} sdp */
  show(type, sdp) {
    this.#area.value = sdp;
    this.#type.textContent = type;
    this.#type.hidden = false;
    this.#button.disabled = false;
  }
}
