// Goal: whoever is silent, too large, garbled or too slow loses at most his own connection, in time and with the right code.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { testDaemon } from '../lib/daemon.mjs';
import { descriptors, settles } from '../lib/process.mjs';
import { BINARY, CLOSE, connect, CONTINUATION, frame, handshake, noise, open, PING, PONG, stopwatch, TEXT, within } from '../lib/raw.mjs';

const schemes = [['ws', false], ['wss', true]];
const KIB = 1024;

describe('limits', { concurrency: true }, () => {
  describe('a peer that has fallen silent', { concurrency: true }, () => {
    const args = ['--ping-interval', '1', '--ping-timeout', '1'];

    for (const [scheme, secure] of schemes) {
      it(`is pinged, and gone when it does not answer, over ${scheme}`, async (t) => {
        const daemon = await testDaemon(t, { tls: secure, args });
        const clock = stopwatch();
        const [dead, alive, writer] = await Promise.all([
          open(daemon, '/chat/silent', { secure, answerPings: false }),
          open(daemon, '/chat/silent', { secure }),
          open(daemon, '/chat/other', { secure, answerPings: false }),
        ]);
        // Who writes need not answer pings as well.
        const writing = setInterval(() => writer.text('I am here'), 300);
        t.after(() => clearInterval(writing));
        assert.match(await dead.says('a ping'), /^ping /);
        assert.ok(clock() > 0.9, `pinged after ${clock()} s`);
        assert.equal(await dead.says('the close frame'), 'close 4408 ping timeout');
        assert.ok(clock() > 1.9 && clock() < 6, `closed after ${clock()} s`);
        // It answers nothing, as if the cable were cut, and is out of the room all the same.
        await daemon.logged('peer.leave');
        await alive.text('who is here?');
        assert.equal(await alive.says(), 'text who is here?');
        await within(dead.ended, 'the end of a connection whose closing handshake is not answered');
        assert.ok(clock() < 12, `gone after ${clock()} s`);
        assert.ok(alive.pings >= 5, `${alive.pings} pings`);
        assert.ok(writer.frames.length > 10);
        assert.ok(writer.frames.every(({ opcode }) => opcode === TEXT), 'who writes was pinged or closed');
        await Promise.all([alive.leave(), writer.leave()].map((left) => left.catch(() => {})));
        writer.wire.socket.destroy();
      });
    }

    it('stays when it answers, even if the answer is all it ever sends', async (t) => {
      const daemon = await testDaemon(t, { args });
      const peer = await open(daemon, '/echo');
      await peer.wire.until(() => peer.pings >= 4, 'four pings');
      await peer.text('still here');
      assert.equal(await peer.says(), 'text still here');
      await peer.leave();
    });

    it('is not taken for silent while it is left unread for its rate', async (t) => {
      const daemon = await testDaemon(t, { args: [...args, '--message-rate', '2'] });
      const peer = await open(daemon, '/echo', { answerPings: false });
      await peer.wire.write(Buffer.concat(Array.from({ length: 18 }, (_, i) => frame(TEXT, String(i)))));
      for (let i = 0; i < 18; i++) assert.equal(await peer.says(`message ${i}`), `text ${i}`);
      peer.wire.socket.destroy();
    });
  });

  describe('a message that is too large', { concurrency: true }, () => {
    for (const [scheme, secure] of schemes) {
      it(`ends its connection with 1009 and reaches nobody, over ${scheme}`, async (t) => {
        const daemon = await testDaemon(t, { tls: secure, args: ['--max-message', '10000'] });
        const listener = await open(daemon, '/relay', { secure });
        const rows = {
          'one byte too many': [frame(BINARY, noise(1, 10001))],
          'announced in 64 bits': [frame(TEXT, 'x', { announce: 2n ** 40n })],
          'announced as 2^63 - 1': [frame(BINARY, 'x', { announce: 2n ** 63n - 1n })],
          'announced, one byte sent': [frame(BINARY, 'x', { announce: 10001 })],
          'in two fragments': [frame(BINARY, noise(1, 6000), { fin: false }), frame(CONTINUATION, noise(2, 4001))],
          'by its last fragment': [frame(BINARY, noise(1, 10000), { fin: false }), frame(CONTINUATION, '', { fin: false }), frame(CONTINUATION, 'x')],
          'announced by a fragment': [frame(TEXT, 'x', { fin: false }), frame(CONTINUATION, 'y', { fin: false, announce: 2n ** 40n })],
          'with pings in between': [frame(TEXT, 'x'.repeat(9999), { fin: false }), frame(PING, ''), frame(CONTINUATION, 'xy')],
        };
        for (const [what, bytes] of Object.entries(rows)) {
          const peer = await open(daemon, '/relay', { secure });
          await peer.wire.write(Buffer.concat(bytes));
          let said = await peer.says(what);
          if (said === 'pong') said = await peer.says(what);
          assert.equal(said, 'close 1009 message too large', what);
          peer.wire.socket.destroy();
        }
        const largest = noise('largest', 10000);
        const sender = await open(daemon, '/relay', { secure });
        await sender.binary(largest);
        await sender.send(BINARY, largest.subarray(0, 9999), { fin: false });
        await sender.send(CONTINUATION, 'x');
        assert.ok((await listener.next()).payload.equals(largest));
        assert.equal((await listener.next()).payload.length, 10000);
        await Promise.all([sender.leave(), listener.leave()]);
      });
    }

    it('is not waited for: who goes on sending it is cut off', async (t) => {
      const daemon = await testDaemon(t, { args: ['--max-message', '10000'] });
      const peer = await open(daemon, '/relay');
      const clock = stopwatch();
      await peer.wire.write(frame(BINARY, 'x', { announce: 2n ** 40n }));
      assert.match(await peer.says(), /^close 1009/);
      const sending = setInterval(() => peer.wire.write(Buffer.alloc(1000)), 20);
      await within(peer.ended, 'the end');
      clearInterval(sending);
      assert.ok(clock() < 12, `${clock()} s`);
    });
  });

  describe('text that is not UTF-8', () => {
    it('ends its connection with 1007 and reaches nobody, in one frame or in many', async (t) => {
      const daemon = await testDaemon(t, { tls: true });
      const half = Buffer.from('朝').subarray(0, 2);
      const rows = [
        [frame(TEXT, Buffer.from([0x66, 0xff]))],
        [frame(TEXT, half)],
        [frame(TEXT, half, { fin: false }), frame(CONTINUATION, 'x')],
        [frame(TEXT, half, { fin: false }), frame(PING, 'p'), frame(CONTINUATION, half)],
      ];
      const rest = Buffer.from('朝').subarray(2);
      for (const [, secure] of schemes) {
        for (const path of ['/', '/relay', '/chat', '/echo', '/video_chat/signaling']) {
          const listener = await open(daemon, path, { secure });
          for (const bytes of rows) {
            const peer = await open(daemon, path, { secure });
            await peer.wire.write(Buffer.concat(bytes));
            let said = await peer.says(path);
            if (said === 'pong p') said = await peer.says(path);
            assert.equal(said, 'close 1007 a text message must be UTF-8', path);
            peer.wire.socket.destroy();
          }
          const peer = await open(daemon, path, { secure });
          await peer.wire.write(Buffer.concat([frame(TEXT, Buffer.concat([Buffer.from('{"type":"'), half]), { fin: false }), frame(PING, half), frame(CONTINUATION, Buffer.concat([rest, Buffer.from('"}')])), frame(PONG, half)]));
          const pong = await peer.next();
          assert.ok([PONG, TEXT].includes(pong.opcode), path);
          if (path === '/' || path === '/relay' || path === '/chat') assert.equal(await listener.says(path), 'text {"type":"朝"}');
          assert.equal(listener.frames.length, 0);
          peer.wire.socket.destroy();
          listener.wire.socket.destroy();
        }
      }
    });
  });

  describe('a slow reader', { concurrency: true }, () => {
    const size = 60 * KIB;

    for (const [scheme, secure] of schemes) {
      it(`is closed with 4508, and the others get everything, over ${scheme}`, async (t) => {
        const daemon = await testDaemon(t, { tls: secure, args: ['--message-rate', '0', '--byte-rate', '0', '--send-queue', '256KiB'] });
        const [sender, slow, ...healthy] = await Promise.all([1, 2, 3, 4, 5].map(() => open(daemon, '/relay', { secure })));
        slow.wire.socket.pause();
        let gone = false;
        daemon.logged('peer.leave').then(() => { gone = true; });
        const pass = async (i) => {
          await sender.binary(noise(i, size));
          for (const peer of healthy) {
            const { opcode, payload } = await peer.next(`message ${i}`);
            assert.equal(opcode, BINARY);
            assert.ok(payload.equals(noise(i, size)), `message ${i}`);
          }
        };
        let sent = 0;
        while (!gone) {
          await pass(sent++);
          assert.ok(sent < 1000, '60 MB wait for a peer that reads nothing');
        }
        await pass(sent++);
        slow.wire.socket.resume();
        for (let i = 0; ; i++) {
          const { opcode, payload } = await slow.next(`message ${i} or the close frame`);
          if (opcode === CLOSE) {
            assert.equal(payload.readUInt16BE(), 4508);
            assert.equal(payload.subarray(2).toString(), 'too slow');
            break;
          }
          assert.ok(payload.equals(noise(i, size)), `message ${i} to the slow reader`);
        }
        await slow.send(CLOSE, '');
        await within(slow.ended, 'the end of the slow reader');
        await Promise.all([sender, ...healthy].map((peer) => peer.leave()));
      });
    }

    it('that never reads again is gone all the same', async (t) => {
      const daemon = await testDaemon(t, { args: ['--message-rate', '0', '--byte-rate', '0', '--send-queue', '64KiB'] });
      const sender = await open(daemon, '/relay');
      const before = descriptors(daemon);
      const slow = await open(daemon, '/relay');
      slow.wire.socket.pause();
      let gone = false;
      daemon.logged('peer.leave').then(() => { gone = true; });
      for (let i = 0; !gone; i++) {
        await sender.binary(noise(i, size));
        await new Promise(setImmediate);
      }
      await settles(daemon, before);
      slow.wire.socket.destroy();
      await sender.leave();
    });
  });

  describe('a connection that does not say what it wants', () => {
    it('is ended after handshake-timeout, however slowly it goes on', async (t) => {
      const daemon = await testDaemon(t, {
        tls: true,
        args: ['--handshake-timeout', '1', '--listen', '127.0.0.1:0', '--listen', 'tls:127.0.0.1:0', '--listen', 'proxy:127.0.0.1:0'],
      });
      const [plain, secure, proxied] = daemon.ports;
      const request = handshake('/echo');
      const hello = Buffer.from('16030100c4010000c00303', 'hex');
      /** One byte every 100 ms. */
      const drip = (wire, bytes) => {
        let at = 0;
        const timer = setInterval(() => wire.write(Buffer.from(bytes).subarray(at, ++at)), 100);
        wire.ended.then(() => clearInterval(timer));
      };
      const rows = {
        'silent': async () => connect(daemon, { port: plain }),
        'silent where TLS is spoken': async () => connect(daemon, { port: secure }),
        'silent where PROXY is spoken': async () => connect(daemon, { port: proxied }),
        'dripping headers': async () => {
          const wire = await connect(daemon, { port: plain });
          drip(wire, request);
          return wire;
        },
        'dripping a TLS hello': async () => {
          const wire = await connect(daemon, { port: secure });
          drip(wire, Buffer.concat([hello, Buffer.alloc(200)]));
          return wire;
        },
        'dripping a PROXY header': async () => {
          const wire = await connect(daemon, { port: proxied });
          drip(wire, 'PROXY TCP4 192.0.2.1 192.0.2.2 1 2');
          return wire;
        },
        'silent within TLS': async () => connect(daemon, { secure: true }),
        'dripping headers within TLS': async () => {
          const wire = await connect(daemon, { secure: true });
          drip(wire, request);
          return wire;
        },
        'a header without end': async () => {
          const wire = await connect(daemon, { port: plain });
          await wire.write(request.slice(0, -2) + 'X-Filler: ');
          return wire;
        },
        'silent behind a PROXY header': async () => {
          const wire = await connect(daemon, { port: proxied });
          await wire.write('PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\n');
          return wire;
        },
        'a whole request but for the last byte': async () => {
          const wire = await connect(daemon, { port: plain });
          await wire.write(request.slice(0, -1));
          return wire;
        },
      };
      const peer = await open(daemon, '/echo');
      await Promise.all(Object.entries(rows).map(async ([what, begin]) => {
        const clock = stopwatch();
        const wire = await begin();
        await within(wire.ended, what);
        assert.ok(clock() > 0.9 && clock() < 4, `${what}: ended after ${clock()} s`);
        assert.doesNotMatch(wire.received.toString('latin1'), / 101 /, what);
      }));
      await peer.text('not concerned');
      assert.equal(await peer.says(), 'text not concerned');
      await peer.leave();
    });
  });
});
