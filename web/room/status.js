/*
 * Passing news, shown for some seconds and read out by screen readers: who came, who left, what was
 * said while the chat is closed.
 */

import { byId, make } from '../lib/dom.js';
import { say } from '../lib/i18n.js';

const SHOWN_MS = 5000;
const MOST = 2;
const LONGEST_NAME = 20; // of a name: what is told stands behind it, and a phone has one line

const box = byId('status', HTMLElement);

/** What they told is seen elsewhere now. */
export function clearStatus() {
  box.replaceChildren();
}

/** @param {string | number} name */
export function brief(name) {
  const letters = [...String(name)];
  return letters.length > LONGEST_NAME ? `${letters.slice(0, LONGEST_NAME - 1).join('').trimEnd()}…` : name;
}

/**
 * @param {string} key
 * @param {import('../lib/i18n.js').Params} [params]
 */
export function announce(key, params) {
  const told = params?.name ? { ...params, name: brief(params.name) } : params;
  const line = make('p');
  say(line, key, told);
  box.append(line);
  while (box.children.length > MOST) {
    box.firstElementChild?.remove();
  }
  setTimeout(() => line.remove(), SHOWN_MS);
}
