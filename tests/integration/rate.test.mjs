// Goal: a peer over message-rate or byte-rate is read more slowly, loses nothing, holds up nobody, and is closed after 30 s of it.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { testDaemon } from '../lib/daemon.mjs';
import { BINARY, frame, noise, open, stopwatch, TEXT } from '../lib/raw.mjs';
import { Session } from '../lib/v1.mjs';

const schemes = [['ws', false], ['wss', true]];

describe('a peer over its rate', { concurrency: true }, () => {
  const message = (i) => [i % 3 ? TEXT : BINARY, `${i} ${'x'.repeat(i % 500)}`];

  for (const [scheme, secure] of schemes) {
    it(`loses nothing, keeps its order and holds up nobody else, over ${scheme}`, async (t) => {
      const daemon = await testDaemon(t, { tls: secure, args: ['--message-rate', '25'] });
      const [fast, other, listener] = await Promise.all([1, 2, 3].map(() => open(daemon, '/relay', { secure })));
      const clock = stopwatch();
      const count = 225; // of them 100 at once, the others 25 a second
      await fast.wire.write(Buffer.concat(Array.from({ length: count }, (_, i) => frame(...message(i)))));
      for (let i = 0; i < count; i++) {
        if (i === 110) {
          await other.text('not held');
          assert.equal(await fast.says(), 'text not held');
          assert.ok(i + listener.frames.length < count - 1, 'it came when all that was held had come');
        }
        let came = await listener.next(`message ${i}`);
        if (came.payload.toString() === 'not held') came = await listener.next(`message ${i}`);
        assert.deepEqual([came.opcode, came.payload.toString()], message(i));
      }
      assert.ok(clock() > 4.5, `${count} messages took ${clock()} s`);
      for (const peer of [fast, other, listener]) peer.wire.socket.destroy();
    });

    it(`may say good-bye while it is held, over ${scheme}`, async (t) => {
      const daemon = await testDaemon(t, { tls: secure, args: ['--message-rate', '5'] });
      const [fast, listener] = await Promise.all([1, 2].map(() => open(daemon, '/relay', { secure })));
      for (let i = 0; i < 30; i++) fast.text(String(i));
      await fast.leave();
      for (let i = 0; i < 30; i++) assert.equal(await listener.says(`message ${i}`), `text ${i}`);
      await listener.leave();
    });

    it(`is closed with 4429 when it has been so for 30 seconds, over ${scheme}`, async (t) => {
      const daemon = await testDaemon(t, { tls: secure, args: ['--message-rate', '2'] });
      const [fast, listener] = await Promise.all([1, 2].map(() => open(daemon, '/relay', { secure })));
      const clock = stopwatch();
      await fast.wire.write(Buffer.concat(Array.from({ length: 500 }, (_, i) => frame(TEXT, `${i} ${'x'.repeat(100)}`))));
      assert.equal(await fast.says('the close frame', 45000), 'close 4429 too many messages');
      const seconds = clock();
      assert.ok(seconds > 29, `after ${seconds} s`);
      fast.wire.socket.destroy();
      await listener.text('mark');
      const came = listener.frames.length;
      for (let i = 0; i < came; i++) assert.match(await listener.says(), new RegExp(`^text ${i} x`));
      const rate = (came - 8) / seconds;
      assert.ok(rate > 1.7 && rate < 2.2, `${came} messages in ${seconds} s at 2 a second and 8 at once`);
      listener.wire.socket.destroy(); // more may be on its way
    });
  }

  it('is served at its rate, whatever that is', async (t) => {
    const seconds = await Promise.all([100, 400].map(async (rate) => {
      const daemon = await testDaemon(t, { args: ['--message-rate', String(rate)] });
      const peer = await open(daemon, '/echo');
      const count = 8 * rate; // four seconds' worth at once, and as much again at the rate
      const clock = stopwatch();
      await peer.wire.write(Buffer.concat(Array.from({ length: count }, (_, i) => frame(TEXT, String(i)))));
      for (let i = 0; i < count; i++) {
        assert.equal(await peer.says(`message ${i}`), `text ${i}`);
      }
      const took = clock();
      assert.ok(took > 3.6, `${count} messages took ${took} s at ${rate} a second`);
      assert.ok((await daemon.meters()).held > 0);
      await peer.leave();
      return took;
    }));
    assert.ok(Math.max(...seconds) < 2 * Math.min(...seconds), `at 100 and at 400 a second it took ${seconds} s`);
  });

  it('is held for its bytes as well', async (t) => {
    const daemon = await testDaemon(t, { args: ['--byte-rate', '100000'] });
    const [fast, listener] = await Promise.all([1, 2].map(() => open(daemon, '/relay')));
    const clock = stopwatch();
    let burst;
    const count = 12; // of 50 000 bytes: 8 at once, the others 2 a second
    await fast.wire.write(Buffer.concat(Array.from({ length: count }, (_, i) => frame(BINARY, noise(i, 50000)))));
    for (let i = 0; i < count; i++) {
      const { payload } = await listener.next(`message ${i}`);
      assert.ok(payload.equals(noise(i, 50000)), `message ${i}`);
      if (i === 7) burst = clock();
    }
    const whole = clock();
    assert.ok(whole > 1.4 && burst < whole / 2, `${count} messages took ${whole} s, the burst among them ${burst} s`);
    for (const peer of [fast, listener]) peer.wire.socket.destroy();
  });

  it('is never held where sixteen come to one room with descriptions of 10 kB', async (t) => {
    const daemon = await testDaemon(t, {});
    const sessions = await Promise.all(Array.from({ length: 16 }, () => Session.join(daemon.ws, 'full', { queue: false })));
    const heard = Promise.all(sessions.map((session) => session.until(() => session.signals === 15 * 3, 'all signals')));
    const sdp = 'x'.repeat(10000);
    for (const from of sessions) {
      from.signals = 0;
      from.onmessage = ({ type }) => { from.signals += type === 'message'; };
    }
    for (const from of sessions) {
      for (const to of sessions) {
        if (to === from) continue;
        for (const data of [{ sdp }, { candidate: 1 }, { candidate: 2 }]) from.send({ type: 'message', to: to.id, data });
      }
    }
    await heard;
    assert.equal((await daemon.meters()).held, 0);
    await Promise.all(sessions.map((session) => session.bye()));
  });

  it('is never held if it keeps to its rate', async (t) => {
    const daemon = await testDaemon(t, { args: ['--message-rate', '50'] });
    const peer = await open(daemon, '/echo');
    for (let i = 0; i < 150; i++) {
      await peer.text(String(i));
      assert.equal(await peer.says(), `text ${i}`);
    }
    assert.equal((await daemon.meters()).held, 0);
    await peer.leave();
  });
});
