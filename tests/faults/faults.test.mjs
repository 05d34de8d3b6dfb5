// Goal: an allocation that fails, anywhere, costs at most the connection that it was for. FAULTS=all makes
// every allocation fail once, SEED=n throws the same dice again.
import assert from 'node:assert/strict';
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { open } from '../lib/client.mjs';
import { alone, certificateDirectory, scratch, shipped, spawnDaemon, workers } from '../lib/daemon.mjs';
import { Faults, Healthy, faulty, faultyDaemon } from '../lib/faults.mjs';
import { ask } from '../lib/http.mjs';
import { freePorts } from '../lib/ports.mjs';
import { descriptors, settles } from '../lib/process.mjs';
import { eventually } from '../lib/prometheus.mjs';
import { Receiver, secretFile } from '../lib/receiver.mjs';
import { dice } from '../lib/v1-model.mjs';
import { Session } from '../lib/v1.mjs';

const seed = Number(process.env.SEED ?? Math.floor(Math.random() * 2 ** 32));
const random = dice(seed);
const all = process.env.FAULTS === 'all';
const SAMPLES = all ? 1000 : 15; // of each scenario; only to read a private key OpenSSL takes more
const ignore = () => {};
const pause = (ms) => new Promise((done) => setTimeout(done, ms));

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

/** A streamer, and a player that gets it. */
async function stream(base) {
  const opened = await Promise.allSettled(['streamer', 'player'].map((role) => open(`${base}/pixel-streaming/${role}`)));
  const [streamer, player] = opened.map(({ value }) => value);
  streamer?.ws.send('{"type":"endpointId","id":"a"}', ignore);
  await Promise.race([streamer?.next().catch(ignore), pause(40)]);
  for (const text of ['{"type":"listStreamers"}', '{"type":"subscribe","streamerId":"a"}', '{"type":"offer"}']) player?.ws.send(text, ignore);
  await Promise.race([player?.closed, (async () => { for (let i = 0; player && i < 3; i++) await player.next(); })().catch(ignore), pause(40)]);
  streamer?.ws.send('{"type":"disconnectPlayer","playerId":"Player0","reason":"x"}', ignore);
  player?.ws.terminate();
  streamer?.ws.terminate();
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

const announce = (id, more = '') => `{"action":"announce","info_hash":"${'h'.repeat(20)}","peer_id":"${id.repeat(20)}"${more}}`;
/** Come and go, and let event-webhook hear of it; after a failure it is told a second later. */
async function tell(base, receiver) {
  const before = receiver.requests.length;
  await visit(`${base}/relay/told`);
  await Promise.race([receiver.until(() => receiver.requests.length > before, 60000).catch(ignore), pause(200)]);
}

/** Which the signal's handler has told the loop of before it can answer. */
async function reload(daemon) {
  daemon.child.kill('SIGHUP');
  await ask({ port: daemon.port }, '/healthz');
}

const scenarios = {
  ...workers > 1 ? {} : { 'a reload': reload }, // a worker that fails at it is replaced, which costs its connections
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
  'libdatachannel': ({ ws }) => visit(`${ws}/libdatachannel/a`, '{"id":"b","type":"offer"}'),
  'matchbox': ({ ws }) => visit(`${ws}/matchbox/r?next=2`, '{"KeepAlive":null}'),
  'peerjs': ({ ws }) => visit(`${ws}/peerjs?key=peerjs&id=a&token=t`, '{"type":"OFFER","dst":"b","payload":{}}', '{"type":"HEARTBEAT"}'),
  'pixel-streaming': ({ ws }) => stream(ws),
  'y-webrtc': ({ ws }) => visit(`${ws}/y-webrtc`, '{"type":"subscribe","topics":["a","b"]}', '{"type":"publish","topic":"a","x":1}'),
  'webtorrent': ({ ws }) => visit(`${ws}/webtorrent`, announce('a'), announce('b', ',"offers":[{"offer":{},"offer_id":"oooooooooooooooooooo"}]'),
    announce('a', `,"to_peer_id":"${'b'.repeat(20)}","offer_id":"oooooooooooooooooooo","answer":{}`),
    `{"action":"scrape","info_hash":"${'h'.repeat(20)}"}`),
  'relay': ({ ws }) => converse(ws),
  'relay over wss': ({ wss }) => converse(wss),
  'an event': ({ ws, receiver }) => tell(ws, receiver),
  'nakodo.v1': ({ ws }) => resume(ws),
  'nakodo.v1 over wss': ({ wss }) => resume(wss),
};

/** Let each allocation of a scenario fail, or some of them; `healthy` must not notice. */
async function strike(daemon, faults, healthy, scenarios) {
  for (const [name, scenario] of Object.entries(scenarios)) {
    await scenario(daemon); // once, to know how many there are and to have warm caches
    const before = faults.allocations;
    await scenario(daemon);
    const count = faults.allocations - before;
    const numbers = Array.from({ length: Math.min(count, SAMPLES) }, (_, i) => (count <= SAMPLES ? i : random.below(count)) + 1);
    for (const n of numbers) {
      faults.arm(n);
      await scenario(daemon).catch(ignore); // its own fate is open
      faults.arm(0);
      await healthy.talk().catch((error) => {
        throw new Error(`SEED=${seed}: allocation ${n} of ${count} of ${name}: ${error.message}\n${daemon.stderr}`);
      });
    }
  }
}

test('an allocation that fails costs one connection at most', { timeout: all ? 1800000 : 230000 }, async (t) => {
  certificateDirectory();
  const faults = new Faults();
  const receiver = await Receiver.start(t);
  const daemon = await faultyDaemon(t, faults, '--event-webhook', receiver.url, '--webhook-secret', secretFile(), '--resume-seconds', '1', '--handshake-timeout', '2', '--ping-interval', '3600', '--log-level', 'error');
  daemon.receiver = receiver;
  await receiver.heard(workers, 'started'); // a connection to it stays
  const free = descriptors(daemon);
  const healthy = await Healthy.join(daemon);
  await strike(daemon, faults, healthy, scenarios);
  await healthy.leave();
  await settles(daemon, free, 30000);
  t.diagnostic(`SEED=${seed}: ${faults.failed} allocations failed`);
});

test('an allocation that fails while auth-webhook is asked costs one newcomer at most', { timeout: all ? 1800000 : 120000 }, async (t) => {
  const faults = new Faults();
  const receiver = await Receiver.start(t);
  receiver.answer = (request, response) => response.writeHead(200).end('{"allow":true,"user":"u","name":"n","room":["*"],"ttl":1}');
  const daemon = await faultyDaemon(t, faults, '--auth-webhook', receiver.url, '--webhook-secret', secretFile(), '--resume-seconds', '1', '--ping-interval', '3600');
  const healthy = await Healthy.join(daemon);
  let visits = 0; // each asks anew
  await strike(daemon, faults, healthy, {
    'relay': ({ ws }) => visit(`${ws}/relay/r?visit=${visits++}`, 'x'),
    'ayame': ({ ws }) => visit(`${ws}/signaling`, '{"type":"register","roomId":"r"}'),
    'nakodo.v1': ({ ws }) => resume(ws),
    'an answer that is still good': ({ ws }) => visit(`${ws}/relay/r`, 'x'),
  });
  await healthy.leave();
  await eventually(async () => (await daemon.meters()).admissions_waiting === 0, 'no question that is left');
  t.diagnostic(`SEED=${seed}: ${faults.failed} allocations failed`);
});

// A worker that fails at it is replaced, so that the first process alone says how it went.
test('a reload in which an allocation fails changes where it listens, or nothing', { ...alone, timeout: all ? 1800000 : 230000 }, async (t) => {
  const place = scratch();
  const file = join(place, 'nakodo.conf');
  const [port, other, third] = await freePorts(3);
  const common = `web-root = ${shipped()}\nmax-peers-per-address = 0\nmessage-rate = 0\nbyte-rate = 0\nconnect-rate = 0\n`;
  const says = [
    `listen = 127.0.0.1:${port}\nlisten = *:${third}\nlisten = unix:a`,
    `listen = 127.0.0.1:${port}?metrics\nlisten = localhost:${other}?dialect=relay\nlisten = 127.0.0.1:${third}\nlisten = unix:b`,
  ];
  const write = (i) => writeFileSync(file, `${says[i]}\n${common}`);
  const faults = new Faults();
  write(0);
  const daemon = spawnDaemon({ ...faulty(faults), bare: true, tls: false, cwd: place, args: ['--config', file] });
  t.after(() => daemon.stop());
  await daemon.ready();
  const free = descriptors(daemon);
  const [one, two] = await Promise.all([port, third].map((each) => open(`ws://127.0.0.1:${each}/relay/healthy`)));
  let now = 0;
  const reloads = async () => {
    write(1 - now);
    const line = await daemon.reload();
    now = line.includes(' reload.done ') ? 1 - now : now;
  };
  for (let i = 0; i < 4; i++) await reloads(); // to have warm caches
  const counts = [];
  for (let i = 0; i < 2; i++) {
    const before = faults.allocations;
    await reloads();
    counts.push(faults.allocations - before);
  }
  const most = Math.max(...counts);
  const samples = all ? 2 * most : 4 * SAMPLES; // there and back
  const numbers = Array.from({ length: samples }, (_, i) => (all ? i >> 1 : random.below(most)) + 1);
  for (const n of numbers) {
    faults.arm(n);
    await reloads();
    faults.arm(0);
    const what = `SEED=${seed}: allocation ${n} of ${most}`;
    assert.equal((await ask({ port }, '/metrics')).status, now ? 200 : 404, what);
    assert.deepEqual(['a', 'b'].map((name) => existsSync(join(place, name))), [!now, !!now], what);
    one.send(what);
    assert.equal(await two.next(), what);
  }
  if (now) await reloads();
  await Promise.all([one.close(), two.close()]);
  await settles(daemon, free, 30000);
  t.diagnostic(`SEED=${seed}: ${faults.failed} allocations failed in reloads`);
});
