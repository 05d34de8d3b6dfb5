// Goal: who comes by wss to a daemon of several processes, where another process than the room's speaks TLS, loses
// nothing that it would not lose with one process, and costs no more, whichever side ends first and however slowly.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { connect } from 'node:net';
import { Duplex } from 'node:stream';
import { describe, it } from 'node:test';
import tls from 'node:tls';
import { configured } from '../lib/configured.mjs';
import { dial, request } from '../lib/http.mjs';
import { freePorts } from '../lib/ports.mjs';
import { descriptors, isIdle } from '../lib/process.mjs';
import { eventually } from '../lib/prometheus.mjs';
import { BINARY, CLOSE, closing, frame, handshake, noise, open, PONG, stopwatch, TEXT, within } from '../lib/raw.mjs';
import { several, workersOf } from '../lib/workers.mjs';

const unbounded = ['--message-rate', '0', '--byte-rate', '0'];

/** Let all that waits come, but keep no more of it than is looked at. */
const forget = (peer) => peer.wire.socket.on('data', () => { peer.frames.length = 0; });

/** Does the kernel keep so many bytes for somebody who came to this port? The other side's may be about to take them. */
async function staysUnacknowledged(port, bytes) {
  for (let i = 0; i < 5; i++) {
    const kept = execFileSync('ss', ['-tnH', `sport = :${port}`], { encoding: 'utf8' }).matchAll(/^\S+ +\d+ +(\d+)/gm);
    if (![...kept].some(([, some]) => Number(some) >= bytes)) return false;
    await new Promise((done) => setTimeout(done, 20));
  }
  return true;
}

describe('who does not read by wss', () => {
  it('and is closed for that while it goes on sending keeps no worker busy, and gets what was said before when it reads on', async (t) => {
    const daemon = await several(t, 2, [...unbounded, '--send-queue', '64KiB', '--resume-bytes', '128KiB', '--slow-seconds', '60']);
    const [slow, sender] = await Promise.all([open(daemon, '/relay/a', { secure: true }), open(daemon, '/relay/a')]);
    const openAll = () => workersOf(daemon).reduce((sum, pid) => sum + descriptors({ pid }), 0);
    const before = openAll();
    forget(sender);
    slow.wire.socket.pause();
    let sent = 0, left = false;
    daemon.logged('peer.leave').then(() => { left = true; });
    while (!left) {
      await sender.binary(noise(sent++, 8000));
      slow.binary(noise(0, 500));
      await new Promise(setImmediate);
    }
    slow.binary(noise(0, 500000));
    await eventually(() => openAll() < before, 'that the room\'s worker has closed its side');
    for (const pid of workersOf(daemon)) await isIdle({ pid });
    slow.wire.socket.resume();
    assert.equal(await within(slow.ended, 'the end'), 'end');
    assert.ok(slow.frames.length > 10);
    for (const [i, { opcode, payload }] of slow.frames.entries()) {
      if (opcode !== CLOSE) assert.ok(opcode === BINARY && payload.equals(noise(i, 8000)), `message ${i}`);
    }
    sender.wire.socket.destroy();
  });

  it('for slow-seconds is ended, though the worker that speaks TLS has taken all that is for it', async (t) => {
    const daemon = await several(t, 2, [...unbounded, '--slow-seconds', '2']);
    const [slow, sender] = await Promise.all([open(daemon, '/relay/a', { secure: true }), open(daemon, '/relay/a')]);
    slow.wire.socket.pause();
    const clock = stopwatch();
    for (let i = 0; !await staysUnacknowledged(daemon.tlsPort, 20000); i++) await sender.binary(noise(i, 10000));
    const ponging = setInterval(() => slow.send(PONG, ''), 100);
    await daemon.logged('peer.leave').finally(() => clearInterval(ponging));
    assert.ok(clock() > 1.9, `ended after ${clock()} s`);
    assert.equal((await daemon.meters()).stalled, 1);
    slow.wire.socket.destroy();
    await sender.leave();
  });

  it('but takes something is not ended for that', async (t) => {
    const daemon = await several(t, 2, [...unbounded, '--slow-seconds', '3', '--send-queue', '4MiB', '--resume-bytes', '8MiB']);
    const [slow, sender] = await Promise.all([open(daemon, '/relay/a', { secure: true }), open(daemon, '/relay/a')]);
    const { socket } = slow.wire;
    socket.on('data', (bytes) => {
      socket.pause();
      setTimeout(() => socket.resume(), bytes.length / 150); // 150 kB a second
    });
    const clock = stopwatch();
    for (let i = 0; i < 100; i++) sender.binary(noise(i, 10000));
    for (let i = 0; i < 100; i++) assert.ok((await slow.next(`message ${i}`, 60000)).payload.equals(noise(i, 10000)));
    assert.ok(clock() > 4, `it took ${clock()} s`);
    assert.equal((await daemon.meters()).stalled, 0);
    for (const { wire } of [slow, sender]) wire.socket.destroy();
  });
});

describe('who leaves by wss', () => {
  /** Say these and end our side, all in one go. */
  const lastWords = (peer, ...texts) => peer.wire.socket.end(Buffer.concat([...texts.map((text) => frame(TEXT, text)), frame(CLOSE, closing(1000))]));

  it('is heard to its last word, however much is said to it meanwhile that it does not read', async (t) => {
    const daemon = await several(t, 2, [...unbounded, '--send-queue', '4MiB', '--resume-bytes', '8MiB']);
    const [sender, listener] = await Promise.all([1, 2].map(() => open(daemon, '/relay/a')));
    for (let i = 0; i < 50; i++) {
      const leaver = await open(daemon, '/relay/a', { secure: true });
      leaver.wire.socket.pause();
      for (let j = 0; j < 40; j++) sender.binary(noise(j, 4000));
      const texts = Array.from({ length: 5 }, (_, j) => `${i} ${j} ${'x'.repeat(1000)}`);
      lastWords(leaver, ...texts);
      for (const text of texts) {
        let said;
        do said = await listener.next(`of ${i} "${text.slice(0, 5)}"`); while (said.opcode !== TEXT);
        assert.equal(String(said.payload), text);
      }
      leaver.wire.socket.destroy();
    }
    for (const { wire } of [sender, listener]) wire.socket.destroy();
  });

  it('and reads on is answered when it has ended its side', async (t) => {
    const daemon = await several(t, 2);
    for (let i = 0; i < 20; i++) {
      const leaver = await open(daemon, '/relay/a', { secure: true });
      lastWords(leaver, 'last');
      const { opcode, payload } = await leaver.next('the answer');
      assert.deepEqual([opcode, payload.readUInt16BE()], [CLOSE, 1000]);
      assert.equal(await within(leaver.ended, 'the end'), 'end');
    }
  });
});

describe('who comes by wss', () => {
  it('while a reload changes what is said of the listener is let in, as by ws', async (t) => {
    const [port, tlsPort] = await freePorts(2);
    const text = (more) => `workers = 2\nlisten = 127.0.0.1:${port}${more}\nlisten = tls:127.0.0.1:${tlsPort}${more}`;
    const daemon = await configured(t, text(''), { tls: true });
    const target = [{ port }, { port: tlsPort, tls: true }];
    const wires = await Promise.all([...target, ...target, ...target].map((where) => dial(where)));
    for (const wire of wires.slice(2, 4)) await wire.write(handshake('/echo').slice(0, 20));
    await daemon.says(text('?origin=any'));
    await daemon.says(text('?origin=any&auth=none'));
    for (const [i, wire] of wires.entries()) {
      await wire.write(handshake('/echo').slice(i === 2 || i === 3 ? 20 : 0));
      assert.equal((await wire.response()).status, 101, `${i}`);
      wire.socket.destroy();
    }
  });
});

describe('who asks by https', () => {
  it('and ends the connection\'s other half without a word of TLS is answered', async (t) => {
    const daemon = await several(t, 2);
    for (const maxVersion of ['TLSv1.2', 'TLSv1.3']) {
      const raw = connect(daemon.tlsPort, '127.0.0.1');
      const bytes = new Duplex({ read() {}, write: (piece, _, done) => raw.write(piece, done) });
      raw.on('data', (piece) => bytes.push(piece));
      const socket = tls.connect({ socket: bytes, rejectUnauthorized: false, maxVersion });
      await once(socket, 'secureConnect');
      socket.write(request('/healthz'), () => raw.end());
      const [answer] = await within(once(socket, 'data'), 'an answer');
      assert.match(String(answer), /^HTTP\/1\.1 200 /);
      raw.destroy();
    }
  });
});

describe('who sends by wss', () => {
  it('in more records than its rates have messages is read more slowly', async (t) => {
    const daemon = await several(t, 2, ['--byte-rate', '16KiB', '--message-rate', '1']);
    const [sender, listener] = await Promise.all([open(daemon, '/relay/a', { secure: true }), open(daemon, '/relay/a')]);
    const text = 'x'.repeat(1600);
    const clock = stopwatch();
    await sender.wire.writeBytewise(frame(TEXT, text));
    assert.equal(await listener.says('the message', 60000), `text ${text}`);
    assert.ok(clock() > 2, `heard after ${clock()} s`);
    for (const { wire } of [sender, listener]) wire.socket.destroy();
  });

  it('while there is no byte-rate owes nothing when a reload sets one', async (t) => {
    const text = (rate) => `workers = 2\nmessage-rate = 0\nbyte-rate = ${rate}\nlisten = tls:127.0.0.1:0`;
    const daemon = await configured(t, text(0), { tls: true });
    const peer = await open(daemon, '/echo', { secure: true });
    const said = async (payload) => {
      await peer.text(payload);
      assert.equal(await peer.says(`the echo of ${payload.length}`), `text ${payload}`);
    };
    for (let i = 0; i < 50; i++) await said('x'.repeat(40000));
    await daemon.says(text('16KiB'));
    for (let i = 0; i < 3; i++) await said('short');
    await peer.leave();
  });
});
