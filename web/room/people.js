/*
 * Who is in the room: a list with what each of them sends, and what one can do there: send them a file, remove them.
 */

import { byId, icon, make } from '../lib/dom.js';
import { say, sayIn } from '../lib/i18n.js';
import { isRaised } from './hands.js';
import { nameOf, ownNameOf, wordsOf } from './names.js';
import { avatar } from './tile.js';

/** @typedef {import('../client.js').Peer} Peer */
/** @typedef {import('./names.js').Name} Name */

/**
 * @param {Name} name
 * @param {{ mic: boolean, cam: boolean, hand: boolean }} isOn
 * @param {HTMLButtonElement[]} buttons what one can do there
 */
function row(name, isOn, buttons) {
  const line = make('li');
  const text = make('span', 'name');
  say(text, name.key, name.params);
  line.append(avatar(name.plain), text);
  if (isOn.hand) {
    line.append(sign('hand', 'hand.up'));
  }
  for (const kind of /** @type {('mic' | 'cam')[]} */ (['mic', 'cam'])) {
    const state = isOn[kind] ? '' : 'Off';
    const shown = sign(isOn[kind] ? kind : `${kind}-off`, `people.${kind}${state}`);
    shown.classList.toggle('off', !isOn[kind]);
    line.append(shown);
  }
  line.append(...buttons);
  return line;
}

/** @param {string} name of the icon @param {string} key what it means */
function sign(name, key) {
  const shown = make('span');
  shown.setAttribute('role', 'img');
  sayIn(shown, 'aria-label', key);
  shown.append(icon(name));
  return shown;
}

/**
 * @param {string} name of the icon
 * @param {string} key what it does
 * @param {import('../lib/i18n.js').Params} params
 * @param {() => void} act
 */
function action(name, key, params, act) {
  const button = make('button', 'square quiet');
  button.append(icon(name));
  sayIn(button, 'aria-label', key, params);
  sayIn(button, 'title', key, params);
  button.addEventListener('click', act);
  return button;
}

/** What the list shows now. */
let shown = '';

/**
 * Bring the list in step. It is made anew only when it changes, so that the focus stays.
 * @param {import('../client.js').Room} room
 * @param {import('./own-media.js').OwnMedia} own
 * @param {{ sendFile: (peer: Peer) => void, remove: (peer: Peer) => void, rename: () => void }} acts
 */
export function showPeople(room, own, { sendFile, remove, rename }) {
  const { mic, cam } = own.tracks;
  const next = JSON.stringify([room.self, room.can, own.isOn, mic?.id, cam?.id, [...room.peers.values()].map((peer) => (
    [peer.id, peer.name, peer.sources, peer.state, peer.away, isRaised(peer)]
  ))]);
  if (next === shown) {
    return;
  }
  shown = next;
  const rows = [row(ownNameOf(room.self), {
    mic: Boolean(mic && own.isOn.mic), cam: Boolean(cam), hand: isRaised(room.self),
  }, [action('edit', 'settings.open', {}, rename)])];
  for (const peer of room.peers.values()) {
    const name = nameOf(peer);
    const { sources } = peer;
    const params = { name: wordsOf(name) };
    const send = action('clip', 'file.sendTo', params, () => sendFile(peer));
    send.disabled = peer.state !== 'connected';
    const buttons = [send];
    if (room.can.includes('kick')) {
      buttons.push(action('remove', 'people.remove', params, () => remove(peer)));
    }
    const line = row(name, { mic: Boolean(sources.mic), cam: Boolean(sources.cam), hand: isRaised(peer) }, buttons);
    line.classList.toggle('away', peer.away);
    rows.push(line);
  }
  byId('people', HTMLElement).replaceChildren(...rows);
  byId('count', HTMLElement).textContent = String(rows.length);
  sayIn(byId('open-people', HTMLElement), 'aria-label', 'people.count', { count: rows.length });
}
