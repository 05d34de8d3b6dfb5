/*
 * The last session description sent and received, to read and to copy.
 */

import { say } from './i18n.js';
import { byId } from './dom.js';

/**
 * Copy by the clipboard, which plain http does not have, else by selection.
 * @param {HTMLTextAreaElement} area
 */
async function copy(area) {
  if (navigator.clipboard) {
    return navigator.clipboard.writeText(area.value).then(() => true, () => false);
  }
  area.select();
  return document.execCommand('copy');
}

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
    this.#button.addEventListener('click', async () => {
      if (await copy(this.#area)) {
        say(this.#button, 'copied');
        setTimeout(() => say(this.#button, 'copy'), 1500);
      } else {
        this.#area.select();
        copyFailed();
      }
    });
  }

  /** @param {string} type @param {string} sdp */
  show(type, sdp) {
    this.#area.value = sdp;
    this.#type.textContent = type;
    this.#type.hidden = false;
    this.#button.disabled = false;
  }
}
