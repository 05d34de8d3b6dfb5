/*
 * The page: the first screen, or the room that its address names: pre-join, call, end. Which screen
 * is shown is decided here and nowhere else. What is not needed before Join is loaded behind it.
 */

import { byId } from '../lib/dom.js';
import { addTexts, say, startLanguages } from '../lib/i18n.js';
import { roomOfPage } from './address.js';
import { startHome } from './home.js';
import { OwnMedia } from './own-media.js';
import { PreJoin } from './prejoin.js';
import { takeStay } from './stay.js';
import * as texts from './texts.js';
import { hasTokenEnded } from '../lib/token.js';

/** @typedef {import('../client.js').SignalError} SignalError */

const SLOW_MS = 2000;

/** By the code of a SignalError; all others: join.refused. @type {Partial<Record<string, string>>} */
const REFUSALS = {
  'room-full': 'join.full',
  'room-locked': 'join.locked',
  unauthorized: 'inside.noToken',
  forbidden: 'inside.otherRoom',
  kicked: 'join.kicked',
  replaced: 'join.elsewhere',
};

/** @param {string | undefined} code of a SignalError */
function refusalOf(code = '') {
  return code === 'unauthorized' && hasTokenEnded() ? 'inside.ended' : REFUSALS[code];
}

const loadVisit = () => import('./visit.js');

/** @param {SignalError} [error] why it ended; none: the person left */
function showEnd(error) {
  const text = byId('ended-text', HTMLElement);
  byId('ended', HTMLElement).hidden = false;
  byId('top', HTMLElement).hidden = false;
  say(text, error ? refusalOf(error.code) ?? 'ended.lost' : 'ended.left', { code: error?.code ?? '' });
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
    const loaded = await loadVisit().catch(() => null);
    if (!loaded || given.signal.aborted) {
      prejoin.busy(null);
      if (!loaded) {
        prejoin.tell('join.notLoaded');
      }
      return;
    }
    const begin = await loaded.join(room, name, own, given.signal);
    prejoin.close();
    byId('top', HTMLElement).hidden = true;
    begin(showEnd);
  } catch (error) {
    prejoin.busy(null);
    if (given.signal.aborted) {
      return;
    }
    const { code } = /** @type {SignalError} */ (error);
    prejoin.tell(refusalOf(code) ?? 'join.refused', { code: code ?? String(error) });
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
  loadVisit().catch(() => {}); // told when it is needed
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
byId('first', HTMLElement).remove();
startLanguages(byId('language', HTMLSelectElement), byId('settings-language', HTMLSelectElement));
document.querySelectorAll('dialog').forEach((dialog) => {
  dialog.querySelector('[data-close]')?.addEventListener('click', () => dialog.close());
});
