// `nakodo probe URL`: it says of each step whether it is good, or what to do, and ends in time.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import net from 'node:net';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import tls from 'node:tls';
import { startCoturn } from '../lib/coturn.mjs';
import { certificateDirectory, runDaemon, scratch, testDaemon } from '../lib/daemon.mjs';
import { Key } from '../lib/tokens.mjs';

const directory = scratch();
const DAY = 24 * 3600 * 1000;

/** {status, url, ok, steps: [{step, ok, says, advice}]} */
async function probe(...args) {
  const { status, stdout, stderr } = await runDaemon(['probe', '--json', ...args]);
  assert.equal(stderr, '');
  return { status, ...JSON.parse(stdout) };
}

const marks = ({ steps }) => steps.map(({ step, ok }) => `${step} ${ok}`);
const last = ({ steps }) => steps.at(-1);

/** It is red, the last step says so, and what to do. */
function assertRed(found, step, says, advice = /./) {
  assert.equal(found.status, 1);
  assert.equal(found.ok, false);
  assert.deepEqual([last(found).step, last(found).ok], [step, false], JSON.stringify(found));
  assert.match(last(found).says, says);
  assert.match(last(found).advice, advice);
}

async function listen(t, server) {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    server.close();
    server.closeAllConnections?.();
  });
  return server.address().port;
}

/** A certificate of so many days from today to so many, that signs itself. */
function certificate(name, from, to, alt) {
  const [key, cert, request, config, list] = ['key', 'pem', 'csr', 'cnf', 'txt'].map((end) => join(directory, `${name}.${end}`));
  const at = (days) => new Date(Date.now() + days * DAY).toISOString().replace(/[-:T]|\.\d+/g, '');
  writeFileSync(list, '');
  writeFileSync(config, `[ca]\ndefault_ca = one\n[one]\ndatabase = ${list}\nnew_certs_dir = ${directory}\nrand_serial = yes\n` +
    `default_md = sha256\npolicy = any\nx509_extensions = names\n[any]\ncommonName = supplied\n[names]\nsubjectAltName = ${alt}\n`);
  execFileSync('openssl', ['req', '-new', '-nodes', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-subj', `/CN=${name}`, '-keyout', key, '-out', request], { stdio: 'pipe' });
  execFileSync('openssl', ['ca', '-batch', '-notext', '-selfsign', '-config', config, '-keyfile', key, '-in', request, '-startdate', at(from), '-enddate', at(to), '-out', cert], { stdio: 'pipe' });
  return { key, cert };
}

/** Write the bytes again and again until nobody takes them. */
function pour(socket, bytes) {
  const more = () => {
    while (socket.writable && socket.write(bytes));
  };
  socket.on('error', () => {}).on('drain', more);
  more();
}

describe('a server that is well', () => {
  it('is green by ws and by wss, whatever the scheme is called, and the status is 0', async (t) => {
    const daemon = await testDaemon(t, { tls: true });
    const ca = ['--ca', join(certificateDirectory(), 'ca.pem')];
    const steps = ['websocket true', 'relay true', 'clock true', 'ice null'];
    for (const scheme of ['ws', 'http']) {
      const found = await probe(`${scheme}://127.0.0.1:${daemon.port}/`);
      assert.deepEqual([found.status, found.ok], [0, true], JSON.stringify(found));
      assert.deepEqual(marks(found), ['name true', 'connect true', ...steps]);
    }
    for (const scheme of ['wss', 'https']) {
      const found = await probe(`${scheme}://localhost:${daemon.tlsPort}/v1`, ...ca);
      assert.deepEqual([found.status, found.ok], [0, true], JSON.stringify(found));
      assert.deepEqual(marks(found), ['name true', 'connect true', 'tls true', ...steps]);
    }
  });

  it('is told in lines, without colours where nobody looks, one for each step', async (t) => {
    const daemon = await testDaemon(t);
    const { status, stdout } = await runDaemon(['probe', daemon.ws]);
    assert.equal(status, 0);
    assert.deepEqual(stdout.trim().split('\n').map((line) => line.slice(0, 12).trim()), ['✓ name', '✓ connect', '✓ websocket', '✓ relay', '✓ clock', '– ice']);
    assert.ok(!stdout.includes('\x1b'));
  });

  it('leaves nobody behind', async (t) => {
    const daemon = await testDaemon(t);
    await probe(daemon.ws);
    await daemon.until(() => daemon.lines('peer.leave').length === 2, 'that both have left');
    assert.equal((await daemon.meters()).rooms, 0);
  });
});

describe('TLS', () => {
  it('of an authority that is not known is red, and the other steps are tried', async (t) => {
    const daemon = await testDaemon(t, { tls: true });
    const found = await probe(daemon.wss);
    assert.equal(found.status, 1);
    assert.deepEqual(marks(found).slice(2, 5), ['tls false', 'websocket true', 'relay true']);
    assert.match(found.steps[2].says, /is not trusted/);
    assert.match(found.steps[2].advice, /--ca DIR\/ca\.pem/);
  });

  it('that has expired, will soon, or is for another name is red', async (t) => {
    const cases = [
      ['late', -90, -1, 'IP:127.0.0.1', /expired/, /Renew it/],
      ['soon', -80, 10.5, 'IP:127.0.0.1', /good for 10 days only/, /Renew it/],
      ['early', 5, 90, 'IP:127.0.0.1', /not yet valid/, /clocks/],
      ['other', -1, 90, 'DNS:other.example', /other\.example.*mismatch/, /one of its names/],
    ];
    for (const [name, from, to, alt, says, advice] of cases) {
      const { key, cert } = certificate(name, from, to, alt);
      const server = tls.createServer({ key: readFileSync(key), cert: readFileSync(cert) }, (socket) => socket.on('error', () => {}).end());
      const { status, steps } = await probe(`wss://127.0.0.1:${await listen(t, server)}`, '--ca', cert);
      assert.equal(status, 1);
      assert.match(steps[2].says, says);
      assert.match(steps[2].advice, advice);
    }
  });

  it('of the daemon, with a certificate that ends in time, is green', async (t) => {
    const { key, cert } = certificate('good', -60, 30.5, 'IP:127.0.0.1');
    const daemon = await testDaemon(t, { args: ['--listen', 'tls:127.0.0.1:0', '--tls-cert', cert, '--tls-key', key] });
    const { status, steps } = await probe(daemon.wss, '--ca', cert);
    assert.equal(status, 0);
    assert.match(steps[2].says, /for 127\.0\.0\.1, and good for 30 days/);
  });

  it('where none is spoken, or only TLS, is told', async (t) => {
    const daemon = await testDaemon(t, { tls: true });
    assertRed(await probe(`wss://127.0.0.1:${daemon.port}`), 'tls', /no TLS/, /ws:\/\//);
    assertRed(await probe(`ws://127.0.0.1:${daemon.tlsPort}`), 'websocket', /426 TLS is spoken/, /wss:\/\//);
  });
});

describe('what is wrong', () => {
  it('a name, a port, a path, another server: each has its sentence', async (t) => {
    const daemon = await testDaemon(t);
    const other = await listen(t, createServer((_, response) => response.end('hello')));
    const free = await listen(t, net.createServer());
    assertRed(await probe('ws://nobody.invalid'), 'name', /nobody\.invalid/, /dig/);
    assertRed(await probe(`${daemon.ws}/nowhere`), 'websocket', /404/, /mounted/);
    assertRed(await probe(`ws://127.0.0.1:${other}`), 'websocket', /200/, /Is this nakodo/);
    assertRed(await probe('--timeout', '1', `ws://127.0.0.1:${free}`), 'websocket', /in time/);
    assertRed(await probe('ws://127.0.0.1:1'), 'connect', /refused/, /listen/);
  });

  it('bytes that mean nothing, none, or without end, end in a sentence in time', async (t) => {
    const noise = randomBytes(65536);
    const head = 'HTTP/1.1 101 Switching Protocols\r\n';
    const servers = [
      (socket) => pour(socket, noise),
      (socket) => socket.on('error', () => {}),
      (socket) => socket.on('error', () => {}).end(),
      (socket) => pour(socket, `${head}${'X: y\r\n'.repeat(1000)}`),
      (socket) => pour(socket, `${head}\r\n`),
    ];
    for (const answer of servers) {
      const port = await listen(t, net.createServer(answer));
      for (const [scheme, step] of [['ws', 'websocket'], ['wss', 'tls']]) {
        assertRed(await probe(`${scheme}://127.0.0.1:${port}`, '--timeout', '1'), step, /./);
      }
    }
  });

  it('a WebSocket that speaks without end and never says welcome ends in time', async (t) => {
    const server = createServer();
    server.on('upgrade', (request, socket) => {
      const key = `${request.headers['sec-websocket-key']}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`;
      const accept = execFileSync('openssl', ['dgst', '-sha1', '-binary'], { input: key }).toString('base64');
      socket.write(`HTTP/1.1 101 Yes\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`);
      pour(socket, Buffer.concat([Buffer.from([0x81, 14]), Buffer.from('{"type":"new"}')]));
      t.after(() => socket.destroy());
    });
    const port = await listen(t, server);
    assertRed(await probe(`ws://127.0.0.1:${port}`, '--timeout', '1'), 'websocket', /in time/);
  });

  it('arguments that are none cost a sentence and status 2', async () => {
    const none = join(directory, 'none.pem');
    writeFileSync(none, 'no certificate\n');
    const cases = [[[], /needs a URL/], [['rtc.example'], /begins with wss/], [['ws://'], /host, port and path/], [['ws://a:0x50'], /host, port/],
      [['ws://a:65536'], /host, port/], [['ws://a/x?y'], /host, port/], [['ws://a', '--timeout', '0'], /1 to 60/], [['ws://a', 'ws://b'], /one URL/],
      [['ws://a', '--token'], /takes one URL/], [['ws://a', '--token', 'a\r\nb: c'], /in one line/], [['wss://a', '--ca', none], /no certificates/]];
    for (const [args, sentence] of cases) {
      const { status, stdout, stderr } = await runDaemon(['probe', ...args]);
      assert.deepEqual([status, stdout], [2, ''], stderr);
      assert.match(stderr, sentence);
    }
    const { status, stdout } = await runDaemon(['probe', '--help']);
    assert.equal(status, 0);
    for (const word of ['--token', '--ca', '--timeout', '--json', 'Exit status']) assert.ok(stdout.includes(word));
  });
});

describe('tokens', () => {
  it('are shown where they are asked for, and never to a server that is not trusted', async (t) => {
    const key = new Key(directory);
    const daemon = await testDaemon(t, { args: ['--auth', 'token', '--auth-key', key.option], tls: true });
    const token = key.token({ room: 'probe-*' });
    const found = await probe(daemon.ws, '--token', token);
    assert.deepEqual([found.status, last(found).step], [0, 'ice'], JSON.stringify(found));
    assertRed(await probe(daemon.ws), 'websocket', /asks for a token/, /--token/);
    assertRed(await probe(daemon.ws, '--token', key.token({ room: 'a' })), 'websocket', /403/, /probe-\*/);
    assertRed(await probe(daemon.ws, '--token', 'x'), 'websocket', /401/, /--token/);
    const untrusted = await probe(daemon.wss, '--token', token);
    assert.deepEqual(marks(untrusted).slice(2), ['tls false', 'websocket null']);
  });
});

describe('STUN and TURN', () => {
  const ice = async (t, ...servers) => {
    const daemon = await testDaemon(t, { args: servers.flatMap((server) => ['--ice-server', server]) });
    const found = await probe(daemon.ws, '--timeout', '2');
    return { ...found, steps: found.steps.slice(5) };
  };

  it('a STUN server answers, and a TURN server relays by UDP and TCP; a wrong password is told', async (t) => {
    const coturn = await startCoturn(undefined, { tcp: true });
    t.after(coturn.stop);
    const at = `127.0.0.1:${coturn.port}`;
    const good = await ice(t, `stun:${at}`, `turn:${at}|user|secret`, `turn:${at}?transport=tcp|user|secret`);
    assert.deepEqual([good.status, marks(good)], [0, ['stun true', 'turn true', 'turn true']], JSON.stringify(good));
    assert.match(good.steps[0].says, /sees us as 127\.0\.0\.1:\d+/);
    assert.match(good.steps[2].says, /64 bytes through two relays and back/);
    const bad = await ice(t, `turn:${at}|user|wrong`);
    assertRed(bad, 'turn', /401: wrong username or password/, /secret/);
  });

  it('credentials made of the shared secret are good', async (t) => {
    const coturn = await startCoturn('shared');
    t.after(coturn.stop);
    const secret = join(directory, 'turn-secret');
    writeFileSync(secret, 'shared\n', { mode: 0o600 });
    const daemon = await testDaemon(t, { args: ['--turn-server', coturn.url, '--turn-secret', secret] });
    const found = await probe(daemon.ws);
    assert.deepEqual([found.status, last(found).step], [0, 'turn'], JSON.stringify(found));
  });

  it('nobody there, noise, silence and noise without end are each red in time', async (t) => {
    const noisy = createSocket('udp4').bind(0, '127.0.0.1');
    await once(noisy, 'listening');
    noisy.on('message', (_, { port }) => noisy.send(randomBytes(100), port, '127.0.0.1'));
    t.after(() => noisy.close());
    const endless = await listen(t, net.createServer((socket) => pour(socket, randomBytes(65536))));
    const silent = await listen(t, net.createServer((socket) => socket.on('error', () => {})));
    const found = await ice(t, 'stun:127.0.0.1:1', `stun:127.0.0.1:${noisy.address().port}`, `turn:127.0.0.1:${endless}?transport=tcp|u|p`,
      `turn:127.0.0.1:${silent}?transport=tcp|u|p`, 'stun:nobody.invalid', `turns:127.0.0.1:${endless}|u|p`);
    assert.equal(found.status, 1);
    assert.deepEqual(marks(found), ['stun false', 'stun false', 'turn false', 'turn false', 'stun false', 'turn false']);
    assert.ok(found.steps.every(({ advice }) => advice));
  });
});
