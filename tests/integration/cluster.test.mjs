// Goal: several nodes that share a Redis are one daemon to whoever comes: who is in a room is together, whichever node
// each has come to.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { open, refused } from '../lib/client.mjs';
import { Redis, startNode, startNodes } from '../lib/cluster.mjs';
import { spawnDaemon } from '../lib/daemon.mjs';
import { ask } from '../lib/http.mjs';
import { freePorts } from '../lib/ports.mjs';
import { scrape } from '../lib/metrics.mjs';
import { eventually } from '../lib/prometheus.mjs';
import { Session } from '../lib/v1.mjs';
import { ctl, several, together } from '../lib/workers.mjs';

/** One client at each node, by ws and by wss, in the room at `path`. */
const everywhere = (nodes, path) => Promise.all(nodes.flatMap((node) => [open(node.ws + path), open(node.wss + path)]));

describe('a room', () => {
  it('is one room at all nodes, for who comes by ws and for who comes by wss', async (t) => {
    const redis = await Redis.start(t);
    const nodes = await startNodes(t, redis.url, 3);
    for (const room of ['a', 'b', 'c']) {
      const clients = await everywhere(nodes, `/relay/${room}`);
      await together(...clients);
      await Promise.all(clients.map((client) => client.close()));
    }
  });

  it('is one room at nodes of two workers each', async (t) => {
    const redis = await Redis.start(t);
    const nodes = await startNodes(t, redis.url, 2, ['--workers', '2']);
    for (const room of ['a', 'b', 'c', 'd']) {
      const clients = await everywhere(nodes, `/relay/${room}`);
      await together(...clients);
      await Promise.all(clients.map((client) => client.close()));
    }
  });

  it('is another room in another cluster with the same Redis', async (t) => {
    const redis = await Redis.start(t);
    await redis.settle('other');
    const one = await startNode(t, redis.url);
    const other = await startNode(t, redis.url, ['--cluster-name', 'other']);
    const [a, b] = await everywhere([one], '/relay/r');
    const [c, d] = await everywhere([other], '/relay/r');
    await together(a, b);
    await together(c, d);
  });

  it('is asked for in Redis once, and /metrics says how long the answer took', async (t) => {
    const redis = await Redis.start(t);
    const node = await startNode(t, redis.url, ['--listen', '127.0.0.1:0?metrics', '--listen', 'tls:127.0.0.1:0']);
    const read = async (name) => (await scrape({ port: node.port })).get(`nakodo_cluster_${name}`);
    const asked = await read('claims_total');
    const [count, sum] = [await read('redis_seconds_count'), await read('redis_seconds_sum')];
    const clients = await everywhere([node], '/relay/r');
    assert.equal(await read('claims_total') - asked, 1);
    assert.ok(await read('redis_seconds_count') > count);
    const took = await read('redis_seconds_sum') - sum;
    assert.ok(took > 0 && took < 1, `${took} s`);
    await Promise.all(clients.map((client) => client.close()));
  });

  it('goes to another node when all have left it and time has passed', async (t) => {
    const redis = await Redis.start(t);
    const [one, two] = await startNodes(t, redis.url, 2);
    const first = await open(`${one.ws}/relay/r`);
    const owner = () => redis.command('HGET', 'nk:{nakodo}:u:/relay\nr', 'o');
    const before = await owner();
    await first.close();
    await eventually(async () => !await owner(), 'that it is given back');
    const second = await open(`${two.ws}/relay/r`);
    assert.notEqual(await owner(), before);
    await second.close();
  });
});

describe('a listener of one dialect', () => {
  it('has one room at all nodes, wherever each of them listens', async (t) => {
    const redis = await Redis.start(t);
    const ports = await freePorts(4);
    const nodes = await Promise.all([0, 2].map((i) => startNode(t, redis.url,
      ['--listen', `127.0.0.1:${ports[i]}`, '--listen', `127.0.0.1:${ports[i + 1]}?dialect=relay`])));
    const clients = await Promise.all([1, 3].map((i) => open(`ws://127.0.0.1:${ports[i]}/r`)));
    await together(...clients);
    await Promise.all(clients.map((client) => client.close()));
    assert.equal(nodes.flatMap((node) => node.lines('cluster.listener')).length, 0);
  });

  it('that only one node has is said in its log once', async (t) => {
    const redis = await Redis.start(t);
    const [port] = await freePorts(1);
    const one = await startNode(t, redis.url, ['--listen', '127.0.0.1:0', '--listen', `127.0.0.1:${port}?dialect=relay`]);
    const two = await startNode(t, redis.url, ['--listen', '127.0.0.1:0', '--mount', '/relay=relay']);
    const { node } = (await ctl(two.ctl, 'cluster')).find(({ self }) => self);
    await redis.command('HSET', 'nk:{nakodo}:u:relay\nr', 'o', node, 'e', 1);
    for (let i = 0; i < 3; i++) assert.match(await refused(`ws://127.0.0.1:${port}/r`).then(String), /cannot be reached/);
    await two.logged('cluster.listener');
    assert.equal(two.lines('cluster.listener').length, 1);
    assert.equal(one.lines('cluster.listener').length, 0);
  });
});

describe('cluster-listen', () => {
  for (const address of ['127.0.0.1', '*', '[::1]']) {
    it(`may be ${address}`, async (t) => {
      const redis = await Redis.start(t);
      const [port] = await freePorts(1);
      const one = await startNode(t, redis.url, ['--cluster-listen', `${address}:${port}`]);
      const first = await open(`${one.ws}/relay/r`);
      const two = await startNode(t, redis.url);
      const second = await open(`${two.ws}/relay/r`);
      await together(first, second);
      const own = (await ctl(one.ctl, 'cluster')).find(({ self }) => self);
      assert.deepEqual([own.address, own.port], [address === '[::1]' ? '::1' : '127.0.0.1', port]);
      await Promise.all([first, second].map((client) => client.close()));
    });
  }

  it('of a port that is taken is said in the log until it is free', async (t) => {
    const redis = await Redis.start(t);
    const one = await startNode(t, redis.url);
    const [{ port }] = await ctl(one.ctl, 'cluster');
    const two = spawnDaemon({ args: ['--cluster', redis.url, '--cluster-listen', `127.0.0.1:${port}`] });
    t.after(() => two.stop());
    await two.ready();
    assert.match(await two.logged('cluster.away'), /other nodes cannot reach this one: cluster-listen: .*in use/i);
    await one.stop();
    one.killed = true;
    await two.logged('cluster.there');
  });
});

describe('a client of nakodo.v1', () => {
  it('meets who is at another node, and resumes by a third', async (t) => {
    const redis = await Redis.start(t);
    const [one, two, three] = await startNodes(t, redis.url, 3);
    const a = await Session.join(one.ws, 'r', { name: 'a' });
    const b = await Session.join(two.ws, 'r', { name: 'b' });
    await a.find('peer-joined');
    a.send({ type: 'one' });
    assert.equal((await b.find('one')).from, a.id);
    await b.cut();
    a.send({ type: 'two' });
    b.base = three.wss;
    await b.connect();
    assert.equal(b.first.type, 'resumed');
    assert.equal((await b.find('two')).from, a.id);
    b.send({ type: 'three' });
    assert.equal((await a.find('three')).from, b.id);
    await Promise.all([a.bye(), b.bye()]);
  });

  it('asks any node who is in a room', async (t) => {
    const redis = await Redis.start(t);
    const nodes = await startNodes(t, redis.url, 2);
    const session = await Session.join(nodes[0].ws, 'r', { name: 'a' });
    for (const node of nodes) {
      assert.deepEqual(JSON.parse((await ask(node, '/v1/r/peers')).text).peers, [{ name: 'a' }]);
    }
    await session.bye();
  });
});

describe('an id of PeerJS', () => {
  it('is taken at all nodes when somebody has it at one', async (t) => {
    const redis = await Redis.start(t);
    const nodes = await startNodes(t, redis.url, 3);
    const path = (token) => `/peerjs?key=peerjs&id=me&token=${token}`;
    const mine = await open(nodes[0].ws + path('a'));
    assert.equal(JSON.parse(await mine.next()).type, 'OPEN');
    for (const node of nodes) {
      const other = await open(node.ws + path('b'));
      assert.equal(JSON.parse(await other.next()).type, 'ID-TAKEN');
      await other.closed;
    }
    await mine.close();
  });
});

describe('an administrator', () => {
  it('sees the nodes and whose the rooms are', async (t) => {
    const redis = await Redis.start(t);
    const [one, two] = await startNodes(t, redis.url, 2);
    const clients = await everywhere([one, two], '/relay/r');
    const nodes = await ctl(one.ctl, 'cluster');
    assert.equal(nodes.length, 2);
    assert.deepEqual(nodes.map(({ self }) => self).sort(), [false, true]);
    const [unit] = await ctl(one.ctl, 'units');
    const [same] = await ctl(two.ctl, 'units');
    assert.deepEqual([unit.mount, unit.room, same.mount, same.room], ['/relay', 'r', '/relay', 'r']);
    assert.equal(unit.node, same.node);
    assert.deepEqual([unit.state, same.state].sort(), ['other', 'own']);
    await Promise.all(clients.map((client) => client.close()));
  });

  it('is told that a daemon without a cluster has none', async (t) => {
    const daemon = await several(t, 1);
    await assert.rejects(ctl(daemon.ctl, 'cluster'), /is in no cluster/);
  });
});
