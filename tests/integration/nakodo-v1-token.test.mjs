// Goal: in nakodo.v1 a token may come in a message, is asked for and shown again before it expires, and says
// who somebody is.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { open } from '../lib/client.mjs';
import { scratch, startDaemon, testDaemon } from '../lib/daemon.mjs';
import { Key, now } from '../lib/tokens.mjs';
import { Session } from '../lib/v1.mjs';

const key = new Key(scratch(), 'EdDSA');
const args = ['--auth', 'token', '--auth-key', key.publicOption];
const say = (client, message) => client.send(JSON.stringify(message));
const hear = async (client) => JSON.parse(await client.next());
const join = (room, claims, more) => Session.join(daemon.ws, room, { token: () => key.token({ room: 'r*', ...claims }), ...more });
let daemon;

before(async () => { daemon = await startDaemon({ args }); });
after(() => daemon.stop());

/** A guest that has been asked. */
async function guest(room = 'r') {
  const client = await open(`${daemon.ws}/v1/${room}?name=guest`);
  assert.deepEqual(await hear(client), { type: 'token' });
  return client;
}

test('who shows none in the URL is asked for one, however long it is, and comes in', async () => {
  const a = await join('r', { sub: 'anna', more: 'x'.repeat(2000) }, { name: 'Anna' });
  const b = await guest();
  say(b, { type: 'token', token: key.token({ room: 'r' }) });
  const { type, peers } = await hear(b);
  assert.equal(type, 'welcome');
  assert.deepEqual(peers, [{ id: a.id, name: 'Anna', user: 'anna', owner: true }]);
  await b.close();
  await a.bye();
});

test('a room is full for whom its token leaves no place, as it is when that one joins', async () => {
  const full = async (max) => (await (await fetch(`http://127.0.0.1:${daemon.port}/v1/r-two/peers?token=${key.token({ room: 'r-two', max })}`)).json()).full;
  const a = await join('r-two', { max: 2 });
  assert.deepEqual([await full(1), await full(2), await full()], [true, false, false]);
  const b = await join('r-two', { max: 2 });
  assert.deepEqual([await full(1), await full(2), await full(3)], [true, true, false]);
  await a.bye();
  await b.bye();
});

test('who is inside is told to nobody without a token', async () => {
  const ask = async (token) => (await fetch(`http://127.0.0.1:${daemon.port}/v1/r/peers`, { headers: token ? { authorization: `Bearer ${token}` } : {} })).status;
  assert.deepEqual([await ask(), await ask(key.token({ room: 'q' })), await ask(key.token({ room: 'r' }))], [401, 403, 200]);
});

test('a guest whose token is bad is told why and closed with 4401, or 4403 if it is for another room', async () => {
  for (const [token, code, close, why] of [
    [key.token({ room: 'r', exp: 1 }), 'unauthorized', 4401, /expired/],
    ['x', 'unauthorized', 4401, /no signed token/],
    ['x'.repeat(5000), 'unauthorized', 4401, /too long/],
    [5, 'unauthorized', 4401, /is needed/],
    [undefined, 'unauthorized', 4401, /is needed/],
    [key.token({ room: 'q' }), 'forbidden', 4403, /room/],
  ]) {
    const client = await guest();
    say(client, { type: 'token', token });
    const answer = await hear(client);
    assert.deepEqual([answer.type, answer.code], ['error', code]);
    assert.match(answer.message, why);
    assert.deepEqual(await client.closed, { code: close, reason: code });
  }
});

test('a guest says nothing else, is in no room, and waits for ten seconds at most', async () => {
  const late = (await guest()).closed;
  const a = await join('r');
  for (const message of ['{"type":"chat","text":"hi"}', '{"type":"bye"}', 'x', '']) {
    const client = await guest();
    client.send(message);
    assert.equal((await hear(client)).code, 'unauthorized');
    await client.closed;
  }
  await (await guest()).close();
  await a.silent();
  await a.bye();
  assert.deepEqual(await late, { code: 4401, reason: 'no token has come' });
});

test('a token that is shown in time keeps the connection beyond the first one', async () => {
  let times = 0;
  const exp = now() + 2;
  const fresh = { exp: now() + 60, can: ['send', 'receive', 'moderate'] };
  const a = await join('r', {}, { token: () => key.token({ room: 'r', sub: 'a', exp, ...(times++ ? fresh : {}) }) });
  assert.deepEqual(a.first.can, []);
  const { type, seconds, locked, can } = await a.find('token');
  assert.deepEqual([locked, can], [false, ['lock', 'kick']]);
  assert.ok(type === 'token' && seconds > 50 && seconds <= 60, `${seconds}`);
  assert.ok(Date.now() < exp * 1000);
  const other = await join('r', { exp });
  assert.equal((await other.closed).code, 4401);
  assert.equal(times, 2);
  await a.find('peer-away');
  await a.bye();
});

test('who shows the same token again is asked in time all the same, and who answers with it is not asked again', async () => {
  const exp = now() + 4;
  const token = key.token({ room: 'r', sub: 'a', exp });
  const client = await guest();
  const show = async () => {
    say(client, { type: 'token', token });
    return hear(client);
  };
  assert.equal((await show()).type, 'welcome');
  for (let i = 0; i < 2; i++) assert.ok((await show()).seconds > 2);
  assert.deepEqual(await hear(client), { type: 'token' });
  assert.ok(Date.now() < exp * 1000);
  for (let i = 0; i < 2; i++) assert.ok((await show()).seconds <= 1);
  assert.equal((await client.closed).code, 4401);
  assert.deepEqual(client.rest(), []);
});

test('one that is bad, of somebody else or for another room is refused, and the old one stays', async () => {
  const exp = now() + 4;
  const good = key.token({ room: ['r', 's'], sub: 'a', exp });
  const client = await guest();
  say(client, { type: 'token', token: good });
  await hear(client);
  for (const [claims, code] of [[{ sub: 'b' }, 'forbidden'], [{}, 'forbidden'], [{ room: 's', sub: 'a' }, 'forbidden'], [{ sub: 'a', exp: 1 }, 'unauthorized']]) {
    say(client, { type: 'token', token: key.token({ room: 'r', ...claims }) });
    const answer = await hear(client);
    assert.deepEqual([answer.type, answer.code, answer.n], ['error', code, undefined]);
  }
  say(client, { type: 'token', token: good });
  const { seconds } = await hear(client);
  assert.ok(seconds <= 4);
  assert.equal((await client.closed).code, 4401);
});

test('a session whose token expired goes on with a fresh one of the same person, and of nobody else', async () => {
  const claims = { sub: 'a', exp: now() + 1 };
  const a = await join('r', claims);
  const b = await join('r', { sub: 'b' });
  await a.closed;
  claims.exp = now() + 60;
  assert.equal((await a.connect()).type, 'resumed');
  a.ws.terminate();
  await a.closed;
  claims.sub = 'c';
  assert.equal((await a.connect()).recovered, false);
  await b.bye();
  await a.bye();
});

test('the name of a token is the name, whatever its bearer says', async () => {
  const a = await join('r', { name: 'Dr. A/B' }).catch((error) => error);
  assert.equal(a.code, 4400);
  const b = await join('r', { name: 'Bea' }, { name: 'Zoe' });
  const c = await join('r');
  assert.equal(c.peers.get(b.id).name, 'Bea');
  b.send({ type: 'update', name: 'Zoe' });
  assert.equal((await b.find('error')).code, 'forbidden');
  b.send({ type: 'update', meta: { x: 1 } });
  assert.deepEqual((await c.find('peer-updated')).peer, { id: b.id, name: 'Bea', meta: { x: 1 } });
  await b.bye();
  await c.bye();
});

test('a token keeps its room smaller than room-peers', async () => {
  const a = await join('r-few', { max: 2 });
  assert.equal(a.first.limits.peers, 2);
  const b = await join('r-few', { max: 2 });
  const third = await join('r-few', { max: 2 }).catch((error) => error);
  assert.equal(third.code, 4413);
  b.ws.terminate();
  await a.find('peer-away');
  await a.bye();
});

test('where no token is asked for one is no message', async (t) => {
  const own = await testDaemon(t);
  const a = await Session.join(own.ws, 'r');
  a.send({ type: 'token', token: 'x' });
  assert.equal((await a.find('error')).code, 'bad-message');
  await a.bye();
});
