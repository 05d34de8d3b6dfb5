// The JavaScript client over a network that breaks: what was said arrives once, in order; what cannot
// be resumed begins anew and says so; nobody is in a room twice.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { root, testDaemon } from '../lib/daemon.mjs';
import { manners, Proxy } from '../lib/v1-proxy.mjs';
import { Session } from '../lib/v1.mjs';
import { connect, events, next } from './client.mjs';

const OFFLINE = { up: 0, down: 0, how: 'reset' };
const ONLINE = { up: Infinity, down: Infinity, how: 'reset' };

class Storage extends Map {
  getItem(key) { return this.get(key) ?? null; }
  setItem(key, value) { this.set(key, value); }
  removeItem(key) { this.delete(key); }
}

async function setUp(t, args = []) {
  const daemon = await testDaemon(t, { args });
  const proxy = await Proxy.to(daemon.port);
  t.after(() => proxy.stop());
  const straight = connect(daemon.ws);
  const shaky = connect(`ws://127.0.0.1:${proxy.port}`);
  t.after(() => Promise.all([straight.close(), shaky.close()]));
  return { daemon, proxy, straight, shaky };
}

describe('the client on a bad network', () => {
  it('loses, doubles and reorders nothing, however it is cut', async (t) => {
    const { proxy, straight, shaky } = await setUp(t, ['--message-rate', '0', '--byte-rate', '0']);
    const a = await straight.join('x');
    const [b, c] = [await shaky.join('x'), await shaky.join('x')];
    const rooms = [a, b, c];
    const heard = rooms.map((room) => events(room, 'message'));
    const left = rooms.map((room) => events(room, 'leave'));
    let connections = 0;
    proxy.plan = () => {
      const how = manners[connections++ % manners.length];
      return { up: 2000 + 137 * connections % 3000, down: 2000 + 211 * connections % 5000, how };
    };
    proxy.cut();
    const total = 600;
    for (let n = 0; n < total; n++) {
      for (const room of rooms) room.send({ n, filling: 'x'.repeat(n % 200) });
      if (n % 10 === 0) await new Promise((go) => setImmediate(go));
      while (n % 50 === 49 && heard.some((all) => all.length < 2 * n - 80)) await next(a, 'message');
    }
    proxy.plan = () => ONLINE;
    for (const [i, room] of rooms.entries()) {
      while (heard[i].length < 2 * total) await next(room, 'message');
      for (const other of rooms.filter((r) => r !== room)) {
        const numbers = heard[i].filter(({ from }) => from === other.self.id).map(({ data }) => data.n);
        assert.deepEqual(numbers, Array.from({ length: total }, (_, n) => n));
      }
    }
    assert.deepEqual(left, [[], [], []]);
    t.diagnostic(`cut: ${JSON.stringify(proxy.cuts)}`);
    for (const how of manners) assert.ok(proxy.cuts[how] >= 3, how);
  });

  it('leaves when it hears that it is somebody new, and nothing of it goes on', async (t) => {
    const { proxy, straight } = await setUp(t, ['--resume-seconds', '1s']);
    const isOpen = new Set();
    class Connection extends EventTarget {
      signalingState = 'stable';
      constructor() {
        super();
        isOpen.add(this);
      }
      createDataChannel() { return {}; }
      getTransceivers() { return []; }
      close() { isOpen.delete(this); }
    }
    const client = connect(`ws://127.0.0.1:${proxy.port}`, { RTCPeerConnection: Connection });
    t.after(() => client.close());
    const a = await straight.join('x');
    const b = await client.join('x');
    proxy.plan = () => OFFLINE;
    proxy.cut();
    if (b.state === 'open') await next(b, 'state');
    const said = b.chat('Is anybody there?');
    b.on('state', ({ fresh }) => fresh && b.leave());
    await next(a, 'leave');
    proxy.plan = () => ONLINE;
    await assert.rejects(said, { code: 'closed' });
    assert.equal(isOpen.size, 0);
  });

  it('begins anew when it was away for too long, and says so', async (t) => {
    const { proxy, straight, shaky } = await setUp(t, ['--resume-seconds', '1s']);
    const a = await straight.join('x', { name: 'A' });
    const b = await shaky.join('x', { name: 'B', meta: { color: 'red' } });
    const { id } = b.self;
    const told = [];
    for (const type of ['leave', 'peer', 'state']) {
      b.on(type, ({ peer, state, reason, fresh }) => told.push([type, peer?.name ?? state, reason ?? fresh]));
    }
    const gone = next(a, 'leave');
    proxy.plan = () => OFFLINE;
    proxy.cut();
    await next(b, 'state');
    const sent = [b.send('for all'), b.send('for one that may be gone', { to: a.self.id })];
    assert.equal((await gone).reason, 'gone');
    const message = next(a, 'message');
    const update = next(a, 'update', ({ peer }) => peer.meta?.color === 'red');
    proxy.plan = () => ONLINE;
    await next(b, 'state', ({ state }) => state === 'open');
    assert.equal((await message).data, 'for all');
    await update;
    const settled = await Promise.allSettled(sent);
    assert.deepEqual(settled.map(({ reason }) => reason?.code), [undefined, 'lost']);
    assert.notEqual(b.self.id, id);
    assert.deepEqual([...a.peers.keys()], [b.self.id]);
    assert.deepEqual(told, [
      ['state', 'reconnecting', undefined], ['leave', 'A', 'lost'], ['state', 'open', true], ['peer', 'A', undefined],
    ]);
  });

  it('tells which message was refused, wherever the connection was cut', async (t) => {
    const { proxy, shaky } = await setUp(t);
    const room = await shaky.join('x');
    const expected = [undefined, 'unknown-peer', undefined, 'unknown-peer'];
    for (let down = 200; down < 800; down += 60) {
      const plans = [{ ...ONLINE, down, how: 'reset' }];
      proxy.plan = () => plans.shift() ?? ONLINE;
      room.dropSignaling();
      await next(room, 'state', ({ state }) => state === 'open');
      const sent = [room.send(1), room.send(2, { to: 'nobody' }), room.send(3), room.send(4, { to: 'no one' })];
      const told = await Promise.allSettled(sent);
      assert.deepEqual(told.map(({ reason }) => reason?.code), expected, `${down}`);
    }
    assert.ok(proxy.cuts.reset > 5);
  });

  it('is there once, wherever its first connection was cut', async (t) => {
    const { proxy, straight, shaky } = await setUp(t);
    const a = await straight.join('x');
    let most = 0;
    a.on('peer', () => { most = Math.max(most, a.peers.size); });
    for (let down = 0; down < 900; down += 60) {
      let isFirst = true;
      proxy.plan = () => {
        const plan = isFirst ? { up: Infinity, down, how: 'reset' } : ONLINE;
        isFirst = false;
        return plan;
      };
      const b = await shaky.join('x');
      if (!a.peers.has(b.self.id)) await next(a, 'peer');
      await b.leave();
      if (a.peers.size) await next(a, 'leave');
    }
    assert.equal(most, 1);
    assert.ok(proxy.cuts.reset > 5);
  });

  it('builds the connection to one anew who was away and has not got all of it', async (t) => {
    const { daemon } = await setUp(t);
    // It came first, so it makes no connection before an offer, and asks for a new one over the wire.
    const client = connect(daemon.ws, { RTCPeerConnection: class {} });
    t.after(() => client.close());
    const a = await client.join('x');
    const b = await Session.join(daemon.ws, 'x');
    const needs = (all) => all.filter(({ type, what }) => type === 'need' && what === 'rebuild').length;
    for (const lost of [true, false]) {
      await b.taken();
      await b.cut();
      while (!a.peers.get(b.id)?.away) await next(a, 'update');
      const refused = lost && next(a, 'error');
      for (let i = 0; i < (lost ? 9 : 1); i++) a.send('x'.repeat(65000), { to: b.id });
      if (lost) assert.equal((await refused).code, 'peer-busy');
      const back = next(a, 'update', ({ peer }) => peer.id === b.id && !peer.away);
      assert.equal((await b.connect()).type, 'resumed');
      await back;
      a.send('last');
      const heard = [];
      while (heard.at(-1)?.data !== 'last') heard.push(await b.next());
      assert.equal(needs(heard), lost ? 1 : 0);
    }
    await b.bye();
  });

  it('takes its own place after a reload', async (t) => {
    const { daemon, straight } = await setUp(t);
    const a = await straight.join('x');
    let storage = new Storage();
    let most = 0;
    a.on('peer', () => { most = Math.max(most, a.peers.size); });
    let before;
    for (let i = 0; i < 5; i++) {
      // The page before has said nothing: to the server it is still there.
      const closed = before && next(before, 'state');
      storage = new Storage(storage);
      const client = connect(daemon.ws, { storage });
      t.after(() => client.close());
      const b = await client.join('x');
      if (closed) assert.equal((await closed).error.code, 'replaced');
      while (!a.peers.has(b.self.id)) await next(a, 'peer');
      before = b;
    }
    assert.equal(most, 1);
  });

  it('finds out by itself that the server fell silent', async (t) => {
    const { daemon, straight } = await setUp(t);
    const [a, b] = [await straight.join('x'), await straight.join('x')];
    const begun = Date.now();
    const lost = next(a, 'state');
    daemon.halt();
    t.after(() => daemon.goOn());
    assert.equal((await lost).state, 'reconnecting');
    const silent = Date.now() - begun;
    t.diagnostic(`after ${silent} ms`);
    assert.ok(silent > 7000 && silent < 17000, `${silent} ms`);
    a.send('later');
    const back = next(a, 'state');
    const heard = next(b, 'message');
    daemon.goOn();
    assert.deepEqual(await back, { state: 'open' });
    assert.equal((await heard).data, 'later');
  });

  it('waits as long as a server that restarts asks for', async (t) => {
    const { daemon, straight } = await setUp(t, ['--drain-seconds', '1']);
    const a = await straight.join('x');
    const closing = next(a, 'closing');
    daemon.child.kill('SIGTERM');
    const { retryAfter, reason } = await closing;
    assert.ok(retryAfter >= 0 && reason);
    assert.equal((await next(a, 'state')).state, 'reconnecting');
    await daemon.exit();
    await a.leave();
  });

  it('has a probe that tells whether a server is well', { skip: Number(process.versions.node.split('.')[0]) < 20 && 'needs a WebSocket in Node' }, async (t) => {
    const daemon = await testDaemon(t);
    const probe = async (url) => {
      const flags = globalThis.WebSocket ? [] : ['--experimental-websocket'];
      const child = spawn(process.execPath, [...flags, join(root, 'examples/probe.mjs'), url]);
      let said = '';
      for (const stream of [child.stdout, child.stderr]) stream.on('data', (text) => { said += text; });
      const [status] = await once(child, 'close');
      return { status, said };
    };
    const well = await probe(daemon.ws);
    assert.match(well.said, /is well: \d+ ms/);
    assert.equal(well.status, 0);
    const ill = await probe('ws://127.0.0.1:1');
    assert.match(ill.said, /is not well: .*timeout/);
    assert.equal(ill.status, 1);
  });
});
