/*
 * Who is speaking: for peers from their audio as it arrives, for this page from its microphone.
 */

import { FULL, watchLevel } from './meter.js';
import { keyOf } from './names.js';

/** @typedef {import('../client.js').Peer} Peer */

const EVERY_MS = 300;
const HOLD_MS = 600; // a breath between two words is not the end
export const LOUD = 0.04; // as watchLevel() has it: 40 dB below the loudest

/** What was heard of each receiver when it was last looked at. */
const heard = new WeakMap();

/**
 * How loud it was since the last look, so that no word falls between two looks (W3C webrtc-stats,
 * RTCInboundRtpStreamStats.totalAudioEnergy).
 * @param {RTCRtpReceiver} receiver
 */
async function loudness(receiver) {
  const stats = await receiver.getStats().catch(() => new Map());
  const now = [...stats.values()].find(({ type }) => type === 'inbound-rtp');
  const last = heard.get(receiver);
  heard.set(receiver, now);
  const seconds = now && last ? now.totalSamplesDuration - last.totalSamplesDuration : 0;
  return seconds > 0
    ? Math.sqrt(Math.max(0, now.totalAudioEnergy - last.totalAudioEnergy) / seconds)
    : 0;
}

/** @param {Peer} peer */
async function levelOf({ pc, state, sources, streams }) {
  if (!pc || state !== 'connected' || sources.mic === false) {
    return 0; // of who is gone the last sound would stay
  }
  const isSound = (/** @type {MediaStreamTrack} */ track) => streams.screen?.getTracks().includes(track);
  const audio = pc.getReceivers().filter(({ track }) => track.kind === 'audio' && !isSound(track));
  return Math.max(0, ...await Promise.all(audio.map(loudness))) / FULL;
}

/**
 * @param {() => Iterable<Peer>} peers
 * @param {import('./own-media.js').OwnMedia} own
 * @param {(key: string, isSpeaking: boolean) => void} show by keyOf() of the peer, or `self`
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

  /** @param {Peer} peer */
  const listen = async (peer) => {
    const level = await levelOf(peer);
    if (!signal.aborted) {
      hear(keyOf(peer), level);
    }
  };
  const timer = setInterval(() => [...peers()].forEach(listen), EVERY_MS);
  signal.addEventListener('abort', () => {
    clearInterval(timer);
    stopMeter();
  });
}
