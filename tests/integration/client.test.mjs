// The signaling half of the JavaScript client, in Node against the real daemon: joining, messages,
// and what it makes of every end.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { describe, it } from 'node:test';
import { startDaemon, testDaemon } from '../lib/daemon.mjs';
import { connect, events, next, SignalError, WebSocket } from './client.mjs';

const pair = async (t, daemon, options = {}) => {
  const client = connect(daemon.ws);
  t.after(() => client.close());
  const hana = await client.join('朝会', { name: 'Hana', ...options });
  const joined = next(hana, 'peer');
  const ken = await client.join('朝会', { name: 'Ken', ...options });
  return { client, hana, ken, joined: (await joined).peer };
};

describe('the client', () => {
  it('tells who is there, who comes and who leaves', async (t) => {
    const { hana, ken, joined } = await pair(t, await testDaemon(t));
    assert.equal(joined.id, ken.self.id);
    assert.equal(joined.name, 'Ken');
    assert.deepEqual([...hana.peers.values()], [joined]);
    assert.deepEqual([...ken.peers.values()].map(({ name }) => name), ['Hana']);
    assert.equal(hana.state, 'open');
    const left = next(hana, 'leave');
    await ken.leave();
    const { peer, reason } = await left;
    assert.equal(peer, joined);
    assert.equal(reason, 'bye');
    assert.equal(peer.state, 'gone');
    assert.equal(hana.peers.size, 0);
    assert.equal(ken.state, 'closed');
  });

  it('passes on messages to all and to one, chat, names and meta', async (t) => {
    const daemon = await testDaemon(t);
    const { client, hana, ken, joined } = await pair(t, daemon, { meta: { color: 'red' } });
    const came = next(ken, 'peer');
    const third = await client.join('朝会');
    await came;
    const heard = events(third, 'message');
    const data = [{ 名: '朝' }, null, 1.5];
    hana.send(data, { to: ken.self.id });
    const message = await next(ken, 'message');
    assert.deepEqual(message.data, data);
    assert.equal(message.from, hana.self.id);
    assert.equal(message.peer.name, 'Hana');
    hana.send('all');
    assert.equal((await next(third, 'message')).data, 'all');
    assert.deepEqual(heard.map((m) => m.data), ['all']);
    ken.chat('cut \u{1F600}'.slice(0, -1));
    assert.equal((await next(hana, 'chat')).text, 'cut \uFFFD');
    ken.chat('hello');
    const said = await next(hana, 'chat');
    assert.equal(said.text, 'hello');
    assert.equal(said.name, 'Ken');
    const late = await client.join('朝会');
    assert.deepEqual(late.history.map(({ name, text }) => [name, text]), [['Ken', 'cut \uFFFD'], ['Ken', 'hello']]);
    assert.deepEqual(late.peers.get(joined.id).meta, { color: 'red' });
    ken.update({ name: 'Kenji', meta: { color: 'blue' } });
    const { peer } = await next(hana, 'update');
    assert.equal(peer, joined);
    assert.deepEqual([peer.name, peer.meta], ['Kenji', { color: 'blue' }]);
  });

  it('takes the address as people write it', () => {
    const page = { 'http://h': 'ws://h/v1', 'https://h:1/': 'wss://h:1/v1', 'ws://h/x/': 'ws://h/x' };
    for (const [given, url] of Object.entries(page)) assert.equal(connect(given).url, url);
  });

  it('keeps rooms apart whose names differ in anything', async (t) => {
    const client = connect((await testDaemon(t)).ws);
    t.after(() => client.close());
    const names = ['a+b', 'a b', 'a;b', 'a&b', 'a%b', 'a%20b', 'a?b', 'a#b', '...', '朝会', '朝'];
    for (const name of names) {
      const room = await client.join(name, { name });
      assert.equal(room.peers.size, 0, name);
      const [again] = (await client.join(name)).peers.values();
      assert.equal(again.name, name);
    }
    for (const name of ['', '.', '..', 'a\0', 'a\nb', 'x'.repeat(2000)]) await assert.rejects(client.join(name), { code: 'bad-room' });
    await assert.rejects(client.join('x', { name: 'a\nb' }), { code: 'bad-room' });
  });

  it('rejects with the reason when it cannot join', async (t) => {
    const daemon = await testDaemon(t, { args: ['--room-peers', '2'] });
    const { client } = await pair(t, daemon);
    await assert.rejects(client.join('朝会'), (error) => {
      assert.ok(error instanceof SignalError);
      assert.equal(error.code, 'room-full');
      assert.equal(error.closeCode, 4413);
      assert.match(error.message, /\w+ \w+/);
      return true;
    });
    await assert.rejects(client.join('a/b'), { code: 'bad-room', closeCode: 4400 });
    await assert.rejects(connect('mailto:x').join('x'), { name: 'SyntaxError' });
    const nobody = connect('ws://127.0.0.1:1');
    await assert.rejects(nobody.join('x', { signal: AbortSignal.timeout(300) }), { name: 'TimeoutError' });
  });

  it('is stopped by its signals, before, while and after joining', async (t) => {
    const daemon = await testDaemon(t);
    const reason = new Error('enough');
    const early = AbortSignal.abort(reason);
    await assert.rejects(connect(daemon.ws, { signal: early }).join('x'), reason);
    await assert.rejects(connect(daemon.ws).join('x', { signal: early }), reason);

    const pending = new AbortController();
    const join = connect('ws://127.0.0.1:1').join('x', { signal: pending.signal });
    pending.abort(reason);
    await assert.rejects(join, reason);

    const passed = new AbortController();
    const inside = await connect(daemon.ws).join('x', { signal: passed.signal });
    passed.abort(reason);
    assert.equal(inside.state, 'open');
    await inside.leave();

    const late = new AbortController();
    const room = await connect(daemon.ws, { signal: late.signal }).join('x');
    const closed = next(room, 'state');
    late.abort(reason);
    assert.deepEqual(await closed, { state: 'closed' });
    assert.throws(() => room.send(1), { code: 'closed' });
  });

  it('does not send what the server would close it for', async (t) => {
    const { hana, ken } = await pair(t, await testDaemon(t, { args: ['--max-message', '4KiB'] }));
    assert.equal(hana.limits.message, 4096);
    assert.throws(() => hana.send('語'.repeat(1400)), { code: 'message-too-large' });
    hana.send('語'.repeat(1300));
    assert.equal((await next(ken, 'message')).data.length, 1300);
    assert.equal(hana.state, 'open');
    assert.throws(() => hana.chat('x'.repeat(5000)), /\b50\d\d bytes\b.*\b4096\b/);
  });

  it('says of each message whether the server has taken it or why not', async (t) => {
    const { hana, ken } = await pair(t, await testDaemon(t));
    const to = ken.self.id;
    const told = await Promise.allSettled([
      hana.send(1, { to }), hana.send(2, { to: 'nobody' }), hana.chat('x'), hana.update({ name: 'a/b' }), hana.send(3),
    ]);
    assert.deepEqual(told.map(({ reason }) => reason?.code), [undefined, 'unknown-peer', undefined, 'bad-message', undefined]);
    assert.ok(told[1].reason instanceof SignalError && told[1].reason.name === 'SignalError');
    const last = hana.send(4, { to });
    await hana.leave();
    await assert.rejects(last, { code: 'closed' });
  });

  it('tells at once what a page calls it with by mistake', async (t) => {
    const client = connect((await testDaemon(t)).ws);
    t.after(() => client.close());
    for (const name of [undefined, null, 5, {}]) await assert.rejects(client.join(name), { name: 'TypeError', message: /join\(\) takes/ });
    for (const options of [null, 'Hana', { name: 5 }, { meta: 'x' }, { meta: [] }]) await assert.rejects(client.join('x', options), TypeError);
    const room = await client.join('x');
    class MediaStream {}
    const mistakes = [
      () => room.send(undefined), () => room.send(() => 1), () => room.send(1, 'ID'), () => room.send(1, { to: {} }),
      () => room.chat(5), () => room.chat('x', null), () => room.update(), () => room.update({ name: 1 }), () => room.update({ meta: [] }),
      () => room.publish(), () => room.publish({ kind: 'audio' }), () => room.publish(null, { as: 'mic' }),
    ];
    for (const mistake of mistakes) assert.throws(mistake, { name: 'TypeError', message: /\(\) takes .*, not / }, `${mistake}`);
    assert.throws(() => room.publish(new MediaStream(), { as: 'cam' }), /getTracks\(\).*not MediaStream/);
    const came = next(room, 'peer');
    await client.join('x');
    const { peer } = await came;
    for (const data of [undefined, null, {}, 5, ['x']]) await assert.rejects(peer.send(data), { name: 'TypeError', message: /peer\.send\(\) takes/ });
    assert.throws(() => connect('http://'), TypeError);
    assert.throws(() => connect('ws://h', { WebSocket: null }), /connect\(\) takes a WebSocket/);
  });

  it('gives up where a server has no rooms, and names the address', async (t) => {
    const daemon = await testDaemon(t);
    const client = connect(`${daemon.ws}/v2`);
    await assert.rejects(client.join('x'), { code: 'not-found', message: /\/v2\/x \(404\)/ });
  });

  it('tells of messages that were refused, and goes on', async (t) => {
    const { hana, ken } = await pair(t, await testDaemon(t));
    hana.send('x', { to: 'nobody' });
    assert.equal((await next(hana, 'error')).code, 'unknown-peer');
    hana.send('y');
    assert.equal((await next(ken, 'message')).data, 'y');
  });

  it('loses no message of a burst that is larger than what is kept', async (t) => {
    const { hana, ken } = await pair(t, await testDaemon(t, { args: ['--message-rate', '100000'] }));
    const heard = events(ken, 'message');
    for (let i = 0; i < 3000; i++) hana.send(i);
    while (heard.length < 3000) await next(ken, 'message');
    assert.ok(heard.every(({ data }, i) => data === i));
  });

  it('tells no log of a URL its session or its token', async (t) => {
    const daemon = await testDaemon(t);
    const tries = [];
    class Watched extends WebSocket {
      constructor(url, protocols) {
        super(url, protocols);
        tries.push([new URL(url).searchParams, protocols]);
      }
    }
    const stored = new Map();
    const storage = { getItem: (key) => stored.get(key), setItem: (key, value) => stored.set(key, value), removeItem() {} };
    const sessions = () => [...stored.values()];
    const join = async (token) => {
      const client = connect(daemon.ws, { WebSocket: Watched, storage });
      t.after(() => client.close());
      return client.join('x', { token });
    };
    const room = await join('a.b-c_~');
    const [first] = sessions();
    room.dropSignaling();
    await next(room, 'state', ({ state }) => state === 'open');
    const [second] = sessions();
    await join('x'.repeat(62));
    assert.deepEqual(tries.map(([, protocols]) => protocols.slice(1)), [[], [`nakodo.session.${first}`], [`nakodo.replaces.${second}`]]);
    for (const [query] of tries) for (const name of ['session', 'replaces', 'token']) assert.ok(!query.has(name));
  });

  it('speaks of everything that goes over the wire', async (t) => {
    const daemon = await testDaemon(t);
    const client = connect(daemon.ws);
    t.after(() => client.close());
    const traced = events(client, 'trace');
    const room = await client.join('t');
    room.send('語');
    const out = traced.filter(({ dir }) => dir === 'out');
    assert.deepEqual(out.map(({ type }) => type), ['ack', 'message']);
    assert.equal(out[1].bytes, Buffer.byteLength(out[1].raw));
    assert.equal(traced[0].type, 'welcome');
    assert.equal(JSON.parse(traced[0].raw).id, room.self.id);
    assert.ok(traced.every(({ t: at, room: name, summary }) => at > 1e12 && name === 't' && summary));
  });

  it('takes off again after a server that answers with no WebSocket', async (t) => {
    const other = createServer((request, response) => response.writeHead(404).end());
    other.listen(0, '127.0.0.1');
    await once(other, 'listening');
    const { port } = other.address();
    const client = connect(`ws://127.0.0.1:${port}`);
    t.after(() => client.close());
    const joined = client.join('x');
    await once(other, 'request');
    other.closeAllConnections();
    other.close();
    await once(other, 'close');
    const daemon = await startDaemon({ args: ['--listen', `127.0.0.1:${port}`] });
    t.after(() => daemon.stop());
    assert.equal((await joined).state, 'open');
  });

  it('leaves all rooms when it is disposed of', async (t) => {
    const { client, hana, ken } = await pair(t, await testDaemon(t));
    await client[Symbol.asyncDispose ?? 'close']();
    assert.deepEqual([hana.state, ken.state], ['closed', 'closed']);
    assert.ok(WebSocket);
  });
});
