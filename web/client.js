// @ts-nocheck Rooms and peers over signaling.js and mesh.js; client.d.ts says what all this promises.
import { createPair } from './mesh.js';
import { openLink, SignalError } from './signaling.js';

export { SignalError };

const UNSPEAKABLE = /[\0-\x1f]|^.{129}/su;

class Emitter extends EventTarget {
  on(type, listener, options) {
    const call = (event) => listener(event.detail);
    this.addEventListener(type, call, options);
    return () => this.removeEventListener(type, call);
  }
}

const emit = (target, type, detail) => target.dispatchEvent(new CustomEvent(type, { detail }));

/** The text with U+FFFD for each half of a surrogate pair (String.prototype.toWellFormed is too new). */
const whole = (text) => new TextDecoder().decode(new TextEncoder().encode(text));

function mustBe(as, track) {
  const kind = { mic: 'audio', cam: 'video', screen: 'video' }[as];
  if (!kind || (track && track.kind !== kind)) throw new TypeError(`no track for ${as}`);
}

function openRoom(client, rooms, name, setup, options, resolve, reject) {
  const { WebSocket, RTCPeerConnection: RTC } = setup;
  const { stream, token, rtc, ice, resume = true } = options;
  // A page takes the place of the one before it, never of itself.
  const storage = [...rooms].some((other) => other.name === name) ? null : setup.storage;
  const key = `nakodo ${client.url}/${name}`;
  const over = new AbortController();
  const pairs = new Map();
  const sources = new Map();
  const peers = new Map();
  const missing = new Set(); // ids of those away, for whom the server kept no more of ours
  const self = { id: '', name: options.name, meta: options.meta };
  let iceServers;

  const all = (verb, as) => Promise.all([...pairs.values()].map(async (pair) => pair[verb](as)));
  // What fails here belongs to a connection that is going; the next one begins with all sources.
  const applyAll = (as) => all('apply', as).catch(() => {});
  const trace = (event) => emit(client, 'trace', { t: Date.now(), room: name, ...event });

  const room = Object.assign(new Emitter(), {
    name, self, peers,
    state: 'reconnecting',
    send: (data, { to } = {}) => link.send({ type: 'message', to, data }),
    /** A character that was cut in half is replaced: the server keeps nothing that not every reader takes. */
    chat: (text, { to } = {}) => link.send({ type: 'chat', to, text: whole(text) }),
    /** `self` changes when the server says that it has. */
    update: (change) => link.send({ type: 'update', ...change }),
    publish(track, { as }) {
      mustBe(as, track);
      const source = {
        source: as,
        track,
        async replace(next) {
          mustBe(as, next);
          source.track = next;
          await all('apply', as);
        },
        stop() {
          if (sources.get(as) === source) sources.delete(as);
          applyAll(as);
        },
      };
      sources.set(as, source);
      applyAll(as);
      return source;
    },
    leave: async () => link.leave(),
    dropSignaling: () => link.drop(),
  });

  function setState(state, more) {
    trace({ dir: 'state', type: 'socket', summary: state });
    room.state = state;
    emit(room, 'state', { state, ...more });
  }

  const shared = {
    RTC, sources, peers,
    groups: {},
    isVanilla: ice === 'vanilla',
    isOpen: () => link.isReady(),
    config: () => ({ bundlePolicy: 'max-bundle', iceServers, ...rtc }),
  };

  function add({ owner, ...info }) {
    const peer = Object.assign(new Emitter(), { away: false, ...info });
    const { id } = peer;
    peers.set(id, peer);
    pairs.set(id, createPair(peer, owner, shared, {
      send: (message) => link.send({ ...message, to: id }),
      note: (type, summary) => trace({ dir: 'state', type, from: id, summary }),
      emit(type, detail) {
        emit(peer, type, detail);
        if (type === 'state') link.wake();
        else if (/track|update/.test(type)) emit(room, type, { peer, ...detail });
      },
    }));
    all('limit');
    emit(room, 'peer', { peer });
  }

  function remove(id, reason) {
    const peer = peers.get(id);
    pairs.get(id).close();
    pairs.delete(id);
    peers.delete(id);
    missing.delete(id);
    all('limit');
    emit(room, 'leave', { peer, reason });
  }

  function welcome({ id, limits, history, peers: there }) {
    // Connections of a lost session would never come back, even if the ids were the same.
    for (const old of [...peers.keys()]) remove(old, 'lost');
    Object.assign(room, { limits, history });
    self.id = id;
    try {
      if (self.meta) room.update({ meta: self.meta });
      setState('open', { fresh: true });
      there.forEach(add);
    } catch (error) {
      return link.leave(error); // such as a meta that is too long, or an RTCConfiguration that is none
    }
    resolve(room);
  }

  /** From a peer: it may say whatever it likes, but who it is says the server. */
  function hear(message) {
    const { type, from, to, data, text } = message;
    const peer = peers.get(from);
    if (type === 'message') emit(room, type, { from, peer, data });
    else if (type === 'chat') emit(room, type, { from, name: peer?.name, at: Date.now(), text, to });
    else pairs.get(from)?.handle(message);
  }

  function refused({ code, message, to }) {
    if (code === 'peer-busy') missing.add(to);
    emit(room, 'error', new SignalError(code, message));
  }

  function take(message) {
    if (message.from !== undefined) return hear(message);
    const { type, reason, peer: info } = message;
    const { id = info?.id } = message;
    const peer = peers.get(id);
    if (/^(welcome|resumed|ice)$/.test(type)) iceServers = message.iceServers ?? iceServers;
    if (/^(welcome|resumed)$/.test(type)) storage?.setItem(key, message.session);
    if (type === 'welcome') welcome(message);
    else if (type === 'resumed') {
      setState('open');
      all('kick');
    } else if (type === 'closing') emit(room, type, message);
    else if (type === 'error') refused(message);
    else if (type === 'peer-updated' && id === self.id) emit(room, 'self', Object.assign(self, info));
    else if (type === 'peer-joined') add(info);
    else if (!peer) return;
    else if (type === 'peer-left') remove(id, reason);
    else if (/^peer-(away|back|updated)$/.test(type)) {
      Object.assign(peer, info ?? { away: type === 'peer-away' });
      emit(room, 'update', { peer });
      // What it has not got may have been an offer.
      if (type === 'peer-back' && missing.delete(id)) peer.rebuild();
    }
  }

  for (const track of stream?.getTracks() ?? []) {
    room.publish(track, { as: track.kind === 'audio' ? 'mic' : 'cam' });
  }
  const link = openLink(`${client.url}/${encodeURIComponent(name)}`, {
    WebSocket,
    query: () => ({ ...self.name && { name: self.name }, ...token && { token } }),
    replaces: resume && storage?.getItem(key),
  }, {
    trace,
    message: take,
    lost: () => room.state === 'open' && setState('reconnecting'),
    end(error, isGone) {
      over.abort();
      rooms.delete(room);
      if (isGone) storage?.removeItem(key); // else the next page takes the place of what is left
      all('close');
      setState('closed', error && { error });
      reject(error ?? new SignalError('closed'));
    },
  });
  rooms.add(room);
  const { document, addEventListener } = globalThis;
  addEventListener?.('online', () => link.wake(), over);
  document?.addEventListener('visibilitychange', () => link.wake(document.hidden), over);
  for (const signal of [setup.signal, options.signal]) {
    signal?.addEventListener('abort', () => {
      reject(signal.reason);
      if (signal === setup.signal || !self.id) link.leave();
    }, over);
  }
}

export function connect(url, options) {
  const at = new URL(url ?? '/', globalThis.location?.href);
  const path = at.pathname.replace(/\/$/, '') || '/v1';
  const { WebSocket, RTCPeerConnection } = globalThis;
  const setup = { WebSocket, RTCPeerConnection, ...options };
  const rooms = new Set();
  const close = async () => {
    await Promise.all([...rooms].map((room) => room.leave()));
  };

  const client = Object.assign(new Emitter(), {
    url: `${at.protocol.replace('http', 'ws')}//${at.host}${path}`,
    join: (name, o = {}) => new Promise((resolve, reject) => {
      setup.signal?.throwIfAborted();
      o.signal?.throwIfAborted();
      // No URL says the first, and the others end the connection before the server can say why.
      if (/^\.{0,2}$/.test(name) || [name, o.name ?? ''].some((text) => UNSPEAKABLE.test(text))) {
        throw new SignalError('bad-room');
      }
      openRoom(client, rooms, name, setup, o, resolve, reject);
    }),
    close,
    [Symbol.asyncDispose]: close,
  });
  return client;
}
