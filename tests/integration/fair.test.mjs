// Goal: what all share is not one address's alone: what is full makes room for a newcomer from another.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { open, openMany, Refused } from '../lib/client.mjs';
import { alone, testDaemon } from '../lib/daemon.mjs';
import { connect, frame, handshake, open as openRaw, TEXT } from '../lib/raw.mjs';
import { Ended, Session } from '../lib/v1.mjs';

const HOG = { localAddress: '127.0.0.2' };
const NEWCOMER = { localAddress: '127.0.0.3' };

/** Sessions of the hog that came, acknowledged and were cut. */
async function comeAndGo(daemon, count, roomOf = () => 'r') {
  const sessions = await Promise.all(Array.from({ length: count }, (_, i) => Session.join(daemon.ws, roomOf(i), HOG)));
  for (const session of sessions) { // the first gives way first
    await session.taken(); // the acknowledgement too
    await session.cut();
  }
  return sessions;
}

describe('what is full of one address makes room for another', { concurrency: true }, () => {
  it('a room full of seats that nobody sits on', async (t) => {
    const daemon = await testDaemon(t);
    await comeAndGo(daemon, 16);
    const session = await Session.join(daemon.ws, 'r', NEWCOMER);
    assert.equal(session.first.peers.length, 15);
    await session.bye();
  });

  it('but not a room of sixteen colleagues who are there', async (t) => {
    const daemon = await testDaemon(t);
    const office = [];
    for (let i = 0; i < 16; i++) office.push(await Session.join(daemon.ws, 'r', HOG));
    await assert.rejects(Session.join(daemon.ws, 'r', NEWCOMER), Ended);
    office[0].send({ type: 'x' });
    await Promise.all(office.slice(1).map((session) => session.find('x')));
    await Promise.all(office.map((session) => session.bye()));
  });

  it('a daemon full of places that are kept', async (t) => {
    const daemon = await testDaemon(t, { args: ['--max-peers', '8'] });
    const gone = await comeAndGo(daemon, 8, (i) => `r${i}`);
    await assert.rejects(Session.join(daemon.ws, 'another', HOG), Refused);
    const session = await Session.join(daemon.ws, 'r', NEWCOMER);
    assert.equal((await gone[7].connect()).type, 'resumed');
    await Promise.all([session.bye(), gone[7].bye()]);
  });

  it('a daemon of which 40 came and went without a word', async (t) => {
    const daemon = await testDaemon(t, { args: ['--max-peers', '8'] });
    for (let i = 0; i < 5; i++) {
      const sessions = await Promise.all(Array.from({ length: 8 }, () => Session.join(daemon.ws, `r${i}`, { ...HOG, acks: false })));
      await Promise.all(sessions.map((session) => session.cut()));
      await daemon.until(() => daemon.lines('peer.leave').length === 8 * (i + 1), 'their leaving');
    }
    const session = await Session.join(daemon.ws, 'r', HOG);
    await session.bye();
  });
});

/** What a client says and hears in JSON. */
const say = (client, message) => void client.send(JSON.stringify(message));
const hear = async (client) => JSON.parse(await client.next());

describe('what all peers of a protocol share is not for one address', { concurrency: true }, () => {
  const produce = (client, meta) => say(client, { type: 'setPeerStatus', roles: ['producer'], meta });
  const listedBy = async (client) => {
    let message = say(client, { type: 'list' });
    while (message?.type !== 'list') message = await hear(client);
    return message.producers;
  };

  it('gstreamer\'s lists', async (t) => {
    const daemon = await testDaemon(t);
    const url = `${daemon.ws}/gst`;
    const hogs = await openMany(url, 34, HOG);
    for (const hog of hogs) {
      await hear(hog);
      produce(hog, 'x'.repeat(4000));
      await listedBy(hog);
    }
    const full = (await listedBy(hogs[33])).length;
    assert.ok(full >= 30 && full < 34, `${full} are listed`);
    const newcomer = await open(url, NEWCOMER);
    const { peerId } = await hear(newcomer);
    produce(newcomer, { name: 'camera', of: 'x'.repeat(1000) });
    assert.ok((await listedBy(newcomer)).some(({ id }) => id === peerId));
    produce(hogs[33], 'x'.repeat(4000)); // they get no more by asking again
    assert.match((await hear(hogs[33])).details, /too many/);
    const listed = await listedBy(newcomer);
    assert.deepEqual([listed.length, listed.at(-1).id], [full, peerId]);
    const { entries_yielded: yielded } = await daemon.meters();
    assert.equal(yielded, 1);
  });

  it('y-webrtc\'s topics', async (t) => {
    const daemon = await testDaemon(t, { args: ['--connect-rate', '0'] });
    const url = `${daemon.ws}/y-webrtc`;
    const topics = Array.from({ length: 100 }, (_, i) => `topic-${i}`);
    const settled = async (client) => {
      say(client, { type: 'ping' });
      assert.equal((await hear(client)).type, 'pong');
    };
    const hogs = await openMany(url, 256, HOG);
    for (const hog of hogs) say(hog, { type: 'subscribe', topics });
    await Promise.all(hogs.map(settled));
    const [a, b] = await openMany(url, 2, NEWCOMER);
    for (const client of [a, b]) say(client, { type: 'subscribe', topics });
    await Promise.all([settled(a), settled(b)]);
    for (const topic of [topics[0], topics[99]]) {
      say(a, { type: 'publish', topic });
      for (const client of [a, b]) assert.deepEqual(await hear(client), { type: 'publish', topic, clients: 256 });
    }
    const { topics_yielded: yielded } = await daemon.meters();
    assert.equal(yielded, 200);
  });

  it('PeerJS\'s queue of what waits for an absent id', async (t) => {
    const daemon = await testDaemon(t, { args: ['--mount', '/p=peerjs?expire-timeout=60000'] });
    const enter = async (id, from) => {
      const client = await open(`${daemon.ws}/p/peerjs?key=peerjs&token=t&id=${id}`, from);
      assert.equal((await hear(client)).type, 'OPEN');
      return client;
    };
    const offer = (client, dst, payload) => say(client, { type: 'OFFER', dst, payload });
    /** How much of what it has said it was told by now that it waits no more. */
    const expired = async (client, id) => {
      let count = 0;
      for (offer(client, id, 'echo'); (await hear(client)).type === 'EXPIRE';) count++;
      return count;
    };
    let refused = 0;
    for (let i = 0; i < 40; i++) {
      const hog = await enter(`hog-${i}`, HOG);
      for (let k = 0; k < 160; k++) offer(hog, i < 2 ? 'known' : `absent-${i}-${k}`, 'x'.repeat(i < 2 ? 10 : 3000));
      refused += await expired(hog, `hog-${i}`);
    }
    assert.ok(refused > 100, `${refused} of 6400 were refused`);
    const newcomer = await enter('newcomer', NEWCOMER);
    for (const dst of ['other', 'known']) offer(newcomer, dst, 'x'.repeat(7000));
    assert.equal(await expired(newcomer, 'newcomer'), 0);
    for (const dst of ['known', 'other']) {
      const late = await enter(dst, { localAddress: '127.0.0.4' });
      let message;
      while (message?.src !== 'newcomer') message = await hear(late);
    }
    const { letters_yielded: yielded, letters_refused: uncounted } = await daemon.meters();
    assert.ok(yielded > 160 && yielded < 170, `${yielded} gave way`);
    assert.equal(uncounted, refused);
  });
});

describe('one who is away', { concurrency: true }, () => {
  /** Two who know of each other, the second cut. */
  async function couple(t) {
    const daemon = await testDaemon(t);
    const a = await Session.join(daemon.ws, 'r');
    const b = await Session.join(daemon.ws, 'r', NEWCOMER);
    await a.find('peer-joined');
    await b.taken();
    await b.cut();
    await a.find('peer-away');
    return { daemon, a, b };
  }

  it('comes back, however much is said to it; who says too much is told', async (t) => {
    const { a, b } = await couple(t);
    const x = 'x'.repeat(65000);
    for (let i = 0; i < 17; i++) a.send({ type: 'x', i, to: b.id, x });
    const error = await a.find('error');
    assert.deepEqual([error.code, error.to], ['peer-busy', b.id]);
    await a.taken();
    assert.equal((await b.connect()).type, 'resumed');
    for (let i = 0; i < 5; i++) assert.equal((await b.next()).i, i);
    await b.silent();
    await Promise.all([a.bye(), b.bye()]);
  });

  it('comes back, however many come and go', async (t) => {
    const { daemon, a, b } = await couple(t);
    for (let i = 0; i < 26; i++) {
      const crowd = await Promise.all(Array.from({ length: 14 }, (_, n) => Session.join(daemon.ws, 'r', { localAddress: `127.0.1.${n + 1}`, queue: false })));
      await Promise.all(crowd.map((session) => session.bye()));
    }
    const c = await Session.join(daemon.ws, 'r');
    assert.equal((await b.connect()).type, 'resumed');
    assert.deepEqual(await b.next(), { type: 'peer-joined', peer: { id: c.id, owner: false } });
    await b.silent();
    await Promise.all([a.bye(), b.bye(), c.bye()]);
  });
});

describe('the time of an address is not for those of it alone who say most', () => {
  const COUNT = 100;
  const BURST = 200; // messages that each may say at once
  const record = Buffer.concat(Array.from({ length: 2200 }, () => frame(TEXT, 'x')));
  const from = '127.0.0.2';

  /** Where others are heard too, so that the address has no more than its share of each turn. */
  async function talk(daemon, isOver) {
    const other = await openRaw(daemon, '/echo', { from: '127.0.0.3' });
    while (!isOver()) {
      await other.text('hello');
      await other.says('the echo');
    }
    await other.leave();
  }

  /** What `answered`, of which the crowd's address is asked, has to wait for. */
  async function beside(t, answered) {
    const daemon = await testDaemon(t, { tls: true, args: ['--max-peers-per-room', '300'] });
    const crowd = [];
    for (let i = 0; i < COUNT; i++) {
      const wire = await connect(daemon, { secure: true, from });
      await wire.write(handshake('/relay/crowd'));
      assert.equal((await wire.response()).status, 101);
      wire.parse = () => { wire.received = Buffer.alloc(0); };
      crowd.push(wire);
    }
    const ask = await answered(daemon);
    let isOver = false;
    const talking = talk(daemon, () => isOver);
    await Promise.all(crowd.map((wire) => wire.write(record)));
    await ask();
    const { messages_in: heard, read_later: waited } = await daemon.meters();
    assert.ok(waited > 0, 'nobody had to wait');
    assert.ok(heard < COUNT * BURST * 2 / 3, `${heard} messages were heard before`);
    isOver = true;
    await talking;
    await Promise.all(crowd.map((wire) => wire.reset()));
  }

  it('by TLS a colleague is heard long before they have said all', alone, (t) => beside(t, async (daemon) => {
    const colleague = await openRaw(daemon, '/echo', { secure: true, from });
    return async () => {
      await colleague.text('hello');
      assert.equal(await colleague.says('the echo'), 'text hello');
    };
  }));

  it('nor does who comes by TLS wait until then', alone, (t) => beside(t, async (daemon) => {
    const newcomer = await connect(daemon, { secure: true, from });
    return async () => {
      await newcomer.write(handshake('/echo'));
      assert.equal((await newcomer.response()).status, 101);
    };
  }));
});
