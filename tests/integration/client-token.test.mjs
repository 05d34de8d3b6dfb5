// Goal: the JavaScript client shows a token whenever the server asks for one, and says it when none is good.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { scratch, startDaemon, testDaemon } from '../lib/daemon.mjs';
import { Key, now } from '../lib/tokens.mjs';
import { connect, events, next } from './client.mjs';

const key = new Key(scratch(), 'EdDSA');
const args = ['--auth', 'token', '--auth-key', key.publicOption];
const made = (claims) => key.token({ room: 'r*', ...claims });
let daemon;

before(async () => { daemon = await startDaemon({ args }); });
after(() => daemon.stop());

/** A client that is closed after the test. */
function clientOf(t, options, url = daemon.ws) {
  const client = connect(url, options);
  t.after(() => client.close());
  return client;
}

test('the function is asked at each connect, and in time before the token expires', async (t) => {
  let times = 0;
  const exp = now() + 2;
  const client = clientOf(t, { token: async () => { times += 1; return made({ sub: 'hana', exp: times > 1 ? now() + 60 : exp }); } });
  const room = await client.join('r');
  const ken = await clientOf(t, {}).join('r', { token: made() });
  assert.equal([...ken.peers.values()][0].user, 'hana');
  const states = events(room, 'state');
  const left = await next(client, 'trace', ({ type, raw }) => type === 'token' && raw.includes('seconds'));
  assert.ok(left.t < exp * 1000);
  assert.equal(times, 2);
  room.dropSignaling();
  await next(room, 'state', ({ state }) => state === 'open');
  assert.equal(times, 3);
  assert.deepEqual(states.map(({ fresh }) => fresh), [undefined, undefined]);
  await ken.chat('still here');
});

test('who was closed with 4401 goes on where it was, with a fresh token', async (t) => {
  let times = 0;
  const token = () => { // no second one in time
    times += 1;
    if (times === 2) throw new Error('not now');
    return made({ exp: now() + (times > 2 ? 60 : 2) });
  };
  const room = await clientOf(t, { token }).join('r');
  const { id } = room.self;
  await next(room, 'state', ({ state }) => state === 'reconnecting');
  const { fresh } = await next(room, 'state', ({ state }) => state === 'open');
  assert.deepEqual([fresh, room.self.id], [undefined, id]);
});

test('a token that cannot be renewed ends the room with `unauthorized`', async (t) => {
  const room = await clientOf(t, { token: made({ exp: now() + 1 }) }).join('r');
  // Within the 30 s by which clocks may differ it is taken again; after them it is not.
  const late = await clientOf(t, { token: made({ exp: now() - 28 }) }).join('r');
  const { error } = await next(late, 'state', ({ state }) => state === 'closed');
  assert.deepEqual([error.code, error.closeCode], ['unauthorized', 4401]);
  assert.match(error.message, /expired/);
  await room.leave();
});

test('a join without a good token is refused with a code and a sentence', async (t) => {
  const own = new Error('no account');
  for (const [token, wanted] of [
    [undefined, { code: 'unauthorized' }], ['x', { code: 'unauthorized', message: /no signed token/ }], [made({ room: 'q' }), { code: 'forbidden' }],
    [() => '', { code: 'unauthorized' }], [async () => { throw own; }, own], [() => { throw own; }, own],
  ]) {
    await assert.rejects(clientOf(t, { token }).join('r'), wanted);
  }
});

test('who was inside asks for a token again if it could not be had', async (t) => {
  let times = 0;
  const room = await clientOf(t, { token: async () => { times += 1; if (times === 2) throw new Error('offline'); return made(); } }).join('r');
  room.dropSignaling();
  await next(room, 'state', ({ state }) => state === 'open');
  assert.equal(times, 3);
});

test('a server that asks for no token is shown none', async (t) => {
  const open = await testDaemon(t);
  const room = await clientOf(t, { token: () => assert.fail('asked') }, open.ws).join('r');
  await room.leave();
});
