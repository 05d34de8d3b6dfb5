// Goal: named-room introduces members by name, passes offers and answers to the one they name, and to nobody else.
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { startDaemon } from '../lib/daemon.mjs';
import { open } from '../lib/raw.mjs';

const PATH = '/video_chat/signaling';

const opening = (roomName, name) => JSON.stringify({ method: 'open', roomName, name });
const request = (roomName, to, from) => `text ${JSON.stringify({ method: 'rtc', type: 'request', roomName, to, from })}`;
const offer = (roomName, from, to, sdp = 'v=0') => JSON.stringify({ method: 'rtc', description: { type: 'offer', sdp }, roomName, from, to });
const answer = (roomName, from, to, sdp = 'v=0') => JSON.stringify({ method: 'rtc', description: { type: 'answer', sdp }, roomName, from, to });

describe('named-room', () => {
  let daemon;

  before(async () => {
    daemon = await startDaemon({
      tls: true,
      args: ['--message-rate', '0', '--byte-rate', '0', '--max-peers-per-room', '4', '--mount', '/lesson=named-room'],
    });
  });

  after(() => daemon.stop());

  /** Connect and open a room; those who are there already get their requests. */
  async function join(room, name, others = [], o = {}) {
    const peer = await open(daemon, o.path ?? PATH, o);
    await peer.text(opening(room, name));
    for (const [other, otherName] of others) assert.equal(await other.says(), request(room, name, otherName));
    return peer;
  }

  /** The peer has got nothing but what comes now: an offer from `from`, by way of barrier. */
  async function barrier(from, fromName, to, toName, room) {
    const mark = offer(room, fromName, toName, 'barrier');
    await from.text(mark);
    assert.equal(await to.says(), `text ${mark}`);
  }

  for (const secure of [false, true]) {
    it(`lets two peers exchange request, offer and answer over ${secure ? 'wss' : 'ws'}`, async () => {
      const a = await join('r', 'A', [], { secure });
      const b = await join('r', 'B', [[a, 'A']], { secure });
      await a.text(offer('r', 'A', 'B'));
      assert.equal(await b.says(), `text ${offer('r', 'A', 'B')}`);
      await b.text(answer('r', 'A', 'B'));
      assert.equal(await a.says(), `text ${answer('r', 'A', 'B')}`);
      await Promise.all([a.leave(), b.leave()]);
    });
  }

  it('asks every member that was there, in the order in which they came, and asks with M\'s own name', async () => {
    const order = [];
    const a = await join('order', 'A');
    const b = await join('order', 'B', [[a, 'A']]);
    const c = await join('order', 'C', [[a, 'A'], [b, 'B']]);
    for (const [peer, name] of [[a, 'A'], [b, 'B'], [c, 'C']]) peer.wire.socket.prependListener('data', () => order.push(name));
    const d = await join('order', 'D', [[a, 'A'], [b, 'B'], [c, 'C']]);
    assert.deepEqual(order, ['A', 'B', 'C']);
    await barrier(a, 'A', d, 'D', 'order');
    await Promise.all([a, b, c, d].map((peer) => peer.leave()));
  });

  it('passes an offer to the member named to and an answer to the member named from, and to nobody else', async () => {
    const a = await join('route', 'A');
    const b = await join('route', 'B', [[a, 'A']]);
    const c = await join('route', 'C', [[a, 'A'], [b, 'B']]);
    await a.text(offer('route', 'A', 'C', '1'));
    assert.equal(await c.says(), `text ${offer('route', 'A', 'C', '1')}`);
    await c.text(answer('route', 'A', 'C', '2'));
    assert.equal(await a.says(), `text ${answer('route', 'A', 'C', '2')}`);
    await barrier(a, 'A', b, 'B', 'route');
    await Promise.all([a, b, c].map((peer) => peer.leave()));
  });

  it('passes on byte for byte what it understands', async () => {
    const a = await join('bytes', 'Ä');
    const b = await join('bytes', 'B', [[a, 'Ä']]);
    const rows = [
      ' { "to" : "B" , "from":"Ä", "roomName":"bytes","method":"rtc","description":{"sdp":"\\r\\n","type":"offer","n":1.0}}\n',
      '{"method":"rtc","description":{"type":"offer"},"roomName":"bytes","from":"Ä","to":"B","extra":9007199254740993}',
      '{"m\\u0065thod":"r\\u0074c","description":{"typ\\u0065":"offe\\u0072"},"roomName":"\\u0062ytes","from":"\\u00c4","to":"\\u0042"}',
    ];
    for (const row of rows) {
      await a.text(row);
      assert.equal(await b.says(), `text ${row}`);
    }
    const back = '{"method":"rtc","description":{"type":"answer"},"roomName":"bytes","from":"Ä","to":"B"}';
    await b.text(back);
    assert.equal(await a.says(), `text ${back}`);
    await Promise.all([a.leave(), b.leave()]);
  });

  it('tells names apart byte by byte, and takes any string for one', async () => {
    const names = ['a', 'A', ' a', 'a ', '朝会', '"quoted\\"', '\n\t\u0001', '🐧', 'n'.repeat(128)];
    for (const [i, name] of names.entries()) {
      const a = await join(`names ${i}`, 'first');
      const b = await join(`names ${i}`, name, [[a, 'first']]);
      await barrier(a, 'first', b, name, `names ${i}`);
      await Promise.all([a.leave(), b.leave()]);
    }
  });

  it('does nothing to anyone for what it does not know', async () => {
    const a = await join('quiet', 'A');
    const b = await join('quiet', 'B', [[a, 'A']]);
    const stranger = await open(daemon, PATH);
    const elsewhere = await join('elsewhere', 'A2');
    const anyone = [
      '', 'garbage', 'null', '[]', '[null]', '{}', '0', '"open"', '{"method":null}', '{"method":"close"}', '{"method":["open"]}',
      '{"method":"open"}', '{"method":"open","roomName":"quiet"}', '{"method":"open","name":"X"}', '{"method":"open","roomName":1,"name":"X"}',
      '{"method":"open","roomName":"quiet","name":null}', '{"method":"open","roomName":"quiet","name":""}', '{"method":"open","roomName":"","name":"X"}',
      '{"method":"open","roomName":"quiet","name":"X\\u0000Y"}', `{"method":"open","roomName":"quiet","name":"${'x'.repeat(129)}"}`,
      '{"method":"open","method":"open","roomName":"quiet","name":"X"}', '{"method":"rtc"}', '{"method":"rtc","roomName":"quiet","from":"A","to":"B"}',
      '{"method":"rtc","description":null,"roomName":"quiet","from":"A","to":"B"}', '{"method":"rtc","description":"offer","roomName":"quiet","from":"A","to":"B"}',
      '{"method":"rtc","description":{"type":"pranswer"},"roomName":"quiet","from":"A","to":"B"}',
      '{"method":"rtc","description":{"type":"offer"},"roomName":"quiet","from":"A","to":"nobody"}',
      '{"method":"rtc","description":{"type":"offer"},"roomName":"quiet","from":"A"}',
      '{"method":"rtc","description":{"type":"offer"},"roomName":"no room","from":"A","to":"B"}',
      '{"method":"rtc","description":{"type":"offer","type":"answer"},"roomName":"quiet","from":"A","to":"B"}',
    ];
    for (const message of anyone) {
      for (const peer of [a, stranger, elsewhere]) await peer.text(message);
    }
    const outsiders = [offer('quiet', 'A', 'B'), answer('quiet', 'B', 'A')];
    for (const message of outsiders) {
      for (const peer of [stranger, elsewhere]) await peer.text(message);
    }
    for (const peer of [a, elsewhere, stranger]) await peer.binary(offer('quiet', 'A', 'B'));
    await barrier(b, 'B', a, 'A', 'quiet');
    await barrier(a, 'A', b, 'B', 'quiet');
    await stranger.text(opening('elsewhere', 'S'));
    assert.equal(await elsewhere.says(), request('elsewhere', 'S', 'A2'));
    await barrier(elsewhere, 'A2', stranger, 'S', 'elsewhere');
    await Promise.all([a, b, stranger, elsewhere].map((peer) => peer.leave()));
  });

  it('gives a name to the newer connection and closes the older one', async () => {
    const a = await join('again', 'A');
    const b = await join('again', 'B', [[a, 'A']]);
    const reloaded = await join('again', 'A', [[b, 'B']]);
    assert.deepEqual(await a.closed(), { code: 4409, reason: 'the name was opened by a newer connection' });
    await b.text(offer('again', 'B', 'A'));
    assert.equal(await reloaded.says(), `text ${offer('again', 'B', 'A')}`);
    await Promise.all([b.leave(), reloaded.leave()]);
  });

  it('leaves one room for another, and its own room for itself', async () => {
    const a = await join('one', 'A');
    const b = await join('one', 'B', [[a, 'A']]);
    await b.text(opening('two', 'B'));
    await a.text(offer('one', 'A', 'B', 'too late'));
    const c = await join('two', 'C', [[b, 'B']]);
    await barrier(c, 'C', b, 'B', 'two');
    await b.text(opening('two', 'B'));
    assert.equal(await c.says(), request('two', 'B', 'C'));
    await b.text(opening('one', 'B'));
    assert.equal(await a.says(), request('one', 'B', 'A'));
    await Promise.all([a, b, c].map((peer) => peer.leave()));
  });

  it('forgets a member that is gone', async () => {
    const a = await join('gone', 'A');
    const b = await join('gone', 'B', [[a, 'A']]);
    await a.wire.reset();
    const [opened] = daemon.lines(' peer.open ').slice(-2);
    await daemon.logged(' peer.leave ', / conn=\d+/.exec(opened)[0]);
    const c = await join('gone', 'C', [[b, 'B']]);
    await barrier(b, 'B', c, 'C', 'gone');
    await Promise.all([b.leave(), c.leave()]);
  });

  it('closes with 4413 who comes into a full room', async () => {
    const members = [];
    for (const name of ['A', 'B', 'C', 'D']) members.push([await join('full', name, members), name]);
    const late = await open(daemon, PATH);
    await late.text(opening('full', 'E'));
    assert.deepEqual(await late.closed(), { code: 4413, reason: 'room full' });
    const [last] = members.pop();
    await last.leave();
    const [next] = [await join('full', 'E', members)];
    for (const peer of [next, ...members.map(([member]) => member)]) peer.wire.socket.destroy();
  });

  it('never lets the rooms of two mounts meet', async () => {
    const a = await join('same', 'A');
    const other = await join('same', 'A', [], { path: '/lesson' });
    const b = await join('same', 'B', [[other, 'A']], { path: '/lesson' });
    await barrier(other, 'A', b, 'B', 'same');
    const c = await join('same', 'C', [[a, 'A']]);
    await barrier(a, 'A', c, 'C', 'same');
    await Promise.all([a, b, c, other].map((peer) => peer.leave()));
  });

  it('has no rooms in the path', async () => {
    const { response } = await open(daemon, `${PATH}/room`).then(() => assert.fail('let in'), (error) => error);
    assert.equal(response.status, 404);
    const slash = await open(daemon, `${PATH}/`);
    await slash.leave();
  });
});
