// What connects us with one peer: RTCPeerConnections, one after the other, each a generation `g`. The
// owner, who came later, makes all offers and repairs; the other side asks it to. None cross: in Firefox a
// rollback may stop a picture for good. It knows neither the DOM nor the wire.
import { Arrival } from './client/arrival.js';
import { Connection } from './client/connection.js';
import { DataQueue } from './client/data.js';
import { RemotePeer } from './client/peer.js';
import { Repair } from './client/repair.js';
import { groupOf, kindsOf } from './client/sources.js';
import { Upcoming } from './client/upcoming.js';

/**
 * @typedef {import('./client/connection.js').Mesh} Mesh
 * @typedef {import('./client/sources.js').Source} Source
 * @typedef {import('./client/upcoming.js').PairMessage} PairMessage
 * @typedef {import('./client/wire.js').Info} Info
 * @typedef {import('./client/wire.js').OwnMessage} OwnMessage
 * @typedef {import('./client/wire.js').PeerMessage} PeerMessage
 *
 * @typedef {{ id: string, secret: string }} Claim who somebody is now, and what shall be shown to that id
 *
 * @typedef {object} PairEvents
 * @property {(message: OwnMessage) => void} send through the server
 * @property {(note: { type: string, from: string, summary: string }) => void} note for the trace
 * @property {() => void} state the peer's has changed
 * @property {() => void} update what it sends has changed
 * @property {() => void} claim it has said who it is
 * @property {() => void} lost what was kept is not worth it any more
 * @property {(track: MediaStreamTrack, stream: MediaStream, as: Source) => void} track
 */

const AGAIN_MS = 1000; // what cannot be done now
const SECRET = /^\w{22}$/;
const TYPES = new Set(['offer', 'answer', 'candidate', 'meta', 'need']);

/** @param {PeerMessage} message @returns {message is PairMessage} */
const isOfPair = (message) => TYPES.has(message.type) && Number.isSafeInteger(message.g);

/** @param {unknown} text that a peer sent over the connection @returns {Claim | null} */
function readClaim(text) {
  try {
    const { id, secret } = JSON.parse(String(text));
    return typeof id === 'string' && SECRET.test(secret) ? { id, secret: String(secret) } : null;
  } catch {
    return null;
  }
}

export class Pair {
  /** @type {Connection | null} */
  connection = null;
  data = new DataQueue();
  /** The peer's, as far as it has made one. @type {Claim | null} */
  claim = null;
  #isOwner;
  #mesh;
  #on;
  #g = 0;
  #isHeard = false; // it has said something of a connection: there is WebRTC
  #isKept = false; // the server knows nothing of it: nothing can be said to it there
  #isClosed = false;
  #repair;
  #arrival;
  #upcoming = new Upcoming();
  /** What the peer says is done one after the other. @type {Promise<unknown>} */
  #chain = Promise.resolve();

  /**
   * Throws if the owner cannot make a connection at all.
   * @param {Info} info
   * @param {boolean} isOwner
   * @param {Mesh} mesh
   * @param {PairEvents} on
   */
  constructor(info, isOwner, mesh, on) {
    this.#isOwner = isOwner;
    this.#mesh = mesh;
    this.#on = on;
    this.#repair = new Repair(isOwner, (what) => this.#act(what));
    this.#arrival = new Arrival(isOwner, (what) => this.#stir(what));
    this.peer = new RemotePeer(info, this);
    if (isOwner && mesh.RTCPeerConnection) this.#build(1);
  }

  /** @param {PeerMessage} message from the peer, which may say anything */
  handle(message) {
    if (!isOfPair(message)) return;
    this.#isHeard = true;
    this.#inTurn(() => this.#hear(message));
  }

  /** @param {Source} as */
  apply(as) {
    return this.connection?.apply(as);
  }

  limit() {
    this.connection?.limit();
  }

  /** May it outlive the server's memory? */
  get isSound() {
    return Boolean(this.connection?.isSound);
  }

  /** The server has forgotten all, and this one is sound. @param {Claim} claim ours */
  keep(claim) {
    this.#note('kept');
    this.#isKept = true;
    this.#arrival.stop();
    this.#upcoming.stop();
    this.#upcoming = new Upcoming();
    this.connection?.claim(JSON.stringify(claim));
  }

  /** The peer is there again, as somebody new. @param {Info} info @param {boolean} isOwner */
  adopt(info, isOwner) {
    Object.assign(this.peer, info);
    this.#note('again');
    this.claim = null;
    this.#isKept = false;
    this.#isOwner = isOwner;
    this.#repair.stop();
    this.#repair = new Repair(isOwner, (what) => this.#act(what));
    this.#arrival = new Arrival(isOwner, (what) => this.#stir(what));
    this.#g = 0;
    this.connection?.adopt(0, isOwner);
    this.kick();
  }

  /** Signaling is back. */
  kick() {
    if (!this.connection) return;
    this.#repair.kick();
    this.connection.goOn();
  }

  /** What throws is tried again. @param {'restart' | 'rebuild'} what */
  repair(what) {
    if (this.#isClosed || !this.#mesh.RTCPeerConnection) return;
    this.#note(what);
    this.#repair.begin();
    try {
      this.#mend(what);
    } catch {}
  }

  close() {
    this.#isClosed = true;
    this.#repair.stop();
    this.#arrival.stop();
    this.#upcoming.stop();
    this.connection?.close();
    this.connection = null;
    this.data.close();
    this.#setState('gone');
  }

  /** @param {'restart' | 'rebuild'} what that a state or a time asked for */
  #act(what) {
    if (this.connection?.isUp) return;
    // Who never answered has no WebRTC, or is away: the offer waits there.
    if (this.#isReachable && this.#isHeard) this.repair(what);
    else this.#repair.later(what, AGAIN_MS);
  }

  /** Nothing comes. @param {'restart' | 'rebuild'} what @returns {boolean} whether it should */
  #stir(what) {
    const isSent = Object.values(this.peer.sources).some(Boolean);
    const isDue = Boolean(isSent && this.connection?.isUp && this.connection.canRestart);
    if (isDue) this.repair(what);
    return isDue;
  }

  /** @param {'restart' | 'rebuild'} what */
  #mend(what) {
    if (!this.#isOwner) {
      this.#send({ type: 'need', g: this.#g, what });
    } else if (what === 'restart' && this.connection?.canRestart) {
      this.#repair.restarted();
      this.connection.restart();
    } else if (this.#repair.mayRebuild()) {
      this.#chain = Promise.resolve(); // of a closed connection no call ends
      this.#build(this.#g + 1);
    }
  }

  /** @param {number} g */
  #build(g) {
    this.#arrival.stop();
    this.connection?.close();
    this.connection = null;
    this.#g = g;
    const connection = new Connection(g, this.#isOwner, this.#mesh, {
      send: (message) => this.#send(message),
      isReachable: () => this.#isReachable,
      note: (type, summary) => this.#note(summary, type),
      change: () => this.#watch(connection),
      settled: () => this.#arrival.watch(connection.pc),
      cut: () => {
        this.#repair.giveUp();
        this.#watch(connection);
      },
      fault: () => this.repair('rebuild'),
      track: (track, stream, as) => this.#receive(track, stream, as),
      sources: (sources) => this.#learn(sources),
      claim: (text) => {
        this.claim = readClaim(text);
        this.#on.claim();
      },
      data: (data) => this.peer.emit('data', { data }),
      channel: (channel) => this.peer.emit('channel', { channel }),
    });
    this.connection = connection;
    this.claim = null;
    this.#repair.rebuilt();
    this.peer.sources = {};
    this.peer.streams = {};
    this.data.use(connection.data);
    connection.begin();
    this.#watch(connection);
  }

  /** @param {Connection} connection */
  #watch(connection) {
    this.#repair.watch(connection);
    if (connection.isUp) {
      this.#upcoming.connected();
      connection.limit();
      this.#setState('connected');
    } else if (this.peer.state === 'connected') {
      this.#setState('interrupted');
    }
    if (this.#isKept && !connection.isUp) this.#on.lost();
  }

  /** @param {import('./client/peer.js').PeerState} state */
  #setState(state) {
    if (state === this.peer.state) return;
    this.peer.state = state;
    this.peer.emit('state', { state });
    this.#on.state();
  }

  /** @param {MediaStreamTrack} track @param {MediaStream} stream @param {Source} as */
  #receive(track, stream, as) {
    this.peer.streams[groupOf(as)] = stream;
    this.peer.emit('track', { track, stream, as });
    this.#on.track(track, stream, as);
  }

  /** @param {Partial<Record<Source, boolean>>} sources */
  #learn(sources) {
    const { streams } = this.peer;
    const groups = new Set(Object.keys(sources).map(groupOf));
    this.peer.sources = sources;
    for (const group of Object.keys(streams)) {
      if (!groups.has(group)) delete streams[group];
    }
    this.peer.emit('update', undefined);
    this.#on.update();
  }

  get #isReachable() {
    return !this.#isKept && this.#mesh.isOpen();
  }

  /** @param {OwnMessage} message */
  #send(message) {
    if (!this.#isKept) this.#on.send({ ...message, to: this.peer.id });
  }

  /** @param {string} summary @param {string} [type] */
  #note(summary, type = 'recovery') {
    this.#on.note({ type, from: this.peer.id, summary });
  }

  /** @param {() => unknown} work */
  #inTurn(work) {
    this.#chain = this.#chain.then(work).catch(() => {
      if (!this.#isClosed) this.#repair.later('rebuild', AGAIN_MS);
    });
  }

  /** @param {PairMessage} message */
  #hear(message) {
    const { type, g, what, sources, kinds } = message;
    const { connection } = this;
    if (this.#isKept) return undefined;
    if (g > this.#g && !this.#isOwner && this.#mesh.RTCPeerConnection && !this.#isClosed) {
      return this.#expect(message);
    }
    if (g !== this.#g || !connection) return undefined;
    if (type !== 'need') return connection.take(message);
    if (!this.#isOwner) return undefined;
    if (what === 'offer' && Array.isArray(sources)) return connection.admit(kindsOf(sources, kinds));
    if (what === 'rebuild') this.repair(what);
    if (what === 'restart' && (connection.isUp ? connection.canRestart : this.#repair.isRestartDue)) this.repair(what);
    return undefined;
  }

  /** @param {PairMessage} message of the next generation */
  #expect(message) {
    if (!this.#upcoming.hold(message)) return;
    this.#upcoming.schedule(this.#repair.sinceActed, () => this.#inTurn(() => this.#begin()));
  }

  /** An offer of the next generation is there. */
  async #begin() {
    if (this.#isClosed) return;
    const messages = this.#upcoming.take();
    if (!messages.length) return;
    this.#build(messages[0].g);
    for (const message of messages) await this.connection?.take(message);
  }
}
