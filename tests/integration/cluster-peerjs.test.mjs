// Goal: however many want an id of PeerJS at once, at whichever nodes, and while nodes end and come back, one has it.
// SEED=n throws the same dice again.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { open } from '../lib/client.mjs';
import { kill, Redis, startNode } from '../lib/cluster.mjs';
import { scratch } from '../lib/daemon.mjs';
import { dice } from '../lib/v1-model.mjs';

const SEED = Number(process.env.SEED ?? Math.floor(Math.random() * 2 ** 32));
const IDS = 100;
const TAKERS = 3000; // a thousand are through before a node has come back
const AT_ONCE = 50;

const pause = (ms) => new Promise((done) => setTimeout(done, ms));

test(`${TAKERS} takers of ${IDS} ids at three nodes`, { timeout: 200000 }, async (t) => {
  const random = dice(SEED);
  const redis = await Redis.start(t);
  const states = Array.from({ length: 3 }, () => ['--state-dir', scratch(), '--drain-seconds', '0', '--log-level', 'info']);
  const nodes = await Promise.all(states.map((state) => startNode(t, redis.url, state)));
  const holders = new Map(); // from an id to who has it
  const count = { had: 0, taken: 0, away: 0 };
  let over = false;

  /** One wants an id: it has it for a while, or is told that somebody has it, or finds no node. */
  async function take(i) {
    const id = `id${random.below(IDS)}`;
    let client, said;
    try {
      client = await open(`${random.pick(nodes).ws}/peerjs?key=peerjs&id=${id}&token=t${i}`);
      said = JSON.parse(await client.next()).type;
    } catch {
      count.away++;
      return;
    }
    if (said === 'ID-TAKEN') {
      count.taken++;
      await client.closed;
      return;
    }
    assert.equal(said, 'OPEN');
    const other = holders.get(id);
    // Who has ended knows it when it is told: somebody may have the id before.
    if (other && !other.leaves) other.disputed = true;
    if (other && !other.leaves) await Promise.race([other.closed, pause(5000).then(() => assert.fail(`SEED=${SEED}: two have ${id}`))]);
    const mine = holders.get(id);
    assert.ok(mine === other || mine === undefined, `SEED=${SEED}: two were given ${id}`);
    holders.set(id, client);
    client.closed.then(() => holders.get(id) === client && holders.delete(id));
    count.had++;
    await pause(random.below(300));
    if (client.disputed) await client.closed; // it stays while another looks whether it is gone
    client.leaves = true;
    await client.close();
  }

  /** A node ends, in one way or the other, and comes back. */
  async function trouble() {
    while (!over) {
      await pause(1000);
      const i = random.below(nodes.length);
      const node = nodes[i];
      if (random.chance(0.5)) {
        await kill(node);
      } else {
        node.child.kill('SIGTERM');
        await node.endedWell();
      }
      nodes[i] = await startNode(t, redis.url, states[i]);
    }
  }

  const troubled = trouble();
  let next = 0;
  await Promise.all(Array.from({ length: AT_ONCE }, async () => {
    while (next < TAKERS) await take(next++);
  }));
  over = true;
  await troubled;
  t.diagnostic(`SEED=${SEED}: ${count.had} had an id, ${count.taken} were told that it is taken, ${count.away} found no node`);
  assert.ok(count.had > TAKERS / 10 && count.taken > 10, 'this run shows nothing');
});
