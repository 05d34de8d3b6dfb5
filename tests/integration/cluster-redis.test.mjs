// Goal: whatever becomes of Redis, who is connected stays connected, and when it is back all nodes agree again.
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { open } from '../lib/client.mjs';
import { Redis, startNode, startNodes, startSentinel } from '../lib/cluster.mjs';
import { scratch, spawnDaemon } from '../lib/daemon.mjs';
import { freePorts } from '../lib/ports.mjs';
import { eventually } from '../lib/prometheus.mjs';
import { certificate } from '../lib/proxies.mjs';
import { ctl, together } from '../lib/workers.mjs';

/** Wait until the node has said again that Redis is there, since it was away. */
const backAgain = (node, before) => node.until(() => node.lines('cluster.there').length > before, 'that Redis is back');
const timesThere = (node) => node.lines('cluster.there').length;

/** Who has the room, as that node knows it. */
const ownerOf = async (node, room) => (await ctl(node.ctl, 'units')).find((unit) => unit.room === room)?.node;

/** A daemon that cannot have its cluster: the line of its log that says why. */
async function away(t, url, args = []) {
  const node = spawnDaemon({ args: ['--cluster', url, ...args] });
  t.after(() => node.stop());
  await node.ready();
  const line = await node.logged('cluster.away');
  const a = await open(`${node.ws}/relay/r`);
  const b = await open(`${node.ws}/relay/r`);
  await together(a, b); // who is at this node goes on
  await Promise.all([a.close(), b.close()]);
  return line;
}

describe('a Redis that cannot be used', { concurrency: true }, () => {
  it('is told of when it is not there', async (t) => {
    assert.match(await away(t, 'redis://127.0.0.1:1'), /connection refused/);
  });

  it('is told of when the password is wrong', async (t) => {
    const password = 'Gu9kaeph';
    const redis = await Redis.start(t, ['--requirepass', password], { password });
    assert.match(await away(t, `redis://:wrong@127.0.0.1:${redis.port}`), /refuses the login.*WRONGPASS/);
    assert.match(await away(t, `redis://127.0.0.1:${redis.port}`), /NOAUTH/);
    const node = await startNode(t, redis.url);
    assert.ok(!node.stderr.includes(password) && !node.stdout.includes(password));
    const other = await Redis.start(t, ['--rename-command', 'AUTH', 'LOGIN']);
    assert.doesNotMatch(await away(t, `redis://:${password}@127.0.0.1:${other.port}`), new RegExp(password)); // it repeats what it was told
  });

  it('is told of when it is a replica', async (t) => {
    const master = await Redis.start(t);
    const replica = await Redis.start(t, ['--replicaof', '127.0.0.1', String(master.port)], { settled: false });
    assert.match(await away(t, replica.url), /replica/);
  });

  it('is told of when it is out of memory', async (t) => {
    const redis = await Redis.start(t, ['--maxmemory-policy', 'noeviction']);
    await redis.command('CONFIG', 'SET', 'maxmemory', '1');
    assert.match(await away(t, redis.url), /cannot be written to.*OOM/);
  });

  it('is told of when another version has that cluster-name', async (t) => {
    const redis = await Redis.start(t);
    await redis.command('SET', 'nk:{nakodo}:format', '99');
    assert.match(await away(t, redis.url), /another version of nakodo.*format is 99/);
  });

  it('is told of when it does not speak TLS', async (t) => {
    const redis = await Redis.start(t);
    assert.match(await away(t, `rediss://127.0.0.1:${redis.port}`), /TLS: it does not answer/);
  });

  it('is told of before anything starts when its URL is wrong', async (t) => {
    const node = spawnDaemon({ args: ['--cluster', 'redis://:secret@/'] });
    assert.equal(await node.exit(), 2);
    assert.match(node.stderr, /cluster.*host or the port is missing/);
    assert.doesNotMatch(node.stderr, /secret@\//);
    t.diagnostic(node.stderr.trim());
  });
});

describe('a Redis is reached', { concurrency: true }, () => {
  /** A Redis that also listens there, and what is there. */
  async function listening(t, names) {
    const { cert, key } = certificate(undefined, undefined, names);
    const [port] = await freePorts(1);
    const path = join(scratch(), 'redis');
    await Redis.start(t, ['--unixsocket', path, '--tls-port', String(port), '--tls-cert-file', cert, '--tls-key-file', key, '--tls-auth-clients', 'no']);
    return { path, port, cert };
  }

  /** Two nodes that meet by it. */
  async function meet(t, url) {
    const nodes = await startNodes(t, url, 2);
    const clients = await Promise.all(nodes.map((node) => open(`${node.ws}/relay/r`)));
    await together(...clients);
  }

  it('by its unix socket', async (t) => meet(t, `redis+unix://${(await listening(t)).path}`));

  it('by TLS, where its certificate has its name', async (t) => {
    const { port, cert } = await listening(t, 'DNS:localhost');
    await meet(t, `rediss://localhost:${port}?ca=${cert}`);
    assert.match(await away(t, `rediss://127.0.0.1:${port}?ca=${cert}`), /TLS: IP address mismatch/);
  });

  it('by TLS, where its certificate has its address', async (t) => {
    const { port, cert } = await listening(t, 'IP:127.0.0.1');
    await meet(t, `rediss://127.0.0.1:${port}?ca=${cert}`);
    assert.match(await away(t, `rediss://localhost:${port}?ca=${cert}`), /TLS: hostname mismatch/i);
  });

  it('by TLS from those alone who trust its certificate', async (t) => {
    const { port } = await listening(t, 'DNS:localhost');
    assert.match(await away(t, `rediss://localhost:${port}`), /TLS: self.signed certificate/i);
  });
});

describe('a Redis that goes away', { concurrency: true }, () => {
  /** Three nodes with a room that is together; what is done to Redis; they are together again, old and new. */
  async function survives(t, harm, mend, { seconds = 1 } = {}) {
    const redis = await Redis.start(t);
    const nodes = await startNodes(t, redis.url, 3);
    const clients = await Promise.all(nodes.map((node) => open(`${node.ws}/relay/old`)));
    await together(...clients);
    const before = nodes.map(timesThere);
    await harm(redis);
    await Promise.all(nodes.map((node) => node.logged('cluster.away')));
    for (let i = 0; i < seconds; i++) {
      await together(...clients);
      await new Promise((done) => setTimeout(done, 1000)); // so long it is away
    }
    await mend(redis);
    await Promise.all(nodes.map((node, i) => backAgain(node, before[i])));
    await together(...clients);
    const others = await Promise.all(nodes.map((node) => open(`${node.wss}/relay/old`)));
    await together(...clients, ...others);
    const fresh = await Promise.all(nodes.map((node) => open(`${node.ws}/relay/new`)));
    await together(...fresh);
    for (const client of [...clients, ...others]) assert.equal(client.end, undefined);
    return { redis, nodes };
  }

  it('and comes back with what it had costs nobody the connection', (t) =>
    survives(t, (redis) => redis.hang(), (redis) => redis.goOn(), { seconds: 4 }));

  it('and comes back empty costs nobody the connection', (t) =>
    survives(t, (redis) => redis.stop(), (redis) => redis.start()));

  it('and lost a part of what it had costs nobody the connection', async (t) => {
    const { redis, nodes } = await survives(t, (redis) => redis.stop(), async (redis) => {
      await redis.start();
      await redis.settle('nakodo');
    });
    const owners = await Promise.all(nodes.map((node) => ownerOf(node, 'old')));
    assert.equal(new Set(owners).size, 1);
    assert.equal(await redis.command('HGET', 'nk:{nakodo}:u:/relay\nold', 'o'), owners[0]);
  });

  it('lets a new room begin at each node, and makes it one again when it is back', async (t) => {
    const redis = await Redis.start(t);
    const nodes = await startNodes(t, redis.url, 2);
    const before = nodes.map(timesThere);
    await redis.stop();
    await Promise.all(nodes.map((node) => node.logged('cluster.away')));
    const [a, b] = await Promise.all(nodes.map((node) => open(`${node.ws}/relay/r`)));
    a.send('only here');
    await redis.start();
    await redis.settle('nakodo');
    await Promise.all(nodes.map((node, i) => backAgain(node, before[i])));
    const lost = await Promise.race([a.closed.then((end) => [end, b]), b.closed.then((end) => [end, a])]);
    assert.equal(lost[0].code, 1012);
    const again = await Promise.all(nodes.map((node) => open(`${node.ws}/relay/r`)));
    await together(lost[1], ...again);
  });

  it('and is replaced by its replica, as Sentinels say, costs nobody the connection', { timeout: 90000 }, async (t) => {
    const master = await Redis.start(t);
    const replica = await Redis.start(t, ['--replicaof', master.host, String(master.port)], { settled: false });
    await eventually(async () => (await replica.command('INFO', 'replication')).includes('master_link_status:up'), 'the replica');
    const sentinel = await startSentinel(t, master);
    await eventually(async () => (await sentinel.command('SENTINEL', 'replicas', 'mymaster')).includes(String(replica.port)), 'that the Sentinel knows the replica', 30000);
    const url = `redis+sentinel://127.0.0.1:1,127.0.0.1:${sentinel.port}/mymaster`; // the first of them is not there
    const nodes = await startNodes(t, url, 2);
    const clients = await Promise.all(nodes.map((node) => open(`${node.ws}/relay/old`)));
    await together(...clients);
    const before = nodes.map(timesThere);
    await master.stop();
    await Promise.all(nodes.map((node, i) => node.until(() => timesThere(node) > before[i], 'that Redis is back', 60000)));
    await together(...clients);
    assert.match(await replica.command('HGET', 'nk:{nakodo}:u:/relay\nold', 'o'), /^[0-9a-f]{16}$/);
    const fresh = await Promise.all(nodes.map((node) => open(`${node.ws}/relay/new`)));
    await together(...fresh);
    for (const client of clients) assert.equal(client.end, undefined);
  });

  it('lets a room that was at a node which ends meanwhile begin anew after the time of a lease', { timeout: 90000 }, async (t) => {
    const redis = await Redis.start(t);
    const [one, two] = await startNodes(t, redis.url, 2);
    const first = await open(`${one.ws}/relay/r`);
    const guest = await open(`${two.ws}/relay/r`);
    await together(first, guest);
    await redis.stop();
    await two.logged('cluster.away');
    one.killed = true;
    one.child.kill('SIGKILL');
    await guest.closed;
    const again = await eventually(() => open(`${two.ws}/relay/r`).catch(() => false), 'the room', 40000);
    await again.close();
  });

  it('by becoming a replica costs nobody the connection', (t) =>
    survives(t, (redis) => redis.command('REPLICAOF', '127.0.0.1', '1'), (redis) => redis.command('REPLICAOF', 'NO', 'ONE')));

  it('by having no memory left costs nobody the connection', (t) =>
    survives(t, (redis) => redis.command('CONFIG', 'SET', 'maxmemory', '1'), (redis) => redis.command('CONFIG', 'SET', 'maxmemory', '0'), { seconds: 3 }));
});
