// Goal: a thousand connections at once are an ordinary thing.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { testDaemon, workers } from '../lib/daemon.mjs';
import { descriptors, settles } from '../lib/process.mjs';
import { open } from '../lib/raw.mjs';

describe('a crowd', () => {
  for (const [scheme, secure] of [['ws', false], ['wss', true]]) {
    it(`of 1 000 that come at once, talk and leave at once is served over ${scheme}`, async (t) => {
      const count = 1000;
      const each = secure && workers > 1 ? 3 : 1; // descriptors: from who speaks TLS leads a pair of sockets to whose it is
      const daemon = await testDaemon(t, {
        tls: secure,
        args: ['--max-peers-per-address', '0', '--connect-rate', '0', '--max-peers-per-room', String(count), '--handshake-timeout', '60'],
      });
      const before = descriptors(daemon);
      const peers = await Promise.all(Array.from({ length: count }, () => open(daemon, '/relay', { secure, patience: 60000 })));
      assert.equal(descriptors(daemon), before + count * each);
      await peers[0].text('to all');
      await Promise.all(peers.slice(1).map(async (peer) => assert.equal(await peer.says(), 'text to all')));
      await Promise.all(peers.slice(1, 11).map((peer, i) => peer.text(`reply ${i}`)));
      const replies = [];
      while (replies.length < 10) replies.push(await peers[0].says());
      assert.deepEqual(replies.sort(), Array.from({ length: 10 }, (_, i) => `text reply ${i}`));
      for (const peer of peers) peer.wire.socket.destroy();
      await settles(daemon, before, 60000);
      const late = await open(daemon, '/echo', { secure });
      await late.text('empty now');
      assert.equal(await late.says(), 'text empty now');
      await late.leave();
    });
  }
});
