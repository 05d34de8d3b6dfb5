// Goal: a thousand reloads lose nobody's message, refuse no connect where the daemon goes on listening, and leave no memory
// behind. The daemon is a release: a sanitizer keeps what is freed.
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { open } from '../lib/client.mjs';
import { scratch, shipped, testDaemon } from '../lib/daemon.mjs';
import { ask } from '../lib/http.mjs';
import { freePorts } from '../lib/ports.mjs';
import { Session } from '../lib/v1.mjs';

const RELOADS = 1000;
const WARM = 200;
const PAIRS = 4;
const WINDOW = 8;
const MIB = 1 << 20;

const common = `web-root = ${shipped()}\nmessage-rate = 0\nbyte-rate = 0\nmax-peers-per-address = 0\nconnect-rate = 0\n`;
// The peers came in at the first port, where it is said differently each time, and at the second, which comes and goes.
const listeners = (first, second) => [
  `listen = 127.0.0.1:${first}\nlisten = 127.0.0.1:${second}`,
  `listen = 127.0.0.1:${first}?metrics\nlisten = unix:socket\nlisten = tls:127.0.0.1:0\ntls-self-signed = certificates`,
  `listen = 127.0.0.1:${first}?origin=any\nlisten = 127.0.0.1:${second}?dialect=relay`,
];
const variants = [
  'origin = https://a.example\nserver-name = a.example\nmount = /one=relay\nroom-history = 10\nlog-level = info',
  'ice-server = stun:two\nturn-server = turn:two\nturn-secret = secret\nmount = /two=peerjs?key=two\nmax-meta = 1KiB\nsend-queue = 128KiB\nmax-message = 32KiB',
  'auth = none\ntrusted-proxy = 192.0.2.0/24\nmount = /three=nakodo.v1\nmount = /echo=off\nresume-messages = 2048',
];

/** Numbered messages from one to the other, WINDOW at a time, until `stop()`; how many arrived, in order. */
function stream(from, to, number) {
  let sent = 0, came = 0, stopped = false;
  const fill = () => {
    while (!stopped && sent < came + WINDOW) from(sent++);
  };
  const done = (async () => {
    fill();
    while (came < sent) {
      assert.equal(number(await to()), came);
      came++;
      fill();
    }
    return came;
  })();
  return {
    stop() {
      stopped = true;
      return done;
    },
  };
}

test(`${RELOADS} reloads under load lose, double and reorder nothing, and memory stays what it was`, async (t) => {
  const place = scratch();
  const file = join(place, 'nakodo.conf');
  const [first, second] = await freePorts(2);
  const where = listeners(first, second);
  const says = (i) => writeFileSync(file, `${where[i % where.length]}\n${common}${variants[i % variants.length]}\n`);
  writeFileSync(join(place, 'secret'), 'north\n', { mode: 0o600 });
  says(0);
  const daemon = await testDaemon(t, { cwd: place, args: ['--config', file], bare: true });
  const sessions = [];
  const streams = [];
  for (let i = 0; i < PAIRS; i++) {
    const [one, other] = await Promise.all([first, second].map((port) => Session.join(`ws://127.0.0.1:${port}`, `room ${i}`)));
    const [relay, end] = await Promise.all([first, second].map((port) => open(`ws://127.0.0.1:${port}/relay/${i}`)));
    sessions.push(one, other);
    streams.push(
      stream((n) => one.send({ type: 'x', to: other.id, n: String(n) }), () => other.find('x'), (message) => Number(message.n)),
      stream((n) => relay.send(`${n}`), () => end.next(), Number),
    );
  }
  let rss, connects = 0, stopped = false;
  const connecting = (async () => {
    while (!stopped) {
      assert.equal((await ask({ port: first }, '/healthz')).status, 200);
      connects++;
    }
  })();
  for (let i = 1; i <= RELOADS; i++) {
    says(i);
    assert.match(await daemon.reload(), / reload\.done /);
    if (i === WARM) rss = await daemon.rss();
  }
  stopped = true;
  await connecting;
  const grown = await daemon.rss() - rss;
  const counts = await Promise.all(streams.map((each) => each.stop()));
  t.diagnostic(`${counts.join(' + ')} messages, ${connects} connects, ${(grown / 1024).toFixed()} kB more`);
  for (const count of counts) assert.ok(count > RELOADS / 10, `${count} messages`);
  assert.ok(grown < MIB, `${grown} bytes more after ${RELOADS - WARM} reloads`);
  for (const session of sessions) await session.bye();
});
