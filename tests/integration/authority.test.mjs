// The local authority of tls-self-signed: made once, trusted for little, and its certificate always fits the machine.
import assert from 'node:assert/strict';
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { hostname, networkInterfaces } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import tls from 'node:tls';
import { open } from '../lib/client.mjs';
import { root, runDaemon, scratch, testDaemon } from '../lib/daemon.mjs';
import { ask } from '../lib/http.mjs';
import { within } from '../lib/raw.mjs';

const directory = scratch();
let made = 0;
const fresh = () => join(directory, `certs-${made++}`);
const options = (certs) => ({ args: ['--listen', 'tls:127.0.0.1:0', '--tls-self-signed', certs] });
const file = (certs, name) => join(certs, name);
const cert = (certs, name = 'cert.pem') => new X509Certificate(readFileSync(file(certs, name)));
const openssl = (...args) => execFileSync('openssl', args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
const DAY = 86400000;

/** What a client sees that trusts this authority and nobody else: the certificate, or the error. */
async function visit(daemon, ca, servername = 'localhost') {
  const socket = tls.connect({ port: daemon.tlsPort, host: '127.0.0.1', servername, ca });
  try {
    await within(once(socket, 'secureConnect'), 'a handshake');
    return socket.getPeerX509Certificate();
  } finally {
    socket.destroy();
  }
}

/** A certificate that this authority has signed, as a thief of its key would make one. */
function issue(certs, name, san, { days = 10, key = file(certs, 'key.pem') } = {}) {
  const [request, extensions, out] = ['csr', 'ext', 'pem'].map((suffix) => file(certs, `${name}.${suffix}`));
  openssl('req', '-new', '-key', key, '-subj', `/CN=${name}`, '-out', request);
  writeFileSync(extensions, `subjectAltName=${san}\nextendedKeyUsage=serverAuth\nbasicConstraints=critical,CA:FALSE\n`);
  openssl('x509', '-req', '-in', request, '-CA', file(certs, 'ca.pem'), '-CAkey', file(certs, 'ca-key.pem'), '-extfile', extensions, '-days', String(days), '-out', out);
  return out;
}

const verify = (certs, path, ...more) => spawnSync('openssl', ['verify', '-x509_strict', '-purpose', 'sslserver', ...more, '-CAfile', file(certs, 'ca.pem'), path], { encoding: 'utf8' });

describe('what is in the way is said, and nobody waits', () => {
  const start = (certs) => runDaemon(['--web-root', join(root, 'web'), '--listen', 'tls:127.0.0.1:0', '--tls-self-signed', certs]);

  it('a pipe where a certificate should be', async () => {
    for (const name of ['cert.pem', 'key.pem', 'ca.pem']) {
      const certs = fresh();
      mkdirSync(certs);
      execFileSync('mkfifo', [file(certs, name)]);
      const { status, stderr } = await start(certs);
      assert.equal(status, 2, name);
      assert.ok(stderr.includes(`${name}: it is no regular file`), stderr);
    }
  });

  it('a lock that another process keeps', async (t) => {
    const certs = fresh();
    const daemon = await testDaemon(t, options(certs));
    const holder = spawn('flock', [file(certs, 'lock'), 'sh', '-c', 'echo held; cat'], { stdio: ['pipe', 'pipe', 'ignore'] });
    t.after(() => holder.stdin.end());
    await once(holder.stdout, 'data');
    const { status, stderr } = await start(certs);
    assert.equal(status, 1);
    assert.match(stderr, /another process holds its lock/);
    assert.match(await daemon.reload(), /reload\.failed.*another process holds its lock/);
    assert.ok(await visit(daemon, readFileSync(file(certs, 'ca.pem'))));
  });
});

describe('tls-self-signed makes an authority', () => {
  it('and a certificate by it, once', async (t) => {
    const certs = fresh();
    const daemon = await testDaemon(t, options(certs));
    assert.deepEqual(readdirSync(certs).sort(), ['ca-key.pem', 'ca.pem', 'cert.pem', 'key.pem', 'lock']);
    for (const name of ['ca-key.pem', 'key.pem', 'lock']) assert.equal(statSync(file(certs, name)).mode & 0o777, 0o600, name);
    const before = readdirSync(certs).map((name) => readFileSync(file(certs, name)));
    assert.equal((await visit(daemon, before[1])).fingerprint256, cert(certs).fingerprint256);
    await daemon.stop();
    const again = await testDaemon(t, options(certs));
    assert.deepEqual(readdirSync(certs).map((name) => readFileSync(file(certs, name))), before);
    assert.deepEqual(again.lines('certificate.'), []);
  });

  it('of the right form', async (t) => {
    const certs = fresh();
    await testDaemon(t, options(certs));
    const [ca, leaf] = [cert(certs, 'ca.pem'), cert(certs)];
    assert.ok(ca.ca && ca.verify(ca.publicKey) && !leaf.ca && leaf.verify(ca.publicKey));
    for (const each of [ca, leaf]) assert.deepEqual([each.publicKey.asymmetricKeyType, each.publicKey.asymmetricKeyDetails.namedCurve], ['ec', 'prime256v1']);
    const life = (Date.parse(leaf.validTo) - Date.parse(leaf.validFrom)) / DAY;
    assert.ok(life > 800 && life <= 825, `${life} days`);
    const text = openssl('x509', '-in', file(certs, 'ca.pem'), '-noout', '-text');
    assert.match(text, /Basic Constraints: critical\n +CA:TRUE, pathlen:0\n/);
    assert.match(text, /Key Usage: critical\n +Certificate Sign\n/);
    assert.match(text, /Name Constraints: critical\n/);
    assert.match(openssl('x509', '-in', file(certs, 'cert.pem'), '-noout', '-text'), /Extended Key Usage: \n +TLS Web Server Authentication\n/);
  });

  it('for all names and private addresses of this machine', async (t) => {
    const certs = fresh();
    const daemon = await testDaemon(t, options(certs));
    const path = file(certs, 'cert.pem');
    const ours = ['localhost', `${hostname().split('.')[0]}.local`, ...hostname().includes('.') ? [hostname()] : []];
    for (const name of ours) assert.equal(verify(certs, path, '-verify_hostname', name).status, 0, name);
    const isPrivate = (address) => /^(127|10|192\.168|169\.254|172\.(1[6-9]|2\d|3[01])|100\.(6[4-9]|[7-9]\d|1[01]\d|12[0-7]))\.|^(::1$|f[cd]|fe[89ab])/.test(address);
    const addresses = Object.values(networkInterfaces()).flat().map((a) => a.address);
    for (const address of ['127.0.0.1', '::1', ...addresses]) {
      assert.equal(verify(certs, path, '-verify_ip', address).status === 0, isPrivate(address) && !/^fe[89ab]/.test(address) && !/^127\.(?!0\.0\.1$)/.test(address), address);
    }
    assert.notEqual(verify(certs, path, '-verify_hostname', 'example.org').status, 0);
    assert.ok(await visit(daemon, readFileSync(file(certs, 'ca.pem'))));
    await assert.rejects(visit(daemon, readFileSync(path)), { code: 'UNABLE_TO_VERIFY_LEAF_SIGNATURE' });
  });

  it('that is no use for anybody else\'s names', async (t) => {
    const certs = fresh();
    await testDaemon(t, options(certs));
    const good = ['DNS:localhost', 'DNS:x.localhost', 'DNS:printer.local', 'IP:127.9.9.9', 'IP:10.255.0.1', 'IP:172.16.0.1', 'IP:172.31.255.255', 'IP:192.168.99.1', 'IP:169.254.1.1', 'IP:100.64.0.1', 'IP:100.127.255.255', 'IP:::1', 'IP:fd12::1', 'IP:fe80::1'];
    const bad = ['DNS:example.org', 'DNS:localhost.example.org', 'DNS:xlocalhost', 'DNS:local.example', 'DNS:xlocal', 'DNS:web.dev', 'IP:8.8.8.8', 'IP:11.0.0.1', 'IP:172.15.0.1', 'IP:172.32.0.1', 'IP:192.169.0.1', 'IP:100.63.255.255', 'IP:100.128.0.1', 'IP:2001:db8::1', 'IP:fe00::1', 'IP:::2'];
    good.forEach((san, i) => assert.equal(verify(certs, issue(certs, `good${i}`, san)).status, 0, san));
    bad.forEach((san, i) => {
      const { status, stderr } = verify(certs, issue(certs, `bad${i}`, `DNS:localhost,${san}`));
      assert.equal(status, 2, san);
      assert.match(stderr, /permitted subtree violation/, san);
    });
    assert.match(verify(certs, issue(certs, 'mail', 'DNS:localhost'), '-purpose', 'smimesign').stderr, /(unsuitable|unsupported) certificate purpose/);
  });

  it('that two daemons which start at once share', async (t) => {
    const certs = fresh();
    const daemons = await Promise.all(Array.from({ length: 4 }, () => testDaemon(t, options(certs))));
    const ca = readFileSync(file(certs, 'ca.pem'));
    for (const daemon of daemons) assert.equal((await visit(daemon, ca)).fingerprint256, cert(certs).fingerprint256);
    assert.equal(daemons.flatMap((daemon) => daemon.lines('certificate.authority')).length, 1);
  });
});

describe('what is in the directory already', () => {
  it('a certificate of a version without an authority is replaced, with one line', async (t) => {
    const certs = fresh();
    mkdirSync(certs);
    openssl('req', '-x509', '-nodes', '-days', '825', '-subj', '/CN=nakodo self-signed', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-keyout', file(certs, 'key.pem'), '-out', file(certs, 'cert.pem'));
    const key = readFileSync(file(certs, 'key.pem'));
    const daemon = await testDaemon(t, options(certs));
    assert.ok(await visit(daemon, readFileSync(file(certs, 'ca.pem'))));
    assert.equal(daemon.lines('certificate.issue', 'replaces="one that this authority did not issue"').length, 1);
    assert.equal(daemon.lines('certificate.issue').length, 1);
    assert.deepEqual(readFileSync(file(certs, 'key.pem')), key);
  });

  it('somebody\'s own certificate is used as it is', async (t) => {
    const certs = fresh();
    mkdirSync(certs);
    openssl('req', '-x509', '-nodes', '-days', '2', '-subj', '/CN=mine', '-addext', 'subjectAltName=DNS:localhost', '-newkey', 'rsa:2048', '-keyout', file(certs, 'key.pem'), '-out', file(certs, 'cert.pem'));
    const before = readFileSync(file(certs, 'cert.pem'));
    const daemon = await testDaemon(t, options(certs));
    assert.deepEqual(readFileSync(file(certs, 'cert.pem')), before);
    assert.ok(await visit(daemon, before));
    assert.equal((await ask({ port: daemon.tlsPort, tls: true }, '/ca.crt')).status, 404);
    assert.ok(!existsSync(file(certs, 'ca.pem')));
  });

  it('an authority at its end is replaced, and says so', async (t) => {
    const certs = fresh();
    mkdirSync(certs);
    openssl('req', '-x509', '-nodes', '-days', '20', '-subj', '/CN=nakodo local CA old', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-keyout', file(certs, 'ca-key.pem'), '-out', file(certs, 'ca.pem'));
    const daemon = await testDaemon(t, options(certs));
    assert.equal(daemon.lines('warn certificate.authority', 'at its end').length, 1);
    assert.ok(Date.parse(cert(certs, 'ca.pem').validTo) > Date.now() + 3000 * DAY);
    assert.ok(await visit(daemon, readFileSync(file(certs, 'ca.pem'))));
  });

  it('without the authority\'s key, which may be kept elsewhere, it goes on until a new certificate is due', async (t) => {
    const certs = fresh();
    await (await testDaemon(t, options(certs))).stop();
    rmSync(file(certs, 'ca-key.pem'));
    await (await testDaemon(t, options(certs))).stop();
    rmSync(file(certs, 'cert.pem'));
    const { status, stderr } = await runDaemon(['--web-root', join(root, 'web'), ...options(certs).args]);
    assert.equal(status, 2);
    assert.ok(stderr.endsWith(`nakodo: --tls-self-signed: cannot keep certificates in \`${certs}\`: ca-key.pem: No such file or directory\n`), stderr);
  });

  it('a key that everybody may read is refused', async (t) => {
    for (const name of ['key.pem', 'ca-key.pem']) {
      const certs = fresh();
      await (await testDaemon(t, options(certs))).stop();
      chmodSync(file(certs, name), 0o604);
      if (name === 'ca-key.pem') rmSync(file(certs, 'cert.pem')); // which needs the authority's key
      const { status, stderr } = await runDaemon(['--web-root', join(root, 'web'), ...options(certs).args]);
      assert.equal(status, 2);
      assert.ok(stderr.endsWith(`nakodo: --tls-self-signed: everybody may read or change \`${certs}/${name}\` (mode 0604): chmod o-rw\n`), stderr);
    }
  });

  it('what is damaged is named, and not overwritten', async () => {
    for (const name of ['ca.pem', 'ca-key.pem', 'cert.pem', 'key.pem']) {
      const certs = fresh();
      mkdirSync(certs);
      if (name === 'ca-key.pem') openssl('req', '-x509', '-nodes', '-days', '900', '-subj', '/CN=nakodo local CA x', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-keyout', '/dev/null', '-out', file(certs, 'ca.pem'));
      writeFileSync(file(certs, name), 'precious', { mode: 0o600 });
      const { status, stderr } = await runDaemon(['--web-root', join(root, 'web'), ...options(certs).args]);
      assert.deepEqual([status, stderr], [2, `nakodo: --tls-self-signed: cannot keep certificates in \`${certs}\`: ${name}: it is damaged; without it a new one would be made\n`]);
      assert.equal(readFileSync(file(certs, name), 'utf8'), 'precious');
    }
  });
});

describe('while it runs', () => {
  it('a certificate near its end is renewed at SIGHUP, and nobody is dropped', async (t) => {
    const certs = fresh();
    const daemon = await testDaemon(t, options(certs));
    const ca = readFileSync(file(certs, 'ca.pem'));
    const first = cert(certs);
    const client = await open(`${daemon.wss}/echo`);
    const san = first.subjectAltName.replaceAll('IP Address:', 'IP:').replaceAll(', ', ',');
    writeFileSync(file(certs, 'cert.pem'), readFileSync(issue(certs, 'short', san, { days: 29 })));
    assert.match(await daemon.reload(), /reload\.done/);
    const second = await visit(daemon, ca);
    assert.ok(Date.parse(second.validTo) > Date.now() + 800 * DAY);
    assert.notEqual(second.fingerprint256, first.fingerprint256);
    assert.equal(await client.send('still here').next(), 'still here');
    await client.close();
  });

  it('what cannot be renewed stays in use', async (t) => {
    const certs = fresh();
    const daemon = await testDaemon(t, options(certs));
    const ca = readFileSync(file(certs, 'ca.pem'));
    rmSync(file(certs, 'cert.pem'));
    rmSync(file(certs, 'ca-key.pem'));
    assert.match(await daemon.reload(), /reload\.failed.*ca-key\.pem/);
    assert.ok(await visit(daemon, ca));
  });

  const isolated = ['unshare', ...(process.getuid() ? ['-r'] : []), '-n'];
  const noNamespaces = spawnSync(isolated[0], [...isolated.slice(1), 'true']).status !== 0 && 'no namespaces here';

  it('a new address comes into the certificate within seconds, and a public one is left out with one line', { skip: noNamespaces }, async (t) => {
    const certs = fresh();
    const path = join(directory, 'socket');
    const setUp = 'ip link set lo up && ip addr add 192.168.7.5/24 dev lo && ip addr add 203.0.113.9/24 dev lo && exec "$@"';
    const daemon = await testDaemon(t, {
      args: ['--listen', `unix:${path}`, '--listen', 'tls:*:0', '--tls-self-signed', certs],
      wrap: [...isolated, 'sh', '-c', setUp, 'sh'],
    });
    const client = await open(`ws+unix:${path}:/echo`);
    const inside = (...command) => execFileSync('nsenter', ['-t', String(daemon.pid), ...(process.getuid() ? ['-U', '--preserve-credentials'] : []), '-n', ...command], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
    const has = (address) => cert(certs).checkIP(address) !== undefined;
    assert.deepEqual([has('192.168.7.5'), has('203.0.113.9'), has('10.1.2.3')], [true, false, false]);
    assert.equal(daemon.lines('certificate.leave-out', 'names=203.0.113.9').length, 1);

    inside('ip', 'addr', 'add', '10.1.2.3/8', 'dev', 'lo');
    await daemon.until(() => daemon.lines('certificate.issue').length === 2, 'another certificate');
    assert.ok(has('10.1.2.3') && has('192.168.7.5'));
    assert.equal(inside('curl', '--silent', '--cacert', file(certs, 'ca.pem'), `https://10.1.2.3:${daemon.tlsPort}/healthz`), '{"status":"ok"}\n');
    assert.equal(await client.send('still here').next(), 'still here');

    inside('ip', 'addr', 'del', '10.1.2.3/8', 'dev', 'lo');
    await daemon.until(() => daemon.lines('certificate.issue').length === 3, 'a certificate without it');
    assert.ok(!has('10.1.2.3'));
    await client.close();
  });

  it('--check makes nothing, and finds what is wrong', async () => {
    const certs = fresh();
    const check = () => runDaemon(['--check', '--web-root', join(root, 'web'), ...options(certs).args]);
    assert.equal((await check()).status, 0);
    assert.ok(!existsSync(certs));
    mkdirSync(certs);
    for (const name of ['cert.pem', 'key.pem']) writeFileSync(file(certs, name), 'precious');
    const { status, stderr } = await check();
    assert.equal(status, 2);
    assert.match(stderr, /cannot read the certificate/);
  });
});
