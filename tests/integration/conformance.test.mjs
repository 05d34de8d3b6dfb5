// Goal: the WebSocket layer does what RFC 6455 says, frame by frame, whatever shape the frames come in.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { after, before, describe, it } from 'node:test';
import { startDaemon } from '../lib/daemon.mjs';
import { BINARY, CLOSE, closing, connect, CONTINUATION, frame, handshake, noise, open, PING, PONG, RawPeer, TEXT, within } from '../lib/raw.mjs';

const protocolError = /^close 1002\b/;
const lengths = [0, 1, 2, 124, 125, 126, 127, 128, 255, 256, 2047, 2048, 2049, 16383, 16384, 65534, 65535, 65536, 65537, 131072];

/** Cut into messages' fragments at these offsets. */
function fragments(opcode, payload, cuts) {
  const bytes = Buffer.from(payload);
  const ends = [...cuts, bytes.length];
  return ends.map((end, i) => frame(i ? CONTINUATION : opcode, bytes.subarray(i ? ends[i - 1] : 0, end), { fin: end === bytes.length && i === ends.length - 1 }));
}

for (const secure of [false, true]) {
  describe(`RFC 6455 over ${secure ? 'wss' : 'ws'}`, () => {
    let daemon;

    before(async () => {
      daemon = await startDaemon({ tls: secure, args: ['--max-message', '128KiB', '--message-rate', '0', '--byte-rate', '0', '--subprotocol', 'chess'] });
    });

    after(() => daemon.stop());

    const echo = (path = '/echo') => open(daemon, path, { secure });

    /** Send these bytes and read the answers. */
    async function answers(bytes, ...expected) {
      const peer = await echo();
      await peer.wire.write(Buffer.concat(bytes));
      for (const answer of expected) {
        if (answer instanceof RegExp) assert.match(await peer.says(String(answer)), answer);
        else assert.equal(await peer.says(answer), answer);
      }
      return peer;
    }

    /** After these bytes the server is to send such a close frame, or (libwebsockets) just hang up. */
    async function fails(what, bytes, expected) {
      const peer = await echo();
      await peer.wire.write(Buffer.concat(bytes));
      if (expected) {
        assert.match(await peer.says(what), expected, what);
        peer.wire.socket.destroy();
      } else {
        await within(peer.ended, `${what}: the end of the connection`);
      }
      assert.equal(peer.frames.length, 0, what);
    }

    describe('the opening handshake (section 4)', () => {
      it('is answered with the key of section 1.3 as section 1.3 says', async () => {
        const wire = await connect(daemon, { secure });
        await wire.write(handshake('/echo', {}, { key: 'dGhlIHNhbXBsZSBub25jZQ==' }));
        const { status, line, headers } = await wire.response();
        assert.equal(line, 'HTTP/1.1 101 Switching Protocols');
        assert.equal(status, 101);
        assert.equal(headers['sec-websocket-accept'], 's3pPLMBiTxaQ9kYGzzhZRbK+xOo=');
        assert.equal(headers.upgrade.toLowerCase(), 'websocket');
        assert.equal(headers.connection.toLowerCase(), 'upgrade');
        assert.equal(headers['sec-websocket-protocol'], undefined);
        wire.socket.destroy();
      });

      it('does not mind the case of names and values, nor other tokens in Connection', async () => {
        for (const headers of [
          { Upgrade: 'WebSocket' },
          { Connection: 'keep-alive, Upgrade' },
          { Connection: 'upgrade' },
          { Upgrade: undefined, upgrade: 'WEBSOCKET' },
          { Connection: undefined, CONNECTION: 'Upgrade', 'SEC-WEBSOCKET-VERSION': '13', 'Sec-WebSocket-Version': undefined },
        ]) {
          const peer = await open(daemon, '/echo', { secure, headers });
          await peer.text('x');
          assert.equal(await peer.says(), 'text x', JSON.stringify(headers));
          await peer.leave();
        }
      });

      it('selects a known subprotocol, and none unless one is offered', async () => {
        const peer = await open(daemon, '/echo', { secure, headers: { 'Sec-WebSocket-Protocol': 'go, chess' } });
        assert.equal(peer.response.headers['sec-websocket-protocol'], 'chess');
        await peer.leave();
      });

      it('needs version 13, and says so', async () => {
        for (const version of ['8', '12', '14', '', undefined, '13, 8']) {
          const wire = await connect(daemon, { secure });
          await wire.write(handshake('/echo', { 'Sec-WebSocket-Version': version }));
          const { status, headers } = await wire.response();
          assert.equal(status, 426, String(version));
          assert.equal(headers['sec-websocket-version'], '13');
          await within(wire.ended, 'the end');
        }
      });

      it('is never completed without a key', async () => {
        const wire = await connect(daemon, { secure });
        await wire.write(handshake('/echo', { 'Sec-WebSocket-Key': undefined }));
        await within(wire.ended, 'the end');
        assert.doesNotMatch(wire.received.toString(), / 101 /);
      });

      it('may come one byte at a time, and so may the frames', async () => {
        const wire = await connect(daemon, { secure });
        const key = Buffer.alloc(16, 1).toString('base64');
        await wire.writeBytewise(Buffer.from(handshake('/echo', {}, { key })));
        const { headers } = await wire.response();
        assert.equal(headers['sec-websocket-accept'], createHash('sha1').update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64'));
        const peer = new RawPeer(wire, true);
        await wire.writeBytewise(Buffer.concat([...fragments(TEXT, '朝会', [1, 2, 3, 4]), frame(PING, 'p'), frame(BINARY, noise('bytewise', 300), { form: 64 })]));
        const came = [await peer.says(), await peer.says(), await peer.says()];
        const pong = came.indexOf('pong p'); // it may overtake the answer to a message that came in fragments
        assert.ok(pong >= 0 && pong < 2, String(came));
        came.splice(pong, 1);
        assert.deepEqual(came, ['text 朝会', `binary ${noise('bytewise', 300).toString('hex')}`]);
        await wire.writeBytewise(frame(CLOSE, closing(1000, 'slowly')));
        assert.equal(await peer.says(), 'close 1000 slowly');
        await within(peer.ended, 'the end');
      });
    });

    describe('base framing (section 5.2)', () => {
      it('takes every length in each form that holds it', async () => {
        const peer = await echo();
        for (const length of lengths) {
          const payload = noise(length, length);
          for (const form of [7, 16, 64].filter((bits) => bits === 64 || length < (bits === 7 ? 126 : 65536))) {
            await peer.binary(payload, { form });
            const { opcode, payload: came } = await peer.next(`${length} bytes`);
            assert.equal(opcode, BINARY);
            assert.ok(came.equals(payload), `${length} bytes in form ${form}`);
          }
        }
        await peer.leave();
      });

      it('takes many frames in one segment', async () => {
        const peer = await echo();
        const count = 1000;
        await peer.wire.write(Buffer.concat(Array.from({ length: count }, (_, i) => frame(i % 2 ? TEXT : BINARY, String(i)))));
        for (let i = 0; i < count; i++) {
          assert.equal(await peer.says(), i % 2 ? `text ${i}` : `binary ${Buffer.from(String(i)).toString('hex')}`);
        }
        await peer.leave();
      });

      it('takes frames that are cut anywhere between segments', async () => {
        const bytes = Buffer.concat([frame(TEXT, 'one'), frame(TEXT, 'two'.repeat(50)), frame(BINARY, noise('cut', 10), { form: 64 })]);
        for (let cut = 1; cut < bytes.length; cut += 7) {
          const peer = await echo();
          await peer.wire.write(bytes.subarray(0, cut));
          await new Promise(setImmediate);
          await peer.wire.write(bytes.subarray(cut));
          assert.equal(await peer.says(), 'text one');
          assert.equal(await peer.says(), `text ${'two'.repeat(50)}`);
          assert.equal(await peer.says(), `binary ${noise('cut', 10).toString('hex')}`);
          peer.wire.socket.destroy();
        }
      });

      it('fails on reserved bits', async () => {
        for (const rsv of [1, 2, 3, 4, 5, 6, 7]) {
          for (const opcode of [TEXT, BINARY, PING, PONG, CLOSE]) await fails(`rsv ${rsv} on ${opcode}`, [frame(opcode, '', { rsv })], protocolError);
        }
        await fails('rsv on a continuation', [frame(TEXT, 'x', { fin: false }), frame(CONTINUATION, 'y', { rsv: 4 })], protocolError);
      });

      it('fails on reserved opcodes', async () => {
        for (const opcode of [3, 4, 5, 6, 7, 11, 12, 13, 14, 15]) {
          await fails(`opcode ${opcode}`, [frame(opcode, '')], protocolError);
          await fails(`opcode ${opcode} with payload`, [frame(opcode, 'x')], protocolError);
          await fails(`opcode ${opcode} inside a message`, [frame(TEXT, 'x', { fin: false }), frame(opcode, 'x')], protocolError);
        }
      });

      it('fails on a length with its highest bit set', async () => {
        await fails('2^63', [frame(BINARY, 'x', { announce: 1n << 63n })]);
      });

      // Section 5.1 wants such a client closed. libwebsockets 4.1.6 unmasks what is masked, takes the rest
      // as it is and has no way to tell which it was; the mask protects proxies, not servers.
      it('takes unmasked frames, which libwebsockets does not let us see', async () => {
        const peer = await answers([frame(TEXT, 'bare', { mask: false }), frame(TEXT, 'masked')], 'text bare', 'text masked');
        await peer.leave();
      });
    });

    describe('fragmentation (section 5.4)', () => {
      it('joins fragments of every shape, empty ones and empty messages too', async () => {
        const rows = [['abc', [1]], ['abc', [0]], ['abc', [3]], ['abc', [0, 0, 1, 1, 3, 3]], ['', [0]], ['', [0, 0, 0]], ['x'.repeat(300), [125, 126, 252]]];
        const peer = await echo();
        for (const [payload, cuts] of rows) {
          for (const opcode of [TEXT, BINARY]) {
            await peer.wire.write(Buffer.concat(fragments(opcode, payload, cuts)));
            const { opcode: kind, payload: came } = await peer.next(`${payload.length} bytes cut at ${cuts}`);
            assert.deepEqual([kind, came.toString()], [opcode, payload], `${payload.length} bytes cut at ${cuts}`);
          }
        }
        const long = noise('fragments', 131072);
        await peer.wire.write(Buffer.concat(fragments(BINARY, long, Array.from({ length: 130 }, (_, i) => 1000 * (i + 1)))));
        assert.ok((await peer.next()).payload.equals(long));
        await peer.wire.write(Buffer.concat(fragments(BINARY, long.subarray(0, 5000), Array.from({ length: 4999 }, (_, i) => i + 1))));
        assert.ok((await peer.next()).payload.equals(long.subarray(0, 5000)));
        await peer.leave();
      });

      it('answers control frames that come between fragments', async () => {
        const peer = await echo();
        await peer.text('hello ', { fin: false });
        for (const payload of ['', 'one', 'p'.repeat(125)]) {
          await peer.send(PING, payload);
          assert.equal(await peer.says(), `pong ${payload}`.trimEnd());
          await peer.send(PONG, payload);
          await peer.send(CONTINUATION, 'and ', { fin: false });
        }
        await peer.send(CONTINUATION, 'bye');
        assert.equal(await peer.says(), 'text hello and and and bye');
        await peer.leave();
      });

      it('answers a ping between fragments before the message, however both come', async () => {
        for (const size of [1, 3000]) {
          const bytes = [frame(TEXT, 'x'.repeat(size), { fin: false }), frame(PING, 'p'), frame(CONTINUATION, 'y'.repeat(size))];
          const expected = ['pong p', `text ${'x'.repeat(size)}${'y'.repeat(size)}`];
          const peer = await answers(bytes, ...expected);
          for (let i = 0; i < 20; i++) {
            for (const one of bytes) peer.wire.write(one);
            for (const answer of expected) assert.equal(await peer.says(), answer);
          }
          await peer.text('whole');
          assert.equal(await peer.says(), 'text whole');
          await peer.leave();
        }
      });

      it('is left alone by a close frame in the middle', async () => {
        const peer = await answers([frame(TEXT, 'half', { fin: false }), frame(CLOSE, closing(1000))], 'close 1000');
        await within(peer.ended, 'the end');
      });

      it('fails on a continuation of nothing and on a message within a message', async () => {
        await fails('lone', [frame(CONTINUATION, 'x')], protocolError);
        await fails('lone, not final', [frame(CONTINUATION, 'x', { fin: false })], protocolError);
        await fails('text in text', [frame(TEXT, 'x', { fin: false }), frame(TEXT, 'y')], protocolError);
        await fails('binary in text', [frame(TEXT, 'x', { fin: false }), frame(BINARY, 'y', { fin: false })], protocolError);
        const peer = await answers([...fragments(TEXT, 'xy', [1]), frame(CONTINUATION, 'z')], 'text xy', protocolError);
        peer.wire.socket.destroy();
      });
    });

    describe('control frames (section 5.5)', () => {
      it('are answered, if pings, with their own payload', async () => {
        const peer = await echo();
        for (const payload of [Buffer.alloc(0), Buffer.from([0]), noise('ping', 64), noise('ping', 125)]) {
          await peer.send(PING, payload);
          const { opcode, payload: came } = await peer.next('a pong');
          assert.equal(opcode, PONG);
          assert.ok(came.equals(payload));
        }
        await peer.leave();
      });

      // Section 5.5.3 lets a server answer the latest of several pings only; libwebsockets answers the first.
      it('are answered at least once if many pings come at once', async () => {
        const pings = Array.from({ length: 20 }, (_, i) => frame(PING, `p${i}`));
        const peer = await answers([...pings, frame(TEXT, 'behind')]);
        const came = [await peer.says(), await peer.says()].sort();
        assert.match(came[0], /^pong p\d+$/);
        assert.equal(came[1], 'text behind');
        peer.wire.socket.destroy();
      });

      it('are passed over if they are pongs that nobody asked for', async () => {
        const peer = await answers([frame(PONG, ''), frame(PONG, 'x'), frame(PONG, 'p'.repeat(125)), frame(TEXT, 'next')], 'text next');
        await peer.leave();
      });

      it('must not be fragmented', async () => {
        for (const opcode of [PING, PONG, CLOSE]) await fails(`opcode ${opcode}`, [frame(opcode, '', { fin: false })], protocolError);
      });

      it('must not be longer than 125 bytes', async () => {
        for (const opcode of [PING, PONG, CLOSE]) {
          for (const length of [126, 127, 65535, 65536]) await fails(`opcode ${opcode}, ${length} bytes`, [frame(opcode, Buffer.alloc(length))]);
        }
      });
    });

    describe('the closing handshake (sections 5.5.1 and 7)', () => {
      const good = [1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 3000, 3999, 4000, 4999];
      const bad = [0, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65535];

      it('is answered with the same code, and the server ends the connection', async () => {
        for (const code of good) {
          const peer = await answers([frame(CLOSE, closing(code, 'why'))], `close ${code} why`);
          assert.equal(await within(peer.ended, 'the end'), 'end');
        }
        const silent = await answers([frame(CLOSE, '')], 'close');
        await within(silent.ended, 'the end');
        const longest = await answers([frame(CLOSE, closing(1000, 'é'.repeat(61) + '!'))], `close 1000 ${'é'.repeat(61)}!`);
        await within(longest.ended, 'the end');
      });

      it('is answered with 1002 for codes that must not be sent', async () => {
        // 1012 to 1014 were registered after the RFC; libwebsockets 4.1.6 does not know them.
        for (const code of [...bad, 1012, 1013, 1014]) {
          const peer = await answers([frame(CLOSE, closing(code))], protocolError);
          await within(peer.ended, `${code}: the end`);
        }
      });

      it('is answered with 1002 for half a code and with 1007 for a reason that is not UTF-8', async () => {
        await fails('one byte', [frame(CLOSE, 'x')], protocolError);
        await fails('not UTF-8', [frame(CLOSE, Buffer.concat([closing(1000), Buffer.from([0xff])]))], /^close 1007 /);
        await fails('half a character', [frame(CLOSE, Buffer.concat([closing(1000, 'ok'), Buffer.from([0xe6, 0x9c])]))], /^close 1007 /);
      });

      it('is not waited for where the rules were broken: who did so has left, and its connection ends', async () => {
        const faults = {
          'a reserved opcode': frame(3),
          'a reserved bit': frame(TEXT, 'x', { rsv: 1 }),
          'a continuation of nothing': frame(CONTINUATION, 'x'),
          'half a ping': frame(PING, '', { fin: false }),
          'a ping that is too long': frame(PING, Buffer.alloc(126)),
          'a length beyond 2^63': frame(TEXT, '', { announce: 2n ** 63n, form: 64 }),
        };
        // It has five seconds to answer the server's close frame, and does not.
        const asked = await echo('/echo?frames=neither');
        let late = false;
        asked.ended.then(() => { late = true; });
        await Promise.all(Object.entries(faults).map(async ([what, bytes], i) => {
          const path = `/peerjs?key=peerjs&id=broken${i}&token=`;
          const peer = await echo(`${path}one`);
          assert.match(await peer.says(what), /"OPEN"/);
          await peer.wire.write(bytes);
          await within(peer.ended, `${what}: the end`);
          assert.ok(!late, `${what}: the end came after five seconds`);
          // Its id is free: nobody else could have it while the peer is there.
          const heir = await echo(`${path}other`);
          assert.match(await heir.says(what), /"OPEN"/);
          await heir.leave();
        }));
        assert.ok((await daemon.meters()).closed_1002 >= 4, 'closed_1002 counts them');
        asked.wire.socket.destroy();
      });

      it('ends the reading: nothing behind a close frame counts', async () => {
        const other = await echo('/chat/after');
        const peer = await echo('/chat/after');
        await peer.wire.write(Buffer.concat([frame(TEXT, 'before'), frame(CLOSE, closing(1000)), frame(TEXT, 'behind'), frame(CLOSE, closing(1001))]));
        await within(peer.ended, 'the end');
        assert.equal(await other.says(), 'text before');
        await other.text('mark');
        assert.equal(await other.says(), 'text mark');
        await other.leave();
      });

      it('may be begun by the server, which then waits for the answer', async () => {
        const peer = await echo('/echo?frames=neither');
        assert.equal(await peer.says(), 'close 4400 frames must be text or binary');
        await peer.text('too late');
        await peer.send(PING, 'too late');
        await peer.send(CLOSE, closing(4400));
        assert.equal(await within(peer.ended, 'the end'), 'end');
        assert.equal(peer.frames.filter(({ opcode }) => opcode !== PONG).length, 0);
      });

      it('may be begun by both at once', async () => {
        const peer = await echo();
        await peer.wire.write(Buffer.concat([frame(TEXT, Buffer.from([0xff])), frame(CLOSE, closing(1000))]));
        assert.match(await peer.says(), /^close 100[07]/);
        await within(peer.ended, 'the end');
        assert.equal(peer.frames.length, 0);
      });

      it('need not happen: a client that is just gone harms nobody', async () => {
        const [gone, other] = await Promise.all([echo('/chat/gone'), echo('/chat/gone')]);
        await gone.wire.reset();
        await other.text('still here');
        assert.equal(await other.says(), 'text still here');
        await other.leave();
      });
    });

    describe('text (section 8.1)', () => {
      const good = ['κόσμε', '\u0000', '\u0080', '\u07ff', '\u0800', '\ud7ff', '\ue000', '\uffff', '\u{10000}', '\u{10ffff}', '\ufeffx', '朝会🐧é'];
      const bad = {
        'a lone continuation byte': [0x80],
        'a lead byte at the end': [0x61, 0xc3],
        'a lead byte before a letter': [0xe6, 0x9c, 0x61],
        'three bytes of four': [0xf0, 0x90, 0x80],
        'overlong, two bytes': [0xc0, 0xaf],
        'overlong, three bytes': [0xe0, 0x80, 0xaf],
        'overlong, four bytes': [0xf0, 0x80, 0x80, 0xaf],
        'a surrogate': [0xed, 0xa0, 0x80],
        'beyond U+10FFFF': [0xf4, 0x90, 0x80, 0x80],
        'five bytes': [0xf8, 0x88, 0x80, 0x80, 0x80],
        'FE': [0xfe],
        'FF': [0xff],
      };

      it('is UTF-8 however it is cut into fragments, with pings in between', async () => {
        const peer = await echo();
        for (const text of good) {
          const bytes = Buffer.from(text);
          for (let cut = 0; cut <= bytes.length; cut++) {
            const [one, two] = fragments(TEXT, bytes, [cut]);
            await peer.wire.write(Buffer.concat([one, frame(PONG, Buffer.from([0xff, 0x00])), frame(PING, Buffer.from([0xe6])), two]));
            const came = [await peer.next(), await peer.next()];
            const pong = came.find(({ opcode }) => opcode === PONG);
            const message = came.find(({ opcode }) => opcode === TEXT);
            assert.ok(pong.payload.equals(Buffer.from([0xe6])));
            assert.ok(message.payload.equals(bytes), `${text} cut at ${cut}`);
          }
          await peer.wire.write(Buffer.concat(fragments(TEXT, bytes, Array.from({ length: bytes.length }, (_, i) => i))));
          assert.ok((await peer.next()).payload.equals(bytes), `${text} byte by byte`);
        }
        await peer.leave();
      });

      it('is UTF-8 where a character lies across what is read at once', async () => {
        const peer = await echo();
        for (let shift = 0; shift < 4; shift++) {
          const text = 'x'.repeat(shift) + '🐧'.repeat(4000);
          await peer.text(text);
          assert.equal((await peer.next()).payload.toString(), text);
        }
        await peer.leave();
      });

      it('closes with 1007 if it is anything else, however it is cut', async () => {
        for (const [what, bytes] of Object.entries(bad)) {
          for (let cut = 0; cut <= bytes.length; cut++) await fails(`${what} cut at ${cut}`, fragments(TEXT, bytes, [cut]), /^close 1007 /);
          await fails(`${what} behind good text`, [frame(TEXT, Buffer.concat([Buffer.from('x'.repeat(5000)), Buffer.from(bytes)]))], /^close 1007 /);
        }
      });

      it('is not asked of binary messages', async () => {
        const peer = await echo();
        for (const bytes of Object.values(bad)) {
          await peer.wire.write(Buffer.concat(fragments(BINARY, Buffer.from(bytes), [1])));
          const { opcode, payload } = await peer.next();
          assert.equal(opcode, BINARY);
          assert.ok(payload.equals(Buffer.from(bytes)));
        }
        await peer.leave();
      });
    });
  });
}
