/*
 * What becomes of the server and of our place there, told in the strip: it is away, it restarts, the
 * invitation ends.
 */

import { shownLanguage } from '../lib/i18n.js';
import { clearStrip, showStrip } from './strip.js';
import { tokenEnd } from '../lib/token.js';

const RESTART_MS = 15_000; // beyond the time that it wants us to wait; later it is lost
const LOOK_MS = 15_000;
const WARN_MS = 5 * 60_000; // before the invitation ends

/** @param {import('../client.js').Room} room @param {AbortSignal} signal */
function watchAway(room, signal) {
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let restart;
  const lose = () => {
    restart = undefined;
    showStrip('server', 'strip.offline');
  };
  room.on('closing', ({ retryAfter }) => {
    restart = setTimeout(lose, retryAfter * 1000 + RESTART_MS);
    showStrip('server', 'strip.closing');
  }, { signal });
  const stop = () => {
    clearTimeout(restart);
    restart = undefined;
  };
  room.on('state', ({ state }) => {
    if (state === 'open') {
      stop();
      clearStrip('server');
    } else if (!restart) {
      lose();
    }
  }, { signal });
  signal.addEventListener('abort', stop);
}

/** @param {AbortSignal} signal */
function watchToken(signal) {
  let warned = NaN;
  const look = () => {
    const end = tokenEnd();
    const left = end - Date.now();
    if (left < WARN_MS && warned !== end) {
      warned = end;
      const way = { key: 'strip.dismiss', act: () => clearStrip('token') };
      const time = new Date(end).toLocaleTimeString(shownLanguage(), { timeStyle: 'short' });
      showStrip('token', 'strip.tokenEnds', { params: { time }, way });
    } else if (left >= WARN_MS) {
      clearStrip('token');
    }
  };
  const timer = setInterval(look, LOOK_MS);
  signal.addEventListener('abort', () => clearInterval(timer));
  addEventListener('hashchange', look, { signal }); // a fresh link, opened in this tab
  look();
}

/** @param {import('../client.js').Room} room @param {AbortSignal} signal ends it */
export function watchServer(room, signal) {
  watchAway(room, signal);
  watchToken(signal);
}
