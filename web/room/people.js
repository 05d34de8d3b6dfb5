/*
 * Who is in the room: a list with what each of them sends, and a way to send them a file.
 */

import { byId, icon, make } from '../lib/dom.js';
import { say, sayIn } from '../lib/i18n.js';
import { nameOf, ownNameOf, wordsOf } from './names.js';
import { avatar } from './tile.js';

/** @typedef {import('../client.js').Peer} Peer */
/** @typedef {import('./names.js').Name} Name */

/** @param {Name} name @param {{ mic: boolean, cam: boolean }} isOn */
function row(name, isOn) {
  const line = make('li');
  const text = make('span', 'name');
  say(text, name.key, name.params);
  line.append(avatar(name.plain), text);
  for (const kind of /** @type {('mic' | 'cam')[]} */ (['mic', 'cam'])) {
    const state = make('span', isOn[kind] ? '' : 'off');
    state.setAttribute('role', 'img');
    sayIn(state, 'aria-label', `people.${kind}${isOn[kind] ? '' : 'Off'}`);
    state.append(icon(isOn[kind] ? kind : `${kind}-off`));
    line.append(state);
  }
  return line;
}

/** What the list shows now. */
let shown = '';

/**
 * Bring the list in step. It is made anew only when it changes, so that the focus stays.
 * @param {import('../client.js').Room} room
 * @param {import('./own-media.js').OwnMedia} own
 * @param {(peer: Peer) => void} sendFile
 */
export function showPeople(room, own, sendFile) {
  const { mic, cam } = own.tracks;
  const next = JSON.stringify([room.self, own.isOn, mic?.id, cam?.id, [...room.peers.values()].map((peer) => (
    [peer.id, peer.name, peer.sources, peer.state, peer.away]
  ))]);
  if (next === shown) {
    return;
  }
  shown = next;
  const rows = [row(ownNameOf(room.self), { mic: Boolean(mic && own.isOn.mic), cam: Boolean(cam) })];
  for (const peer of room.peers.values()) {
    const name = nameOf(peer);
    const { sources } = peer;
    const line = row(name, { mic: Boolean(sources.mic), cam: Boolean(sources.cam) });
    const button = make('button', 'square quiet');
    button.append(icon('clip'));
    sayIn(button, 'aria-label', 'file.sendTo', { name: wordsOf(name) });
    sayIn(button, 'title', 'file.sendTo', { name: wordsOf(name) });
    button.disabled = peer.state !== 'connected';
    button.addEventListener('click', () => sendFile(peer));
    line.classList.toggle('away', peer.away);
    line.append(button);
    rows.push(line);
  }
  byId('people', HTMLElement).replaceChildren(...rows);
  byId('count', HTMLElement).textContent = String(rows.length);
  sayIn(byId('open-people', HTMLElement), 'aria-label', 'people.count', { count: rows.length });
}
