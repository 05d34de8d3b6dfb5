/*
 * How well each peer is received, every two seconds: what counts is whether pictures really come,
 * not what a state says.
 */

/** @typedef {import('../client.js').Peer} Peer */
/** @typedef {import('../client.js').PeerStats} PeerStats */
/** @typedef {'new' | 'measuring' | 'good' | 'fair' | 'poor' | 'frozen'} Grade */

const EVERY_MS = 2000;
const FROZEN_MS = 3000;
const POOR = { loss: 8, rtt: 800 };
const FAIR = { loss: 2, rtt: 300 };

/** @param {PeerStats} stats @param {{ loss: number, rtt: number }} limit */
function exceeds({ lossPct, rttMs }, limit) {
  return (lossPct ?? 0) > limit.loss || (rttMs ?? 0) > limit.rtt;
}

/**
 * @param {() => Iterable<Peer>} peers
 * @param {(peer: Peer, grade: Grade, stats: PeerStats | null) => void} show
 * @param {AbortSignal} signal ends it
 * @returns {(peer: Peer) => void} looks at that one now
 */
export function watchQuality(peers, show, signal) {
  /** When a picture came last. @type {WeakMap<Peer, number>} */
  const moved = new WeakMap();

  /** @param {Peer} peer @param {PeerStats} stats @returns {Grade} */
  const grade = (peer, stats) => {
    const { cam, screen } = peer.sources;
    const now = performance.now();
    if (!moved.has(peer)) {
      moved.set(peer, now);
      return 'measuring'; // rates need a second look
    }
    // A page in the background need not decode.
    if (!(cam || screen) || stats.fps > 0 || document.hidden) {
      moved.set(peer, now);
    }
    if (now - (moved.get(peer) ?? now) >= FROZEN_MS) {
      return 'frozen';
    }
    return exceeds(stats, POOR) ? 'poor' : exceeds(stats, FAIR) ? 'fair' : 'good';
  };

  /** @param {Peer} peer */
  const look = async (peer) => {
    const isConnected = peer.state === 'connected';
    const stats = isConnected ? await peer.stats().catch(() => null) : null;
    if (!isConnected) {
      moved.delete(peer);
    }
    if (!signal.aborted) {
      show(peer, stats ? grade(peer, stats) : isConnected ? 'measuring' : 'new', stats);
    }
  };

  const timer = setInterval(() => [...peers()].forEach(look), EVERY_MS);
  signal.addEventListener('abort', () => clearInterval(timer));
  return look;
}
