// Goal: on a network that cuts connections wherever it likes, nothing is lost, doubled or reordered.
// SEED=n throws the same dice again; CUTS=10000 is the long run.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { testDaemon } from '../lib/daemon.mjs';
import { Room } from '../lib/v1-model.mjs';
import { runModel } from '../lib/v1-run.mjs';

const SEED = Number(process.env.SEED ?? Math.floor(Math.random() * 2 ** 32));
const CUTS = Number(process.env.CUTS ?? 500);
const SECONDS = process.env.CUTS ? 3600 : 60;

test(`${CUTS} cuts of 16 clients' connections`, { timeout: (SECONDS + 55) * 1000 }, async (t) => {
  const common = ['--max-peers-per-address', '0', '--connect-rate', '0', '--message-rate', '0', '--byte-rate', '0', '--log-level', 'warn'];
  const large = await testDaemon(t, { tls: true, args: [...common, '--resume-seconds', '30'] });
  const small = await testDaemon(t, { tls: true, args: [...common, '--resume-seconds', '3', '--resume-messages', '200'] });
  const { cuts, resumes, lost } = await runModel(t, {
    seed: SEED,
    cuts: CUTS,
    seconds: SECONDS,
    rooms: [
      [[large], 5, new Room('one', { seconds: 30, messages: 1024 })],
      [[large], 5, new Room('two', { seconds: 30, messages: 1024 })],
      [[small], 6, new Room('three', { seconds: 3, messages: 200 })],
    ],
  });
  assert.ok(cuts >= Math.min(CUTS, 100), `only ${cuts} cuts in ${SECONDS} s`);
  assert.ok(lost > 0 && resumes > cuts / 3, 'this run shows nothing');
});
