/*
 * Traces as files: writing one, and checking one that a person opens, which may be anything. No
 * DOM.
 */

import { EVENTS_MAX } from './model.js';

/** @typedef {import('../client.js').Trace} Trace */
/** @typedef {import('../lib/i18n.js').Key} Key */
/** @typedef {{ key: Key, params?: Record<string, string | number> }} Problem a sentence */

export const FILE_MAX = 64 * 1024 * 1024; // bytes
const FORMAT = 'nakodo-trace';
const DIRECTIONS = ['in', 'out', 'state'];
/** Longer is no message that a server passes on. @type {Record<string, number>} */
const TEXTS = { type: 200, room: 1000, summary: 10_000, from: 200, to: 200, raw: 17_000_000 };
const NEEDED = ['type', 'room', 'summary'];

/** @param {Trace[]} events @param {boolean} [observed] see lanes.js */
export function writeTrace(events, observed = false) {
  const head = JSON.stringify({ format: FORMAT, version: 1, observed }).slice(1, -1);
  const lines = events.map((event) => JSON.stringify(event)).join(',\n');
  return `{${head},"events":[\n${lines}\n]}\n`;
}

/** With the members that are known; null: it is none. @param {any} event @returns {Trace | null} */
function readEvent(event) {
  const { t, dir, bytes } = event ?? {};
  if (!Number.isFinite(t) || Math.abs(t) > 8.64e15 || !DIRECTIONS.includes(dir)) {
    return null;
  }
  /** @type {Record<string, unknown>} */
  const read = { t, dir };
  if (bytes !== undefined) {
    if (!Number.isSafeInteger(bytes) || bytes < 0) {
      return null;
    }
    read.bytes = bytes;
  }
  for (const [name, most] of Object.entries(TEXTS)) {
    const text = event[name];
    const isText = typeof text === 'string' && text.length <= most;
    if (!isText && (text !== undefined || NEEDED.includes(name))) {
      return null;
    }
    if (isText) {
      read[name] = text;
    }
  }
  return /** @type {any} */ (read);
}

/**
 * @param {string} text
 * @returns {{ events: Trace[], observed: boolean, problem?: undefined }
 *   | { events?: undefined, problem: Problem }}
 */
export function readTrace(text) {
  let json;
  try {
    json = JSON.parse(text);
  } catch {
    return { problem: { key: 'signals.notJson' } };
  }
  if (json?.format !== FORMAT || !Array.isArray(json.events)) {
    return { problem: { key: 'signals.notTrace' } };
  }
  if (json.version !== 1) {
    return { problem: { key: 'signals.newer' } };
  }
  if (json.events.length > EVENTS_MAX) {
    return { problem: { key: 'signals.tooMany', params: { most: EVENTS_MAX } } };
  }
  const events = json.events.map(readEvent);
  const bad = events.indexOf(null);
  const observed = json.observed === true;
  return bad < 0 ? { events, observed } : { problem: { key: 'signals.badEvent', params: { at: bad + 1 } } };
}
