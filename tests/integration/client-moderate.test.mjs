// Goal: with the JavaScript client a room is locked and opened, and a moderator removes somebody.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { scratch, startDaemon, testDaemon } from '../lib/daemon.mjs';
import { Key } from '../lib/tokens.mjs';
import { connect, events, next } from './client.mjs';

const key = new Key(scratch(), 'EdDSA');
const moderator = key.token({ room: 'r*', can: ['send', 'receive', 'moderate'] });
const guest = key.token({ room: 'r*' });
let daemon;

before(async () => { daemon = await startDaemon({ args: ['--auth', 'token', '--auth-key', key.publicOption] }); });
after(() => daemon.stop());

/** A room that is left after the test. */
async function enter(t, name, token, url = daemon.ws) {
  const client = connect(url, { token });
  t.after(() => client.close());
  return client.join(name);
}

test('all hear of a lock, nobody new comes in, and who comes back is told how it is', async (t) => {
  const { ws } = await testDaemon(t);
  const [a, b] = [await enter(t, 'x', undefined, ws), await enter(t, 'x', undefined, ws)];
  assert.deepEqual([a.locked, a.can], [false, ['lock']]);
  const heard = next(b, 'lock');
  await a.lock(true);
  assert.deepEqual(await heard, { locked: true, by: a.self.id });
  assert.deepEqual([a.locked, b.locked], [true, true]);
  await assert.rejects(enter(t, 'x', undefined, ws), { code: 'room-locked', closeCode: 4403, message: 'This room is locked.' });

  const locks = events(b, 'lock');
  const back = next(b, 'state', ({ state }) => state === 'open');
  b.dropSignaling();
  await a.lock(false); // which b may not hear
  await back;
  assert.deepEqual([b.locked, locks.length, locks[0].locked], [false, 1, false]);
  await a.chat('numbers are still in step');
  await enter(t, 'x', undefined, ws);
});

test('a moderator locks and removes; who is removed is told so, and does not come back', async (t) => {
  const [host, one, two] = [await enter(t, 'r', moderator), await enter(t, 'r', guest), await enter(t, 'r', guest)];
  assert.deepEqual([host.can, one.can], [['lock', 'kick'], []]);
  await host.lock(true);
  await assert.rejects(enter(t, 'r', guest), { code: 'room-locked' });
  await enter(t, 'r', moderator);
  const ended = next(one, 'state', ({ state }) => state === 'closed');
  const left = next(two, 'leave');
  await host.kick(host.peers.get(one.self.id));
  const { error } = await ended;
  assert.deepEqual([error.code, error.closeCode], ['kicked', 4403]);
  assert.equal((await left).reason, 'kicked');
});

test('what one may not, and what is called wrongly, is said', async (t) => {
  const [host, one] = [await enter(t, 'r2', moderator), await enter(t, 'r2', guest)];
  await assert.rejects(one.lock(true), { code: 'forbidden' });
  await assert.rejects(one.kick(one.peers.get(host.self.id)), { code: 'forbidden' });
  await assert.rejects(host.kick({ id: 'nobody' }), { code: 'unknown-peer' });
  assert.throws(() => host.lock(), TypeError);
  assert.throws(() => host.kick(one.self.id), TypeError);
  assert.deepEqual([host.locked, host.peers.size], [false, 1]);
});
