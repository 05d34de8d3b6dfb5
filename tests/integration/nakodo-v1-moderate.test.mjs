// Goal: a room of nakodo.v1 can be locked, so that nobody new comes in and nobody who was inside is shut out; and a
// moderator can remove somebody.
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { scratch, startDaemon, testDaemon } from '../lib/daemon.mjs';
import { ask } from '../lib/http.mjs';
import { Key } from '../lib/tokens.mjs';
import { pathOf, refusal, Session } from '../lib/v1.mjs';

const lock = (session, locked = true) => session.send({ type: 'lock', locked });
const isLocked = async (daemon, room) => JSON.parse((await ask(daemon, `/v1/${room}/peers`)).text).locked;
const lockedOut = { code: 'room-locked', close: 4403 };

describe('a locked room', () => {
  let daemon;
  before(async () => { daemon = await startDaemon(); });
  after(() => daemon.stop());

  it('lets nobody in until somebody opens it, and all who are inside hear it', async () => {
    const a = await Session.join(daemon.ws, 'r');
    const b = await Session.join(daemon.ws, 'r');
    assert.equal(b.first.locked, false);
    lock(b);
    assert.deepEqual(await a.find('lock'), { type: 'lock', locked: true, by: b.id });
    assert.deepEqual(await b.find('lock'), { type: 'lock', locked: true, by: b.id });
    assert.equal(await isLocked(daemon, 'r'), true);
    assert.deepEqual(await refusal(daemon.ws, '/v1/r?name=C'), lockedOut);
    assert.equal((await daemon.meters()).locked_out, 1);
    lock(a, false);
    assert.equal((await b.find('lock')).by, a.id);
    const c = await Session.join(daemon.ws, 'r');
    for (const one of [a, b, c]) await one.bye();
  });

  it('lets those back in who were inside, and tells them how it is now', async () => {
    const a = await Session.join(daemon.ws, 's');
    const b = await Session.join(daemon.ws, 's');
    await b.cut();
    await a.find('peer-away');
    lock(a);
    await a.taken();
    const { type, locked, can } = await b.connect();
    assert.deepEqual([type, locked, can], ['resumed', true, ['lock']]);
    await b.cut();
    const reloaded = await Session.join(daemon.ws, 's', { replaces: b.session });
    assert.equal(reloaded.first.locked, true);
    assert.deepEqual(await refusal(daemon.ws, pathOf('s', { replaces: 'A'.repeat(22) })), lockedOut);
    await a.bye();
    assert.equal(await isLocked(daemon, 's'), true);
    await reloaded.bye();
    assert.equal(await isLocked(daemon, 's'), false);
    await (await Session.join(daemon.ws, 's')).bye();
  });

  it('is one after a restart, too', async (t) => {
    const args = ['--state-dir', scratch()];
    const first = await startDaemon({ args });
    const a = await Session.join(first.ws, 'r');
    await lock(a).taken();
    await first.stop();
    const second = await testDaemon(t, { args });
    a.base = second.ws;
    assert.deepEqual(await refusal(second.ws, '/v1/r'), lockedOut);
    assert.equal((await a.connect()).locked, true);
    await a.bye();
  });

  it('is not locked by a name: nobody is kicked where no tokens are asked for', async () => {
    const a = await Session.join(daemon.ws, 't');
    const b = await Session.join(daemon.ws, 't');
    a.send({ type: 'kick', to: b.id });
    assert.equal((await a.find('error')).code, 'forbidden');
    await b.silent();
    await a.bye();
    await b.bye();
  });
});

describe('where tokens are asked for', () => {
  const key = new Key(scratch());
  const can = ['send', 'receive', 'moderate'];
  const join = (claims) => Session.join(daemon.ws, 'r', { token: () => key.token({ room: 'r', ...claims }) });
  let daemon;
  before(async () => { daemon = await startDaemon({ args: ['--auth', 'token', '--auth-key', key.option] }); });
  after(() => daemon.stop());

  it('only who may moderate locks and kicks, and comes in in spite of a lock', async () => {
    const host = await join({ can });
    const guest = await join();
    assert.deepEqual([host.first.can, guest.first.can], [['lock', 'kick'], []]);
    for (const message of [{ type: 'lock', locked: true }, { type: 'kick', to: host.id }]) {
      guest.send(message);
      assert.equal((await guest.find('error')).code, 'forbidden');
    }
    assert.equal((await daemon.meters()).moderation_refused, 2);
    lock(host);
    await guest.find('lock');
    const { code } = await join().catch((error) => error);
    assert.equal(code, 4403);
    for (const one of [await join({ can }), guest, host]) await one.bye();
  });

  it('who is kicked is told so, closed and has left; its session is over', async () => {
    const host = await join({ can });
    const guest = await join();
    const other = await join();
    host.send({ type: 'kick', to: guest.id });
    assert.equal((await guest.find('error')).code, 'kicked');
    assert.deepEqual(await guest.closed, { code: 4403, reason: 'kicked' });
    for (const one of [host, other]) assert.deepEqual(await one.find('peer-left'), { type: 'peer-left', id: guest.id, reason: 'kicked' });
    lock(host);
    await host.find('lock');
    assert.equal((await guest.connect().catch((error) => error)).code, 4403);
    assert.equal((await daemon.meters()).kicked, 1);
    await other.bye();
    await host.bye();
  });
});
