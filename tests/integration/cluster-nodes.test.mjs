// Goal: a node that ends, however, costs those who are at it a connection and nobody else anything: its rooms are served
// again, by itself if it comes back, and else by another node.
import assert from 'node:assert/strict';
import { copyFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { open } from '../lib/client.mjs';
import { kill, Redis, startNode, startNodes } from '../lib/cluster.mjs';
import { scratch } from '../lib/daemon.mjs';
import { eventually } from '../lib/prometheus.mjs';
import { Session } from '../lib/v1.mjs';
import { ctl, gone, together, workersOf } from '../lib/workers.mjs';

const LEASE = 15000; // ms

/** Of the nodes, the one that has the room, and the others. */
async function byOwner(nodes, room) {
  const owners = await Promise.all(nodes.map(async (node) => (await ctl(node.ctl, 'units')).some((unit) => unit.room === room && unit.state === 'own')));
  assert.equal(owners.filter(Boolean).length, 1, `${room} has ${owners.filter(Boolean).length} owners`);
  return { owner: nodes[owners.indexOf(true)], others: nodes.filter((_, i) => !owners[i]) };
}

/** Open it as soon as it can be, and how many ms that took. */
async function reopen(url, patience = LEASE + 10000) {
  const began = performance.now();
  const client = await eventually(() => open(url).catch(() => false), `a connection to ${url}`, patience);
  return { client, took: performance.now() - began };
}

// They mostly wait for a lease to end.
describe('a node that says nothing any more', { concurrency: true }, () => {
  it('killed, is replaced by another within the time of its lease', { timeout: 120000 }, async (t) => {
    const redis = await Redis.start(t);
    const nodes = await startNodes(t, redis.url, 3);
    const clients = await Promise.all(nodes.map((node) => open(`${node.ws}/relay/r`)));
    await together(...clients);
    const { owner, others } = await byOwner(nodes, 'r');
    const bystanders = [await open(`${others[0].ws}/relay/other`)]; // who comes first has it there
    bystanders.push(await open(`${others[1].ws}/relay/other`));
    await together(...bystanders);
    await kill(owner);
    await Promise.all(clients.map((client) => client.closed)); // theirs led to the room
    const came = await Promise.all(others.map((node) => reopen(`${node.ws}/relay/r`)));
    await together(...came.map(({ client }) => client));
    t.diagnostic(`served again after ${came.map(({ took }) => Math.round(took))} ms`);
    assert.ok(came.every(({ took }) => took < LEASE + 5000));
    await together(...bystanders);
  });

  it('killed, has its rooms again at once when it is started again with its state-dir', { timeout: 60000 }, async (t) => {
    const redis = await Redis.start(t);
    const state = ['--state-dir', scratch()];
    const one = await startNode(t, redis.url, state);
    const first = await open(`${one.ws}/relay/r`);
    const two = await startNode(t, redis.url);
    const guest = await open(`${two.ws}/relay/r`);
    await together(first, guest);
    await kill(one);
    const began = performance.now();
    const again = await startNode(t, redis.url, state);
    const { client } = await reopen(`${two.ws}/relay/r`);
    const took = performance.now() - began;
    const other = await open(`${again.ws}/relay/r`);
    await together(client, other);
    t.diagnostic(`served again after ${Math.round(took)} ms`);
    assert.ok(took < LEASE / 2);
  });

  it('killed, leaves no ghost in the rooms of others', { timeout: 60000 }, async (t) => {
    const redis = await Redis.start(t);
    const [one, two] = await startNodes(t, redis.url, 2);
    const a = await Session.join(one.ws, 'r', { name: 'a' });
    const b = await Session.join(two.ws, 'r', { name: 'b' });
    await a.find('peer-joined');
    await kill(two); // which only carried b
    const { id } = await a.find('peer-away');
    assert.equal(id, b.id);
    b.base = one.ws;
    await b.connect();
    assert.equal(b.first.type, 'resumed');
    await Promise.all([a.bye(), b.bye()]);
  });

  it('hung in one of its workers, ends in order all the same', { timeout: 60000 }, async (t) => {
    const redis = await Redis.start(t);
    const node = await startNode(t, redis.url);
    const client = await open(`${node.ws}/relay/r`);
    const [worker] = workersOf(node);
    process.kill(worker, 'SIGSTOP');
    node.child.kill('SIGTERM');
    await node.logged('server.stop', 'draining');
    node.child.kill('SIGTERM');
    await node.endedWell();
    await gone([worker]);
    await client.closed;
  });

  it('hung, loses its rooms to another, and its peers come to that when it goes on', { timeout: 120000 }, async (t) => {
    const redis = await Redis.start(t);
    const nodes = await startNodes(t, redis.url, 2);
    const clients = await Promise.all(nodes.map((node) => open(`${node.ws}/relay/r`)));
    const { owner, others: [other] } = await byOwner(nodes, 'r');
    const stopped = clients[nodes.indexOf(owner)];
    owner.child.kill('SIGSTOP'); // its first process, which keeps the lease; its worker goes on
    const { client } = await reopen(`${other.ws}/relay/r`, 40000);
    owner.child.kill('SIGCONT');
    assert.equal((await stopped.closed).code, 1012);
    const back = await open(`${owner.ws}/relay/r`);
    await together(client, back);
  });
});

describe('a node that is stopped', () => {
  it('gives its rooms to another at once', async (t) => {
    const redis = await Redis.start(t);
    const nodes = await startNodes(t, redis.url, 2, ['--drain-seconds', '0']);
    const clients = await Promise.all(nodes.map((node) => open(`${node.ws}/relay/r`)));
    await together(...clients);
    const { owner, others: [other] } = await byOwner(nodes, 'r');
    owner.child.kill('SIGTERM');
    await owner.endedWell();
    const { client, took } = await reopen(`${other.ws}/relay/r`);
    t.diagnostic(`served again after ${Math.round(took)} ms`);
    assert.ok(took < 1000);
    await byOwner([other], 'r');
    await client.close();
  });

  it('ends what it only carried over drain-seconds, and those come again by another', { timeout: 60000 }, async (t) => {
    const redis = await Redis.start(t);
    const [owner, carrier] = await startNodes(t, redis.url, 2, ['--drain-seconds', '4']);
    const first = await open(`${owner.ws}/relay/r`);
    const carried = await Promise.all(Array.from({ length: 8 }, (_, i) => open(`${i % 2 ? carrier.ws : carrier.wss}/relay/r`)));
    await together(first, ...carried);
    const began = performance.now();
    carrier.child.kill('SIGTERM');
    const ends = await Promise.all(carried.map((client) => client.closed.then(() => performance.now() - began)));
    await carrier.endedWell();
    ends.sort((a, b) => a - b);
    assert.ok(ends.at(0) < 2000 && ends.at(-1) > 2000 && ends.at(-1) < 6000, `they ended after ${ends.map(Math.round)} ms`);
    const again = await Promise.all(carried.map(() => open(`${owner.ws}/relay/r`)));
    await together(first, ...again);
  });

  it('and started again costs a session of nakodo.v1 nothing', { timeout: 60000 }, async (t) => {
    const redis = await Redis.start(t);
    const state = ['--state-dir', scratch()];
    const one = await startNode(t, redis.url, state);
    const a = await Session.join(one.ws, 'r', { name: 'a' });
    const two = await startNode(t, redis.url);
    const b = await Session.join(two.ws, 'r', { name: 'b' });
    await a.find('peer-joined');
    for (const from of [a, b]) from.send({ type: 'before' });
    one.child.kill('SIGTERM');
    await one.endedWell();
    await Promise.all([a.closed, b.closed]);
    for (const from of [a, b]) from.send({ type: 'between' });
    const again = await startNode(t, redis.url, state);
    a.base = two.ws; // each comes back by the other's node
    b.base = again.ws;
    for (const session of [a, b]) {
      await session.connect();
      assert.equal(session.first.type, 'resumed');
    }
    for (const to of [a, b]) {
      assert.equal((await to.find('before')).type, 'before');
      assert.equal((await to.find('between')).type, 'between');
    }
    await Promise.all([a.bye(), b.bye()]);
  });
});

describe('a node', () => {
  it('has another with its name: the one that came later keeps it, and the log of the first says so', { timeout: 60000 }, async (t) => {
    const redis = await Redis.start(t);
    const folder = scratch();
    const one = await startNode(t, redis.url, ['--state-dir', folder]);
    const copy = scratch();
    copyFileSync(join(folder, 'nakodo.node'), join(copy, 'nakodo.node'));
    const two = await startNode(t, redis.url, ['--state-dir', copy]);
    assert.match(await one.logged('cluster.away'), /another node has the name of this one/);
    assert.equal(two.lines('cluster.away').length, 0);
    const client = await open(`${two.ws}/relay/r`);
    await client.close();
  });
});

describe('a node that reads its options again', () => {
  it('stays what it was to the others', { timeout: 60000 }, async (t) => {
    const redis = await Redis.start(t);
    const [one, two] = await startNodes(t, redis.url, 2);
    for (let i = 0; i < 3; i++) {
      const reloads = one.lines('reload.done').length;
      one.child.kill('SIGHUP');
      await one.until(() => one.lines('reload.done').length > reloads, 'that it has');
    }
    const clients = await Promise.all([one, two].map((node) => open(`${node.ws}/relay/r`)));
    await together(...clients);
    const renewed = async () => Number(await redis.command('PTTL', `nk:{nakodo}:n:${(await ctl(one.ctl, 'cluster')).find(({ self }) => self).node}`));
    const before = await renewed();
    await eventually(async () => await renewed() > before, 'that its lease is renewed');
    await byOwner([one, two], 'r');
  });
});

describe('a room that two nodes were given', () => {
  it('is one again as soon as the second says so, and the peers of the other hear it', { timeout: 60000 }, async (t) => {
    const redis = await Redis.start(t);
    const nodes = await startNodes(t, redis.url, 2);
    const first = await open(`${nodes[0].ws}/relay/r`);
    nodes[0].child.kill('SIGSTOP');
    const there = nodes[1].lines('cluster.there').length;
    await redis.stop(); // and with it all that it knew
    await redis.start();
    await redis.settle('nakodo');
    await nodes[1].until(() => nodes[1].lines('cluster.there').length > there, 'that Redis is back');
    const { client: second } = await reopen(`${nodes[1].ws}/relay/r`);
    nodes[0].child.kill('SIGCONT');
    assert.equal((await first.closed).code, 1012);
    const back = await open(`${nodes[0].ws}/relay/r`);
    await together(second, back);
    await byOwner(nodes, 'r');
  });
});

describe('the address for other nodes', () => {
  it('takes nothing from strangers', async (t) => {
    const redis = await Redis.start(t);
    const node = await startNode(t, redis.url);
    const [{ address, port }] = await ctl(node.ctl, 'cluster');
    const token = '0'.repeat(32);
    const unit = Buffer.from('/relay\nr').toString('hex');
    for (const said of [`nakodo 1 ${token} 0 1.2.3.4 ${unit} ${unit}\n`, 'GET / HTTP/1.1\r\n\r\n', 'x'.repeat(5000), '\n', `${'\0'.repeat(100)}\n`]) {
      const socket = connect(port, address);
      let answer = '';
      socket.on('data', (bytes) => { answer += bytes; });
      socket.write(said);
      await new Promise((done) => socket.on('error', () => {}).on('close', done));
      assert.equal(answer, '');
    }
    assert.ok((await node.meters()).cluster_strangers >= 3);
    const client = await open(`${node.ws}/relay/r`);
    await client.close();
  });
});
