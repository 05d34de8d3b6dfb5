/*
 * Who is speaking: for peers from their audio as it arrives, for this page from its microphone.
 */

import { watchLevel } from './meter.js';

/** @typedef {import('../client.js').Peer} Peer */

const EVERY_MS = 300;
const HOLD_MS = 600; // a breath between two words is not the end
const LOUD = 0.02;

/** @param {Peer} peer */
function levelOf({ pc, sources }) {
  if (!pc || sources.mic === false) {
    return 0;
  }
  const levels = pc.getReceivers()
    .filter(({ track }) => track.kind === 'audio')
    .map((receiver) => receiver.getSynchronizationSources()[0]?.audioLevel ?? 0);
  return Math.max(0, ...levels);
}

/**
 * @param {() => Iterable<Peer>} peers
 * @param {import('./own-media.js').OwnMedia} own
 * @param {(key: string, isSpeaking: boolean) => void} show by the peer's id, or `self`
 * @param {AbortSignal} signal ends it
 */
export function watchSpeaking(peers, own, show, signal) {
  /** Until when somebody counts as speaking. @type {Map<string, number>} */
  const until = new Map();
  /** @param {string} key @param {number} level */
  const hear = (key, level) => {
    const now = performance.now();
    if (level > LOUD) {
      until.set(key, now + HOLD_MS);
    }
    show(key, (until.get(key) ?? 0) > now);
  };

  /** @type {MediaStreamTrack | null} */
  let measured = null;
  let stopMeter = () => {};
  const follow = () => {
    if (own.tracks.mic !== measured) {
      stopMeter();
      measured = own.tracks.mic;
      stopMeter = measured ? watchLevel(measured, (level) => hear('self', level), EVERY_MS) : () => {};
    }
  };
  own.addEventListener('change', follow, { signal });
  follow();

  const timer = setInterval(() => {
    for (const peer of peers()) {
      hear(peer.id, levelOf(peer));
    }
  }, EVERY_MS);
  signal.addEventListener('abort', () => {
    clearInterval(timer);
    stopMeter();
  });
}
