// What Linux says about a running daemon: how busy it is, and how many descriptors it has.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';

const NS = 1e9;
const SPINS = 0.5; // of the time; one that spins wants all of it, and an idle one waits for its turn on a busy machine

/** Of a daemon all processes; of `{ pid }` that one. */
const processes = (daemon) => daemon.processes?.() ?? [daemon.pid];

/** How many files and sockets it has open. */
export function descriptors(daemon) {
  return processes(daemon).reduce((sum, pid) => sum + readdirSync(`/proc/${pid}/fd`).length, 0);
}

/** Let it, with workers their first process, open so many files more, and no others; with a hard limit, it may get more again. */
export function limitDescriptors(daemon, more, hard) {
  const used = new Set(readdirSync(`/proc/${daemon.pid}/fd`).map(Number));
  let limit = 0;
  for (let free = 0; free < more; limit++) free += used.has(limit) ? 0 : 1;
  execFileSync('prlimit', [`--nofile=${limit}${hard ? `:${hard}` : ''}`, '--pid', String(daemon.pid)]);
}

/** Wait until it has no more than so many open. They end at their own deadlines; nothing tells us. */
export async function settles(daemon, most, patience = 15000) {
  const deadline = Date.now() + patience;
  while (descriptors(daemon) > most) {
    assert.ok(Date.now() < deadline, `${descriptors(daemon) - most} descriptors are left over`);
    await new Promise((done) => setTimeout(done, 50));
  }
}

/** Seconds in which it ran or wanted to: a process that spins wants to all the time, on a busy machine too. */
function wanted(pid) {
  const [ran, waited] = readFileSync(`/proc/${pid}/schedstat`, 'utf8').split(' ').map(Number);
  return (ran + waited) / NS;
}

/** It has nothing to do and does nothing, at least in the better of a few seconds. */
export async function isIdle(daemon) {
  let least = Infinity;
  for (let i = 0; i < 4 && least >= SPINS; i++) {
    const before = processes(daemon).map((pid) => [pid, wanted(pid)]);
    await new Promise((done) => setTimeout(done, 1000)); // the length of the measurement
    least = Math.min(least, Math.max(...before.map(([pid, seconds]) => wanted(pid) - seconds)));
  }
  assert.ok(least < SPINS, `the daemon wants ${least} s of processor time in an idle second`);
}
