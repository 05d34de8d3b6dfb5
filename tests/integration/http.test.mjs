// HTTP: the pages with right types and headers, nothing from outside of web-root, health, and
// /ice.json for pages of the same host alone.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, utimesSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { brotliDecompressSync, gunzipSync } from 'node:zlib';
import { pages as shipped, root, scratch, startDaemon, testDaemon, workers } from '../lib/daemon.mjs';
import { ask, dial, exchange, parse, request, rest } from '../lib/http.mjs';
import { CLOSE, handshake, open } from '../lib/raw.mjs';

const outside = scratch();
const pages = join(outside, 'web');
const SECRET = 'top secret';
const HIDDEN = 'hidden from view';

mkdirSync(join(pages, 'lab'), { recursive: true });
mkdirSync(join(pages, '.git'));
mkdirSync(join(outside, 'webmaster'));
for (const path of ['secret.txt', 'webmaster/secret.txt']) writeFileSync(join(outside, path), SECRET);
for (const path of ['.git/config', '.htaccess', 'lab/.env', 'lab/.html']) writeFileSync(join(pages, path), HIDDEN);
for (const path of ['index.html', 'lab.html', 'lab/app.js', 'plain', 'both', 'both.html', 'a b.txt', 'ü.txt', 'empty.txt', 'UPPER.HTML']) {
  writeFileSync(join(pages, path), path === 'empty.txt' ? '' : `this is ${path}`);
}
execFileSync('mkfifo', [join(pages, 'fifo.txt')]);

/** So many connections, or as many as are answered with 200, that ask for it and do not read on from its status. */
async function hoard(daemon, path, count, { localAddress = '127.0.0.1', tls = false } = {}) {
  const slow = [];
  while (slow.length < count) {
    const wire = await dial({ port: tls ? daemon.tlsPort : daemon.port, localAddress, tls });
    wire.socket.once('data', () => wire.socket.pause());
    wire.write(request(path));
    await wire.until(() => wire.received.length >= 12, 'the status');
    if (!wire.received.toString('latin1', 0, 12).endsWith(' 200')) break;
    slow.push(wire);
  }
  return slow;
}

describe('files', () => {
  let daemon;
  before(async () => { daemon = await startDaemon({ args: ['--web-root', pages] }); });
  after(() => daemon.stop());
  const get = (path, options) => ask({ port: daemon.port }, path, options);

  it('are served whole, by their names, index.html for / and a page without its extension', async () => {
    const table = {
      '/': 'index.html', '/index.html': 'index.html', '/index': 'index.html', '/lab': 'lab.html', '/lab/app.js': 'lab/app.js', '/plain': 'plain', '/both': 'both.html',
      '/a%20b.txt': 'a b.txt', '/%C3%BC.txt': 'ü.txt', '/lab.html?room=1&x=%2e%2e': 'lab.html', '/%6cab.html': 'lab.html',
    };
    for (const [path, name] of Object.entries(table)) {
      const answer = await get(path);
      assert.deepEqual([answer.status, answer.text], [200, `this is ${name}`], path);
    }
    assert.deepEqual([(await get('/empty.txt')).status, (await get('/empty.txt')).text], [200, '']);
    for (const path of ['/nothing.html', '/lab/', '/lab/none', '/fifo.txt', `/${'x'.repeat(300)}.html`, '/both/x']) assert.equal((await get(path)).status, 404, path);
  });

  it('have the types that browsers want', async () => {
    const table = {
      'a.html': 'text/html; charset=utf-8', 'a.css': 'text/css; charset=utf-8', 'a.js': 'text/javascript; charset=utf-8', 'a.mjs': 'text/javascript; charset=utf-8',
      'a.json': 'application/json', 'a.svg': 'image/svg+xml', 'a.png': 'image/png', 'a.jpg': 'image/jpeg', 'a.webp': 'image/webp', 'a.ico': 'image/vnd.microsoft.icon',
      'a.txt': 'text/plain; charset=utf-8', 'a.wasm': 'application/wasm', 'a.webmanifest': 'application/manifest+json', 'a.woff2': 'font/woff2', 'a.mp3': 'audio/mpeg',
      'a.min.js': 'text/javascript; charset=utf-8', 'a.unknown': 'application/octet-stream', plain: 'application/octet-stream',
    };
    for (const [name, type] of Object.entries(table)) {
      writeFileSync(join(pages, name), name);
      assert.equal((await get(`/${name}`)).headers['content-type'], type, name);
    }
  });

  it('are read anew: an edited page shows at once', async () => {
    writeFileSync(join(pages, 'edited.html'), 'one');
    assert.equal((await get('/edited')).text, 'one');
    writeFileSync(join(pages, 'edited.html'), 'two');
    assert.equal((await get('/edited')).text, 'two');
  });

  it('an ETag saves the transfer of what has not changed', async () => {
    const { headers: { etag, 'cache-control': caching } } = await get('/lab.html');
    assert.match(etag, /^"[\w-]+"$/);
    assert.equal(caching, 'no-cache');
    const ifNone = (value, options) => get('/lab.html', { headers: { 'If-None-Match': value }, ...options });
    for (const value of [etag, `W/${etag}`, `"other", ${etag}`, '*']) {
      for (const method of ['GET', 'HEAD']) {
        const answer = await ifNone(value, { method });
        assert.deepEqual([answer.status, answer.headers.etag, answer.headers['content-length']], [304, etag, undefined], value);
      }
    }
    for (const value of ['"other"', etag.replaceAll('"', ''), etag.slice(0, -2), `${etag}${'x'.repeat(2000)}`]) assert.equal((await ifNone(value)).status, 200, value);
    utimesSync(join(pages, 'lab.html'), 1, 1);
    const changed = await ifNone(etag);
    assert.equal(changed.status, 200);
    assert.notEqual(changed.headers.etag, etag);
    assert.notEqual((await get('/index.html')).headers.etag, changed.headers.etag);
  });

  describe('with the same one as .br and .gz beside them', () => {
    const forms = { br: 'this is brotli', gzip: 'this is gzip', plain: 'this is page' };
    before(() => {
      writeFileSync(join(pages, 'page.html'), forms.plain);
      writeFileSync(join(pages, 'page.html.br'), forms.br);
      writeFileSync(join(pages, 'page.html.gz'), forms.gzip);
    });
    const accepting = (value, path = '/page', more = {}, options = {}) => get(path, { headers: { 'Accept-Encoding': value, ...more }, ...options });

    it('are sent in the coding that the client likes best, and the answer says that it varies', async () => {
      const table = [
        ['gzip, deflate, br, zstd', 'br'], ['gzip, deflate', 'gzip'], ['br;q=0.5, gzip', 'gzip'], ['*', 'br'], ['br;q=0, *', 'gzip'],
        ['identity', 'plain'], ['deflate', 'plain'], ['gzip;q=0, br;q=0', 'plain'], ['identity, gzip;q=0.5', 'plain'], [null, 'plain'],
        [['gzip', 'br;q=0.1'], 'gzip'], [`${'x, '.repeat(500)}br`, 'plain'],
      ];
      const etags = {};
      for (const [value, form] of table) {
        const { status, headers, text } = await accepting(value);
        assert.deepEqual([status, text, headers['content-encoding'], headers.vary, headers['content-type']],
          [200, forms[form], form === 'plain' ? undefined : form, 'Accept-Encoding', 'text/html; charset=utf-8'], String(value));
        etags[form] ??= headers.etag;
        assert.equal(headers.etag, etags[form]);
      }
      assert.equal(new Set(Object.values(etags)).size, 3);
      for (const form of ['br', 'gzip']) {
        const known = await accepting(form, '/page', { 'If-None-Match': etags[form] });
        assert.deepEqual([known.status, known.headers.vary, known.headers['content-encoding'], known.text], [304, 'Accept-Encoding', undefined, '']);
        assert.equal((await accepting(form, '/page', { 'If-None-Match': etags.plain })).status, 200);
        const [whole, head] = [await accepting(form), await accepting(form, '/page', {}, { method: 'HEAD' })];
        assert.deepEqual([head.status, head.headers], [200, whole.headers]);
      }
    });

    it('over TLS too', async (t) => {
      const { tlsPort } = await testDaemon(t, { args: ['--web-root', pages], tls: true });
      const { headers, text } = await ask({ port: tlsPort, tls: true }, '/page', { headers: { 'Accept-Encoding': 'br' } });
      assert.deepEqual([headers['content-encoding'], text], ['br', forms.br]);
    });

    it('others are sent as they are, and so is all that is no file', async () => {
      for (const path of ['/lab.html', '/', '/healthz', '/ice.json', '/nothing']) {
        const { headers } = await accepting('br, gzip', path);
        assert.deepEqual([headers['content-encoding'], headers.vary], [undefined, undefined], path);
      }
    });

    it('one that is older than the file is not sent', async () => {
      utimesSync(join(pages, 'page.html.br'), 1, 1);
      assert.equal((await accepting('br, gzip')).text, forms.gzip);
      writeFileSync(join(pages, 'page.html'), 'edited');
      utimesSync(join(pages, 'page.html.gz'), 1, 1);
      assert.equal((await accepting('br, gzip')).text, 'edited');
    });
  });

  it('are kept for ever if they are in a folder called immutable', async () => {
    mkdirSync(join(pages, 'lab/immutable'));
    writeFileSync(join(pages, 'lab/immutable/app-1.js'), '');
    const { headers } = await get('/lab/immutable/app-1.js');
    assert.equal(headers['cache-control'], 'public, max-age=31536000, immutable');
    const known = await get('/lab/immutable/app-1.js', { headers: { 'If-None-Match': headers.etag } });
    assert.deepEqual([known.status, known.headers['cache-control']], [304, headers['cache-control']]);
  });

  it('HEAD is GET without the body, whatever the answer', async () => {
    for (const path of ['/', '/lab.html', '/healthz', '/readyz', '/ice.json', '/nothing', '/relay']) {
      const [whole, head] = [await get(path), await get(path, { method: 'HEAD' })];
      assert.deepEqual([head.status, head.headers, head.text], [whole.status, whole.headers, ''], path);
    }
    assert.equal((await get('/', { method: 'HEAD', headers: { Host: 'evil.example' } })).status, 403);
  });

  it('a large one arrives whole at a slow reader', async () => {
    const large = Buffer.alloc(5 << 20, 'nakodo');
    writeFileSync(join(pages, 'large.bin'), large);
    const wire = await dial({ port: daemon.port });
    wire.socket.pause();
    wire.write(request('/large.bin'));
    assert.equal((await get('/healthz')).status, 200);
    wire.socket.resume();
    const answer = parse(await rest(wire));
    assert.ok(answer.body.equals(large));
  });

  it('large ones that are not read take no more memory than a piece for each, and nobody is refused', async (t) => {
    writeFileSync(join(pages, 'huge.bin'), Buffer.alloc(16 << 20, 'nakodo'));
    const own = await testDaemon(t, { args: ['--web-root', pages] });
    const slow = await hoard(own, '/huge.bin', 8);
    assert.equal(slow.length, 8);
    const { memory_answers: waiting } = await own.meters();
    assert.ok(waiting <= 8 << 16, `${waiting} bytes`);
    slow[0].socket.resume();
    assert.equal(parse(await rest(slow[0])).body.length, 16 << 20);
    for (const { socket } of slow) socket.destroy();
  });

  it('a client that sends on, or ends its side, while a large one is on its way is cut', async (t) => {
    writeFileSync(join(pages, 'huge.bin'), Buffer.alloc(16 << 20, 'nakodo'));
    for (const tls of [false, true]) {
      const own = await testDaemon(t, { args: ['--web-root', pages], tls });
      for (const [i, more] of [(socket) => socket.write('x'), (socket) => socket.end()].entries()) {
        const [wire] = await hoard(own, '/huge.bin', 1, { tls });
        assert.equal((await own.meters()).files_broken_off, i);
        more(wire.socket);
        while ((await own.meters()).files_broken_off === i);
        wire.socket.resume();
        assert.ok((await rest(wire)).length < 16 << 20);
      }
    }
  });

  it('a large one that becomes shorter meanwhile ends the connection', async (t) => {
    const path = join(pages, 'shrinks.bin');
    writeFileSync(path, Buffer.alloc(16 << 20, 'nakodo'));
    const own = await testDaemon(t, { args: ['--web-root', pages] });
    const [wire] = await hoard(own, '/shrinks.bin', 1);
    writeFileSync(path, '');
    wire.socket.resume();
    assert.ok((await rest(wire)).length < 16 << 20);
  });

  it('large files on their way leave descriptors for others', async (t) => {
    writeFileSync(join(pages, 'huge.bin'), Buffer.alloc(16 << 20, 'nakodo'));
    const own = await testDaemon(t, { args: ['--web-root', pages], wrap: ['prlimit', '--nofile=200:200'] });
    const slow = [];
    for (let network = 1; network < 20; network++) slow.push(...await hoard(own, '/huge.bin', 100, { localAddress: `127.0.${network}.1` }));
    assert.ok(slow.length > 10 && slow.length < 50 * workers, `${slow.length} at once`); // so many of each
    const refused = await ask({ port: own.port }, '/huge.bin');
    assert.deepEqual([refused.status, JSON.parse(refused.text).code], [503, 'busy']);
    assert.equal((await ask({ port: own.port }, '/huge.bin', { method: 'HEAD' })).status, 200);
    assert.equal((await ask({ port: own.port }, '/index.html')).status, 200);
    for (const { socket } of slow) socket.destroy();
    while ((await own.meters()).connections);
    assert.equal((await hoard(own, '/huge.bin', 1)).length, 1);
  });

  it('an address gets an eighth of the large files that may be on their way', async (t) => {
    writeFileSync(join(pages, 'huge.bin'), Buffer.alloc(16 << 20, 'nakodo'));
    const own = await testDaemon(t, { args: ['--web-root', pages], wrap: ['prlimit', '--nofile=200:200'] });
    const greedy = await hoard(own, '/huge.bin', 100);
    assert.ok(greedy.length > 1 && greedy.length < 8 * workers, `${greedy.length} at once`);
    assert.equal((await hoard(own, '/huge.bin', 1, { localAddress: '127.0.1.1' })).length, 1);
    for (const { socket } of greedy) socket.destroy();
    while ((await own.meters()).connections > 1);
    assert.equal((await hoard(own, '/huge.bin', 100)).length, greedy.length);
  });

  it('OPTIONS names the methods, and others are refused', async () => {
    const options = await get('/', { method: 'OPTIONS' });
    assert.deepEqual([options.status, options.headers.allow, options.text], [204, 'GET, HEAD, OPTIONS', '']);
    for (const method of ['POST', 'PUT', 'PATCH', 'DELETE']) {
      const answer = await get('/', { method });
      assert.deepEqual([answer.status, answer.headers.allow, JSON.parse(answer.text).code], [405, 'GET, HEAD, OPTIONS', 'bad-method'], method);
    }
    for (const method of ['TRACE', 'PROPFIND', 'BREW']) assert.equal((await get('/', { method })).status, 403, method);
    const body = await get('/', { headers: { 'Content-Length': '5' } });
    assert.deepEqual([body.status, JSON.parse(body.text).code], [413, 'body-refused']);
  });

  it('a Content-Length of 0 is no body', async () => {
    for (const method of ['GET', 'HEAD', 'OPTIONS']) {
      const answer = await get('/healthz', { method, headers: { 'Content-Length': '0' } });
      assert.equal(answer.status, method === 'OPTIONS' ? 204 : 200, method);
    }
    for (const length of ['00', '-0', '0, 0', '0x5', '']) {
      const answer = await get('/healthz', { headers: { 'Content-Length': length } });
      assert.ok([200, 413].includes(answer.status), length);
      assert.equal(answer.status, length ? 413 : 200, length);
    }
  });

  it('one answer ends the connection', async () => {
    const bytes = await exchange({ port: daemon.port }, request('/healthz') + request('/readyz'));
    assert.equal(parse(bytes).text, '{"status":"ok"}\n');
  });
});

describe('nothing but the pages', () => {
  let daemon;
  before(async () => { daemon = await startDaemon({ args: ['--web-root', pages] }); });
  after(() => daemon.stop());

  const escapes = [
    '/../secret.txt', '/lab/../../secret.txt', '/lab/../../../../../../../../../../../../secret.txt', '/./../secret.txt', '/.//../secret.txt', '//../secret.txt', '/..//secret.txt',
    '/%2e%2e/secret.txt', '/%2E%2E/secret.txt', '/.%2e/secret.txt', '/%2e./secret.txt', '/..%2fsecret.txt', '/..%2Fsecret.txt', '/%2e%2e%2fsecret.txt', '/lab/..%2f..%2fsecret.txt',
    '/lab%2f..%2f..%2fsecret.txt', '/%252e%252e/secret.txt', '/%252e%252e%252fsecret.txt', '/..%5csecret.txt', '/..\\secret.txt', '/lab\\..\\..\\secret.txt',
    '/..%c0%afsecret.txt', '/%c0%ae%c0%ae/secret.txt', '/..%00/secret.txt', '/%00/../secret.txt', '/..;/secret.txt', '/..;x=1/secret.txt', '/....//secret.txt', '/.../secret.txt',
    '/..?/secret.txt', '/..#/secret.txt', '/../webmaster/secret.txt', '/..master/secret.txt', '/lab/../../webmaster/secret.txt', '../secret.txt', 'secret.txt', '/..',
    `/${outside}/secret.txt`, `//${outside}/secret.txt`, `${outside}/secret.txt`, `/%2f${outside.slice(1)}/secret.txt`, `/..%2f..${outside}/secret.txt`,
    'http://localhost/../secret.txt', 'file:///secret.txt', `file://${outside}/secret.txt`, '/%2e%2e%2f%2e%2e%2f%2e%2e%2f%2e%2e%2fetc/passwd', '/../../../../../../etc/passwd',
  ];
  it(`no directory is escaped, in ${escapes.length} spellings`, async () => {
    for (const path of escapes) {
      const bytes = await exchange({ port: daemon.port }, request(path));
      assert.ok(!bytes.includes(SECRET) && !bytes.includes('root:'), path);
    }
  });

  it('hidden files stay hidden', async () => {
    const hidden = [
      '/.git/config', '/.htaccess', '/lab/.env', '/%2egit/config', '/%2Ehtaccess', '/lab/%2eenv', '/lab/./.env', '//.htaccess', '/lab//.env', '/lab/../.htaccess', '/lab/.html', '/lab/',
      '/lab%2f', '/lab%2f.env', '/.git%2fconfig', '/%00/.htaccess', '/.htaccess%00', '/lab/.', '/./.htaccess',
    ];
    for (const path of hidden) assert.ok(!(await exchange({ port: daemon.port }, request(path))).includes(HIDDEN), path);
  });
});

describe('headers', () => {
  const always = {
    'x-content-type-options': 'nosniff', 'x-frame-options': 'DENY', 'referrer-policy': 'no-referrer', 'cross-origin-opener-policy': 'same-origin',
    'cross-origin-resource-policy': 'same-origin', connection: 'close',
  };

  it('that keep pages safe stand on every answer', async (t) => {
    const daemon = await testDaemon(t, { args: ['--max-peers-per-address', '1'] });
    const peer = await open(daemon, '/');
    const upgrade = { Connection: 'Upgrade', Upgrade: 'websocket', 'Sec-WebSocket-Version': '13', 'Sec-WebSocket-Key': 'dGhlIHNhbXBsZSBub25jZQ==' };
    const { headers: { etag } } = await ask({ port: daemon.port }, '/lab.html');
    const table = [
      [200, '/'], [200, '/lab.html'], [200, '/healthz'], [200, '/ice.json'], [200, '/', { method: 'HEAD' }], [204, '/', { method: 'OPTIONS' }], [304, '/lab.html', { headers: { 'If-None-Match': etag } }],
      [400, '/', { headers: { Host: null } }], [403, '/', { headers: { Host: 'evil.example' } }], [404, '/nothing'], [405, '/', { method: 'POST' }], [413, '/', { headers: { 'Content-Length': '1' } }],
      [426, '/relay'], [426, '/', { headers: { ...upgrade, 'Sec-WebSocket-Version': '7' } }], [429, '/', { headers: upgrade }], [403, '/', { headers: { ...upgrade, Origin: 'null' } }],
      [400, '/', { headers: { ...upgrade, 'Sec-WebSocket-Protocol': 'x' } }],
      // libwebsockets answers these by itself
      [403, '/', { method: 'BREW' }], [403, '/%zz'], [403, 'http://localhost/'],
    ];
    for (const [status, path, options] of table) {
      const answer = await ask({ port: daemon.port }, path, options);
      const name = `${path} ${JSON.stringify(options)}`;
      assert.equal(answer.status, status, name);
      assert.match(answer.headers['content-security-policy'], /^default-src 'none'; .*frame-ancestors 'none'/, name);
      assert.deepEqual(Object.fromEntries(Object.keys(always).map((key) => [key, answer.headers[key]])), always, name);
      assert.equal(answer.headers['access-control-allow-origin'], undefined, name);
      assert.match(answer.headers['cache-control'], answer.headers.etag ? /^no-cache$/ : /^no-store$/, name);
    }
    await peer.leave();
  });

  it('let only the lab connect elsewhere, and no page run foreign scripts', async (t) => {
    const daemon = await testDaemon(t);
    const policy = async (path) => {
      const { headers } = await ask({ port: daemon.port }, path);
      return Object.fromEntries(headers['content-security-policy'].split('; ').map((rule) => [rule.split(' ')[0], rule.slice(rule.indexOf(' ') + 1)]));
    };
    for (const path of ['/lab.html', '/lab', '//lab.html', '/%6cab.html', '/lab.html?server=wss://elsewhere.example']) assert.equal((await policy(path))['connect-src'], "'self' ws: wss:", path);
    for (const path of ['/', '/index.html', '/signaling.js', '/healthz', '/r/lab.html']) assert.equal((await policy(path))['connect-src'], "'self' ws://localhost wss://localhost", path);
    for (const path of ['/nothing', '/lab/', '/lab.htm']) assert.equal((await policy(path))['connect-src'], "'self'", path);
    for (const path of ['/', '/lab.html', '/r/room']) {
      const rules = await policy(path);
      assert.deepEqual([rules['default-src'], rules['script-src'], rules['style-src'], rules['base-uri'], rules['form-action'], rules['frame-ancestors']],
        ["'none'", "'self'", "'self'", "'none'", "'none'", "'none'"]);
      assert.doesNotMatch(JSON.stringify(rules), /unsafe|\*/);
    }
    assert.match((await ask({ port: daemon.port }, '/')).headers['permissions-policy'], /camera=\(self\), microphone=\(self\)/);
  });
});

describe('pages of rooms', () => {
  it('are the index, whatever the room, and cost no line in the log', async (t) => {
    const daemon = await testDaemon(t, { args: ['--log-level', 'debug'] });
    const index = readFileSync(join(shipped, 'index.html'));
    for (const path of ['/r/asakai-7f3k', '/r/asakai?x=1', '/r/%E6%9C%9D%E4%BC%9A', '/r/a%20b', '/r/lab.html', '/r/client.js', '/r/asakai%3Fx', `/r/${'x'.repeat(200)}`]) {
      const answer = await ask({ port: daemon.port }, path);
      assert.deepEqual([answer.status, answer.headers['content-type'], answer.headers['cross-origin-resource-policy']], [200, 'text/html; charset=utf-8', 'same-origin'], path);
      assert.ok(answer.body.equals(index), path);
    }
    for (const path of ['/r', '/r/', '/r/a/b', '/r/a%2Fb']) assert.equal((await ask({ port: daemon.port }, path)).status, 404, path);
    assert.doesNotMatch(daemon.stderr, /asakai/);
  });

  it('allow WebSockets to their own host by name, for Safari before 15.4', async (t) => {
    const daemon = await testDaemon(t, { args: ['--listen', '0.0.0.0:0'] });
    const connect = async (host) => /connect-src ([^;]*)/.exec((await ask({ port: daemon.port }, '/', { headers: { Host: host } })).headers['content-security-policy'])[1];
    for (const host of ['192.168.1.5:3443', 'laptop.local']) assert.equal(await connect(host), `'self' ws://${host} wss://${host}`);
    for (const host of ['[::1]:3000', 'under_score', `${'x'.repeat(255)}:${'1'.repeat(300)}`]) assert.equal(await connect(host), "'self'");
    for (const host of ["x; script-src *", "x 'unsafe-inline'", 'x,y', 'x*', '']) assert.equal(await connect(host), "'self'", host); // refused
  });
});

describe('the page of a room as it ships', () => {
  it('takes no more than 40 kB before Join, with all that its files need first', async (t) => {
    const { port } = await testDaemon(t, { args: ['--web-root', shipped] });
    const take = (path) => exchange({ port }, request(path, { headers: { 'Accept-Encoding': 'gzip, deflate, br, zstd' } }));
    const page = await take('/r/asakai');
    const names = [...brotliDecompressSync(parse(page).body).toString().matchAll(/ (?:href|src)="(\/[^"]+\.\w+)"/g)].map(([, name]) => name);
    const needed = [...new Set(names)].filter((name) => !name.endsWith('.html'));
    const files = await Promise.all(needed.map(async (name) => [name, await take(name)]));
    const total = files.reduce((sum, [, bytes]) => sum + bytes.length, page.length);
    t.diagnostic(`${total} bytes in ${files.length + 1} answers`);
    assert.ok(total < 40_000, `${total} bytes`);
    assert.ok(files.some(([name]) => /\/app-\w+\.js$/.test(name)) && files.some(([name]) => name.endsWith('.css')), needed.join());
    // A module that the page does not name would cost one more round of connections.
    for (const [name, bytes] of files.filter(([path]) => path.endsWith('.js'))) {
      const text = brotliDecompressSync(parse(bytes).body).toString();
      const imports = [...text.matchAll(/\b(?:from|import)"\.\/([^"]+)"/g)].map(([, other]) => `${name.replace(/[^/]+$/, '')}${other}`);
      for (const other of imports) assert.ok(needed.includes(other), `${name} needs ${other}`);
    }
  });
});

describe('the pages on a home screen', () => {
  it('have a name and icons that are there', async (t) => {
    const { port } = await testDaemon(t, { args: ['--web-root', shipped] });
    const page = await ask({ port }, '/r/asakai');
    const [, path] = /<link rel="manifest" href="([^"]+)">/.exec(page.body);
    const manifest = await ask({ port }, path);
    assert.equal(manifest.headers['content-type'], 'application/manifest+json');
    const { name, start_url, icons } = JSON.parse(manifest.body);
    assert.deepEqual([name, start_url], ['nakodo', '/']);
    for (const { src, type } of icons) {
      const icon = await ask({ port }, src);
      assert.deepEqual([icon.status, icon.headers['content-type']], [200, type]);
    }
    assert.ok(icons.some(({ purpose, sizes }) => purpose === 'maskable' && sizes === '512x512'));
  });
});

describe('the JavaScript client', () => {
  const shared = ['client.js', 'client.d.ts', 'signaling.js', 'mesh.js'];
  for (const name of [...shared, 'index.html', 'client.mjs']) writeFileSync(join(pages, name), `this is ${name}`);
  mkdirSync(join(pages, 'sub'));
  writeFileSync(join(pages, 'sub/client.js'), 'other');

  it('may be imported by pages of other sites, and nothing else may', async (t) => {
    const daemon = await testDaemon(t, { args: ['--web-root', pages] });
    const sharing = async (path, options) => {
      const { status, headers } = await ask({ port: daemon.port }, path, options);
      return [status, headers['access-control-allow-origin'], headers['cross-origin-resource-policy']];
    };
    for (const name of shared) {
      assert.deepEqual(await sharing(`/${name}`), [200, '*', 'cross-origin'], name);
      assert.deepEqual(await sharing(`/${name}`, { headers: { Origin: 'https://elsewhere.example', 'If-None-Match': '*' } }), [304, '*', 'cross-origin'], name);
    }
    for (const path of ['/', '/index.html', '/client.mjs', '/sub/client.js', '/ice.json', '/healthz', '/r/client.js', '/client', '/client.js/']) {
      assert.deepEqual((await sharing(path)).slice(1), [undefined, 'same-origin'], path);
    }
  });
});

describe('what the daemon tells', () => {
  it('/healthz and /readyz say that all is well, and are not stored', async (t) => {
    const daemon = await testDaemon(t);
    for (const [path, status] of [['/healthz', 'ok'], ['/readyz', 'ready']]) {
      const answer = await ask({ port: daemon.port }, path);
      assert.deepEqual([answer.status, answer.headers['content-type'], answer.headers['cache-control'], JSON.parse(answer.text)], [200, 'application/json', 'no-store', { status }]);
    }
  });

  it('/readyz is 503 while the daemon drains, which is alive still but lets nobody in', async (t) => {
    const daemon = await testDaemon(t, { args: ['--drain-seconds', '5'] });
    const stubborn = await open(daemon, '/');
    const [ready, health, late] = await Promise.all([dial({ port: daemon.port }), dial({ port: daemon.port }), dial({ port: daemon.port })]);
    assert.equal((await ask({ port: daemon.port }, '/readyz')).status, 200); // the three are accepted too
    daemon.child.kill('SIGTERM');
    await daemon.logged('server.stop', 'how=draining');
    assert.equal((await stubborn.next()).opcode, CLOSE);
    ready.write(request('/readyz'));
    const draining = parse(await rest(ready));
    assert.deepEqual([draining.status, JSON.parse(draining.text), draining.headers['retry-after']], [503, { status: 'draining' }, '5']);
    health.write(request('/healthz'));
    assert.equal(parse(await rest(health)).status, 200);
    late.write(handshake('/'));
    const refusal = await late.response();
    assert.deepEqual([refusal.status, JSON.parse(refusal.body).code], [503, 'draining']);
    await stubborn.wire.reset();
    await daemon.endedWell();
  });

  it('/ice.json has the ice-servers in the order given, as RTCConfiguration wants them', async (t) => {
    const none = await testDaemon(t);
    assert.deepEqual(JSON.parse((await ask({ port: none.port }, '/ice.json')).text), { iceServers: [] });
    const daemon = await testDaemon(t, { args: ['stun:stun.example', 'turn:turn.example:3478?transport=tcp|me|"p|w\\ü', 'turns:[2001:db8::1]|u|p'].flatMap((s) => ['--ice-server', s]) });
    const answer = await ask({ port: daemon.port }, '/ice.json');
    assert.deepEqual([answer.status, answer.headers['content-type'], answer.headers['cache-control']], [200, 'application/json', 'no-store']);
    const servers = JSON.parse(answer.text).iceServers.map(({ urls, ...more }) => ({ urls: [urls].flat(), ...more }));
    assert.deepEqual(servers, [
      { urls: ['stun:stun.example'] },
      { urls: ['turn:turn.example:3478?transport=tcp'], username: 'me', credential: '"p|w\\ü' },
      { urls: ['turns:[2001:db8::1]'], username: 'u', credential: 'p' },
    ]);
  });

  it('/ice.json is for pages of the same host, even where any may connect', async (t) => {
    const daemon = await testDaemon(t, { args: ['--origin', 'any', '--ice-server', 'turn:turn.example|me|hunter2'] });
    for (const path of ['/ice.json', '//ice.json', '/%69ce.json', '/x/../ice.json', '/ice.json?x']) {
      for (const origin of [null, 'http://localhost:1', 'https://localhost']) assert.equal((await ask({ port: daemon.port }, path, { headers: { Origin: origin } })).status, 200, `${path} ${origin}`);
      for (const origin of ['null', 'http://evil.example', 'http://localhost.evil.example']) {
        for (const method of ['GET', 'HEAD']) {
          const answer = await ask({ port: daemon.port }, path, { method, headers: { Origin: origin } });
          assert.equal(answer.status, 403, `${path} ${origin}`);
          assert.ok(!answer.text.includes('hunter2'));
        }
      }
    }
    assert.ok(!daemon.stderr.includes('hunter2'));
  });

  it('the pages of the project are there as they ship, each file whole in each coding', async (t) => {
    const daemon = await testDaemon(t, { args: ['--web-root', shipped] });
    const files = readdirSync(shipped, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile() && !/\.(br|gz)$/.test(entry.name))
      .map((entry) => join(entry.parentPath ?? entry.path, entry.name));
    assert.ok(files.length > 20);
    const decode = { undefined: (body) => body, br: brotliDecompressSync, gzip: gunzipSync };
    for (const file of files) {
      for (const coding of [undefined, 'br', 'gzip']) {
        const { status, headers, body } = await ask({ port: daemon.port }, `/${relative(shipped, file)}`, { headers: { 'Accept-Encoding': coding ?? null } });
        assert.deepEqual([status, headers['content-encoding'], headers.vary], [200, coding, 'Accept-Encoding'], file);
        assert.ok(decode[coding](body).equals(readFileSync(file)), file);
        assert.equal(/immutable/.test(headers['cache-control']), /immutable\/\w+-[0-9A-Z]{8}\./.test(file), file);
      }
    }
  });

  it('a wrong link shows people a page with a way back, and tells programs in JSON', async (t) => {
    const daemon = await testDaemon(t, { args: ['--web-root', shipped] });
    const browser = 'text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8';
    const wrong = (path, Accept, options) => ask(daemon, path, { headers: Accept ? { Accept } : {}, ...options });
    for (const [path, status] of [['/r/', 404], ['/r/a/b', 404], ['/nowhere', 404], ['/missing/none.js', 404], ['/v1/asakai', 426]]) {
      const page = await wrong(path, browser);
      assert.deepEqual([page.status, page.headers['content-type'], page.headers['cache-control'], page.headers.etag],
        [status, 'text/html; charset=utf-8', 'no-store', undefined], path);
      assert.match(page.text, /<a id="missing-back"[^>]* href="\/"/);
      assert.equal((await wrong(path, browser, { method: 'HEAD' })).status, status);
      for (const accept of [undefined, '*/*', 'application/json', 'text/*', 'text/html;q=0, */*']) {
        const answer = await wrong(path, accept);
        assert.deepEqual([answer.status, answer.headers['content-type'], JSON.parse(answer.text).type], [status, 'application/json', 'error'], `${path} ${accept}`);
      }
    }
    assert.match((await ask(daemon, '/r/', { headers: { Accept: browser, 'Accept-Encoding': 'gzip' } })).headers['content-encoding'], /gzip/);
    assert.ok((await daemon.meters()).refused_not_found > 0);
  });

  it('a web-root without such a page answers everybody in JSON', async (t) => {
    const daemon = await testDaemon(t, { args: ['--web-root', pages] });
    const answer = await ask(daemon, '/r/', { headers: { Accept: 'text/html' } });
    assert.deepEqual([answer.status, JSON.parse(answer.text).code], [404, 'not-found']);
  });

  it('the client is one file at each of its addresses, with the same names in it', async (t) => {
    const { port } = await testDaemon(t, { args: ['--web-root', shipped] });
    for (const name of ['client.js', 'signaling.js', 'mesh.js']) {
      const { text } = await ask({ port }, `/${name}`);
      assert.doesNotMatch(text, /\bimport\b/, name);
      const module = await import(`data:text/javascript,${encodeURIComponent(text)}`);
      assert.deepEqual(Object.keys(module), Object.keys(await import(join(root, 'web', name))), name);
    }
  });

  it('what is no script is served as it is written, and the pages name only what is there', async (t) => {
    const { port } = await testDaemon(t, { args: ['--web-root', shipped] });
    for (const name of ['client.d.ts', 'favicon.svg']) {
      assert.ok((await ask({ port }, `/${name}`)).body.equals(readFileSync(join(root, 'web', name))), name);
    }
    for (const page of ['index.html', 'lab.html', 'check.html', 'status.html', 'trust.html', 'missing.html']) {
      const names = [...readFileSync(join(shipped, page), 'utf8').matchAll(/<(?:link|script)[^>]* (?:href|src)="([^"]+)"/g)];
      assert.ok(names.length >= 3, page);
      for (const [, name] of names) assert.equal((await ask({ port }, `/${name.replace(/^\//, '')}`)).status, 200, name);
    }
  });
});
