// What hostile clients send, in every dialect: the dialects' entries, and what becomes of their messages. A new dialect
// needs an entry here, tests/source/check_dialects.mjs says what is missing in it, and tests/integration/hostile.test.mjs
// sends what comes out of it.
import { within } from './raw.mjs';

/**
 * How a dialect is spoken.
 *
 * @typedef {object} Entry
 * @property {(name: string, room: string) => string} path where a client of that name connects
 * @property {(name: string, room: string) => object[]} [greet] what it says first, if it must say something to be in
 * @property {RegExp} [welcome] what it is told when it is in; its first group, if it has one, is the client's id, which
 *   else is its name
 * @property {(self: Client, other: Client, room: string) => Record<string, object|string>} types a message of every type
 *   that the dialect knows, in full and right; strings go as they are
 * @property {(name: string, room: string) => object[]} [first] what may come only as a client's first message; default
 *   what it greets with
 * @property {(one: Client, other: Client) => Promise<void>} [pair] what two who talk must do before
 * @property {object} [unlock] what makes a room that was locked take newcomers again
 * @property {(from: Client, to: Client, mark: string) => object|string} talk says `mark` to the other, or (`alone`) itself
 * @property {boolean} [alone] nobody hears others
 * @property {boolean} [two] a room has two members, and its end is that of both
 * @property {boolean} [keeps] who comes under an id that is taken is refused
 * @property {RegExp|number|null} wrong what the documentation says of a message that is not one JSON object: the answer,
 *   or the close code, or (null) nothing happens
 * @property {RegExp|null} hears what its sender may be told of any other message
 * @property {number[]} [closes] the codes that such a message may be closed with
 * @property {Record<string, Entry>} [roles] how others than these clients are attacked
 */

const inPath = (path) => (name, room) => `${path}/${room}`;
const bytes20 = (text) => text.padEnd(20, '_').slice(0, 20);
const sdp = 'v=0\r\n';
const candidate = { candidate: 'candidate:1 1 UDP 1 127.0.0.1 9 typ host', sdpMid: '0', sdpMLineIndex: 0 };

/** Players of pixel-streaming, or its streamers (`attacked`); the second of two is of the other role. */
const pixelStreaming = (attacked, more) => {
  const streams = (name) => (attacked ? !['hasOwnProperty', 'partner'].includes(name) : ['valueOf', 'partner'].includes(name));
  const confirmed = async (streamer) => {
    streamer.committed ??= JSON.parse(await until(streamer, '"endpointIdConfirm"')).committedId;
  };
  return {
    path: (name) => `/pixel-streaming/${streams(name) ? 'streamer' : 'player'}`,
    greet: (name) => (streams(name) ? [{ type: 'endpointId', id: name, protocolVersion: '1.3.0' }] : []),
    welcome: /^\{"type":"(?:config|identify)"/,
    async pair(...two) {
      const streamers = two.filter(({ id }) => streams(id));
      await Promise.all(streamers.map(confirmed));
      const [player] = two.filter((each) => !streamers.includes(each));
      if (!player) return; // an attacking streamer has none: it must not reach those of others
      player.send(JSON.stringify({ type: 'subscribe', streamerId: streamers[0].committed }));
      player.id = JSON.parse(await until(streamers[0], '"playerConnected"')).playerId;
    },
    talk: (from, to, mark) => ({ type: 'iceCandidate', playerId: to.id, candidate: { candidate: mark } }),
    wrong: null,
    ...more,
  };
};
const pixelPlayer = pixelStreaming(false, {
  types: (self, other) => ({
    listStreamers: { type: 'listStreamers' },
    subscribe: { type: 'subscribe', streamerId: other.committed ?? 'nobody' },
    offer: { type: 'offer', playerId: self.id, sdp },
    answer: { type: 'answer', sdp },
    iceCandidate: { type: 'iceCandidate', candidate },
    layerPreference: { type: 'layerPreference', spatialLayer: 0, temporalLayer: 0, playerId: '' },
    dataChannelRequest: { type: 'dataChannelRequest' },
    peerDataChannelsReady: { type: 'peerDataChannelsReady' },
    ping: { type: 'ping', time: 1795866131781 },
    pong: { type: 'pong', time: 1795866131781 },
    stats: { type: 'stats', data: {} },
    unsubscribe: { type: 'unsubscribe' },
  }),
  hears: /^\{"type":"(config|streamerList|subscribeFailed|playerCount|pong)"/,
});
const pixelStreamer = pixelStreaming(true, {
  types: (self, other) => ({
    offer: { type: 'offer', playerId: other.id, sdp, sfu: false },
    answer: { type: 'answer', playerId: other.id, sdp },
    iceCandidate: { type: 'iceCandidate', playerId: other.id, candidate },
    disconnectPlayer: { type: 'disconnectPlayer', playerId: 'Player0', reason: 'r' },
    layerPreference: { type: 'layerPreference', spatialLayer: 0 },
    ping: { type: 'ping', time: 1795866131781 },
    endpointId: { type: 'endpointId', id: self.id, protocolVersion: '1.3.0' },
  }),
  hears: /^\{"type":"(config|identify|endpointIdConfirm|pong)"/,
  closes: [4400],
});

/** @type {Record<string, Entry>} */
export const dialects = {
  ayame: {
    path: () => '/signaling',
    greet: (name, room) => [{
      type: 'register', roomId: room, clientId: name, key: 'k', signalingKey: 's', standalone: false,
      authnMetadata: { a: 1 }, ayameClient: 'c', libwebrtc: 'l', environment: 'e',
    }],
    welcome: /"type":"accept"/,
    types: () => ({
      register: { type: 'register', roomId: 'again' },
      offer: { type: 'offer', sdp },
      answer: { type: 'answer', sdp },
      candidate: { type: 'candidate', ice: candidate },
      pong: { type: 'pong' },
      connected: { type: 'connected' },
    }),
    talk: (from, to, mark) => ({ type: 'candidate', ice: mark }),
    two: true,
    wrong: 1000,
    hears: /^\{"type":"(accept|reject|ping|bye)"/,
    closes: [1000],
  },
  chat: {
    path: inPath('/chat'),
    types: () => ({ message: { type: 'any', text: 'x' } }),
    talk: (from, to, mark) => mark,
    wrong: /^/,
    hears: /^/,
  },
  echo: {
    path: () => '/echo',
    types: () => ({ message: { type: 'any', text: 'x' } }),
    talk: (from, to, mark) => mark,
    alone: true,
    wrong: /^/,
    hears: /^/,
  },
  gstreamer: {
    path: () => '/gst',
    welcome: /^\{"type":"welcome","peerId":"([^"]+)"\}$/,
    first: () => [{ type: 'setProtocolVersion', version: 'v1_0' }, { type: 'setProtocolVersion', version: 'v1_1' }],
    types: (self, other) => ({
      setProtocolVersion: { type: 'setProtocolVersion', version: 'v1_1' },
      setPeerStatus: { type: 'setPeerStatus', roles: ['consumer', 'listener'], meta: { name: 'x' }, peerId: self.id },
      list: { type: 'list' },
      listConsumers: { type: 'listConsumers' },
      offer: { type: 'peer', sessionId: self.session, sdp: { type: 'offer', sdp } },
      answer: { type: 'peer', sessionId: self.session, sdp: { type: 'answer', sdp } },
      ice: { type: 'peer', sessionId: self.session, ice: { candidate: 'c', sdpMLineIndex: 0 } },
      startSession: { type: 'startSession', peerId: other.id, offer: sdp },
      endSessionV1_1: { type: 'endSessionV1_1', sessionId: self.session, error: 'e' },
      endSession: { type: 'endSession', sessionId: self.session },
    }),
    async pair(one, other) {
      other.send(JSON.stringify({ type: 'setPeerStatus', roles: ['producer'], meta: null, peerId: other.id }));
      await settled(other);
      one.send(JSON.stringify({ type: 'startSession', peerId: other.id }));
      one.session = /"sessionId":"([^"]+)"/.exec(await until(one, '"sessionStarted"'))[1];
      other.session ??= one.session;
    },
    talk: (from, to, mark) => ({ type: 'peer', sessionId: from.session, ice: { candidate: mark, sdpMLineIndex: 0 } }),
    wrong: null,
    hears: /^\{"type":"(welcome|error|list|listConsumers|peerStatusChanged|sessionStarted|startSession|endSession)"/,
  },
  libdatachannel: {
    path: (name) => `/libdatachannel/${name}`,
    types: (self, other) => ({
      offer: { id: other.id, type: 'offer', description: sdp },
      answer: { id: other.id, type: 'answer', description: sdp },
      candidate: { id: other.id, type: 'candidate', candidate: 'a=candidate:1', mid: '0' },
      request: { id: other.id, type: 'request' },
      itself: { id: self.id },
    }),
    talk: (from, to, mark) => ({ id: to.id, mark }),
    wrong: null,
    hears: /"id":"(hostile|alone)"/,
  },
  matchbox: {
    path: inPath('/matchbox'),
    welcome: /^\{"IdAssigned":"([^"]+)"\}$/,
    types: (self, other) => ({
      Signal: { Signal: { receiver: other.id, data: { Offer: sdp } } },
      itself: { Signal: { receiver: self.id, data: { IceCandidate: JSON.stringify(candidate) } } },
      KeepAlive: { KeepAlive: null },
      bare: '"KeepAlive"',
    }),
    talk: (from, to, mark) => ({ Signal: { receiver: to.id, data: mark } }),
    wrong: null,
    hears: /^\{"(IdAssigned|NewPeer|PeerLeft|Signal)":/,
  },
  'nakodo.v1': {
    path: (name, room) => `/v1/${room}?name=${name}`,
    welcome: /^\{"type":"welcome","id":"([^"]+)"/,
    types: (self, other) => ({
      offer: { type: 'offer', to: other.id, sdp },
      answer: { type: 'answer', to: other.id, sdp },
      candidate: { type: 'candidate', to: other.id, ice: candidate },
      all: { type: 'own', x: 1 },
      chat: { type: 'chat', text: 'hello', to: other.id },
      update: { type: 'update', name: 'n', meta: { a: [1] } },
      ack: { type: 'ack', n: 1 },
      ping: { type: 'ping', t: 5 },
      token: { type: 'token', token: 'a.b.c' },
      lock: { type: 'lock', locked: false },
      kick: { type: 'kick', to: other.id },
      bye: { type: 'bye' },
    }),
    unlock: { type: 'lock', locked: false },
    talk: (from, to, mark) => ({ type: 'candidate', to: to.id, ice: mark }),
    wrong: /^\{"type":"error","code":"bad-(json|message)"/,
    hears: /^\{"type":"(welcome|error|pong|ack|ice|lock|peer-joined|peer-left|peer-away|peer-updated)"/,
    closes: [1000],
  },
  'named-room': {
    path: () => '/video_chat/signaling',
    greet: (name, room) => [{ method: 'open', roomName: room, name }],
    types: (self, other, room) => ({
      offer: { method: 'rtc', description: { type: 'offer', sdp }, roomName: room, from: self.id, to: other.id },
      answer: { method: 'rtc', description: { type: 'answer', sdp }, roomName: room, from: other.id, to: self.id },
      open: { method: 'open', roomName: room, name: self.id },
    }),
    talk: (from, to, mark) => ({ method: 'rtc', description: { type: 'offer', sdp: mark }, roomName: from.room, from: from.id, to: to.id }),
    wrong: null,
    hears: /^\{"method":"rtc","type":"request"/,
    closes: [4409],
  },
  peerjs: {
    path: (name) => `/peerjs?key=peerjs&id=${name}&token=${name}`,
    welcome: /^\{"type":"OPEN"\}$/,
    types: (self, other) => Object.fromEntries([
      ...['OFFER', 'ANSWER', 'CANDIDATE', 'EXPIRE', 'LEAVE'].map((type) => [type, { type, src: self.id, dst: other.id, payload: { sdp } }]),
      ['HEARTBEAT', { type: 'HEARTBEAT' }],
    ]),
    talk: (from, to, mark) => ({ type: 'CANDIDATE', dst: to.id, payload: mark }),
    wrong: null,
    hears: /^\{"type":"(OPEN|EXPIRE|OFFER|ANSWER|CANDIDATE|LEAVE)"/,
  },
  'pixel-streaming': { ...pixelPlayer, roles: { streamer: pixelStreamer } },
  relay: {
    path: inPath('/relay'),
    types: () => ({ message: { type: 'any', text: 'x' } }),
    talk: (from, to, mark) => mark,
    wrong: null,
    hears: null,
  },
  signal: {
    path: (name, room) => `/?room=${room}`,
    types: () => ({
      offer: { type: 'offer', sdp },
      answer: { type: 'answer', sdp },
      candidate: { type: 'candidate', ice: candidate },
    }),
    talk: (from, to, mark) => ({ type: 'candidate', ice: mark }),
    wrong: /^\{"type":"error","code":"bad-(json|message)"/,
    hears: /^\{"type":"error","code":"bad-(json|message)"/,
  },
  webtorrent: {
    path: () => '/webtorrent',
    greet: (name, room) => [{
      action: 'announce', info_hash: bytes20(room), peer_id: bytes20(name), event: 'started', left: 1, uploaded: 0, downloaded: 0,
      numwant: 1, offers: [{ offer: { type: 'offer', sdp }, offer_id: bytes20('o') }],
    }],
    welcome: /"complete":/,
    types: (self, other, room) => ({
      update: { action: 'announce', info_hash: bytes20(room), peer_id: bytes20(self.id), left: 1, numwant: 0, offers: [] },
      completed: { action: 'announce', info_hash: bytes20(room), peer_id: bytes20(self.id), event: 'completed', left: 0 },
      answer: {
        action: 'announce', info_hash: bytes20(room), peer_id: bytes20(self.id), to_peer_id: bytes20(other.id), offer_id: bytes20('o'),
        answer: { type: 'answer', sdp },
      },
      scrape: { action: 'scrape', info_hash: bytes20(room) },
      'scrape of many': { action: 'scrape', info_hash: [bytes20(room), bytes20('x')] },
      stopped: { action: 'announce', info_hash: bytes20(room), peer_id: bytes20(self.id), event: 'stopped' },
    }),
    /** To whom an offer goes is chosen at random: so many go to all. */
    talk: (from, to, mark) => ({
      action: 'announce', info_hash: bytes20(from.room), peer_id: bytes20(from.id), left: 1, numwant: 9,
      offers: Array.from({ length: 9 }, (_, i) => ({ offer: { sdp: mark }, offer_id: bytes20(`${i}`) })),
    }),
    keeps: true,
    wrong: /"failure reason":/,
    hears: /"action":/,
  },
  'y-webrtc': {
    path: () => '/y-webrtc',
    greet: (name, room) => [{ type: 'subscribe', topics: [room, `${room}-${name}`] }],
    types: (self, other, room) => ({
      subscribe: { type: 'subscribe', topics: [room, 'other'] },
      publish: { type: 'publish', topic: room, clients: 5, data: { to: other.id, from: self.id } },
      ping: { type: 'ping' },
      unsubscribe: { type: 'unsubscribe', topics: [room] },
    }),
    talk: (from, to, mark) => ({ type: 'publish', topic: from.room, data: mark }),
    wrong: null,
    hears: /^\{"type":"(pong|publish)"|"clients":/,
  },
};

/** All that the client said has been dealt with, or it was closed: its second ping is answered in a turn behind that. */
export async function settled(client) {
  for (let i = 0; i < 2 && !client.end; i++) {
    const pong = new Promise((done) => client.ws.once('pong', done));
    client.ws.ping();
    await within(Promise.race([pong, client.closed]), `a pong on ${client.url}`);
  }
}

/** The next message that has these words. */
export async function until(client, words) {
  for (;;) {
    const text = String(await client.next());
    if (text.includes(words)) return text;
  }
}

const deep = (open, close, inner = '') => open.repeat(10000) + inner + close.repeat(10000);
const escapes = `"${'\\u0041'.repeat(Math.ceil(2 ** 20 / 6))}"`;

/** JSON in the place of any value. */
const values = [
  'null', '[null]', '5', '-1', '1e999', '12345678901234567890', 'true', '""', '{}', '[]', '[[]]', '{"type":null}', '"nobody"',
  '"toString"', '"__proto__"', '"constructor"', '"\\ud800"', '"\\udc00\\ud800"', '"\\u0000"', `"${'x'.repeat(200)}"`,
];

/** Longer than what goes into every place. */
const large = [['an array in an array, 10 000 deep', deep('[', ']')], ['an object in an object, 10 000 deep', deep('{"a":', '}', '1')],
  ['1 MiB of escapes', escapes]];

/** Messages that are not one JSON object. */
export const garbage = [
  ['nothing', ''], ['null', 'null'], ['[null]', '[null]'], ['a number', '5'], ['a string', '"toString"'], ['a lone surrogate', '"\\ud800"'],
  ['true', 'true'], ['an array', '[]'], ['no JSON', 'hello'], ['a brace', '{'], ['a byte order mark', '\ufeff{}'], ['two objects', '{}{}'],
  ...large.filter(([, text]) => !text.startsWith('{')),
];

const PLACE = '\u{f0000}';

/** The ways to every value in the message. */
function paths(value, way = []) {
  if (typeof value !== 'object' || value === null) return [way];
  return [way, ...Object.keys(value).flatMap((name) => paths(value[name], [...way, name]))];
}

function changed(message, way, change) {
  const copy = structuredClone(message);
  const parent = way.slice(0, -1).reduce((at, name) => at[name], copy);
  change(parent, way.at(-1));
  return copy;
}

const replaced = (message, way, text) =>
  JSON.stringify(changed(message, way, (parent, name) => { parent[name] = PLACE; })).replace(JSON.stringify(PLACE), () => text);

/**
 * What can be made of a message by changing one thing in it: pairs of a description and a function that does it to
 * another message of the same form.
 */
export function changes(example) {
  if (typeof example === 'string') return [['as it is', (message) => message]];
  const ways = paths(example).filter((way) => way.length);
  const at = (way) => way.join('.');
  return [
    ['as it is', (message) => JSON.stringify(message)],
    ['in an array', (message) => JSON.stringify([message])],
    ['cut', (message) => JSON.stringify(message).slice(0, -1)],
    ['with a member __proto__', (message) => JSON.stringify(message).replace('{', '{"__proto__":{"type":"x"},')],
    ...ways.map((way) => [`without ${at(way)}`, (message) => JSON.stringify(changed(message, way, (parent, name) => { delete parent[name]; }))]),
    ...ways.flatMap((way) => values.map((text) => [`with ${text.slice(0, 30)} as ${at(way)}`, (message) => replaced(message, way, text)])),
    ...Object.keys(example).map((name) => [`with ${name} twice`,
      (message) => JSON.stringify(message).replace(/\}$/, `,${JSON.stringify(name)}:null}`)]),
    ...ways.slice(-1).flatMap((way) => large.map(([what, text]) => [`with ${what} as ${at(way)}`, (message) => replaced(message, way, text)])),
  ];
}
