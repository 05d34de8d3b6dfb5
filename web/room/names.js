/*
 * What people are called on the page. A name is a peer's text: it reaches the page as text only, and
 * does not pass for nothing, or for the person who reads it.
 */

import { plainName } from '../lib/foreign.js';
import { t } from '../lib/i18n.js';

/**
 * A name as a sentence, so that it changes with the language where it has words of ours.
 * @typedef {{ key: string, params: Record<string, string>, plain: string }} Name plain: for the avatar
 */

/** What the page calls the reader, in both languages: "You", "Hana (you)". */
const READER = /^(you|you share your screen|あなた|画面を共有しています)$|[([]\s*(you|あなた)\s*[)\]]?$/iu;

/** @param {{ id: string, name?: string }} person @returns {Name} */
export function nameOf({ id, name: told = '' }) {
  const name = plainName(told);
  if (!name) {
    return { key: 'room.guest', params: { id: id.slice(0, 4) }, plain: id };
  }
  const isReader = READER.test(name.normalize('NFKC'));
  return { key: isReader ? 'room.quoted' : 'name', params: { name }, plain: name };
}

/** @param {{ id: string, name?: string }} person @returns {Name} */
export function ownNameOf({ id, name: told = '' }) {
  const name = plainName(told);
  return name
    ? { key: 'room.you', params: { name }, plain: name }
    : { key: 'room.youAlone', params: {}, plain: id };
}

/** The name in the language shown, to stand in a sentence. @param {Name} name */
export function wordsOf({ key, params }) {
  return t(key, params);
}

/** The ids that peers had first. @type {WeakMap<object, string>} */
const firstIds = new WeakMap();

/** What a peer is known by on the screen, also when it has another id. @param {{ id: string }} peer */
export function keyOf(peer) {
  const key = firstIds.get(peer) ?? peer.id;
  firstIds.set(peer, key);
  return key;
}
