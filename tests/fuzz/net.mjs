// fuzz net: the daemon under connections whose bytes were right once, on every kind of listener and in
// every dialect, while healthy peers beside them talk and must miss nothing.
// SEED=n throws the same dice again; FUZZ_SECONDS=n runs for longer (default 25).
import assert from 'node:assert/strict';
import net from 'node:net';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { root, scratch, spawnDaemon } from '../lib/daemon.mjs';
import { descriptors, settles } from '../lib/process.mjs';
import { BINARY, CLOSE, closing, CONTINUATION, frame, handshake, open, PING, PONG, TEXT, Wire } from '../lib/raw.mjs';
import { dial } from '../lib/http.mjs';
import { dice } from '../lib/v1-model.mjs';

const seed = Number(process.env.SEED ?? Math.floor(Math.random() * 2 ** 32));
const seconds = Number(process.env.FUZZ_SECONDS ?? 25);
const ATTACKERS = 16;
const random = dice(seed);

/** What is written to the daemon, one step after the other, as the fuzzer of the dialects has it. */
const scripts = readdirSync(join(root, 'tests/fuzz/corpus/dialect'))
  .map((name) => readFileSync(join(root, 'tests/fuzz/corpus/dialect', name), 'utf8').split('\n'));
const paths = [...new Set(scripts.flat().filter((line) => /^o\d\//.test(line)).map((line) => line.slice(2)))];
const texts = scripts.flat().filter((line) => /^t\d/.test(line)).map((line) => line.slice(2));

const words = ['\r\n', '\r\n\r\n', '\0', ': ', ' ', '%', '%00', '%0d%0a', '\xff', '/', '..', '&', ';', '?', '=', '-1', '99999999999', ',',
  'Upgrade: foo\r\n', 'Content-Length: 1\r\n', 'Transfer-Encoding: chunked\r\n', 'Host: x\r\n', 'X-A: ', 'Connection: keep-alive\r\n', 'HTTP/1.0',
  'Origin: null\r\n', 'X-Forwarded-For: 192.0.2.1\r\n', 'CONNECT ', 'POST ', 'OPTIONS ', 'HEAD ', 'PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\n'];
const subprotocols = [undefined, 'nakodo.v1', 'one', 'one, two', 'a,,b', 'nakodo.v1, one'];

const get = () => `GET ${random.pick(['/', '/healthz', '/readyz', '/ice.json', '/qr.svg', '/trust', '/lab.html', '/client.js', '/peerjs/id', ...paths])} ` +
  `HTTP/1.1\r\nHost: localhost\r\n${random.chance(0.3) ? 'Accept: */*\r\nIf-None-Match: "x"\r\n' : ''}\r\n`;
const upgrade = () => handshake(random.pick(paths), {
  'Sec-WebSocket-Protocol': random.pick(subprotocols),
  Origin: random.pick([undefined, undefined, 'http://localhost', 'http://evil.example', 'null']),
  'X-Forwarded-For': random.pick([undefined, '192.0.2.7', '192.0.2.7, 127.0.0.1']),
});
const form = () => random.pick([undefined, undefined, undefined, 16, 64]);
const bytes = (length) => Buffer.from(Array.from({ length }, () => random.below(256)));

const frames = [
  () => frame(TEXT, random.pick(texts), { form: form() }),
  () => frame(TEXT, random.pick(texts), { form: form() }),
  () => frame(BINARY, bytes(random.below(300))),
  () => frame(TEXT, random.pick(texts), { fin: false }),
  () => frame(CONTINUATION, random.pick(texts), { fin: random.chance(0.5) }),
  () => frame(PING, bytes(random.below(126))),
  () => frame(PONG, bytes(random.below(126))),
  () => frame(CLOSE, closing(random.pick([1000, 1001, 1005, 3000, 4999, 5000]), 'bye')),
  () => frame(TEXT, 'x'.repeat(random.below(70000))),
  () => frame(random.below(16), 'odd', { rsv: random.below(8), mask: random.chance(0.8), fin: random.chance(0.7) }),
  () => frame(TEXT, 'short', { announce: random.pick([0, 1, 125, 126, 65535, 65536, 2n ** 31n, 2n ** 63n - 1n, 2n ** 64n - 1n]), form: 64 }),
];

/** One change to the bytes. */
function spoil(whole) {
  const at = random.below(whole.length + 1);
  const to = Math.min(whole.length, at + 1 + random.below(20));
  const slice = whole.subarray(at, to);
  const parts = (middle) => Buffer.concat([whole.subarray(0, at), middle, whole.subarray(to)]);
  return [
    () => parts(Buffer.from(Array.from(slice, (byte) => byte ^ (1 << random.below(8))))),
    () => parts(Buffer.alloc(0)),
    () => parts(Buffer.concat([slice, slice])),
    () => Buffer.concat([whole.subarray(0, at), Buffer.from(random.pick(words), 'latin1'), whole.subarray(at)]),
    () => whole.subarray(0, at),
    () => Buffer.concat([whole, Buffer.from(random.pick([get, upgrade])())]),
    () => parts(bytes(random.below(40))),
  ][random.below(7)]();
}

const spoiled = (whole, most) => Array.from({ length: random.below(most + 1) }).reduce(spoil, whole);
const proxyHeader = () => spoiled(Buffer.from(random.pick(['PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\n', 'PROXY UNKNOWN\r\n',
  '\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c\xc0\0\x02\x01\xc0\0\x02\x02\0\x01\0\x02', '\r\n\r\n\0\r\nQUIT\n\x20\0\0\0']), 'latin1'), 1);

/** What one connection says: mostly a handshake that is let in, with frames behind it. */
function speech(target) {
  const head = Buffer.from(random.chance(0.75) ? upgrade() : get());
  const body = Buffer.concat(Array.from({ length: random.below(8) }, () => random.pick(frames)()));
  const begin = target.proxy ? proxyHeader() : Buffer.alloc(0);
  return random.chance(0.5)
    ? Buffer.concat([begin, head, spoiled(body, 4)])
    : Buffer.concat([begin, spoiled(Buffer.concat([head, body]), 3)]);
}

const pause = (ms) => new Promise((done) => setTimeout(done, ms));

/** Connect, write in one to four pieces, and end in one way or another. */
async function attack(targets) {
  const target = random.pick(targets);
  const said = speech(target);
  const wire = target.tls && random.chance(0.1)
    ? new Wire(net.connect(target.port, '127.0.0.1')) // no TLS where TLS is due
    : await dial(target).catch(() => undefined);
  if (!wire) return;
  const cuts = [0, ...Array.from({ length: random.below(4) }, () => random.below(said.length + 1)), said.length].sort((a, b) => a - b);
  if (random.chance(0.1)) wire.socket.pause();
  for (let i = 1; i < cuts.length && !wire.over; i++) {
    await Promise.race([wire.write(said.subarray(cuts[i - 1], cuts[i])), pause(1000)]);
    if (random.chance(0.3)) await Promise.race([wire.ended, pause(random.below(30))]);
  }
  if (random.chance(0.5)) await Promise.race([wire.ended, pause(random.below(80))]);
  if (random.chance(0.3)) wire.socket.end();
  if (random.chance(0.3)) await Promise.race([wire.ended, pause(random.below(50))]);
  if (!target.path && random.chance(0.5)) wire.reset();
  else wire.socket.destroy();
}

/** Two who talk all the while: each number comes once, in order, and nothing else does. */
async function talk([one, other], world) {
  let count = 0;
  for (; !world.over; count++) {
    await one.text(`number ${count}`);
    assert.equal(await other.says(`number ${count}`), `text number ${count}`);
    await pause(5);
  }
  return count;
}

async function run() {
  const unix = join(scratch(), 'socket');
  const daemon = spawnDaemon({
    tls: true,
    args: ['--listen', '127.0.0.1:0', '--listen', 'tls:127.0.0.1:0', '--listen', `unix:${unix}`, '--listen', 'proxy:127.0.0.1:0',
      '--listen', '127.0.0.1:0?dialect=peerjs', '--max-peers-per-address', '0', '--connect-rate', '0', '--handshake-timeout', '1', '--subprotocol', 'one',
      '--message-rate', '0', '--byte-rate', '0', '--connect-rate', '0', '--resume-seconds', '1', '--log-level', 'error'],
  });
  try {
    await daemon.ready();
    const before = descriptors(daemon);
    const [plain, secure, proxy, own] = daemon.urls.filter((url) => !url.startsWith('unix:')).map((url) => Number(new URL(url).port));
    const targets = [{ port: plain }, { port: plain }, { port: secure, tls: true }, { port: proxy, proxy: true }, { port: own }, { path: unix }];
    const pairs = await Promise.all([false, true].map((s) => Promise.all([0, 1].map(() => open(daemon, `/relay/healthy-${s}`, { secure: s })))));
    const world = { over: false };
    const stop = performance.now() + seconds * 1000;
    let count = 0;
    const attackers = Array.from({ length: ATTACKERS }, async () => {
      for (; performance.now() < stop && daemon.status === undefined; count++) await attack(targets);
    });
    const talks = pairs.map((pair) => talk(pair, world));
    await Promise.race([Promise.all(attackers), Promise.all(talks)]);
    world.over = true;
    const heard = await Promise.all(talks);
    await Promise.all(pairs.flat().map((peer) => peer.leave()));
    await settles(daemon, before);
    console.log(`SEED=${seed} FUZZ_SECONDS=${seconds}: ${count} connections, ${heard.join(' and ')} messages of the healthy`);
  } finally {
    await daemon.stop();
  }
}

// Node waits for sockets of which we have let go as they were; the daemon has been seen to end.
await run().then(() => process.exit(0), (error) => {
  console.error(`SEED=${seed} FUZZ_SECONDS=${seconds}`, error);
  process.exit(1);
});
