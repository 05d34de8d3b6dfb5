// Goal: SIGHUP makes the daemon do what its options say now, all of it or nothing, and nobody is dropped.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { open, refused } from '../lib/client.mjs';
import { configured } from '../lib/configured.mjs';
import { scratch } from '../lib/daemon.mjs';
import { ask, dial } from '../lib/http.mjs';
import { notifySocket } from '../lib/notify.mjs';
import { Key } from '../lib/tokens.mjs';
import { Session } from '../lib/v1.mjs';

const hello = async (client) => assert.equal(await client.send('hello').next(), 'hello');
const from = (origin) => ({ headers: { origin } });

describe('what SIGHUP changes', () => {
  it('is who may come in: origins, server names, numbers of peers', async (t) => {
    const daemon = await configured(t, 'origin = https://a.example');
    const echo = `${daemon.ws}/echo`;
    const before = await open(echo, from('https://a.example'));
    assert.equal((await refused(echo, from('https://b.example'))).status, 403);
    await daemon.says('origin = https://b.example\nserver-name = here.example\nmax-peers = 2');
    assert.equal((await refused(echo, from('https://a.example'))).status, 403);
    const after = await open(echo, { headers: { origin: 'https://b.example', host: 'here.example' } });
    assert.equal((await refused(echo, from('https://b.example'))).json.code, 'server-full');
    await daemon.says('');
    assert.equal((await refused(echo, from('https://b.example'))).status, 403);
    const last = await open(echo);
    for (const client of [before, after, last]) await hello(client).then(() => client.close());
  });

  it('is what those may do who are there: the size of a message, the members of a room', async (t) => {
    const daemon = await configured(t, '');
    const [one, two] = [await open(`${daemon.ws}/relay/a`), await open(`${daemon.ws}/relay/a`)];
    const seat = await Session.join(daemon.ws, 'a');
    assert.equal(seat.first.limits.peers, 16);
    await daemon.says('max-message = 1KiB\nmax-peers-per-room = 2\nroom-peers = 2');
    const third = await open(`${daemon.ws}/relay/a`);
    assert.equal((await third.closed).code, 4413);
    const other = await Session.join(daemon.ws, 'a');
    await assert.rejects(Session.join(daemon.ws, 'a'), /room-full|no place left/);
    one.send('x'.repeat(1024));
    assert.equal((await two.next()).length, 1024);
    one.send('x'.repeat(1025));
    assert.equal((await one.closed).code, 1009);
    await two.close();
    await Promise.all([seat.bye(), other.bye()]);
  });

  it('is the rate of those who are there', async (t) => {
    const daemon = await configured(t, 'message-rate = 1000');
    const [fast, other] = [await open(`${daemon.ws}/relay/a`), await open(`${daemon.ws}/relay/a`)];
    const seconds = async (count) => {
      const start = performance.now();
      for (let i = 0; i < count; i++) fast.send(String(i));
      for (let i = 0; i < count; i++) assert.equal(await other.next(), String(i));
      return (performance.now() - start) / 1000;
    };
    const quiet = await seconds(40);
    await daemon.says('message-rate = 5');
    const slow = await seconds(30); // 20 at once, the others at 5 a second
    assert.ok(slow > 1.5 && slow > 3 * quiet, `${quiet} s, then ${slow} s`);
    await Promise.all([fast.close(), other.close()]);
  });

  it('is whom a PROXY header or X-Forwarded-For is believed', async (t) => {
    const daemon = await configured(t, 'max-peers-per-address = 1');
    const echo = `${daemon.ws}/echo`;
    const forwarded = (address) => ({ headers: { 'x-forwarded-for': address } });
    const first = await open(echo, forwarded('192.0.2.1'));
    assert.equal((await refused(echo, forwarded('192.0.2.2'))).status, 429);
    await daemon.says('max-peers-per-address = 1\ntrusted-proxy = 127.0.0.1');
    const second = await open(echo, forwarded('192.0.2.2'));
    assert.equal((await refused(echo, forwarded('192.0.2.2'))).status, 429);
    await Promise.all([first.close(), second.close()]);
  });

  it('is what peers are told: ICE servers and TURN, also those who are there', async (t) => {
    const daemon = await configured(t, 'ice-server = stun:one');
    const urls = async () => JSON.parse((await ask({ port: daemon.port }, '/ice.json')).body).iceServers.map((server) => server.urls[0]);
    const seat = await Session.join(daemon.ws, 'a');
    assert.deepEqual(await urls(), ['stun:one']);
    writeFileSync(join(daemon.place, 'secret'), 'north\n', { mode: 0o600 });
    await daemon.says('ice-server = stun:two\nturn-server = turn:three\nturn-secret = secret');
    assert.deepEqual(await urls(), ['stun:two', 'turn:three']);
    const { type, iceServers } = await seat.next();
    assert.deepEqual([type, iceServers.length, iceServers[1].urls], ['ice', 2, ['turn:three']]);
    await daemon.says('');
    assert.deepEqual(await urls(), []);
    await seat.bye();
  });

  it('is whether a token is asked for, and by which keys', async (t) => {
    const daemon = await configured(t, '');
    const key = new Key(daemon.place);
    const bearer = (one) => ({ headers: { authorization: `Bearer ${one.token({ room: 'a' })}` } });
    const before = await open(`${daemon.ws}/relay/a`);
    await daemon.says('auth = token\nauth-key = main:HS256:main-HS256');
    assert.equal((await refused(`${daemon.ws}/relay/a`)).status, 401);
    const after = await open(`${daemon.ws}/relay/a`, bearer(key));
    after.send('hello');
    assert.equal(await before.next(), 'hello');
    await daemon.says('');
    const last = await open(`${daemon.ws}/relay/a`);
    await Promise.all([before, after, last].map((client) => client.close()));
  });

  it('is what is spoken where: a mount comes, one goes when its last peer has left, another dialect takes a path over', async (t) => {
    const daemon = await configured(t, 'mount = /old=relay\nmount = /kept=relay\nmount = /turned=relay');
    const both = (path) => Promise.all([open(daemon.ws + path), open(daemon.ws + path)]);
    const relays = async ([one, other]) => {
      one.send('hello');
      assert.equal(await other.next(), 'hello');
    };
    assert.equal((await refused(`${daemon.ws}/fresh/a`)).status, 404);
    const pairs = await Promise.all(['/old/a', '/kept/a', '/turned/a'].map(both));
    const away = await Session.join(daemon.ws, 'a');
    const stays = await Session.join(daemon.ws, 'a');
    away.ws.terminate();
    await daemon.says('mount = /kept=relay\nmount = /fresh=relay\nmount = /turned=echo\nmount = /v1=off');
    assert.equal((await refused(`${daemon.ws}/old/a`)).status, 404);
    assert.equal((await refused(`${daemon.ws}/v1/a`)).status, 404);
    for (const pair of [...pairs, await both('/fresh/a'), [pairs[1][0], await open(`${daemon.ws}/kept/a`)]]) await relays(pair);
    await hello(await open(`${daemon.ws}/turned`));
    await stays.bye();
    await pairs[0][0].close();
    await daemon.says('mount = /kept=relay');
    await relays(pairs[1].reverse());
    const back = await Session.join(daemon.ws, 'a');
    assert.equal(back.peers.size, 0);
    await back.bye();
  });

  it('is a mount that goes and comes back: who stayed there and who comes are together', async (t) => {
    const daemon = await configured(t, 'mount = /there=relay');
    const stayed = await open(`${daemon.ws}/there/a`);
    const seat = await Session.join(daemon.ws, 'a');
    await daemon.says('mount = /v1=off');
    assert.equal((await refused(`${daemon.ws}/there/a`)).status, 404);
    await daemon.says('mount = /there=relay');
    const came = await open(`${daemon.ws}/there/a`);
    came.send('hello');
    assert.equal(await stayed.next(), 'hello');
    const other = await Session.join(daemon.ws, 'a');
    assert.equal(other.peers.size, 1);
    await Promise.all([stayed.close(), came.close(), seat.bye(), other.bye()]);
  });

  it('is the pages, and where and how much is logged', async (t) => {
    const daemon = await configured(t, '');
    const page = async () => (await ask({ port: daemon.port }, '/')).body.toString();
    mkdirSync(join(daemon.place, 'pages'));
    writeFileSync(join(daemon.place, 'pages', 'index.html'), 'mine');
    assert.notEqual(await page(), 'mine');
    assert.equal(daemon.lines(' debug ').length, 0);
    await daemon.says('log-level = debug');
    await open(`${daemon.ws}/echo`).then((client) => client.close());
    await daemon.logged(' debug ');
    writeFileSync(daemon.path, 'listen = 127.0.0.1:0\nweb-root = pages\nlog-file = log\n');
    daemon.child.kill('SIGHUP');
    while (await page() !== 'mine') assert.equal(daemon.status, undefined);
  });

  it('is the certificate, for the next handshake', async (t) => {
    const place = scratch();
    const certificate = (name) => execFileSync('openssl', ['req', '-x509', '-nodes', '-days', '2', '-subj', `/CN=${name}`, '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-keyout', join(place, `${name}.key`), '-out', join(place, `${name}.pem`)], { stdio: 'ignore' });
    for (const name of ['one', 'two']) certificate(name);
    const use = (name) => `tls-cert = ${join(place, name)}.pem\ntls-key = ${join(place, name)}.key`;
    const daemon = await configured(t, use('one'), { listen: 'listen = tls:127.0.0.1:0' });
    const name = async () => {
      const wire = await dial({ port: daemon.tlsPort, tls: true });
      const { subject } = wire.socket.getPeerX509Certificate();
      wire.socket.destroy();
      return subject;
    };
    const client = await open(`${daemon.wss}/echo`);
    assert.equal(await name(), 'CN=one');
    await daemon.says(use('two'));
    assert.equal(await name(), 'CN=two');
    await hello(client);
    await client.close();
  });
});

describe('nothing changes, and one sentence says why,', () => {
  const changed = 'ice-server = stun:new\nmax-message = 1KiB\norigin = https://new.example\n';

  /** Each of `cases` is refused, and the daemon goes on as it did. */
  async function unchanged(daemon, cases) {
    const client = await open(`${daemon.ws}/echo`);
    for (const [lines, why] of cases) {
      await daemon.refuses(`${changed}${lines}`, why);
      const asked = await ask({ port: daemon.port }, '/ice.json');
      assert.equal(asked.body.toString().includes('stun:new'), false, why);
      assert.equal((await refused(`${daemon.ws}/echo`, from('https://new.example'))).status, 403, why);
      client.send('x'.repeat(2000));
      assert.equal((await client.next()).length, 2000);
    }
    await client.close();
  }

  it('if the file cannot be read, or says what cannot be', async (t) => {
    const daemon = await configured(t, '');
    await unchanged(daemon, [
      ['max-pee', 'nakodo.conf:6'],
      ['no-such = 1', 'nakodo.conf:6'],
      ['max-peers = many', 'nakodo.conf:6'],
      ['origin = nowhere', 'nakodo.conf:6'],
      ['max-message = 100MiB', 'max-message'],
      ['turn-server = turn:a', 'turn-server needs turn-secret'],
    ]);
    renameSync(daemon.path, `${daemon.path}.away`);
    assert.match(await daemon.reload(), / reload\.failed .*nakodo\.conf.*No such file/);
    mkdirSync(daemon.path);
    assert.match(await daemon.reload(), / reload\.failed .*nakodo\.conf/);
    rmSync(daemon.path, { recursive: true });
    await daemon.says('');
  });

  it('if a file that it names is missing, damaged, or open to everybody', async (t) => {
    const daemon = await configured(t, '');
    const secret = join(daemon.place, 'secret');
    writeFileSync(secret, 'north\n');
    chmodSync(secret, 0o644);
    writeFileSync(join(daemon.place, 'short'), 'short', { mode: 0o600 });
    await unchanged(daemon, [
      ['web-root = gone', 'nakodo.conf:6: cannot open web-root `gone`'],
      ['log-file = gone/log', 'nakodo.conf:6: cannot open log-file `gone/log`'],
      ['turn-server = turn:a\nturn-secret = gone', 'nakodo.conf:7: turn-secret `gone`: No such file'],
      ['turn-server = turn:a\nturn-secret = secret', 'everybody may read'],
      ['auth = token\nauth-key = a:HS256:short', 'nakodo.conf:7: auth-key'],
      ['auth = token\nauth-jwks = short', 'nakodo.conf:7: auth-jwks'],
    ]);
  });

  it('if it would need a restart', async (t) => {
    const daemon = await configured(t, '');
    await unchanged(daemon, [
      ['subprotocol = sip', 'nakodo.conf:6: subprotocol cannot change while the daemon runs'],
      ['handshake-timeout = 9s', 'nakodo.conf:6: handshake-timeout cannot change while the daemon runs'],
      ['state-dir = kept', 'nakodo.conf:6: state-dir cannot change while the daemon runs'],
      ['ctl = other', 'nakodo.conf:6: ctl cannot change while the daemon runs'],
      ['max-peers = 1000000', 'nakodo.conf:6: max-peers cannot be more than'],
    ]);
  });

  it('if a proxy: listener that others reach would believe everybody', async (t) => {
    const daemon = await configured(t, 'trusted-proxy = 127.0.0.1', { listen: 'listen = 127.0.0.1:0\nlisten = proxy:0.0.0.0:0' });
    await daemon.refuses('', 'nakodo.conf:4: trusted-proxy cannot go');
    await daemon.says('trusted-proxy = 127.0.0.2');
  });

  it('if there is no descriptor left', async (t) => {
    const daemon = await configured(t, '', { wrap: ['prlimit', '--nofile=200:200'] });
    execFileSync('prlimit', [`--pid=${daemon.pid}`, '--nofile=5:200']);
    const line = await daemon.reload();
    assert.match(line, / reload\.failed .*Too many open files/);
    execFileSync('prlimit', [`--pid=${daemon.pid}`, '--nofile=200:200']);
    await daemon.says('max-message = 1KiB');
  });

  it('and systemd hears of it', async (t) => {
    const systemd = await notifySocket(t);
    const daemon = await configured(t, '', systemd);
    await systemd.next('READY');
    await daemon.refuses('no-such = 1', 'no-such');
    await systemd.next('RELOADING');
    assert.match((await systemd.next('READY')).STATUS, /^Not reloaded/);
    await daemon.says('');
    await systemd.next('RELOADING');
    assert.match((await systemd.next('READY')).STATUS, /^Listening on/);
  });
});
