/*
 * Passing news, shown for some seconds and read out by screen readers: who came, who left, what was
 * said while the chat is closed.
 */

import { byId, make } from '../lib/dom.js';
import { t } from '../lib/i18n.js';

const SHOWN_MS = 5000;
const MOST = 2;

const box = byId('status', HTMLElement);

/** What they told is seen elsewhere now. */
export function clearStatus() {
  box.replaceChildren();
}

/**
 * @param {string} key
 * @param {import('../lib/i18n.js').Params} [params]
 */
export function announce(key, params) {
  const line = make('p', '', t(key, params));
  box.append(line);
  while (box.children.length > MOST) {
    box.firstElementChild?.remove();
  }
  setTimeout(() => line.remove(), SHOWN_MS);
}
