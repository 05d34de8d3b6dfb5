// One room: who is there, what they say, what is sent to them. client.d.ts says what all this promises.
import { Link } from '../signaling.js';
import { Pair } from '../mesh.js';
import { mistaken, mustBeAddressed, mustBeSelf, mustBeText } from './arguments.js';
import { Emitter } from './emitter.js';
import { SignalError } from './error.js';
import { mustFit, Sources } from './sources.js';
import { Survivors } from './survivors.js';

/**
 * @typedef {import('../client.js').Client} Client
 * @typedef {import('../client.js').ConnectOptions} ConnectOptions
 * @typedef {import('../client.js').JoinOptions} JoinOptions
 * @typedef {import('../client.js').Json} Json
 * @typedef {import('../client.js').Room} RoomType
 * @typedef {import('../client.js').RoomEvents} RoomEvents
 * @typedef {import('../client.js').RoomState} RoomState
 * @typedef {import('./peer.js').RemotePeer} RemotePeer
 * @typedef {import('./sources.js').Source} Source
 * @typedef {import('./wire.js').Info} Info
 * @typedef {import('./wire.js').Newcomer} Newcomer
 * @typedef {import('./wire.js').OwnMessage} OwnMessage
 * @typedef {import('./wire.js').PeerMessage} PeerMessage
 * @typedef {import('./wire.js').Refusal} Refusal
 * @typedef {import('./wire.js').ServerMessage} ServerMessage
 * @typedef {import('./wire.js').Welcome} Welcome
 *
 * @typedef {ConnectOptions & { WebSocket: typeof WebSocket }} Setup
 *
 * @typedef {object} Visit how it goes with the client that opened it
 * @property {(event: Omit<import('../client.js').Trace, 't' | 'room'>) => void} trace
 * @property {() => void} entered
 * @property {(error: unknown) => void} ended
 */

/** The text with U+FFFD for each half of a surrogate pair (String.prototype.toWellFormed is too new). @param {string} text */
const wellFormed = (text) => new TextDecoder().decode(new TextEncoder().encode(text));

/**
 * @extends {Emitter<RoomEvents>}
 * @implements {RoomType}
 */
export class Room extends Emitter {
  /** @type {RoomState} */
  state = 'reconnecting';
  /** @type {Map<string, RemotePeer>} */
  peers = new Map();
  /** @type {{ id: string, name?: string, meta?: { [name: string]: Json } }} */
  self;
  limits = { message: Infinity, peers: Infinity };
  /** @type {import('../client.js').Chat[]} */
  history = [];
  locked = false;
  /** What the server lets us do. @type {readonly import('../client.js').Right[]} */
  can = [];
  /** @type {Map<string, Pair>} */
  #pairs = new Map();
  #sources = new Sources();
  /** Ids of those away, for whom the server kept no more of ours. @type {Set<string>} */
  #missing = new Set();
  #survivors;
  /** @type {RTCIceServer[] | undefined} */
  #iceServers;
  #mesh;
  #visit;
  /** Where the session is kept over a reload, and how it is called there. */
  #store;
  #key;
  #link;
  /** Ends all listening. */
  #over = new AbortController();

  /**
   * @param {string} url of the server
   * @param {string} name
   * @param {Setup} setup
   * @param {JoinOptions} options
   * @param {Visit} visit
   */
  constructor(url, name, setup, options, visit) {
    super();
    const { stream, token = setup.token, rtc, ice, resume = true } = options;
    this.name = name;
    this.self = { id: '', name: options.name, meta: options.meta };
    this.#visit = visit;
    this.#store = setup.storage;
    this.#key = `nakodo ${url}/${name}`;
    this.#mesh = {
      RTCPeerConnection: setup.RTCPeerConnection,
      config: () => ({ bundlePolicy: /** @type {const} */ ('max-bundle'), iceServers: this.#iceServers, ...rtc }),
      isVanilla: ice === 'vanilla',
      isOpen: () => this.#link.isOpen,
      count: () => this.peers.size,
      sources: this.#sources,
    };
    for (const track of stream?.getTracks() ?? []) {
      this.publish(track, { as: track.kind === 'audio' ? 'mic' : 'cam' });
    }
    this.#survivors = new Survivors({
      isOpen: () => this.#link.isOpen,
      isKnown: (id) => this.#pairs.has(id),
      show: (to, secret) => this.#link.send({ type: 'again', to, secret }),
      add: (newcomer) => this.#add(newcomer),
      adopt: (pair, newcomer) => this.#adopt(pair, newcomer),
      lose: (pair) => this.#remove(pair, 'lost'),
      hear: (message) => this.#hear(message),
    });
    this.#link = new Link(`${url}/${encodeURIComponent(name)}`, {
      WebSocket: setup.WebSocket,
      name: () => this.self.name,
      token,
      replaces: resume ? this.#store?.getItem(this.#key) : undefined,
    }, {
      trace: visit.trace,
      message: (message) => this.#take(message),
      lost: () => { if (this.state === 'open') this.#setState('reconnecting'); },
      end: (error, isGone) => this.#end(error, isGone),
    });
    this.#listen();
  }

  /** @param {Json} data @param {{ to?: string }} [options] */
  send(data, options = {}) {
    mustBeAddressed(options, 'send()');
    if (/^(undefined|function|symbol)$/.test(typeof data)) mistaken('send()', 'what JSON can carry', data);
    return this.#link.send({ type: 'message', to: options.to, data });
  }

  /**
   * A character that was cut in half is replaced: the server keeps nothing that not every reader takes.
   * @param {string} text
   * @param {{ to?: string }} [options]
   */
  chat(text, options = {}) {
    mustBeText(text, 'chat()', 'a string');
    mustBeAddressed(options, 'chat()');
    return this.#link.send({ type: 'chat', to: options.to, text: wellFormed(text) });
  }

  /** `self` changes when the server says that it has. @param {{ name?: string, meta?: { [name: string]: Json } }} change */
  update(change) {
    mustBeSelf(change, 'update()');
    return this.#link.send({ type: 'update', ...change });
  }

  /** @param {boolean} locked */
  lock(locked) {
    if (typeof locked !== 'boolean') mistaken('lock()', 'true or false', locked);
    return this.#link.send({ type: 'lock', locked });
  }

  /** @param {import('../client.js').Peer} peer */
  kick(peer) {
    mustBeText(peer?.id, 'kick()', 'a peer');
    return this.#link.send({ type: 'kick', to: peer.id });
  }

  /** @param {MediaStreamTrack} track @param {{ as: Source } & import('../client.js').Sending} options */
  publish(track, options) {
    const kind = this.#sources.check(track, options);
    const { as, maxBitrate, codecs } = options;
    const sent = {
      source: as,
      kind,
      maxBitrate,
      codecs: codecs && [...codecs],
      track: /** @type {MediaStreamTrack | null} */ (track),
      replace: async (/** @type {MediaStreamTrack | null} */ next) => {
        if (next !== null) mustFit(next, as, kind, 'replace()');
        sent.track = next;
        await this.#apply(as);
      },
      stop: () => {
        this.#sources.remove(sent);
        this.#tryToApply(as);
      },
    };
    this.#sources.add(sent);
    this.#tryToApply(as);
    return sent;
  }

  async leave() {
    await this.#link.leave();
  }

  dropSignaling() {
    this.#link.drop();
  }

  /** @param {Source} as */
  #apply(as) {
    return Promise.all([...this.#pairs.values()].map(async (pair) => pair.apply(as)));
  }

  /** What fails belongs to a connection that is going; the next one begins with all sources. @param {Source} as */
  #tryToApply(as) {
    this.#apply(as).catch(() => {});
  }

  /** Each peer's part of what may be sent has changed. */
  #share() {
    for (const pair of this.#pairs.values()) pair.limit();
  }

  #listen() {
    const { document, addEventListener } = globalThis;
    const options = { signal: this.#over.signal };
    addEventListener?.('online', () => this.#link.wake(), options);
    document?.addEventListener('visibilitychange', () => this.#link.wake(document.hidden), options);
  }

  /** @param {RoomState} state @param {{ error?: SignalError, fresh?: boolean }} [more] */
  #setState(state, more) {
    this.#visit.trace({ dir: 'state', type: 'socket', summary: state });
    this.state = state;
    this.emit('state', { state, ...more });
  }

  /** @param {Newcomer} newcomer */
  #add({ owner, ...info }) {
    if (this.#over.signal.aborted) return; // by who was told of the one before
    const { id } = info;
    const pair = new Pair(info, owner, this.#mesh, {
      send: (message) => this.#link.send(message),
      note: (note) => this.#visit.trace({ dir: 'state', ...note }),
      state: () => this.#link.wake(),
      update: () => this.emit('update', { peer: pair.peer }),
      claim: () => this.#survivors.match(pair),
      lost: () => this.#remove(pair, 'lost'),
      track: (track, stream, as) => this.emit('track', { peer: pair.peer, track, stream, as }),
    });
    this.peers.set(id, pair.peer);
    this.#pairs.set(id, pair);
    this.#share();
    this.emit('peer', { peer: pair.peer });
  }

  /** A peer whose connection outlived the server is there again. @param {Pair} pair @param {Newcomer} newcomer */
  #adopt(pair, { owner, ...info }) {
    const { peer } = pair;
    const oldId = peer.id;
    this.#pairs.delete(oldId);
    this.#missing.delete(oldId);
    pair.adopt({ away: false, ...info }, owner);
    this.#pairs.set(peer.id, pair);
    // Everybody stays at their place in the list.
    const all = [...this.peers.values()];
    this.peers.clear();
    for (const one of all) this.peers.set(one.id, one);
    this.emit('again', { peer, oldId });
    this.emit('update', { peer });
  }

  /** @param {Pair} pair @param {RoomEvents['leave']['reason']} reason */
  #remove(pair, reason) {
    const { peer } = pair;
    pair.close();
    this.#pairs.delete(peer.id);
    this.peers.delete(peer.id);
    this.#missing.delete(peer.id);
    this.#share();
    this.emit('leave', { peer, reason });
    this.#survivors.forget(pair);
  }

  /** @param {ServerMessage | PeerMessage} message */
  #take(message) {
    if (message.from !== undefined) return this.#hear(message);
    if ('iceServers' in message) this.#iceServers = message.iceServers;
    switch (message.type) {
      case 'welcome':
      case 'resumed':
        this.#store?.setItem(this.#key, message.session);
        this.#setLock(message);
        return message.type === 'welcome' ? this.#begin(message) : this.#resume();
      case 'lock': return this.#setLock(message);
      case 'token': // a fresh one was taken
        this.#setLock(message);
        return this.emit('self', this.self);
      case 'closing': return this.emit('closing', message);
      case 'error': return this.#refused(message);
      case 'peer-joined': return this.#meet(message.peer);
      case 'peer-updated': return this.#learn(message.peer);
      case 'peer-left': return this.#left(message.id, message.reason);
      case 'peer-away': return this.#setAway(message.id, true);
      case 'peer-back': return this.#setAway(message.id, false);
      default: return undefined; // there may be more some day
    }
  }

  /** From a peer: it may say whatever it likes, but who it is says the server. @param {PeerMessage} message */
  #hear(message) {
    if (this.#survivors.hold(message)) return;
    const { type, from } = message;
    const peer = this.peers.get(from);
    if (type === 'message') {
      this.emit('message', { from, peer, data: /** @type {Json} */ (message.data) });
    } else if (type === 'chat') {
      const { text, to } = /** @type {{ text: string, to?: string }} */ (/** @type {unknown} */ (message));
      this.emit('chat', { from, name: peer?.name, at: Date.now(), text, to });
    } else {
      this.#pairs.get(from)?.handle(message);
    }
  }

  /** We are new here, at first or again. @param {Welcome} welcome */
  #begin({ id, limits, history, peers }) {
    this.#sortOut(id, peers);
    this.limits = limits;
    this.history = history;
    this.self.id = id;
    try {
      if (this.self.meta) this.update({ meta: this.self.meta });
      this.#setState('open', { fresh: true });
      for (const newcomer of peers) this.#meet(newcomer);
    } catch (error) {
      // Such as a meta that is too long, or an RTCConfiguration that is none.
      this.#link.leave(error);
      return;
    }
    this.#visit.entered();
  }

  /**
   * Of the connections of a lost session the sound ones are kept, for peers who come again. One whose peer
   * still has its id has lost us, and has closed it.
   * @param {string} id our own
   * @param {Newcomer[]} newcomers
   */
  #sortOut(id, newcomers) {
    const ids = new Set(newcomers.map((newcomer) => newcomer.id));
    const pairs = [...this.#pairs.values()];
    const kept = pairs.filter((pair) => pair.isSound && !ids.has(pair.peer.id));
    this.#survivors.keep(kept, id);
    for (const pair of pairs) if (!kept.includes(pair)) this.#remove(pair, 'lost');
    for (const { peer } of kept) this.#setAway(peer.id, true);
  }

  /** @param {Newcomer} newcomer */
  #meet(newcomer) {
    if (!this.#survivors.expect(newcomer)) this.#add(newcomer);
  }

  #resume() {
    this.#setState('open');
    for (const pair of this.#pairs.values()) pair.kick();
  }

  /** An older server says nothing of it. @param {import('./wire.js').Locking} message */
  #setLock({ locked = false, by, can = this.can }) {
    this.can = can;
    if (locked === this.locked) return;
    this.locked = locked;
    this.emit('lock', { locked, by });
  }

  /** @param {Refusal} refusal */
  #refused({ code, message, to }) {
    if (code === 'peer-busy' && to) this.#missing.add(to);
    this.emit('error', new SignalError(code, message));
  }

  /** What somebody, or we, now say of themselves. @param {Info} info */
  #learn(info) {
    if (info.id === this.self.id) return this.emit('self', Object.assign(this.self, info));
    Object.assign(this.#survivors.newcomer(info.id) ?? {}, info);
    const peer = this.peers.get(info.id);
    if (peer) this.emit('update', { peer: Object.assign(peer, info) });
    return undefined;
  }

  /** @param {string} id @param {RoomEvents['leave']['reason']} reason */
  #left(id, reason) {
    this.#survivors.left(id);
    const pair = this.#pairs.get(id);
    if (pair) this.#remove(pair, reason);
  }

  /** @param {string} id @param {boolean} away */
  #setAway(id, away) {
    Object.assign(this.#survivors.newcomer(id) ?? {}, { away });
    const peer = this.peers.get(id);
    if (!peer) return;
    peer.away = away;
    this.emit('update', { peer });
    // What it has not got may have been an offer.
    if (!away && this.#missing.delete(id)) peer.rebuild();
  }

  /** @param {unknown} error @param {boolean} isGone */
  #end(error, isGone) {
    this.#over.abort();
    if (isGone) this.#store?.removeItem(this.#key); // else the next page takes the place of what is left
    this.#survivors.stop();
    for (const pair of this.#pairs.values()) pair.close();
    this.#visit.ended(error);
    this.#setState('closed', error ? { error: /** @type {SignalError} */ (error) } : undefined);
  }
}
