/*
 * The drawer at the side, on a phone from below: chat, people, signals, as tabs.
 */

import { byId } from '../lib/dom.js';

/** @typedef {'chat' | 'people' | 'signals'} TabName */

const TABS = /** @type {TabName[]} */ (['chat', 'people', 'signals']);
const box = byId('drawer', HTMLElement);

/** @param {TabName} name */
const tabOf = (name) => byId(`tab-${name}`, HTMLButtonElement);

export class Drawer extends EventTarget {
  /** What had the focus before. @type {Element | null} */
  #before = null;
  /** Shown, or shown last. @type {TabName} */
  tab = 'chat';

  /** @param {AbortSignal} signal ends it */
  constructor(signal) {
    super();
    for (const name of TABS) {
      tabOf(name).addEventListener('click', () => this.open(name), { signal });
    }
    byId('drawer-close', HTMLElement).addEventListener('click', () => this.close(), { signal });
    box.addEventListener('keydown', (event) => this.#onKey(event), { signal });
    for (const name of /** @type {TabName[]} */ (['chat', 'people'])) {
      byId(`open-${name}`, HTMLElement).addEventListener('click', () => this.toggle(name), { signal });
    }
    signal.addEventListener('abort', () => { box.hidden = true; });
    this.#show();
  }

  get isOpen() {
    return !box.hidden;
  }

  /** @param {TabName} name */
  toggle(name) {
    if (this.isOpen && this.tab === name) {
      this.close();
    } else {
      this.open(name);
    }
  }

  /** @param {TabName} name */
  open(name) {
    if (box.hidden) {
      this.#before = document.activeElement;
    }
    this.tab = name;
    box.hidden = false;
    this.#show();
    if (name === 'chat') {
      byId('chat-text', HTMLElement).focus();
    } else {
      tabOf(name).focus();
    }
  }

  close() {
    box.hidden = true;
    this.#show();
    if (this.#before instanceof HTMLElement) {
      this.#before.focus();
    }
  }

  #show() {
    box.dataset.tab = this.tab;
    for (const name of TABS) {
      const isShown = name === this.tab;
      tabOf(name).setAttribute('aria-selected', String(isShown));
      tabOf(name).tabIndex = isShown ? 0 : -1;
      byId(`panel-${name}`, HTMLElement).hidden = !isShown;
      document.getElementById(`open-${name}`)?.setAttribute('aria-expanded', String(isShown && this.isOpen));
    }
    this.dispatchEvent(new Event('change'));
  }

  /** @param {KeyboardEvent} event */
  #onKey(event) {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (event.key === 'Escape' && !event.isComposing) {
      this.close();
    } else if (step && event.target instanceof Element && event.target.getAttribute('role') === 'tab') {
      const next = TABS[(TABS.indexOf(this.tab) + step + TABS.length) % TABS.length];
      this.open(next);
      tabOf(next).focus();
    }
  }
}
