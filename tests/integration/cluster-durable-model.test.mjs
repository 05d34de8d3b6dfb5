// Goal: with nodes that are killed at random, and a network that cuts connections wherever it likes, nothing that
// anybody says is lost, doubled or reordered, and nobody is somebody new: what a client has seen is recorded.
// SEED=n throws the same dice again; CLIENTS=300 MESSAGES=100000 is the long run. STILL=1 SECONDS=80: in place of being
// killed nodes stand still for longer than a lease, whole or their first process alone, and go on.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { kill, Redis, startNode } from '../lib/cluster.mjs';
import { scratch } from '../lib/daemon.mjs';
import { Room } from '../lib/v1-model.mjs';
import { runModel } from '../lib/v1-run.mjs';
import { killWorker, workersOf } from '../lib/workers.mjs';

const SEED = Number(process.env.SEED ?? Math.floor(Math.random() * 2 ** 32));
const CLIENTS = Number(process.env.CLIENTS ?? 18);
const MESSAGES = Number(process.env.MESSAGES ?? Infinity);
const SECONDS = Number(process.env.SECONDS ?? (process.env.MESSAGES ? 3600 : 40));
const OF_ROOM = 6;
const STILL = process.env.STILL ? 16500 : 0; // ms, more than a lease

const pause = (ms) => new Promise((done) => setTimeout(done, ms));

test(`${CLIENTS} clients of three nodes that are killed`, { timeout: (SECONDS + 120) * 1000 }, async (t) => {
  const redis = await Redis.start(t);
  const args = () => ['--workers', '2', '--message-rate', '0', '--byte-rate', '0', '--resume-seconds', '30', '--resume-messages', '4096', '--state-dir', scratch()];
  const options = [args(), args(), args()];
  const nodes = await Promise.all(options.map((own) => startNode(t, redis.url, own)));
  const kills = { node: 0, worker: 0 };

  async function standStill(node, isWhole) {
    const pids = isWhole ? [node.pid, ...workersOf(node)] : [node.pid];
    for (const pid of pids) process.kill(pid, 'SIGSTOP');
    await pause(STILL);
    for (const pid of pids) process.kill(pid, 'SIGCONT');
  }

  /** A node, or one of its workers, is killed, and comes back. */
  async function harm(world, random) {
    while (!world.isOver()) {
      await pause(300 + random.below(2500));
      const i = random.below(nodes.length);
      const node = nodes[i];
      const worker = random.below(2);
      if (STILL) {
        await standStill(node, random.chance(0.5));
        kills.node++;
      } else if (random.chance(0.4) && workersOf(node)[worker]) {
        await killWorker(node, worker);
        kills.worker++;
      } else {
        await kill(node);
        nodes[i] = await startNode(t, redis.url, options[i]);
        kills.node++;
      }
    }
  }

  const rooms = Array.from({ length: Math.ceil(CLIENTS / OF_ROOM) },
    (_, i) => [nodes, Math.min(OF_ROOM, CLIENTS - i * OF_ROOM), new Room(`r${i}`, { seconds: 30, messages: 4096 }, true)]);
  const { resumes, lost } = await runModel(t, { seed: SEED, cuts: Infinity, messages: MESSAGES, seconds: SECONDS, rooms, meanwhile: harm });
  t.diagnostic(`${kills.node} nodes and ${kills.worker} workers were killed${STILL && ', or stood still'}`);
  assert.ok(kills.node + kills.worker > 2 && resumes > CLIENTS, 'this run shows nothing');
  assert.ok(lost < resumes / 100, `${lost} of ${resumes} were not recovered`); // and each of these rightly, as the model knows
});
