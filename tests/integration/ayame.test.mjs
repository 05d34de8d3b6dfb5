// Goal: clients of the Ayame signaling server are served to the letter of their protocol.
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { open } from '../lib/client.mjs';
import { startDaemon } from '../lib/daemon.mjs';
import { ask } from '../lib/http.mjs';

const ULID = /^[0-7][0-9A-HJKMNP-TV-Z]{25}$/;
const register = (roomId, more = {}) => JSON.stringify({ type: 'register', roomId, ...more });

/** Register; what the answer says. */
async function enter(url, roomId, more) {
  const client = await open(url);
  const answer = JSON.parse(await client.send(register(roomId, more)).next());
  return { client, answer };
}

/** It is closed as every Ayame connection is, with nothing left to read. */
async function closed(client) {
  assert.deepEqual(await client.closed, { code: 1000, reason: '' });
  await assert.rejects(client.next(), /was closed with 1000/);
}

describe('ayame', () => {
  let daemon, url;
  let rooms = 0;

  before(async () => {
    daemon = await startDaemon({ tls: true });
    url = `${daemon.ws}/signaling`;
  });

  after(() => daemon?.stop());

  it('replays the transcript: two meet, a third is rejected, one leaves and so does the other', async () => {
    const a = await open(url);
    const first = JSON.parse(await a.send('{"type":"register","roomId":"r","clientId":"a"}').next());
    assert.match(first.connectionId, ULID);
    assert.deepEqual(first, { type: 'accept', connectionId: first.connectionId, isExistClient: false, isExistUser: false });

    const b = await open(url);
    const second = JSON.parse(await b.send('{"type":"register","roomId":"r","key":"k"}').next());
    assert.deepEqual(second, { type: 'accept', connectionId: second.connectionId, isExistClient: true, isExistUser: true });
    assert.notEqual(second.connectionId, first.connectionId);

    b.send('{"type":"offer","sdp":"v=0"}');
    assert.equal(await a.next(), '{"type":"offer","sdp":"v=0"}');

    const c = await open(url);
    assert.equal(await c.send('{"type":"register","roomId":"r"}').next(), '{"type":"reject","reason":"full"}');
    await closed(c);

    await a.close();
    assert.equal(await b.next(), '{"type":"bye"}');
    await closed(b);
  });

  it('passes offers, answers and candidates on byte for byte, as text', async () => {
    const room = `r${++rooms}`;
    const { client: a } = await enter(url, room);
    const { client: b } = await enter(url, room);
    const messages = [
      ' {"sdp" : "v=0\\r\\n","type":"offer", "more":[1.00000000000000000001, "日本"] }',
      '{"type":"answer","sdp":"\\u0000\\ud800"}',
      '{"type":"candidate","ice":{"candidate":"c","sdpMid":"0","sdpMLineIndex":0,"usernameFragment":"u"}}',
    ];
    for (const message of messages) {
      a.send(message);
      b.send(Buffer.from(message));
      assert.equal(await b.next(), message);
      assert.equal(await a.next(), message);
    }
    await a.close();
  });

  it('takes key and signalingKey, alone and together', async () => {
    for (const keys of [{ key: 'k' }, { signalingKey: 's' }, { key: 'k', signalingKey: 's' }]) {
      const { client, answer } = await enter(url, `r${++rooms}`, keys);
      assert.equal(answer.type, 'accept');
      await client.close();
    }
  });

  it('gives connection ids that carry the time', async () => {
    const { client, answer } = await enter(url, `r${++rooms}`);
    const time = [...answer.connectionId.slice(0, 10)]
      .reduce((sum, digit) => sum * 32 + '0123456789ABCDEFGHJKMNPQRSTVWXYZ'.indexOf(digit), 0);
    assert.ok(Math.abs(Date.now() - time) < 60000, answer.connectionId);
    await client.close();
  });

  it('ends every error with 1000 and no reason, and the partner with a bye', async () => {
    const wrong = [
      'not JSON', 'null', '[]', '{}', '{"type":"unknown"}', '{"type":"bye"}', '{"type":7}', '{"type":"register"}',
      '{"type":"register","roomId":""}', '{"type":"register","roomId":"x","clientId":1}',
      '{"type":"register","roomId":"x","r\\u006fomId":"y"}', '{"type":"offer","sdp":""}', '{"type":"connected"}',
    ];
    await Promise.all(wrong.map(async (message) => closed((await open(url)).send(message))));
    const room = `r${++rooms}`;
    const { client: a } = await enter(url, room);
    const { client: b } = await enter(url, room);
    await closed(b.send(register(room))); // a second time
    assert.equal(await a.next(), '{"type":"bye"}');
    await closed(a);
  });

  it('serves the room anew once it is empty', async () => {
    const room = `r${++rooms}`;
    for (let i = 0; i < 3; i++) {
      const { client, answer } = await enter(url, room);
      assert.equal(answer.isExistUser, false);
      await client.close();
    }
  });

  it('sends a ping message after five seconds, before the register too, but not to a standalone peer', async () => {
    const [fresh, { client: member }, { client: standalone }] = await Promise.all([
      open(url), enter(url, `r${++rooms}`), enter(url, `r${++rooms}`, { standalone: true }),
    ]);
    const early = standalone.next().then((message) => assert.fail(message), () => {});
    const began = Date.now();
    assert.equal(await fresh.next(), '{"type":"ping"}');
    assert.equal(await member.next(), '{"type":"ping"}');
    const took = Date.now() - began;
    assert.ok(took > 4500 && took < 8000, `${took} ms`);
    member.send('{"type":"pong"}');
    standalone.send('{"type":"connected"}');
    await closed(standalone);
    await early;
    await Promise.all([fresh.close(), member.close()]);
  });

  it('lets standalone peers go when they are connected, without a bye', async () => {
    const room = `r${++rooms}`;
    const { client: a } = await enter(url, room, { standalone: true });
    const { client: b } = await enter(url, room, { standalone: true });
    a.send('{"type":"connected"}');
    await closed(a);
    await closed(b);
  });

  it('speaks over TLS too, and rooms of another mount are others', async () => {
    const other = await startDaemon({ args: ['--mount', '/other=ayame', '--mount', '/signaling=off'], tls: true });
    try {
      const { client } = await enter(`${other.wss}/other`, 'r');
      const { client: second, answer } = await enter(`${other.ws}/other`, 'r');
      assert.equal(answer.isExistUser, true);
      await assert.rejects(open(`${other.ws}/signaling`), { status: 404 });
      await client.close();
      assert.equal(await second.next(), '{"type":"bye"}');
    } finally {
      await other.stop();
    }
  });
});

describe('ayame with servers to find a way through NAT', () => {
  const args = ['--ice-server', 'stun:stun.example', '--ice-server', 'turn:turn.example:3478|user|pa|"ss'];
  const iceServers = [
    { urls: ['stun:stun.example'] },
    { urls: ['turn:turn.example:3478'], username: 'user', credential: 'pa|"ss' },
  ];
  let daemon;

  before(async () => {
    daemon = await startDaemon({ args: [...args, '--listen', '127.0.0.1:0', '--listen', '127.0.0.1:0?dialect=ayame&origin=any'] });
  });

  after(() => daemon?.stop());

  it('tells them in accept, the same as in /ice.json', async () => {
    const { client, answer } = await enter(`${daemon.ws}/signaling`, 'r');
    assert.deepEqual(answer.iceServers, iceServers);
    await client.close();
    const page = await ask({ port: daemon.port }, '/ice.json');
    assert.deepEqual(JSON.parse(page.text), { iceServers });
  });

  it('has a listener of its own: /signaling for any origin, /.ok, and nothing else', async () => {
    const port = Number(new URL(daemon.urls.filter((u) => u.startsWith('http:'))[1]).port);
    const client = await open(`ws://127.0.0.1:${port}/signaling`, { origin: 'https://elsewhere.example' });
    assert.equal(JSON.parse(await client.send(register('r')).next()).type, 'accept');
    await client.close();
    const ok = await ask({ port }, '/.ok');
    assert.deepEqual([ok.status, ok.text], [200, '']);
    assert.equal((await ask({ port }, '/signaling')).status, 426);
    assert.equal((await ask({ port }, '/')).status, 404);
    assert.equal((await ask({ port: daemon.port }, '/.ok')).status, 404);
    await assert.rejects(open(`ws://127.0.0.1:${port}/`), { status: 404 });
  });
});
