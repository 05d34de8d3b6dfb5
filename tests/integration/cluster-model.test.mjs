// Goal: with three nodes, a network that cuts connections wherever it likes and a Redis that hangs, restarts empty and
// comes back, nothing is lost, doubled or reordered, whichever node each connection is to.
// SEED=n throws the same dice again; CUTS=10000 is the long run, and OUTAGE=60 lets Redis hang for so many seconds first.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Redis, startNodes } from '../lib/cluster.mjs';
import { Room } from '../lib/v1-model.mjs';
import { runModel } from '../lib/v1-run.mjs';

const SEED = Number(process.env.SEED ?? Math.floor(Math.random() * 2 ** 32));
const CUTS = Number(process.env.CUTS ?? 1500);
const SECONDS = process.env.CUTS ? 3600 : 60;
const OUTAGE = Number(process.env.OUTAGE ?? 0); // s

const pause = (ms) => new Promise((done) => setTimeout(done, ms));

/** What happens to Redis while the clients live. */
async function harm(redis, world, random) {
  if (OUTAGE) {
    await pause(2000);
    redis.hang();
    await pause(OUTAGE * 1000);
    redis.goOn();
  }
  while (!world.isOver()) {
    await pause(300 + random.below(1500));
    if (random.chance(0.5)) {
      redis.hang();
      await pause(random.below(6000));
      redis.goOn();
    } else {
      await redis.stop();
      await pause(random.below(3000));
      await redis.start();
    }
  }
}

for (const workers of ['1', '2']) {
  test(`${CUTS} cuts of 16 clients' connections to three nodes of ${workers} workers`, { timeout: (SECONDS + 55) * 1000 }, async (t) => {
    const redis = await Redis.start(t);
    await redis.settle('small');
    const common = ['--workers', workers, '--message-rate', '0', '--byte-rate', '0'];
    const large = await startNodes(t, redis.url, 3, [...common, '--resume-seconds', '30']);
    const small = await startNodes(t, redis.url, 2, [...common, '--resume-seconds', '3', '--resume-messages', '200', '--cluster-name', 'small']);
    const { cuts, resumes, lost } = await runModel(t, {
      seed: SEED,
      cuts: CUTS,
      seconds: SECONDS,
      rooms: [
        [large, 5, new Room('one', { seconds: 30, messages: 1024 })],
        [large, 5, new Room('two', { seconds: 30, messages: 1024 })],
        [small, 6, new Room('three', { seconds: 3, messages: 200 })],
      ],
      meanwhile: (world, random) => harm(redis, world, random),
    });
    assert.ok(cuts >= Math.min(CUTS, 100), `only ${cuts} cuts in ${SECONDS} s`);
    assert.ok(lost > 0 && resumes > cuts / 3, 'this run shows nothing');
  });
}
