/*
 * Removing somebody from the room, for those who may. It is asked for once more: there is no way back.
 */

import { byId } from '../lib/dom.js';
import { say } from '../lib/i18n.js';
import { nameOf, wordsOf } from './names.js';

const dialog = byId('remove', HTMLDialogElement);

/**
 * @param {import('../client.js').Room} room
 * @param {import('../client.js').Peer} peer
 */
export function askToRemove(room, peer) {
  const end = new AbortController();
  say(byId('remove-title', HTMLElement), 'remove.title', { name: wordsOf(nameOf(peer)) });
  byId('remove-note', HTMLElement).hidden = room.locked;
  byId('remove-yes', HTMLButtonElement).onclick = () => {
    dialog.close();
    room.kick(peer).catch(() => {}); // told as any refusal
  };
  dialog.addEventListener('close', () => end.abort(), { signal: end.signal });
  room.on('leave', (gone) => gone.peer === peer && dialog.close(), { signal: end.signal });
  room.on('state', ({ state }) => state === 'closed' && dialog.close(), { signal: end.signal });
  dialog.showModal();
}
