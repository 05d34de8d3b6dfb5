// soak: connects, rooms, messages, cuts and resumes over ws and wss in every dialect, round after round.
// After each round everybody has gone, and then nothing may be left: no memory, no descriptor, no seat,
// in any process, and the counters add up. SEED=n throws the same dice again; MINUTES=n runs for longer (default 3);
// WORKERS=n makes it several processes.
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { open } from '../lib/client.mjs';
import { root, runDaemon, spawnDaemon } from '../lib/daemon.mjs';
import { descriptors, settles } from '../lib/process.mjs';
import { within } from '../lib/raw.mjs';
import { dice } from '../lib/v1-model.mjs';
import { Session } from '../lib/v1.mjs';

const seed = Number(process.env.SEED ?? Math.floor(Math.random() * 2 ** 32));
const minutes = Number(process.env.MINUTES ?? 3);
const ROUND = 10000; // ms of churn before the quiet
const WARM = 3; // rounds after which no more memory may be taken
const SLACK = 4 << 20; // bytes by which the resident memory of two quiet moments may differ
const PLAYERS = 24;
const random = dice(seed);
const pause = (ms) => new Promise((done) => setTimeout(done, ms));
const ignore = () => {};

const folder = join(root, 'tests/fuzz/corpus/dialect');
const scripts = readdirSync(folder).map((name) => readFileSync(join(folder, name), 'utf8').split('\n'));
const uuid = /"([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})"/;

/** Let go of it in one of the ways in which connections end. */
async function part(client) {
  if (random.chance(0.4)) client.ws.terminate();
  else await client.close(random.pick([1000, 1001, 3000, 4999])).catch(ignore);
}

/** What the fuzzer of the dialects has for a script, with real connections: right, wrong and half right. */
async function play(daemon, counts) {
  const clients = new Map();
  const ids = new Map();
  const expand = (text) => text.replace(/[$#]([0-7])/g, (all, i) => ids.get(Number(i)) ?? all);
  for (const line of random.pick(scripts)) {
    const [verb, digit, rest] = [line[0], Number(line[1]) & 7, line.slice(2)];
    const client = clients.get(digit);
    if (verb === 'o') {
      client?.ws.terminate();
      clients.delete(digit);
      const made = await open((random.chance(0.5) ? daemon.ws : daemon.wss) + encodeURI(expand(rest)).replaceAll('#', '%23')).catch(ignore);
      if (made) {
        counts.connects++;
        clients.set(digit, made);
        made.ws.on('message', (data) => {
          const [, id] = uuid.exec(String(data)) ?? [];
          if (id && !ids.has(digit)) ids.set(digit, id);
        });
      }
    } else if (client && 'tb'.includes(verb)) {
      client.ws.send(verb === 't' ? expand(rest) : Buffer.from(rest), ignore);
      if (random.chance(0.3)) await pause(random.below(5));
    } else if (client && verb === 'd') {
      clients.delete(digit);
      await part(client);
    }
  }
  await pause(random.below(30));
  await Promise.all([...clients.values()].map(part));
}

/** A participant of nakodo.v1 whose connection breaks again and again; what it misses comes later. */
async function resume(daemon, counts) {
  const base = random.chance(0.5) ? daemon.ws : daemon.wss;
  const room = `room-${random.below(4)}`;
  const session = new Session(base, room, { queue: false, onfault: ignore });
  try {
    await session.connect();
    for (let i = random.below(6); i >= 0; i--) {
      for (let n = random.below(20); n > 0; n--) session.send({ type: 'x', text: 'x'.repeat(random.below(200)) });
      await pause(random.below(40));
      if (random.chance(0.5)) {
        session.ws.terminate();
        await session.closed;
        await session.connect();
        counts.resumes++;
      }
    }
    if (random.chance(0.5)) await session.bye();
    else session.ws.terminate();
  } catch (error) {
    session.ws?.terminate();
    if (!/room-full|server-full|1013|44\d\d|45\d\d|was closed/.test(error.message)) throw error;
  }
}

/** A room of which each message says whose it is; one of them sometimes does not read and is closed. */
async function relay(daemon, counts) {
  const room = `r${random.below(2 ** 30)}`;
  const clients = await Promise.all(Array.from({ length: 2 + random.below(7) },
    () => open(`${random.chance(0.5) ? daemon.ws : daemon.wss}/relay/${room}`)));
  for (const { ws } of clients) ws.on('message', (data) => { if (!String(data).startsWith(room)) counts.astray++; });
  const lazy = random.chance(0.2);
  if (lazy) clients[0].ws.pause();
  const text = room + 'x'.repeat(lazy ? 30000 : random.below(2000));
  for (let i = 0; i < (lazy ? 200 : 20); i++) {
    random.pick(clients.slice(1)).ws.send(text, ignore);
    if (i % 10 === 9) await pause(1);
  }
  await pause(random.below(50));
  counts.rooms++;
  await Promise.all(clients.map(part));
}

/** One who says something, and nine who hear it: every counter is known. */
async function count(daemon) {
  const clients = await Promise.all(Array.from({ length: 10 }, (_, i) => open(`${i % 2 ? daemon.ws : daemon.wss}/relay/counted`)));
  const before = await daemon.meters();
  for (let i = 0; i < 100; i++) {
    clients[i % 10].send(`message ${i}`);
    await Promise.all(clients.filter((_, at) => at !== i % 10).map(async (c) => assert.equal(await c.next(), `message ${i}`)));
  }
  const after = await daemon.meters();
  const grown = (name) => after[name] - before[name];
  assert.equal(grown('messages_in'), 100);
  assert.equal(grown('bytes_in'), 990); // "message 0" to "message 99"
  assert.equal(grown('messages_queued'), 900);
  assert.equal(grown('messages_out'), 900);
  assert.equal(grown('bytes_out'), 9 * (990 + 200)); // headers of two bytes
  assert.equal(grown('messages_dropped') + grown('messages_refused'), 0);
  await Promise.all(clients.map((client) => client.close()));
}

/** Everybody has gone; sessions and queues that wait for somebody end by themselves. `free`: [process, descriptors] of each. */
async function quiet(daemon, free) {
  assert.deepEqual(daemon.processes(), free.map(([pid]) => pid), 'no process has ended');
  for (const [pid, count] of free) await settles({ pid }, count, 40000);
  const deadline = performance.now() + 20000;
  for (;;) {
    const now = await daemon.meters();
    const left = Object.keys(now).filter((name) => /^(connections|peers|memory_(?!frames)\w+)$/.test(name) && now[name]);
    if (!left.length) {
      assert.equal(now.messages_queued, now.messages_out + now.messages_dropped, 'what was queued is what went out and what was dropped');
      return now;
    }
    assert.ok(performance.now() < deadline, `still held: ${left.map((name) => `${name} ${now[name]}`)}`);
    await pause(200);
  }
}

async function round(daemon, counts, length) {
  const stop = performance.now() + length;
  await Promise.all(Array.from({ length: PLAYERS }, async () => {
    while (performance.now() < stop) await random.pick([play, play, resume, relay])(daemon, counts);
  }));
  await count(daemon);
}

/** Switch a limit off if there is one of that name. */
async function without(name) {
  return (await runDaemon(['--help'])).stdout.includes(`--${name} `) ? [`--${name}`, '0'] : [];
}

async function run() {
  const daemon = spawnDaemon({
    tls: true,
    args: ['--max-peers-per-address', '0', '--message-rate', '0', '--byte-rate', '0', ...(await without('connect-rate')), '--resume-seconds', '1',
      '--handshake-timeout', '2', '--log-level', 'info'],
    // Freed memory stays away for a while, which would hide what is only kept.
    env: { ASAN_OPTIONS: 'quarantine_size_mb=1:thread_local_quarantine_size_kb=64' },
  });
  const counts = { connects: 0, resumes: 0, rooms: 0, astray: 0 };
  const sizes = [];
  try {
    await daemon.ready();
    const free = daemon.processes().map((pid) => [pid, descriptors({ pid })]);
    const empty = await daemon.meters();
    const end = performance.now() + minutes * 60000;
    let last;
    while (performance.now() < end || sizes.length <= WARM + 1) {
      await round(daemon, counts, ROUND);
      last = await quiet(daemon, free);
      assert.equal(last.memory_frames, empty.memory_frames, 'every frame is gone');
      assert.equal(counts.astray, 0, 'a message came to a room that it was not for');
      sizes.push(await Promise.all(free.map(([pid]) => daemon.rss(pid))));
      daemon.stderr = ''; // or the log is what grows, here
    }
    const half = (list) => list.reduce((a, b) => a + b, 0) / list.length;
    const growths = free.map((_, i) => {
      const later = sizes.slice(WARM).map((all) => all[i]);
      return half(later.slice(Math.ceil(later.length / 2))) - half(later.slice(0, Math.ceil(later.length / 2)));
    });
    const mebibytes = (list) => list.map((size) => (size / 2 ** 20).toFixed(1));
    console.log(`SEED=${seed}: ${sizes.length} rounds, ${JSON.stringify(counts)}, ${last.messages_in} messages in, ${last.messages_out} out, ` +
      `${last.messages_dropped} dropped, ${last.messages_refused} refused, resident MiB ${sizes.map((all) => mebibytes(all).join('+')).join(' ')}`);
    assert.ok(growths.every((growth) => growth < SLACK), `the resident memory grew by ${mebibytes(growths).join(' and ')} MiB`);
  } finally {
    await within(daemon.stop(), 'the end of the daemon', 60000);
  }
}

await run().then(() => process.exit(0), (error) => {
  console.error(`SEED=${seed} MINUTES=${minutes}`, error);
  process.exit(1);
});
