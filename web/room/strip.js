/*
 * The strip above the stage: there only while something is wrong, one line for each thing.
 */

import { byId, make } from '../lib/dom.js';
import { say } from '../lib/i18n.js';

/** @typedef {import('../lib/i18n.js').Params} Params */
/** @typedef {{ key: string, act: () => void }} Way out of it, on a button */

const box = byId('strip', HTMLElement);

/** @param {string} topic */
function find(topic) {
  return /** @type {HTMLElement | undefined} */ ([...box.children].find((line) => (
    line instanceof HTMLElement && line.dataset.topic === topic
  )));
}

/** @param {string} topic */
export function clearStrip(topic) {
  find(topic)?.remove();
}

/**
 * Say it, or say it anew, until it is cleared.
 * @param {string} topic
 * @param {string} key
 * @param {{ params?: Params, way?: Way }} [options]
 */
export function showStrip(topic, key, { params, way } = {}) {
  const old = find(topic);
  const line = old ?? make('p');
  line.dataset.topic = topic;
  line.replaceChildren(make('span'));
  say(/** @type {Element} */ (line.firstChild), key, params);
  if (way) {
    const button = make('button');
    say(button, way.key);
    button.addEventListener('click', way.act);
    line.append(button);
  }
  if (!old) {
    box.append(line);
  }
}
