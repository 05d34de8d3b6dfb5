// Goal: a participant leaves when it says so or when its time is over, and each of the others hears it once.
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { openMany } from '../lib/client.mjs';
import { alone, startDaemon, testDaemon } from '../lib/daemon.mjs';
import { frame, noise, open as openRaw, stopwatch, TEXT, within } from '../lib/raw.mjs';
import { enter, hear, pathOf, random128, Session } from '../lib/v1.mjs';

const leave = (...sessions) => Promise.all(sessions.map((session) => session.bye()));

/** Resume on a bare socket; the first message. */
async function present(daemon, room, query) {
  const peer = await openRaw(daemon, pathOf(room, query));
  const first = await hear(peer);
  return { peer, first };
}

describe('a connection that ends', { concurrency: true }, () => {
  let patient; // 30 s
  let brief; // 3 s
  before(async () => {
    patient = await startDaemon({ args: ['--max-peers-per-address', '0', '--connect-rate', '0'] });
    brief = await startDaemon({ args: ['--max-peers-per-address', '0', '--connect-rate', '0', '--resume-seconds', '3'] });
  });
  after(async () => {
    await patient?.stop();
    await brief?.stop();
  });

  async function couple(daemon, room) {
    const a = await Session.join(daemon.ws, room);
    const b = await Session.join(daemon.ws, room);
    await a.find('peer-joined');
    return [a, b];
  }

  it('after bye, or with 1000, has left at once', async () => {
    for (const how of ['bye', 'close']) {
      const [a, b] = await couple(patient, how);
      const clock = stopwatch();
      await (how === 'bye' ? b.bye() : b.close(1000));
      assert.deepEqual(await a.next(), { type: 'peer-left', id: b.id, reason: 'bye' });
      assert.ok(clock() < 1.5, `${clock()} s`);
      const first = await b.connect();
      assert.deepEqual([first.type, first.recovered], ['welcome', false]);
      assert.equal((await a.next()).type, 'peer-joined');
      await a.silent();
      await leave(a, b);
    }
  });

  it('with bye is read no further', async () => {
    const a = await Session.join(patient.ws, 'further');
    const { peer, welcome } = await enter(patient, 'further');
    await a.find('peer-joined');
    await peer.wire.write(Buffer.concat(['x', 'bye', 'y', 'bye'].map((type) => frame(TEXT, `{"type":"${type}"}`))));
    assert.deepEqual(await a.next(), { from: welcome.id, type: 'x' });
    assert.deepEqual(await a.next(), { type: 'peer-left', id: welcome.id, reason: 'bye' });
    assert.equal((await peer.closed()).code, 1000);
    await a.silent();
    await a.bye();
  });

  it('with 1001 leaves after 5 s, not resume-seconds', async () => {
    const [a, b] = await couple(patient, '1001');
    const clock = stopwatch();
    await b.close(1001);
    assert.deepEqual(await a.next(), { type: 'peer-away', id: b.id });
    assert.deepEqual(await a.next(), { type: 'peer-left', id: b.id, reason: 'gone' });
    assert.ok(clock() > 4.8 && clock() < 9, `${clock()} s`);
    assert.equal((await b.connect()).recovered, false);
    await leave(a, b);
  });

  it('with 1001 can be resumed within these 5 s', async () => {
    const [a, b] = await couple(patient, '1001 and back');
    await b.close(1001);
    await a.find('peer-away');
    assert.equal((await b.connect()).type, 'resumed');
    assert.deepEqual(await a.next(), { type: 'peer-back', id: b.id });
    await leave(a, b);
  });

  for (const [what, end] of [
    ['without a close frame, by a reset', (b) => b.cut()],
    ['without a close frame, in order', (b) => { b.ws._socket.end(); return b.closed; }],
    ['with a close frame without a code', (b) => b.close()],
    ['with a code of the page, such as 4000', (b) => b.close(4000)],
    ['with 3000', (b) => b.close(3000)],
    ['with 1002', (b) => b.close(1002)],
    ['with 1011', (b) => b.close(1011)],
    ['with 1012', (b) => b.close(1012)],
  ]) {
    it(`${what} is waited for, and has gone after resume-seconds`, async () => {
      const [a, b] = await couple(brief, what);
      const clock = stopwatch();
      await end(b);
      assert.deepEqual(await a.next(), { type: 'peer-away', id: b.id });
      assert.equal((await b.connect()).type, 'resumed');
      assert.deepEqual(await a.next(), { type: 'peer-back', id: b.id });
      assert.ok(clock() < 3, 'the test is too slow to tell');
      await end(b);
      assert.deepEqual(await a.next(), { type: 'peer-away', id: b.id });
      const again = stopwatch();
      assert.deepEqual(await a.next(), { type: 'peer-left', id: b.id, reason: 'gone' });
      assert.ok(again() > 2.8 && again() < 9, `${again()} s`);
      const first = await b.connect();
      assert.deepEqual([first.type, first.recovered], ['welcome', false]);
      await leave(a, b);
    });
  }

  it('is told to newcomers as away', async () => {
    const [a, b] = await couple(patient, 'newcomers');
    await b.cut();
    await a.find('peer-away');
    const c = await Session.join(patient.ws, 'newcomers');
    assert.deepEqual(c.first.peers, [{ id: a.id, owner: true }, { id: b.id, away: true, owner: true }]);
    await b.connect();
    assert.deepEqual(await c.next(), { type: 'peer-back', id: b.id });
    await leave(a, b, c);
  });

  it('gets what is said to it while it is away', async () => {
    const [a, b] = await couple(patient, 'said');
    await b.cut();
    await a.find('peer-away');
    a.send({ type: 'offer', to: b.id });
    await a.silent(); // no unknown-peer
    await b.connect();
    assert.deepEqual(await b.next(), { from: a.id, type: 'offer', to: b.id });
    await leave(a, b);
  });

  it('empties its room only when its time is over, and what comes then is a new room', async () => {
    const [a, b] = await couple(brief, 'emptied');
    a.send({ type: 'chat', text: 'x' });
    await b.find('chat');
    await Promise.all([a.cut(), b.cut()]);
    const c = await Session.join(brief.ws, 'emptied');
    assert.equal(c.first.history.length, 1);
    assert.equal(c.first.peers.length, 2);
    await c.find('peer-left');
    await c.find('peer-left');
    await c.bye();
    const first = await a.connect();
    assert.deepEqual([first.recovered, first.peers, first.history], [false, [], []]);
    await b.connect();
    assert.deepEqual(b.first.peers.map(({ id }) => id), [a.id]);
    await leave(a, b);
  });

  it('leaves everything for the one who comes back to a room that the other has left', async () => {
    const [a, b] = await couple(patient, 'alone');
    await b.cut();
    a.send({ type: 'x' });
    await a.bye();
    assert.equal((await b.connect()).type, 'resumed');
    assert.equal((await b.next()).type, 'x');
    assert.deepEqual(await b.next(), { type: 'peer-left', id: a.id, reason: 'bye' });
    await b.silent();
    await b.bye();
  });
});

describe('a session that cannot be resumed', () => {
  let daemon;
  before(async () => {
    daemon = await startDaemon({ args: ['--max-peers-per-address', '0', '--connect-rate', '0', '--message-rate', '0', '--byte-rate', '0', '--resume-messages', '16'] });
  });
  after(() => daemon?.stop());

  /** The old participant has left, and the new one has come, in this order and once. */
  async function exchanged(a, old, now) {
    assert.deepEqual(await a.find('peer-left'), { type: 'peer-left', id: old, reason: 'gone' });
    assert.deepEqual(await a.next(), { type: 'peer-joined', peer: { id: now.id, owner: false } });
    assert.deepEqual([now.type, now.recovered], ['welcome', false]);
    assert.deepEqual(now.peers.map(({ id }) => id), [a.id]);
    await a.silent();
  }

  it('because n is missing, no number, or beyond what was sent', async () => {
    for (const n of [undefined, '', 'x', '-1', '1.5', '1', '18446744073709551616', '18446744073709551615']) {
      for (const attached of [true, false]) {
        const a = await Session.join(daemon.ws, 'n');
        const { peer, welcome } = await enter(daemon, 'n');
        if (!attached) await peer.wire.reset();
        const { peer: next, first } = await present(daemon, 'n', { session: welcome.session, n });
        await exchanged(a, welcome.id, first);
        if (attached) assert.equal((await peer.closed()).code, 4409);
        await next.leave();
        await a.bye();
      }
    }
  });

  it('because the room is another', alone, async () => { // which another worker may have: then the old one leaves by resume-seconds
    const a = await Session.join(daemon.ws, 'one');
    const b = await Session.join(daemon.ws, 'one');
    const { id, closed } = b;
    const first = await b.connect({ room: 'other' });
    assert.deepEqual([first.recovered, first.room, first.peers], [false, 'other', []]);
    assert.equal((await closed).code, 4409);
    assert.deepEqual(await a.find('peer-left'), { type: 'peer-left', id, reason: 'gone' });
    await leave(a, b);
  });

  it('because too much was missed while it was attached: it stays, but n must be recent enough', async () => {
    const a = await Session.join(daemon.ws, 'attached');
    const { peer, welcome } = await enter(daemon, 'attached');
    await a.find('peer-joined');
    for (let i = 1; i <= 40; i++) a.send({ type: 'x', i });
    for (let i = 1; i <= 40; i++) assert.equal((await hear(peer)).i, i);
    await a.silent(); // nobody has left
    const { peer: again, first } = await present(daemon, 'attached', { session: welcome.session, n: 24 });
    assert.equal(first.type, 'resumed');
    for (let i = 25; i <= 40; i++) assert.equal((await hear(again)).i, i);
    const { peer: late, first: fresh } = await present(daemon, 'attached', { session: first.session, n: 23 });
    await exchanged(a, welcome.id, fresh);
    await late.leave();
    await a.bye();
  });

  it('but not because too much was said while it was away: who says it is told', async () => {
    const a = await Session.join(daemon.ws, 'away');
    const b = await Session.join(daemon.ws, 'away');
    await a.find('peer-joined');
    await b.taken();
    await b.cut();
    await a.find('peer-away');
    for (let i = 1; i <= 17; i++) a.send({ type: 'x', i });
    for (let i = 6; i <= 17; i++) {
      const { code, to } = await a.next();
      assert.deepEqual([code, to], ['peer-busy', b.id]);
    }
    await a.silent();
    assert.equal((await b.connect()).type, 'resumed');
    for (let i = 1; i <= 5; i++) assert.equal((await b.next()).i, i); // a third of resume-messages
    await b.silent();
    await leave(a, b);
  });

  it('nor because too many bytes were', async (t) => {
    const small = await testDaemon(t, { args: ['--send-queue', '64KiB', '--resume-bytes', '256KiB', '--message-rate', '0', '--byte-rate', '0'] });
    const a = await Session.join(small.ws, 'bytes');
    const b = await Session.join(small.ws, 'bytes');
    await a.find('peer-joined');
    await b.taken();
    await b.cut();
    await a.find('peer-away');
    const x = 'x'.repeat(28000);
    for (let i = 0; i < 9; i++) a.send({ type: 'x', i, x });
    for (let i = 3; i < 9; i++) assert.equal((await a.next()).code, 'peer-busy');
    await b.connect();
    for (let i = 0; i < 3; i++) assert.equal((await b.next()).i, i); // more than send-queue, which does not count here
    await b.silent();
    await leave(a, b);
  });
});

describe('a first welcome that was lost', () => {
  let daemon;
  before(async () => {
    daemon = await startDaemon({ args: ['--max-peers-per-address', '0', '--connect-rate', '0'] });
  });
  after(() => daemon?.stop());

  it('leaves no ghost: the same nonce gets the same seat', async () => {
    const a = await Session.join(daemon.ws, 'lost');
    const nonce = random128();
    const { peer, welcome } = await enter(daemon, 'lost', { nonce });
    await peer.wire.reset();
    await a.find('peer-away');
    const again = await enter(daemon, 'lost', { nonce });
    assert.deepEqual([again.welcome.id, again.welcome.peers], [welcome.id, welcome.peers]);
    assert.ok(!('recovered' in again.welcome));
    assert.deepEqual(await a.next(), { type: 'peer-back', id: welcome.id });
    await a.silent();
    const late = await Session.join(daemon.ws, 'lost');
    assert.equal(late.first.peers.length, 2);
    again.peer.wire.reset();
    await leave(a, late);
  });

  it('and is not noticed if the first connection seems to live', async () => {
    const a = await Session.join(daemon.ws, 'lives');
    const nonce = random128();
    const first = await enter(daemon, 'lives', { nonce });
    assert.equal((await a.next()).peer.id, first.welcome.id);
    const b = await Session.join(daemon.ws, 'lives', { nonce });
    assert.equal(b.id, first.welcome.id);
    assert.equal((await first.peer.closed()).code, 4409);
    await a.silent();
    await leave(a, b);
  });

  it('keeps what was said to the seat meanwhile, and is told only once who came', async () => {
    const a = await Session.join(daemon.ws, 'meanwhile');
    const nonce = random128();
    const { peer, welcome } = await enter(daemon, 'meanwhile', { nonce });
    await peer.wire.reset();
    await a.find('peer-away');
    a.send({ type: 'offer', to: welcome.id });
    const c = await Session.join(daemon.ws, 'meanwhile');
    c.send({ type: 'hello' });
    await c.taken();
    const b = await Session.join(daemon.ws, 'meanwhile', { nonce }); // it throws if somebody is told of twice
    assert.equal(b.id, welcome.id);
    assert.deepEqual([...b.peers.keys()].sort(), [a.id, c.id].sort());
    const said = [await b.find('offer'), await b.find('hello')];
    assert.deepEqual(said, [{ from: a.id, type: 'offer', to: b.id }, { from: c.id, type: 'hello' }]);
    await b.silent();
    b.send({ type: 'y' });
    assert.equal((await a.find('y')).from, b.id);
    await b.cut();
    assert.equal((await b.connect()).type, 'resumed');
    await leave(a, b, c);
  });

  it('and a try that arrives after a later one takes neither the seat away nor another', async () => {
    const nonce = random128();
    const watcher = await Session.join(daemon.ws, 'late');
    const { peer: first, welcome } = await enter(daemon, 'late', { nonce, try: 1 });
    await watcher.find('peer-joined');
    await first.wire.reset();
    await watcher.find('peer-away');
    const query = { nonce, session: welcome.session, n: 0 };
    const { peer, first: resumed } = await present(daemon, 'late', { ...query, try: 4 });
    assert.equal(resumed.type, 'resumed');
    await watcher.find('peer-back');
    for (const late of [
      { ...query, try: 3 }, // with a session that is good until `resumed` is acknowledged
      { ...query, session: random128(), try: 3 },
      { nonce, replaces: random128(), try: 2 },
      { nonce, try: 1 },
    ]) {
      const { code, reason } = await (await openRaw(daemon, pathOf('late', late))).closed();
      assert.deepEqual([code, reason], [4409, 'a later try is in the room']);
    }
    await watcher.silent();
    const again = await present(daemon, 'late', { ...query, try: 4 });
    assert.equal(again.first.type, 'resumed');
    assert.equal((await peer.closed()).code, 4409);
    const elsewhere = await present(daemon, 'late', { ...query, nonce: random128(), try: 1 });
    assert.equal(elsewhere.first.type, 'resumed', 'of another visit, which has taken the session over');
    await elsewhere.peer.leave();
    await watcher.bye();
  });

  it('and who has read its nonce is somebody new, and keeps nobody out', async () => {
    const nonce = random128();
    const a = await Session.join(daemon.ws, 'read', { nonce });
    await a.taken();
    const { peer, welcome } = await enter(daemon, 'read', { nonce, try: 999999999 });
    assert.notEqual(welcome.id, a.id);
    await a.cut();
    assert.equal((await a.connect()).type, 'resumed');
    await a.bye();
    await peer.wire.reset();
  });

  it('and who comes without its session while it is away is somebody new', async () => {
    const nonce = random128();
    const watcher = await Session.join(daemon.ws, 'anew');
    const a = await Session.join(daemon.ws, 'anew', { nonce });
    await watcher.find('peer-joined');
    await a.taken();
    await a.cut();
    await watcher.find('peer-away');
    const b = await Session.join(daemon.ws, 'anew', { nonce });
    assert.notEqual(b.id, a.id);
    assert.equal((await watcher.find('peer-joined')).peer.id, b.id);
    assert.equal((await a.connect()).type, 'resumed');
    await leave(a, b, watcher);
  });

  it('any number of times', async () => {
    const a = await Session.join(daemon.ws, 'often');
    const nonce = random128();
    for (let i = 0; i < 30; i++) {
      const lost = await openRaw(daemon, pathOf('often', { nonce }));
      if (i % 2) await lost.next();
      await lost.wire.reset();
    }
    const b = await Session.join(daemon.ws, 'often', { nonce });
    assert.equal(b.first.peers.length, 1);
    await a.find('peer-joined');
    await b.bye();
    await a.find('peer-left'); // `a` throws if it hears anything twice
    await a.silent();
    await a.bye();
  });
});

describe('a reloaded page', () => {
  let daemon;
  before(async () => {
    daemon = await startDaemon({ args: ['--max-peers-per-address', '0', '--connect-rate', '0', '--room-peers', '3'] });
  });
  after(() => daemon?.stop());

  for (const [what, end] of [['still seems to live', () => {}], ['has closed with 1001', (b) => b.close(1001)], ['is lost', (b) => b.cut()]]) {
    it(`replaces the old participant, whose connection ${what}`, async () => {
      const room = `replaces ${what}`;
      const [a, b, c] = [await Session.join(daemon.ws, room), await Session.join(daemon.ws, room, { name: 'B' }), await Session.join(daemon.ws, room)];
      const { closed } = b;
      await end(b);
      const now = await Session.join(daemon.ws, room, { name: 'B', replaces: b.session }); // the room is full
      assert.notEqual(now.id, b.id);
      assert.deepEqual(now.first.peers.map(({ id }) => id), [a.id, c.id]);
      assert.ok(!('recovered' in now.first));
      for (const other of [a, c]) {
        assert.deepEqual(await other.find('peer-left'), { type: 'peer-left', id: b.id, reason: 'gone' });
        assert.deepEqual(await other.next(), { type: 'peer-joined', peer: { id: now.id, name: 'B', owner: false } });
        await other.silent();
      }
      if (what === 'still seems to live') assert.equal((await closed).code, 4409);
      await leave(a, c, now);
    });
  }

  it('replaces nobody with a session that is unknown', async () => {
    const a = await Session.join(daemon.ws, 'unknown');
    const b = await Session.join(daemon.ws, 'unknown', { replaces: random128() });
    assert.equal(b.first.peers.length, 1);
    await a.find('peer-joined');
    await a.silent();
    await leave(a, b);
  });

  it('racing a resume of the same session leaves one of the two, whichever comes first', async () => {
    for (let round = 0; round < 20; round++) {
      const room = `race ${round}`;
      const a = await Session.join(daemon.ws, room);
      const old = await enter(daemon, room);
      const before = old.welcome.id;
      const by = { resume: { session: old.welcome.session, n: 0 }, replace: { replaces: old.welcome.session } };
      const order = round % 2 ? ['resume', 'replace'] : ['replace', 'resume'];
      const came = await Promise.all(order.map((how) => present(daemon, room, by[how])));
      const [resume, replace] = round % 2 ? came : came.reverse();
      assert.equal(replace.first.type, 'welcome');
      if (resume.first.type === 'resumed') assert.equal((await resume.peer.closed()).code, 4409);
      else assert.equal(resume.first.recovered, false); // the new one was there first
      const there = resume.first.type === 'resumed' ? [replace.first.id] : [resume.first.id, replace.first.id];
      await a.until(() => [...a.peers.keys()].sort().join() === there.sort().join(), 'the right ones are there');
      assert.ok(!a.peers.has(before));
      for (const { peer } of came) peer.wire.reset();
      old.peer.wire.reset();
      await a.bye();
    }
  });
});

describe('a server that closes', { concurrency: true }, () => {
  it('an idle connection with 4408 keeps its session', async (t) => {
    const daemon = await testDaemon(t, { args: ['--ping-interval', '1', '--ping-timeout', '1'] });
    const a = await Session.join(daemon.ws, 'r');
    const { peer, welcome } = await enter(daemon, 'r', {}, { answerPings: false });
    await a.find('peer-joined');
    assert.equal(await hearClose(peer), 4408);
    assert.deepEqual(await a.next(), { type: 'peer-away', id: welcome.id });
    const { peer: again, first } = await present(daemon, 'r', { session: welcome.session, n: 0 });
    assert.equal(first.type, 'resumed');
    await again.leave();
    await a.bye();
  });

  it('a slow reader with 4508 keeps its session and loses nothing', async (t) => {
    const daemon = await testDaemon(t, { args: ['--message-rate', '0', '--byte-rate', '0', '--send-queue', '64KiB', '--resume-bytes', '64MiB'] });
    const a = await Session.join(daemon.ws, 'r');
    const { peer, welcome } = await enter(daemon, 'r');
    await a.find('peer-joined');
    peer.wire.socket.pause();
    let sent = 0;
    while (!a.peers.get(welcome.id).away) {
      a.send({ type: 'x', i: sent++, x: noise(sent, 30000).toString('base64') });
      await a.until(() => a.pending < 8);
      assert.ok(sent < 1000, '40 MB wait for a peer that reads nothing');
    }
    await a.until(() => a.pending === 0);
    const { peer: again, first } = await present(daemon, 'r', { session: welcome.session, n: 0 });
    assert.equal(first.type, 'resumed');
    for (let i = 0; i < sent; i++) assert.equal((await hear(again)).i, i);
    peer.wire.socket.destroy();
    await again.leave();
    await a.bye();
  });

  it('because it stops says closing, when to come back, and 1001', async (t) => {
    const daemon = await testDaemon(t, { args: ['--max-peers-per-address', '0', '--connect-rate', '0', '--drain-seconds', '1'] });
    const all = [];
    for (let i = 0; i < 40; i++) all.push(await Session.join(daemon.ws, `r${i % 4}`));
    const others = await openMany(`${daemon.ws}/relay`, 2);
    daemon.child.kill('SIGTERM');
    const said = await Promise.all(all.map((session) => session.find('closing')));
    for (const { reason, retryAfter } of said) assert.ok(reason && retryAfter >= 0 && retryAfter <= 60, `${reason} ${retryAfter}`);
    assert.ok(new Set(said.map(({ retryAfter }) => retryAfter)).size > 3, 'all shall come back at the same time');
    const ends = await Promise.all(all.map((session) => within(session.closed, 'the end')));
    assert.deepEqual([...new Set(ends.map(({ code }) => code))], [1001]);
    for (const { closed } of others) assert.equal((await closed).code, 1001);
    await daemon.endedWell();
  });

  /** The code of the close frame; what comes before it is passed over. */
  async function hearClose(peer) {
    for (;;) {
      const { opcode, payload } = await peer.next('a close frame');
      if (opcode !== 8) continue;
      peer.wire.socket.destroy();
      return payload.readUInt16BE();
    }
  }
});
