// Goal: a list that an administrator asks several workers for is whole, however long it is, or ends with an error.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import { createInterface } from 'node:readline';
import { describe, it } from 'node:test';
import { open } from '../lib/client.mjs';
import { eventually } from '../lib/prometheus.mjs';
import { ctl, killWorker, several, workerOf } from '../lib/workers.mjs';

const CLIENTS = 20;
const TOPICS = 90; // of each client; a mount of y-webrtc is served by one worker
const MOUNTS = Array.from({ length: 12 }, (_, i) => `/y${i}=y-webrtc`);

/** Long lists at one worker of two. */
async function listed(t, worker) {
  const daemon = await several(t, 2, ['--byte-rate', '0', ...MOUNTS.flatMap((mount) => ['--mount', mount])]);
  const subscribe = (client, topics) => client.send(JSON.stringify({ type: 'subscribe', topics }));
  for (const mount of MOUNTS) {
    const path = mount.slice(0, mount.indexOf('='));
    const first = await open(`${daemon.ws}${path}`);
    subscribe(first, ['where']);
    const [peer] = await eventually(async () => {
      const found = (await ctl(daemon.ctl, 'peers')).filter(({ room }) => room === 'where');
      return found.length && found;
    }, 'the first peer');
    await first.close();
    if (workerOf(peer, 2) !== worker) continue;
    const topics = Array.from({ length: TOPICS }, (_, i) => `${'\u0001'.repeat(108)}${i}`);
    for (let i = 0; i < CLIENTS; i++) subscribe(await open(`${daemon.ws}${path}`), topics);
    const rows = await eventually(async () => {
      const all = await ctl(daemon.ctl, 'peers');
      return all.length === CLIENTS * TOPICS && all;
    }, 'all peers');
    return { daemon, rows, topics };
  }
  throw new Error('no mount is at that worker');
}

describe('nakodo ctl peers', { concurrency: true }, () => {
  it('is whole where the rows of two peers are more than a record of the channel takes', async (t) => {
    const { rows, topics } = await listed(t, 0);
    assert.deepEqual([...new Set(rows.map(({ room }) => room))].sort(), topics.sort());
  });

  it('ends with an error if its last worker dies between two pieces, and others are answered as before', async (t) => {
    const { daemon, rows } = await listed(t, 1);
    const socket = connect(daemon.ctl);
    socket.write(`${JSON.stringify({ verb: 'peers' })}\n`);
    await once(socket, 'readable'); // and nothing is read: the rest waits in the daemon
    await killWorker(daemon, 1);
    const lines = [];
    for await (const line of createInterface({ input: socket })) if ('ok' in (lines[lines.length] = JSON.parse(line))) break;
    assert.deepEqual(lines.pop(), { ok: false, error: 'a worker has just ended: try again' });
    assert.ok(lines.length < rows.length, `${lines.length} of ${rows.length}`);
    assert.deepEqual(await eventually(async () => {
      const left = await ctl(daemon.ctl, 'peers').catch(() => undefined);
      return left?.length === 0 && left;
    }, 'an answer'), []);
  });
});
