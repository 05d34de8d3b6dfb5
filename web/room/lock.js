/*
 * The room's lock: the switch among the people, for those who may, and the sign beside it for all.
 */

import { byId } from '../lib/dom.js';
import { say } from '../lib/i18n.js';
import { nameOf, wordsOf } from './names.js';
import { announce } from './status.js';

/**
 * @param {import('../client.js').Room} room
 * @param {AbortSignal} signal ends it
 */
export function watchLock(room, signal) {
  const field = byId('lock', HTMLInputElement);
  const note = byId('lock-note', HTMLElement);

  /** The id of who did it, if that is known. @type {string | undefined} */
  let by;
  const show = () => {
    const peer = room.peers.get(by ?? '');
    const known = by === room.self.id ? 'lock.onByYou' : peer ? 'lock.onBy' : 'lock.on';
    const isAllowed = room.can.includes('lock');
    field.checked = room.locked;
    byId('lock-line', HTMLElement).hidden = !isAllowed;
    note.hidden = !room.locked && !isAllowed;
    say(note, room.locked ? known : 'lock.off', { name: peer ? wordsOf(nameOf(peer)) : '' });
    document.querySelectorAll('.lock-sign').forEach((sign) => sign.toggleAttribute('hidden', !room.locked));
    return peer;
  };
  field.addEventListener('change', () => {
    const { checked } = field;
    field.checked = room.locked; // until the server has done it
    room.lock(checked).catch(() => {}); // told as any refusal
  }, { signal });
  room.on('lock', ({ locked, by: who }) => {
    by = who;
    const peer = show();
    if (peer) {
      announce(locked ? 'lock.locked' : 'lock.opened', { name: wordsOf(nameOf(peer)) });
    }
  }, { signal });
  // What one may can have changed.
  room.on('state', ({ state }) => state === 'open' && show(), { signal });
  room.on('self', show, { signal });
  show();
}
