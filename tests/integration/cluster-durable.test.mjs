// Goal: who is in a room of nakodo.v1 loses nothing when the node that has the room is killed: the session goes on at
// another.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { kill, Redis, startNode, startNodes } from '../lib/cluster.mjs';
import { scratch } from '../lib/daemon.mjs';
import { eventually } from '../lib/prometheus.mjs';
import { Session } from '../lib/v1.mjs';
import { ctl, killWorker } from '../lib/workers.mjs';

const PATIENCE = 40000; // ms: for a lease to end

/** The node that has the room, and the others. */
async function byOwner(nodes, room) {
  const owns = await Promise.all(nodes.map(async (node) => (await ctl(node.ctl, 'units')).some((unit) => unit.room === room && unit.state === 'own')));
  const owner = nodes[owns.indexOf(true)];
  return { owner, others: nodes.filter((node) => node !== owner) };
}

/** Connect a session that has lost its connection, at that node, as soon as it can be; its first message. */
async function back(session, node) {
  session.base = node.ws;
  await eventually(() => session.connect().then(() => true, () => false), 'to be let in', PATIENCE);
  return session.first.type;
}

/** A and B in a room, who have said something to each other that is acknowledged, and something that is not heard yet. */
async function talk(nodes, room = 'r') {
  const a = await Session.join(nodes[0].ws, room, { name: 'a' });
  const b = await Session.join(nodes.at(-1).ws, room, { name: 'b' });
  await a.find('peer-joined');
  a.send({ type: 'early' });
  assert.equal((await b.find('early')).from, a.id);
  return [a, b];
}

/** They go on where they were. */
async function goOn(a, b) {
  a.send({ type: 'late' });
  assert.equal((await b.find('late')).from, a.id);
  b.send({ type: 'answer' });
  assert.equal((await a.find('answer')).from, b.id);
  await Promise.all([a.bye(), b.bye()]);
}

describe('a session', { concurrency: 3 }, () => {
  it('goes on at another node when the one that has its room is killed', { timeout: 90000 }, async (t) => {
    const redis = await Redis.start(t);
    const nodes = await startNodes(t, redis.url, 3);
    const [a, b] = await talk(nodes);
    const { owner, others } = await byOwner(nodes, 'r');
    for (let i = 0; i < 40; i++) a.send({ type: `m${i}` });
    for (let i = 0; i < 40; i++) assert.equal((await b.find(`m${i}`)).from, a.id);
    await kill(owner);
    await Promise.all([a.closed, b.closed]);
    a.send({ type: 'between' });
    assert.deepEqual(await Promise.all([back(a, others[0]), back(b, others[1])]), ['resumed', 'resumed']);
    assert.equal((await b.find('between')).from, a.id);
    await goOn(a, b);
  });

  it('goes on at once when its node is started again', async (t) => {
    const redis = await Redis.start(t);
    const state = ['--state-dir', scratch()];
    const one = await startNode(t, redis.url, state);
    const [a, b] = await talk([one]);
    await kill(one);
    const again = await startNode(t, redis.url, state);
    assert.deepEqual([await back(a, again), await back(b, again)], ['resumed', 'resumed']);
    await goOn(a, b);
  });

  it('goes on when the worker that has its room is killed', async (t) => {
    const redis = await Redis.start(t);
    const node = await startNode(t, redis.url);
    const [a, b] = await talk([node]);
    await killWorker(node, 0);
    await Promise.all([a.closed, b.closed]);
    assert.deepEqual([await back(a, node), await back(b, node)], ['resumed', 'resumed']);
    await goOn(a, b);
  });

  it('goes on at another node when its own is stopped for good', async (t) => {
    const redis = await Redis.start(t);
    const nodes = await startNodes(t, redis.url, 2);
    const [a, b] = await talk(nodes);
    const { owner, others: [other] } = await byOwner(nodes, 'r');
    owner.child.kill('SIGTERM');
    await Promise.all([a.closed, b.closed]);
    const began = performance.now();
    assert.deepEqual([await back(a, other), await back(b, other)], ['resumed', 'resumed']);
    const took = performance.now() - began;
    t.diagnostic(`back after ${Math.round(took)} ms`);
    assert.ok(took < 3000);
    await owner.endedWell();
    await goOn(a, b);
  });

  it('keeps what its room has: names, locks and what was chatted', async (t) => {
    const redis = await Redis.start(t);
    const state = ['--state-dir', scratch()];
    const one = await startNode(t, redis.url, state);
    const [a, b] = await talk([one]);
    a.send({ type: 'chat', text: 'hello' });
    await b.find('chat');
    a.send({ type: 'update', meta: { hand: true } });
    await b.find('peer-updated');
    a.send({ type: 'lock', locked: true });
    await b.find('lock');
    await kill(one);
    const again = await startNode(t, redis.url, state);
    assert.equal(await back(a, again), 'resumed');
    assert.equal(a.first.locked, true);
    a.send({ type: 'lock', locked: false });
    await a.find('lock');
    const c = await Session.join(again.ws, 'r', { name: 'c' });
    assert.deepEqual(c.first.history.map(({ text }) => text), ['hello']);
    assert.deepEqual(c.first.peers.map(({ name, meta }) => [name, meta]), [['a', { hand: true }], ['b', undefined]]);
    assert.equal(await back(b, again), 'resumed');
    await Promise.all([a.bye(), b.bye(), c.bye()]);
  });

  it('that has ended is in no room that is restored', async (t) => {
    const redis = await Redis.start(t);
    const state = ['--state-dir', scratch()];
    const one = await startNode(t, redis.url, state);
    const [a, b] = await talk([one]);
    await b.bye();
    await a.find('peer-left');
    await kill(one);
    const again = await startNode(t, redis.url, state);
    const c = await Session.join(again.ws, 'r', { name: 'c' });
    assert.deepEqual(c.first.peers.map(({ name }) => name), ['a']);
    assert.equal(await back(a, again), 'resumed');
    await Promise.all([a.bye(), c.bye()]);
    await eventually(async () => await redis.command('HLEN', 'nk:{nakodo}:s:/v1\nr') === '2', 'that nothing is left in Redis'); // but since when
  });

  it('is somebody new with cluster-durable=no', async (t) => {
    const redis = await Redis.start(t);
    const state = ['--state-dir', scratch(), '--cluster-durable', 'no'];
    const one = await startNode(t, redis.url, state);
    const [a, b] = await talk([one]);
    await kill(one);
    assert.equal(await redis.command('KEYS', 'nk:{nakodo}:s:*'), '');
    const again = await startNode(t, redis.url, state);
    assert.equal(await back(a, again), 'welcome');
    assert.equal(a.first.recovered, false);
    await Promise.all([a.bye(), b.ws.terminate()]);
  });

  /** How often the node has heard that something was recorded. */
  const records = async (node) => (await node.meters()).cluster_recorded;
  const recorded = (node, before) => eventually(async () => await records(node) > before, 'that it is recorded');

  it('waits for a Redis that hangs no longer than a second, and is recorded when that goes on', { timeout: 60000 }, async (t) => {
    const redis = await Redis.start(t);
    const state = ['--state-dir', scratch()];
    const one = await startNode(t, redis.url, state);
    const [a, b] = await talk([one]);
    redis.hang();
    const began = performance.now();
    a.send({ type: 'meanwhile' });
    await b.find('meanwhile');
    const took = performance.now() - began;
    t.diagnostic(`a message waited for ${Math.round(took)} ms`);
    assert.ok(took < 2500, `it waited for ${took} ms`);
    for (let i = 0; i < 20; i++) { // and the next ones for nothing
      const clock = performance.now();
      a.send({ type: 'more' });
      await b.find('more');
      assert.ok(performance.now() - clock < 1000);
    }
    const before = await records(one);
    redis.goOn();
    await recorded(one, before);
    await kill(one);
    const again = await startNode(t, redis.url, state);
    assert.deepEqual([await back(a, again), await back(b, again)], ['resumed', 'resumed']);
    await goOn(a, b);
  });

  it('is not slow since what it is sent waits for Redis, however much that is', { timeout: 60000 }, async (t) => {
    const redis = await Redis.start(t, ['--enable-debug-command', 'yes']);
    const one = await startNode(t, redis.url, ['--message-rate', '0', '--byte-rate', '0']);
    const [a, b] = await talk([one]);
    const text = 'x'.repeat(8000);
    const began = performance.now();
    let said = 0;
    const say = async () => {
      while (performance.now() - began < 8000) {
        a.send({ type: 'much', text, said: said++ });
        await new Promise((done) => setTimeout(done, 5));
      }
    };
    const talking = say();
    for (let i = 0; i < 8; i++) await redis.command('DEBUG', 'SLEEP', '0.93');
    await talking;
    for (let i = 0; i < said; i++) assert.equal((await b.find('much')).said, i);
    assert.deepEqual([a.over, b.over], [undefined, undefined]);
    assert.equal(one.lines('cluster.away').length, 0);
    await goOn(a, b);
  });

  it('is recorded again by a Redis that comes back empty', { timeout: 60000 }, async (t) => {
    const redis = await Redis.start(t);
    const state = ['--state-dir', scratch()];
    const one = await startNode(t, redis.url, state);
    const [a, b] = await talk([one]);
    await redis.stop();
    await one.logged('cluster.away');
    const before = await records(one);
    await redis.start();
    await redis.settle('nakodo');
    await recorded(one, before);
    a.send({ type: 'then' });
    await b.find('then');
    await kill(one);
    const again = await startNode(t, redis.url, state);
    assert.deepEqual([await back(a, again), await back(b, again)], ['resumed', 'resumed']);
    await goOn(a, b);
  });

  const DAMAGES = {
    'a number that is none': ['HSET', 's', 'n', 'abc'],
    'no number': ['HDEL', 's', 'n'],
    'something else in place of the record': ['SET', 's', 'abc'],
    'something else in place of its claim': ['SET', 'u', 'abc'],
    'no claim': ['DEL', 'u'],
    'the name of a node that is gone': ['HSET', 'u', 'o', '0123456789abcdef'],
  };
  for (const [what, [verb, which, ...words]] of Object.entries(DAMAGES)) {
    it(`is recorded again where somebody has put ${what} into Redis, and others notice nothing`, { timeout: 60000 }, async (t) => {
      const redis = await Redis.start(t);
      const state = ['--state-dir', scratch()];
      const one = await startNode(t, redis.url, state);
      const damaged = await talk([one], 'damaged');
      const well = await talk([one], 'well');
      const key = `nk:{nakodo}:${which}:/v1\ndamaged`;
      assert.equal(await redis.command('TYPE', key), 'hash');
      await redis.command(verb, key, ...words);
      const began = performance.now();
      for (const [a, b] of [damaged, well]) {
        a.send({ type: 'after' });
        await b.find('after');
      }
      assert.ok(performance.now() - began < 1000, `it took ${performance.now() - began} ms`);
      assert.equal(one.lines('cluster.unrecorded').length, 0);
      await kill(one);
      const again = await startNode(t, redis.url, state);
      for (const session of [...damaged, ...well]) assert.equal(await back(session, again), 'resumed');
      await goOn(...damaged);
      await goOn(...well);
    });
  }

  it('is recorded when Redis is back, though its worker was started anew meanwhile', { timeout: 60000 }, async (t) => {
    const redis = await Redis.start(t);
    const state = ['--state-dir', scratch()];
    const one = await startNode(t, redis.url, state);
    const [a, b] = await talk([one]);
    redis.hang();
    await one.logged('cluster.away');
    await killWorker(one, 0);
    for (const session of [a, b]) assert.equal(await back(session, one), 'welcome'); // that is lost
    const before = await records(one);
    redis.goOn();
    await recorded(one, before);
    await kill(one);
    const again = await startNode(t, redis.url, state);
    for (const session of [a, b]) assert.equal(await back(session, again), 'resumed');
    await goOn(a, b);
  });

  it('whose room another node has taken is there alone, and nobody has left', { timeout: 90000 }, async (t) => {
    const redis = await Redis.start(t);
    const nodes = await startNodes(t, redis.url, 2);
    const a = await Session.join(nodes[0].ws, 'r', { name: 'a' });
    nodes[0].child.kill('SIGSTOP'); // its first process, which keeps the lease
    const b = new Session(nodes[1].ws, 'r', { name: 'b' });
    assert.equal(await back(b, nodes[1]), 'welcome');
    assert.deepEqual([...b.peers.keys()], [a.id]);
    nodes[0].child.kill('SIGCONT');
    assert.equal((await a.closed).code, 1012);
    assert.deepEqual(await ctl(nodes[0].ctl, 'rooms'), []);
    assert.equal(await back(a, nodes[0]), 'resumed');
    await goOn(a, b);
  });

  it('is recorded without what it was told at first, which does not change', async (t) => {
    const redis = await Redis.start(t);
    const one = await startNode(t, redis.url);
    const meta = { text: 'x'.repeat(3000) };
    const all = [];
    for (let i = 0; i < 8; i++) {
      const session = new Session(one.ws, 'r', { acks: false });
      await session.connect();
      session.send({ type: 'update', meta });
      all.push(session);
    }
    const written = async () => Number((await redis.command('INFO', 'stats')).match(/total_net_input_bytes:(\d+)/)[1]);
    const ask = async (i) => {
      all[0].send({ type: 'more', i });
      await Promise.all(all.slice(1).map((session) => session.find('more')));
    };
    await ask(0);
    const before = await written();
    for (let i = 1; i <= 20; i++) await ask(i);
    const each = (await written() - before) / 20;
    t.diagnostic(`${Math.round(each)} bytes for each message`);
    assert.ok(each < 15000, `${each} bytes for each message`); // all but the first were told more than 3000 bytes at first
    for (const session of all) session.ws.terminate();
  });

  it('of a room that has been left for long is not restored', { timeout: 60000 }, async (t) => {
    const redis = await Redis.start(t);
    const state = ['--state-dir', scratch(), '--resume-seconds', '2'];
    const one = await startNode(t, redis.url, state);
    const [a, b] = await talk([one]);
    a.send({ type: 'chat', text: 'of those who were there' });
    await b.find('chat');
    await kill(one);
    await new Promise((done) => setTimeout(done, 4000)); // so long nobody is there
    const again = await startNode(t, redis.url, state);
    const c = await Session.join(again.ws, 'r', { name: 'c' });
    assert.deepEqual([c.first.peers, c.first.history], [[], []]);
    assert.equal(await back(a, again), 'welcome');
    assert.equal(a.first.recovered, false);
    await Promise.all([a.bye(), c.bye()]);
  });

  it('of which the record is damaged is somebody new, and the room goes on', { timeout: 60000 }, async (t) => {
    const redis = await Redis.start(t);
    const state = ['--state-dir', scratch()];
    let node = await startNode(t, redis.url, state);
    for (const [i, harm] of ['', 'x', '\\x00\\xff\\xff\\xff\\xff\\xff\\xff\\xff'.repeat(9), '{}'].entries()) {
      const room = `r${i}`;
      const [a, b] = await talk([node], room);
      a.send({ type: 'chat', text: 'hello' });
      await b.find('chat');
      await kill(node);
      const key = `nk:{nakodo}:s:/v1\n${room}`;
      const fields = (await redis.command('HKEYS', key)).split('\n').filter((name) => name.length > 1);
      assert.ok(fields.length > 2);
      await redis.command('HSET', key, fields.at(i % fields.length), harm);
      node = await startNode(t, redis.url, state);
      assert.equal(await back(a, node), 'welcome');
      assert.equal(a.first.recovered, false);
      assert.equal(await back(b, node), 'welcome');
      await node.logged('cluster.not-restored');
      await goOn(a, b);
    }
  });
});
