// Goal: what a y-webrtc client says reaches whom it should, in its own bytes, and nothing it says can harm others.
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { startDaemon } from '../lib/daemon.mjs';
import { ask } from '../lib/http.mjs';
import { open, PING } from '../lib/raw.mjs';

const json = (value) => JSON.stringify(value);
const subscribe = (...topics) => json({ type: 'subscribe', topics });
const unsubscribe = (...topics) => json({ type: 'unsubscribe', topics });
const publish = (topic, more = {}) => json({ type: 'publish', topic, ...more });

/** All that was said so far has been dealt with: the answer to a ping comes behind it. */
async function settled(...peers) {
  for (const peer of peers) {
    await peer.text('{"type":"ping"}');
    assert.equal(await peer.says(), 'text {"type":"pong"}');
  }
}

describe('y-webrtc', () => {
  let daemon, own;

  before(async () => {
    daemon = await startDaemon({
      tls: true,
      args: [
        ['--max-peers-per-room', '3'],
        ['--mount', '/second=y-webrtc'],
        ['--listen', '127.0.0.1:0'],
        ['--listen', 'tls:127.0.0.1:0'],
        ['--listen', '127.0.0.1:0?dialect=y-webrtc&origin=any'],
      ].flat(),
    });
    own = { port: Number(new URL(daemon.urls.filter((url) => url.startsWith('http:'))[1]).port) };
  });

  after(() => daemon.stop());

  const enter = (o) => open(daemon, '/y-webrtc', o);
  const leave = (...peers) => Promise.all(peers.map((peer) => peer.leave()));

  for (const secure of [false, true]) {
    it(`holds the conversation of the original over ${secure ? 'wss' : 'ws'}`, async () => {
      const [a, b, c] = await Promise.all([enter({ secure }), enter({ secure }), enter({ secure })]);
      await a.text('{"type":"subscribe","topics":["t1","t2",5]}');
      await b.text('{"type":"subscribe","topics":["t1"]}');
      await settled(a, b);
      await c.text('{"type":"publish","topic":"t1","data":{"x":1},"extra":"keep","clients":99}');
      for (const peer of [a, b]) {
        assert.equal(await peer.says(), 'text {"type":"publish","topic":"t1","data":{"x":1},"extra":"keep","clients":2}');
      }
      await b.text('{"type":"unsubscribe","topics":["t1"]}');
      await settled(b);
      await a.text('{"type":"publish","topic":"t1","data":null}');
      assert.equal(await a.says(), 'text {"type":"publish","topic":"t1","data":null,"clients":1}');
      await a.text('{"type":"ping"}');
      assert.equal(await a.says(), 'text {"type":"pong"}');
      await settled(b, c); // they heard nothing else
      await leave(a, b, c);
    });
  }

  it('counts a client once, however often it subscribes, and no more when it has gone', async () => {
    const [a, b] = await Promise.all([enter(), enter()]);
    await a.text(subscribe('count', 'count'));
    await a.text(subscribe('count'));
    await b.text(subscribe('count'));
    await settled(a, b);
    await a.text(publish('count'));
    assert.equal(await a.says(), 'text {"type":"publish","topic":"count","clients":2}');
    assert.equal(await b.says(), 'text {"type":"publish","topic":"count","clients":2}');
    await b.leave();
    await a.text(publish('count'));
    assert.equal(await a.says(), 'text {"type":"publish","topic":"count","clients":1}');
    await a.leave();
  });

  it('keeps every digit and every byte but those of clients', async () => {
    const a = await enter();
    await a.text(subscribe('bytes'));
    const data = '{"token":1714305600123.4567890123456789,"big":123456789012345678901234567890,"e":1.0E+2,"esc":"\\u671d\\/朝🐧","a":1,"a":2}';
    await a.text(` { "topic":"bytes",\t"clients" : "many" ,"type":"publish","data":${data} }\n`);
    assert.equal(await a.says(), `text  { "topic":"bytes",\t"clients" : 1 ,"type":"publish","data":${data} }\n`);
    await a.binary(`{"type":"publish","topic":"bytes","data":${data}}`);
    assert.equal(await a.says(), `text {"type":"publish","topic":"bytes","data":${data},"clients":1}`);
    const large = publish('bytes', { data: 'A'.repeat(65000) });
    await a.text(large);
    assert.equal(await a.says(), `text ${large.slice(0, -1)},"clients":1}`);
    await a.leave();
  });

  it('lets nobody be harmed by a message that makes no sense', async () => {
    const [a, b] = await Promise.all([enter(), enter()]);
    await a.text(subscribe('calm'));
    for (const nonsense of [
      '', 'x', '{', '{"type":"publish"', 'null', '{}', '[]', '5', '"ping"', '{"type":null}', '{"type":"hello"}',
      '{"type":"subscribe"}', '{"type":"subscribe","topics":"calm"}', '{"type":"subscribe","topics":{"length":1}}',
      '{"type":"unsubscribe","topics":"calm"}', '{"type":"publish","topic":""}', '{"type":"publish","topic":["calm"]}',
      '{"type":"publish","topic":"calm","topic":"other"}', '{"type":"publish","topic":"calm","t\\u006fpic":"other"}',
      '{"type":"publish","type":"publish","topic":"calm"}', '{"type":"publish","topic":"calm","clients":1,"clients":2}',
      '['.repeat(65536), `{"type":"subscribe","topics":${'['.repeat(20000)}`,
      `{"type":"publish","topic":"calm","data":${'['.repeat(5000)}${']'.repeat(5000)}}`,
      `{"type":"subscribe","topics":[${'"",'.repeat(20000)}"never"]}`,
      subscribe('x'.repeat(129)), publish('x'.repeat(129)),
    ]) {
      await b.text(nonsense);
      await b.binary(nonsense);
      await settled(b);
    }
    await b.binary(Buffer.from([0xff, 0xfe, 0]));
    await b.text(publish('never'));
    await settled(a, b);
    await leave(a, b);
  });

  it('closes the one whose message is longer than max-message', async () => {
    const [a, b] = await Promise.all([enter(), enter()]);
    await b.text(publish('t', { data: 'A'.repeat(65536) }));
    assert.equal((await b.closed()).code, 1009);
    await settled(a);
    await a.leave();
  });

  it('lets a connection have a hundred topics and passes over more', async () => {
    const [a, b] = await Promise.all([enter(), enter()]);
    const topics = Array.from({ length: 150 }, (_, i) => `many-${i}`);
    await a.text(subscribe(...topics.slice(0, 80)));
    await a.text(subscribe(...topics.slice(70)));
    await settled(a);
    for (const topic of ['many-0', 'many-99', 'many-100', 'many-149']) await b.text(publish(topic));
    await settled(b);
    assert.equal(await a.says(), `text ${publish('many-0', { clients: 1 })}`);
    assert.equal(await a.says(), `text ${publish('many-99', { clients: 1 })}`);
    await settled(a);
    await a.text(unsubscribe(...topics.slice(0, 50)));
    await a.text(subscribe('many-149'));
    await settled(a);
    await b.text(publish('many-149'));
    assert.equal(await a.says(), `text ${publish('many-149', { clients: 1 })}`);
    await leave(a, b);
  });

  it('keeps whom a full topic cannot take connected, and the others from calling it in vain', async () => {
    const peers = await Promise.all(Array.from({ length: 4 }, () => enter()));
    const [a, b, c, late] = peers;
    for (const peer of peers) {
      await peer.text(subscribe('full', `mine-${peers.indexOf(peer)}`));
      await settled(peer);
    }
    await late.text(publish('full', { data: { type: 'announce' } }));
    await late.text(publish('mine-3'));
    assert.equal(await late.says(), `text ${publish('mine-3', { clients: 1 })}`);
    await settled(a, b, c);
    await c.leave();
    await late.text(subscribe('full'));
    await late.text(publish('full'));
    for (const peer of [a, b, late]) assert.equal(await peer.says(), `text ${publish('full', { clients: 3 })}`);
    await leave(a, b, late);
  });

  it('keeps the order, and slows down who publishes faster than message-rate without losing a message', async () => {
    const [a, b] = await Promise.all([enter(), enter()]);
    await b.text(subscribe('fast'));
    await settled(b);
    const begin = performance.now();
    for (let i = 0; i < 260; i++) a.text(publish('fast', { i }));
    for (let i = 0; i < 260; i++) assert.equal(await b.says(), `text ${publish('fast', { i, clients: 1 })}`);
    // 200 at once, then 50 a second
    assert.ok(performance.now() - begin > 1000, `260 messages took ${performance.now() - begin} ms`);
    await leave(a, b);
  });

  it('never meets a topic of another mount, nor a room of another protocol', async () => {
    const a = await enter();
    const [second, relay, alone] = await Promise.all([open(daemon, '/second'), open(daemon, '/relay/same'), open(daemon, '/', own)]);
    for (const peer of [a, second, alone]) {
      await peer.text(subscribe('same'));
      await settled(peer);
    }
    await a.text(publish('same', { data: 'a' }));
    assert.equal(await a.says(), `text ${publish('same', { data: 'a', clients: 1 })}`);
    await settled(second, alone);
    await leave(a, second, relay, alone); // the relay's peer heard nothing before the echo of its close
  });

  it('has every path of a listener of its own, from every page, and answers HTTP there with okay', async () => {
    const peers = [];
    for (const path of ['/', '/a/b?token=x', '/y-webrtc', '/health']) {
      peers.push(await open(daemon, path, { ...own, headers: { Origin: 'https://elsewhere.example' } }));
      await peers.at(-1).text(subscribe('own'));
      await settled(peers.at(-1));
      if (peers.length === 3) break; // max-peers-per-room
    }
    await peers[0].text(publish('own'));
    for (const peer of peers) assert.equal(await peer.says(), `text ${publish('own', { clients: 3 })}`);
    for (const path of ['/', '/any/path?x', '/y-webrtc']) {
      const { status, headers, text } = await ask(own, path);
      assert.deepEqual([status, headers['content-type'], text], [200, 'text/plain', 'okay'], path);
    }
    assert.equal((await ask({ port: daemon.port }, '/y-webrtc')).status, 426);
    await leave(...peers);
  });

  it('pings, keeps who answers, and closes who does not', async (t) => {
    const quick = await startDaemon({ args: ['--ping-interval', '2', '--ping-timeout', '1'] });
    t.after(() => quick.stop());
    const [good, silent] = await Promise.all([true, false].map((answerPings) => open(quick, '/y-webrtc', { answerPings })));
    assert.equal((await silent.next('a ping')).opcode, PING);
    assert.equal((await silent.closed()).code, 4408);
    await settled(good);
    assert.ok(good.pings >= 1);
    await good.leave();
  });
});
