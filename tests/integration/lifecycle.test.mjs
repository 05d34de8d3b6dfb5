// From start to end: what systemd is told, leaving gently on SIGTERM and at once on a second one,
// and SIGHUP, which replaces the certificate under live connections.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { copyFileSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { open, openMany } from '../lib/client.mjs';
import { root, runDaemon, scratch, testDaemon } from '../lib/daemon.mjs';
import { ask, dial } from '../lib/http.mjs';
import { notifySocket } from '../lib/notify.mjs';
import { CLOSE, open as openRaw } from '../lib/raw.mjs';

const directory = scratch();

describe('what systemd is told', () => {
  it('READY when it listens, RELOADING and READY again on SIGHUP, STOPPING on SIGTERM', async (t) => {
    const systemd = await notifySocket(t);
    const daemon = await testDaemon(t, { env: systemd.env });
    assert.deepEqual(await systemd.next('READY'), { READY: '1', STATUS: 'Listening on 1 sockets' });
    assert.equal((await ask({ port: daemon.port }, '/healthz')).status, 200);
    daemon.child.kill('SIGHUP');
    const reloading = await systemd.next('RELOADING');
    const now = Number(readFileSync('/proc/uptime', 'utf8').split(' ')[0]);
    assert.ok(Math.abs(Number(reloading.MONOTONIC_USEC) / 1e6 - now) < 60, reloading.MONOTONIC_USEC);
    assert.deepEqual(await systemd.next('READY'), { READY: '1', STATUS: 'Listening on 1 sockets' });
    daemon.child.kill('SIGTERM');
    assert.equal((await systemd.next('STOPPING')).STOPPING, '1');
    await daemon.endedWell();
    assert.equal(systemd.messages.length, 4);
  });

  it('nothing when it cannot start', async (t) => {
    const systemd = await notifySocket(t);
    const { status } = await runDaemon(['--listen', '192.0.2.1:0', '--web-root', join(root, 'web')], systemd);
    assert.equal(status, 1);
    const daemon = await testDaemon(t, systemd);
    await daemon.stop();
    await systemd.next('STOPPING');
    assert.equal(systemd.messages.filter((m) => m.READY).length, 1);
  });

  it('WATCHDOG at half of the period, for as long as it lives', async (t) => {
    const systemd = await notifySocket(t);
    const daemon = await testDaemon(t, { env: { ...systemd.env, WATCHDOG_USEC: '500000' } });
    await systemd.next('WATCHDOG');
    const start = Date.now();
    for (let i = 0; i < 4; i++) await systemd.next('WATCHDOG');
    assert.ok(Date.now() - start > 700, 'it was fed more often than four times in 700 ms');
    await daemon.stop();
  });
});

describe('a systemd that does not read', () => {
  it('stops nobody, and hears what has become of the daemon as soon as it reads', async (t) => {
    const systemd = await notifySocket(t, { full: true });
    const daemon = await testDaemon(t, { env: { ...systemd.env, WATCHDOG_USEC: '100000' } });
    assert.equal((await ask({ port: daemon.port }, '/healthz')).status, 200);
    daemon.child.kill('SIGHUP');
    assert.equal((await ask({ port: daemon.port }, '/healthz')).status, 200);
    systemd.read();
    await systemd.next('READY');
    await systemd.next('WATCHDOG');
    await daemon.stop();
    await systemd.next('STOPPING');
  });
});

describe('SIGTERM', { concurrency: 3 }, () => {
  /** Close times after the first, in ms, and what was said. */
  async function farewells(clients) {
    const ends = await Promise.all(clients.map(async (client) => ({ ...await client.closed, at: Date.now() })));
    const first = Math.min(...ends.map((e) => e.at));
    return { codes: [...new Set(ends.map((e) => `${e.code} ${e.reason}`))], times: ends.map((e) => e.at - first).sort((a, b) => a - b) };
  }

  it('closes all with 1001, spread over drain-seconds, and ends with 0', async (t) => {
    const daemon = await testDaemon(t, { args: ['--drain-seconds', '2'], tls: true });
    const clients = [...await openMany(daemon.ws, 80), ...await openMany(`${daemon.wss}/chat`, 20)];
    daemon.child.kill('SIGTERM');
    const { codes, times } = await farewells(clients);
    assert.deepEqual(codes, ['1001 the server is stopping']);
    assert.ok(times[50] > 500 && times[99] > 1200 && times[99] < 8000, `half after ${times[50]} ms, all after ${times[99]} ms`);
    await daemon.endedWell();
    assert.equal(daemon.lines('server.stop how=draining peers=100').length, 1);
    assert.equal(daemon.lines('server.stopped peers=0').length, 1);
  });

  it('needs no drain-seconds for a few, and takes none when they are 0', async (t) => {
    for (const [seconds, count] of [['600', 5], ['0', 100]]) {
      const daemon = await testDaemon(t, { args: ['--drain-seconds', seconds] });
      const clients = await openMany(daemon.ws, count);
      const start = Date.now();
      daemon.child.kill(seconds === '0' ? 'SIGINT' : 'SIGTERM');
      assert.deepEqual((await farewells(clients)).codes, ['1001 the server is stopping']);
      await daemon.endedWell();
      assert.ok(Date.now() - start < 15000);
    }
  });

  it('stops accepting at once, while those who are in can still talk', async (t) => {
    const daemon = await testDaemon(t, { args: ['--drain-seconds', '600'] });
    const clients = await openMany(`${daemon.ws}/chat`, 250);
    daemon.child.kill('SIGTERM');
    await daemon.logged('server.stop');
    await assert.rejects(dial({ port: daemon.port }), { code: 'ECONNREFUSED' });
    const last = clients.at(-1);
    assert.equal(await last.send('still here').next(), 'still here');
    assert.equal(last.end, undefined);
  });

  it('waits for those who do not answer the close frame, but not for ever, and not for idle connections', async (t) => {
    const daemon = await testDaemon(t, { args: ['--drain-seconds', '0', '--listen', '127.0.0.1:0', '--listen', 'proxy:127.0.0.1:0'], tls: true });
    const [stubborn] = [await openRaw(daemon, '/'), ...await Promise.all(daemon.ports.map((port) => dial({ port })))];
    const start = Date.now();
    daemon.child.kill('SIGTERM');
    assert.equal((await stubborn.next()).opcode, CLOSE);
    await daemon.endedWell();
    assert.ok(Date.now() - start > 4000, 'it did not wait');
    await stubborn.ended;
  });

  it('twice ends it at once, with 0, and more of them change nothing', async (t) => {
    const daemon = await testDaemon(t, { args: ['--drain-seconds', '600'] });
    const stubborn = await openRaw(daemon, '/');
    const clients = await openMany(daemon.ws, 100);
    daemon.child.kill('SIGTERM');
    await daemon.logged('server.stop how=draining');
    const start = Date.now();
    daemon.child.kill('SIGTERM');
    await daemon.logged('server.stop how="at once"');
    for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP']) daemon.child.kill(signal);
    await daemon.endedWell();
    assert.ok(Date.now() - start < 4000);
    await Promise.all([stubborn.ended, ...clients.map((client) => client.closed)]);
  });
});

describe('SIGHUP', () => {
  /** A certificate and key of that kind as NAME.pem and NAME.key. */
  function make(name, ...kind) {
    const file = (extension) => join(directory, `${name}.${extension}`);
    execFileSync('openssl', ['req', '-x509', '-nodes', '-days', '2', '-subj', `/CN=${name}`, '-newkey', ...kind, '-keyout', file('key'), '-out', file('pem')], { stdio: 'ignore' });
  }
  function install(cert, key = cert) {
    copyFileSync(join(directory, `${cert}.pem`), join(directory, 'live.pem'));
    copyFileSync(join(directory, `${key}.key`), join(directory, 'live.key'));
  }

  it('gives new connections the new certificate, from EC to RSA and back, and drops nobody', async (t) => {
    make('one', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256');
    make('two', 'rsa:2048');
    install('one');
    const daemon = await testDaemon(t, { cwd: directory, args: ['--listen', 'tls:127.0.0.1:0', '--tls-cert', 'live.pem', '--tls-key', 'live.key'] });
    const echo = `${daemon.wss}/echo`;
    const clients = [await open(echo)];
    let reloads = 0;
    const reload = async (...words) => {
      const line = await daemon.reload();
      for (const word of words) assert.ok(line.includes(word), line);
      reloads++;
    };
    const presents = async (name) => {
      const wire = await dial({ port: daemon.tlsPort, tls: true });
      const expected = new X509Certificate(readFileSync(join(directory, `${name}.pem`)));
      assert.equal(wire.socket.getPeerX509Certificate().fingerprint256, expected.fingerprint256);
      wire.socket.destroy();
      clients.push(await open(echo));
      for (const client of clients) assert.equal(await client.send(`${name} ${reloads}`).next(), `${name} ${reloads}`);
    };

    await presents('one');
    install('two');
    await reload('info', 'reload.done');
    await presents('two');
    install('one');
    await reload('info', 'reload.done');
    await presents('one');

    install('two', 'one');
    await reload('error', 'reload.failed', 'does not belong to the certificate');
    await presents('one');
    writeFileSync(join(directory, 'live.pem'), '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n');
    await reload('error', 'reload.failed', 'cannot read the certificate', join(directory, 'live.pem'));
    await presents('one');
    rmSync(join(directory, 'live.pem'));
    execFileSync('mkfifo', [join(directory, 'live.pem')]); // nobody ever writes to it
    await reload('error', 'reload.failed', 'cannot read the certificate', 'it is no regular file');
    await presents('one');
    rmSync(join(directory, 'live.pem'));
    install('two');
    await reload('info', 'reload.done');
    await presents('two');
    for (const client of clients) await client.close();
  });

  it('without a certificate drops nobody either', async (t) => {
    const systemd = await notifySocket(t);
    const daemon = await testDaemon(t, systemd);
    const client = await open(`${daemon.ws}/echo`);
    for (let i = 0; i < 3; i++) {
      daemon.child.kill('SIGHUP');
      await systemd.next('RELOADING');
      assert.equal(await client.send('hello').next(), 'hello');
    }
    await client.close();
  });
});
