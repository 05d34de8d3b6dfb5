/*
 * A call of the page with itself: two RTCPeerConnections, through a TURN server alone if there is
 * one that works, with camera and microphone if there are. No DOM.
 */

import { HAS_RTC } from './browser.js';

/** @typedef {import('./steps.js').Found} Found */
/** @typedef {import('./steps.js').Result} Result */
/** @typedef {import('./steps.js').Sentence} Sentence */

const CONNECT_MS = 10_000;
const FRAMES_MS = 5000;
const POLL_MS = 200;

export class Pair {
  #a;
  #b;
  channel;
  /** @type {Promise<RTCDataChannel>} the other end of `channel` */
  received;

  /** @param {RTCConfiguration} configuration */
  constructor(configuration) {
    this.#a = new RTCPeerConnection(configuration);
    this.#b = new RTCPeerConnection(configuration);
    this.#carry(this.#a, this.#b);
    this.#carry(this.#b, this.#a);
    this.channel = this.#a.createDataChannel('check');
    this.received = new Promise((resolve) => {
      this.#b.addEventListener('datachannel', ({ channel }) => resolve(channel), { once: true });
    });
  }

  /** @param {MediaStream | null} stream @returns {Promise<number>} ms until it was open */
  async connect(stream) {
    const begin = performance.now();
    stream?.getTracks().forEach((track) => this.#a.addTrack(track, stream));
    const open = new Promise((resolve, reject) => {
      setTimeout(() => reject(new Error('timeout')), CONNECT_MS);
      this.channel.addEventListener('open', resolve, { once: true });
    });
    open.catch(() => {}); // it is awaited below, and may fail before
    await this.#a.setLocalDescription();
    await this.#b.setRemoteDescription(this.#a.localDescription ?? { type: 'offer' });
    await this.#b.setLocalDescription();
    await this.#a.setRemoteDescription(this.#b.localDescription ?? { type: 'answer' });
    await open;
    return performance.now() - begin;
  }

  /** How it is connected. @returns {Promise<{ local: string, remote: string, rtt: number }>} */
  async path() {
    const report = [...(await this.#a.getStats()).values()];
    const id = report.find(({ type }) => type === 'transport')?.selectedCandidatePairId;
    const pair = report.find((entry) => entry.id === id || entry.selected);
    const typeOf = (/** @type {string} */ key) => (
      report.find((entry) => entry.id === pair?.[key])?.candidateType ?? '?'
    );
    return {
      local: typeOf('localCandidateId'),
      remote: typeOf('remoteCandidateId'),
      rtt: (pair?.currentRoundTripTime ?? 0) * 1000,
    };
  }

  /** Wait for pictures. @returns {Promise<number>} frames decoded on the other side */
  async frames() {
    const deadline = performance.now() + FRAMES_MS;
    for (;;) {
      const report = [...(await this.#b.getStats()).values()];
      const video = report.find(({ type, kind }) => type === 'inbound-rtp' && kind === 'video');
      if (video?.framesDecoded > 0 || performance.now() > deadline) {
        return video?.framesDecoded ?? 0;
      }
      await new Promise((resolve) => { setTimeout(resolve, POLL_MS); });
    }
  }

  close() {
    this.#a.close();
    this.#b.close();
  }

  /** @param {RTCPeerConnection} from @param {RTCPeerConnection} to */
  #carry(from, to) {
    /** @type {RTCIceCandidate[]} found before the description that they belong to has arrived */
    const early = [];
    const add = (/** @type {RTCIceCandidate} */ candidate) => {
      // Names that nobody resolves, or a connection that was closed meanwhile: no harm.
      to.addIceCandidate(candidate).catch(() => {});
    };
    from.addEventListener('icecandidate', ({ candidate }) => {
      if (candidate) {
        to.remoteDescription ? add(candidate) : early.push(candidate);
      }
    });
    to.addEventListener('signalingstatechange', () => early.splice(0).forEach(add));
  }
}

/** @param {Found} found @returns {Promise<Result>} */
export async function checkLoopback(found) {
  if (!HAS_RTC) {
    return { mark: 'skip', key: 'check.needsRtc' };
  }
  const isRelayed = found.usable.length > 0;
  const pair = new Pair({
    iceServers: isRelayed ? found.usable : found.iceServers,
    iceTransportPolicy: isRelayed ? 'relay' : 'all',
  });
  let ms;
  try {
    ms = await pair.connect(found.stream);
  } catch {
    pair.close();
    const advice = isRelayed ? 'check.loopback.relayAdvice' : 'check.loopback.advice';
    return { mark: 'bad', key: 'check.loopback.bad', advice };
  }
  found.pair = pair;
  const { local, remote } = await pair.path();
  /** @type {Sentence[]} */
  const facts = [{ key: 'check.loopback.path', params: { local, remote } }];
  if (found.stream?.getVideoTracks().length) {
    const n = await pair.frames();
    facts.push({ key: n ? 'check.loopback.frames' : 'check.loopback.noFrames', params: { n } });
  }
  const key = isRelayed ? 'check.loopback.relayed' : 'check.loopback.good';
  return { mark: 'good', key, params: { ms: ms.toFixed(0) }, facts };
}
