// Goal: what nakodo.v1 does not take is answered with a reason, and never reaches anybody else.
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { refused } from '../lib/client.mjs';
import { alone, root, runDaemon, startDaemon, testDaemon, workers } from '../lib/daemon.mjs';
import { BINARY, frame, open as openRaw, TEXT } from '../lib/raw.mjs';
import { enter, hear, pathOf, refusal, Session } from '../lib/v1.mjs';

describe('a message that is refused', () => {
  let daemon;
  let a; // says it
  let b; // must not hear it
  const stranger = {};

  before(async () => {
    daemon = await startDaemon({ args: ['--max-peers-per-address', '0', '--connect-rate', '0', '--message-rate', '0', '--byte-rate', '0'] });
    a = await Session.join(daemon.ws, 'r');
    b = await Session.join(daemon.ws, 'r');
    await a.find('peer-joined');
    stranger.session = await Session.join(daemon.ws, 'another room');
    stranger.id = stranger.session.id;
  });
  after(async () => {
    for (const session of [a, b, stranger.session]) await session.bye();
    await daemon?.stop();
  });

  /** Each is answered with an error of that code and its number, counts as a message, and goes nowhere. */
  async function refuses(code, messages) {
    for (const message of messages) {
      a.send(message);
      const { message: sentence, to, ...error } = await a.next();
      assert.deepEqual(error, { type: 'error', code, n: a.sent }, String(message));
      assert.ok(to === undefined || to === b.id); // what the message said
      assert.ok(sentence.length > 10);
    }
    await a.until(() => a.acked === a.sent);
    await b.silent();
    await stranger.session.silent();
  }

  it('bad-json: it is not one complete JSON value', () => refuses('bad-json', [
    '', ' ', '{', '{"type":"x"', '{"type":"x"}}', '{"type":"x"} {}', '{"type":"x",}', "{'type':'x'}", '{type:"x"}', '{"type":"x"}\u0000',
    '\ufeff{"type":"x"}', '{"type":"x","n":01}', '{"type":"x","n":NaN}', '{"type":"x\u0001"}', '{"type":"\\x"}', 'undefined',
    '\u00a0{"type":"x"}', '\f{"type":"x"}', '{"type":"x"}//', `{"type":"x","deep":${'['.repeat(32)}${']'.repeat(32)}}`, '['.repeat(60000),
  ]));

  it('bad-message: it is no object, or has no type that is a string', () => refuses('bad-message', [
    'null', 'true', '1', '"offer"', '[]', '[{"type":"x"}]', '{}', '{"Type":"x"}', '{"type":null}', '{"type":1}', '{"type":["x"]}', '{"type":{"type":"x"}}', '{"data":{"type":"x"}}',
  ]));

  it('bad-message: its type is for the server to say', async () => {
    const reserved = 'welcome resumed peer-joined peer-left peer-away peer-back peer-updated ice error pong closing token kicked'.split(' ');
    await refuses('bad-message', reserved.flatMap((type) => [
      `{"type":"${type}"}`, `{"type":"${type}","to":"${b.id}"}`, `{"type":"\\u00${type.charCodeAt(0).toString(16)}${type.slice(1)}","id":"${b.id}"}`,
    ]));
  });

  it('bad-message: a member that is read stands twice, in whatever spelling', () => refuses('bad-message', [
    '{"type":"x","type":"x"}', '{"type":"x","\\u0074ype":"y"}', '{"\\u0074ype":"x","typ\\u0065":"x"}', '{"type":"x","data":1,"type":"y"}',
    `{"type":"x","to":"${b.id}","to":"${b.id}"}`, `{"type":"x","to":"${b.id}","t\\u006f":"${b.id}"}`,
    '{"type":"update","name":"a","name":"b"}', '{"type":"update","meta":{},"m\\u0065ta":{}}', '{"type":"ack","n":0,"n":0}', '{"type":"ack","n":0,"\\u006e":0}',
    '{"type":"ping","t":1,"t":2}', '{"type":"bye","type":"bye"}', '{"type":"bye","type":"x"}', '{"type":"lock","locked":true,"l\\u006fcked":false}',
  ]));

  it('bad-message: it has from, in whatever spelling', () => refuses('bad-message', [
    `{"type":"x","from":"${b.id}"}`, `{"from":"${b.id}","type":"x"}`, `{"type":"x","\\u0066rom":"${b.id}"}`, '{"type":"x","fr\\u006Fm":null}',
    '{"type":"chat","text":"x","from":"x"}', `{"type":"x","to":"${b.id}","from":1}`, '{"type":"x","from":1,"from":2}',
  ]));

  it('bad-message: a member is of the wrong type', () => refuses('bad-message', [
    '{"type":"x","to":1}', '{"type":"x","to":null}', `{"type":"x","to":["${b.id}"]}`, '{"type":"chat","text":1}', '{"type":"chat","text":"x","to":{}}', '{"type":"update","name":false}',
    '{"type":"lock"}', '{"type":"lock","locked":1}', '{"type":"lock","locked":"true"}', '{"type":"lock","locked":null}', '{"type":"kick"}',
  ]));

  it('bad-message: ack without an integer, or with more than was sent', async () => {
    await refuses('bad-message', [
      '{"type":"ack"}', '{"type":"ack","n":"1"}', '{"type":"ack","n":1.5}', '{"type":"ack","n":null}', '{"type":"ack","n":[]}', '{"type":"ack","n":1e999}',
      '{"type":"ack","n":1000000}', '{"type":"ack","n":18446744073709551616}', '{"type":"ack","n":9007199254740993}',
    ]);
  });

  it('unknown-peer: nobody here has the id; the answer is the same for ids of other rooms', async () => {
    const sentences = new Set();
    for (const to of [stranger.id, 'nobody', '', b.id.slice(1), `${b.id}x`, '朝', '"\\', 'x'.repeat(100)]) {
      a.send({ type: 'offer', to, sdp: 'x' });
      const { message, ...error } = await a.next();
      assert.deepEqual(error, { type: 'error', code: 'unknown-peer', n: a.sent, to }, to);
      sentences.add(message);
    }
    assert.equal(sentences.size, 1);
    a.send({ type: 'chat', to: stranger.id, text: 'x' });
    assert.equal((await a.next()).code, 'unknown-peer');
    await b.silent();
    await stranger.session.silent();
  });

  it('not-text: it is a binary frame', () => refuses('not-text', [Buffer.from('{"type":"x"}'), Buffer.from('{"type":"bye"}'), Buffer.alloc(0), Buffer.from([0xff])]));

  it('does not end the connection: the next one passes', async () => {
    a.send({ type: 'x' });
    assert.deepEqual(await b.next(), { from: a.id, type: 'x' });
  });
});

describe('an ack', () => {
  it('below the last one is ignored', async (t) => {
    const daemon = await testDaemon(t);
    const a = await Session.join(daemon.ws, 'r');
    const b = await Session.join(daemon.ws, 'r');
    for (let i = 0; i < 20; i++) b.send({ type: 'x' });
    for (let i = 0; i < 21; i++) await a.next();
    for (const n of [21, 0, 5, 21, 20]) a.say({ type: 'ack', n });
    await a.silent();
    await a.cut();
    assert.equal((await a.connect()).type, 'resumed');
    await a.silent();
    await Promise.all([a.bye(), b.bye()]);
  });
});

describe('a connection that is refused', () => {
  let daemon;
  before(async () => {
    daemon = await startDaemon({ args: ['--room-peers', '2', '--max-peers-per-address', '0', '--connect-rate', '0'] });
  });
  after(() => daemon?.stop());

  it('bad-room: no room, or a name that is none, closes with 4400', async () => {
    const paths = [
      '/v1', '/v1/', '/v1/%01', '/v1/a%09b', '/v1/a%7f', `/v1/${'x'.repeat(129)}`, `/v1/${encodeURIComponent('会'.repeat(43))}`, '/v1/%ff', '/v1/%ed%a0%80', '/v1/%c2%85', '/v1/a/b', '/v1/a%2Fb', '/v1/a/',
      '/v1/r?name=a%2Fb', '/v1/r?name=%01', `/v1/r?name=${'x'.repeat(129)}`, '/v1/r?name=%ff', '/v1/r?name=',
    ];
    for (const path of paths) assert.deepEqual([path, await refusal(daemon.ws, path)], [path, { code: 'bad-room', close: 4400 }]);
  });

  it('room-full: as many as room-peers are there, those who are away included, closes with 4413', async () => {
    const a = await Session.join(daemon.ws, 'full');
    const b = await Session.join(daemon.ws, 'full');
    const full = { code: 'room-full', close: 4413 };
    assert.deepEqual(await refusal(daemon.ws, pathOf('full')), full);
    await b.cut();
    await a.find('peer-away');
    assert.deepEqual(await refusal(daemon.ws, pathOf('full')), full);
    assert.equal((await b.connect()).type, 'resumed');
    await b.bye();
    await a.find('peer-left');
    const c = await Session.join(daemon.ws, 'full');
    await a.find('peer-joined');
    await a.silent();
    await Promise.all([a.bye(), c.bye()]);
  });

  it('a session that cannot be resumed frees its seat before the newcomer needs one', async () => {
    const a = await Session.join(daemon.ws, 'exchange');
    const b = await Session.join(daemon.ws, 'exchange');
    const [{ id }, { closed }] = [b, b];
    const welcome = await b.connect({ n: 99 });
    assert.deepEqual([welcome.type, welcome.recovered, welcome.peers.length], ['welcome', false, 1]);
    assert.equal((await closed).code, 4409);
    assert.equal((await a.find('peer-left')).id, id);
    assert.equal((await a.next()).peer.id, b.id);
    await Promise.all([a.bye(), b.bye()]);
  });

  it('a foreign origin or host gets 403 before the upgrade', async () => {
    assert.equal((await refused(daemon.ws + pathOf('r'), { origin: 'http://evil.example' })).status, 403);
    assert.equal((await refused(daemon.ws + pathOf('r'), { headers: { Host: 'evil.example' } })).status, 403);
  });
});

describe('the caps', () => {
  for (const [name, status, one] of [['max-peers-per-address', 429, alone], ['max-peers', 503, {}]]) { // each worker counts an address's peers
    it(`${name} cannot be passed with a wrong session beside a good one`, one, async (t) => {
      const daemon = await testDaemon(t, { args: [`--${name}`, '1'] });
      const a = await Session.join(daemon.ws, 'r');
      const query = `session=${'x'.repeat(22)}&n=0&replaces=${a.session}`;
      for (let i = 0; i < 3; i++) assert.equal((await refused(`${daemon.ws}${pathOf('s')}?${query}`)).status, status);
      await a.bye();
    });
  }

  for (const [name, status] of [['max-peers-per-address', 429], ['max-peers', 503]]) {
    it(`${name} counts those who are away: ${status} for others, and they can resume`, async (t) => {
      const elsewhere = workers > 1 && status === 429 ? 'r' : 's'; // each worker counts an address's peers
      const daemon = await testDaemon(t, { args: [`--${name}`, '2'] });
      const a = await Session.join(daemon.ws, 'r');
      const b = await Session.join(daemon.ws, 'r');
      assert.equal((await refused(daemon.ws + pathOf(elsewhere))).status, status);
      await b.cut();
      await a.find('peer-away');
      const refusedWith = await refused(daemon.ws + pathOf(elsewhere));
      assert.equal(refusedWith.status, status);
      if (status === 503) assert.match(refusedWith.headers['retry-after'], /^\d+$/);
      assert.equal((await b.connect()).type, 'resumed');
      assert.equal((await refused(daemon.ws + pathOf(elsewhere))).status, status);
      await b.bye();
      await a.find('peer-left');
      const c = await Session.join(daemon.ws, elsewhere);
      await Promise.all([a.bye(), c.bye()]);
    });

    it(`${name} lets a session back in whose old connection nobody has missed yet`, async (t) => {
      const daemon = await testDaemon(t, { args: [`--${name}`, '2'] });
      const [a, b] = [await Session.join(daemon.ws, 'r'), await Session.join(daemon.ws, 'r')];
      const { closed } = b;
      assert.equal((await b.connect()).type, 'resumed');
      assert.equal((await closed).code, 4409);
      await Promise.all([a.bye(), b.bye()]);
    });

    it(`${name} is not widened by sessions that are made up`, async (t) => {
      const daemon = await testDaemon(t, { args: [`--${name}`, '2'] });
      const [a, b] = [await Session.join(daemon.ws, 'r'), await Session.join(daemon.ws, 'r')];
      assert.equal((await refused(daemon.ws + pathOf('r', { session: 'A'.repeat(22), n: 0 }))).status, status);
      await Promise.all([a.bye(), b.bye()]);
    });
  }

  it('rooms-max bounds the rooms; those there are can still be joined', async (t) => {
    const daemon = await testDaemon(t, { args: ['--rooms-max', '2'] });
    const sessions = [await Session.join(daemon.ws, 'a'), await Session.join(daemon.ws, 'b'), await Session.join(daemon.ws, 'a')];
    assert.equal((await refusal(daemon.ws, pathOf('c'))).close, 4413);
    await sessions[1].bye();
    sessions[1] = await Session.join(daemon.ws, 'c');
    await Promise.all(sessions.map((session) => session.bye()));
  });
});

describe('a fault in the frames', () => {
  for (const [what, code, bytes] of [
    ['text that is not UTF-8', 1007, frame(TEXT, Buffer.from([0x7b, 0xff]))],
    ['a message that is too large', 1009, frame(TEXT, 'x'.repeat(65537))],
    ['a binary message that is too large', 1009, frame(BINARY, 'x'.repeat(65537))],
  ]) {
    it(`${what} ends the session with ${code}`, async (t) => {
      const daemon = await testDaemon(t);
      const a = await Session.join(daemon.ws, 'r');
      const { peer, welcome } = await enter(daemon, 'r');
      await peer.wire.write(bytes);
      assert.equal((await peer.closed()).code, code);
      await a.find('peer-joined');
      assert.deepEqual(await a.next(), { type: 'peer-left', id: welcome.id, reason: 'gone' });
      const again = await openRaw(daemon, pathOf('r', { session: welcome.session, n: 0 }));
      assert.equal((await hear(again)).recovered, false);
      again.wire.reset();
      await a.bye();
    });
  }
});

describe('the options', () => {
  it('resume-bytes must be twice send-queue at least', async () => {
    const pages = ['--web-root', join(root, 'web')];
    const check = (bytes, queue) => runDaemon(['--check', ...pages, '--resume-bytes', bytes, '--send-queue', queue]);
    const wrong = await check('511KiB', '256KiB');
    assert.notEqual(wrong.status, 0);
    assert.match(wrong.stdout + wrong.stderr, /resume-bytes.*send-queue|send-queue.*resume-bytes/s);
    assert.equal((await check('512KiB', '256KiB')).status, 0);
    assert.notEqual((await runDaemon([...pages, '--listen', '127.0.0.1:0', '--send-queue', '1MiB'])).status, 0);
  });
});
