// @ts-nocheck Rooms and peers over signaling.js and mesh.js; client.d.ts says what all this promises.
import { createPair } from './mesh.js';
import { openLink, SignalError } from './signaling.js';

export { SignalError };

class Emitter extends EventTarget {
  on(type, listener, options) {
    const call = (event) => listener(event.detail);
    this.addEventListener(type, call, options);
    return () => this.removeEventListener(type, call);
  }
}

const emit = (target, type, detail) => target.dispatchEvent(new CustomEvent(type, { detail }));

function openRoom(client, name, setup, options, { resolve, reject, ended }) {
  const { storage } = setup;
  const key = `nakodo ${client.url}/${name}`;
  const over = new AbortController();
  const pairs = new Map();
  const sources = new Map();
  const peers = new Map();
  const all = (verb, as) => Promise.all([...pairs.values()].map((pair) => pair[verb](as)));
  let iceServers;

  const room = Object.assign(new Emitter(), {
    name,
    peers,
    self: { id: '', name: options.name, meta: options.meta },
    state: 'reconnecting',
    send: (data, { to } = {}) => link.send({ type: 'message', to, data }),
    chat: (text, { to } = {}) => link.send({ type: 'chat', to, text }),
    update(change) {
      Object.assign(room.self, change);
      link.send({ type: 'update', ...change });
    },
    publish(track, { as }) {
      const source = {
        source: as,
        track,
        async replace(next) {
          source.track = next;
          await all('apply', as);
        },
        stop() {
          if (sources.get(as) === source) sources.delete(as);
          all('apply', as);
        },
      };
      sources.set(as, source);
      all('apply', as);
      return source;
    },
    leave: async () => link.leave(),
    dropSignaling: () => link.drop(),
  });

  const trace = (event) => emit(client, 'trace', { t: Date.now(), room: name, ...event });
  const shared = {
    RTC: setup.RTCPeerConnection,
    config: () => ({ bundlePolicy: 'max-bundle', iceServers, ...options.rtc }),
    isVanilla: options.ice === 'vanilla',
    isOpen: () => link.isReady,
    groups: {},
    sources,
    peers,
  };

  function setState(state, more) {
    trace({ dir: 'state', type: 'socket', summary: room.state = state });
    emit(room, 'state', { state, ...more });
  }

  function add({ owner, ...info }, isNews) {
    const peer = Object.assign(new Emitter(), { away: false, ...info });
    peers.set(peer.id, peer);
    pairs.set(peer.id, createPair(peer, owner, shared, {
      send(type, members) {
        try {
          link.send({ type, to: peer.id, ...members });
        } catch (error) {
          emit(room, 'error', error);
        }
      },
      emit(type, detail) {
        emit(peer, type, detail);
        if (type === 'state') link.wake();
        else if (/track|update/.test(type)) emit(room, type, { peer, ...detail });
      },
      note: (type, summary) => trace({ dir: 'state', type, from: peer.id, summary }),
    }));
    all('limit');
    if (isNews) emit(room, 'peer', { peer });
  }

  function remove(id, reason) {
    const peer = peers.get(id);
    pairs.get(id).close();
    pairs.delete(id);
    peers.delete(id);
    emit(room, 'leave', { peer, reason });
  }

  function welcome({ id, session, peers: present, limits, history }) {
    const isFresh = !!room.self.id;
    // Connections of the lost session would never come back, even where the ids are the same.
    for (const old of [...peers.keys()]) remove(old, 'lost');
    Object.assign(room, { limits, history });
    room.self.id = id;
    if (room.self.meta) room.update({ meta: room.self.meta });
    setState('open', isFresh && { fresh: true });
    for (const info of present) add(info, isFresh);
    resolve(room);
  }

  function take(message) {
    const { type, from, text, to, data, reason, peer: info, id = from ?? info?.id } = message;
    const peer = peers.get(id);
    if (message.session) storage?.setItem(key, message.session);
    iceServers = message.iceServers ?? iceServers;
    if (type === 'welcome') welcome(message);
    else if (type === 'resumed') {
      setState('open');
      all('kick');
    } else if (type === 'closing') emit(room, type, message);
    else if (type === 'error') emit(room, type, new SignalError(message.code, message.message));
    else if (type === 'peer-joined') add(info, true);
    else if (type === 'message') emit(room, type, { from, peer, data });
    else if (type === 'chat') emit(room, type, { from, name: peer?.name, at: Date.now(), text, to });
    else if (!peer) return;
    else if (type === 'peer-left') remove(id, reason);
    else if (/^peer-/.test(type)) {
      Object.assign(peer, info ?? { away: type === 'peer-away' });
      emit(room, 'update', { peer });
    } else pairs.get(id).handle(message);
  }

  for (const track of options.stream?.getTracks() ?? []) {
    room.publish(track, { as: track.kind === 'audio' ? 'mic' : 'cam' });
  }
  const link = openLink(`${client.url}/${encodeURIComponent(name)}`, {
    ...setup,
    query: { name: options.name, token: options.token },
    replaces: options.resume !== false && storage?.getItem(key),
  }, {
    trace,
    message: take,
    lost: () => setState('reconnecting'),
    end(error = new SignalError('closed')) {
      over.abort();
      storage?.removeItem(key);
      all('close');
      setState('closed', error.code !== 'closed' && { error });
      reject(error);
      ended(room);
    },
  });
  const { document, addEventListener } = globalThis;
  const wake = () => link.wake(document?.hidden);
  addEventListener?.('online', wake, over);
  document?.addEventListener('visibilitychange', wake, over);
  for (const signal of [setup.signal, options.signal]) {
    signal?.addEventListener('abort', () => {
      reject(signal.reason);
      room.leave();
    }, over);
  }
  return room;
}

export function connect(url, options = {}) {
  const at = new URL(url ?? '/', globalThis.location?.href);
  const path = at.pathname.replace(/\/$/, '') || '/v1';
  const { WebSocket, RTCPeerConnection } = globalThis;
  const rooms = new Set();

  async function join(name, o = {}) {
    options.signal?.throwIfAborted();
    o.signal?.throwIfAborted();
    if (/^\.{0,2}$/.test(name)) throw new SignalError('bad-room'); // no URL can say it
    let room, timer;
    try {
      return await new Promise((resolve, reject) => {
        const ended = (old) => rooms.delete(old);
        const setup = { WebSocket, RTCPeerConnection, ...options };
        room = openRoom(client, name, setup, o, { resolve, reject, ended });
        rooms.add(room);
        if (o.giveUpAfter) timer = setTimeout(reject, o.giveUpAfter, new SignalError('unreachable'));
      });
    } catch (error) {
      room?.leave();
      throw error;
    } finally {
      clearTimeout(timer);
    }
  }

  const close = () => Promise.all([...rooms].map((room) => room.leave()));
  const client = Object.assign(new Emitter(), {
    url: `${at.protocol.replace('http', 'ws')}//${at.host}${path}`,
    join,
    close,
    [Symbol.asyncDispose]: close,
  });
  return client;
}
