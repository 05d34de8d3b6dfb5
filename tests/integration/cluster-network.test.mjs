// Goal: three nodes behind HAProxy are one, with the configuration that docs/cluster.md shows; and a network that comes
// apart costs who is on the wrong side of it a connection, and leaves one room of each name when it is whole again.
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { open } from '../lib/client.mjs';
import { Redis } from '../lib/cluster.mjs';
import { scratch, spawnDaemon } from '../lib/daemon.mjs';
import { isInside, Machine, makeBridge, runInside } from '../lib/network.mjs';
import { eventually } from '../lib/prometheus.mjs';
import { blocks, HOST, replaced, startHaproxy } from '../lib/proxies.mjs';
import { Session } from '../lib/v1.mjs';
import { ctl, together } from '../lib/workers.mjs';

const [BALANCER, REDIS, CLIENT] = ['10.77.0.1', '10.77.0.2', '10.77.0.3'];
const direct = { localAddress: CLIENT }; // not by the balancer, whom the nodes trust to say who somebody is
const headers = { headers: { Host: HOST } };

/** Redis, HAProxy and so many nodes, each on a machine of its own. */
async function site(t, count) {
  const redis = await Redis.start(t, ['--protected-mode', 'no'], { host: REDIS });
  const [options] = blocks('ini', 'docs/cluster.md').slice(-1);
  const nodes = [];
  for (let i = 1; i <= count; i++) {
    const machine = new Machine(`n${i}`, `10.77.0.1${i}`);
    const config = replaced(options, { '10.0.0.2': `${REDIS}:${redis.port}`, '10.0.0.1': BALANCER });
    const path = join(scratch(), 'ctl');
    const args = [...config.split('\n').filter(Boolean).map((line) => `--${line.replace(' = ', '=')}`), '--ctl', path,
      '--connect-rate', '0', '--max-peers-per-address', '0', '--listen', '*:3001'];
    const node = spawnDaemon({ args, wrap: machine.wrap });
    t.after(() => node.stop());
    await node.ready();
    await node.logged('cluster.there');
    nodes.push(Object.assign(node, { machine, ctl: path, ws: `ws://${machine.address}:3001` }));
  }
  const [config] = blocks('haproxy', 'docs/cluster.md');
  const moved = replaced(config, { ':80': `${BALANCER}:80`, '10.0.0.1': '10.77.0.1' });
  await startHaproxy(t, moved, []);
  const front = `ws://${BALANCER}`;
  await eventually(() => open(`${front}/relay/probe`, headers).then((client) => client.close(), () => false), 'HAProxy');
  return { redis, nodes, front };
}

const ownersOf = async (nodes, room) => {
  const found = await Promise.all(nodes.map(async (node) => (await ctl(node.ctl, 'units')).some((unit) => unit.room === room && unit.state === 'own')));
  return nodes.filter((_, i) => found[i]);
};

const inside = () => describe('three nodes', { timeout: 200000 }, () => {
  const endings = [];
  let redis, nodes, front;

  before(async () => {
    makeBridge([BALANCER, REDIS, CLIENT]);
    ({ redis, nodes, front } = await site({ after: (end) => endings.unshift(end) }, 3));
  });

  after(async () => {
    for (const end of endings) await end();
  });

  it('behind HAProxy are one', async () => {
    const clients = await Promise.all(Array.from({ length: 9 }, () => open(`${front}/relay/r`, headers)));
    await together(...clients);
    const units = (await Promise.all(nodes.map((node) => ctl(node.ctl, 'units')))).flat().filter(({ room }) => room === 'r');
    assert.equal(units.filter(({ state }) => state === 'own').length, 1);
    assert.ok(units.some(({ state }) => state === 'other'));
    await Promise.all(clients.map((client) => client.close()));
  });

  it('go on when one cannot reach Redis, and are one when it can again', async () => {
    const clients = await Promise.all(nodes.map((node) => open(`${node.ws}/relay/cut`, direct)));
    await together(...clients);
    const [owner] = await ownersOf(nodes, 'cut');
    const others = nodes.filter((node) => node !== owner);
    const { node: id } = (await ctl(owner.ctl, 'units')).find(({ room }) => room === 'cut');
    const there = owner.lines('cluster.there').length;
    owner.machine.cut(REDIS);
    await owner.logged('cluster.away');
    await together(...clients);
    await eventually(async () => await redis.command('EXISTS', `nk:{nakodo}:n:${id}`) === '0', 'the end of its lease', 30000);
    await together(...clients);
    const newcomer = await open(`${others[0].ws}/relay/cut`, direct); // by a connection that there is, it knows the owner
    await together(...clients, newcomer);
    owner.machine.mend(REDIS);
    await owner.until(() => owner.lines('cluster.there').length > there, 'that it reaches Redis again');
    await together(...clients, newcomer);
    assert.deepEqual(await ownersOf(nodes, 'cut'), [owner]);
    assert.ok(others.every((node) => !node.lines('cluster.away').length));
    await Promise.all([...clients, newcomer].map((client) => client.close()));
  });

  it('see that a participant is away whose node has lost its network', async (t) => {
    const a = await Session.join(nodes[0].ws, 'u', { name: 'a', ...direct });
    const [owner] = await ownersOf(nodes, 'u');
    const carrier = nodes.find((node) => node !== owner);
    const b = await Session.join(carrier.ws, 'u', { name: 'b', ...direct });
    await a.find('peer-joined');
    const began = performance.now();
    carrier.machine.unplug();
    await a.until(() => a.peers.get(b.id)?.away, 'that b is away', 30000);
    const took = performance.now() - began;
    t.diagnostic(`a participant whose node lost its network was away after ${Math.round(took)} ms`);
    assert.ok(took < 16000);
    carrier.machine.plug();
    await a.bye();
    b.ws.terminate();
  });
});

if (isInside) inside();
else {
  describe('on machines of their own', () => {
    it('three nodes behind HAProxy are one, and survive a network that comes apart', { timeout: 220000 }, async (t) => {
      const { status, said } = await runInside(fileURLToPath(import.meta.url));
      for (const [, line] of said.matchAll(/^\W*(a participant whose .*)$/gm)) t.diagnostic(line);
      assert.equal(status, 0, said);
    });
  });
}
