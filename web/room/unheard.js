/*
 * Who speaks while the microphone is off is told so. What is listened to is a copy of the track that
 * goes nowhere.
 */

import { byId, make } from '../lib/dom.js';
import { say } from '../lib/i18n.js';
import { watchLevel } from './meter.js';
import { LOUD } from './speaking.js';

const EVERY_MS = 300;
const WORDS = 4; // loud looks, and no long pause between them: a cough is less
const PAUSE = 0.2; // so much of a word is forgotten in each look without
const SHOWN_MS = 6000;
const AGAIN_MS = 60_000;

/**
 * @param {import('./own-media.js').OwnMedia} own
 * @param {AbortSignal} signal ends it
 */
export function watchUnheard(own, signal) {
  const box = byId('unheard', HTMLElement);
  /** @type {MediaStreamTrack | null} whose copy is listened to */
  let watched = null;
  let stop = () => {};
  let words = 0;
  let quietUntil = 0;

  /** @param {number} level */
  const hear = (level) => {
    const now = performance.now();
    words = level > LOUD ? words + 1 : Math.max(0, words - PAUSE);
    if (words >= WORDS && now > quietUntil) {
      quietUntil = now + AGAIN_MS;
      say(box.appendChild(make('p')), 'mic.unheard');
      setTimeout(() => box.replaceChildren(), SHOWN_MS);
    }
  };

  const follow = () => {
    const track = own.isOn.mic || signal.aborted ? null : own.tracks.mic;
    if (track === watched) {
      return;
    }
    stop();
    box.replaceChildren();
    watched = track;
    words = quietUntil = 0;
    const copy = track?.clone();
    if (copy) {
      copy.enabled = true;
      const stopMeter = watchLevel(copy, hear, EVERY_MS);
      stop = () => {
        stopMeter();
        copy.stop();
      };
    } else {
      stop = () => {};
    }
  };
  own.addEventListener('change', follow, { signal });
  signal.addEventListener('abort', follow);
  follow();
}
