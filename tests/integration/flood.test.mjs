// Goal: who keeps the daemon busy with what no rate counts is found and closed, and nobody else.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { describe, it } from 'node:test';
import { testDaemon } from '../lib/daemon.mjs';
import { CLOSE, connect, CONTINUATION, frame, handshake, noise, open, PING, stopwatch, TEXT } from '../lib/raw.mjs';

/** Send the same again and again, until the connection ends. It is reset after so many seconds. */
async function pour(peer, bytes, patience) {
  let over = false;
  const ended = peer.ended.then(() => { over = true; });
  for (const clock = stopwatch(); !over && clock() < patience;) {
    await Promise.race([peer.wire.write(bytes), ended]);
    await new Promise(setImmediate);
  }
  peer.wire.reset();
}

/** A daemon that shares its processor with two that want all of it, and come first. */
async function starvedDaemon(t, args = [], tls = false) {
  const loops = [1, 2].map(() => spawn('taskset', ['-c', '0', process.execPath, '-e', 'for (const end = Date.now() + 90000; Date.now() < end;);']));
  t.after(() => loops.forEach((loop) => loop.kill('SIGKILL')));
  return testDaemon(t, { args, tls, wrap: ['taskset', '-c', '0', 'nice', '-n', '5'] });
}

/** Give the daemon work, from an address of its own, until the function that this returns is called. */
async function work(daemon) {
  const peer = await open(daemon, '/echo', { from: '127.0.0.9' });
  const text = 'x'.repeat(60000);
  let done = false;
  const working = (async () => {
    while (!done) {
      await Promise.all(Array.from({ length: 8 }, () => peer.text(text)));
      for (let i = 0; i < 8; i++) assert.equal(await peer.says(), `text ${text}`);
    }
    await peer.leave();
  })();
  return () => {
    done = true;
    return working;
  };
}

/** Send so many pings each tenth of a second, until the peer is closed for them. */
async function isClosedForPings(peer, count) {
  const bytes = Buffer.concat(Array(count).fill(frame(PING)));
  const timer = setInterval(() => peer.wire.socket.write(bytes), 100);
  const close = await peer.wire.until(() => peer.frames.find(({ opcode }) => opcode === CLOSE), 'that the peer is closed', 60000).finally(() => clearInterval(timer));
  assert.equal(close.payload.subarray(2).toString(), 'too many control frames');
  peer.wire.reset();
}

describe('what no rate counts', () => {
  const ping = frame(PING);
  const piece = (payload) => frame(CONTINUATION, payload, { fin: false });
  const floods = {
    'pings': ping,
    'empty continuation frames': piece(''),
    'pings between the smallest pieces of a message': Buffer.concat([piece('x'), ...Array(20).fill(ping)]),
  };
  for (const [name, unit] of Object.entries(floods)) {
    it(`a peer that floods with ${name} is closed with 4429, and nobody else`, async (t) => {
      const daemon = await testDaemon(t, { args: ['--message-rate', '0', '--byte-rate', '0'] });
      const [rude, large, quiet] = await Promise.all([1, 2, 3].map(() => open(daemon, '/echo')));
      const bytes = Buffer.concat([frame(TEXT, 'begun', { fin: false }), ...Array(Math.ceil(120000 / unit.length)).fill(unit), frame(CONTINUATION)]);
      let done = false;
      const others = (async () => {
        for (let i = 0; !done; i++) {
          const text = `${i} ${'x'.repeat(60000)}`;
          await large.text(text);
          assert.equal(await large.says(), `text ${text}`);
        }
      })();
      await pour(rude, bytes, 60);
      done = true;
      await others;
      const { floods: counted, closed_4429: closed } = await daemon.meters();
      assert.deepEqual([counted, closed], [1, 1]);
      await quiet.text('still here');
      assert.equal(await quiet.says(), 'text still here');
      for (const peer of [large, quiet]) await peer.leave();
    });
  }

  it('many connections of one address that flood together are closed, and nobody who sends as people do', async (t) => {
    const daemon = await starvedDaemon(t, ['--message-rate', '0', '--byte-rate', '0']);
    const [large, quiet] = await Promise.all([1, 2].map(() => open(daemon, '/echo')));
    const rude = await Promise.all(Array.from({ length: 60 }, () => open(daemon, '/echo')));
    const some = Buffer.concat(Array(600).fill(frame(PING)));
    const timer = setInterval(() => { // 36 kB a second each
      for (const { wire } of rude) wire.socket.write(some);
    }, 100);
    const text = 'x'.repeat(60000);
    const closed = Promise.any(rude.map((peer) => peer.wire.until(() => peer.frames.find(({ opcode }) => opcode === CLOSE), 'that one is closed', 60000)));
    let done = false;
    closed.then(() => { done = true; }, () => { done = true; });
    while (!done) { // the daemon has work
      await Promise.all(Array.from({ length: 8 }, () => large.text(text)));
      for (let i = 0; i < 8; i++) assert.equal(await large.says(), `text ${text}`);
    }
    assert.equal((await closed).payload.subarray(2).toString(), 'too many control frames');
    clearInterval(timer);
    for (const { wire } of rude) wire.reset();
    await quiet.text('still here');
    assert.equal(await quiet.says(), 'text still here');
    for (const peer of [large, quiet]) await peer.leave();
  });

  it('what came before a peer was let in is none of it', async (t) => {
    const daemon = await starvedDaemon(t, ['--message-rate', '0', '--byte-rate', '0']);
    const stop = await work(daemon);
    const [before, after] = await Promise.all([1, 2].map(() => open(daemon, '/echo')));
    await isClosedForPings(before, 10000); // so somebody looks
    const peer = await open(daemon, '/echo', { headers: { Cookie: `${' '.repeat(400000)}a=b` }, patience: 20000 });
    await isClosedForPings(after, 10000); // so it was looked at
    assert.equal((await daemon.meters()).floods, 2);
    await peer.text('still here');
    assert.equal(await peer.says(), 'text still here');
    await peer.leave();
    await stop();
  });

  it('a peer that floods is closed however many are connected that have not begun to speak', async (t) => {
    const daemon = await starvedDaemon(t, ['--message-rate', '0', '--byte-rate', '0', '--connect-rate', '0', '--handshake-timeout', '60'], true);
    const silent = await Promise.all(Array.from({ length: 200 }, () => connect(daemon, { port: daemon.tlsPort })));
    const stop = await work(daemon);
    await isClosedForPings(await open(daemon, '/echo'), 4000); // 240 kB a second
    for (const wire of silent) wire.reset();
    await stop();
  });

  it('a peer that floods is closed though others leave the daemon little of the processor', async (t) => {
    const daemon = await starvedDaemon(t);
    const rude = await open(daemon, '/echo');
    const bytes = Buffer.concat(Array(20000).fill(frame(PING)));
    const [before, clock] = [await daemon.cpu(), stopwatch()];
    await pour(rude, bytes, 60);
    const used = (await daemon.cpu() - before) / clock();
    const { floods } = await daemon.meters();
    assert.equal(floods, 1);
    assert.ok(used < 0.5, `the daemon had ${used} of the processor`);
  });
});

describe('who was closed', () => {
  it('is not listened to for long', async (t) => {
    const daemon = await testDaemon(t, {});
    const peer = await open(daemon, '/echo');
    const bytes = frame(TEXT, 'x'.repeat(60000));
    await peer.wire.write(frame(TEXT, 'x'.repeat(70000)));
    assert.equal(await peer.says(), 'close 1009 message too large');
    await pour(peer, bytes, 60);
    const { sent_on: sentOn, messages_in: came } = await daemon.meters();
    assert.deepEqual([sentOn, came], [1, 0]);
  });

  it('ends in order with what it had sent before it heard of it', async (t) => {
    const daemon = await testDaemon(t, {});
    const peer = await open(daemon, '/echo');
    await peer.wire.write(Buffer.concat([frame(TEXT, 'x'.repeat(70000)), frame(TEXT, 'x'.repeat(60000)), frame(TEXT, 'x'.repeat(60000))]));
    assert.deepEqual(await peer.closed(), { code: 1009, reason: 'message too large' });
    assert.equal(await peer.ended, 'end');
    assert.equal((await daemon.meters()).sent_on, 0);
  });
});

describe('the pieces of a message', () => {
  const args = ['--message-rate', '0', '--byte-rate', '65536']; // 262144 at once

  /** A message in pieces of so many bytes. */
  const inPieces = (bytes, size) => Buffer.concat(Array.from({ length: Math.ceil(bytes.length / size) }, (_, i) =>
    frame(i ? CONTINUATION : TEXT, bytes.subarray(i * size, (i + 1) * size), { fin: (i + 1) * size >= bytes.length })));

  it('cost byte-rate 256 bytes at least, each but the last', async (t) => {
    const daemon = await testDaemon(t, { args });
    const peer = await open(daemon, '/echo');
    const text = Buffer.from('x'.repeat(1500));
    await peer.wire.write(inPieces(text, 1));
    assert.equal(await peer.says('the echo', 20000), `text ${text}`);
    assert.ok((await daemon.meters()).held > 0);
    await peer.leave();
  });

  it('cost no more than their bytes if they are as large as those of clients that mean well', async (t) => {
    const daemon = await testDaemon(t, { args });
    const peer = await open(daemon, '/echo');
    const text = Buffer.from(noise(1, 25000).toString('hex'));
    for (const size of [256, 4096, 16384, 50000]) {
      await peer.wire.write(inPieces(text, size));
      assert.equal(await peer.says(`the echo of pieces of ${size}`), `text ${text}`);
    }
    assert.equal((await daemon.meters()).held, 0);
    await peer.leave();
  });
});
