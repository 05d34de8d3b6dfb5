// A daemon that was stopped for a while, by SIGSTOP or because its machine had no time for it, closes
// nobody for a silence that was its own: what has come meanwhile is read first.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import { open } from '../lib/client.mjs';
import { testDaemon } from '../lib/daemon.mjs';
import { Session } from '../lib/v1.mjs';

const STOPPED = 10000; // ms, more than each of the deadlines below
const pause = (ms) => new Promise((done) => setTimeout(done, ms));

test('ten seconds in which it was stopped cost nobody anything', { timeout: 60000 }, async (t) => {
  const daemon = await testDaemon(t, {
    tls: true,
    args: ['--ping-interval', '2', '--ping-timeout', '2', '--resume-seconds', '4'],
  });
  const idle = await Promise.all(Array.from({ length: 20 }, (_, i) => open(`${i % 2 ? daemon.ws : daemon.wss}/relay/idle`)));
  const [away, other] = await Promise.all([0, 1].map(() => Session.join(daemon.ws, 'room')));
  const pinged = await open(`${daemon.ws}/relay/idle`, { autoPong: false });
  const [ping] = await once(pinged.ws, 'ping');
  daemon.halt();
  pinged.ws.pong(ping);
  away.ws.terminate();
  await pause(STOPPED);
  daemon.goOn();
  pinged.ws.on('ping', (data) => pinged.ws.pong(data));
  await other.find('peer-away');
  other.send({ type: 'x', text: 'meanwhile' });
  await pause(1500);
  await away.connect();
  assert.equal(away.first.type, 'resumed');
  await away.find('x');
  const all = [...idle, pinged];
  all[0].send('still here');
  for (const client of all.slice(1)) assert.equal(await client.next(), 'still here');
  const { closed_4408: silent, closed_4508: late } = await daemon.meters();
  assert.deepEqual([silent, late], [0, 0]);
  await Promise.all(all.map((client) => client.close()));
  for (const session of [away, other]) await session.bye();
});

test('one that says nothing afterwards is closed in the end, and one that does not come back has left', { timeout: 60000 }, async (t) => {
  const daemon = await testDaemon(t, { args: ['--ping-interval', '1', '--ping-timeout', '1', '--resume-seconds', '2'] });
  const silent = await open(`${daemon.ws}/relay/room`, { autoPong: false });
  const [away, other] = await Promise.all([0, 1].map(() => Session.join(daemon.ws, 'room')));
  away.ws.terminate();
  await other.find('peer-away');
  daemon.halt();
  await pause(3000);
  daemon.goOn();
  assert.equal((await silent.closed).code, 4408);
  assert.equal((await other.find('peer-left')).reason, 'gone');
  await other.bye();
});
