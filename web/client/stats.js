// The few numbers of a connection that people ask for (W3C Identifiers for WebRTC's Statistics API).
import { SignalError } from './error.js';

/**
 * @typedef {import('../client.js').PeerStats} PeerStats
 *
 * @typedef {{ seconds: number, bytesIn: number, bytesOut: number, frames: number, lost: number,
 *   received: number }} Counts since the connection began
 *
 * @typedef {{ id: string, type: string, timestamp: number, selectedCandidatePairId?: string, bytesReceived?: number,
 *   bytesSent?: number, currentRoundTripTime?: number, localCandidateId?: string, framesDecoded?: number,
 *   packetsLost?: number, packetsReceived?: number, candidateType?: PeerStats['path'] }} Report
 */

const LATE_MS = 2000; // Firefox leaves the question without an answer if the connection is closed meanwhile

/** @param {RTCPeerConnection} pc @returns {Promise<Report[]>} */
async function ask(pc) {
  const late = new Promise((_, reject) => {
    setTimeout(reject, LATE_MS, new SignalError('closed'));
  });
  const report = await Promise.race([pc.getStats(), late]);
  return [...report.values()];
}

/**
 * Grows with all that comes; 0: no picture and no sound ever came. Bytes of RTCP are not in it everywhere, but
 * a sender's reports have a time: they come also of a picture that does not change.
 * @param {RTCPeerConnection} pc
 */
export async function arrivalsOf(pc) {
  const all = await ask(pc);
  if (!all.some(({ type, packetsReceived }) => type === 'inbound-rtp' && packetsReceived)) return 0;
  return all.reduce((sum, { type, timestamp, bytesReceived = 0 }) => {
    if (type === 'remote-outbound-rtp') return sum + timestamp;
    return /^(inbound-rtp|candidate-pair|transport)$/.test(type) ? sum + bytesReceived : sum;
  }, 0);
}

/** @param {number | undefined} n */
const orNull = (n) => (Number.isFinite(n) ? /** @type {number} */ (n) : null);

export class Stats {
  /** Those of the last call. @type {Counts | null} */
  #before = null;

  /** @param {RTCPeerConnection} pc always the same @returns {Promise<PeerStats>} */
  async read(pc) {
    const all = await ask(pc);
    const byId = new Map(all.map((report) => [report.id, report]));
    const inbound = all.filter(({ type }) => type === 'inbound-rtp');
    /** @param {'framesDecoded' | 'packetsLost' | 'packetsReceived'} name */
    const sum = (name) => inbound.reduce((total, report) => total + (report[name] ?? 0), 0);
    const transport = all.find(({ type }) => type === 'transport');
    const pair = byId.get(transport?.selectedCandidatePairId ?? '');
    const since = this.#count({
      seconds: Date.now() / 1000,
      bytesIn: pair?.bytesReceived ?? 0,
      bytesOut: pair?.bytesSent ?? 0,
      frames: sum('framesDecoded'),
      lost: sum('packetsLost'),
      received: sum('packetsReceived'),
    });
    /** @param {number} n */
    const perSecond = (n) => (since.seconds ? n / since.seconds : 0);
    return {
      rttMs: orNull(pair?.currentRoundTripTime === undefined ? undefined : pair.currentRoundTripTime * 1000),
      lossPct: orNull(100 * since.lost / (since.lost + since.received)),
      kbpsIn: perSecond(since.bytesIn / 125),
      kbpsOut: perSecond(since.bytesOut / 125),
      path: byId.get(pair?.localCandidateId ?? '')?.candidateType ?? null,
      fps: perSecond(since.frames),
    };
  }

  /** @param {Counts} now @returns {Counts} what came since the last call; nothing at the first */
  #count(now) {
    const before = this.#before ?? now;
    this.#before = now;
    const names = /** @type {(keyof Counts)[]} */ (Object.keys(now));
    const more = names.map((name) => [name, Math.max(0, now[name] - before[name])]);
    return /** @type {Counts} */ (Object.fromEntries(more));
  }
}
