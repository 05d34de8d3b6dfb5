// Goal: a PeerJS client finds at nakodo what it finds at its own server, and none of that one's faults.
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { open, openMany } from '../lib/client.mjs';
import { startDaemon } from '../lib/daemon.mjs';
import { ask } from '../lib/http.mjs';
import { BINARY, open as openRaw } from '../lib/raw.mjs';

const OPEN = '{"type":"OPEN"}';
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;
const error = (msg) => `{"type":"ERROR","payload":{"msg":"${msg}"}}`;

/** Connect to the WebSocket of this base, such as ws://127.0.0.1:3000/peerjs. */
const connect = (base, { id, token = 't', key = 'peerjs', more = '' }) =>
  open(`${base}?key=${key}&id=${id}&token=${token}${more}`);

/** Connect and hear OPEN. */
async function enter(base, query) {
  const client = await connect(base, query);
  assert.equal(await client.next(), OPEN);
  return client;
}

/** What the client says comes out at the other as these exact bytes. */
async function passes(from, text, to, expected) {
  from.send(text);
  assert.equal(await to.next(), expected);
}

/** Nothing has come: the next that arrives is what the client sends itself now. */
async function silent(client, id) {
  await passes(client, `{"type":"OFFER","dst":"${id}","payload":"echo"}`, client, `{"type":"OFFER","src":"${id}","dst":"${id}","payload":"echo"}`);
}

async function refused(base, query, text) {
  const client = await connect(base, query);
  assert.equal(await client.next(), text);
  assert.deepEqual(await client.closed, { code: 1005, reason: '' });
}

describe('peerjs', () => {
  let daemon;
  let base;
  let other; // a listener of its own
  let otherPort;

  before(async () => {
    daemon = await startDaemon({
      args: [
        '--listen', '127.0.0.1:0', '--listen', '127.0.0.1:0?dialect=peerjs&origin=any',
        '--mount', '/keyed/peerjs=peerjs?key=K&allow-discovery=yes&concurrent-limit=2',
        '--mount', '/quick=peerjs?alive-timeout=700&expire-timeout=300',
        '--max-peers-per-room', '4', '--max-peers-per-address', '0', '--connect-rate', '0',
      ],
    });
    base = `${daemon.ws}/peerjs`;
    const url = new URL(daemon.urls.filter((u) => u.startsWith('http')).at(-1));
    otherPort = Number(url.port);
    other = `ws://127.0.0.1:${otherPort}/peerjs`;
    assert.notEqual(otherPort, daemon.port);
  });
  after(() => daemon?.stop());

  it('speaks as in the transcript', async () => {
    const a = await enter(base, { id: 'A', token: 'a' });
    a.send('{"type":"OFFER","src":"Z","dst":"B","payload":{"x":1},"junk":2}');
    await silent(a, 'A');
    const b = await enter(base, { id: 'B', token: 'b' });
    assert.equal(await b.next(), '{"type":"OFFER","src":"A","dst":"B","payload":{"x":1}}');
    const start = performance.now();
    a.send('{"type":"OFFER","dst":"C","payload":{}}');
    a.send('{"type":"CANDIDATE","dst":"C","payload":{}}');
    assert.equal(await a.next(), '{"type":"EXPIRE","src":"C","dst":"A"}');
    const waited = performance.now() - start;
    assert.ok(waited > 4950 && waited < 7000, `EXPIRE after ${waited} ms`);
    await silent(a, 'A'); // once for both
    await refused(base, { id: 'A', token: 'zz' }, '{"type":"ID-TAKEN","payload":{"msg":"ID is taken"}}');
    await a.close();
    await b.close();
  });

  it('refuses in this order, in-band and with a close without a code', async () => {
    const nothing = error('No id, token, or key supplied to websocket server');
    const a = await enter(`${daemon.ws}/keyed/peerjs`, { id: 'a', key: 'K' });
    const b = await enter(`${daemon.ws}/keyed/peerjs`, { id: 'b', key: 'K' });
    const keyed = `${daemon.ws}/keyed/peerjs`;
    await refused(keyed, { id: '', key: 'wrong' }, nothing);
    await refused(keyed, { id: 'a', key: '' }, nothing);
    await refused(keyed, { id: 'a', token: '', key: 'K' }, nothing);
    await refused(keyed, { id: 'a', token: 'wrong', key: 'peerjs' }, error('Invalid key provided'));
    await refused(keyed, { id: 'a', token: 'wrong', key: 'K' }, '{"type":"ID-TAKEN","payload":{"msg":"ID is taken"}}');
    await refused(keyed, { id: 'c', key: 'K' }, error('Server has reached its concurrent user limit'));
    await enter(keyed, { id: 'a', key: 'K' }).then((again) => again.close()); // no third one
    await enter(keyed, { id: 'c', key: 'K' }).then((c) => c.close());
    await refused(base, { id: 'x'.repeat(129) }, error('The id is not UTF-8 or has more than 128 bytes'));
    await refused(base, { id: '%ff' }, error('The id is not UTF-8 or has more than 128 bytes'));
    await Promise.all([a.closed, b.close()]);
  });

  it('lets the same token take over: OPEN for the new one, a close for the old one', async () => {
    const old = await enter(base, { id: 'me', token: 'eyJhbGciOi.J9' });
    const b = await enter(base, { id: 'b' });
    const now = await enter(base, { id: 'me', token: 'eyJhbGciOi.J9' });
    assert.deepEqual(await old.closed, { code: 1005, reason: '' });
    await passes(b, '{"type":"OFFER","dst":"me"}', now, '{"type":"OFFER","src":"b","dst":"me"}');
    await silent(now, 'me');
    await now.close();
    await b.close();
  });

  it('decodes ids and tokens as forms do', async () => {
    const a = await enter(base, { id: 'a%20b%2F%C3%A9', token: 'x+y' });
    const again = await enter(base, { id: 'a+b/é', token: 'x%20y', more: '&version=1.5.5' });
    await a.closed;
    await passes(again, '{"type":"OFFER","dst":"a b/é"}', again, '{"type":"OFFER","src":"a b/é","dst":"a b/é"}');
    await again.close();
  });

  it('takes tokens of any length in full', async () => {
    const token = 'j'.repeat(2500);
    const a = await enter(base, { id: 'long', token });
    await refused(base, { id: 'long', token: `${token.slice(1)}k` }, '{"type":"ID-TAKEN","payload":{"msg":"ID is taken"}}');
    await enter(base, { id: 'long', token }).then((again) => again.close());
    await a.closed;
  });

  it('passes payloads on byte for byte, out of text and binary frames', async () => {
    const [a, b] = await Promise.all([enter(base, { id: 'a' }), enter(base, { id: 'b' })]);
    const payload = '{ "n":1.50e+02, "n" : 12345678901234567890,"s":"\\u0000\\ud800\\/é😀" }';
    for (const type of ['OFFER', 'ANSWER', 'CANDIDATE', 'LEAVE', 'EXPIRE']) {
      const text = `{"payload":${payload},"dst":"b","src":"c","type":"${type}","x":[1]}`;
      const expected = `{"type":"${type}","src":"a","dst":"b","payload":${payload}}`;
      await passes(a, text, b, expected);
      await passes(a, Buffer.from(text), b, expected);
    }
    await a.close();
    await b.close();
  });

  it('passes by what it does not understand, and serves on', async () => {
    const a = await enter(base, { id: 'a' });
    const raw = await openRaw(daemon, '/peerjs?key=peerjs&id=raw&token=t');
    assert.equal(await raw.says(), `text ${OPEN}`);
    const nonsense = [
      '', 'null', '[]', '"OFFER"', '{', '{"type":', '\u0000', `${'['.repeat(60000)}`, `{"a":${'{"a":'.repeat(9000)}`,
      '{"type":"OPEN","dst":"a"}', '{"type":"ID-TAKEN","dst":"a"}', '{"type":"offer","dst":"a"}', '{"type":1,"dst":"a"}',
      '{"dst":"a"}', '{"type":"OFFER"}', '{"type":"OFFER","dst":1}', '{"type":"HEARTBEAT"}',
      // a doubled member, whatever its spelling
      '{"type":"OFFER","dst":"a","dst":"raw"}', '{"type":"OFFER","dst":"a","\\u0064st":"a"}',
      '{"type":"OFFER","\\u0074ype":"LEAVE","dst":"a"}',
    ];
    for (const text of nonsense) {
      await raw.text(text);
      await raw.binary(text);
      await raw.binary(Buffer.concat([Buffer.from(text), Buffer.from([0xff])]));
    }
    await raw.text('{"type":"OFFER","dst":"raw","payload":1}');
    assert.equal(await raw.says(), 'text {"type":"OFFER","src":"raw","dst":"raw","payload":1}');
    await raw.send(BINARY, '{"type":"OFFER","dst":"a"}');
    assert.equal(await a.next(), '{"type":"OFFER","src":"raw","dst":"a"}');
    await raw.leave();
    await a.close();
  });

  it('lets nobody send as an id that is not his own any more', async () => {
    const [ghost, b] = await Promise.all([enter(base, { id: 'a' }), enter(base, { id: 'b' })]);
    ghost.send('{"type":"LEAVE"}');
    const a = await enter(base, { id: 'a', token: 'another' });
    ghost.send('{"type":"OFFER","dst":"b","payload":"forged"}');
    ghost.send('{"type":"OFFER","dst":"nobody"}');
    await passes(a, '{"type":"OFFER","dst":"b","payload":"true"}', b, '{"type":"OFFER","src":"a","dst":"b","payload":"true"}');
    await silent(b, 'b');
    await ghost.close();
    await silent(a, 'a');
    await a.close();
    await b.close();
  });

  it('keeps offers for those who come within the time, and tells the others once', async () => {
    const quick = `${daemon.ws}/quick/peerjs`;
    const alive = await enter(quick, { id: 'a' });
    alive.send('{"type":"OFFER","dst":"late","payload":1}').send('{"type":"CANDIDATE","dst":"late","payload":2}');
    alive.send('{"type":"OFFER","dst":"never","payload":3}').send('{"type":"CANDIDATE","dst":"never","payload":4}');
    await silent(alive, 'a');
    const late = await enter(quick, { id: 'late' });
    assert.equal(await late.next(), '{"type":"OFFER","src":"a","dst":"late","payload":1}');
    assert.equal(await late.next(), '{"type":"CANDIDATE","src":"a","dst":"late","payload":2}');
    assert.equal(await alive.next(), '{"type":"EXPIRE","src":"never","dst":"a"}');
    await silent(alive, 'a');
    await late.close();
    await alive.close();
  });

  it('bounds what waits: an offer that cannot wait is answered at once', async () => {
    const a = await enter(base, { id: 'a' });
    const payload = JSON.stringify('x'.repeat(50000));
    for (let i = 0; i < 3; i++) a.send(`{"type":"OFFER","dst":"x","payload":${payload}}`);
    const start = performance.now();
    assert.equal(await a.next(), '{"type":"EXPIRE","src":"x","dst":"a"}');
    assert.ok(performance.now() - start < 3000);
    const long = 'x'.repeat(129);
    await passes(a, `{"type":"OFFER","dst":"${long}"}`, a, `{"type":"EXPIRE","src":"${long}","dst":"a"}`);
    const x = await enter(base, { id: 'x' });
    for (let i = 0; i < 2; i++) assert.equal(await x.next(), `{"type":"OFFER","src":"a","dst":"x","payload":${payload}}`);
    await silent(x, 'x');
    await x.close();
    await a.close();
  });

  it('closes whoever is silent for alive-timeout; anything that comes counts, a pong too', async () => {
    const quick = `${daemon.ws}/quick/peerjs`;
    const silentOne = await enter(quick, { id: 'silent' });
    const [talker, ponger] = await Promise.all([enter(quick, { id: 'talker' }), enter(quick, { id: 'ponger' })]);
    const timer = setInterval(() => {
      talker.send('{"type":"HEARTBEAT"}');
      ponger.ws.pong('here'); // libwebsockets tells of no empty ones
    }, 150);
    const start = performance.now();
    assert.deepEqual(await silentOne.closed, { code: 1005, reason: '' });
    assert.ok(performance.now() - start > 500);
    const another = await enter(quick, { id: 'silent', token: 'the id is free' });
    await another.closed; // as long again
    clearInterval(timer);
    await silent(talker, 'talker');
    await silent(ponger, 'ponger');
    await Promise.all([talker.close(), ponger.close()]);
  });

  it('has room for more peers than a room has', async () => {
    const clients = await Promise.all(Array.from({ length: 300 }, (_, i) => enter(base, { id: `n${i}` })));
    await passes(clients[0], '{"type":"OFFER","dst":"n299"}', clients[299], '{"type":"OFFER","src":"n0","dst":"n299"}');
    await Promise.all(clients.map((c) => c.close()));
  });

  it('keeps its peers from those of other mounts', async () => {
    const here = await enter(base, { id: 'a' });
    const there = await enter(other, { id: 'a', token: 'x' });
    const elsewhere = await enter(`${daemon.ws}/quick/peerjs`, { id: 'a', token: 'y' });
    const signal = (await openMany(`${daemon.ws}/`, 1))[0];
    here.send('{"type":"OFFER","dst":"b","payload":1}');
    await silent(here, 'a');
    await enter(other, { id: 'b' }).then(async (b) => {
      await silent(b, 'b');
      await b.close();
    });
    await silent(there, 'a');
    await Promise.all([here, there, elsewhere, signal].map((c) => c.close()));
  });

  it('accepts the WebSocket where clients with path / and with path /peerjs look for it', async () => {
    const one = await enter(`${daemon.ws}/peerjs`, { id: 'one' });
    const two = await enter(`${daemon.ws}/peerjs/peerjs`, { id: 'two' });
    await passes(one, '{"type":"OFFER","dst":"two"}', two, '{"type":"OFFER","src":"one","dst":"two"}');
    await Promise.all([one.close(), two.close()]);
    for (const url of [`${daemon.ws}/peerjs/`, `${daemon.ws}/peerjs/x`, `${other}/`, `${other}/peerjs`, other.replace('/peerjs', '/')]) {
      await assert.rejects(open(`${url}?key=peerjs&id=a&token=t`), { status: 404 }, url);
    }
  });

  it('answers the plain requests on both kinds of listeners', async () => {
    const rows = [
      ['/peerjs/id', 200, 200], ['/peerjs/peers', 401, 401], ['/any/id', 404, 200], ['/any/peers', 404, 401],
      ['/peerjs/any/id', 200, 404], ['/keyed/K/id', 200, 404], ['/keyed/other/id', 404, 404], ['/', 200, 200],
      ['/peerjs', 200, 426], ['/nothing', 404, 404],
    ];
    for (const [path, ...statuses] of rows) {
      for (const [i, port] of [daemon.port, otherPort].entries()) {
        const { status, text, headers } = await ask({ port }, `${path}?ts=1&version=1.5.5`);
        assert.equal(status, statuses[i], `${path} on ${i}`);
        if (status === 200 && path.endsWith('/id')) {
          assert.match(text, UUID);
          assert.equal(headers['content-type'], 'text/html; charset=utf-8');
        } else if (status === 401) {
          assert.equal(text, 'Unauthorized');
          assert.equal(headers['content-type'], 'text/plain; charset=utf-8');
        }
      }
    }
    const banner = JSON.parse((await ask({ port: otherPort }, '/')).text);
    assert.deepEqual(Object.keys(banner), ['name', 'description', 'website']);
    const ids = await Promise.all([1, 2].map(() => ask({ port: otherPort }, '/peerjs/id')));
    assert.notEqual(ids[0].text, ids[1].text);
  });

  it('lists the ids where that is allowed', async () => {
    const keyed = `${daemon.ws}/keyed/peerjs`;
    const list = async () => (await ask({ port: daemon.port }, '/keyed/K/peers')).text;
    assert.equal(await list(), '[]');
    const a = await enter(keyed, { id: '%22a%22%20%C3%A9', key: 'K' });
    const b = await enter(keyed, { id: 'b', key: 'K' });
    assert.equal(await list(), '["\\"a\\" é","b"]');
    const { headers } = await ask({ port: daemon.port }, '/keyed/K/peers');
    assert.equal(headers['content-type'], 'application/json; charset=utf-8');
    await a.close();
    await b.close();
    assert.equal(await list(), '[]');
  });

  it('lets pages of allowed origins read its answers, and no others', async () => {
    const rows = [
      [otherPort, 'https://example.org', true],
      [otherPort, 'null', true],
      [daemon.port, 'http://localhost:8080', true],
      [daemon.port, 'https://example.org', false],
      [daemon.port, 'null', false],
    ];
    for (const [port, origin, allowed] of rows) {
      for (const path of ['/peerjs/id', '/peerjs/peers']) {
        const { headers } = await ask({ port }, path, { headers: { Origin: origin } });
        assert.equal(headers['access-control-allow-origin'], allowed ? origin : undefined, `${origin} at ${port}`);
        assert.equal(headers.vary, 'Origin');
        assert.equal(headers['access-control-allow-credentials'], undefined);
      }
    }
    const plain = await ask({ port: otherPort }, '/peerjs/id');
    assert.equal(plain.headers.vary, 'Origin');
    assert.equal(plain.headers['access-control-allow-origin'], undefined);
  });

  it('answers a preflight', async () => {
    for (const path of ['/peerjs/id', '/peerjs/peers']) {
      const { status, headers } = await ask({ port: otherPort }, path, {
        method: 'OPTIONS',
        headers: { Origin: 'https://example.org', 'Access-Control-Request-Method': 'GET', 'Access-Control-Request-Headers': 'x-a, x-b' },
      });
      assert.equal(status, 204);
      assert.equal(headers['access-control-allow-origin'], 'https://example.org');
      assert.equal(headers['access-control-allow-methods'], 'GET,HEAD,PUT,PATCH,POST,DELETE');
      assert.equal(headers['access-control-allow-headers'], 'x-a, x-b');
      assert.equal(headers.vary, 'Origin, Access-Control-Request-Headers');
      assert.equal(headers['content-length'], '0');
    }
  });

  it('logs no payload, id or token', async () => {
    const a = await enter(base, { id: 'hidden-id', token: 'hidden-token' });
    await passes(a, '{"type":"OFFER","dst":"hidden-id","payload":"hidden-payload"}', a, '{"type":"OFFER","src":"hidden-id","dst":"hidden-id","payload":"hidden-payload"}');
    await a.close();
    assert.doesNotMatch(daemon.stderr, /hidden/);
  });
});

describe('a peerjs server that is stopped', () => {
  it('leaves nothing behind while messages wait', async () => {
    const daemon = await startDaemon();
    const a = await enter(`${daemon.ws}/peerjs`, { id: 'a' });
    a.send('{"type":"OFFER","dst":"nobody","payload":1}');
    await silent(a, 'a');
    await daemon.stop(); // LeakSanitizer looks
  });
});
