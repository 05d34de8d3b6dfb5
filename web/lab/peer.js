/*
 * One RTCPeerConnection: its tracks, its candidates, its descriptions. It knows how to make an
 * offer and an answer; when to do so, and with whom, is decided in call.js. No DOM.
 */

import { countCandidates, hasUfrag, sessionOf } from './sdp.js';

/** @typedef {import('../lib/i18n.js').Key} Key */
/** @typedef {import('./signaling.js').Message} Message */
/**
 * @typedef {object} PeerEvents
 * @property {(message: Message) => void} send
 * @property {() => void} change a state or the remote stream is new
 * @property {() => void} negotiate the description no longer fits the tracks
 * @property {(key: Key, params?: Record<string, string | number>) => void} note for the log
 */
/**
 * @typedef {object} PeerOptions
 * @property {RTCIceServer[]} iceServers
 * @property {() => boolean} trickle candidates one by one, or all inside the description?
 */

const GATHER_MS = 2000; // vanilla waits no longer: a dead STUN server would hold it up for a minute
const PENDING_MAX = 256;

/**
 * @param {RTCPeerConnection} pc
 * @param {number} [patience] ms
 * @returns {Promise<boolean>} false: not complete in time
 */
export function gathered(pc, patience = GATHER_MS) {
  return new Promise((resolve) => {
    const timer = setTimeout(() => resolve(false), patience);
    const look = () => {
      if (pc.iceGatheringState === 'complete') {
        clearTimeout(timer);
        resolve(true);
      }
    };
    pc.addEventListener('icegatheringstatechange', look);
    look();
  });
}

export class Peer {
  #events;
  #trickle;
  #pc;
  /** @type {MediaStream | null} */
  #remote = null;
  /** @type {RTCIceCandidateInit[]} those that came before the description they belong to */
  #pending = [];
  #closed = new AbortController();

  /** @param {PeerOptions} options @param {PeerEvents} events */
  constructor(options, events) {
    this.#events = events;
    this.#trickle = options.trickle;
    this.#pc = new RTCPeerConnection({
      iceServers: options.iceServers,
      bundlePolicy: 'max-bundle',
    });
    const pc = this.#pc;
    const until = { signal: this.#closed.signal };
    for (const state of ['signaling', 'icegathering', 'iceconnection', 'connection']) {
      pc.addEventListener(`${state}statechange`, () => events.change(), until);
    }
    pc.addEventListener('negotiationneeded', () => events.negotiate(), until);
    pc.addEventListener('icecandidate', ({ candidate }) => this.#found(candidate), until);
    pc.addEventListener('track', ({ track }) => {
      this.#remote ??= new MediaStream();
      this.#remote.addTrack(track);
      events.change();
    }, until);
  }

  /** For reading states and statistics. */
  get connection() {
    return this.#pc;
  }

  /** @returns {MediaStream | null} what the other page sends */
  get remoteStream() {
    return this.#remote;
  }

  /** Our number in the SDP's `o=` line, '' before the first description. */
  get session() {
    return sessionOf(this.#pc.localDescription?.sdp);
  }

  /** The other page's, '' before its first description. */
  get remoteSession() {
    return sessionOf(this.#pc.remoteDescription?.sdp);
  }

  get isOffering() {
    return this.#pc.signalingState === 'have-local-offer';
  }

  /** There is another page, and it has not gone silent. */
  get isAlive() {
    const state = this.#pc.remoteDescription ? this.#pc.connectionState : 'closed';
    return state === 'new' || state === 'connecting' || state === 'connected';
  }

  /** @param {MediaStream | null} media to send; tracks that are sent already stay as they are */
  addTracks(media) {
    const sent = this.#pc.getSenders().map((sender) => sender.track);
    for (const track of media?.getTracks() ?? []) {
      if (media && !sent.includes(track)) {
        this.#pc.addTrack(track, media);
      }
    }
  }

  /** @param {string} [to] the session it is meant for, if not the other page's */
  async offer(to) {
    const kinds = this.#pc.getTransceivers().map(({ receiver }) => receiver.track.kind);
    for (const kind of ['audio', 'video']) {
      if (!kinds.includes(kind)) {
        this.#pc.addTransceiver(kind, { direction: 'recvonly' });
      }
    }
    await this.#pc.setLocalDescription();
    await this.describe(to);
  }

  /** @param {string} sdp the offer to answer */
  async answer(sdp) {
    await this.#pc.setRemoteDescription({ type: 'offer', sdp });
    await this.#addPending();
    await this.#pc.setLocalDescription();
    await this.describe();
  }

  /** @param {string} sdp the answer to our offer */
  async accept(sdp) {
    await this.#pc.setRemoteDescription({ type: 'answer', sdp });
    await this.#addPending();
  }

  /** Send our description as it stands, with the candidates found so far. @param {string} [to] */
  async describe(to = this.remoteSession) {
    if (!this.#trickle() && !(await gathered(this.#pc))) {
      this.#events.note('note.slowGathering');
    }
    const description = this.#pc.localDescription;
    if (description?.type === 'offer' || description?.type === 'answer') {
      this.#events.send({ type: description.type, sdp: description.sdp, to });
    }
  }

  /** @param {RTCIceCandidateInit | null} ice null: there are no more, which needs nothing */
  async addCandidate(ice) {
    if (ice && this.#pc.remoteDescription) {
      await this.#addNow(ice);
    } else if (ice && this.#pending.length < PENDING_MAX) {
      this.#pending.push(ice);
    }
  }

  close() {
    this.#closed.abort();
    this.#pc.close();
  }

  async #addPending() {
    for (const ice of this.#pending.splice(0)) {
      await this.#addNow(ice);
    }
  }

  /** @param {RTCIceCandidateInit} ice */
  async #addNow(ice) {
    const ufrag = ice.usernameFragment;
    if (ufrag && !hasUfrag(this.#pc.remoteDescription?.sdp ?? '', ufrag)) {
      this.#events.note('note.strayCandidate');
    } else {
      await this.#pc.addIceCandidate(ice);
    }
  }

  /** @param {RTCIceCandidate | null} candidate null: that was the last one */
  #found(candidate) {
    if (!candidate) {
      const count = countCandidates(this.#pc.localDescription?.sdp ?? '');
      this.#events.note('note.gathered', { count });
    } else if (this.#trickle()) {
      this.#events.send({ type: 'candidate', ice: candidate.toJSON() });
    }
  }
}
