// Who may come in: origins, Host names, trusted proxies, subprotocols and the limits on peers; what
// a refusal looks like, and that the log says once how to allow it.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { open, openMany, refused } from '../lib/client.mjs';
import { scratch, startDaemon, testDaemon } from '../lib/daemon.mjs';
import { ask, dial, exchange, rest } from '../lib/http.mjs';
import { handshake } from '../lib/raw.mjs';

/** A handshake on a raw socket; the answer, and the connection is gone again. */
async function knock(target, headers = {}, { path = '/', method } = {}) {
  const wire = await dial(target);
  wire.write(handshake(path, headers, { method }));
  const answer = await wire.response();
  wire.socket.destroy();
  return answer;
}

const lines = (value) => value.join('\r\nOrigin: ');

describe('origins', () => {
  const longest = `http://${'a'.repeat(2000)}.example`;
  const table = [
    [['same-host'], 'localhost:3000', {
      in: [undefined, 'http://localhost:3000', 'http://localhost', 'https://localhost:8443', 'http://LocalHost:1'],
      out: ['null', 'http://127.0.0.1:3000', 'http://evil.example', 'http://localhost.evil.example', 'http://localhost@evil.example', 'http://localhost:80@evil.example',
        'http://evil.example/://localhost', 'localhost', 'localhost:3000', 'file://', longest, lines(['http://localhost', 'http://evil.example'])],
    }],
    [['same-host'], '[::1]:3000', { in: ['http://[::1]:3000', 'http://[::1]'], out: ['http://[::2]:3000', 'http://[::1].example', 'http://localhost'] }],
    [['null'], 'localhost', { in: [undefined, 'null'], out: ['http://localhost', 'http://evil.example', 'http://null'] }],
    [['https://a.example', 'http://b.example:81'], 'localhost', {
      in: [undefined, 'https://a.example', 'http://b.example:81', 'https://A.example'],
      out: ['http://a.example', 'https://a.example:444', 'http://b.example', 'https://a.example.evil', 'http://localhost', 'null', lines(['https://a.example', 'https://a.example'])],
    }],
    [['same-host', 'null', 'https://a.example'], 'localhost', { in: [undefined, 'http://localhost', 'null', 'https://a.example'], out: ['https://b.example', 'https://localhost.example'] }],
    [['any'], 'localhost', { in: [undefined, 'http://evil.example', 'null', 'nonsense', longest], out: [] }],
  ];
  for (const [policies, host, { in: allowed, out }] of table) {
    it(`${policies.join(' and ')}, asked as ${host}`, async (t) => {
      const daemon = await testDaemon(t, { args: policies.flatMap((p) => ['--origin', p]) });
      for (const Origin of allowed) assert.equal((await knock(daemon, { Host: host, Origin })).status, 101, Origin);
      for (const Origin of out) {
        const answer = await knock(daemon, { Host: host, Origin });
        assert.deepEqual([answer.status, JSON.parse(answer.body).code], [403, 'bad-origin'], Origin);
      }
    });
  }

  it('a page cannot forge its own by a line break in the URL', async (t) => {
    const daemon = await testDaemon(t);
    for (const path of ['/%0aOrigin:http://localhost:80', '/%0dOrigin:http://localhost', '/?x=%0aOrigin:http://localhost:80', '/%0aOrigin:', '/%0aX', '/%0d%0aX:', '/%0aHost:localhost:80']) {
      const answer = await knock(daemon, { Origin: 'http://evil.example' }, { path });
      assert.deepEqual([answer.status, JSON.parse(answer.body).code], [400, 'bad-request'], path);
    }
  });

  it('?origin= sets it for one listener alone', async (t) => {
    const own = (origin) => ['--listen', `127.0.0.1:0?origin=${encodeURIComponent(origin)}`];
    const daemon = await testDaemon(t, { args: ['--listen', '127.0.0.1:0', ...own('https://a.example'), ...own('any'), '--origin', 'null'] });
    const statuses = (Origin) => Promise.all(daemon.ports.map(async (port) => (await knock({ port }, { Origin })).status));
    assert.deepEqual(await statuses('null'), [101, 403, 101]);
    assert.deepEqual(await statuses('https://a.example'), [403, 101, 101]);
    assert.deepEqual(await statuses('http://localhost'), [403, 403, 101]);
    assert.deepEqual(await statuses(undefined), [101, 101, 101]);
  });
});

describe('host names', () => {
  let daemon;
  const socket = join(scratch(), 'socket');
  before(async () => {
    daemon = await startDaemon({ args: ['--server-name', 'rtc.example.org', '--listen', '127.0.0.1:0', '--listen', '*:0', '--listen', `unix:${socket}`] });
  });
  after(() => daemon.stop());

  /** Both as a page and as a WebSocket. */
  async function statuses(target, Host) {
    const page = await ask(target, '/healthz', { headers: { Host: Host ?? null } });
    const upgrade = await knock(target, { Host });
    return [page.status, upgrade.status];
  }

  it('a loopback listener answers to loopback names and to server-name', async () => {
    for (const host of ['localhost', 'localhost:3000', 'LOCALHOST', 'app.localhost', 'a.b.localhost:80', '127.0.0.1', '127.8.9.10:80', '[::1]', '[::1]:3000', 'rtc.example.org', 'RTC.Example.org:80']) {
      assert.deepEqual(await statuses(daemon, host), [200, 101], host);
    }
  });

  it('and to no other name, however much it looks like one', async () => {
    for (const host of ['evil.example', 'localhost.evil.example', 'evillocalhost', '127.0.0.1.evil.example', '127.1', '128.0.0.1', '192.168.1.1', '0.0.0.0', '[::2]', '[::]', 'sub.rtc.example.org', 'rtc.example.organic']) {
      assert.deepEqual(await statuses(daemon, host), [403, 403], host);
    }
  });

  it('elsewhere pages and private files are those of a name that is ours', async () => {
    const elsewhere = { port: daemon.ports[1] };
    const own = [`localhost:${elsewhere.port}`, `127.0.0.1:${elsewhere.port}`, '192.168.1.1', '[2001:db8::1]', 'rtc.example.org', hostname().split('.')[0], `${hostname().split('.')[0]}.local`];
    for (const Host of own) {
      assert.equal((await ask(elsewhere, '/ice.json', { headers: { Host } })).status, 200, Host);
      assert.equal((await knock(elsewhere, { Host, Origin: `http://${Host}` })).status, 101, Host);
      assert.equal((await knock(elsewhere, { Host, Origin: `https://${Host}` })).status, 403, Host);
    }
    const Host = 'evil.example';
    for (const answer of [await ask(elsewhere, '/ice.json', { headers: { Host } }), await knock(elsewhere, { Host, Origin: 'http://evil.example' })]) {
      assert.deepEqual([answer.status, JSON.parse(answer.text ?? answer.body).code], [403, 'bad-host']);
    }
    await knock({ ...elsewhere, localAddress: '127.0.2.2' }, { Host, Origin: 'http://evil.example' });
    await daemon.logged('request.refuse', 'address=127.0.2.2 ', 'host=evil.example', 'option=server-name');
  });

  it('to who is no browser any other listener answers under every name', async () => {
    for (const target of [{ port: daemon.ports[1] }, { path: socket }]) {
      for (const host of ['evil.example', '192.168.1.1:80', '[2001:db8::1]']) assert.deepEqual(await statuses(target, host), [200, 101], host);
    }
  });

  it('a Host header that is missing, doubled or no name is refused everywhere', async () => {
    for (const target of [daemon, { port: daemon.ports[1] }, { path: socket }]) {
      for (const host of [undefined, '', 'localhost\r\nHost: localhost', 'localhost\r\nHost: evil.example', 'a b', 'me@localhost', 'localhost/', '[::1', '[localhost]', 'localhost:80x', 'a'.repeat(256)]) {
        assert.deepEqual(await statuses(target, host), [400, 400], host);
      }
    }
  });
});

describe('behind a trusted proxy', () => {
  it('the client is the last address of X-Forwarded-For that is no trusted proxy', async (t) => {
    const daemon = await testDaemon(t, { args: ['--trusted-proxy', '127.0.0.0/8', '--trusted-proxy', '2001:db8:ffff::/48'] });
    const table = [
      ['203.0.113.1', '203.0.113.1'],
      ['198.51.100.1, 203.0.113.2', '203.0.113.2'],
      ['203.0.113.3, 127.0.0.9', '203.0.113.3'],
      ['127.0.0.8, 127.0.0.9', '127.0.0.8'], // somebody at a proxy's own machine
      ['evil, 203.0.113.4 ,127.0.0.9,  2001:db8:ffff::1', '203.0.113.4'],
      ['203.0.113.5:4711', '203.0.113.5'],
      ['2001:db8::6', '2001:db8::6'],
      ['[2001:db8::7]:443', '2001:db8::7'],
      ['198.51.100.1\r\nX-Forwarded-For: 203.0.113.8', '203.0.113.8'],
      ['198.51.100.1\r\nX-Forwarded-For: 203.0.113.9\r\nX-Forwarded-For: 127.0.0.1', '203.0.113.9'],
    ];
    for (const [forwarded, address] of table) {
      assert.equal((await knock(daemon, { 'X-Forwarded-For': forwarded })).status, 101, forwarded);
      await daemon.logged('peer.open', `address=${address} `);
    }
  });

  it('a request that does not name its client is refused, as a page and as a WebSocket', async (t) => {
    const daemon = await testDaemon(t, { args: ['--trusted-proxy', '127.0.0.1'] });
    for (const forwarded of [undefined, '', 'unknown', '203.0.113.1, evil', 'evil, 127.0.0.1', '203.0.113.1,', '1.2.3', `${'1.2.3.4, '.repeat(200)}203.0.113.1`]) {
      const upgrade = await knock(daemon, { 'X-Forwarded-For': forwarded });
      assert.deepEqual([upgrade.status, JSON.parse(upgrade.body).code], [400, 'bad-proxy'], forwarded);
      assert.equal((await ask(daemon, '/', { headers: { 'X-Forwarded-For': forwarded ?? null } })).status, 400, forwarded);
    }
    await daemon.logged('request.refuse', 'code=bad-proxy', 'option=trusted-proxy');
  });

  it('the limits count by the address of the client', async (t) => {
    const daemon = await testDaemon(t, { args: ['--trusted-proxy', '127.0.0.1', '--max-peers-per-address', '2'] });
    const from = (address) => ({ headers: { 'X-Forwarded-For': address } });
    const [first] = await openMany(daemon.ws, 2, from('203.0.113.1'));
    assert.equal((await refused(daemon.ws, from('203.0.113.1'))).status, 429);
    await daemon.logged('request.refuse', 'address=203.0.113.1', 'option=max-peers-per-address');
    await openMany(daemon.ws, 2, from('203.0.113.2'));
    await first.close();
    await open(daemon.ws, from('203.0.113.1'));
    assert.equal((await refused(daemon.ws, from('203.0.113.1'))).status, 429);
  });

  it('elsewhere X-Forwarded-For means nothing', async (t) => {
    const daemon = await testDaemon(t, { args: ['--trusted-proxy', '127.0.0.2'] });
    assert.equal((await knock(daemon, { 'X-Forwarded-For': '203.0.113.1' })).status, 101);
    await daemon.logged('peer.open', 'address=127.0.0.1 ');
    const client = await open(daemon.ws, { localAddress: '127.0.0.2', headers: { 'X-Forwarded-For': '203.0.113.2' } });
    await daemon.logged('peer.open', 'address=203.0.113.2 ');
    await client.close();
  });
});

describe('subprotocols', () => {
  it('the first offered one that is known is selected', async (t) => {
    const daemon = await testDaemon(t, { args: ['--subprotocol', 'one', '--subprotocol', 'two'] });
    const select = async (protocols, path = '/') => {
      const client = await open(daemon.ws + path, { protocols });
      await client.close();
      return client.subprotocol;
    };
    for (const path of ['/', '/relay/room', '/chat', '/echo', '/video_chat/signaling']) {
      assert.equal(await select(['two', 'one'], path), 'two');
      assert.equal(await select(['three', 'one', 'two'], path), 'one');
      assert.equal(await select([], path), '');
    }
    const answer = await knock(daemon, { 'Sec-WebSocket-Protocol': 'three\r\nSec-WebSocket-Protocol: two' });
    assert.deepEqual([answer.status, answer.headers['sec-websocket-protocol']], [101, 'two']);
  });

  it('/v1 knows its own alone, which is selected wherever it stands; the other servers\' protocols have none', async (t) => {
    const daemon = await testDaemon(t, { tls: true, args: ['--subprotocol', 'one', '--subprotocol', 'nakodo.v1'] });
    let target = daemon;
    const select = async (path, ...protocols) => {
      const { status, headers } = await knock(target, { 'Sec-WebSocket-Protocol': protocols.join(', ') || undefined }, { path });
      return status === 101 ? headers['sec-websocket-protocol'] ?? 'none' : status;
    };
    for (target of [daemon, { port: daemon.tlsPort, tls: true }]) {
      assert.deepEqual(await Promise.all([
        select('/v1/room', 'one', 'nakodo.v1'),
        select('/v1/room', 'x', 'nakodo.v1', 'one'),
        select('/v1/room', 'one'),
        select('/v1/room'),
        select('/', 'one', 'nakodo.v1'),
        select('/', 'nakodo.v1', 'one'),
      ]), ['nakodo.v1', 'nakodo.v1', 400, 'none', 'one', 'nakodo.v1']);
    }
    for (const path of ['/signaling', '/gst', '/matchbox/room', '/peerjs?key=peerjs&id=a&token=b', '/y-webrtc']) {
      assert.deepEqual([await select(path, 'one'), await select(path)], [400, 'none'], path);
    }
    await Promise.all(Array.from({ length: 20 }, async (_, i) => {
      const [path, offered, selected] = [['/v1/many', ['one', 'nakodo.v1'], 'nakodo.v1'], ['/', ['x', 'one'], 'one'], ['/echo', [], 'none']][i % 3];
      assert.equal(await select(path, ...offered), selected, path);
    }));
  });

  it('only unknown ones are refused with a 400 that names them', async (t) => {
    const daemon = await testDaemon(t, { args: ['--subprotocol', 'one'] });
    for (const offered of ['three', 'three, ONE', 'on', 'onee', '(none)', 'a"b']) {
      const answer = await knock(daemon, { 'Sec-WebSocket-Protocol': offered });
      const { code, message } = JSON.parse(answer.body);
      assert.deepEqual([answer.status, code], [400, 'bad-subprotocol'], offered);
      assert.ok(message.includes(/[("]/.test(offered) ? 'not even tokens' : offered), message);
    }
    await daemon.logged('request.refuse', 'code=bad-subprotocol', 'subprotocol=three', 'option=subprotocol');
  });

  it('without the option a client that offers none gets none and others are refused', async (t) => {
    const daemon = await testDaemon(t);
    const answer = await knock(daemon);
    assert.deepEqual([answer.status, answer.headers['sec-websocket-protocol']], [101, undefined]);
    assert.equal((await refused(daemon.ws, { protocols: ['three'] })).status, 400);
  });
});

describe('limits', () => {
  it('max-peers: one more is refused with 503 until one leaves', async (t) => {
    const daemon = await testDaemon(t, { args: ['--max-peers', '2'] });
    const [first] = await openMany(daemon.ws, 2);
    const { status, json, headers } = await refused(daemon.ws);
    assert.deepEqual([status, json.code, headers['retry-after']], [503, 'server-full', '5']);
    await daemon.logged('request.refuse', 'option=max-peers');
    await first.close();
    await open(daemon.ws);
    assert.equal((await refused(daemon.ws)).status, 503);
  });

  it('a handshake that libwebsockets refuses after we have counted it costs no place', async (t) => {
    const daemon = await testDaemon(t, { args: ['--max-peers', '2', '--max-peers-per-address', '2'] });
    const whole = handshake('/', { Host: 'localhost' });
    const broken = [/^Connection:.*\r\n/im, /^Sec-WebSocket-Key:.*\r\n/im].map((line) => whole.replace(line, ''));
    for (const bytes of [...broken, ...broken, ...broken]) {
      assert.notEqual(bytes, whole);
      assert.doesNotMatch((await exchange(daemon, bytes)).toString('latin1'), /^HTTP\/1\.1 (101|429|503)/);
    }
    await openMany(daemon.ws, 2);
    assert.equal((await refused(daemon.ws)).status, 503);
  });

  it('max-peers-per-address: 256 unless told, counted for each address', async (t) => {
    const daemon = await testDaemon(t);
    const clients = await openMany(daemon.ws, 256);
    const { status, json } = await refused(daemon.ws);
    assert.deepEqual([status, json.code], [429, 'too-many-peers']);
    await daemon.logged('request.refuse', 'address=127.0.0.1', 'option=max-peers-per-address');
    await open(daemon.ws, { localAddress: '127.0.0.2' });
    await clients[0].close();
    await open(daemon.ws);
    assert.equal((await refused(daemon.ws)).status, 429);
  });

  it('max-peers-per-address: 0 is no limit, and unix sockets have none', async (t) => {
    const unlimited = await testDaemon(t, { args: ['--max-peers-per-address', '0'] });
    await openMany(unlimited.ws, 350);
    const path = join(scratch(), 'socket');
    await testDaemon(t, { args: ['--listen', `unix:${path}`, '--max-peers-per-address', '2'] });
    await openMany(`ws+unix:${path}:/`, 100);
  });

  it('an address that holds 64 connections beyond its peers gets no more of them', async (t) => {
    const daemon = await testDaemon(t, { args: ['--max-peers-per-address', '2'] });
    const idle = await Promise.all(Array.from({ length: 66 }, () => dial(daemon)));
    const next = await dial(daemon);
    assert.equal((await rest(next)).length, 0);
    await daemon.logged('accept.refuse', 'address=127.0.0.1', 'option=max-peers-per-address');
    assert.equal((await ask({ port: daemon.port, localAddress: '127.0.0.2' }, '/healthz')).status, 200);
    idle[0].write('GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n');
    await rest(idle[0]);
    assert.equal((await ask(daemon, '/healthz')).status, 200);
  });

  it('the soft limit of descriptors is raised to what max-peers needs', async (t) => {
    const daemon = await testDaemon(t, { args: ['--max-peers', '10000'], wrap: ['prlimit', '--nofile=100:20000'] });
    const [, soft, hard] = /^Max open files +(\d+) +(\d+)/m.exec(readFileSync(`/proc/${daemon.pid}/limits`, 'utf8'));
    assert.ok(soft > 10000 && soft < 20000 && hard === '20000', `${soft} of ${hard}`);
    assert.deepEqual(daemon.lines('limit.descriptors'), []);
  });

  for (const workers of ['1', '2']) {
    it(`where that is not allowed, max-peers is lowered with one warning and holds, with workers = ${workers}`, async (t) => {
      const daemon = await testDaemon(t, { args: ['--workers', workers, '--max-peers', '10000', '--max-peers-per-address', '0'], wrap: ['prlimit', '--nofile=200:200'] });
      await daemon.logged('server.ready');
      const warnings = daemon.lines(' warn ');
      assert.equal(warnings.length, 1);
      const [, hard, wanted, most] = /limit\.descriptors hard-limit=(\d+) max-peers-wanted=(\d+) max-peers=(\d+) /.exec(warnings[0]);
      assert.deepEqual([hard, wanted], ['200', '10000']);
      assert.ok(most > 60 && most < 136, most);
      await openMany(daemon.ws, Number(most));
      assert.equal((await refused(daemon.ws)).json.code, 'server-full');
      assert.equal((await ask(daemon, '/healthz')).status, 200);
    });
  }
});

describe('a refusal', () => {
  it('is a complete answer with a JSON body, for people and programs', async (t) => {
    const daemon = await testDaemon(t, { args: ['--max-peers', '1'] });
    await open(daemon.ws);
    const table = [
      [{ Origin: 'http://evil.example' }, '/', 403, 'bad-origin'],
      [{ Host: 'evil.example' }, '/', 403, 'bad-host'],
      [{}, '/nowhere', 404, 'not-found'],
      [{ 'Sec-WebSocket-Version': '8' }, '/', 426, 'bad-version'],
      [{}, '/', 503, 'server-full'],
    ];
    for (const [headers, path, status, code] of table) {
      const { status: came, headers: answered, text } = await ask(daemon, path, {
        headers: { Upgrade: 'websocket', Connection: 'Upgrade', 'Sec-WebSocket-Version': '13', 'Sec-WebSocket-Key': 'dGhlIHNhbXBsZSBub25jZQ==', ...headers },
      });
      const body = JSON.parse(text);
      assert.deepEqual([came, answered['content-type'], Object.keys(body), body.type, body.code], [status, 'application/json', ['type', 'code', 'message'], 'error', code]);
      assert.match(body.message, /^[A-Z].*\.$/);
      assert.equal(answered.connection, 'close');
      if (status === 426) assert.deepEqual([answered['sec-websocket-version'], answered.upgrade], ['13', 'websocket']);
    }
    assert.equal((await knock(daemon, {}, { method: 'POST' })).status, 405);
  });

  it('is logged with the option that would allow it', async (t) => {
    const daemon = await testDaemon(t, { args: ['--max-peers', '1'] });
    const table = [
      [{ Origin: 'http://evil.example' }, '/', ['status=403', 'origin=http://evil.example', 'option=origin']],
      [{ Host: 'evil.example' }, '/', ['status=403', 'host=evil.example', 'option=server-name']],
      [{}, '/nowhere', ['status=404', 'option=mount']],
      [{ 'Sec-WebSocket-Protocol': 'mine' }, '/', ['status=400', 'subprotocol=mine', 'option=subprotocol']],
      [{ Origin: 'http://evil.example/"\u00e9 \\' }, '/', ['origin="http://evil.example/\\"\\u00c3\\u00a9 \\\\"', 'option=origin']],
    ];
    for (const [number, [headers, path, words]] of table.entries()) {
      const localAddress = `127.0.1.${number + 1}`;
      await knock({ port: daemon.port, localAddress }, headers, { path });
      await daemon.logged('warn request.refuse', `address=${localAddress} `, ...words);
    }
    await open(daemon.ws);
    await refused(daemon.ws);
    await daemon.logged('request.refuse', 'address=127.0.0.1 ', 'status=503', 'option=max-peers');
  });

  it('is logged once per address and minute', async (t) => {
    const daemon = await testDaemon(t);
    const refuse = (localAddress) => knock({ port: daemon.port, localAddress }, { Origin: 'http://evil.example' });
    for (let i = 0; i < 5; i++) await refuse('127.0.0.1');
    await refuse('127.0.0.2');
    await daemon.logged('request.refuse', 'address=127.0.0.2 ');
    assert.equal(daemon.lines('request.refuse', 'address=127.0.0.1 ').length, 1);
  });
});


it('each refusal is counted by its code', async (t) => {
  const daemon = await testDaemon(t, { args: ['--max-peers-per-address', '1'] });
  const peer = await open(`${daemon.ws}/echo`);
  await refused(`${daemon.ws}/echo`);
  await refused(`${daemon.ws}/nothing/here`);
  for (let i = 0; i < 2; i++) await refused(`${daemon.ws}/echo`, { origin: 'http://evil.example' });
  assert.equal((await ask({ port: daemon.port }, '/echo')).status, 426);
  const meters = Object.entries(await daemon.meters()).filter(([name, value]) => name.startsWith('refused') && value);
  assert.deepEqual(Object.fromEntries(meters), { refused: 5, refused_bad_origin: 2, refused_not_found: 1, refused_upgrade_required: 1, refused_too_many_peers: 1 });
  await peer.close();
});
