// Goal: a burst that is larger than what is read at once comes whole, in order, and at nobody else's cost.
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { alone, startDaemon, testDaemon } from '../lib/daemon.mjs';
import { BINARY, CLOSE, closing, frame, noise, open, TEXT, within } from '../lib/raw.mjs';

const LENGTHS = [0, 1, 125, 126, 1700, 2040, 2048, 2049, 4096, 8000, 16384, 40000];

/** Message `n` of `who`: text that names both. */
function words(who, n) {
  return `${who} ${n} ${'x'.repeat(LENGTHS[n % LENGTHS.length])}`;
}

/** `count` messages in one write. */
function burst(who, count) {
  return Buffer.concat(Array.from({ length: count }, (_, n) => frame(TEXT, words(who, n))));
}

/** Read `count` messages of each of these senders, who must each be in order. */
async function hears(peer, senders, count) {
  const next = new Map(senders.map((who) => [who, 0]));
  for (let left = senders.length * count; left; left--) {
    const said = await peer.says();
    const [, who] = said.split(' ');
    assert.equal(said, `text ${words(who, next.get(who))}`);
    next.set(who, next.get(who) + 1);
  }
}

for (const secure of [false, true]) {
  describe(`a burst over ${secure ? 'wss' : 'ws'}`, () => {
    let daemon;

    before(async () => {
      daemon = await startDaemon({ tls: secure, args: ['--message-rate', '0', '--byte-rate', '0', '--send-queue', '16MiB', '--resume-bytes', '32MiB'] });
    });

    after(() => daemon.stop());

    const enter = (room) => open(daemon, `/relay?room=${room}`, { secure });

    it('comes whole and in order at all, also when all others send one too', async () => {
      const count = 36;
      const peers = await Promise.all(Array.from({ length: 8 }, () => enter('all')));
      const names = peers.map((_, i) => `peer${i}`);
      await Promise.all(peers.map((peer, i) => peer.wire.write(burst(names[i], count))));
      await Promise.all(peers.map((peer, i) => hears(peer, names.filter((name) => name !== names[i]), count)));
      await Promise.all(peers.map((peer) => peer.leave()));
    });

    const ends = {
      'a close frame': frame(CLOSE, closing(1000)),
      'a frame that no protocol has': frame(3, 'x'),
      'text that is not UTF-8': frame(TEXT, Buffer.concat([Buffer.alloc(3000, 'x'), Buffer.from([0xff])])),
      'a message that is too large': frame(BINARY, noise('large', 70000)),
    };
    for (const [what, end] of Object.entries(ends)) {
      it(`has come up to ${what} that ends it, and costs no other peer anything`, async () => {
        const count = 24;
        const [sender, receiver, one, other] = await Promise.all([enter('ends'), enter('ends'), enter('apart'), enter('apart')]);
        await Promise.all([
          sender.wire.write(Buffer.concat([burst('sender', count), end, burst('sender', count)])),
          one.wire.write(burst('one', count)),
          other.wire.write(burst('other', count)),
        ]);
        await Promise.all([hears(receiver, ['sender'], count), hears(one, ['other'], count), hears(other, ['one'], count)]);
        await sender.wire.reset();
        assert.equal(receiver.frames.length, 0);
        await Promise.all([receiver, one, other].map((peer) => peer.leave()));
      });
    }

    it('whose senders are cut off costs no other peer anything', async () => {
      const count = 24;
      const [one, other, ...cut] = await Promise.all([enter('live'), enter('live'), ...Array.from({ length: 20 }, (_, i) => enter(`cut${i}`))]);
      for (const peer of cut) peer.wire.write(burst('cut', count));
      await Promise.all([one.wire.write(burst('one', count)), ...cut.map((peer) => peer.wire.reset())]);
      await hears(other, ['one'], count);
      await Promise.all([one, other].map((peer) => peer.leave()));
    });
  });
}

describe('what is said to very many', () => {
  it('is heard to its end by all of them, also when its sender closes before its address has time for the rest', async (t) => {
    const [readers, count] = [60, 170]; // in one read, and more work than an address may have done in a turn
    const daemon = await testDaemon(t, { args: ['--max-peers-per-address', '0', '--max-peers-per-room', String(readers + 1), '--connect-rate', '0', '--message-rate', '0', '--byte-rate', '0'] });
    const others = await Promise.all(Array.from({ length: readers }, () => open(daemon, '/relay/many', { from: '127.1.0.1' })));
    const sender = await open(daemon, '/relay/many');
    await others[0].text('hello'); // while others speak, an address has little time
    await sender.says();
    const said = Array.from({ length: count }, (_, n) => `n${n}`);
    await sender.wire.write(Buffer.concat([...said.map((text) => frame(TEXT, text)), frame(CLOSE, closing(1000))]));
    await Promise.all(others.map(async (peer, i) => {
      if (i) assert.equal(await peer.says(), 'text hello');
      for (const text of said) assert.equal(await peer.says(), `text ${text}`);
    }));
    const { left_later: later } = await daemon.meters();
    assert.equal(later, 1, 'it had time for all');
    for (const { wire } of [sender, ...others]) wire.socket.destroy();
  });

  it('lets who is told little go first before half of them are told', alone, async (t) => {
    const count = 800;
    const daemon = await testDaemon(t, { args: ['--max-peers-per-address', '0', '--max-peers-per-room', String(count + 1), '--connect-rate', '0', '--message-rate', '0', '--byte-rate', '0'] });
    const sender = await open(daemon, '/relay/many');
    const readers = [];
    while (readers.length < count) readers.push(...await Promise.all(Array.from({ length: 50 }, () => open(daemon, '/relay/many'))));
    const bystander = await open(daemon, '/echo', { from: '127.1.0.1' });
    let told = 0;
    const all = Promise.all(readers.map(({ wire: { socket } }) => new Promise((done) => socket.once('data', () => done(told++)))));
    // Both are more than is read at once, so that both are read whole behind the poll, in this order.
    daemon.halt();
    await sender.text('x'.repeat(62000));
    await bystander.text('x'.repeat(3000));
    daemon.goOn();
    await bystander.next('the echo');
    const before = told;
    await within(all, 'that all are told');
    assert.ok(before < count / 2, `${before} of ${count} were told before`);
    for (const { wire } of [sender, bystander, ...readers]) wire.socket.destroy();
  });
});
