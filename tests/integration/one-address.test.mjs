// What one address may have, however it goes about it: connections, connects, messages, a place in the queue; and its
// network eight times as much.
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { open, openMany, refused } from '../lib/client.mjs';
import { alone, root, runDaemon, scratch, startDaemon, testDaemon } from '../lib/daemon.mjs';
import { ask, dial, request, rest } from '../lib/http.mjs';
import { handshake, open as openRaw, stopwatch, TEXT, frame } from '../lib/raw.mjs';
import { Key } from '../lib/tokens.mjs';
import { enter, hear, pathOf, Session } from '../lib/v1.mjs';

/** Connect, send all at once, say good-bye, again and again: how many messages came through in `seconds`. */
async function loop(daemon, seconds, burst) {
  const listener = await openRaw(daemon, '/relay');
  const bytes = Buffer.concat(Array.from({ length: burst }, () => frame(TEXT, 'x')));
  const clock = stopwatch();
  while (clock() < seconds) {
    const peer = await openRaw(daemon, '/relay');
    await peer.wire.write(bytes);
    await peer.text('last');
    await listener.wire.until(() => listener.frames.some(({ payload }) => String(payload) === 'last') || clock() > seconds, 'the last message');
    peer.wire.reset();
    await peer.wire.ended;
    listener.seen = (listener.seen ?? 0) + listener.frames.splice(0).length;
  }
  listener.wire.reset();
  return { messages: listener.seen, seconds: clock() };
}

describe('what an address may send', () => {
  it('is bounded by how many connections it has, and not by how often they are made anew', async (t) => {
    const daemon = await testDaemon(t, { args: ['--message-rate', '50', '--connect-rate', '0'] });
    const { messages, seconds } = await loop(daemon, 4, 150);
    // One at a time, or two while the old one is not gone yet: a burst each, and the rate.
    const fair = 2 * (200 + 50 * seconds);
    assert.ok(messages <= fair, `${messages} messages in ${seconds} s, of ${fair}`);
  });

  it('is bounded as well for who says good-bye at once behind what it sends', async (t) => {
    const daemon = await testDaemon(t, { args: ['--message-rate', '50', '--connect-rate', '0'] });
    const colleague = await openRaw(daemon, '/echo', { from: '127.0.0.2' });
    const listener = await openRaw(daemon, '/relay');
    const bytes = Buffer.concat([...Array.from({ length: 65 }, () => frame(TEXT, 'x')), frame(8, '')]);
    const clock = stopwatch();
    let refusals = 0;
    while (clock() < 4) {
      const wire = await dial({ port: daemon.port, localAddress: '127.0.0.2' });
      wire.write(handshake('/relay'));
      const { status, body } = await wire.response();
      if (status === 101) {
        await wire.write(bytes);
        await wire.ended;
      } else {
        assert.deepEqual([status, JSON.parse(body).code], [429, 'too-fast']);
        if (!refusals++) await listener.wire.until(() => listener.frames.length, 'a message');
        wire.reset();
      }
    }
    // Two are there at once, three if one is not gone yet: 8 s of the rate each, what goes beyond that, and the rate.
    const fair = 3 * (400 + 50 * clock()) + 65;
    assert.ok(refusals && listener.frames.length <= fair, `${listener.frames.length} messages in ${clock()} s, of ${fair}; ${refusals} refusals`);
    await daemon.logged('request.refuse', 'code=too-fast', 'option=message-rate');
    await colleague.text('x'); // and who is there is served
    assert.equal(await colleague.says(), 'text x');
  });

  it('is bounded as well for who makes sessions and resumes them', async (t) => {
    const daemon = await testDaemon(t, { args: ['--message-rate', '50', '--connect-rate', '0'] });
    const listener = await openRaw(daemon, pathOf('r'));
    const bytes = Buffer.concat(Array.from({ length: 1000 }, () => frame(TEXT, '{"type":"x"}')));
    const clock = stopwatch();
    let refusals = 0;
    while (clock() < 4) {
      try {
        const { peer: first, welcome } = await enter(daemon, 'r', {}, { from: '127.0.0.2' });
        const { peer } = await enter(daemon, 'r', { session: welcome.session, n: 0 }, { from: '127.0.0.2' });
        await peer.wire.write(bytes);
        await sleep(10); // for what is read at once
        for (const { wire } of [first, peer]) wire.reset();
      } catch {
        refusals++;
      }
    }
    const messages = listener.frames.filter(({ payload }) => String(payload).includes('"type":"x"')).length;
    // Two are there at once, three if one is not gone yet: 8 s of the rate each, what goes beyond that, and the rate.
    const fair = 3 * (400 + 50 * clock()) + 200;
    assert.ok(messages && messages <= fair, `${messages} messages in ${clock()} s, of ${fair}; ${refusals} refusals`);
    listener.wire.reset();
  });

  it('is at the rate for who comes after one that owes much, and not later', async (t) => {
    const daemon = await testDaemon(t, { args: ['--message-rate', '20'] });
    const flood = await openRaw(daemon, '/echo');
    await flood.wire.write(Buffer.concat([...Array.from({ length: 150 }, () => frame(TEXT, 'x')), frame(8, '')]));
    await flood.wire.ended; // it owes 7.5 s, 3.5 beyond its burst
    const clock = stopwatch();
    const next = await openRaw(daemon, '/echo');
    for (let i = 0; i < 5; i++) {
      await next.text(String(i));
      assert.equal(await next.says(), `text ${i}`);
    }
    assert.ok(clock() < 2, `5 messages took ${clock()} s`);
  });

  it('is a full burst for each of an office that comes back', async (t) => {
    let daemon = await startDaemon({ args: ['--message-rate', '50'] });
    for (const how of ['restart', 'after a lost network']) {
      const clients = await openMany(`${daemon.ws}/echo`, 256, {}, 256);
      const clock = stopwatch();
      await Promise.all(clients.map(async (client) => {
        for (let i = 0; i < 40; i++) client.send(`message ${i}`);
        for (let i = 0; i < 40; i++) await client.next();
      }));
      const { held } = await daemon.meters();
      assert.equal(held, 0, `${how}: held after ${clock()} s`);
      for (const client of clients) client.ws.terminate();
      if (how === 'restart') {
        await daemon.stop();
        daemon = await testDaemon(t, { args: ['--message-rate', '50'] });
        const before = await openMany(`${daemon.ws}/echo`, 256, {}, 256);
        for (const client of before) client.ws.terminate();
        await daemon.until(() => daemon.lines('peer.leave').length >= 256, 'all to have gone');
      }
    }
  });
});

describe('what an address is sent because it connects', () => {
  const COUNT = 14; // messages of 60 kB: nearly resume-bytes
  const x = 'x'.repeat(60000);

  /** One of that address who has got all these messages, acknowledged none, and lost its connection. */
  async function away(daemon, room, from, token) {
    const { peer, welcome } = await enter(daemon, room, { token }, { from });
    await peer.text('{"type":"ack","n":0}');
    const speaker = await Session.join(daemon.ws, room, { localAddress: '127.0.0.9', token: token && (() => token) });
    for (let i = 0; i < COUNT; i++) speaker.send({ type: 'x', i, x });
    assert.equal((await hear(peer)).type, 'peer-joined');
    for (let i = 0; i < COUNT; i++) assert.equal((await hear(peer)).i, i);
    peer.wire.reset();
    await speaker.find('peer-away');
    return { path: pathOf(room, { session: welcome.session, n: 1 }), from, speaker };
  }

  /** It comes back and gets all that again. */
  async function comeBack(daemon, { path, from }, token) {
    const peer = await openRaw(daemon, path, { from });
    if (token) {
      assert.equal((await hear(peer)).type, 'token');
      await peer.text(JSON.stringify({ type: 'token', token }));
    }
    assert.equal((await hear(peer)).type, 'resumed');
    for (let i = 0; i < COUNT; i++) assert.equal((await hear(peer)).i, i);
    return peer;
  }

  async function resumeInALoop(t, args, token) {
    const daemon = await testDaemon(t, { args: ['--byte-rate', '512KiB', '--connect-rate', '0', ...args] });
    const [hog, neighbour] = [await away(daemon, 'hog', '127.0.0.2', token), await away(daemon, 'neighbour', '127.0.0.3', token)];
    const clock = stopwatch();
    let bytes = 0;
    let refusals = 0;
    while (clock() < 4) {
      const wire = await dial({ port: daemon.port, localAddress: hog.from });
      wire.write(handshake(hog.path));
      const { status, headers, body } = await wire.response();
      if (status === 101) {
        if (token) wire.write(frame(TEXT, JSON.stringify({ type: 'token', token })));
        await wire.until(() => wire.received.length > COUNT * x.length, 'what was kept');
        bytes += wire.received.length;
      } else {
        assert.deepEqual([status, JSON.parse(body).code, headers['retry-after']], [429, 'too-fast', '5']);
        if (!refusals++) await comeBack(daemon, neighbour, token);
      }
      wire.reset();
      await wire.ended;
    }
    // Eight seconds' worth and the one that goes beyond it; then its rate, twice that while the old one is not gone yet.
    // Until its token has come, a connection is one more of the address beside the one before.
    const fair = (8 + 2 + 2 * clock()) * 512 * 1024 * (token ? 2 : 1);
    assert.ok(bytes <= fair, `${bytes} bytes in ${clock()} s, of ${fair}`);
    assert.equal((await daemon.meters()).refused_too_fast, refusals);
    await daemon.logged('request.refuse', 'code=too-fast', 'option=byte-rate');
  }

  it('costs it what it would cost to send that: who resumes in a loop is refused, and a neighbour is not', (t) => resumeInALoop(t, []));

  it('costs it the same where its token comes in a message', async (t) => {
    const key = new Key(scratch());
    await resumeInALoop(t, ['--auth', 'token', '--auth-key', key.option], key.token({ room: '*' }));
  });

  it('holds nobody who comes back once, to all that can be kept, and then says much', async (t) => {
    const daemon = await testDaemon(t);
    const session = await away(daemon, 'r', '127.0.0.2');
    const { held: before } = await daemon.meters();
    const peer = await comeBack(daemon, session);
    for (let i = 0; i < 40; i++) peer.text(JSON.stringify({ type: 'y', i, x }));
    for (let i = 0; i < 40; i++) assert.equal((await session.speaker.find('y')).i, i);
    assert.equal((await daemon.meters()).held, before);
    peer.wire.reset();
    await session.speaker.bye();
  });

  it('refuses and holds none of an office that comes back at once', async (t) => {
    const daemon = await testDaemon(t, { args: ['--connect-rate', '0', '--room-peers', '8'] });
    const office = await Promise.all(Array.from({ length: 128 }, (_, i) => Session.join(daemon.ws, `room ${i % 16}`, { queue: false })));
    for (let round = 0; round < 3; round++) {
      await Promise.all(office.map((session) => session.taken()));
      await Promise.all(office.map((session) => session.cut()));
      for (const first of await Promise.all(office.map((session) => session.connect()))) assert.equal(first.type, 'resumed');
      for (const session of office) session.send({ type: 'x', x: 'x'.repeat(10000) });
    }
    await Promise.all(office.map((session) => session.taken()));
    const { held, refused_too_fast: refused } = await daemon.meters();
    assert.deepEqual([held, refused], [0, 0]);
    await Promise.all(office.map((session) => session.bye()));
  });
});

describe('connect-rate', () => {
  it('lets who connects in a loop wait, and nobody else', async (t) => {
    const daemon = await testDaemon(t, { args: ['--connect-rate', '4'] });
    let served = 0;
    const all = Promise.all(Array.from({ length: 60 }, async () => {
      assert.equal((await ask(daemon, '/healthz')).status, 200);
      served++;
    }));
    await daemon.logged('accept.delay', 'address=127.0.0.1', 'option=connect-rate');
    assert.equal((await ask({ port: daemon.port, localAddress: '127.0.1.2' }, '/healthz')).status, 200);
    assert.ok(served < 60, 'the others have not waited');
    await all;
    const { accept_delayed: delayed } = await daemon.meters();
    assert.ok(delayed >= 10 && delayed <= 20, `${delayed} of 60 have waited, with a burst of 40`);
  });

  it('closes who would have to wait for more than ten seconds, and counts it', async (t) => {
    const daemon = await testDaemon(t, { args: ['--connect-rate', '1'] });
    const port = { port: daemon.port, localAddress: '127.0.0.2' };
    const wires = await Promise.all(Array.from({ length: 40 }, () => dial(port)));
    assert.equal((await ask({ port: daemon.port, localAddress: '127.0.0.3' }, '/healthz')).status, 200); // behind them
    const { accept_too_often: closed, accept_delayed: delayed, accept_capped: capped } = await daemon.meters();
    assert.ok(closed >= 15 && closed + delayed <= 32, `${closed} of 40 were closed, ${delayed} wait`);
    assert.equal(capped, 0);
    for (const wire of wires) wire.reset();
  });

  it('is counted by the client behind a proxy, whose connect is refused with 429', async (t) => {
    const daemon = await testDaemon(t, { args: ['--connect-rate', '1', '--trusted-proxy', '127.0.0.1'] });
    const from = (address) => ({ headers: { 'X-Forwarded-For': address } });
    for (const client of await openMany(daemon.ws, 10, from('203.0.113.1'))) client.ws.terminate();
    const { status, json, headers } = await refused(daemon.ws, from('203.0.113.1'));
    assert.deepEqual([status, json.code, headers['retry-after']], [429, 'too-many-connects', '5']);
    await openMany(daemon.ws, 10, from('203.0.113.2'));
  });

  it('counts a client behind a proxy also before it has had a peer', async (t) => {
    const key = new Key(scratch());
    const daemon = await testDaemon(t, { args: ['--connect-rate', '1', '--trusted-proxy', '127.0.0.1', '--auth', 'token', '--auth-key', key.option] });
    const from = (address) => ({ headers: { 'X-Forwarded-For': address } });
    const codes = async (address) => {
      const said = [];
      for (let i = 0; i < 15; i++) said.push((await refused(`${daemon.ws}/relay?token=bad`, from(address))).status);
      return said;
    };
    for (const address of ['203.0.113.1', '203.0.113.2']) {
      const said = await codes(address);
      assert.deepEqual([said.at(0), said.at(-1)], [401, 429]);
    }
  });
});

describe('/qr.svg', () => {
  it('is drawn once for each text, and each drawing costs five connects', alone, async (t) => {
    const daemon = await testDaemon(t, { args: ['--connect-rate', '2'] });
    for (let i = 0; i < 5; i++) assert.equal((await ask(daemon, '/qr.svg?text=same')).status, 200);
    assert.equal((await daemon.meters()).qr_drawn, 1);
    assert.equal(daemon.lines('accept.delay').length, 0);
    for (let i = 0; i < 3; i++) assert.equal((await ask(daemon, `/qr.svg?text=other${i}`)).status, 200);
    await daemon.logged('accept.delay', 'address=127.0.0.1');
  });

  it('is drawn behind a proxy for each client as often as for one that connects itself', async (t) => {
    const daemon = await testDaemon(t, { args: ['--connect-rate', '2', '--trusted-proxy', '127.0.0.1'] });
    const draw = (address, text) => ask(daemon, `/qr.svg?text=${text}`, { headers: { 'X-Forwarded-For': address } });
    const statuses = [];
    for (let i = 0; i < 14; i++) statuses.push((await draw('203.0.113.1', i)).status);
    assert.deepEqual([statuses.at(0), statuses.at(-1)], [200, 503]);
    assert.equal((await draw('203.0.113.2', 'another')).status, 200);
  });

  it('is drawn for nobody who would have to wait for more than five seconds, on however many connections it asks', alone, async (t) => {
    const daemon = await testDaemon(t, { args: ['--connect-rate', '2'] });
    const from = (localAddress) => ({ port: daemon.port, localAddress });
    const wires = await Promise.all(Array.from({ length: 15 }, () => dial(from('127.0.0.2'))));
    const statuses = [];
    for (const [i, wire] of wires.entries()) {
      wire.write(request(`/qr.svg?text=${Math.max(i, 1)}`));
      const { status, body } = await wire.response();
      if (status !== 200) assert.deepEqual([status, JSON.parse(body).code], [503, 'busy']);
      statuses.push(status);
    }
    const { qr_drawn: drawn, qr_refused: refusals } = await daemon.meters();
    // Of a burst of 20 connects 5 are left for a code, 5 s are 10 more, and one may go beyond.
    assert.ok(drawn >= 2 && drawn <= 5, `${drawn} were drawn: ${statuses}`);
    assert.equal(drawn + refusals, 14); // the second is the first, which is there
    assert.equal((await ask(from('127.0.0.3'), '/qr.svg?text=1')).status, 200);
    assert.equal((await ask(from('127.0.0.3'), '/qr.svg?text=another')).status, 200);
  });
});

describe('/readyz', () => {
  it('is 503 while nobody new would be let in', async (t) => {
    const daemon = await testDaemon(t, { args: ['--max-peers', '1'] });
    assert.equal((await ask(daemon, '/readyz')).status, 200);
    const client = await open(daemon.ws);
    const { status, text } = await ask(daemon, '/readyz');
    assert.deepEqual([status, text], [503, '{"status":"full"}\n']);
    await client.close();
    assert.equal((await ask(daemon, '/readyz')).status, 200);
  });
});

describe('a network', () => {
  it('of a /24 or a /48 has eight times what an address has', async (t) => {
    const daemon = await testDaemon(t, { args: ['--trusted-proxy', '127.0.0.1', '--max-peers-per-address', '2'] });
    for (const [inside, outside] of [[(i) => `203.0.113.${i}`, '203.0.114.1'], [(i) => `2001:db8:1:${i}::1`, '2001:db8:2::1']]) {
      const from = (address) => ({ headers: { 'X-Forwarded-For': address } });
      for (let i = 1; i <= 8; i++) await openMany(daemon.ws, 2, from(inside(i)));
      const { status, json } = await refused(daemon.ws, from(inside(9)));
      assert.deepEqual([status, json.code], [429, 'too-many-peers']);
      await open(daemon.ws, from(outside));
    }
  });
});

describe('a proxy: listener', () => {
  it('is starved by a silent address no more than any other', async (t) => {
    const daemon = await testDaemon(t, {
      args: ['--listen', 'proxy:127.0.0.1:0', '--listen', '127.0.0.1:0', '--max-peers', '100', '--handshake-timeout', '60', '--connect-rate', '0'],
    });
    const silent = [];
    for (let i = 0; i < 1200; i++) {
      const wire = await dial({ port: daemon.ports[0], localAddress: '127.0.0.2' });
      silent.push(wire);
    }
    await daemon.logged('accept.refuse', 'address=127.0.0.2', 'option=max-peers-per-address');
    assert.equal((await ask({ port: daemon.ports[1] }, '/healthz')).status, 200);
    const wire = await dial({ port: daemon.ports[0], localAddress: '127.0.0.3' });
    wire.write(`PROXY TCP4 203.0.113.1 198.51.100.1 1 2\r\n${request('/healthz')}`);
    assert.match((await rest(wire)).toString(), /^HTTP\/1\.1 200 /);
    const { accept_paused: paused, accept_capped: capped } = await daemon.meters();
    assert.ok(!paused && capped >= 880, `${paused} pauses, ${capped} refused`);
    for (const one of silent) one.reset();
  });

  const check = ['--check', '--web-root', join(root, 'web')];
  it('that other machines reach does not start without trusted-proxy', async () => {
    for (const place of ['*:0', '0.0.0.0:0', '[::]:0', '192.0.2.1:0', 'example.org:0']) {
      const { status, stderr } = await runDaemon([...check, '--listen', `proxy:${place}`]);
      assert.equal(status, 2, place);
      assert.equal(stderr, 'nakodo: --listen: a proxy: listener that other machines reach believes what they write into the PROXY header: '
        + 'say by trusted-proxy from which addresses the proxies connect\n');
      assert.equal((await runDaemon([...check, '--listen', `proxy:${place}`, '--trusted-proxy', '10.0.0.0/8'])).status, 0, place);
    }
    for (const place of ['localhost:0', '127.0.0.1:0', '[::1]:0']) assert.equal((await runDaemon([...check, '--listen', `proxy:${place}`])).status, 0, place);
  });

  it('takes headers from trusted proxies alone, and no X-Forwarded-For for what they ask themselves', async (t) => {
    const daemon = await testDaemon(t, { args: ['--listen', 'proxy:0.0.0.0:0', '--trusted-proxy', '127.0.0.2'] });
    const knock = async (localAddress, header, bytes) => {
      const wire = await dial({ port: daemon.port, localAddress });
      wire.write(header + bytes);
      return (await rest(wire)).toString().split('\r\n')[0];
    };
    const named = 'PROXY TCP4 203.0.113.1 198.51.100.1 1 2\r\n';
    assert.equal(await knock('127.0.0.3', named, request('/healthz')), '');
    await daemon.logged('accept.refuse', 'address=127.0.0.3', 'option=trusted-proxy');
    assert.equal(await knock('127.0.0.2', named, request('/healthz')), 'HTTP/1.1 200 OK');
    assert.equal(await knock('127.0.0.2', 'PROXY UNKNOWN\r\n', request('/healthz')), 'HTTP/1.1 200 OK');
    assert.equal((await daemon.meters()).accept_untrusted, 1);
  });
});

describe('trusted-proxy = unix', () => {
  it('brings the clients\' addresses and their limits to a unix: listener', async (t) => {
    const path = join(scratch(), 'socket');
    const daemon = await testDaemon(t, { args: ['--listen', `unix:${path}`, '--trusted-proxy', 'unix', '--max-peers-per-address', '2'] });
    const from = (address) => ({ headers: { 'X-Forwarded-For': address } });
    const url = `ws+unix:${path}:/`;
    await openMany(url, 2, from('203.0.113.1'));
    await daemon.logged('peer.open', 'address=203.0.113.1 ');
    assert.equal((await refused(url, from('203.0.113.1'))).status, 429);
    await openMany(url, 2, from('203.0.113.2'));
    assert.equal((await refused(url)).json.code, 'bad-proxy');
    const wire = await dial({ path });
    wire.write(handshake('/', { 'X-Forwarded-For': 'unknown' }));
    assert.equal((await wire.response()).status, 400);
  });
});
