// Goal: clients of matchbox find each other as at the original server, step by step, and never hear of strangers.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, describe, it } from 'node:test';
import { open } from '../lib/client.mjs';
import { startDaemon } from '../lib/daemon.mjs';
import { ask } from '../lib/http.mjs';

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

/** The stock client, played: it takes its id from the first event, makes an offer to each new peer,
 * answers each offer, and trickles candidates, all as matchbox_socket does. */
class Player {
  peers = new Set();
  events = [];

  static async enter(url) {
    const player = new Player();
    player.client = await open(url);
    const first = JSON.parse(await player.client.next());
    assert.deepEqual(Object.keys(first), ['IdAssigned']);
    player.id = first.IdAssigned;
    assert.match(player.id, UUID);
    return player;
  }

  say(message) {
    this.client.send(typeof message === 'string' ? message : JSON.stringify(message));
  }

  signal(receiver, data) {
    this.say({ Signal: { receiver, data } });
  }

  async next() {
    const text = await this.client.next();
    assert.equal(typeof text, 'string', 'a text frame');
    return JSON.parse(text);
  }

  /** Take one event and do what the stock client does; the event in words. */
  async step() {
    const event = await this.next();
    const [name] = Object.keys(event);
    assert.equal(Object.keys(event).length, 1);
    if (name === 'NewPeer') {
      this.signal(event.NewPeer, { Offer: `offer of ${this.id}` });
      this.peers.add(event.NewPeer);
      return `NewPeer ${event.NewPeer}`;
    }
    if (name === 'PeerLeft') {
      this.peers.delete(event.PeerLeft);
      return `PeerLeft ${event.PeerLeft}`;
    }
    assert.equal(name, 'Signal');
    const { sender, data } = event.Signal;
    if (data.Offer) {
      this.peers.add(sender);
      this.signal(sender, { Answer: `answer of ${this.id}` });
      this.signal(sender, { IceCandidate: '{"candidate":"c","sdpMid":"0","sdpMLineIndex":0}' });
      this.signal(sender, { IceCandidate: 'null' });
    } else if (data.Answer) {
      this.signal(sender, { IceCandidate: 'null' });
    }
    return `${Object.keys(data)[0]} ${Object.values(data)[0]} from ${sender}`;
  }

  /** Nothing has come but what was taken: a signal to itself, sent now, is the next event. */
  async hearsNothing() {
    const data = randomUUID();
    this.signal(this.id, data);
    assert.deepEqual(await this.next(), { Signal: { sender: this.id, data } });
  }

  leave() {
    return this.client.close();
  }
}

describe('matchbox', () => {
  let daemon, own;

  before(async () => {
    daemon = await startDaemon({
      tls: true,
      args: [
        ['--max-peers-per-room', '4'],
        ['--mount', '/second=matchbox'],
        ['--listen', '127.0.0.1:0'],
        ['--listen', 'tls:127.0.0.1:0'],
        ['--listen', '127.0.0.1:0?dialect=matchbox&origin=any'],
      ].flat(),
    });
    own = Number(new URL(daemon.urls.filter((url) => url.startsWith('http:'))[1]).port);
  });

  after(() => daemon.stop());

  const enter = (path) => Player.enter(`${daemon.ws}/matchbox${path}`);
  const leave = (...players) => Promise.all(players.map((player) => player.leave()));

  for (const scheme of ['ws', 'wss']) {
    it(`brings two stock clients together and tells one when the other leaves, over ${scheme}`, async () => {
      const url = `${daemon[scheme]}/matchbox/game_v1`;
      const a = await Player.enter(url);
      a.say('"KeepAlive"');
      const b = await Player.enter(url);
      assert.equal(await a.step(), `NewPeer ${b.id}`);
      assert.equal(await b.step(), `Offer offer of ${a.id} from ${a.id}`);
      assert.equal(await a.step(), `Answer answer of ${b.id} from ${b.id}`);
      assert.equal(await a.step(), `IceCandidate {"candidate":"c","sdpMid":"0","sdpMLineIndex":0} from ${b.id}`);
      assert.equal(await a.step(), `IceCandidate null from ${b.id}`);
      assert.equal(await b.step(), `IceCandidate null from ${a.id}`);
      b.say('"KeepAlive"');
      b.say({ KeepAlive: null });
      await b.hearsNothing();
      await b.leave();
      assert.equal(await a.step(), `PeerLeft ${b.id}`);
      assert.equal(a.peers.size, 0);
      await a.hearsNothing();
      await a.leave();
    });
  }

  it('makes a full mesh of a room: every two get to know each other once', async () => {
    const players = [];
    for (let i = 0; i < 4; i++) {
      players.push(await enter('/mesh'));
      const newcomer = players[i];
      for (const player of players.slice(0, i)) assert.equal(await player.step(), `NewPeer ${newcomer.id}`);
      const offers = new Set();
      for (let n = 0; n < i; n++) offers.add(await newcomer.step());
      assert.deepEqual(offers, new Set(players.slice(0, i).map(({ id }) => `Offer offer of ${id} from ${id}`)));
      for (const player of players.slice(0, i)) {
        assert.equal(await player.step(), `Answer answer of ${newcomer.id} from ${newcomer.id}`);
        await player.step();
        await player.step();
      }
      for (let n = 0; n < i; n++) assert.match(await newcomer.step(), /^IceCandidate null from /);
    }
    for (const player of players) assert.equal(player.peers.size, 3);
    await players[0].leave();
    for (const player of players.slice(1)) assert.equal(await player.step(), `PeerLeft ${players[0].id}`);
    await leave(...players.slice(1));
  });

  it('makes a group of each N who come with ?next=N', async () => {
    const [a, b, c, d] = [await enter('/r?next=2'), await enter('/r?next=2'), await enter('/r?next=2'), await enter('/r?next=2')];
    const others = [await enter('/r'), await enter('/r?next=3'), await enter('/r?next=1'), await enter('/r?next=1'), await enter('/q?next=2'), await enter('?next=2')];
    assert.deepEqual(await a.next(), { NewPeer: b.id });
    assert.deepEqual(await c.next(), { NewPeer: d.id });
    for (const player of [a, b, c, d, ...others]) await player.hearsNothing();
    b.signal(a.id, '123');
    assert.deepEqual(await a.next(), { Signal: { sender: b.id, data: '123' } });
    await leave(a, b, c, d, ...others);
  });

  it('gives a signal only to peers of the same room or group, and drops it for anybody else', async () => {
    const urls = ['/matchbox/x', '/matchbox/y', '/matchbox', '/matchbox/x?next=2', '/matchbox/x?next=2', '/matchbox/x?next=2', '/second/x'];
    const players = [];
    for (const url of urls) players.push(await Player.enter(`${daemon.ws}${url}`));
    assert.deepEqual(await players[3].next(), { NewPeer: players[4].id });
    for (const [i, from] of players.entries()) {
      for (const [n, to] of players.entries()) {
        if (i !== n && !([3, 4].includes(i) && [3, 4].includes(n))) from.signal(to.id, 'for a stranger');
      }
      from.signal(randomUUID(), 'for nobody');
    }
    for (const player of players) await player.hearsNothing();
    for (const player of players) await player.hearsNothing(); // by now all signals have been dealt with
    await leave(...players);
  });

  it('tells only those who met a peer that it left, not who waits for a group', async () => {
    const enterThree = () => enter('/left?next=3');
    const early = await enterThree();
    const gone = await enterThree();
    assert.deepEqual(await early.next(), { NewPeer: gone.id });
    await gone.leave();
    assert.deepEqual(await early.next(), { PeerLeft: gone.id });
    const [b, c] = [await enterThree(), await enterThree()];
    assert.deepEqual([await early.next(), await early.next(), await b.next()], [{ NewPeer: b.id }, { NewPeer: c.id }, { NewPeer: c.id }]);
    const waiting = await enterThree();
    await b.leave();
    assert.deepEqual([await early.next(), await c.next()], [{ PeerLeft: b.id }, { PeerLeft: b.id }]);
    await c.leave();
    assert.deepEqual(await early.next(), { PeerLeft: c.id });
    await early.leave(); // the last of its group
    await waiting.hearsNothing();
    const next = await enterThree(); // comes to who waits, not into the old group
    assert.deepEqual(await waiting.next(), { NewPeer: next.id });
    await leave(waiting, next);
  });

  it('refuses a next that makes no group, and takes one that is no number for none', async () => {
    for (const next of ['0', '00', '257', '18446744073709551618']) {
      const client = await open(`${daemon.ws}/matchbox/refused?next=${next}`);
      assert.deepEqual(await client.closed, { code: 4400, reason: 'next must be a number from 1 to 256' });
    }
    const a = await enter('/refused');
    for (const next of ['', '-1', 'two', '1.5']) {
      const b = await enter(`/refused?next=${next}`);
      assert.deepEqual(await a.next(), { NewPeer: b.id });
      await b.leave();
      assert.deepEqual(await a.next(), { PeerLeft: b.id });
    }
    await a.leave();
  });

  it('closes who finds the room full, or names it too long, before anybody hears of him', async () => {
    const players = [];
    for (let i = 0; i < 4; i++) players.push(await enter('/full'));
    const client = await open(`${daemon.ws}/matchbox/full`);
    assert.deepEqual(await client.closed, { code: 4413, reason: 'room full' });
    for (const [i, player] of players.entries()) {
      for (let n = i; n < 3; n++) assert.ok((await player.next()).NewPeer);
      await player.hearsNothing();
    }
    await leave(...players);
    const long = await open(`${daemon.ws}/matchbox/${'r'.repeat(121)}`);
    assert.deepEqual(await long.closed, { code: 4400, reason: "a room's name has at most 120 bytes" });
  });

  it('reads an id in upper or lower case, with or without hyphens, and writes it in one form', async () => {
    const [a, b] = [await enter('/ids'), await enter('/ids')];
    assert.deepEqual(await a.next(), { NewPeer: b.id });
    for (const id of [b.id, b.id.toUpperCase(), b.id.replaceAll('-', ''), b.id.replaceAll('-', '').toUpperCase()]) {
      a.signal(id, 1);
      assert.equal(await b.client.next(), `{"Signal":{"sender":"${a.id}","data":1}}`);
    }
    await leave(a, b);
  });

  it('keeps every byte of data, and the order', async () => {
    const [a, b] = [await enter('/bytes'), await enter('/bytes')];
    assert.deepEqual(await a.next(), { NewPeer: b.id });
    const datas = ['"123"', 'null', '1.50', '12345678901234567890123', '{"a":1,"a":2,"s":"\\u671d\\/朝🐧"}', '[1 , 2]', `"${'x'.repeat(60000)}"`];
    for (const data of datas) a.say(`{"Signal" : {"data":${data},"receiver" :"${b.id}"}}`);
    for (let i = 0; i < 100; i++) a.signal(b.id, i);
    for (const data of datas) assert.equal(await b.client.next(), `{"Signal":{"sender":"${a.id}","data":${data}}}`);
    for (let i = 0; i < 100; i++) assert.deepEqual(await b.next(), { Signal: { sender: a.id, data: i } });
    await leave(a, b);
  });

  it('passes over what makes no sense, and a forged sender', async () => {
    const [a, b, c] = [await enter('/calm'), await enter('/calm'), await enter('/calm')];
    assert.deepEqual([await a.next(), await a.next(), await b.next()], [{ NewPeer: b.id }, { NewPeer: c.id }, { NewPeer: c.id }]);
    for (const nonsense of [
      '', 'x', '{', 'null', '[]', '5', '"Signal"', '{"Signal":null}', '{"Signal":{}}', `{"Signal":{"receiver":"${b.id}"}}`,
      `{"Signal":{"receiver":["${b.id}"],"data":1}}`, `{"Signal":{"receiver":"${b.id}x","data":1}}`, `{"PeerLeft":"${b.id}"}`,
      `{"Signal":{"receiver":"${c.id}","receiver":"${b.id}","data":1}}`, `{"Signal":{"receiver":"${c.id}","rec\\u0065iver":"${b.id}","data":1}}`,
      `{"Signal":{"receiver":"${b.id}","data":1,"data":2}}`, `{"Signal":{},"Signal":{"receiver":"${b.id}","data":1}}`,
      `{"Signal":{"receiver":"${b.id}","data":${'['.repeat(60)}${']'.repeat(60)}}}`,
    ]) {
      a.say(nonsense);
    }
    a.client.send(Buffer.from(JSON.stringify({ Signal: { receiver: b.id, data: 1 } })));
    a.say({ Signal: { receiver: b.id, sender: c.id, data: 'end' } });
    assert.deepEqual(await b.next(), { Signal: { sender: a.id, data: 'end' } });
    for (const player of [a, b, c]) await player.hearsNothing();
    await leave(a, b, c);
  });

  it('has / and /ROOM on a listener of its own, and answers its health check', async () => {
    const url = `ws://127.0.0.1:${own}`;
    const [a, b] = [await Player.enter(`${url}/game%20v1`), await Player.enter(`${url}/game%20v1`)];
    assert.deepEqual(await a.next(), { NewPeer: b.id });
    const [c, d] = [await Player.enter(`${url}/`), await Player.enter(`${url}?next=2`)];
    for (const player of [a, b, c, d]) await player.hearsNothing();
    const foreign = await open(`${url}/x`, { origin: 'https://elsewhere.example' });
    await foreign.close();
    await assert.rejects(open(`${url}/a/b`), { status: 404 });
    assert.equal((await ask({ port: own }, '/health')).status, 200);
    assert.equal((await ask({ port: own }, '/room')).status, 426);
    await leave(a, b, c, d);
  });
});
