// Goal: a receiver that reads at 1 MB/s is never closed for what others send; one that reads nothing is, soon, and meanwhile delays nobody much.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { describe, it } from 'node:test';
import { testDaemon } from '../lib/daemon.mjs';
import { BINARY, CLOSE, frame, noise, open, PING, PONG, stopwatch } from '../lib/raw.mjs';
import { Reader } from '../lib/reader.mjs';

const MB = 1e6;

/** Between two messages, so that the readers of this process, which have a pace to keep, get at theirs. */
const turn = () => new Promise(setImmediate);

describe('who reads more slowly than others send', { concurrency: true }, () => {
  it('gets a whole burst at 1 MB/s and more', async (t) => {
    const daemon = await testDaemon(t, { args: ['--byte-rate', '0'] });
    const readers = await Promise.all([1, 5, 12].map((mb) => Reader.open(daemon, '/relay', mb * MB)));
    const sender = await open(daemon, '/relay');
    const count = 200; // the burst that message-rate allows
    const size = 65000;
    const hash = createHash('sha256'); // of what a receiver gets: the frames unmasked
    for (let i = 0; i < count; i++) {
      sender.binary(noise(i, size));
      hash.update(frame(BINARY, noise(i, size), { mask: false }));
      await turn();
    }
    await Promise.all(readers.map((reader) => reader.has(count * (size + 4), 60000)));
    const digest = hash.digest('hex');
    for (const reader of readers) assert.equal(reader.digest, digest, `the bytes at ${reader.pace} a second`);
    const { held_for_readers: held, closed_4508: closed } = await daemon.meters();
    assert.ok(held > 0, 'the sender was never left unread');
    assert.equal(closed, 0);
    await Promise.all([...readers, sender].map((peer) => (peer.wire ?? peer).socket.destroy()));
  });

  it('gets at 1 MB/s what many send at once', async (t) => {
    const daemon = await testDaemon(t, {});
    const reader = await Reader.open(daemon, '/relay', MB);
    const senders = await Promise.all(Array.from({ length: 40 }, () => open(daemon, '/relay')));
    const size = 60000;
    for (const sender of senders) {
      sender.wire.socket.on('data', () => { sender.frames.length = 0; }); // they hear each other
      for (let i = 0; i < 4; i++) sender.binary(noise(i, size));
      await turn();
    }
    await reader.has(40 * 4 * (size + 4), 60000);
    assert.equal((await daemon.meters()).closed_4508, 0);
    for (const { socket } of [reader, ...senders.map(({ wire }) => wire)]) socket.destroy();
  });

  it('does not stop one that sends little, however much another address sends', async (t) => {
    const daemon = await testDaemon(t, { args: ['--byte-rate', '0'] });
    const reader = await Reader.open(daemon, '/relay', 0.9 * MB);
    const crowd = await Promise.all(Array.from({ length: 30 }, () => open(daemon, '/relay', { from: '127.0.0.20' })));
    const [sender, listener] = await Promise.all([1, 2].map(() => open(daemon, '/relay')));
    const size = 60000;
    for (const { wire, frames } of [...crowd, sender]) wire.socket.on('data', () => { frames.length = 0; });
    let sent = 0;
    /** How long a message takes among 20. */
    const rounds = async () => {
      const times = [];
      for (let i = 0; i < 20; i++) {
        const clock = stopwatch();
        await sender.text(`message ${++sent}`);
        while (String(await listener.says('a message')) !== `text message ${sent}`);
        times.push(clock());
      }
      return times.sort((a, b) => a - b)[10];
    };
    const quiet = await rounds();
    for (const one of crowd) {
      for (let i = 0; i < 4; i++) one.binary(noise(i, size));
      await turn();
    }
    await reader.has(30 * size / 4);
    const busy = await rounds();
    assert.ok(busy <= Math.max(2 * quiet, 0.1), `median in s, without the crowd and with it: ${quiet}, ${busy}`);
    assert.ok((await daemon.meters()).held_for_readers > 0);
    for (const { socket } of [reader, ...[...crowd, sender, listener].map(({ wire }) => wire)]) socket.destroy();
  });

  it('and reads nothing is closed after a second of that, in which nobody is stopped', async (t) => {
    const daemon = await testDaemon(t, { args: ['--message-rate', '0', '--byte-rate', '0'] });
    const [sender, listener] = await Promise.all([1, 2].map(() => open(daemon, '/relay')));
    let sent = 0;
    /** One message through the room; s. */
    const round = async () => {
      const clock = stopwatch();
      await sender.binary(noise(sent, 8000));
      await listener.next(`message ${sent++}`);
      return clock();
    };
    const quiet = [];
    while (quiet.length < 100) quiet.push(await round());
    const dead = await Reader.open(daemon, '/relay', 0);
    let gone = false;
    daemon.logged('peer.leave').then(() => { gone = true; });
    const busy = [];
    while (!gone) {
      busy.push(await round());
      assert.ok(sent < 2000, '16 MB wait for one that reads nothing');
    }
    // The fair pause for 8 kB is 10 ms.
    const [before, then] = [quiet, busy].map((times) => times.sort((a, b) => a - b)[Math.floor(times.length * 0.95)]);
    assert.ok(then <= Math.max(2 * before, 0.05), `p95 in s, without it and with it: ${before}, ${then}`);
    const { closed_4508: closed, held_for_readers: held } = await daemon.meters();
    assert.equal(closed, 1);
    assert.ok(held > 0);
    dead.leave();
    for (const peer of [sender, listener]) await peer.leave();
  });

  it('and takes nothing for slow-seconds is closed, however many pongs it sends', async (t) => {
    const daemon = await testDaemon(t, { args: ['--slow-seconds', '2', '--send-queue', '2MiB', '--resume-bytes', '4MiB', '--byte-rate', '0'] });
    const [sender, dead] = await Promise.all([open(daemon, '/relay'), Reader.open(daemon, '/relay', 0)]);
    const ponging = setInterval(() => dead.socket.write(frame(PONG, '')), 100);
    dead.ended.then(() => clearInterval(ponging));
    const clock = stopwatch();
    for (let i = 0; i < 16; i++) await sender.binary(noise(i, 60000)); // less than half of send-queue
    await sender.send(PING, '');
    assert.match(await sender.says(), /^pong/);
    const kernel = execFileSync('ss', ['-tinH', `sport = :${daemon.port}`], { encoding: 'utf8' });
    const unsent = [...kernel.matchAll(/notsent:(\d+)/g)].map(([, bytes]) => Number(bytes));
    assert.ok(unsent.length && Math.max(...unsent) < 200000, `the kernel holds ${unsent} bytes unsent`);
    await daemon.logged('peer.leave');
    assert.ok(clock() > 1.9, `closed after ${clock()} s`);
    const { stalled, held_for_readers: held } = await daemon.meters();
    assert.deepEqual([stalled, held], [1, 0]);
    dead.leave();
    await sender.leave();
  });

  it('and then breaks the protocol is told so when it reads on', async (t) => {
    const daemon = await testDaemon(t, { args: ['--slow-seconds', '60', '--send-queue', '8MiB', '--resume-bytes', '16MiB', '--byte-rate', '0'] });
    const [sender, slow] = await Promise.all([1, 2].map(() => open(daemon, '/relay')));
    slow.wire.socket.pause();
    for (let i = 0; i < 60; i++) {
      await sender.binary(noise(i, 60000));
      await turn();
    }
    await sender.send(PING, '');
    assert.match(await sender.says(), /^pong/);
    await slow.send(3, ''); // a reserved opcode
    await sender.send(PING, '');
    assert.match(await sender.says(), /^pong/);
    slow.wire.socket.resume();
    let said;
    do said = await slow.next('the close frame'); while (said.opcode === BINARY);
    assert.deepEqual([said.opcode, said.payload.readUInt16BE()], [CLOSE, 1002]);
    await daemon.logged('peer.leave');
    assert.equal((await daemon.meters()).closed_1002, 1);
    await sender.leave();
  });

  it('but takes something is not closed for that', async (t) => {
    const daemon = await testDaemon(t, { args: ['--slow-seconds', '4', '--send-queue', '2MiB', '--resume-bytes', '4MiB', '--byte-rate', '0'] });
    const [sender, reader] = await Promise.all([open(daemon, '/relay'), Reader.open(daemon, '/relay', 100000)]);
    for (let i = 0; i < 16; i++) sender.binary(noise(i, 60000));
    await reader.has(16 * 60004, 60000);
    assert.equal((await daemon.meters()).stalled, 0);
    reader.leave();
    await sender.leave();
  });

  it('leaves other rooms alone', async (t) => {
    const daemon = await testDaemon(t, { args: ['--message-rate', '0', '--byte-rate', '0'] });
    const [sender, reader, here] = await Promise.all([open(daemon, '/relay/there'), Reader.open(daemon, '/relay/there', MB / 2), open(daemon, '/echo')]);
    const rounds = async () => {
      const times = [];
      for (let i = 0; i < 200; i++) {
        const round = stopwatch();
        await here.text(String(i));
        await here.says(`echo ${i}`);
        times.push(round());
      }
      return times.sort((a, b) => a - b)[197];
    };
    const quiet = await rounds();
    for (let i = 0; i < 100; i++) sender.binary(noise(i, 60000));
    const busy = await rounds();
    assert.ok(busy <= Math.max(2 * quiet, 0.05), `p99 in s, quiet and busy: ${quiet}, ${busy}`);
    for (const { socket } of [sender.wire, reader, here.wire]) socket.destroy();
  });
});
