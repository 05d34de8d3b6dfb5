// Goal: each fault of libwebsockets 4.1.6 that SECURITY.md names stays shut; tests/guards takes the guards out one by one.
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { scratch, spawnDaemon } from '../lib/daemon.mjs';
import { isIdle, limitDescriptors } from '../lib/process.mjs';
import { BINARY, CLOSE, closing, connect, frame, handshake, noise, open, PING, PONG, stopwatch, TEXT, within } from '../lib/raw.mjs';

const schemes = [['plain', false], ['TLS', true]];
const get = 'GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n';
const KIB = 1024;

/** A daemon that a fault may end or make deaf: its end comes in any case, and what it said is shown. */
async function daemonFor(t, options) {
  const daemon = spawnDaemon(options);
  t.after(async () => {
    const late = setTimeout(() => daemon.child.kill('SIGKILL'), 8000);
    try {
      await daemon.stop();
    } catch (error) {
      console.error(error.message);
      throw error;
    } finally {
      clearTimeout(late);
    }
  });
  await daemon.ready();
  return daemon;
}

/** It still serves, soon, and is not busy. */
async function isWell(daemon) {
  const peer = await open(daemon, '/echo');
  await peer.text('well?');
  assert.equal(await peer.says('an echo'), 'text well?');
  await peer.leave();
  await isIdle(daemon);
}

/** Send these bytes in one segment; what came back until the connection ended, or let us in. */
async function answer(daemon, secure, bytes, what) {
  const wire = await connect(daemon, { secure });
  await wire.write(bytes);
  await wire.until(() => wire.over || wire.received.includes(' 101 '), `the end of a connection: ${what}`);
  wire.socket.destroy();
  return wire.received.toString('latin1');
}

/** How many HTTP answers there are in these bytes. */
function answers(bytes) {
  return bytes.match(/^HTTP\/1\.\d \d/gm)?.length ?? 0;
}

describe('the guard', { concurrency: 2 }, () => {
  it('h2c: no client gets HTTP/2, by upgrade, by ALPN or by prior knowledge', async (t) => {
    const daemon = await daemonFor(t, { tls: true });
    const upgrade = { Upgrade: 'h2c', Connection: 'Upgrade, HTTP2-Settings', 'HTTP2-Settings': 'AAMAAABkAARAAAAAAAIAAAAA' };
    const preface = 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0';
    for (const [scheme, secure] of schemes) {
      for (const path of ['/', '/echo', '/healthz', '/nothing']) {
        const bytes = await answer(daemon, secure, handshake(path, upgrade) + preface, `h2c at ${path}`);
        assert.doesNotMatch(bytes, / 101 /, `${scheme} ${path}`);
      }
      assert.doesNotMatch(await answer(daemon, secure, preface, 'the preface'), /\0\0.\x04\0/s, `${scheme}: a SETTINGS frame came back`);
    }
    for (const [offered, selected] of [[['h2', 'http/1.1'], 'http/1.1'], [['http/1.1'], 'http/1.1'], [['h2'], undefined], [undefined, false]]) {
      const wire = await connect(daemon, { secure: true, alpn: offered }).catch((error) => {
        assert.deepEqual(offered, ['h2'], `${error.message}`);
      });
      if (!wire) continue; // a TLS alert is an answer as well
      assert.notEqual(wire.socket.alpnProtocol, 'h2');
      if (selected) assert.equal(wire.socket.alpnProtocol, selected, String(offered));
      wire.socket.destroy();
    }
    await isWell(daemon);
  });

  it('one-poll: a connection whose first bytes we have looked at is served', async (t) => {
    const args = ['--listen', '127.0.0.1:0', '--listen', 'tls:127.0.0.1:0', '--listen', 'proxy:127.0.0.1:0'];
    const daemon = await daemonFor(t, { args, tls: true });
    const looked = [['TLS', { secure: true }, '', 200], ['plain HTTP', { port: daemon.tlsPort }, '', 308], ['PROXY', { port: daemon.ports[2] }, 'PROXY UNKNOWN\r\n', 200]];
    for (const [what, where, before, status] of looked) {
      const wire = await connect(daemon, where);
      await wire.write(before + get);
      assert.equal((await wire.response()).status, status, what);
    }
    await isWell(daemon);
  });

  it('request-line: no header comes out of the URL', async (t) => {
    const daemon = await daemonFor(t, { tls: true });
    const forged = ['', '?x=', '/room', '?room='].flatMap((path) => ['%0d%0a', '%0a', '%0d', '%0D%0A'].flatMap((end) => [
      `/echo${path}${end}Origin:%20http://localhost${end}X:`,
      `/echo${path}${end}Origin:http://localhost`,
      `/echo${path}%20HTTP/1.1${end}Origin:%20http://localhost${end}X:`,
      `/echo${path}%20HTTP/1.1${end}Host:%20localhost${end}Origin:%20http://localhost${end}`,
      `/echo${path}${end}HTTP/1.1`,
      `/echo${path}${end}HTTP/1.1%20HTTP/1.1`,
    ]));
    for (const [scheme, secure] of schemes) {
      for (const url of forged) {
        for (const headers of [{ Origin: 'https://evil.example' }, { Origin: undefined, 'X-Origin': 'https://evil.example' }]) {
          const bytes = await answer(daemon, secure, handshake(url, headers), url);
          assert.doesNotMatch(bytes, / 101 /, `${scheme}: ${url} was let in`);
        }
      }
    }
    await isWell(daemon);
  });

  it('null: a null byte in the query, which would end a name early, lets nobody in', async (t) => {
    const daemon = await daemonFor(t, { tls: true });
    for (const [scheme, secure] of schemes) {
      for (const query of ['room=%00b', 'room=a%00b', 'x=1&room=%00b', 'prefix=%00b&room=a', '%00b', 'room%00=a']) {
        const bytes = await answer(daemon, secure, handshake(`/echo?${query}`), query);
        assert.doesNotMatch(bytes, / 101 /, `${scheme}: ${query} was let in`);
      }
    }
    await isWell(daemon);
  });

  it('body: a request with a body behind another request hangs nobody', async (t) => {
    const daemon = await daemonFor(t, { tls: true });
    const bodies = [
      'POST /healthz HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n\r\nhello',
      'GET /healthz HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n\r\nhello',
      'GET /healthz HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n\r\n',
      'GET /healthz HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\nhello',
      'GET /healthz HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n',
      'PUT /nothing HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100000\r\n\r\nhello',
    ];
    const firsts = [get, get + get, get.replace('GET', 'HEAD'), get.replace('GET', 'OPTIONS'), get.replace('/healthz', '/nothing'), ''];
    const counts = new Set();
    for (const [, secure] of schemes) {
      for (const body of bodies) {
        for (const first of firsts) counts.add(answers(await answer(daemon, secure, first + body, JSON.stringify(first + body))));
      }
    }
    await isWell(daemon);
    assert.deepEqual(counts, new Set([1]), 'one answer for each connection');
  });

  it('upgrade-uaf: a second request that wants to upgrade reads no freed headers', async (t) => {
    const daemon = await daemonFor(t, { tls: true });
    const counts = new Set();
    for (const [, secure] of schemes) {
      for (const protocol of ['foo', 'websocket', 'h2c', 'x'.repeat(500)]) {
        const second = handshake('/echo', { Upgrade: protocol });
        counts.add(answers(await answer(daemon, secure, get + second, `${protocol} in one segment`)));
        const wire = await connect(daemon, { secure });
        await wire.write(get);
        await wire.until(() => wire.received.includes('\r\n\r\n'), 'the first answer');
        await wire.write(second);
        await within(wire.ended, `the end of a connection: ${protocol} later`);
        counts.add(answers(wire.received.toString('latin1')));
      }
    }
    await isWell(daemon);
    assert.deepEqual(counts, new Set([1]), 'one answer for each connection');
  });

  it('connect: CONNECT gets no connection of its own', async (t) => {
    const daemon = await daemonFor(t, { tls: true, args: ['--handshake-timeout', '30'] });
    for (const [scheme, secure] of schemes) {
      for (const target of ['localhost:22', 'x', '/', '*']) {
        const clock = stopwatch();
        const bytes = await answer(daemon, secure, `CONNECT ${target} HTTP/1.1\r\nHost: localhost\r\n\r\n`, `CONNECT ${target}`);
        assert.doesNotMatch(bytes, /^HTTP\/1\.\d 2/, scheme);
        assert.ok(clock() < 5, `${scheme}: open for ${clock()} s`);
      }
    }
    await isWell(daemon);
  });

  it('compression: permessage-deflate is not negotiated, and compressed frames are refused', async (t) => {
    const daemon = await daemonFor(t, { tls: true });
    const offers = ['permessage-deflate', 'permessage-deflate; client_max_window_bits', 'permessage-deflate; server_no_context_takeover; client_no_context_takeover', 'x-webkit-deflate-frame, permessage-deflate'];
    for (const [, secure] of schemes) {
      for (const offer of offers) {
        const peer = await open(daemon, '/echo', { secure, headers: { 'Sec-WebSocket-Extensions': offer } });
        assert.equal(peer.response.headers['sec-websocket-extensions'], undefined, offer);
        await peer.text('plain');
        assert.equal(await peer.says(), 'text plain');
        await peer.send(TEXT, Buffer.from('f248cdc9c907000000ffff', 'hex'), { rsv: 4 });
        assert.match(await peer.says(), /^close 1002/);
        peer.wire.socket.destroy();
      }
    }
    await isWell(daemon);
  });

  for (const [how, wrap, lower] of [
    ['from the start', ['prlimit', '--nofile=100'], false],
    ['all of a sudden', [], true],
  ]) {
    it(`emfile: out of descriptors ${how}, it waits without spinning, and serves again when some are free`, async (t) => {
      const daemon = await daemonFor(t, { wrap, args: ['--max-peers-per-address', '0', '--connect-rate', '0', '--handshake-timeout', '60'] });
      const first = await open(daemon, '/chat');
      if (lower) limitDescriptors(daemon, 20);
      const crowd = await Promise.all(Array.from({ length: 150 }, () => connect(daemon)));
      await daemon.logged('accept.pause');
      await isIdle(daemon);
      await first.text('still served');
      assert.equal(await first.says(), 'text still served');
      assert.equal(daemon.lines('accept.pause').length, 1, 'logged once a minute');
      for (const wire of crowd) wire.socket.destroy();
      const late = await open(daemon, '/chat');
      await late.text('served again');
      for (const peer of [first, late]) {
        assert.equal(await peer.says(), 'text served again');
        await peer.leave();
      }
      await isWell(daemon);
    });
  }

  for (const [scheme, secure] of schemes) {
    it(`partial: frames that the socket takes in parts arrive whole, pings and pongs between them, ${scheme}`, async (t) => {
      const daemon = await daemonFor(t, {
        tls: true,
        args: ['--message-rate', '0', '--byte-rate', '0', '--max-message', '1MiB', '--send-queue', '64MiB', '--resume-bytes', '128MiB', '--ping-interval', '1', '--ping-timeout', '60'],
      });
      const slow = await open(daemon, '/relay', { secure });
      const senders = await Promise.all([0, 1, 2].map((i) => open(daemon, '/relay?frames=text', { secure: i === 1 })));
      const sizes = [1, 125, 126, 5000, 65535, 65536, 70000, 200000, 1000000];
      const rounds = 6;
      for (const sender of senders) sender.wire.parse = () => { sender.wire.received = Buffer.alloc(0); }; // not read here
      /** Who and which number stand in front of bytes that follow from both. */
      const message = (who, number) => {
        const bytes = noise(`${who}/${number}`, 8 + sizes[(number * 7 + who) % sizes.length]);
        bytes.writeUInt32BE(who, 0);
        bytes.writeUInt32BE(number, 4);
        return bytes;
      };
      slow.wire.socket.pause();
      const sending = senders.map(async (sender, who) => {
        for (let number = 0; number < rounds * sizes.length; number++) await sender.binary(message(who, number));
      });
      // It reads a little, pings, waits for its next turn; the server's own pings and pongs go in between.
      let pings = 0;
      const turns = setInterval(() => {
        if (pings++ % 3) slow.wire.socket.pause();
        else slow.wire.socket.resume();
        slow.send(PING, `p${pings}`);
      }, 40);
      t.after(() => clearInterval(turns));
      const next = [0, 0, 0];
      let pongs = 0;
      while (next.some((number) => number < rounds * sizes.length)) {
        const { opcode, payload } = await slow.next(`message ${next}`, 20000);
        if (opcode === PONG) {
          pongs++;
          assert.match(payload.toString(), /^p\d+$/);
          continue;
        }
        assert.equal(opcode, BINARY);
        const who = payload.readUInt32BE(0);
        assert.ok(payload.equals(message(who, next[who])), `message ${next[who]} of sender ${who}`);
        next[who]++;
      }
      clearInterval(turns);
      slow.wire.socket.resume();
      await Promise.all(sending);
      assert.ok(pongs > 0, 'no pong came between the messages');
      await slow.send(CLOSE, closing(1000));
      let last;
      do last = await slow.says(); while (/^pong p\d+$/.test(last));
      assert.equal(last, 'close 1000');
      for (const sender of senders) sender.wire.socket.destroy();
      await isWell(daemon);
    });
  }

  for (const [kind, fault] of Object.entries({
    'with an unknown opcode': frame(3, 'x'),
    'that goes on with nothing': frame(0, 'x'),
    'with a reserved bit': Buffer.concat([Buffer.from([0xc1]), frame(TEXT, '').subarray(1)]),
    'that is a ping of 130 bytes': frame(PING, 'x'.repeat(130)),
  })) {
    for (const [scheme, secure] of schemes) {
      it(`unheard: a frame ${kind} of a peer that does not read what it is sent hangs nobody and costs nothing, ${scheme}`, async (t) => {
        const daemon = await daemonFor(t, { tls: true, args: ['--message-rate', '0', '--byte-rate', '0', '--slow-seconds', '60'] });
        const peer = await open(daemon, '/echo', { secure });
        peer.wire.socket.pause();
        do {
          await peer.text('x'.repeat(60000));
        } while ((await daemon.meters()).memory_frames < 10000); // it holds a part of what it has written
        const behind = Array.from({ length: 130 }, () => frame(TEXT, 'z'.repeat(100)));
        await peer.wire.write(Buffer.concat([fault, ...behind]));
        await isWell(daemon);
        peer.wire.parse = () => { peer.wire.received = Buffer.alloc(0); }; // what it was sent does not matter
        peer.wire.socket.resume();
        await within(peer.wire.ended, 'the end of the connection');
      });
    }
  }

  for (const [scheme, secure] of schemes) {
    for (const [what, more] of [['sends on', (socket) => socket.write('x')], ['ends its side', (socket) => socket.end()]]) {
      it(`download: a client that ${what} while a large file is on its way costs nothing, ${scheme}`, async (t) => {
        const place = scratch();
        writeFileSync(join(place, 'huge.bin'), noise(1, 16 << 20));
        const daemon = await daemonFor(t, { tls: true, args: ['--web-root', place] });
        const wire = await connect(daemon, { secure });
        await wire.write(get.replace('/healthz', '/huge.bin'));
        await wire.until(() => wire.received.length > KIB, 'the beginning of the file');
        wire.socket.pause();
        more(wire.socket);
        await isWell(daemon);
        wire.socket.resume();
        await within(wire.ended, 'the end of the connection');
        assert.ok(wire.received.length < 16 << 20);
      });
    }
  }

  it('hold: a peer over its rate whose messages came in one TLS record keeps nobody waiting', async (t) => {
    const daemon = await daemonFor(t, { tls: true, args: ['--message-rate', '20'] });
    for (const [scheme, secure] of schemes) {
      const [fast, listener] = await Promise.all([open(daemon, '/relay', { secure }), open(daemon, '/relay', { secure })]);
      const count = 120;
      const bytes = Buffer.concat(Array.from({ length: count }, (_, i) => frame(i % 2 ? TEXT : BINARY, `${i} ${'x'.repeat(100)}`)));
      assert.ok(bytes.length < 16 * KIB, 'more than one record');
      await fast.wire.write(bytes);
      for (let i = 0; i < 81; i++) assert.ok((await listener.next(`message ${i}`)).payload.toString().startsWith(`${i} `), scheme);
      await isWell(daemon);
      for (let i = 81; i < count; i++) assert.ok((await listener.next(`message ${i}`)).payload.toString().startsWith(`${i} `), scheme);
      await fast.text('and on');
      assert.equal(await listener.says(), 'text and on', scheme);
      await Promise.all([fast.leave(), listener.leave()]);
    }
  });
});
