// Goal: what newcomers cost is spread over turns of the loop, and nobody is lost or confused by that.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { alone, testDaemon } from '../lib/daemon.mjs';
import { CLOSE, closing, connect, frame, handshake, open, RawPeer, TEXT } from '../lib/raw.mjs';
import { enter, hear, pathOf, Session } from '../lib/v1.mjs';

describe('newcomers for whom their address has no time left in a turn', () => {
  const ROOMS = 4;
  const EACH = 12; // in a room
  const HISTORY = JSON.stringify({ type: 'chat', text: 'x'.repeat(60000) });
  const rooms = Array.from({ length: ROOMS }, (_, i) => `room-${i}`);

  /** Somebody in each room, who has said much, and the others, who all come at the same instant and say that at once. */
  async function crowd(daemon, says) {
    const hosts = await Promise.all(rooms.map(async (room) => {
      const session = await Session.join(daemon.ws, room, { queue: true });
      session.send(JSON.parse(HISTORY));
      await session.taken();
      return session;
    }));
    const path = (i) => pathOf(rooms[i % ROOMS]);
    daemon.halt();
    const wires = await Promise.all(Array.from({ length: ROOMS * EACH }, async (_, i) => {
      const wire = await connect(daemon, { from: '127.0.0.2' });
      await wire.write(Buffer.concat([Buffer.from(handshake(path(i))), ...says(i)]));
      return wire;
    }));
    return { hosts, wires };
  }

  it('are welcomed later, and what they said meanwhile comes behind it, whole and in order', async (t) => {
    const daemon = await testDaemon(t);
    const texts = Array.from({ length: 5 }, (_, n) => `${n}`);
    const { hosts, wires } = await crowd(daemon, () => texts.map((n) => frame(TEXT, JSON.stringify({ type: 'x', n }))));
    daemon.goOn();
    const names = await Promise.all(wires.map(async (wire) => {
      assert.equal((await wire.response()).status, 101);
      const welcome = await hear(new RawPeer(wire, true));
      assert.equal(welcome.type, 'welcome');
      return welcome.id;
    }));
    for (const [i, host] of hosts.entries()) {
      const heard = {};
      for (let k = 0; k < EACH * texts.length; k++) {
        const { from, n } = await host.find('x');
        (heard[from] ??= []).push(n);
      }
      const expected = names.filter((_, k) => k % ROOMS === i).map((id) => [id, texts]);
      assert.deepEqual(Object.fromEntries(expected), heard);
    }
    assert.ok((await daemon.meters()).admitted_later > 0, 'nobody had to wait');
    for (const wire of wires) wire.reset();
    await Promise.all(hosts.map((host) => host.bye()));
  });

  it('leave no trace when they say good-bye before', async (t) => {
    const daemon = await testDaemon(t);
    const { hosts, wires } = await crowd(daemon, () => [frame(CLOSE, closing(1000))]);
    daemon.goOn();
    for (const wire of wires) {
      assert.equal((await wire.response()).status, 101);
      wire.socket.resume();
      await wire.ended;
    }
    const { admitted_later: later, peers } = await daemon.meters();
    assert.ok(later > 0, 'nobody had to wait');
    assert.equal(peers, ROOMS);
    await daemon.until(() => daemon.lines('peer.leave').length === wires.length, 'all who have left, in the log');
    for (const room of rooms) assert.equal((await enter(daemon, room)).welcome.peers.length, 1);
    await Promise.all(hosts.map((host) => host.bye()));
  });
});

describe('requests by TLS that come at the same instant', alone, () => {
  const COUNT = 120;

  /** Their handshakes are done, and nobody is served before all have asked. */
  async function ask(daemon) {
    const wires = [];
    for (let i = 0; i < COUNT; i++) wires.push(await connect(daemon, { secure: true, from: '127.0.0.2' }));
    const other = await open(daemon, '/echo');
    daemon.halt();
    await other.text('hello'); // while others speak, an address has little time
    await Promise.all(wires.map((wire, i) => wire.write(handshake(`/relay/${i}`))));
    return { wires, other };
  }

  it('are all answered, some of them in later turns', async (t) => {
    const daemon = await testDaemon(t, { tls: true });
    const { wires, other } = await ask(daemon);
    daemon.goOn();
    for (const wire of wires) assert.equal((await wire.response()).status, 101);
    assert.equal(await other.says('the echo'), 'text hello');
    assert.ok((await daemon.meters()).read_later > 0, 'nobody had to wait');
    await Promise.all([other.leave(), ...wires.map((wire) => wire.reset())]);
  });

  it('leave no trace when they end before', async (t) => {
    const daemon = await testDaemon(t, { tls: true });
    const { wires, other } = await ask(daemon);
    await Promise.all(wires.map((wire) => wire.reset()));
    daemon.goOn();
    assert.equal(await other.says('the echo'), 'text hello');
    let meters = await daemon.meters();
    while (meters.connections > 1) meters = await daemon.meters(); // or the test is not over in time
    assert.ok(meters.read_later > 0, 'nobody had to wait');
    await other.leave();
  });
});
