// Goal: whatever the machine under the daemon does costs one connection at most: sockets that take little, or
// nothing, or break, and clocks that jump. And memory that is counted wrong is noticed by a debug build itself.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { unlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { connect } from 'node:tls';
import { open } from '../lib/client.mjs';
import { certificateDirectory, scratch, spawnDaemon, workers } from '../lib/daemon.mjs';
import { Faults, Healthy, faulty, faultyDaemon } from '../lib/faults.mjs';
import { ask } from '../lib/http.mjs';
import { isIdle } from '../lib/process.mjs';
import { Session } from '../lib/v1.mjs';

const HOUR = 3600; // s
const YEAR = 365 * 24 * HOUR;

/** Fifty messages of each length through a relay, and a page, over ws and wss. */
async function converse(daemon) {
  for (const base of [daemon.ws, daemon.wss]) {
    const [one, other] = await Promise.all([open(`${base}/relay/r`), open(`${base}/relay/r`)]);
    const texts = Array.from({ length: 50 }, (_, i) => `${i}${'x'.repeat(i * 10)}`);
    for (const text of texts) one.send(text);
    for (const text of texts) assert.equal(await other.next(), text);
    await Promise.all([one, other].map((client) => client.close()));
  }
  assert.equal((await ask({ port: daemon.port }, '/')).status, 200);
}

/** What a TLS client is shown now. */
async function certificate(daemon) {
  const socket = connect({ port: daemon.tlsPort, rejectUnauthorized: false });
  await once(socket, 'secureConnect');
  const shown = socket.getPeerCertificate();
  socket.destroy();
  return shown;
}

describe('sockets', () => {
  test('that take one byte at a time get everything', { timeout: 60000 }, async (t) => {
    const faults = new Faults();
    const daemon = await faultyDaemon(t, faults);
    faults.narrow(1);
    await converse(daemon);
  });

  test('that often take nothing get everything, also seven bytes at a time', { timeout: 60000 }, async (t) => {
    const faults = new Faults();
    const daemon = await faultyDaemon(t, faults);
    faults.refuse(50);
    await converse(daemon);
    faults.narrow(7);
    await converse(daemon);
  });

  test('that take nothing for a while get everything afterwards', { timeout: 60000 }, async (t) => {
    const faults = new Faults();
    const daemon = await faultyDaemon(t, faults);
    for (const base of [daemon.ws, daemon.wss]) {
      const [one, other] = await Promise.all([open(`${base}/relay/r`), open(`${base}/relay/r`)]);
      const { messages_in: before } = await daemon.meters();
      faults.refuse(100);
      for (let i = 0; i < 100; i++) one.send(`${i}`);
      while ((await daemon.meters()).messages_in < before + 100);
      faults.refuse(0);
      for (let i = 0; i < 100; i++) assert.equal(await other.next(), `${i}`);
      await Promise.all([one, other].map((client) => client.close()));
    }
  });

  test('that break cost that connection, and a session nothing', { timeout: workers > 1 ? 150000 : 60000 }, async (t) => {
    const faults = new Faults();
    const daemon = await faultyDaemon(t, faults);
    const healthy = await Healthy.join(daemon);
    for (const base of [daemon.ws, daemon.wss]) {
      const [victim, other] = await Promise.all([0, 1].map(() => Session.join(base, 'room')));
      // Who speaks TLS for another worker reads on for a minute, for what was said before: here reading goes well for ever.
      for (const error of workers > 1 && base === daemon.wss ? ['ECONNRESET'] : ['ECONNRESET', 'EPIPE', 'ETIMEDOUT']) {
        faults.refuse(100, error, victim.ws);
        other.send({ type: 'x', text: error });
        await healthy.talk();
        await victim.closed;
        faults.refuse(0);
        await other.find('peer-away');
        await victim.connect();
        assert.equal(victim.first.type, 'resumed');
        assert.equal((await victim.find('x')).text, error);
        await other.find('peer-back');
        await healthy.talk();
      }
      for (const session of [victim, other]) await session.bye();
    }
    await healthy.leave();
  });
});

describe('clocks', () => {
  test('of the wall that jump change the dates that are written, and nothing else', { timeout: 60000 }, async (t) => {
    certificateDirectory();
    const faults = new Faults();
    const daemon = await faultyDaemon(t, faults, '--ping-interval', '1', '--ping-timeout', '2', '--resume-seconds', '3', '--message-rate', '20', '--byte-rate', '20000');
    const healthy = await Healthy.join(daemon);
    const [coming, other] = await Promise.all([0, 1].map(() => Session.join(daemon.ws, 'room')));
    for (const seconds of [HOUR, -HOUR, 10 * YEAR]) {
      coming.ws.terminate();
      await other.find('peer-away');
      faults.setClock(seconds);
      await coming.connect();
      assert.equal(coming.first.type, 'resumed');
      await other.find('peer-back');
      await once(healthy.pair[1].ws, 'ping');
      await healthy.talk();
      for (const base of [daemon.ws, daemon.wss]) await (await open(`${base}/echo`)).close();
      const stamp = new Date(Date.now() + seconds * 1000).toISOString().slice(0, 11); // the day
      await daemon.logged(`${stamp}`, ' peer.leave ');
    }
    coming.ws.terminate();
    await other.find('peer-away');
    faults.setClock(-10 * YEAR);
    assert.equal((await other.find('peer-left')).reason, 'gone');
    const { held, closed_4429: closed } = await daemon.meters();
    assert.deepEqual([held, closed], [0, 0]);
    await other.bye();
    await healthy.leave();
    await isIdle(daemon);
  });

  test('of the wall that jump bring a new certificate, once, as soon as the disk has room for it', { timeout: 60000 }, async (t) => {
    const disk = scratch();
    try {
      execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'nakodo-test', disk], { stdio: 'pipe' });
    } catch (error) {
      return t.skip(`no file system can be mounted here: ${error.stderr}`);
    }
    t.after(() => execFileSync('umount', ['-l', disk]));
    const faults = new Faults();
    const { env, args } = faulty(faults, '--listen', '127.0.0.1:0', '--listen', 'tls:127.0.0.1:0', '--tls-self-signed', disk);
    const daemon = spawnDaemon({ env, args });
    t.after(() => daemon.stop());
    await daemon.ready();
    const { fingerprint256: old } = await certificate(daemon);
    assert.throws(() => writeFileSync(join(disk, 'other'), Buffer.alloc(1 << 17)), { code: 'ENOSPC' });
    faults.setClock(10 * YEAR);
    faults.setMonotonic(60); // it looks now and then; that is due
    await daemon.logged(' error certificate.renew ', 'No space left');
    assert.equal((await certificate(daemon)).fingerprint256, old);
    unlinkSync(join(disk, 'other'));
    const issued = () => daemon.lines(' certificate.issue ');
    faults.setMonotonic(2 * HOUR); // it tries again after an hour
    await daemon.until(() => issued().length === 2, 'a second certificate');
    const fresh = await certificate(daemon);
    assert.ok(fresh.fingerprint256 !== old && new Date(fresh.valid_to) > Date.now() + 10 * YEAR * 1000);
    faults.setMonotonic(3 * HOUR);
    await isIdle(daemon);
    assert.equal(issued().length, 2);
  });

  test('that are monotonic and jump throw out nobody who answers', { timeout: 60000 }, async (t) => {
    const faults = new Faults();
    const daemon = await faultyDaemon(t, faults, '--ping-interval', '20', '--ping-timeout', '5');
    const healthy = await Healthy.join(daemon);
    const session = await Session.join(daemon.ws, 'room');
    for (const jump of [HOUR, 2 * HOUR, 2 * HOUR + 60]) {
      await healthy.talk();
      const asked = once(healthy.pair[0].ws, 'ping');
      faults.setMonotonic(jump);
      await asked;
      await healthy.talk();
      await session.silent();
    }
    const { closed_4408: closed } = await daemon.meters();
    assert.equal(closed, 0);
    await session.bye();
    await healthy.leave();
  });
});

test('a byte that is counted and that nobody holds ends a debug build', { timeout: 30000 }, async () => {
  const faults = new Faults();
  const daemon = spawnDaemon(faulty(faults));
  await daemon.ready();
  faults.lose(5);
  await open(`${daemon.ws}/echo`).catch(() => {}); // it allocates something; the end may come first
  assert.equal(await daemon.exit(), 'SIGABRT');
  assert.match(daemon.stderr, / error invariant broken="memory_frames counts \d+ bytes, and \d+ are found"\n/);
});
