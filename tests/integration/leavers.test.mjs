// Goal: what it costs that many leave together is spread over turns of the loop, and nobody who comes back notices.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { testDaemon } from '../lib/daemon.mjs';
import { connect, frame, handshake, open, RawPeer, TEXT } from '../lib/raw.mjs';
import { hear, pathOf } from '../lib/v1.mjs';

const json = (message) => frame(TEXT, JSON.stringify(message));

describe('those of one address who leave at the same instant', () => {
  const COUNT = 80;
  const SWARMS = 100;
  const numbers = Array.from({ length: COUNT }, (_, i) => i);
  const hashes = Array.from({ length: SWARMS }, (_, i) => `swarm ${i}`.padEnd(20, '.'));
  const announces = (i) => hashes.map((hash) => json({ action: 'announce', info_hash: hash, peer_id: `peer ${i}`.padEnd(20, '.'), event: 'started', left: 1, numwant: 0, offers: [] }));

  /** One more connection that asks for `path`, and will be served when the daemon is. */
  async function ask(daemon, path) {
    const wire = await connect(daemon, { from: '127.0.0.2' });
    await wire.write(handshake(path));
    return wire;
  }

  async function peerOf(wire) {
    assert.equal((await wire.response()).status, 101);
    return new RawPeer(wire, true);
  }

  /** Each of them announces all; whatever is no welcome fails. */
  async function announce(wires) {
    const peers = await Promise.all(wires.map(peerOf));
    await Promise.all(peers.map((peer, i) => peer.wire.write(Buffer.concat(announces(i)))));
    for (const peer of peers) {
      for (const hash of hashes) {
        const answer = JSON.parse((await peer.says('an answer')).replace(/^text /, ''));
        assert.deepEqual([answer.info_hash, answer['failure reason'], answer.interval], [hash, undefined, 120]);
      }
    }
  }

  async function crowd(daemon) {
    const wires = await Promise.all(numbers.map(() => ask(daemon, '/webtorrent')));
    await announce(wires);
    return wires;
  }

  /** All go while nobody is served, and another has said something before. */
  async function leave(daemon, wires) {
    const other = await open(daemon, '/echo');
    daemon.halt();
    await other.text('hello');
    await Promise.all(wires.map((wire) => wire.reset()));
    return other;
  }

  it('are gone some turns later, all of them', async (t) => {
    const daemon = await testDaemon(t);
    const other = await leave(daemon, await crowd(daemon));
    daemon.goOn();
    await daemon.until(() => daemon.lines('peer.leave').length === COUNT, 'the last one to leave');
    const { left_later: later, peers, swarm_members: seats } = await daemon.meters();
    assert.ok(later > 0, 'nobody had to wait');
    assert.deepEqual({ peers, seats }, { peers: 1, seats: 0 });
    assert.equal(await other.says('the echo'), 'text hello');
    await other.leave();
  });

  it('find their ids free when they come back at once', async (t) => {
    const daemon = await testDaemon(t);
    const other = await leave(daemon, await crowd(daemon));
    const wires = await Promise.all(numbers.map(() => ask(daemon, '/webtorrent')));
    daemon.goOn();
    await announce(wires);
    const { left_later: later, peers, swarm_members: seats } = await daemon.meters();
    assert.ok(later > 0, 'nobody had to wait');
    assert.deepEqual({ peers, seats }, { peers: COUNT + 1, seats: COUNT * SWARMS });
    assert.equal(await other.says('the echo'), 'text hello');
    await other.leave();
    for (const wire of wires) wire.reset();
  });

  it('find their sessions when they come back at once', async (t) => {
    const daemon = await testDaemon(t);
    const wires = await crowd(daemon);
    const session = await peerOf(await ask(daemon, pathOf('room')));
    const welcome = await hear(session);
    const other = await leave(daemon, [...wires, session.wire]);
    const again = await ask(daemon, pathOf('room', { session: welcome.session, n: 0 }));
    daemon.goOn();
    const { type, id } = await hear(await peerOf(again));
    assert.deepEqual({ type, id }, { type: 'resumed', id: welcome.id });
    await again.reset();
    assert.equal(await other.says('the echo'), 'text hello');
    await other.leave();
  });

  it('keep a stop from nothing', async (t) => {
    const daemon = await testDaemon(t, { args: ['--drain-seconds', '0'] });
    await leave(daemon, await crowd(daemon));
    daemon.child.kill('SIGTERM');
    daemon.child.kill('SIGTERM');
    daemon.goOn();
    await daemon.stop();
  });
});
