// Goal: a dropped connection loses, doubles and reorders nothing, whichever way and however often it drops.
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { open, refused } from '../lib/client.mjs';
import { startDaemon, testDaemon } from '../lib/daemon.mjs';
import { frame, open as openRaw, stopwatch, TEXT } from '../lib/raw.mjs';
import { enter, hear, pathOf, random128, Session } from '../lib/v1.mjs';

let daemon;
let rooms = 0;
before(async () => {
  daemon = await startDaemon({ tls: true, args: ['--max-peers-per-address', '0', '--connect-rate', '0', '--message-rate', '0', '--byte-rate', '0'] });
});
after(() => daemon?.stop());

/** Two sessions in a room of their own that know of each other. */
async function couple(base = daemon.ws, options) {
  const room = `room ${++rooms}`;
  const a = await Session.join(base, room, options);
  const b = await Session.join(base, room, options);
  await a.find('peer-joined');
  return [a, b];
}

const leave = (...sessions) => Promise.all(sessions.map((session) => session.bye()));

/** Present a session on a bare socket: the peer, with its first message. */
async function present(room, query, server = daemon) {
  const peer = await openRaw(server, pathOf(room, query));
  peer.first = await hear(peer);
  return peer;
}

describe('resuming', () => {
  for (const scheme of ['ws', 'wss']) {
    it(`brings exactly what was missed, in both directions, over ${scheme}`, async () => {
      const [a, b] = await couple(daemon[scheme]);
      await b.cut();
      assert.deepEqual(await a.next(), { type: 'peer-away', id: b.id });
      for (let i = 0; i < 30; i++) a.send({ type: 'down', i, ...(i % 2 ? { to: b.id } : {}) });
      for (let i = 0; i < 30; i++) b.send({ type: 'up', i }); // kept by the client
      const { id } = b;
      const first = await b.connect();
      assert.deepEqual([first.type, first.id, first.n, first.iceServers], ['resumed', id, 0, []]);
      for (let i = 0; i < 30; i++) assert.deepEqual(await b.next(), { from: a.id, type: 'down', i, ...(i % 2 ? { to: b.id } : {}) });
      assert.deepEqual(await a.next(), { type: 'peer-back', id: b.id });
      for (let i = 0; i < 30; i++) assert.deepEqual(await a.next(), { from: b.id, type: 'up', i });
      await a.silent();
      await b.silent();
      await leave(a, b);
    });
  }

  it('takes a session from the subprotocols, selects none such and logs none', async (t) => {
    const server = await testDaemon(t, { tls: true, args: ['--log-level', 'debug'] });
    const room = 'quiet';
    const { welcome } = await enter(server, room);
    const sessions = [welcome.session];
    for (const base of [server.ws, server.wss]) {
      const session = sessions.at(-1);
      const client = await open(base + pathOf(room, { n: 0 }), { protocols: [`nakodo.session.${session}`, 'nakodo.v1'] });
      const first = JSON.parse(await client.next());
      assert.deepEqual([first.type, first.id, client.subprotocol], ['resumed', welcome.id, 'nakodo.v1']);
      sessions.push(first.session);
    }
    const protocols = ['nakodo.v1', `nakodo.replaces.${sessions.at(-1)}`];
    const [secret] = sessions;
    const both = await open(server.ws + pathOf(room, { replaces: secret }), { protocols });
    const { type, peers, recovered } = JSON.parse(await both.next());
    assert.deepEqual([type, peers, recovered], ['welcome', [], undefined]);
    for (const options of [{ protocols, origin: 'https://elsewhere.example' }, { protocols: [`nakodo.session.${secret}`] }]) {
      const { status, body } = await refused(server.ws + pathOf(room), options);
      assert.ok(status >= 400 && !body.includes(secret) && !body.includes(sessions.at(-1)), body);
    }
    await server.logged('request.refuse', 'code=bad-origin', 'subprotocol=nakodo.v1,nakodo.replaces. ');
    for (const session of sessions) assert.ok(!server.stderr.includes(session), 'a session is in the log');
  });

  it('replays everything after n, byte for byte, directly behind resumed', async () => {
    const [a, b] = await couple();
    const { peer: c, welcome } = await enter(daemon, a.room);
    for (let i = 0; i < 9; i++) a.send(`{ "type":"x","i":${i}.0 }`);
    a.send({ type: 'update', name: 'Anna' });
    await a.taken();
    await b.bye();
    const seen = [];
    while (seen.at(-1)?.type !== 'peer-left') seen.push(await hear(c));
    assert.equal(seen.length, 11);
    for (const n of [0, 0, 4, 10, 11]) {
      const peer = await present(a.room, { session: welcome.session, n });
      assert.equal(peer.first.type, 'resumed');
      for (const message of seen.slice(n)) assert.equal((await hear(peer)).raw, message.raw);
      peer.text('{"type":"ping","t":0}');
      assert.equal(await peer.says(), 'text {"type":"pong","t":0}');
      await peer.wire.reset();
    }
    await a.bye();
  });

  it('counts every data frame but a well-formed ack, ping or bye', async () => {
    const [a] = await couple();
    const { peer, welcome } = await enter(daemon, a.room);
    const numbered = ['{"type":"x"}', 'no json', '[]', '{"type":"welcome"}', '{"type":"x","to":"nobody"}', '{"type":"x","from":"x"}', '{"type":"ack","n":99}', '{"type":"ack"}', '{"type":"ack","n":0,"n":0}', '{"type":"ping","t":1,"t":1}', '{"type":"bye","\\u0074ype":"bye"}', '{"type":"update","name":1}', '{"type":"chat"}', '{"type":"chat","text":"x"}', '{"type":"update","name":"x"}'];
    const unnumbered = ['{"type":"ack","n":0}', '{"type":"ping","t":1}', '{"type":"ack","n":1}', '{"\\u0074ype":"ping","t":"朝"}'];
    for (const text of numbered) await peer.text(text);
    for (const text of unnumbered) await peer.text(text);
    await peer.binary('x');
    await peer.binary('{"type":"ping","t":1}');
    await peer.text('{"type":"ping","t":"last"}');
    while (await peer.says() !== 'text {"type":"pong","t":"last"}');
    const again = await present(a.room, { session: welcome.session, n: 1 });
    assert.deepEqual([again.first.type, again.first.n], ['resumed', numbered.length + 2]);
    again.wire.reset();
    await a.bye();
  });

  it('replays errors too: they are numbered', async () => {
    const [a, b] = await couple();
    const { peer, welcome } = await enter(daemon, a.room);
    for (const text of ['1', '{"type":"x","to":"nobody"}', '{']) await peer.text(text);
    await peer.text('{"type":"ping","t":0}');
    while (await peer.says() !== 'text {"type":"pong","t":0}');
    await peer.wire.reset();
    const again = await present(a.room, { session: welcome.session, n: 0 });
    assert.deepEqual([again.first.type, again.first.n], ['resumed', 3]);
    assert.deepEqual([(await hear(again)).code, (await hear(again)).code, (await hear(again)).code], ['bad-message', 'unknown-peer', 'bad-json']);
    await again.leave();
    await leave(a, b);
  });

  it('works on without end: a hundred times in a row', async () => {
    const [a, b] = await couple();
    for (let i = 0; i < 100; i++) {
      b.send({ type: 'up', i });
      if (i % 2) await b.cut(); // with it or without it on its way
      a.send({ type: 'down', i });
      if (i % 3) await a.taken();
      assert.equal((await b.connect()).type, 'resumed');
      assert.deepEqual(await b.find('down'), { from: a.id, type: 'down', i });
      assert.deepEqual(await a.find('up'), { from: b.id, type: 'up', i });
    }
    await leave(a, b);
  });

  it('does not need the name, and does not change it', async () => {
    const [a] = await couple();
    const b = await Session.join(daemon.ws, a.room, { name: 'B' });
    await b.cut();
    delete b.name;
    await b.connect();
    const c = await Session.join(daemon.ws, a.room);
    assert.equal(c.peers.get(b.id).name, 'B');
    await leave(a, b, c);
  });

  it('keeps the order of arrival, and with it who owns which pair', async () => {
    const [a] = await couple();
    await a.cut();
    const c = await Session.join(daemon.ws, a.room);
    assert.deepEqual([c.peers.get(a.id).owner, c.peers.get(a.id).away], [true, true]);
    await a.connect();
    assert.deepEqual(await a.find('peer-joined'), { type: 'peer-joined', peer: { id: c.id, owner: false } });
    await c.cut();
    await c.connect();
    const d = await Session.join(daemon.ws, a.room);
    assert.ok(d.first.peers.every((peer) => peer.owner && !peer.away));
    assert.equal((await a.find('peer-joined')).peer.owner, false);
    assert.equal((await c.find('peer-joined')).peer.owner, false);
    await leave(c, d, a);
  });

  it('tells of everybody who came or went meanwhile, once, and not of those who came and went', async () => {
    const [a, b] = await couple();
    await b.cut();
    const c = await Session.join(daemon.ws, a.room);
    await a.bye();
    await c.bye();
    const d = await Session.join(daemon.ws, a.room);
    await b.connect();
    const told = [await b.next(), await b.next()];
    assert.deepEqual(told.map(({ type, id, peer }) => [type, id ?? peer.id]), [['peer-left', a.id], ['peer-joined', d.id]]);
    await b.silent();
    await leave(b, d);
  });
});

describe('taking over', () => {
  it('closes the connection that was there with 4409, and the others notice nothing', async () => {
    const [a, b] = await couple();
    const { closed } = b;
    assert.equal((await b.connect()).type, 'resumed');
    assert.equal((await closed).code, 4409);
    a.send({ type: 'x' });
    assert.deepEqual(await b.next(), { from: a.id, type: 'x' });
    await a.silent();
    await leave(a, b);
  });

  it('discards what the old connection still delivers: half a frame and dozens of whole ones', async (t) => {
    const slow = await testDaemon(t, { tls: true, args: ['--message-rate', '20'] });
    for (const secure of [false, true]) {
      const a = await Session.join(slow.ws, `r${secure}`);
      const { peer, welcome } = await enter(slow, a.room, {}, { secure });
      await a.find('peer-joined');
      const text = (i) => `{"type":"x","i":${i}}`;
      const count = 140; // of them 80 at once
      const whole = Array.from({ length: count }, (_, i) => frame(TEXT, text(i)));
      await peer.wire.write(Buffer.concat([...whole, frame(TEXT, text(count)).subarray(0, 9)]));
      assert.equal((await a.next()).i, 0);
      const next = await present(a.room, { session: welcome.session, n: 0 }, slow);
      let end;
      do end = await peer.says(); while (/^text \{"type":"ack",/.test(end));
      assert.match(end, /^close 4409 /);
      assert.ok(next.first.n >= 1 && next.first.n <= 90, `resumed.n is ${next.first.n}`);
      for (let i = next.first.n; i <= count; i++) await next.text(text(i));
      for (let i = 1; i <= count; i++) assert.deepEqual(await a.next(), { from: welcome.id, type: 'x', i });
      await a.silent();
      next.wire.reset();
      await a.bye();
    }
  });

  it('counts no message twice or not at all when both connections are ready to be read at once', async () => {
    for (let round = 0; round < 10; round++) {
      const a = await Session.join(daemon.ws, `both ${round}`);
      const { peer, welcome } = await enter(daemon, a.room);
      await a.find('peer-joined');
      const text = (i) => `{"type":"x","i":${i}}`;
      daemon.halt();
      const all = Buffer.concat([...Array.from({ length: 50 }, (_, i) => frame(TEXT, text(i))), frame(TEXT, text(50)).subarray(0, 5 + round)]);
      let waiting;
      if (round % 2) waiting = present(a.room, { session: welcome.session, n: 0 });
      await peer.wire.write(all);
      waiting ??= present(a.room, { session: welcome.session, n: 0 });
      await new Promise((done) => setTimeout(done, 20)); // for the kernel to take the connection; nothing tells us
      daemon.goOn();
      const next = await waiting;
      for (let i = next.first.n; i <= 50; i++) await next.text(text(i));
      for (let i = 0; i <= 50; i++) assert.deepEqual(await a.next(), { from: welcome.id, type: 'x', i });
      await a.silent();
      next.wire.reset();
      await a.bye();
    }
  });

  it('by two at once leaves one of them, with everything', async () => {
    for (let round = 0; round < 20; round++) {
      const [a, b] = await couple(daemon.ws, { acks: false });
      if (round % 2) await b.cut();
      const { session, received: n } = b;
      for (let i = 0; i < 5; i++) a.send({ type: 'x', i });
      await a.taken();
      const two = await Promise.all([present(b.room, { session, n }), present(b.room, { session, n })]);
      for (const peer of two) assert.equal(peer.first.type, 'resumed');
      const winner = two[1 - await firstClosed(two)];
      for (let i = 0; i < 5; i++) assert.deepEqual(await hear(winner), { from: a.id, type: 'x', i });
      await winner.text('{"type":"y"}');
      assert.deepEqual(await a.find('y'), { from: b.id, type: 'y' });
      await winner.leave();
      assert.deepEqual(await a.find('peer-left'), { type: 'peer-left', id: b.id, reason: 'bye' });
      await a.silent();
      await a.bye();
    }
  });

  /** The index of the one that is closed with 4409. */
  async function firstClosed(peers) {
    return Promise.any(peers.map(async (peer, i) => {
      await peer.wire.until(() => peer.frames.some(({ opcode }) => opcode === 8), 'a close frame');
      assert.equal(peer.frames.find(({ opcode }) => opcode === 8).payload.readUInt16BE(), 4409);
      peer.wire.socket.destroy();
      return i;
    }));
  }
});

describe('the tokens', () => {
  it('survive any number of lost replies', async () => {
    const [a, b] = await couple();
    for (let i = 0; i < 30; i++) {
      const lost = await openRaw(daemon, pathOf(b.room, { session: b.session, n: b.received }));
      if (i % 2) await lost.next();
      await lost.wire.reset(); // with or without the reply, which is the same to the server
    }
    a.send({ type: 'x' });
    await a.taken();
    assert.equal((await b.connect()).type, 'resumed');
    assert.equal((await b.find('x')).from, a.id);
    await leave(a, b);
  });

  it('survive replies that are lost by turns with replies that come', async () => {
    const [a, b] = await couple(daemon.ws, { nonce: null });
    for (let i = 0; i < 10; i++) {
      const lost = await present(b.room, { session: b.session, n: b.received }); // comes, but nothing is said on it
      await lost.wire.reset();
      const again = await present(b.room, { session: b.session, n: b.received });
      await again.wire.reset();
      b.session = (i % 2 ? again : lost).first.session; // the older one is not good any more
      const first = await b.connect();
      if (i % 2) assert.equal(first.type, 'resumed');
      else assert.equal(first.recovered, false);
    }
    await leave(a, b);
  });

  it('the old one dies when the new one has been shown, or acked on its connection', async () => {
    for (const how of ['shown', 'acked']) {
      const [a, b] = await couple();
      const old = b.session;
      const lone = await present(b.room, { session: old, n: 0 });
      let current = lone;
      if (how === 'shown') current = await present(b.room, { session: lone.first.session, n: 0 });
      else await lone.text('{"type":"ack","n":0}');
      await current.text('{"type":"ping","t":0}');
      assert.equal(await current.says(), 'text {"type":"pong","t":0}');
      const late = await present(b.room, { session: old, n: 0 });
      assert.equal(late.first.recovered, false);
      assert.ok(late.first.peers.some(({ id, away }) => id === b.id && !away), 'the session itself is not touched');
      await current.text('{"type":"still here"}');
      assert.equal((await a.find('still here')).from, b.id);
      for (const { wire } of [late, current]) wire.reset();
      await a.bye();
    }
  });

  it('that are wrong in any way resume nothing and harm nobody', async () => {
    const [a, b] = await couple();
    const { session } = b;
    const flipped = (session[5] === 'A' ? 'B' : 'A');
    for (const wrong of [session.slice(0, -1), `${session}A`, session.slice(0, 5) + flipped + session.slice(6), '', ' ', 'x'.repeat(500), '%', b.id]) {
      const peer = await present(b.room, { session: wrong, n: 0 });
      assert.deepEqual([peer.first.type, wrong && peer.first.recovered], ['welcome', wrong && false], wrong);
      await peer.leave();
    }
    b.send({ type: 'x' });
    assert.equal((await a.find('x')).from, b.id);
    await leave(a, b);
  });

  it('cannot be guessed at leisure: wrong ones are limited for each address', async (t) => {
    const own = await testDaemon(t, { args: ['--connect-rate', '0', '--log-level', 'warn'] });
    const [a, b] = [await Session.join(own.ws, 'r'), await Session.join(own.ws, 'r')];
    const guess = async () => {
      const peer = await openRaw(own, pathOf('guess', { session: random128(), n: 0 }));
      const said = await peer.says();
      peer.wire.reset();
      return said;
    };
    const answers = [];
    while (answers.length < 1500) answers.push(...await Promise.all(Array.from({ length: 50 }, guess)));
    assert.ok(answers.slice(0, 50).some((said) => said.includes('"recovered":false'))); // of those at once any may be first
    assert.equal(answers.at(-1), 'close 4429 too many wrong sessions');
    await b.cut(); // who has a right one, or shows none, is not concerned
    assert.equal((await b.connect()).type, 'resumed');
    const c = await Session.join(own.ws, 'r');
    await leave(a, b, c);
  });
});

describe('rate', () => {
  it('what is resent costs its bytes, as everything that is sent does', async (t) => {
    const daemon = await testDaemon(t, { args: ['--byte-rate', '262144'] });
    const [a, b] = [await Session.join(daemon.ws, 'r'), await Session.join(daemon.ws, 'r')];
    await b.cut();
    for (let i = 0; i < 30; i++) b.send({ type: 'x', i, x: 'x'.repeat(60000) });
    await b.connect();
    for (let i = 0; i < 30; i++) assert.equal((await a.find('x')).i, i);
    assert.ok((await daemon.meters()).held > 0);
    await leave(a, b);
  });

  it('what is resent costs none of message-rate for who kept to that', async (t) => {
    const slow = await testDaemon(t, { args: ['--message-rate', '20'] });
    const [a, b] = [await Session.join(slow.ws, 'r'), await Session.join(slow.ws, 'r')];
    await b.taken(); // one that has never acknowledged is kept for 10 s only
    await b.cut();
    for (let i = 0; i < 200; i++) {
      b.send({ type: 'x', i });
      await sleep(50); // it sends at its rate
    }
    await b.connect();
    for (let i = 0; i < 200; i++) assert.equal((await a.find('x')).i, i);
    assert.equal((await slow.meters()).held, 0, '200 are more than a burst');
    await leave(a, b);
  });
});
