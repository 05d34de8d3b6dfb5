// Goal: what is held for all clients together stays below max-memory: the address that holds most gives way, in it who lost
// its connection first, then who has most waiting, and only if that is not enough is nobody new let in; who behaves notices nothing.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { testDaemon } from '../lib/daemon.mjs';
import { dial } from '../lib/http.mjs';
import { frame, open, PING, PONG, TEXT } from '../lib/raw.mjs';
import { Receiver, secretFile } from '../lib/receiver.mjs';
import { Session } from '../lib/v1.mjs';

const MIB = 1 << 20;
const kinds = ['memory_connections', 'memory_frames', 'memory_received', 'memory_rooms', 'memory_answers', 'memory_events'];
const held = (meters) => kinds.reduce((sum, name) => sum + meters[name], 0);

/** Two who speak to each other, each sentence once and in order. */
async function neighbours(daemon) {
  const [a, b] = [await open(daemon, '/relay/quiet'), await open(daemon, '/relay/quiet')];
  let count = 0;
  return async () => {
    for (let i = 0; i < 20; i++) {
      const text = `sentence ${count++}`;
      await a.text(text);
      assert.equal(await b.says(), `text ${text}`);
    }
  };
}

/** A participant who says much to one who never acknowledges: so many bytes are kept for that one. */
async function burden(daemon, room, bytes, from) {
  const silent = await Session.join(daemon.ws, room, { acks: false, queue: false, ...from });
  const speaker = await Session.join(daemon.ws, room, { queue: false, ...from });
  for (let sent = 0; sent < bytes; sent += 60000) speaker.send({ type: 'x', text: 'x'.repeat(60000) });
  await speaker.taken();
  return { silent, speaker };
}

/** For a bare socket and for a Session. */
const at = (address) => ({ from: address, localAddress: address });
const HOG = at('127.0.0.2');
const AWAY = at('127.0.0.3');

/** The meters, once no more than `most` bytes are held. */
async function relieved(daemon, most = 8 * MIB) {
  for (let i = 0; ; i++) {
    const meters = await daemon.meters();
    if (held(meters) <= most) return meters;
    assert.ok(i < 200, `${held(meters)} bytes are held`);
  }
}

/** Somebody with a small session is away while `hoard()` makes one address hold more than there may be. */
async function besides(t, most, args, hoard) {
  const daemon = await testDaemon(t, { args: ['--max-memory', String(most), '--message-rate', '0', ...args] });
  const speak = await neighbours(daemon);
  const away = await Session.join(daemon.ws, 'home', AWAY);
  await away.taken(); // its acknowledgement too
  await away.cut();
  const finish = await hoard(daemon);
  await daemon.logged('memory.short');
  await relieved(daemon, most);
  await speak();
  assert.equal((await away.connect()).type, 'resumed');
  await away.bye();
  const meters = await daemon.meters();
  await finish();
  return meters;
}

/** Readers of the hog that do not read, until memory is short. */
async function hoard(daemon, wires) {
  for (let i = 0; i < 40 && !daemon.lines('memory.short').length; i++) {
    const [reader, writer] = [await open(daemon, `/relay/hog-${i}`, HOG), await open(daemon, `/relay/hog-${i}`, HOG)];
    reader.wire.socket.pause();
    for (let j = 0; j < 12; j++) writer.text('a'.repeat(60000));
    wires.push(reader.wire, writer.wire);
  }
}

const messagesUpTo = (mib) => ['--max-message', `${mib}MiB`, '--send-queue', `${mib}MiB`, '--resume-bytes', `${2 * mib}MiB`];

/** Senders of the hog, each of so much of a message that never ends. */
async function neverEnd(daemon, count, bytes) {
  const all = [];
  for (let i = 0; i < count; i++) {
    const sender = await open(daemon, '/relay/hog', HOG);
    await sender.wire.write(frame(TEXT, 'x'.repeat(bytes), { fin: false }));
    all.push(sender);
  }
  return () => Promise.all(all.map((peer) => peer.wire.reset()));
}

describe('max-memory is spent by one address', { concurrency: true }, () => {
  it('on readers that do not read: they are closed, and who is away comes back', async (t) => {
    const meters = await besides(t, 8 * MIB, [], async (daemon) => {
      const all = [];
      await hoard(daemon, all);
      return () => Promise.all(all.map((wire) => wire.reset()));
    });
    assert.ok(meters.shed_peers > 0);
    assert.equal(meters.shed_sessions, 0);
  });

  it('on what it does not acknowledge: these sessions go, and the other stays', async (t) => {
    const meters = await besides(t, 8 * MIB, [], async (daemon) => {
      const all = [];
      for (let i = 0; i < 16; i++) all.push(await burden(daemon, `hog-${i}`, 0.8 * MIB, HOG));
      return () => all.forEach(({ silent, speaker }) => (silent.cut(), speaker.cut()));
    });
    assert.ok(meters.shed_peers > 0);
  });

  it('on sessions without a connection: only its own go', async (t) => {
    const meters = await besides(t, 8 * MIB, [], async (daemon) => {
      for (let i = 0; i < 16; i++) {
        const { silent, speaker } = await burden(daemon, `hog-${i}`, 0.8 * MIB, HOG);
        silent.say({ type: 'ack', n: 0 }); // so it could come back
        await silent.taken();
        await silent.cut();
        await speaker.bye();
      }
      return () => {};
    });
    assert.ok(meters.shed_sessions > 0);
    assert.equal(meters.shed_peers, 0);
  });

  it('on chat that rooms keep, with somebody in them or not: it goes first, and a newcomer gets in', async (t) => {
    const meters = await besides(t, 8 * MIB, ['--byte-rate', '0', '--connect-rate', '0'], async (daemon) => {
      const all = [];
      for (let i = 0; i < 300 && !daemon.lines('memory.short').length; i++) {
        const one = await Session.join(daemon.ws, `hog-${i}`, { queue: false, ...HOG });
        one.send({ type: 'chat', text: 'x'.repeat(60000) });
        await one.taken();
        if (i % 4) await one.cut();
        all.push(one);
      }
      await relieved(daemon);
      const newcomer = await open(daemon, '/relay/new', at('127.0.0.4'));
      await newcomer.leave();
      return () => all.forEach((one) => one.cut());
    });
    assert.ok(meters.shed_lines > 0);
    assert.deepEqual([meters.shed_sessions, meters.shed_peers], [0, 0]);
  });

  it('on topics that it subscribes to: who has most of them is closed, and a newcomer gets in', async (t) => {
    const meters = await besides(t, MIB, ['--connect-rate', '0'], async (daemon) => {
      const all = [];
      for (let i = 0; i < 100 && !daemon.lines('memory.short').length; i++) {
        const topics = Array.from({ length: 100 }, (_, n) => `${i}/${n}`);
        all.push(await open(daemon, '/y-webrtc', HOG));
        await all.at(-1).text(JSON.stringify({ type: 'subscribe', topics }));
        await all.at(-1).text('{"type":"ping"}');
        await all.at(-1).says();
      }
      await relieved(daemon, MIB);
      const newcomer = await open(daemon, '/relay/new', at('127.0.0.4'));
      await newcomer.leave();
      return () => Promise.all(all.map((peer) => peer.wire.reset()));
    });
    assert.ok(meters.shed_peers > 0);
    assert.equal(meters.shed_sessions, 0);
  });

  it('on torrents that it takes part in: who is in most is closed, and a newcomer gets in', async (t) => {
    const meters = await besides(t, MIB, ['--connect-rate', '0', '--message-rate', '0'], async (daemon) => {
      const all = [];
      for (let i = 0; i < 100 && !daemon.lines('memory.short').length; i++) {
        all.push(await open(daemon, '/webtorrent', HOG));
        for (let n = 0; n < 256; n++) {
          await all.at(-1).text(JSON.stringify({ action: 'announce', info_hash: `${i}/${n}`.padEnd(20), peer_id: 'p'.repeat(20) }));
          await all.at(-1).says();
        }
      }
      await relieved(daemon, MIB);
      const newcomer = await open(daemon, '/relay/new', at('127.0.0.4'));
      await newcomer.leave();
      return () => Promise.all(all.map((peer) => peer.wire.reset()));
    });
    assert.ok(meters.shed_peers > 0);
    assert.equal(meters.shed_sessions, 0);
  });

  it('on what auth-webhook has to be asked: who asks most is closed', async (t) => {
    const receiver = await Receiver.start(t);
    receiver.answer = (request, response, { roomId }) => roomId || response.end('{"allow":true}'); // ayame's hang
    const register = JSON.stringify({ type: 'register', roomId: 'r', clientId: 'c', authnMetadata: 'x'.repeat(60000) });
    const asking = ['--auth-webhook', receiver.url, '--webhook-secret', secretFile(), '--connect-rate', '0'];
    const meters = await besides(t, 8 * MIB, asking, async (daemon) => {
      const all = [];
      for (let i = 0; i < 200 && !daemon.lines('memory.short').length; i++) {
        all.push(await open(daemon, '/signaling', HOG));
        await all.at(-1).text(register);
      }
      return () => Promise.all(all.map((peer) => peer.wire.reset()));
    });
    assert.ok(meters.shed_peers > 0);
    assert.equal(meters.shed_sessions, 0);
  });

  it('on messages that it sends faster than it may: who sent most is closed', async (t) => {
    const meters = await besides(t, 8 * MIB, messagesUpTo(2), (daemon) => neverEnd(daemon, 8, 1.5 * MIB));
    assert.ok(meters.shed_peers > 0);
    assert.equal(meters.shed_sessions, 0);
  });
});

describe('max-memory', () => {
  it('ends sessions without a connection, the oldest first, and the others go on', async (t) => {
    const daemon = await testDaemon(t, { args: ['--max-memory', '8MiB', '--message-rate', '0'] });
    const speak = await neighbours(daemon);
    const all = [];
    for (let i = 0; i < 16; i++) {
      all.push(await burden(daemon, `room-${i}`, 0.8 * MIB));
      all.at(-1).silent.cut();
      await speak();
    }
    await daemon.until(() => daemon.lines('memory.short').length, 'that the log says so');
    const meters = await relieved(daemon);
    assert.ok(meters.shed_sessions > 0 && meters.shed_sessions < 16, `${meters.shed_sessions} sessions were ended`);
    assert.equal(meters.shed_peers, 0);
    assert.equal((await all.at(-1).silent.connect()).type, 'resumed');
    assert.equal((await all[0].silent.connect()).recovered, false);
    await speak();
    for (const { silent, speaker } of all) silent.cut(), speaker.cut();
  });

  it('closes who has most waiting with 4508 when nobody is away', async (t) => {
    const daemon = await testDaemon(t, { args: ['--max-memory', '8MiB', '--message-rate', '0'] });
    const speak = await neighbours(daemon);
    const all = [];
    for (let i = 0; i < 16; i++) {
      all.push(await burden(daemon, `room-${i}`, 0.8 * MIB));
      await speak();
      await relieved(daemon); // what was written to who is closed counts until it has been taken
    }
    const meters = await daemon.meters();
    assert.ok(meters.shed_peers > 0 && meters.closed_4508 >= meters.shed_peers);
    await speak();
    for (const { silent, speaker } of all) silent.cut(), speaker.cut();
  });

  it('takes of an address what each of its sessions weighed, though these hear that others have left', async (t) => {
    const daemon = await testDaemon(t, { args: ['--max-memory', '8MiB', '--message-rate', '0', '--byte-rate', '0', '--room-peers', '64'] });
    const silent = [];
    for (let i = 0; i < 45; i++) silent.push(await Session.join(daemon.ws, 'room', { ...HOG, acks: false, queue: false, nonce: null }));
    for (const one of silent) one.say({ type: 'ack', n: 0 });
    const speaker = await Session.join(daemon.ws, 'room', { ...HOG, queue: false });
    for (let i = 0; i < 20 && !daemon.lines('memory.short').length; i++) {
      for (const { id } of silent) speaker.send({ type: 'x', to: id, text: 'x'.repeat(30000) });
      await speaker.taken();
    }
    await daemon.logged('memory.short');
    const meters = await relieved(daemon);
    assert.ok(meters.shed_peers);
    assert.equal(meters.shed_sessions, meters.shed_peers); // to close one whose session is kept gives nothing back
  });

  it('closes who has sent most of a message that never ends', async (t) => {
    const daemon = await testDaemon(t, { args: ['--max-memory', '1MiB', '--max-message', '2MiB', '--send-queue', '2MiB', '--resume-bytes', '4MiB'] });
    const speak = await neighbours(daemon);
    const sender = await open(daemon, '/relay/long');
    await sender.wire.write(frame(TEXT, 'x'.repeat(1.5 * MIB), { fin: false }));
    assert.match(await sender.says(), /^close 4508 /);
    await speak();
    assert.equal((await daemon.meters()).memory_received, 0);
  });

  it('is not brought down for a burst that its receivers take at once', async (t) => {
    const daemon = await testDaemon(t, { args: ['--max-memory', '1MiB', '--message-rate', '0'] });
    const crowd = [];
    for (let i = 0; i < 48; i++) crowd.push(await open(daemon, '/relay/crowd'));
    const burst = Buffer.concat(Array.from({ length: 100 }, () => frame(TEXT, 'x')));
    // All of it is read in one turn: the queues alone take 3 MiB then.
    daemon.halt();
    await Promise.all(crowd.map((peer) => peer.wire.write(burst)));
    daemon.goOn();
    for (const peer of crowd) await peer.wire.until(() => peer.frames.length >= 4700 || peer.frames.some(({ opcode }) => opcode !== TEXT), 'the burst');
    assert.ok(crowd.every((peer) => peer.frames.length === 4700), 'each has got each message');
    const meters = await daemon.meters();
    assert.equal(meters.shed_peers, 0);
    assert.ok(meters.memory_frames < MIB, `${meters.memory_frames} bytes wait`);
  });

  it('lets nobody in while too much is held, says why, and lets them in again', async (t) => {
    const daemon = await testDaemon(t, { args: ['--max-memory', '1MiB', '--max-peers-per-address', '0', '--connect-rate', '0'] });
    const speak = await neighbours(daemon);
    const crowd = [];
    let refusal;
    while (!refusal && crowd.length < 300) await open(daemon, '/relay/crowd').then((peer) => crowd.push(peer), (error) => { refusal = error; });
    assert.match(String(refusal), /503/);
    await daemon.logged('request.refuse', 'server-full', 'max-memory');
    await speak();
    await Promise.all(crowd.map((peer) => peer.leave()));
    await daemon.until(() => daemon.lines('peer.leave').length === crowd.length, 'that the crowd has left');
    const newcomer = await open(daemon, '/relay/new');
    await newcomer.leave();
    assert.ok((await daemon.meters()).shed_newcomers >= 1);
  });

  it('lets everybody in while a crowd chats it full again and again', async (t) => {
    const daemon = await testDaemon(t, { args: ['--max-memory', '1MiB', '--message-rate', '0', '--byte-rate', '0', '--connect-rate', '0'] });
    const crowd = [];
    for (let i = 0; i < 120; i++) crowd.push(await open(daemon, `/v1/hog-${i}`, HOG));
    const burst = Buffer.concat([...Array.from({ length: 50 }, () => frame(TEXT, `{"type":"chat","text":"${'x'.repeat(100)}"}`)), frame(PING)]);
    let rounds = 0;
    const chatting = crowd.map(async (peer) => {
      for (let i = 0; i < 8; i++) {
        peer.frames.length = 0;
        await peer.wire.write(burst);
        await peer.wire.until(() => peer.frames.some(({ opcode }) => opcode === PONG), 'that the burst is taken');
        rounds++;
      }
    });
    const come = async () => {
      while (rounds < 8 * crowd.length) await open(daemon, '/relay/new', AWAY).then((newcomer) => newcomer.leave());
    };
    await Promise.all([...chatting, come()]);
    const meters = await daemon.meters();
    assert.ok(meters.shed_lines > 100 * crowd.length, `${meters.shed_lines} lines were shed`);
    assert.equal(meters.shed_newcomers, 0);
    for (const { wire } of crowd) wire.socket.destroy();
  });

  it('counts who has connected and says nothing', async (t) => {
    const daemon = await testDaemon(t, { args: ['--listen', '127.0.0.1:0', '--listen', 'proxy:127.0.0.1:0'], tls: false });
    const quiet = await daemon.meters();
    const silent = await Promise.all(Array.from({ length: 50 }, () => dial({ port: daemon.ports[1] })));
    let meters;
    do meters = await daemon.meters(); while (meters.accepted < quiet.accepted + 50);
    assert.ok(meters.memory_connections - quiet.memory_connections > 50 * 536, 'each has place for a header');
    for (const wire of silent) wire.socket.destroy();
    do meters = await daemon.meters(); while (meters.memory_connections > quiet.memory_connections);
    assert.equal(meters.memory_connections, quiet.memory_connections);
  });

  it('counts what is held and finds every byte again when all have gone', async (t) => {
    const daemon = await testDaemon(t, { args: ['--resume-seconds', '1'] });
    const quiet = await daemon.meters();
    const { silent, speaker } = await burden(daemon, 'room', MIB / 2);
    await speaker.send({ type: 'chat', text: 'hello' });
    await speaker.send({ type: 'update', meta: { a: 1 } });
    await speaker.taken();
    const busy = await daemon.meters();
    for (const name of ['memory_connections', 'memory_frames', 'memory_rooms']) assert.ok(busy[name] > quiet[name], name);
    await silent.bye();
    await speaker.bye();
    await daemon.until(() => daemon.lines('peer.leave').length === 2, 'that both have left');
    for (let i = 0; ; i++) {
      const meters = await daemon.meters();
      if (kinds.every((name) => meters[name] === quiet[name])) break;
      assert.ok(i < 200, `${JSON.stringify(Object.fromEntries(kinds.map((name) => [name, meters[name] - quiet[name]])))} is left`);
    }
  });
});
