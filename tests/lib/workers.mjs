// The processes of a daemon with `workers = N`, and rooms by the worker that has them.
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { open } from './client.mjs';
import { runDaemon, scratch, testDaemon } from './daemon.mjs';
import { eventually } from './prometheus.mjs';

const read = (path) => {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return ''; // it has just ended
  }
};

/** The ids of its processes that speak to clients, by the number of the worker, from 0. */
export function workersOf(daemon) {
  const found = [];
  for (const pid of read(`/proc/${daemon.pid}/task/${daemon.pid}/children`).split(' ').filter(Boolean).map(Number)) {
    const [, command, , , , index] = read(`/proc/${pid}/cmdline`).split('\0');
    if (command === 'worker') found[Number(index)] = pid;
  }
  return found;
}

/** Is there such a process? One that has ended and was not waited for is none. */
export const lives = (pid) => existsSync(`/proc/${pid}`) && !/\) [ZX] /.test(read(`/proc/${pid}/stat`));

/** Wait until none of them is there. */
export const gone = (pids) => eventually(() => !pids.some(lives), `the end of ${pids}`);

/** Kill a worker; resolves to the id of the one that follows it. */
export async function killWorker(daemon, index) {
  const pid = workersOf(daemon)[index];
  process.kill(pid, 'SIGKILL');
  await daemon.logged('worker.ended', `worker=${index + 1}`);
  return eventually(() => workersOf(daemon)[index] !== pid && workersOf(daemon)[index], 'the next worker');
}

/** Ask the daemon's ctl by the command: what `--json` prints, line by line. */
export async function command(path, ...words) {
  const { status, stdout, stderr } = await runDaemon(['ctl', '--socket', path, '--json', ...words]);
  if (status !== 0) throw new Error(stderr);
  return stdout.split('\n').filter(Boolean).map((line) => JSON.parse(line));
}

/** The same by its socket, which takes less time. */
export async function ctl(path, verb, argument) {
  const socket = connect(path);
  const lines = [];
  socket.write(`${JSON.stringify({ verb, argument })}\n`);
  for await (const line of createInterface({ input: socket })) {
    lines.push(JSON.parse(line));
    if ('ok' in lines.at(-1)) break;
  }
  socket.destroy();
  const end = lines.pop();
  if (!end?.ok) throw new Error(JSON.stringify(end));
  return lines;
}

/** Which of `count` workers a peer is at, from 0: each gives numbers of its own. */
export const workerOf = ({ peer }, count) => (peer - 1) % count;

/**
 * The names of `each` rooms of every one of `count` workers: names[worker] is an array.
 *
 * @param {string} place such as ws://127.0.0.1:3000/relay
 * @param {string} path of its socket for ctl
 */
export async function roomsByWorker(place, path, count, each = 1) {
  const names = Array.from({ length: count }, () => []);
  for (let from = 0; names.some((some) => some.length < each); from += 8) {
    const tried = Array.from({ length: 8 }, (_, i) => `room${from + i}`);
    const clients = await Promise.all(tried.map((name) => open(`${place}/${name}`)));
    const listed = await eventually(async () => {
      const peers = (await ctl(path, 'peers')).filter(({ room }) => tried.includes(room));
      return peers.length >= tried.length && peers;
    }, 'the peers of all rooms');
    for (const peer of listed) {
      const some = names[workerOf(peer, count)];
      if (some.length < each && !some.includes(peer.room)) some.push(peer.room);
    }
    await Promise.all(clients.map((client) => client.close()));
  }
  return names;
}

let sockets = 0;

/** A daemon of `count` workers for one test, with plain and TLS listeners and a socket for ctl, `daemon.ctl`. */
export async function several(t, count, args = [], options) {
  const path = join(scratch(), `ctl${++sockets}`);
  const daemon = await testDaemon(t, {
    args: ['--workers', String(count), '--ctl', path, '--max-peers-per-address', '0', '--connect-rate', '0', ...args],
    tls: true,
    ...options,
  });
  return Object.assign(daemon, { ctl: path });
}

/** Each says something that all others hear, and nothing else is heard. */
export async function together(...clients) {
  for (const [i, client] of clients.entries()) {
    client.send(`I am ${i}`);
    for (const other of clients) if (other !== client) assert.equal(await other.next(), `I am ${i}`);
  }
  assert.deepEqual(clients.flatMap((client) => client.rest()), []);
}
