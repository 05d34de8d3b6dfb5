// What the JavaScript client makes of peers that lie, of replies that get lost, of ends that come at a
// bad moment and of what its own page gets wrong.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { describe, it } from 'node:test';
import { WebSocketServer } from 'ws';
import { startDaemon, testDaemon } from '../lib/daemon.mjs';
import { Proxy } from '../lib/v1-proxy.mjs';
import { enter } from '../lib/v1.mjs';
import { connect, events, next, WebSocket } from './client.mjs';

const ONLINE = { up: Infinity, down: Infinity, how: 'reset' };
const OFFLINE = { up: 0, down: 0, how: 'reset' };

class Storage extends Map {
  getItem(key) { return this.get(key) ?? null; }
  setItem(key, value) { this.set(key, value); }
  removeItem(key) { this.delete(key); }
}

const clientOf = (t, url, options) => {
  const client = connect(url, options);
  t.after(() => client.close());
  return client;
};

async function setUp(t, args = []) {
  const daemon = await testDaemon(t, { args });
  const proxy = await Proxy.to(daemon.port);
  t.after(() => proxy.stop());
  return { daemon, proxy, straight: clientOf(t, daemon.ws), through: `ws://127.0.0.1:${proxy.port}` };
}

/** A server of one answer: what it does with each connection. */
async function serverThat(t, act) {
  const server = new WebSocketServer({ host: '127.0.0.1', port: 0 });
  server.on('connection', act);
  await once(server, 'listening');
  t.after(() => {
    for (const socket of server.clients) socket.terminate();
    server.close();
  });
  return `ws://127.0.0.1:${server.address().port}`;
}

describe('the client and a peer that lies', () => {
  const lies = [
    { type: 'message', id: 'OTHER', data: 1 },
    { type: 'chat', id: 'OTHER', text: 'x', name: 'OTHER', at: 1 },
    { type: 'x', session: 'A'.repeat(22), iceServers: [{ urls: 'stun:evil' }], peer: { id: 'OTHER' } },
    { type: 'peer-x', peer: { name: 'OTHER', meta: {} }, id: 'OTHER' },
    { type: 'peer-x', peer: { id: 'OTHER' }, reason: 'bye' },
  ];

  it('takes who it is from the server alone', async (t) => {
    const daemon = await testDaemon(t);
    const storage = new Storage();
    const client = clientOf(t, daemon.ws, { storage });
    const hana = await client.join('x', { name: 'Hana' });
    const ken = await clientOf(t, daemon.ws).join('x', { name: 'Ken' });
    const session = [...storage.values()][0];
    const came = next(hana, 'peer');
    const { peer: liar, welcome } = await enter(daemon, 'x', { name: 'Liar' });
    await came;
    const updates = events(hana, 'update');
    const leaves = events(hana, 'leave');
    const heard = events(hana, 'message');
    const chats = events(hana, 'chat');
    for (const lie of lies) {
      const other = lie.id === 'OTHER' ? { id: ken.self.id } : {};
      const peer = lie.peer && { peer: { ...lie.peer, ...lie.peer.id && { id: ken.self.id } } };
      liar.text(JSON.stringify({ ...lie, ...other, ...peer }));
    }
    liar.text('{"type":"message","data":"last"}');
    await next(hana, 'message', ({ data }) => data === 'last');
    assert.deepEqual(heard.map(({ from, peer }) => [from, peer.name]), [[welcome.id, 'Liar'], [welcome.id, 'Liar']]);
    assert.deepEqual(chats.map(({ from, name }) => [from, name]), [[welcome.id, 'Liar']]);
    assert.ok(Math.abs(chats[0].at - Date.now()) < 60000);
    assert.deepEqual([updates, leaves], [[], []]);
    assert.deepEqual([...hana.peers.values()].map(({ name }) => name), ['Ken', 'Liar']);
    assert.deepEqual([...storage.values()], [session]);
    hana.dropSignaling();
    await next(hana, 'state', ({ state }) => state === 'open');
    assert.deepEqual(hana.peers.size, 2, 'the session was not resumed');
  });

  it('shows in the trace what a person can read, whatever was sent', async (t) => {
    const daemon = await testDaemon(t);
    const client = clientOf(t, daemon.ws);
    const traced = events(client, 'trace');
    const room = await client.join('x');
    const { peer: liar } = await enter(daemon, 'x');
    const odd = [{ toString: null, valueOf: null }, null, 5, ['x'], true];
    for (const text of odd) liar.text(JSON.stringify({ type: 'odd', text, message: text }));
    liar.text('{"type":"message","data":1}');
    await next(room, 'message');
    assert.equal(traced.filter(({ type }) => type === 'odd').length, odd.length);
    for (const { type, summary } of traced) {
      assert.deepEqual([typeof type, typeof summary], ['string', 'string']);
    }
  });
});

describe('the client and replies that get lost', () => {
  /** How many others are there at once at most, while first replies are cut here and there. */
  async function most(t, { proxy, straight, through }, step, begin) {
    const a = await straight.join('x');
    let count = 0;
    a.on('peer', () => { count = Math.max(count, a.peers.size); });
    for (let down = 120; down < 700; down += step) {
      proxy.plan = () => ONLINE;
      const spoil = () => {
        const plans = [{ ...ONLINE, down }];
        proxy.plan = () => plans.shift() ?? ONLINE;
      };
      const b = await begin(through, spoil, a);
      while (!a.peers.has(b.self.id)) await next(a, 'peer');
      await b.leave();
      while (a.peers.size) await next(a, 'leave');
    }
    assert.ok(proxy.cuts.reset > 3);
    return count;
  }

  it('is there once when it takes the place of a page before it', async (t) => {
    const count = await most(t, await setUp(t), 60, async (through, spoil) => {
      const storage = new Storage();
      const before = await clientOf(t, through, { storage }).join('x');
      const closed = next(before, 'state');
      spoil();
      const b = await clientOf(t, through, { storage: new Storage(storage) }).join('x');
      await closed;
      return b;
    });
    assert.equal(count, 1);
  });

  it('is there once when its session is lost', async (t) => {
    const setting = await setUp(t, ['--resume-seconds', '1']);
    const count = await most(t, setting, 60, async (through, spoil, a) => {
      const b = await clientOf(t, through).join('x');
      const [gone, fresh] = [next(a, 'leave'), next(b, 'state', (state) => state.fresh)];
      setting.proxy.plan = () => OFFLINE;
      setting.proxy.cut();
      await gone;
      spoil();
      await fresh;
      return b;
    });
    assert.equal(count, 1);
  });

  it('keeps a name that was changed when its session is lost', async (t) => {
    const first = await startDaemon();
    const room = await clientOf(t, first.ws).join('x', { name: 'Hana' });
    room.update({ name: 'Hanako' }); // the server may have taken it or not
    first.child.kill('SIGKILL');
    await first.exit();
    const fresh = next(room, 'state', (state) => state.fresh);
    const second = await startDaemon({ args: ['--listen', `127.0.0.1:${first.port}`] });
    t.after(() => second.stop());
    await fresh;
    const other = await clientOf(t, second.ws).join('x');
    assert.deepEqual([...other.peers.values()].map(({ name }) => name), ['Hanako']);
  });
});

describe('the client and ends at a bad moment', () => {
  it('rejects when it is closed before it heard a word', async (t) => {
    for (const [close, code] of [[4409, 'replaced'], [1009, 'too-large'], [4403, 'refused'], [1000, 'refused']]) {
      const url = await serverThat(t, (socket) => socket.close(close));
      await assert.rejects(connect(url).join('x'), { code, closeCode: close });
    }
  });

  it('says why it was closed, not what was wrong with a message before', async (t) => {
    const daemon = await testDaemon(t);
    const storage = new Storage();
    const first = await clientOf(t, daemon.ws, { storage }).join('x');
    first.send(1, { to: 'nobody' });
    assert.equal((await next(first, 'error')).code, 'unknown-peer');
    const closed = next(first, 'state');
    await clientOf(t, daemon.ws, { storage: new Storage(storage) }).join('x');
    const { error } = await closed;
    assert.deepEqual([error.code, error.closeCode], ['replaced', 4409]);
    assert.doesNotMatch(error.message, /nobody/);

    const said = (code, n) => JSON.stringify({ type: 'error', code, message: 'A sentence.', n });
    for (const [told, n, close, code] of [['bad-message', 1, 4403, 'refused'], ['kicked', undefined, 4403, 'kicked']]) {
      const url = await serverThat(t, (socket) => {
        socket.send(said(told, n));
        socket.close(close);
      });
      await assert.rejects(connect(url).join('x'), { code, closeCode: close });
    }
  });

  it('takes the place of what is left of a room that was left without a connection', async (t) => {
    const { proxy, straight, through } = await setUp(t);
    const a = await straight.join('x');
    const client = clientOf(t, through, { storage: new Storage() });
    const b = await client.join('x');
    if (!a.peers.size) await next(a, 'peer');
    const left = next(a, 'leave');
    proxy.plan = () => OFFLINE;
    proxy.cut();
    await next(b, 'state', ({ state }) => state === 'reconnecting');
    await b.leave();
    assert.equal(a.peers.size, 1);
    proxy.plan = () => ONLINE;
    const again = await client.join('x');
    await left;
    if (!a.peers.size) await next(a, 'peer');
    assert.deepEqual([...a.peers.keys()], [again.self.id]);
    await again.leave();
  });

  it('begins with nothing after a room that was left by saying so', async (t) => {
    const storage = new Storage();
    const room = await clientOf(t, (await testDaemon(t)).ws, { storage }).join('x');
    assert.equal(storage.size, 1);
    await room.leave();
    assert.equal(storage.size, 0);
  });
});

describe('the client and its own page', () => {
  it('has left when any leave() says so, also the second one', async (t) => {
    const daemon = await testDaemon(t);
    const sockets = [];
    class Watched extends WebSocket {
      constructor(...given) {
        super(...given);
        sockets.push(this);
      }
    }
    const client = connect(daemon.ws, { WebSocket: Watched });
    const room = await client.join('twice');
    room.leave();
    await Promise.all([room.leave(), client.close()]);
    assert.deepEqual(sockets.map(({ readyState }) => readyState), [WebSocket.CLOSED]);
  });

  it('rejects a join whose meta does not fit, and leaves', async (t) => {
    const daemon = await testDaemon(t, { args: ['--max-message', '4KiB'] });
    const a = await clientOf(t, daemon.ws).join('x');
    const left = next(a, 'leave');
    const join = clientOf(t, daemon.ws).join('x', { meta: { text: '語'.repeat(1400) } });
    await assert.rejects(join, { code: 'message-too-large' });
    assert.equal((await left).reason, 'bye');
  });

  it('changes nothing of itself by an update that does not fit', async (t) => {
    const daemon = await testDaemon(t, { args: ['--max-message', '4KiB'] });
    const room = await clientOf(t, daemon.ws).join('x', { name: 'Hana' });
    assert.throws(() => room.update({ name: 'x'.repeat(5000) }), { code: 'message-too-large' });
    assert.equal(room.self.name, 'Hana');
  });

  it('is what the server has accepted, and comes back after an update that was refused', async (t) => {
    const daemon = await testDaemon(t, { args: ['--resume-seconds', '1'] });
    const proxy = await Proxy.to(daemon.port);
    t.after(() => proxy.stop());
    const other = await clientOf(t, daemon.ws).join('x');
    const room = await clientOf(t, `ws://127.0.0.1:${proxy.port}`).join('x', { name: 'Hana', meta: { color: 'red' } });
    const refused = next(room, 'error');
    room.update({ name: 'a/b' });
    assert.equal((await refused).code, 'bad-message');
    const accepted = next(room, 'self');
    const seen = next(other, 'update', ({ peer }) => peer.name === 'Hanako');
    room.update({ name: 'Hanako' });
    assert.equal((await accepted).name, 'Hanako');
    const { peer } = await seen;
    assert.deepEqual(room.self, { id: peer.id, name: 'Hanako', meta: { color: 'red' } });
    const lost = next(other, 'leave', (event) => event.peer === peer);
    proxy.plan = () => OFFLINE;
    proxy.cut();
    await next(room, 'state');
    room.update({ name: 'c/d' });
    room.update({ meta: { color: 'blue' } });
    await lost;
    const again = next(room, 'error'); // c/d once more, and nothing else
    const blue = next(other, 'update', (event) => event.peer.meta?.color === 'blue');
    proxy.plan = () => ONLINE;
    assert.equal((await again).code, 'bad-message');
    assert.deepEqual([room.state, room.self.name], ['open', 'Hanako']);
    assert.equal((await blue).peer.name, 'Hanako');
  });

  it('does not throw itself out of a room that it is in twice', async (t) => {
    const storage = new Storage();
    const client = clientOf(t, (await testDaemon(t)).ws, { storage });
    const first = await client.join('x');
    const kept = [...storage.values()];
    const second = await client.join('x');
    assert.deepEqual([...second.peers.keys()], [first.self.id]);
    await second.leave();
    assert.deepEqual([...storage.values()], kept);
    assert.equal(first.state, 'open');
  });

  it('publishes nothing as what it is not', async (t) => {
    const room = await clientOf(t, (await testDaemon(t)).ws).join('x');
    const [audio, video] = [{ kind: 'audio' }, { kind: 'video' }];
    for (const [track, as] of [[audio, 'screen'], [audio, 'cam'], [video, 'mic'], [video, ''], [video, 'a b'],
      [video, 'x'.repeat(33)], [video, '__proto__'], [video, ['x']]]) {
      assert.throws(() => room.publish(track, { as }), { name: 'TypeError', message: /^publish\(\) takes .*, not / });
    }
    const screen = room.publish(video, { as: 'screen' });
    await assert.rejects(screen.replace(audio), TypeError);
    assert.equal(screen.track, video);
  });

  it('publishes nothing at a bit rate or by codecs that are none', async (t) => {
    const room = await clientOf(t, (await testDaemon(t)).ws).join('x');
    const odd = [0, -1, 0.5, NaN, Infinity, 2 ** 32, '1', null].map((maxBitrate) => ({ maxBitrate }))
      .concat([null, 'video/VP9', 5, ['VP9'], ['audio/opus'], [null]].map((codecs) => ({ codecs })));
    for (const how of odd) {
      const publish = () => room.publish({ kind: 'video' }, { as: 'cam', ...how });
      assert.throws(publish, { name: 'TypeError', message: /^publish\(\) takes .*, not / }, JSON.stringify(how));
    }
    room.publish({ kind: 'audio' }, { as: 'mic', maxBitrate: 2 ** 32 - 1, codecs: ['audio/opus'] });
  });

  it('publishes 16 sources at most, each name as one kind until it stops', async (t) => {
    const room = await clientOf(t, (await testDaemon(t)).ws).join('x');
    const [audio, video] = [{ kind: 'audio' }, { kind: 'video' }];
    const all = Array.from({ length: 16 }, (_, i) => room.publish(video, { as: `Camera-${i}` }));
    assert.throws(() => room.publish(video, { as: 'cam' }), { name: 'RangeError', message: /takes 16 sources at most/ });
    room.publish(video, { as: 'Camera-0' });
    assert.throws(() => room.publish(audio, { as: 'Camera-1' }), { name: 'TypeError', message: /takes video as 'Camera-1', not audio/ });
    all[1].stop();
    room.publish(audio, { as: 'Camera-1' });
  });
});
