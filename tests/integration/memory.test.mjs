// Goal: what is held for all clients together stays below max-memory: who lost its connection gives way first, then who
// has most waiting, and nobody new is let in meanwhile; who behaves notices nothing.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { testDaemon } from '../lib/daemon.mjs';
import { frame, open, TEXT } from '../lib/raw.mjs';
import { Session } from '../lib/v1.mjs';

const MIB = 1 << 20;
const kinds = ['memory_connections', 'memory_frames', 'memory_received', 'memory_rooms', 'memory_answers'];
const held = (meters) => kinds.reduce((sum, name) => sum + meters[name], 0);

/** Two who speak to each other, each sentence once and in order. */
async function neighbours(daemon) {
  const [a, b] = [await open(daemon, '/relay/quiet'), await open(daemon, '/relay/quiet')];
  let count = 0;
  return async () => {
    for (let i = 0; i < 20; i++) {
      const text = `sentence ${count++}`;
      await a.text(text);
      assert.equal(await b.says(), `text ${text}`);
    }
  };
}

/** A participant who says much to one who never acknowledges: so many bytes are kept for that one. */
async function burden(daemon, room, bytes) {
  const silent = await Session.join(daemon.ws, room, { acks: false, queue: false });
  const speaker = await Session.join(daemon.ws, room, { queue: false });
  for (let sent = 0; sent < bytes; sent += 60000) speaker.send({ type: 'x', text: 'x'.repeat(60000) });
  await speaker.taken();
  return { silent, speaker };
}

describe('max-memory', () => {
  it('ends sessions without a connection, the oldest first, and the others go on', async (t) => {
    const daemon = await testDaemon(t, { args: ['--max-memory', '8MiB', '--message-rate', '0'] });
    const speak = await neighbours(daemon);
    const all = [];
    for (let i = 0; i < 16; i++) {
      all.push(await burden(daemon, `room-${i}`, 0.8 * MIB));
      all.at(-1).silent.cut();
      await speak();
    }
    await daemon.until(() => daemon.lines('memory.short').length, 'that the log says so');
    const meters = await daemon.meters();
    assert.ok(meters.shed_sessions > 0 && meters.shed_sessions < 16, `${meters.shed_sessions} sessions were ended`);
    assert.equal(meters.shed_peers, 0);
    assert.ok(held(meters) <= 8 * MIB, `${held(meters)} bytes are held`);
    // The last of them is still awaited.
    await all.at(-1).silent.connect();
    await speak();
    for (const { silent, speaker } of all) silent.cut(), speaker.cut();
  });

  it('closes who has most waiting with 4508 when nobody is away', async (t) => {
    const daemon = await testDaemon(t, { args: ['--max-memory', '8MiB', '--message-rate', '0'] });
    const speak = await neighbours(daemon);
    const all = [];
    for (let i = 0; i < 16; i++) {
      all.push(await burden(daemon, `room-${i}`, 0.8 * MIB));
      await speak();
    }
    const meters = await daemon.meters();
    assert.ok(meters.shed_peers > 0 && meters.closed_4508 >= meters.shed_peers);
    assert.ok(held(meters) <= 8 * MIB, `${held(meters)} bytes are held`);
    await speak();
    for (const { silent, speaker } of all) silent.cut(), speaker.cut();
  });

  it('closes who has sent most of a message that never ends', async (t) => {
    const daemon = await testDaemon(t, { args: ['--max-memory', '1MiB', '--max-message', '2MiB', '--send-queue', '2MiB', '--resume-bytes', '4MiB'] });
    const speak = await neighbours(daemon);
    const sender = await open(daemon, '/relay/long');
    await sender.wire.write(frame(TEXT, 'x'.repeat(1.5 * MIB), { fin: false }));
    assert.match(await sender.says(), /^close 4508 /);
    await speak();
    assert.equal((await daemon.meters()).memory_received, 0);
  });

  it('lets nobody in while too much is held, says why, and lets them in again', async (t) => {
    const daemon = await testDaemon(t, { args: ['--max-memory', '1MiB', '--max-peers-per-address', '0', '--connect-rate', '0'] });
    const speak = await neighbours(daemon);
    const crowd = [];
    let refusal;
    while (!refusal && crowd.length < 300) await open(daemon, '/relay/crowd').then((peer) => crowd.push(peer), (error) => { refusal = error; });
    assert.match(String(refusal), /503/);
    await daemon.logged('request.refuse', 'server-full', 'max-memory');
    await speak();
    await Promise.all(crowd.map((peer) => peer.leave()));
    await daemon.until(() => daemon.lines('peer.leave').length === crowd.length, 'that the crowd has left');
    const newcomer = await open(daemon, '/relay/new');
    await newcomer.leave();
    assert.ok((await daemon.meters()).shed_newcomers >= 1);
  });

  it('counts what is held and finds every byte again when all have gone', async (t) => {
    const daemon = await testDaemon(t, { args: ['--resume-seconds', '1'] });
    const quiet = await daemon.meters();
    const { silent, speaker } = await burden(daemon, 'room', MIB / 2);
    await speaker.send({ type: 'chat', text: 'hello' });
    await speaker.send({ type: 'update', meta: { a: 1 } });
    await speaker.taken();
    const busy = await daemon.meters();
    for (const name of ['memory_connections', 'memory_frames', 'memory_rooms']) assert.ok(busy[name] > quiet[name], name);
    await silent.bye();
    await speaker.bye();
    await daemon.until(() => daemon.lines('peer.leave').length === 2, 'that both have left');
    for (let i = 0; ; i++) {
      const meters = await daemon.meters();
      if (kinds.every((name) => meters[name] === quiet[name])) break;
      assert.ok(i < 200, `${JSON.stringify(Object.fromEntries(kinds.map((name) => [name, meters[name] - quiet[name]])))} is left`);
    }
  });
});
