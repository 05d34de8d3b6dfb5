/*
 * What happens while nobody looks at the page: counted in its title, and heard unless that is switched off.
 */

import { plainText } from '../lib/foreign.js';
import { say } from '../lib/i18n.js';
import { choices } from './choices.js';
import { playNotes } from './speaker.js';

const NOTES = { came: [523, 784], said: [784] }; // Hz
const RETURN_MS = 10_000; // after a restart of the server everybody comes again

/**
 * @param {import('../client.js').Room} room
 * @param {AbortSignal} signal ends it
 * @returns {(what: keyof typeof NOTES) => void} tells that it happened
 */
export function watchNotices(room, signal) {
  const title = /** @type {HTMLTitleElement} */ (document.querySelector('title'));
  let count = 0;
  let isSounding = false;
  let restarted = -RETURN_MS;

  const show = () => say(title, count ? 'room.titleCount' : 'room.title', { count, room: plainText(room.name) });
  const clear = () => {
    count = 0;
    show();
  };
  document.addEventListener('visibilitychange', () => document.hidden || clear(), { signal });
  signal.addEventListener('abort', clear);

  /** @param {keyof typeof NOTES} what */
  const note = async (what) => {
    if (!document.hidden) {
      return;
    }
    count++;
    show();
    if (choices.sounds && !isSounding) {
      isSounding = true;
      await playNotes(...NOTES[what]);
      isSounding = false;
    }
  };
  room.on('state', ({ fresh }) => { restarted = fresh ? performance.now() : restarted; }, { signal });
  room.on('peer', () => performance.now() - restarted < RETURN_MS || note('came'), { signal });
  return note;
}
