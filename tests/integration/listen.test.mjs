// Listening: every kind of socket works, and one that cannot be had costs one sentence and status 1.
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, readlinkSync, renameSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import { networkInterfaces } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import tls from 'node:tls';
import { open, openMany, refused } from '../lib/client.mjs';
import { root, runDaemon, scratch, spawnDaemon, startDaemon, testDaemon } from '../lib/daemon.mjs';
import { ask, dial, request, rest } from '../lib/http.mjs';
import { isIdle } from '../lib/process.mjs';
import { handshake } from '../lib/raw.mjs';

const directory = scratch();
const web = ['--web-root', join(root, 'web')];
const addresses = Object.values(networkInterfaces()).flat();
const hasIPv6 = addresses.some((a) => a.address === '::1');

/** A socket that somebody else listens on. */
async function occupied(t, where) {
  const server = net.createServer().listen(where);
  await once(server, 'listening');
  t.after(() => server.close());
  return server;
}

/** A certificate and its key, as files. */
function certificate(name, ...kind) {
  const [cert, key] = [join(directory, `${name}.pem`), join(directory, `${name}.key`)];
  execFileSync('openssl', ['req', '-x509', '-nodes', '-days', '2', '-subj', `/CN=${name}`, '-newkey', ...kind, '-keyout', key, '-out', cert], { stdio: 'ignore' });
  return { cert, key };
}

/** A page and an echo on one socket. */
async function serves(target, url) {
  assert.equal((await ask(target, '/healthz')).status, 200);
  const client = await open(`${url}/echo`);
  assert.equal(await client.send('hello').next(), 'hello');
  await client.close();
}

describe('a socket that cannot be had', { concurrency: 2 }, () => {
  async function ends(expected, args, sentence, options) {
    const { status, stderr } = await runDaemon([...web, ...args], options);
    assert.deepEqual([status, stderr], [expected, `nakodo: ${sentence}\n`]);
  }
  /** What may pass by itself, such as a port in use. */
  const fails = (...rest) => ends(1, ...rest);
  /** What the configuration has to be mended for. */
  const refuses = (...rest) => ends(2, ...rest);
  /** Root may do anything, unless it loses its capabilities. */
  const powerless = process.getuid() ? [] : ['setpriv', '--bounding-set=-all', '--inh-caps=-all'];

  it('a port in use, and what was opened before is closed again', async (t) => {
    const { port } = (await occupied(t, { port: 0, host: '127.0.0.1' })).address();
    const path = join(directory, 'before');
    await fails(['--listen', `unix:${path}`, '--listen', `127.0.0.1:${port}`],
      `--listen: cannot listen on \`127.0.0.1:${port}\`: the address is already in use; stop the other program or choose another port`);
    assert.ok(!existsSync(path));
    const config = join(directory, 'in-use.conf');
    writeFileSync(config, `# a comment\nlisten = localhost:${port}\n`);
    await fails(['--config', config], `${config}:2: cannot listen on \`localhost:${port}\`: the address is already in use; stop the other program or choose another port`);
  });

  it('an address of another machine', () => fails(['--listen', '192.0.2.1:0'], '--listen: cannot listen on `192.0.2.1:0`: this machine has no such address'));

  it('a port that needs a right', { skip: Number(readFileSync('/proc/sys/net/ipv4/ip_unprivileged_port_start', 'utf8')) <= 1 && 'no port needs one here' }, () => fails(
    ['--listen', '127.0.0.1:1'], '--listen: cannot listen on `127.0.0.1:1`: permission denied; ports below 1024 need CAP_NET_BIND_SERVICE or nakodo.socket', { wrap: powerless }));

  it('a unix socket in a directory that is not ours, or is not there', async () => {
    const closed = join(directory, 'closed');
    mkdirSync(closed, { mode: 0o555 });
    await fails(['--listen', `unix:${closed}/socket`], `--listen: cannot listen on \`unix:${closed}/socket\`: Permission denied`, { wrap: powerless });
    await fails(['--listen', 'unix:/nonexistent/socket'], '--listen: cannot listen on `unix:/nonexistent/socket`: No such file or directory');
  });

  it('a unix socket where another program listens, or a file is: both stay', async (t) => {
    const [live, file] = [join(directory, 'live'), join(directory, 'file')];
    await occupied(t, live);
    writeFileSync(file, 'precious');
    for (const path of [live, file]) {
      await fails(['--listen', `unix:${path}`], `--listen: cannot listen on \`unix:${path}\`: another program listens there, or something that is no socket is in the way`);
    }
    assert.equal(readFileSync(file, 'utf8'), 'precious');
    net.connect(live).destroy();
  });

  it('systemd without its sockets', () => fails(['--listen', 'systemd'], '--listen: cannot listen on `systemd`: systemd passed no socket; start it from a socket unit'));

  it('a certificate or key that cannot be used', async () => {
    const ec = certificate('ec', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256');
    const other = certificate('other', 'rsa:2048');
    const secret = join(directory, 'secret.key');
    execFileSync('openssl', ['pkey', '-in', ec.key, '-aes128', '-passout', 'pass:secret', '-out', secret]);
    const text = join(directory, 'text.pem');
    writeFileSync(text, 'hello\n', { mode: 0o600 });
    const use = (cert, key) => ['--listen', 'tls:127.0.0.1:0', '--tls-cert', cert, '--tls-key', key];
    await refuses(use('/nonexistent', ec.key), '--tls-cert: cannot read the certificate `/nonexistent`: No such file or directory');
    await refuses(use(text, ec.key), `--tls-cert: cannot read the certificate \`${text}\`: there is none in PEM form in it, or a damaged one`);
    const chain = join(directory, 'chain.pem');
    writeFileSync(chain, `${readFileSync(ec.cert)}-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n`);
    await refuses(use(chain, ec.key), `--tls-cert: cannot read the certificate \`${chain}\`: there is none in PEM form in it, or a damaged one`);
    await refuses(use(ec.cert, '/nonexistent'), '--tls-key: cannot read the private key `/nonexistent`: No such file or directory');
    await refuses(use(ec.cert, text), `--tls-key: cannot read the private key \`${text}\`: there is none in PEM form in it, or a damaged one`);
    await refuses(use(ec.cert, secret), `--tls-key: cannot read the private key \`${secret}\`: it needs a pass phrase, for which a daemon has nobody to ask`);
    await fails(use(ec.cert, other.key), `--tls-key: the private key \`${other.key}\` does not belong to the certificate \`${ec.cert}\``);
    const closed = join(directory, 'closed.key');
    writeFileSync(closed, readFileSync(ec.key), { mode: 0 });
    await refuses(use(ec.cert, closed), `--tls-key: cannot read the private key \`${closed}\`: Permission denied`, { wrap: powerless });
    writeFileSync(closed, readFileSync(ec.key));
    chmodSync(closed, 0o644);
    await refuses(use(ec.cert, closed), `--tls-key: everybody may read or change the private key \`${closed}\` (mode 0644): chmod o-rw`);
    await refuses(['--tls-self-signed', '/nonexistent/certs'], '--tls-self-signed: cannot keep certificates in `/nonexistent/certs`: No such file or directory');
  });

  it('a FIFO in place of a certificate or key, which nobody writes to', async () => {
    const ec = certificate('beside-fifo', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256');
    const fifo = join(directory, 'fifo');
    execFileSync('mkfifo', [fifo]);
    const use = (cert, key) => ['--listen', 'tls:127.0.0.1:0', '--tls-cert', cert, '--tls-key', key];
    await refuses(use(fifo, ec.key), `--tls-cert: cannot read the certificate \`${fifo}\`: it is no regular file`);
    await refuses(use(ec.cert, fifo), `--tls-key: cannot read the private key \`${fifo}\`: it is no regular file`);
    await refuses(use(directory, ec.key), `--tls-cert: cannot read the certificate \`${directory}\`: Is a directory`);
  });

  it('the line of the configuration file is named', async () => {
    const config = join(directory, 'places.conf');
    const ec = certificate('placed', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256');
    const says = async (text, line, sentence) => {
      writeFileSync(config, text);
      const { status, stderr } = await runDaemon(['--config', config]);
      assert.deepEqual([status, stderr], [2, `nakodo: ${config}:${line}: ${sentence}\n`]);
    };
    await says('web-root = /nonexistent\n', 1, 'cannot open web-root `/nonexistent`: No such file or directory; it is the directory with index.html');
    await says('\nlog-file = /nonexistent/log\n', 2, 'cannot open log-file `/nonexistent/log`: No such file or directory');
    await says('tls-key = b\n\ntls-cert = /nonexistent\n', 3, 'cannot read the certificate `/nonexistent`: No such file or directory');
    await says(`tls-key = /nonexistent\ntls-cert = ${ec.cert}\n`, 1, 'cannot read the private key `/nonexistent`: No such file or directory');
    await says('\ntls-self-signed = /nonexistent/certs\n', 2, 'cannot keep certificates in `/nonexistent/certs`: No such file or directory');
  });

  it('pages or a log that are not there', async () => {
    await refuses(['--web-root', '/nonexistent'], '--web-root: cannot open web-root `/nonexistent`: No such file or directory; it is the directory with index.html');
    await refuses(['--log-file', '/nonexistent/log'], '--log-file: cannot open log-file `/nonexistent/log`: No such file or directory');
  });
});

describe('TCP', () => {
  it('one port serves ws and http, another wss and https', async (t) => {
    const daemon = await testDaemon(t, { tls: true });
    await serves({ port: daemon.port }, daemon.ws);
    await serves({ port: daemon.tlsPort, tls: true }, daemon.wss);
  });

  it('TLS resumes no session: there are no tickets', async (t) => {
    const daemon = await testDaemon(t, { tls: true });
    for (const version of ['TLSv1.2', 'TLSv1.3']) {
      const socket = tls.connect({ port: daemon.tlsPort, host: '127.0.0.1', rejectUnauthorized: false, minVersion: version, maxVersion: version });
      let tickets = 0;
      socket.on('session', () => { tickets += version === 'TLSv1.3'; });
      await once(socket, 'secureConnect');
      socket.write('GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n');
      const [answer] = await once(socket, 'data');
      assert.match(String(answer), /^HTTP\/1.1 200 /);
      assert.equal(socket.getTLSTicket(), undefined, version);
      assert.equal(tickets, 0, version);
      socket.destroy();
    }
  });

  /** One TLS handshake; resolves to undefined, or to the code of the error that refused it. */
  const handshake = (daemon, options) => new Promise((done) => {
    const socket = tls.connect({ port: daemon.tlsPort, host: '127.0.0.1', rejectUnauthorized: false, ...options });
    socket.on('secureConnect', () => { socket.destroy(); done(undefined); }).on('error', (error) => done(error.code));
  });

  it('a client that knows only key exchanges which cost the daemon much is refused at no cost', async (t) => {
    const daemon = await testDaemon(t, { tls: true });
    const many = async (options) => {
      const before = await daemon.cpu();
      for (let i = 0; i < 100; i++) await handshake(daemon, options);
      return await daemon.cpu() - before;
    };
    for (const version of ['TLSv1.2', 'TLSv1.3']) {
      const of = (ecdhCurve) => handshake(daemon, { ecdhCurve, minVersion: version, maxVersion: version });
      for (const group of ['X25519:P-256', 'P-256', 'P-384:P-256']) assert.equal(await of(group), undefined, `${group}, ${version}`);
      for (const group of ['P-384', 'P-521', 'X448']) assert.match(await of(group), /^ERR_SSL_/, `${group}, ${version}`);
    }
    for (const group of ['ffdhe2048', 'ffdhe8192']) assert.match(await handshake(daemon, { ecdhCurve: group, minVersion: 'TLSv1.3' }), /^ERR_SSL_/, group);
    const [cheap, refused] = [await many({ ecdhCurve: 'X25519' }), await many({ ecdhCurve: 'P-521' })];
    assert.ok(refused < cheap, `100 that are refused took ${refused} s of processor time, 100 that are served ${cheap} s`);
  });

  it('TLS 1.2 is spoken with an ephemeral key exchange and authenticated encryption only', async (t) => {
    const daemon = await testDaemon(t, { tls: true });
    const of = (ciphers) => handshake(daemon, { ciphers, maxVersion: 'TLSv1.2' });
    assert.equal(await of('ECDHE-ECDSA-AES128-GCM-SHA256'), undefined);
    for (const cipher of ['ECDHE-ECDSA-AES256-SHA384', 'DHE-RSA-AES128-GCM-SHA256', 'AES128-GCM-SHA256']) assert.match(await of(cipher), /^ERR_SSL_/, cipher);
  });

  it('localhost is both families with one port', { skip: !hasIPv6 && 'no IPv6 here' }, async (t) => {
    const daemon = await testDaemon(t, { args: ['--listen', 'localhost:0'] });
    await daemon.logged('server.ready', 'sockets=2');
    assert.deepEqual(daemon.urls, [`http://localhost:${daemon.port}/`]);
    await serves({ port: daemon.port }, `ws://127.0.0.1:${daemon.port}`);
    await serves({ port: daemon.port, host: '::1' }, `ws://[::1]:${daemon.port}`);
  });

  const isolated = ['unshare', ...(process.getuid() ? ['-r'] : []), '-n'];
  const noNamespaces = spawnSync(isolated[0], [...isolated.slice(1), 'true']).status !== 0 && 'no namespaces here';
  it('a family that the machine lacks is a warning', { skip: noNamespaces }, async (t) => {
    const daemon = await testDaemon(t, {
      args: ['--listen', 'localhost:0'],
      wrap: [...isolated, 'sh', '-c', 'ip link set lo up && ip -6 address flush dev lo && exec "$@"', 'sh'],
    });
    await daemon.logged('server.ready', 'sockets=1');
    assert.equal(daemon.lines(' warn ').length, 1);
    assert.equal(daemon.lines('warn listen.family family=IPv6 host=localhost effect="this machine has none; IPv4 only"').length, 1);
  });

  it('* is every address; what to open is printed', async (t) => {
    const daemon = await testDaemon(t, { args: ['--listen', '*:0', '--listen', 'tls:0.0.0.0:0', '--listen', '[::1]:0'].slice(0, hasIPv6 ? 6 : 4), tls: true });
    const lan = addresses.filter((a) => a.family === 'IPv4' && !a.internal).map((a) => a.address);
    const urls = (scheme, port) => ['localhost', ...lan].map((host) => `${scheme}://${host}:${port}/`);
    assert.deepEqual(daemon.urls, [...urls('http', daemon.port), ...urls('https', daemon.tlsPort), ...(hasIPv6 ? [`http://[::1]:${daemon.ports.at(-1)}/`] : [])]);
    await serves({ port: daemon.port }, `ws://127.0.0.1:${daemon.port}`);
    if (hasIPv6) await serves({ port: daemon.port, host: '::1' }, `ws://[::1]:${daemon.port}`);
  });

  it('?dialect= is spoken at every path of that listener, which has no pages', async (t) => {
    const daemon = await testDaemon(t, { args: ['--listen', '127.0.0.1:0?dialect=echo'] });
    for (const path of ['/', '/relay', '/room']) {
      const client = await open(daemon.ws + path);
      assert.equal(await client.send('hello').next(), 'hello');
      await client.close();
    }
    for (const path of ['/', '/lab.html', '/healthz']) assert.equal((await ask({ port: daemon.port }, path)).status, 426);
  });
});

/** What some fault of the system does to a listening socket: it listens no more. */
const BREAK = `
import ctypes, os, socket, sys
pid = int(sys.argv[1])
pidfd = os.pidfd_open(pid)
for name in os.listdir(f'/proc/{pid}/fd'):
    if os.readlink(f'/proc/{pid}/fd/{name}').startswith('socket:'):
        taken = socket.socket(fileno=ctypes.CDLL(None).syscall(438, pidfd, int(name), 0))  # pidfd_getfd(2)
        if taken.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN):
            taken.shutdown(socket.SHUT_RDWR)
`;

describe('a listening socket that breaks', () => {
  it('is opened again, of each kind, and its peers notice nothing', async (t) => {
    const path = join(directory, 'broken');
    const daemon = await testDaemon(t, { args: ['--listen', '127.0.0.1:0', '--listen', `unix:${path}`] });
    const peer = await open(`${daemon.ws}/echo`);
    for (let round = 1; round <= 2; round++) {
      execFileSync('python3', ['-c', BREAK, String(daemon.pid)]);
      await daemon.until(() => daemon.lines('listen.again').length === 2 * round, 'that both are there again');
      await serves({ port: daemon.port }, daemon.ws);
      await serves({ path }, `ws+unix:${path}:`);
    }
    assert.equal(await peer.send('still here').next(), 'still here');
    assert.equal((await daemon.meters()).listeners_broken, 4);
    await peer.close();
    await isIdle(daemon);
    await daemon.stop();
    assert.ok(!existsSync(path));
  });

  it('is tried again while another program has its place, and the daemon ends well meanwhile', async (t) => {
    const daemon = await testDaemon(t, { args: ['--listen', '127.0.0.1:0'] });
    execFileSync('python3', ['-c', BREAK, String(daemon.pid)]);
    await daemon.logged('listen.broken', `port=${daemon.port}`);
    const other = await occupied(t, { port: daemon.port, host: '127.0.0.1' });
    await isIdle(daemon);
    other.close();
    await daemon.logged('listen.again');
    await serves({ port: daemon.port }, daemon.ws);
    execFileSync('python3', ['-c', BREAK, String(daemon.pid)]);
    await daemon.until(() => daemon.lines('listen.broken').length === 2, 'the second break');
  });
});

describe('unix sockets', () => {
  const ws = (path) => `ws+unix:${path}:`;

  it('serve like a port, for everybody, and are removed at the end', async (t) => {
    const path = join(directory, 'socket');
    const daemon = await testDaemon(t, { args: ['--listen', `unix:${path}`] });
    assert.equal(statSync(path).mode & 0o777, 0o666);
    await serves({ path }, ws(path));
    await daemon.logged('peer.open', 'address=unix');
    await daemon.stop();
    assert.ok(!existsSync(path));
  });

  it('a stale one is replaced', async (t) => {
    const path = join(directory, 'stale');
    const killed = await startDaemon({ args: ['--listen', `unix:${path}`] });
    killed.child.kill('SIGKILL');
    assert.equal(await killed.exit(), 'SIGKILL');
    assert.ok(statSync(path).isSocket());
    await testDaemon(t, { args: ['--listen', `unix:${path}`] });
    await serves({ path }, ws(path));
  });

  it('a relative path is meant from where the daemon was started', async (t) => {
    const daemon = await testDaemon(t, { args: ['--listen', 'unix:relative'], cwd: directory });
    const path = join(directory, 'relative');
    await serves({ path }, ws(path));
    await daemon.stop();
    assert.ok(!existsSync(path));
  });

  it('a symbolic link to a file is left alone', async () => {
    const [path, target] = [join(directory, 'link'), join(directory, 'target')];
    writeFileSync(target, 'precious');
    symlinkSync(target, path);
    assert.equal((await runDaemon([...web, '--listen', `unix:${path}`])).status, 1);
    assert.equal(readFileSync(path, 'utf8'), 'precious');
  });
});

/** A PROXY protocol header of version 2 (haproxy's proxy-protocol.txt section 2.2). */
function v2({ version = 2, command = 1, family = 0x11, address = '203.0.113.1', extra = Buffer.alloc(0), length } = {}) {
  const body = Buffer.alloc(family >> 4 === 2 ? 36 : family >> 4 === 1 ? 12 : 0);
  if (family >> 4 === 1) Buffer.from(address.split('.').map(Number)).copy(body);
  else if (family >> 4 === 2) Buffer.from(address, 'hex').copy(body);
  const head = Buffer.concat([Buffer.from('\r\n\r\n\0\r\nQUIT\n'), Buffer.from([version << 4 | command, family, 0, 0])]);
  head.writeUInt16BE(length ?? body.length + extra.length, 14);
  return Buffer.concat([head, body, extra]);
}

describe('proxy: listeners', () => {
  const args = ['--listen', 'proxy:127.0.0.1:0', '--handshake-timeout', '1'];
  const six = '20010db8000000000000000000000007';
  const headers = [
    ['version 1, IPv4', 'PROXY TCP4 203.0.113.1 198.51.100.1 4711 80\r\n', '203.0.113.1'],
    ['version 1, IPv6', 'PROXY TCP6 2001:db8::1 2001:db8::2 4711 80\r\n', '2001:db8::1'],
    ['version 1, not known', 'PROXY UNKNOWN\r\n', '127.0.0.1'],
    ['version 1, not known, with more', 'PROXY UNKNOWN ffff::1 ffff::2 1 2\r\n', '127.0.0.1'],
    ['version 2, IPv4', v2(), '203.0.113.1'],
    ['version 2, IPv6', v2({ family: 0x21, address: six }), '2001:db8::7'],
    ['version 2, local', v2({ command: 0 }), '127.0.0.1'],
    ['version 2, not specified', v2({ family: 0 }), '127.0.0.1'],
    ['version 2, with more', v2({ extra: Buffer.from('\x03\x00\x04abcd') }), '203.0.113.1'],
    ['version 2, of the greatest size', v2({ extra: Buffer.alloc(508, 4) }), '203.0.113.1'],
  ];

  it('take the address from the header, which may come in any pieces', async (t) => {
    const daemon = await testDaemon(t, { args });
    let opened = 0;
    for (const [name, header, address] of headers) {
      for (const how of ['with the request', 'before it', 'byte by byte']) {
        const wire = await dial({ port: daemon.port });
        const upgrade = handshake('/', { Host: 'rtc.example.org' });
        if (how === 'with the request') {
          wire.write(Buffer.concat([Buffer.from(header), Buffer.from(upgrade)]));
        } else {
          await (how === 'before it' ? wire.write(header) : wire.writeBytewise(Buffer.from(header)));
          wire.write(upgrade);
        }
        assert.equal((await wire.response()).status, 101, `${name}, ${how}`);
        const line = await daemon.until(() => daemon.lines(' peer.open ')[opened], 'that it is in the log');
        assert.ok(line.includes(` address=${address} `), `${name}, ${how}: ${line}`);
        opened++;
        wire.socket.destroy();
      }
    }
  });

  it('close on anything else without an answer, and say so once', async (t) => {
    const daemon = await testDaemon(t, { args });
    const wrong = [
      request('/'), '\r\n', 'PROXY', 'PROXY \r\n', 'PROXY TCP5 203.0.113.1 198.51.100.1 1 2\r\n', 'PROXY TCP4 evil 198.51.100.1 1 2\r\n', 'PROXY TCP4\r\n',
      `PROXY TCP4 ${'9'.repeat(100)}`, `PROXY UNKNOWN ${'x'.repeat(93)}\r\n`, v2({ version: 1 }), v2({ command: 2 }), v2({ length: 521 }), v2({ length: 11 }), v2({ family: 0x21, address: six, length: 35 }),
      '\r\n\r\n\0\r\nQUIT\r', Buffer.from([0x16, 3, 1, 2, 0, 1]),
    ];
    for (const bytes of wrong) {
      const wire = await dial({ port: daemon.port });
      wire.socket.end(bytes);
      assert.equal((await rest(wire)).toString(), '', JSON.stringify(String(bytes)));
    }
    const last = await dial({ port: daemon.port, localAddress: '127.0.0.2' });
    last.write(request('/'));
    await rest(last);
    await daemon.logged('accept.refuse', 'address=127.0.0.2', 'PROXY');
    assert.equal(daemon.lines('accept.refuse', 'address=127.0.0.1').length, 1);
  });

  it('give up on a header that is slow, at no cost and with no effect on others', async (t) => {
    const daemon = await testDaemon(t, { args });
    const slow = await Promise.all(['', 'P', 'PROXY TCP4 203.0.113.1', v2().subarray(0, 20)].map(async (bytes) => {
      const wire = await dial({ port: daemon.port });
      await wire.write(bytes);
      return wire;
    }));
    const swift = await dial({ port: daemon.port });
    swift.write(`PROXY UNKNOWN\r\n${request('/healthz')}`);
    assert.match((await rest(swift)).toString(), /^HTTP\/1\.1 200 /);
    const before = await daemon.cpu();
    for (const wire of slow) assert.equal((await rest(wire)).length, 0);
    assert.ok(await daemon.cpu() - before < 0.3, 'it was busy while it waited');
  });

  it('the limits count by the address in the header', async (t) => {
    const daemon = await testDaemon(t, { args: [...args, '--max-peers-per-address', '1'] });
    const knock = async (address) => {
      const wire = await dial({ port: daemon.port });
      wire.write(Buffer.concat([v2({ address }), Buffer.from(handshake('/'))]));
      return (await wire.response()).status;
    };
    assert.deepEqual([await knock('203.0.113.1'), await knock('203.0.113.1'), await knock('203.0.113.2')], [101, 429, 101]);
    await daemon.logged('request.refuse', 'address=203.0.113.1', 'option=max-peers-per-address');
  });

  it('X-Forwarded-For of a trusted proxy behind it counts as well', async (t) => {
    const daemon = await testDaemon(t, { args: [...args, '--trusted-proxy', '127.0.0.1', '--trusted-proxy', '203.0.113.1'] });
    const wire = await dial({ port: daemon.port });
    wire.write(Buffer.concat([v2(), Buffer.from(handshake('/', { 'X-Forwarded-For': '198.51.100.7' }))]));
    assert.equal((await wire.response()).status, 101);
    await daemon.logged('peer.open', 'address=198.51.100.7 ');
    wire.socket.destroy();
  });
});

describe('sockets from systemd', () => {
  /** Run it as systemd does: with sockets from 3 on, and variables that say so. */
  const wrap = ['sh', '-c', 'LISTEN_PID=$$ exec "$@"', 'sh'];
  async function inherit(t, names, args = [], entries = ['systemd'], before = []) {
    const servers = [];
    for (const name of names) {
      const path = name.startsWith('/') && `${name}.new`;
      servers.push(await occupied(t, path ? { path } : { port: 0, host: '127.0.0.1' }));
      if (path) renameSync(path, name); // or closing it here would remove it
    }
    const env = { LISTEN_FDS: String(names.length), LISTEN_FDNAMES: names.map((n) => n.replace(/^\/.*/, 'path')).join(':') };
    const daemon = spawnDaemon({ args: [...entries.flatMap((entry) => ['--listen', entry]), ...args], wrap: [...wrap, ...before], env, fds: servers.map((s) => s._handle.fd) });
    const ports = servers.map((server) => server.address().port);
    t.after(() => daemon.status ?? daemon.stop());
    for (const server of servers) server.close(); // the daemon's are its own
    return { daemon, ports };
  }

  it('serve what their names say: tls, proxy, or plain', async (t) => {
    const { daemon, ports } = await inherit(t, ['web', 'tls', 'proxy'], ['--tls-self-signed', join(directory, 'systemd')]);
    await daemon.ready();
    await daemon.logged('server.ready', 'sockets=3');
    await serves({ port: ports[0] }, `ws://127.0.0.1:${ports[0]}`);
    // Bound to a loopback address, it is as careful as any loopback listener.
    assert.equal((await ask({ port: ports[0] }, '/healthz', { headers: { Host: 'evil.example' } })).status, 403);
    await serves({ port: ports[1], tls: true }, `wss://127.0.0.1:${ports[1]}`);
    const wire = await dial({ port: ports[2] });
    wire.write(`PROXY TCP4 203.0.113.1 198.51.100.1 1 2\r\n${handshake('/')}`);
    assert.equal((await wire.response()).status, 101);
    await daemon.logged('peer.open', 'address=203.0.113.1');
    wire.socket.destroy();
  });

  it('go to the entries by name, and the others to the entry without one', async (t) => {
    const { daemon, ports } = await inherit(t, ['web', 'tls-games', 'old', 'old'], ['--tls-self-signed', join(directory, 'systemd')],
      ['systemd?name=old&dialect=relay', 'systemd', 'systemd?name=tls-games&dialect=echo']);
    await daemon.ready();
    await daemon.logged('server.ready', 'sockets=4');
    await serves({ port: ports[0] }, `ws://127.0.0.1:${ports[0]}`);
    const echo = await open(`wss://127.0.0.1:${ports[1]}/`);
    assert.equal(await echo.send('hello').next(), 'hello');
    const [first, second] = [await open(`ws://127.0.0.1:${ports[2]}/`), await open(`ws://127.0.0.1:${ports[3]}/`)];
    first.send('across');
    assert.equal(await second.next(), 'across');
    await Promise.all([echo, first, second].map((client) => client.close()));
  });

  for (const [names, entries, culprit, why] of [
    [['web'], ['systemd', 'systemd?name=old'], 'systemd?name=old', 'none of the sockets that systemd passed has that name, or all have that of another entry'],
    [['web'], ['systemd?name=web', 'systemd'], 'systemd', 'none of the sockets that systemd passed has that name, or all have that of another entry'],
    [['web'], ['systemd', 'systemd'], 'systemd', 'another entry has taken its sockets; tell them apart by ?name='],
  ]) {
    it(`an entry that gets none says so: ${names} for ${entries.join(', ')}`, async (t) => {
      const { daemon } = await inherit(t, names, [], entries);
      assert.equal(await daemon.exit(), 1);
      assert.equal(daemon.stderr, `nakodo: --listen: cannot listen on \`${culprit}\`: ${why}\n`);
    });
  }

  it('one of two that the kernel cannot watch: nothing of what was made before is left', async (t) => {
    const args = ['--tls-self-signed', join(directory, 'unwatchable'), '--listen', 'tls:127.0.0.1:0'];
    const { daemon: well } = await inherit(t, ['one', 'two'], args);
    await well.ready();
    // The second socket is 4, and the daemon has a duplicate of it.
    const socketOf = (fd) => readlinkSync(`/proc/${well.pid}/fd/${fd}`);
    const twin = readdirSync(`/proc/${well.pid}/fd`).find((fd) => fd !== '4' && socketOf(fd) === socketOf(4));
    await well.stop();
    const { daemon } = await inherit(t, ['one', 'two'], args, ['systemd'], ['python3', join(root, 'tests/lib/unwatchable.py'), twin]);
    assert.equal(await daemon.exit(), 1);
    assert.match(daemon.stderr, /^nakodo: cannot start: no space left on device\n$(?![^])/m);
  });

  it('one named tls needs a certificate', async (t) => {
    const { daemon } = await inherit(t, ['tls']);
    assert.equal(await daemon.exit(), 1);
    assert.equal(daemon.stderr, 'nakodo: --listen: cannot listen on `systemd`: a socket is named tls, but there is no tls-cert or tls-self-signed\n');
  });

  it('a unix socket of systemd stays in place at the end', async (t) => {
    const path = join(directory, 'systemd-socket');
    const { daemon } = await inherit(t, [path]);
    await daemon.ready();
    await serves({ path }, `ws+unix:${path}:`);
    await daemon.stop();
    assert.ok(statSync(path).isSocket());
  });

  it('are not taken when they are meant for another process', async (t) => {
    const server = await occupied(t, { port: 0, host: '127.0.0.1' });
    const daemon = spawnDaemon({ args: ['--listen', 'systemd'], env: { LISTEN_FDS: '1', LISTEN_PID: '1' }, fds: [server._handle.fd] });
    assert.equal(await daemon.exit(), 1);
    assert.match(daemon.stderr, /systemd passed no socket/);
  });

  const activate = 'systemd-socket-activate';
  it('the first connection may start the daemon', { skip: spawnSync(activate, ['--version']).error && `no ${activate} here` }, async (t) => {
    const server = await occupied(t, { port: 0, host: '127.0.0.1' });
    const { port } = server.address();
    server.close();
    await once(server, 'close');
    const daemon = spawnDaemon({ args: ['--listen', 'systemd', '--max-peers-per-address', '20'], wrap: [activate, '-l', `127.0.0.1:${port}`] });
    t.after(() => daemon.stop());
    await daemon.until(() => daemon.stderr.includes(`Listening on 127.0.0.1:${port}`), 'the socket');
    await openMany(`ws://127.0.0.1:${port}`, 20);
    await daemon.ready();
    assert.equal((await refused(`ws://127.0.0.1:${port}`)).status, 429);
    assert.equal((await ask({ port, localAddress: '127.0.0.2' }, '/healthz')).status, 200);
  });
});
