// The LAN path: one port for TLS and for those who forget it, and what other devices are told.
import assert from 'node:assert/strict';
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import net from 'node:net';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import tls from 'node:tls';
import { open, refused } from '../lib/client.mjs';
import { binary, certificateDirectory, pages, root, scratch, startDaemon, testDaemon } from '../lib/daemon.mjs';
import { ask, dial, exchange, parse, request, rest } from '../lib/http.mjs';
import { descriptors, isIdle, settles } from '../lib/process.mjs';
import { readSvg, readTerminal } from '../lib/qr.mjs';
import { connect, handshake, within } from '../lib/raw.mjs';

const quick = ['--handshake-timeout', '1'];
const listen = ['--listen', 'tls:127.0.0.1:0'];

/** A name in the log and elsewhere for what is sent in a table. */
const name = (bytes) => JSON.stringify(String(bytes).slice(0, 40));

describe('plain HTTP at a TLS port', () => {
  let daemon;
  before(async () => { daemon = await startDaemon({ args: listen, tls: true }); });
  after(() => daemon.stop());
  const plain = (path, options) => ask({ port: daemon.tlsPort }, path, options);

  it('is sent to https at the same host and port, and to the same path and query', async () => {
    const host = `localhost:${daemon.tlsPort}`;
    for (const target of ['/', '/r/asakai', '/r/a+b%2Fc;d&e?x=1&y=%41+z;w=%e6%9c%9d', '/lab.html?server=wss://a/b', '//x/../y', '/r/%zz', `/${'x'.repeat(3000)}`]) {
      const { status, headers, text } = await plain(target, { headers: { Host: host } });
      if (target === '/r/%zz') {
        assert.equal(status, 403); // libwebsockets refuses it by itself
      } else {
        assert.deepEqual([status, headers.location, JSON.parse(text).code], [308, `https://${host}${target}`, 'tls-required'], target);
        assert.equal(headers['cache-control'], 'no-store');
      }
    }
    for (const method of ['HEAD', 'OPTIONS']) assert.equal((await plain('/r/x', { method, headers: { Host: host } })).headers.location, `https://${host}/r/x`);
  });

  it('keeps the host as it was asked for, and the port also when it is the one that goes without saying', async () => {
    for (const [host, to] of [['127.0.0.1:99', '127.0.0.1:99'], ['[::1]:99', '[::1]:99'], ['localhost', 'localhost:80'], ['localhost:', 'localhost:80'], ['a.localhost:1', 'a.localhost:1']]) {
      assert.equal((await plain('/x', { headers: { Host: host } })).headers.location, `https://${to}/x`);
    }
  });

  it('goes nowhere by a forged Host', async (t) => {
    for (const host of [null, '', 'a b', 'a/b', 'a@b', 'x:y', 'x:1:2', '[::1', 'a\tb', 'a,b', 'é', `${'x'.repeat(256)}`, ['localhost', 'evil.example']]) {
      const { status, headers } = await plain('/', { headers: { Host: host } });
      assert.deepEqual([status, headers.location], [400, undefined], String(host));
    }
    assert.equal((await plain('/', { headers: { Host: 'evil.example' } })).status, 403); // a loopback address
    const wide = await testDaemon(t, { args: ['--listen', 'tls:0.0.0.0:0'], tls: true });
    assert.equal((await ask({ port: wide.tlsPort }, '/', { headers: { Host: 'x/y' } })).status, 400);
    assert.equal((await ask({ port: wide.tlsPort }, '/', { headers: { Host: 'laptop.local:1' } })).headers.location, 'https://laptop.local:1/');
  });

  it('has the certificate and the page about it, without which nobody comes further', async () => {
    const needed = [...readFileSync(join(pages, 'trust.html'), 'utf8').matchAll(/<(?:link|script)[^>]* (?:href|src)="([^"]+)"/g)].map(([, path]) => path);
    assert.equal(needed.length, 3);
    const open = ['/ca.crt', '/trust', '/trust.html', '/trust.json', ...needed];
    for (const path of open) assert.equal((await plain(path)).status, 200, path);
    for (const path of ['/', '/index.html', '/ice.json', '/lan.json', '/qr.svg?text=x', '/healthz', '/trustx', '/trust/../ice.json', '/ca.crt/']) {
      assert.equal((await plain(path)).status, 308, path);
    }
  });

  it('has no WebSockets, and says where they are', async () => {
    const refusal = await refused(`ws://127.0.0.1:${daemon.tlsPort}/echo`);
    assert.deepEqual([refusal.status, refusal.json.code], [426, 'tls-required']);
    assert.match(refusal.json.message, /wss:\/\//);
    const client = await open(`${daemon.wss}/echo`);
    assert.equal(await client.send('hello').next(), 'hello');
    await client.close();
  });

  it('is refused as elsewhere when it is wrong', async () => {
    assert.equal((await plain('/', { method: 'POST' })).status, 405);
    assert.equal((await plain('/', { headers: { 'Content-Length': '5' } })).status, 413);
    assert.equal((await plain('/', { headers: { ...Object.fromEntries([['Upgrade', 'h2c'], ['Connection', 'Upgrade']]) } }).catch(() => ({ status: 'end' }))).status, 'end');
  });

  it('one answer ends the connection, whatever stands behind the request', async () => {
    const bytes = await exchange({ port: daemon.tlsPort }, request('/one') + request('/two', { headers: { 'Content-Length': '3' } }));
    assert.match(parse(bytes).headers.location, /\/one$/);
  });

  it('a listener of one dialect sends there as well', async (t) => {
    const own = await testDaemon(t, { args: ['--listen', 'tls:127.0.0.1:0?dialect=echo'], tls: true });
    for (const path of ['/', '/trust', '/ca.crt']) assert.equal((await ask({ port: own.tlsPort }, path)).status, 308, path);
  });
});

/** TLS through a relay that passes on every byte by itself. */
async function bytewise(t, port) {
  const relay = net.createServer((here) => {
    const there = net.connect(port, '127.0.0.1');
    there.setNoDelay(true);
    there.on('data', (bytes) => here.write(bytes)).on('close', () => here.destroy()).on('error', () => {});
    here.on('data', async (bytes) => {
      here.pause();
      for (const byte of bytes) {
        there.write(Buffer.from([byte]));
        await new Promise(setImmediate);
      }
      here.resume();
    }).on('error', () => there.destroy());
  }).listen(0, '127.0.0.1');
  await once(relay, 'listening');
  t.after(() => relay.close());
  return relay.address().port;
}

describe('the first bytes', () => {
  it('may come one by one, with TLS and without', async (t) => {
    const daemon = await testDaemon(t, { args: listen, tls: true });
    const relay = await bytewise(t, daemon.tlsPort);
    assert.equal((await ask({ port: relay, tls: true }, '/healthz')).status, 200);
    const { headers } = await ask({ port: relay }, '/r/a+b?c', { headers: { Host: 'localhost:1' } });
    assert.equal(headers.location, 'https://localhost:1/r/a+b?c');
  });

  it('that never come cost nothing but the time, beside 200 of the kind', async (t) => {
    const daemon = await testDaemon(t, { args: [...listen, ...quick], tls: true });
    const client = await open(`${daemon.wss}/echo`);
    const idle = descriptors(daemon);
    const silent = await Promise.all(Array.from({ length: 200 }, () => dial({ port: daemon.tlsPort })));
    const started = Date.now();
    for (let i = 0; i < 20; i++) {
      assert.equal((await ask({ port: daemon.tlsPort, tls: true }, '/healthz')).status, 200);
      assert.equal(await client.send(`${i}`).next(), `${i}`);
    }
    await within(Promise.all(silent.map((wire) => wire.ended)), 'the end of the silent ones', 5000);
    assert.ok(Date.now() - started < 4000);
    await settles(daemon, idle);
    await client.close();
  });

  it('share one handshake-timeout with what follows them', async (t) => {
    const daemon = await testDaemon(t, { args: [...listen, '--handshake-timeout', '2'], tls: true });
    const wire = await dial({ port: daemon.tlsPort });
    const started = Date.now();
    await new Promise((done) => setTimeout(done, 1200)); // the slow client
    wire.write('G');
    await within(wire.ended, 'the end of a slow one', 5000);
    const took = Date.now() - started;
    assert.ok(took > 1500 && took < 2900, `${took} ms`);
  });

  it('that never come count for their address', async (t) => {
    const daemon = await testDaemon(t, { args: [...listen, '--max-peers-per-address', '1'], tls: true });
    const silent = await Promise.all(Array.from({ length: 65 }, () => dial({ port: daemon.tlsPort })));
    const refusedOne = await dial({ port: daemon.tlsPort });
    await within(refusedOne.ended, 'the end of the 66th');
    await daemon.logged('accept.refuse', 'address=127.0.0.1', 'option=max-peers-per-address');
    await Promise.all(silent.map((wire) => wire.reset()));
    for (let status; status !== 200;) status = await ask({ port: daemon.tlsPort, tls: true }, '/healthz').then((a) => a.status, () => 0);
  });

  it('are not waited for when the daemon stops', async (t) => {
    const daemon = await testDaemon(t, { args: listen, tls: true });
    const silent = await Promise.all(Array.from({ length: 5 }, () => dial({ port: daemon.tlsPort })));
    silent[0].write('GET');
    await daemon.stop();
    await Promise.all(silent.map((wire) => wire.ended));
  });
});

/** The first flight of a TLS client. */
async function clientHello() {
  const server = net.createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const socket = tls.connect({ port: server.address().port, host: '127.0.0.1' }).on('error', () => {});
  const [other] = await once(server, 'connection');
  const [hello] = await once(other, 'data');
  other.destroy();
  socket.destroy();
  server.close();
  return hello;
}

describe('an attacker at a TLS port', () => {
  it('ends nothing but its own connection', async (t) => {
    const daemon = await testDaemon(t, { args: [...listen, ...quick], tls: true });
    const client = await open(`${daemon.wss}/echo`);
    const idle = descriptors(daemon);
    const hello = await clientHello();
    const attacks = [
      hello.subarray(0, 1), hello.subarray(0, 5), hello.subarray(0, 100), hello.subarray(0, hello.length - 1), Buffer.concat([hello, hello]),
      Buffer.concat([Buffer.from([0x16]), Buffer.alloc(5000, 'x')]), Buffer.concat([Buffer.from([0x16, 3, 1, 0xff, 0xff]), Buffer.alloc(70000)]),
      Buffer.concat([hello, Buffer.from(request('/'))]), Buffer.alloc(100000, 0), Buffer.from([0x80, 0x2e, 1, 3, 1]), Buffer.from([0x15, 3, 1, 0, 2, 2, 40]),
      'G', 'GET', 'GET /', 'GET / HTTP/1.1', 'GET / HTTP/1.1\r\n', 'GET /\r\n', 'GET /\r\n\r\n', 'GET  / HTTP/1.1\r\n\r\n', 'get / http/1.1\r\n\r\n', 'A'.repeat(100000), `A${'\n'.repeat(5000)}`,
      `GET /${'x'.repeat(10000)} HTTP/1.1\r\nHost: localhost\r\n\r\n`, `GET / HTTP/1.1\r\nHost: ${'x'.repeat(3000)}\r\n\r\n`, `GET / HTTP/1.1\r\nHost: ${'x'.repeat(10000)}\r\n\r\n`,
      `GET ${'/x'.repeat(1900)} HTTP/1.1\r\nHost: ${'x'.repeat(255)}\r\n\r\n`, 'GET /\x80\xff HTTP/1.1\r\nHost: localhost\r\n\r\n', 'GET /%0d%0ax:%20y HTTP/1.1\r\nHost: localhost\r\n\r\n',
      'GET /\0 HTTP/1.1\r\nHost: localhost\r\n\r\n', 'CONNECT x:1 HTTP/1.1\r\nHost: x\r\n\r\n', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 'PROXY TCP4 1.2.3.4 1.2.3.4 1 2\r\nGET / HTTP/1.1\r\nHost: localhost\r\n\r\n',
      request('/') + request('/', { headers: { Upgrade: 'foo', Connection: 'upgrade' } }), handshake('/echo', { Upgrade: 'h2c' }), handshake('/echo') + 'x'.repeat(5000), '\r\nGET / HTTP/1.1\r\n\r\n', ' ',
    ].map((bytes) => Buffer.from(bytes, 'latin1'));
    for (const how of ['wait', 'end', 'reset', 'reset at once']) {
      await Promise.all(attacks.map(async (bytes) => {
        const wire = await dial({ port: daemon.tlsPort });
        if (how === 'reset at once') {
          wire.socket.write(bytes);
          wire.reset();
        } else {
          await wire.write(bytes);
          if (how === 'end') wire.socket.end();
          if (how === 'reset') wire.reset();
        }
        const answer = await rest(wire).catch((error) => assert.fail(`${how}, ${name(bytes)}: ${error.message}`));
        assert.doesNotMatch(answer.toString('latin1'), /^location: (?!https:\/\/(localhost|x+):80\/[\x21-\x7e]*\r$)/mi, name(bytes));
      }));
      assert.equal(await client.send(how).next(), how);
    }
    await settles(daemon, idle);
    await isIdle(daemon);
    await client.close();
  });

  it('that breaks off at any moment leaves nothing behind', async (t) => {
    const daemon = await testDaemon(t, { args: [...listen, ...quick], tls: true });
    const idle = descriptors(daemon);
    const hello = await clientHello();
    for (let i = 0; i < 300; i++) {
      const wire = await dial({ port: daemon.tlsPort });
      wire.socket.write(i % 2 ? hello.subarray(0, 1 + i % hello.length) : request('/').slice(0, 1 + i % 30));
      for (let turns = i % 7; turns; turns--) await new Promise(setImmediate);
      await wire.reset();
    }
    assert.equal((await ask({ port: daemon.tlsPort, tls: true }, '/healthz')).status, 200);
    await settles(daemon, idle);
  });

  it('that sends no more and does not go away keeps nobody busy', async (t) => {
    const daemon = await testDaemon(t, { args: [...listen, '--handshake-timeout', '10'], tls: true });
    for (const bytes of ['G', 'GET / HTTP/1.1', 'GET / HTTP/1.1\r\n']) {
      const half = await connect(daemon, { port: daemon.tlsPort });
      half.socket.write(bytes);
      const ended = await connect(daemon, { port: daemon.tlsPort });
      ended.socket.allowHalfOpen = true;
      ended.socket.end(bytes);
    }
    await isIdle(daemon);
  });
});

/** A network namespace with these addresses beside the loopback ones; needs no interface but lo. */
const isolated = ['unshare', ...(process.getuid() ? ['-r'] : []), '-n'];
const noNamespaces = spawnSync(isolated[0], [...isolated.slice(1), 'true']).status !== 0 && 'no namespaces here';
const isolatedWith = (addresses, ...more) => {
  const commands = ['ip link set lo up', ...addresses.map((address) => `ip addr add ${address} dev lo`), ...more, 'exec "$@"'];
  return [...isolated, 'sh', '-c', commands.join(' && '), 'sh'];
};
/** Run a command where the daemon is, since nobody else reaches it there. */
const inside = (daemon, ...command) => execFileSync('nsenter', ['-t', String(daemon.pid), ...(process.getuid() ? ['-U', '--preserve-credentials'] : []), '-n', ...command], { encoding: 'utf8' });
const get = (daemon, url, ...more) => inside(daemon, 'curl', '-sk', '--max-time', '10', ...more, url);

describe('what other devices are told', { skip: noNamespaces }, () => {
  const wrap = isolatedWith(['192.168.7.5/24', '10.9.8.7/8', 'fd00::5/64']);
  const args = ['--listen', 'tls:*:0', '--listen', '127.0.0.1:0', '--listen', 'tls:127.0.0.1:0', '--listen', 'tls:192.168.7.5:0', '--listen', 'tls:*:0?dialect=echo', '--tls-self-signed', join(scratch(), 'certs')];

  for (const workers of ['1', '2']) {
    it(`/lan.json has the addresses of the TLS listeners that have pages and are not loopback, with workers = ${workers}`, async (t) => {
      const daemon = await testDaemon(t, { args: [...args, '--workers', workers], wrap });
      const [first, bound] = [daemon.tlsPort, Number(/https:\/\/192\.168\.7\.5:(\d+)\/\n {2}https:\/\/localhost/.exec(daemon.stdout)[1])];
      assert.deepEqual(JSON.parse(get(daemon, `https://127.0.0.1:${first}/lan.json`)), {
        urls: [`https://192.168.7.5:${first}/`, `https://10.9.8.7:${first}/`, `https://192.168.7.5:${bound}/`],
      });
      assert.equal(JSON.parse(get(daemon, `https://192.168.7.5:${bound}/healthz`)).status, 'ok');
    });
  }

  it('the address from which the default route goes comes first', async (t) => {
    const route = isolatedWith(['10.1.1.1/8', '192.168.7.5/24'], 'ip route add default dev lo src 192.168.7.5');
    const daemon = await testDaemon(t, { args: ['--listen', 'tls:*:0', '--tls-self-signed', join(scratch(), 'certs')], wrap: route });
    assert.deepEqual(JSON.parse(get(daemon, `https://127.0.0.1:${daemon.tlsPort}/lan.json`)).urls.map((url) => new URL(url).hostname), ['192.168.7.5', '10.1.1.1']);
  });

  it('and before it those that the certificate has', async (t) => {
    const route = isolatedWith(['203.0.113.9/24', '192.168.7.5/24'], 'ip route add default dev lo src 203.0.113.9');
    const daemon = await testDaemon(t, { args: ['--listen', 'tls:*:0', '--tls-self-signed', join(scratch(), 'certs')], wrap: route });
    assert.deepEqual(JSON.parse(get(daemon, `https://127.0.0.1:${daemon.tlsPort}/lan.json`)).urls.map((url) => new URL(url).hostname), ['192.168.7.5', '203.0.113.9']);
  });

  it('on a terminal the first of them is a QR code, and elsewhere it is not drawn', async (t) => {
    const certs = join(scratch(), 'certs');
    const command = [binary, '--web-root', join(root, 'web'), '--listen', 'tls:*:0', '--tls-self-signed', certs].join(' ');
    const child = spawn(wrap[0], [...wrap.slice(1), 'script', '-qefc', command, '/dev/null'], { stdio: ['pipe', 'pipe', 'inherit'] });
    t.after(() => child.kill('SIGKILL'));
    let shown = '';
    await within(new Promise((done) => {
      child.stdout.setEncoding('utf8').on('data', (text) => {
        shown += text;
        if (shown.includes('server.ready')) done();
      });
    }), 'that it is ready');
    const [url] = /https:\/\/192\.168\.7\.5:\d+\//.exec(shown);
    assert.equal(readTerminal(shown), url);
    assert.ok(shown.includes(`trust it: ${url.replace('https', 'http')}trust\r\n`));
    child.stdin.write('\x03');
    await within(once(child, 'close'), 'its end');
    const piped = await testDaemon(t, { args: ['--listen', 'tls:*:0', '--tls-self-signed', certs], wrap });
    assert.doesNotMatch(piped.stdout, /[█▀▄\x1b]/);
  });

  it('the fingerprint at the start is that of the authority', async (t) => {
    const daemon = await testDaemon(t, { args, wrap });
    const [, fingerprint] = / SHA-256 ([0-9A-F:]+)\n/.exec(daemon.stdout);
    const openssl = execFileSync('openssl', ['x509', '-noout', '-fingerprint', '-sha256'], { input: get(daemon, `https://127.0.0.1:${daemon.tlsPort}/ca.crt`), encoding: 'utf8' });
    assert.equal(openssl, `sha256 Fingerprint=${fingerprint}\n`);
    assert.equal(JSON.parse(get(daemon, `http://127.0.0.1:${daemon.tlsPort}/trust.json`)).fingerprint, fingerprint);
  });
});

describe('where there is no LAN', () => {
  it('nothing is told of it', async (t) => {
    const daemon = await testDaemon(t, { tls: true });
    assert.deepEqual(JSON.parse((await ask({ port: daemon.port }, '/lan.json')).text), { urls: [] });
    const plain = await testDaemon(t, { args: ['--listen', '0.0.0.0:0'] });
    assert.deepEqual(JSON.parse((await ask({ port: plain.port }, '/lan.json')).text), { urls: [] });
  });

  it('a server without a local authority has none to give', async (t) => {
    const plain = await testDaemon(t);
    const answer = await ask({ port: plain.port }, '/ca.crt');
    assert.deepEqual([answer.status, JSON.parse(answer.text).code], [404, 'not-found']);
    assert.deepEqual(JSON.parse((await ask({ port: plain.port }, '/trust.json')).text), { fingerprint: null, tls: false, urls: [] });
    assert.doesNotMatch(plain.stdout, /SHA-256/);
  });

  it('/ca.crt is what phones take for a certificate to install', async (t) => {
    const daemon = await testDaemon(t, { tls: true });
    const { headers, text } = await ask({ port: daemon.port }, '/ca.crt');
    assert.equal(headers['content-type'], 'application/x-x509-ca-cert');
    assert.equal(text, readFileSync(join(certificateDirectory(), 'ca.pem'), 'utf8'));
  });
});

describe('/qr.svg', () => {
  let daemon;
  before(async () => { daemon = await startDaemon(); });
  after(() => daemon.stop());
  const draw = (query, options) => ask({ port: daemon.port }, `/qr.svg${query}`, options);

  it('is the text, as a phone reads it', async () => {
    for (const text of ['https://192.168.1.5:3443/r/asakai-7f3k', 'https://laptop.local:3443/r/%E6%9C%9D%E4%BC%9A?a=b&c=d+e', '朝会', 'a', 'a=b=c&d;e+f%', 'x'.repeat(512), 'あ'.repeat(170)]) {
      const answer = await draw(`?text=${encodeURIComponent(text)}`);
      assert.deepEqual([answer.status, answer.headers['content-type'], answer.headers['cross-origin-resource-policy']], [200, 'image/svg+xml', 'same-origin']);
      assert.equal(readSvg(answer.text), text);
    }
  });

  it('refuses what it cannot draw, in JSON', async () => {
    for (const query of ['', '?', '?text', '?text=', `?text=${'x'.repeat(513)}`, `?text=${encodeURIComponent('あ'.repeat(171))}`, '?text=%ff', '?text=%ed%a0%80', '?text=a&text=b', '?other=a', '?Text=a']) {
      const answer = await draw(query);
      assert.deepEqual([answer.status, answer.headers['content-type'], JSON.parse(answer.text).code], [400, 'application/json', 'bad-text'], query);
    }
  });

  it('a few are drawn in each turn of the loop; who comes beyond is told so, and what is drawn already is there', async (t) => {
    const own = await testDaemon(t, { args: ['--connect-rate', '0'] });
    assert.equal((await ask({ port: own.port }, '/qr.svg?text=x')).status, 200);
    for (let round = 0; !((await own.meters()).qr_refused > 0); round++) {
      assert.ok(round < 20, 'all of a crowd have got theirs');
      const wires = await Promise.all(Array.from({ length: 30 }, () => dial({ port: own.port })));
      own.halt();
      await Promise.all(wires.map((wire, i) => wire.write(`GET /qr.svg?text=${round}-${i} HTTP/1.1\r\nHost: localhost\r\n\r\n`)));
      own.goOn();
      const answers = await Promise.all(wires.map((wire) => wire.response()));
      for (const { status, body } of answers.filter((answer) => answer.status !== 200)) assert.deepEqual([status, JSON.parse(body).code], [503, 'busy']);
    }
    assert.equal((await ask({ port: own.port }, '/qr.svg?text=x')).status, 200);
  });

  it('/lan.json and /trust.json are for pages of the same host, even where any may connect', async (t) => {
    const any = await testDaemon(t, { args: ['--origin', 'any'] });
    for (const path of ['/qr.svg?text=x', '/lan.json', '/trust.json']) {
      for (const origin of [null, 'http://localhost:1']) assert.equal((await ask({ port: any.port }, path, { headers: { Origin: origin } })).status, 200, path);
      for (const origin of ['null', 'http://evil.example']) assert.equal((await ask({ port: any.port }, path, { headers: { Origin: origin } })).status, 403, path);
    }
  });
});
