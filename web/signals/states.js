/*
 * The four states of each peer's RTCPeerConnection, read from the trace: what they are, and when
 * they changed. No DOM.
 */

import { peerOf } from './message.js';

/** @typedef {import('../client.js').Trace} Trace */
/** @typedef {'signaling' | 'gathering' | 'ice' | 'connection'} Kind */
/** @typedef {{ t: number, state: string }} Change */
/** @typedef {'idle' | 'busy' | 'good' | 'bad'} Tone */

/** @type {Kind[]} */
export const KINDS = ['signaling', 'gathering', 'ice', 'connection'];
const CHANGES_MAX = 200; // of each kind; older ones are forgotten

/** The names of the specification, the last one in a summary is the new state. */
const STATE = new RegExp('\\b(have-(?:local|remote)-(?:offer|pranswer)|stable|new|gathering'
  + '|complete|completed|checking|connecting|connected|disconnected|failed|closed)\\b', 'g');

/** @type {Record<string, Tone>} */
const TONES = {
  new: 'idle', closed: 'idle',
  stable: 'good', complete: 'good', connected: 'good', completed: 'good',
  disconnected: 'bad', failed: 'bad',
};

/** @param {string} state @returns {Tone} */
export function toneOf(state) {
  return TONES[state] ?? 'busy';
}

/** @param {string} type @returns {type is Kind} */
function isKind(type) {
  return KINDS.some((kind) => kind === type);
}

/** The state that a `state` event tells, '' if none of the four. @param {Trace} trace */
export function stateIn({ dir, type, summary }) {
  if (dir !== 'state' || !isKind(type)) {
    return '';
  }
  // The word itself is also the name of a kind or two: "gathering: gathering".
  return Array.from(summary.matchAll(STATE), ([word]) => word).at(-1) ?? '';
}

export class States {
  /** @type {Map<string, Record<Kind, Change[]>>} by peer, in order of appearance */
  #peers = new Map();
  /** ms, of the first and the last event */
  begin = Infinity;
  end = -Infinity;

  /** @param {Trace} trace */
  add(trace) {
    this.begin = Math.min(this.begin, trace.t);
    this.end = Math.max(this.end, trace.t);
    const state = stateIn(trace);
    const peer = peerOf(trace);
    if (!state || !peer) {
      return;
    }
    const changes = this.of(peer) ?? { signaling: [], gathering: [], ice: [], connection: [] };
    this.#peers.set(peer, changes);
    this.#change(changes[/** @type {Kind} */ (trace.type)], trace.t, state);
  }

  /**
   * The peer is gone. Its RTCPeerConnection was closed, of which no event tells (W3C WebRTC, 4.4.3),
   * and keeps its gathering state.
   * @param {string} peer @param {number} t
   */
  close(peer, t) {
    const { signaling, ice, connection } = this.of(peer) ?? {};
    for (const line of [signaling, ice, connection]) {
      if (line?.length) {
        this.#change(line, t, 'closed');
      }
    }
  }

  /** @param {Change[]} line @param {number} t @param {string} state */
  #change(line, t, state) {
    if (line.at(-1)?.state !== state) {
      line.push({ t, state });
      line.splice(0, line.length - CHANGES_MAX);
    }
  }

  /** @param {string} peer */
  of(peer) {
    return this.#peers.get(peer);
  }
}
