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

/**
 * What the list shows now: of each, by the ID ('' is oneself), what its row says, and the row.
 * @type {Map<string, { said: string, line: HTMLElement }>}
 */
let shown = new Map();

/**
 * Rows that stay are not touched: somebody may be about to press a button there, or have the focus on it.
 * @param {HTMLElement[]} lines
 */
function bringInStep(lines) {
  const list = byId('people', HTMLElement);
  for (const line of [...list.children].filter((one) => !lines.includes(/** @type {HTMLElement} */ (one)))) {
    line.remove();
  }
  lines.forEach((line, i) => {
    if (list.children[i] !== line) {
      list.insertBefore(line, list.children[i] ?? null);
    }
  });
}

/**
 * Bring the list in step. A row is made anew only when it says something else.
 * @param {import('../client.js').Room} room
 * @param {import('./own-media.js').OwnMedia} own
 * @param {{ sendFile: (peer: Peer) => void, remove: (peer: Peer) => void, rename: () => void }} acts
 */
export function showPeople(room, own, { sendFile, remove, rename }) {
  const before = shown;
  shown = new Map();
  /** @param {string} id @param {unknown} what @param {() => HTMLElement} build */
  const put = (id, what, build) => {
    const said = JSON.stringify(what);
    const old = before.get(id);
    shown.set(id, old?.said === said ? old : { said, line: build() });
    return /** @type {{ line: HTMLElement }} */ (shown.get(id)).line;
  };
  const { mic, cam } = own.tracks;
  const self = { mic: Boolean(mic && own.isOn.mic), cam: Boolean(cam), hand: isRaised(room.self) };
  const lines = [put('', [room.self, self], () => (
    row(ownNameOf(room.self), self, [action('edit', 'settings.open', {}, rename)])
  ))];
  for (const peer of room.peers.values()) {
    const { id, sources } = peer;
    /** Whoever that is when the button is pressed. @param {(peer: Peer) => void} act */
    const to = (act) => () => {
      const now = room.peers.get(id);
      if (now) {
        act(now);
      }
    };
    const isOn = { mic: Boolean(sources.mic), cam: Boolean(sources.cam), hand: isRaised(peer) };
    const canKick = room.can.includes('kick');
    const line = put(id, [peer.name, isOn, canKick], () => {
      const name = nameOf(peer);
      const params = { name: wordsOf(name) };
      const buttons = [action('clip', 'file.sendTo', params, to(sendFile))];
      if (canKick) {
        buttons.push(action('remove', 'people.remove', params, to(remove)));
      }
      return row(name, isOn, buttons);
    });
    const send = /** @type {HTMLButtonElement} */ (line.querySelector('button'));
    send.disabled = peer.state !== 'connected';
    line.classList.toggle('away', peer.away);
    lines.push(line);
  }
  bringInStep(lines);
  byId('count', HTMLElement).textContent = String(lines.length);
  sayIn(byId('open-people', HTMLElement), 'aria-label', 'people.count', { count: lines.length });
}
