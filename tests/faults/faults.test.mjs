// Goal: an allocation that fails, anywhere, costs at most the connection that it was for, and a socket
// that takes a few bytes at a time costs nothing. FAULTS=all makes every allocation fail once, SEED=n
// throws the same dice again.
import assert from 'node:assert/strict';
import { closeSync, openSync, readSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { open } from '../lib/client.mjs';
import { certificateDirectory, root, scratch, spawnDaemon } from '../lib/daemon.mjs';
import { ask } from '../lib/http.mjs';
import { descriptors, settles } from '../lib/process.mjs';
import { dice } from '../lib/v1-model.mjs';
import { Session } from '../lib/v1.mjs';

const seed = Number(process.env.SEED ?? Math.floor(Math.random() * 2 ** 32));
const random = dice(seed);
const all = process.env.FAULTS === 'all';
const SAMPLES = 15; // of each scenario
const ignore = () => {};
const pause = (ms) => new Promise((done) => setTimeout(done, ms));

/** What faults.c reads and writes. */
class Faults {
  #fd;

  constructor() {
    this.path = join(scratch(), 'faults');
    this.#fd = openSync(this.path, 'w+');
    writeSync(this.#fd, Buffer.alloc(40), 0, 40, 0);
  }

  #number(i) {
    const bytes = Buffer.alloc(8);
    readSync(this.#fd, bytes, 0, 8, 8 * i);
    return Number(bytes.readBigUInt64LE());
  }

  #set(i, value) {
    const bytes = Buffer.alloc(8);
    bytes.writeBigUInt64LE(BigInt(value));
    writeSync(this.#fd, bytes, 0, 8, 8 * i);
  }

  /** Let the n-th allocation from now on fail; 0: none. */
  arm(n) {
    this.#set(0, n);
  }

  get allocations() {
    return this.#number(1);
  }

  get failed() {
    return this.#number(3);
  }

  /** Let a socket take so many bytes at a time; 0: as many as it likes. */
  narrow(bytes) {
    this.#set(2, bytes);
  }

  /** Let so many bytes be counted in memory_frames that nobody holds. */
  lose(bytes) {
    this.#set(4, bytes);
  }

  close() {
    closeSync(this.#fd);
  }
}

/** Connect, say something, hear something or not, go. */
async function visit(url, ...said) {
  const client = await open(url);
  client.ws.on('error', ignore);
  for (const text of said) client.ws.send(text, ignore);
  await Promise.race([client.next().catch(ignore), pause(40)]);
  client.ws.terminate();
}

async function converse(base) {
  const opened = await Promise.allSettled([open(`${base}/relay/victims`), open(`${base}/relay/victims`)]);
  const [one, other] = opened.map(({ value }) => value);
  if (!one || !other) {
    (one ?? other)?.ws.terminate();
    return;
  }
  for (let i = 0; i < 10; i++) one.ws.send('x'.repeat(i * 900), ignore);
  await Promise.race([other.closed, (async () => { for (let i = 0; i < 10; i++) await other.next(); })().catch(ignore), pause(100)]);
  one.ws.terminate();
  other.ws.terminate();
}

async function resume(base) {
  const room = `room-${random.below(2 ** 30)}`; // seats stay for a second
  const [session, other] = [0, 1].map(() => new Session(base, room, { queue: false, onfault: ignore }));
  try {
    await session.connect();
    await other.connect();
    for (let i = 0; i < 5; i++) other.send({ type: 'chat', text: `line ${i}` });
    session.ws.terminate();
    other.send({ type: 'x', text: 'meanwhile' });
    await session.connect();
    await pause(10);
  } finally {
    for (const { ws } of [session, other]) ws?.terminate();
  }
}

const scenarios = {
  'a page': ({ port }) => ask({ port }, '/'),
  'ice.json': ({ port }) => ask({ port }, '/ice.json'),
  'a QR code': ({ port }) => ask({ port }, '/qr.svg?text=x'),
  'a refusal': ({ port }) => ask({ port }, '/v1/room'),
  'a page over TLS': ({ tlsPort }) => ask({ port: tlsPort, tls: true }, '/'),
  'signal': ({ ws }) => visit(`${ws}/?room=a`, '{"type":"offer","sdp":""}'),
  'echo in pieces': ({ ws }) => visit(`${ws}/echo`, 'x'.repeat(40000)),
  'chat over wss': ({ wss }) => visit(`${wss}/chat/room`, 'hello'),
  'named-room': ({ ws }) => visit(`${ws}/video_chat/signaling`, '{"type":"join","room":"a"}'),
  'gstreamer': ({ ws }) => visit(`${ws}/gst`, '{"type":"setPeerStatus","roles":["producer","listener"],"meta":{"a":1}}', '{"type":"list"}'),
  'ayame': ({ ws }) => visit(`${ws}/signaling`, '{"type":"register","roomId":"r","clientId":"c"}'),
  'matchbox': ({ ws }) => visit(`${ws}/matchbox/r?next=2`, '{"KeepAlive":null}'),
  'peerjs': ({ ws }) => visit(`${ws}/peerjs?key=peerjs&id=a&token=t`, '{"type":"OFFER","dst":"b","payload":{}}', '{"type":"HEARTBEAT"}'),
  'y-webrtc': ({ ws }) => visit(`${ws}/y-webrtc`, '{"type":"subscribe","topics":["a","b"]}', '{"type":"publish","topic":"a","x":1}'),
  'relay': ({ ws }) => converse(ws),
  'relay over wss': ({ wss }) => converse(wss),
  'nakodo.v1': ({ ws }) => resume(ws),
  'nakodo.v1 over wss': ({ wss }) => resume(wss),
};

async function begin(t, faults) {
  const daemon = spawnDaemon({
    tls: true,
    args: ['--max-peers-per-address', '0', '--message-rate', '0', '--byte-rate', '0', '--connect-rate', '0', '--resume-seconds', '1', '--handshake-timeout', '2',
      '--ping-interval', '3600', '--log-level', 'error'],
    env: { FAULTS: faults.path, LSAN_OPTIONS: `suppressions=${join(root, 'tests/faults/suppressions')}:print_suppressions=0` },
  });
  t.after(() => daemon.stop());
  await daemon.ready();
  return daemon;
}

/** Those who were there all the time: what each says comes to the other, once and in order. */
class Healthy {
  #count = 0;

  static async join(daemon) {
    const healthy = new Healthy();
    healthy.pair = await Promise.all([daemon.ws, daemon.wss].map((base) => open(`${base}/relay/healthy`)));
    return healthy;
  }

  async talk() {
    for (const [one, other] of [this.pair, [...this.pair].reverse()]) {
      const text = `number ${this.#count++}`;
      one.send(text);
      assert.equal(await other.next(), text);
    }
  }

  leave() {
    return Promise.all(this.pair.map((client) => client.close()));
  }
}

test('an allocation that fails costs one connection at most', { timeout: all ? 7200000 : 230000 }, async (t) => {
  certificateDirectory();
  const faults = new Faults();
  const daemon = await begin(t, faults);
  const free = descriptors(daemon);
  const healthy = await Healthy.join(daemon);
  for (const [name, scenario] of Object.entries(scenarios)) {
    await scenario(daemon); // once, to know how many there are and to have warm caches
    const before = faults.allocations;
    await scenario(daemon);
    const count = faults.allocations - before;
    const numbers = Array.from({ length: all ? count : Math.min(count, SAMPLES) }, (_, i) => (all || count <= SAMPLES ? i : random.below(count)) + 1);
    for (const n of numbers) {
      faults.arm(n);
      await scenario(daemon).catch(ignore); // its own fate is open
      faults.arm(0);
      await healthy.talk().catch((error) => {
        throw new Error(`SEED=${seed}: allocation ${n} of ${count} of ${name}: ${error.message}\n${daemon.stderr}`);
      });
    }
  }
  await healthy.leave();
  await settles(daemon, free, 30000);
  t.diagnostic(`SEED=${seed}: ${faults.failed} allocations failed`);
});

test('a socket that takes seven bytes at a time gets everything', { timeout: 60000 }, async (t) => {
  const faults = new Faults();
  const daemon = await begin(t, faults);
  faults.narrow(7);
  for (const base of [daemon.ws, daemon.wss]) {
    const [one, other] = await Promise.all([open(`${base}/relay/r`), open(`${base}/relay/r`)]);
    const texts = Array.from({ length: 50 }, (_, i) => `${i}${'x'.repeat(i * 10)}`);
    for (const text of texts) one.send(text);
    for (const text of texts) assert.equal(await other.next(), text);
    await Promise.all([one, other].map((client) => client.close()));
  }
  assert.equal((await ask({ port: daemon.port }, '/')).status, 200);
  faults.narrow(0);
});

test('a byte that is counted and that nobody holds ends a debug build within a second', { timeout: 30000 }, async () => {
  const faults = new Faults();
  const daemon = spawnDaemon({ env: { FAULTS: faults.path } });
  await daemon.ready();
  faults.lose(5);
  await open(`${daemon.ws}/echo`);
  assert.equal(await daemon.exit(), 'SIGABRT');
  assert.match(daemon.stderr, / error invariant broken="memory_frames counts \d+ bytes, and \d+ are found"\n/);
});
