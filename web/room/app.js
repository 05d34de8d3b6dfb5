/*
 * The page: the first screen, or the room that its address names: pre-join, call, end. Which screen
 * is shown is decided here and nowhere else.
 */

import { connect } from '../client.js';
import { byId } from '../lib/dom.js';
import { addTexts, say, startLanguages } from '../lib/i18n.js';
import { roomOfPage } from './address.js';
import { Call } from './call.js';
import { startHome } from './home.js';
import { streamOf } from './outgoing.js';
import { OwnMedia } from './own-media.js';
import { PreJoin } from './prejoin.js';
import { Signals } from './signals.js';
import { takeStay } from './stay.js';
import * as texts from './texts.js';

/** @typedef {import('../client.js').SignalError} SignalError */

const SLOW_MS = 2000;
const HAS_RTC = typeof RTCPeerConnection !== 'undefined';

/** By the code of a SignalError; all others: join.refused. @type {Partial<Record<string, string>>} */
const REFUSALS = {
  'room-full': 'join.full',
  kicked: 'join.kicked',
  replaced: 'join.elsewhere',
};

/** Keeps the session over a reload, where storage is allowed. */
function storage() {
  try {
    return sessionStorage;
  } catch {
    return undefined;
  }
}

/** @param {SignalError} [error] why it ended; none: the person left */
function showEnd(error) {
  const text = byId('ended-text', HTMLElement);
  byId('ended', HTMLElement).hidden = false;
  byId('top', HTMLElement).hidden = false;
  say(text, error ? REFUSALS[error.code] ?? 'ended.lost' : 'ended.left', { code: error?.code ?? '' });
  byId('ended-again', HTMLElement).onclick = () => location.reload();
  text.focus();
}

/**
 * @param {string} room
 * @param {string} name
 * @param {OwnMedia} own
 * @param {PreJoin} prejoin
 */
async function enter(room, name, own, prejoin) {
  const given = new AbortController();
  prejoin.busy(() => given.abort());
  const slow = setTimeout(() => prejoin.tell('join.unreachable'), SLOW_MS);
  try {
    const client = connect(location.origin, { storage: storage() });
    const signals = new Signals(client);
    const joined = await client.join(room, {
      name: name || undefined,
      stream: HAS_RTC ? streamOf(own) : undefined,
      meta: HAS_RTC ? undefined : { rtc: false },
      signal: given.signal,
      token: new URLSearchParams(location.search).get('token') ?? undefined,
    });
    prejoin.close();
    byId('top', HTMLElement).hidden = true;
    new Call(joined, own, signals, showEnd);
  } catch (error) {
    prejoin.busy(null);
    if (given.signal.aborted) {
      return;
    }
    const { code } = /** @type {SignalError} */ (error);
    prejoin.tell(REFUSALS[code] ?? 'join.refused', { code: code ?? String(error) });
  } finally {
    clearTimeout(slow);
  }
}

/** @param {string} room */
function prepare(room) {
  const own = new OwnMedia();
  const stay = takeStay(room);
  if (stay) {
    own.isOn = { mic: stay.mic, cam: stay.cam };
  }
  const prejoin = new PreJoin(own, room, (name) => enter(room, name, own, prejoin));
  prejoin.start(Boolean(stay));
}

// A page that the browser kept has left its room.
addEventListener('pageshow', ({ persisted }) => persisted && location.reload());

addTexts(texts);
const title = /** @type {HTMLTitleElement} */ (document.querySelector('title'));
const room = roomOfPage();
if (room) {
  say(title, 'room.title', { room });
  prepare(room);
} else {
  say(title, 'home.title');
  startHome();
}
startLanguages(byId('language', HTMLSelectElement), byId('settings-language', HTMLSelectElement));
document.querySelectorAll('dialog').forEach((dialog) => {
  dialog.querySelector('[data-close]')?.addEventListener('click', () => dialog.close());
});
