// What one address does to harm the others: each attack is a row, run by a thread of its own so that who measures
// meanwhile is not slowed down by it. It is bounded: by the time that it is given, by `width` things at once, and each
// begins anew only when the one before is over.
import { once } from 'node:events';
import net from 'node:net';
import tls from 'node:tls';
import { isMainThread, parentPort, Worker } from 'node:worker_threads';
import { workers } from './daemon.mjs';
import { CONTINUATION, frame, handshake, noise, PING, PONG, TEXT } from './raw.mjs';

const CHUNK = noise('attack', 30000).toString('hex');
const large = frame(TEXT, CHUNK);
const many = (count, ...one) => Buffer.concat(Array.from({ length: count }, () => frame(...one)));
const small = many(200, TEXT, 'x');
const record = many(2300, TEXT, 'x');
const pieces = Buffer.concat([frame(TEXT, 'begun', { fin: false }), many(2300, CONTINUATION, 'x', { fin: false })]);
const pings = many(20000, PING, '');
const empty = Buffer.concat([frame(TEXT, 'begun', { fin: false }), many(20000, CONTINUATION, '', { fin: false })]);
const pongs = many(100, PONG, '');
const json = (message) => frame(TEXT, JSON.stringify(message));

/** One run of an attack against one daemon. */
class Attacker {
  acts = 0;
  #sockets = new Set();
  #over;

  constructor({ port, proxyPort, tlsPort, address, ms }) {
    Object.assign(this, { port, proxyPort, tlsPort, address });
    this.over = new Promise((done) => { this.#over = done; });
    setTimeout(() => {
      this.ended = true;
      this.#over();
    }, ms);
  }

  /** Wait for it, but not longer than the attack lasts, nor than `ms`. */
  async wait(promise, ms) {
    let timer;
    const late = ms && new Promise((done) => { timer = setTimeout(done, ms); });
    await Promise.race([promise, this.over, ...late ? [late] : []]);
    clearTimeout(timer);
  }

  /** A connection on which `bytes` are said; `gone` is its end. What comes is forgotten. */
  dial(bytes = '', { port = this.port, by = net } = {}) {
    const socket = by.connect({ host: '127.0.0.1', port, localAddress: this.address, rejectUnauthorized: false });
    this.#sockets.add(socket);
    socket.on('error', () => {});
    socket.gone = new Promise((done) => socket.on('close', () => {
      this.#sockets.delete(socket);
      done();
    }));
    socket.on('data', () => {});
    socket.write(bytes);
    return socket;
  }

  /** A WebSocket that says all that once it is open, and that reads on from there or not. */
  open(path, frames = [], { reads = true } = {}) {
    const socket = this.dial(handshake(path));
    socket.once('data', () => {
      socket.write(Buffer.concat(frames));
      if (!reads) socket.pause();
    });
    return socket;
  }

  /** The session that the daemon begins in a WebSocket; undefined when it is refused. */
  async session(socket) {
    let got = '';
    let session;
    const found = new Promise((done) => socket.on('data', (bytes) => {
      if (!session) got += bytes.toString('latin1');
      session ??= /"session":"([\w-]+)"/.exec(got)?.[1];
      if (session) done();
    }));
    await this.wait(Promise.race([found, socket.gone]), 2000);
    return session;
  }

  /** Many who say `bytes` at once, when all have come. */
  async crowd(bytes, where) {
    const peers = [];
    while (peers.length < 120 && !this.ended) { // one after the other: their handshakes are no part of it
      const peer = this.dial(handshake('/relay/crowd'), where);
      await this.wait(Promise.race([peer.gone, once(peer, 'data')]));
      peers.push(peer);
    }
    for (const peer of peers) peer.write(bytes);
    await this.wait(Promise.all(peers.map(({ gone }) => gone)), 300);
    await this.cut(...peers);
  }

  async cut(...sockets) {
    for (const socket of sockets) socket.encrypted ? socket.destroy() : socket.resetAndDestroy();
    await Promise.all(sockets.map(({ gone }) => gone));
  }

  /** `width` loops of `step`, until the time is over. */
  async run({ width, step }) {
    await Promise.all(Array.from({ length: width }, async (_, i) => {
      for (let round = 0; !this.ended; round++) {
        await step(this, `${i}-${round}`, i);
        this.acts++;
        await new Promise(setImmediate);
      }
    }));
    await this.cut(...this.#sockets);
  }
}

/** Join a room of nakodo.v1 as one who acknowledges once. */
const join = (a, room, frames = []) => a.open(`/v1/${room}`, [json({ type: 'ack', n: 0 }), ...frames]);

/** By name: `width` loops of `step`; where it cannot fail to bite even on a busy machine, the meter of the limit that it `meets`. */
export const attacks = {
  'bursts to readers of nothing': {
    width: 8,
    meets: 'held_for_readers',
    async step(a, name) {
      const path = `/relay/${name}`;
      const readers = [1, 2].map(() => a.open(path, [], { reads: false }));
      const sender = a.open(path, Array.from({ length: 40 }, () => large));
      await a.wait(Promise.all([...readers, sender].map(({ gone }) => gone)), 500);
      await a.cut(sender, ...readers);
    },
  },
  'reconnecting for a new burst each time': {
    width: 16,
    meets: 'held',
    async step(a) {
      const peer = a.open('/relay/bursts', [small]);
      await a.wait(Promise.race([peer.gone, once(peer, 'data')]));
      await a.cut(peer);
    },
  },
  'silent connections to a proxy: listener': {
    width: 400,
    meets: 'accept_untrusted',
    step: (a) => a.wait(a.dial('', { port: a.proxyPort }).gone),
  },
  'sessions that never acknowledge': {
    width: 8,
    meets: 'held_for_readers',
    async step(a, name) {
      const silent = a.open(`/v1/${name}`);
      const speaker = join(a, name, Array.from({ length: 40 }, () => json({ type: 'x', x: CHUNK })));
      await a.wait(Promise.race([silent.gone, speaker.gone]), 400);
      await a.cut(silent, speaker);
    },
  },
  'readers of nothing that send pongs': {
    width: 4,
    meets: 'held_for_readers',
    async step(a, name) {
      const path = `/relay/${name}`;
      const readers = Array.from({ length: 20 }, () => a.open(path, [pongs], { reads: false }));
      const sender = a.open(path, Array.from({ length: 20 }, () => large));
      const ponging = setInterval(() => readers.forEach((reader) => reader.write(pongs)), 50);
      await a.wait(sender.gone, 600);
      clearInterval(ponging);
      await a.cut(sender, ...readers);
    },
  },
  'newcomers to a long history, all at once': {
    width: 96,
    meets: 'admitted_later',
    async step(a, name, i) {
      const path = `/v1/history-${i % 8}`;
      if (i < 8) {
        await a.wait(a.open(path, [json({ type: 'chat', text: CHUNK })]).gone);
        return;
      }
      const newcomer = a.dial(handshake(path).slice(0, -2));
      await a.wait(newcomer.gone, 100 - Date.now() % 100); // until the others are there as well
      newcomer.write('\r\n');
      await a.session(newcomer);
      await a.cut(newcomer);
    },
  },
  'the same messages again and again': {
    width: 8,
    async step(a, name) {
      const listener = join(a, name);
      let session = await a.session(listener);
      const speaker = join(a, name, Array.from({ length: 14 }, () => json({ type: 'x', x: CHUNK })));
      await a.wait(speaker.gone, 200);
      await a.cut(listener);
      for (let i = 0; session && i < 100 && !a.ended; i++) {
        const again = a.open(`/v1/${name}?session=${session}&n=0`);
        session = await a.session(again);
        await a.cut(again);
        a.acts++;
      }
      await a.cut(speaker);
    },
  },
  pings: {
    width: 4,
    async step(a) {
      const peer = a.open('/echo');
      while (!peer.destroyed && !a.ended) await a.wait(Promise.race([peer.gone, new Promise((done) => peer.write(pings, done))]));
      await a.cut(peer);
    },
  },
  'empty continuation frames': {
    width: 4,
    async step(a) {
      const peer = a.open('/echo', [empty]);
      while (!peer.destroyed && !a.ended) await a.wait(Promise.race([peer.gone, new Promise((done) => peer.write(empty.subarray(11), done))]));
      await a.cut(peer);
    },
  },
  'a crowd that says everything at once': {
    width: 1,
    meets: 'held_for_others',
    step: (a) => a.crowd(small),
  },
  'a crowd that says a full TLS record of the smallest messages at once': {
    width: 1,
    meets: workers > 1 ? 'held_for_others' : 'read_later', // whose peer it is reads what another worker has decrypted
    step: (a) => a.crowd(record, { port: a.tlsPort, by: tls }),
  },
  'a crowd whose messages come in the smallest pieces': {
    width: 1,
    meets: 'held_for_others',
    step: (a) => a.crowd(pieces),
  },
  'long lists, and many': {
    width: 60,
    meets: 'held_for_others',
    async step(a) {
      const meta = { words: 'x'.repeat(1900) };
      const peer = a.open('/gst', [json({ type: 'setPeerStatus', roles: ['producer'], meta }), many(65, TEXT, '{"type":"list"}')]);
      await a.wait(peer.gone, 300);
      await a.cut(peer);
    },
  },
  'QR codes to draw': {
    width: 16,
    meets: 'qr_drawn',
    step: (a, name) => a.wait(a.dial(`GET /qr.svg?text=${name}${'x'.repeat(400)} HTTP/1.1\r\nHost: localhost\r\n\r\n`).gone),
  },
  'seats that nobody sits on': {
    width: 32,
    meets: 'seats_yielded',
    async step(a, name, i) {
      const session = join(a, `seats-${i % 4}`);
      await a.session(session);
      await a.cut(session);
    },
  },
  'long descriptions for gstreamer': {
    width: 16,
    async step(a, name) {
      const status = json({ type: 'setPeerStatus', roles: ['listener', 'producer'], meta: { name, x: 'x'.repeat(3900) } });
      const peer = a.open('/gst', [status, json({ type: 'list' })]);
      await a.wait(peer.gone, 400);
      await a.cut(peer);
    },
  },
  'topics of y-webrtc': {
    width: 40,
    async step(a, name) {
      const topics = Array.from({ length: 100 }, (_, i) => `${name}-${i}`);
      const peer = a.open('/y-webrtc', [json({ type: 'subscribe', topics }), ...[1, 2, 3].flatMap(() => topics.map((topic) => json({ type: 'publish', topic, x: 'x' })))]);
      await a.wait(peer.gone, 400);
      await a.cut(peer);
    },
  },
  'offers of PeerJS to nobody': {
    width: 40,
    async step(a, name) {
      const offers = Array.from({ length: 250 }, (_, i) => json({ type: 'OFFER', dst: `nobody-${name}-${i}`, payload: { x: 'x'.repeat(2000) } }));
      const peer = a.open(`/peerjs/peerjs?key=peerjs&id=${name}&token=t`, offers);
      await a.wait(peer.gone, 400);
      await a.cut(peer);
    },
  },
  'members of many swarms who all leave at once': {
    width: 1,
    async step(a, name) {
      const announces = Array.from({ length: 100 }, (_, i) => json({ action: 'announce', info_hash: `${name}-${i}`.padEnd(20, '.'), peer_id: '-x-'.padEnd(20, '.'), event: 'started', left: 1, numwant: 0, offers: [] }));
      const members = Array.from({ length: 100 }, () => a.open('/webtorrent', announces));
      await a.wait(Promise.all(members.map(({ gone }) => gone)), 600);
      await a.cut(...members);
    },
  },
  'peers that come and go, for the log': {
    width: 16,
    async step(a) {
      const peer = a.open('/echo');
      await a.wait(Promise.race([peer.gone, once(peer, 'data')]));
      await a.cut(peer);
    },
  },
  'requests that are refused, for the log': {
    width: 16,
    meets: 'refused_bad_origin',
    step: (a) => a.wait(a.dial(handshake('/echo', { Origin: 'http://evil.example' })).gone),
  },
};

/** The thread in which attacks run. */
export class Attack {
  #worker = new Worker(new URL(import.meta.url));

  /** Attack for so long; what was done. Where: { port, proxyPort, tlsPort, address }. */
  async run(name, where, ms) {
    this.#worker.postMessage({ name, where: { ...where, ms } });
    const [acts] = await once(this.#worker, 'message');
    return acts;
  }

  stop() {
    return this.#worker.terminate();
  }
}

if (!isMainThread && parentPort) {
  parentPort.on('message', async ({ name, where }) => {
    const attacker = new Attacker(where);
    await attacker.run(attacks[name]);
    parentPort.postMessage(attacker.acts);
  });
}
