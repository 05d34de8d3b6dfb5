// Goal: webrtcsink, webrtcsrc and gstwebrtc-api find in us the signalling server they were written for.
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { open } from '../lib/client.mjs';
import { startDaemon } from '../lib/daemon.mjs';

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

/** A client that speaks in objects and knows its id. */
class Peer {
  static async connect(url, { version, ...options } = {}) {
    const peer = new Peer();
    peer.client = await open(url, options);
    if (version) peer.say({ type: 'setProtocolVersion', version }); // as native clients do, before they read
    const welcome = await peer.hear();
    assert.deepEqual(Object.keys(welcome), ['type', 'peerId']);
    assert.equal(welcome.type, 'welcome');
    assert.match(welcome.peerId, UUID);
    peer.id = welcome.peerId;
    return peer;
  }

  say(message) {
    this.client.send(typeof message === 'string' ? message : JSON.stringify(message));
    return this;
  }

  async hear() {
    return JSON.parse(await this.client.next());
  }

  /** Take roles; who listens hears of itself. */
  async be(...roles) {
    this.say({ type: 'setPeerStatus', roles, meta: { name: this.id } });
    if (roles.includes('listener')) {
      assert.deepEqual(await this.hear(), { type: 'peerStatusChanged', roles: ['producer', 'consumer', 'listener'].filter((r) => roles.includes(r)), meta: { name: this.id }, peerId: this.id });
    }
    return this;
  }

  /** What has been said so far has been heard, and nothing came but the answer to this. */
  async quiet() {
    this.say({ type: 'startSession', peerId: 'nobody' });
    assert.deepEqual(await this.hear(), { type: 'error', details: "Peer with ID 'nobody' not found" });
  }

  close() {
    return this.client.close();
  }
}

/** The consumer asks for a session with the producer; its id. */
async function start(consumer, producer, offer = null) {
  consumer.say({ type: 'startSession', peerId: producer.id, ...(offer && { offer }) });
  const { sessionId, ...started } = await consumer.hear();
  assert.match(sessionId, UUID);
  assert.deepEqual(started, { type: 'sessionStarted', peerId: producer.id });
  assert.deepEqual(await producer.hear(), { type: 'startSession', peerId: consumer.id, sessionId, offer });
  return sessionId;
}

describe('gstreamer', () => {
  let daemon, url;

  before(async () => {
    daemon = await startDaemon({
      args: ['--listen', '127.0.0.1:0', '--listen', '127.0.0.1:0?dialect=gstreamer&origin=any', '--max-peers-per-room', '2'],
    });
    url = `${daemon.ws}/gst`;
  });

  after(() => daemon?.stop());

  it('replays the transcript of a browser that views a producer', async () => {
    const producer = await Peer.connect(url);
    await producer.be('listener', 'producer');
    const viewer = await (await Peer.connect(url)).be('listener');
    assert.deepEqual(await producer.hear(), { type: 'peerStatusChanged', roles: ['listener'], meta: { name: viewer.id }, peerId: viewer.id });
    viewer.say({ type: 'list' }).say({ type: 'listConsumers' });
    assert.deepEqual(await viewer.hear(), { type: 'list', producers: [{ id: producer.id, meta: { name: producer.id } }] });
    assert.deepEqual(await viewer.hear(), { type: 'listConsumers', consumers: [] });

    const sessionId = await start(viewer, producer);
    const offer = `{"type":"peer","sessionId":"${sessionId}","sdp":{"type":"offer","sdp":"v=0\\r\\n"}}`;
    const ice = ` {"type":"peer", "sessionId":"${sessionId}","ice":{"candidate":"c","sdpMLineIndex":0,"sdpMid":"0","usernameFragment":"u"}} `;
    const answer = `{"type":"peer","sdp":{"sdp":"\\u000a","type":"answer"},"sessionId":"${sessionId}"}`;
    for (const message of [offer, ice]) {
      producer.say(message);
      assert.equal(await viewer.client.next(), message);
    }
    for (const message of [answer, ice]) {
      viewer.say(message);
      assert.equal(await producer.client.next(), message);
    }
    viewer.say({ type: 'endSession', sessionId });
    assert.deepEqual(await producer.hear(), { type: 'endSession', sessionId });
    producer.say({ type: 'endSession', sessionId }); // as clients do; it is passed over
    await viewer.quiet();
    await producer.quiet();
    await Promise.all([producer.close(), viewer.close()]);
  });

  it('tells every listener who comes, changes and goes, more of them than a room may have', async () => {
    const listeners = [];
    for (let i = 0; i < 5; i++) {
      const listener = await (await Peer.connect(url)).be('listener');
      for (const other of listeners) assert.equal((await other.hear()).peerId, listener.id);
      listeners.push(listener);
    }
    const producer = await Peer.connect(url);
    producer.say('{"type":"setPeerStatus","roles":["producer"],"meta":{"big":9007199254740993,"n":null}}');
    for (const listener of listeners) {
      assert.equal(await listener.client.next(), `{"type":"peerStatusChanged","roles":["producer"],"meta":{"big":9007199254740993,"n":null},"peerId":"${producer.id}"}`);
    }
    const sessionId = await start(listeners[0], producer);
    await producer.close();
    assert.deepEqual(await listeners[0].hear(), { type: 'endSession', sessionId });
    for (const listener of listeners) {
      assert.equal(await listener.client.next(), `{"type":"peerStatusChanged","roles":[],"meta":{"big":9007199254740993,"n":null},"peerId":"${producer.id}"}`);
      await listener.client.ws.terminate();
    }
  });

  it('lets a producer start the session with a waiting consumer, offer included', async () => {
    const consumer = await (await Peer.connect(url)).be('consumer');
    const producer = await Peer.connect(url);
    producer.say({ type: 'startSession', peerId: consumer.id, offer: 'v=0\r\n' });
    const { sessionId, ...started } = await consumer.hear();
    assert.deepEqual(started, { type: 'sessionStarted', peerId: producer.id });
    assert.deepEqual(await producer.hear(), { type: 'startSession', peerId: consumer.id, sessionId, offer: 'v=0\r\n' });
    consumer.say({ type: 'peer', sessionId, sdp: { type: 'offer', sdp: '' } });
    assert.deepEqual(await consumer.hear(), { type: 'error', details: `cannot forward offer from "${consumer.id}" to "${producer.id}" as "${consumer.id}" is not the producer` });
    await Promise.all([consumer.close(), producer.close()]);
  });

  it('speaks 1.0 and 1.1, each to those who chose it', async () => {
    const old = await (await Peer.connect(url)).be('producer');
    const one = await (await Peer.connect(url, { version: 'v1_1' })).be('producer');
    const viewer = await Peer.connect(url, { version: 'v1_1' });
    let sessionId = await start(viewer, one);
    viewer.say({ type: 'endSessionV1_1', sessionId, error: 'no decoder' });
    assert.deepEqual(await one.hear(), { type: 'endSessionV1_1', sessionId, error: 'no decoder' });
    sessionId = await start(viewer, old);
    viewer.say({ type: 'endSessionV1_1', sessionId, error: 'no decoder' });
    assert.deepEqual(await old.hear(), { type: 'endSession', sessionId });
    sessionId = await start(viewer, old);
    old.say({ type: 'endSession', sessionId });
    assert.deepEqual(await viewer.hear(), { type: 'endSessionV1_1', sessionId, error: null });
    viewer.say({ type: 'setProtocolVersion', version: 'v1_0' });
    assert.deepEqual(await viewer.hear(), { type: 'error', details: `Protocol version selection for peer '${viewer.id}' must be first message` });
    await Promise.all([old.close(), one.close(), viewer.close()]);
  });

  it('passes over what it does not know, without an answer, and what a client could not read', async () => {
    const producer = await (await Peer.connect(url)).be('producer');
    const viewer = await Peer.connect(url);
    const sessionId = await start(viewer, producer);
    const messages = [
      'not JSON', 'null', '[]', '{}', '{"type":"newPeer"}', '{"type":"unknown"}', '{"type":"welcome","peerId":"x"}',
      '{"type":"setPeerStatus","roles":["king"]}', '{"type":"setPeerStatus","roles":"producer"}',
      '{"type":"list","t\\u0079pe":"list"}', '{"type":"peer","sessionId":"none","ice":{"candidate":"","sdpMLineIndex":0}}',
      `{"type":"peer","sessionId":"${sessionId}"}`,
      `{"type":"peer","sessionId":"${sessionId}","ice":{"candidate":"","sdpMLineIndex":null}}`,
      `{"type":"peer","sessionId":"${sessionId}","ice":{"candidate":"","sdpMLineIndex":-1}}`,
      `{"type":"peer","sessionId":"${sessionId}","sdp":{"type":"offer","t\\u0079pe":"answer","sdp":""}}`,
      Buffer.from('{"type":"list"}'),
    ];
    for (const message of messages) producer.client.send(message);
    await producer.quiet();
    await viewer.quiet();
    await Promise.all([producer.close(), viewer.close()]);
  });

  it('keeps strangers out of a session, and one mount from another', async () => {
    const producer = await (await Peer.connect(url)).be('producer');
    const viewer = await Peer.connect(url);
    const stranger = await Peer.connect(url);
    const sessionId = await start(viewer, producer);
    stranger.say({ type: 'peer', sessionId, sdp: { type: 'answer', sdp: '' } });
    stranger.say({ type: 'endSession', sessionId });
    for (let i = 0; i < 2; i++) {
      assert.deepEqual(await stranger.hear(), { type: 'error', details: `Peer ${stranger.id} is not part of ${sessionId}` });
    }
    const port = new URL(daemon.urls.filter((u) => u.startsWith('http:'))[1]).port;
    const elsewhere = await Peer.connect(`ws://127.0.0.1:${port}/any/path?peer-id=x`, { origin: 'https://elsewhere.example' });
    elsewhere.say({ type: 'startSession', peerId: producer.id });
    assert.deepEqual(await elsewhere.hear(), { type: 'error', details: `Peer with ID '${producer.id}' not found` });
    elsewhere.say({ type: 'endSession', sessionId }).say({ type: 'list' });
    assert.deepEqual(await elsewhere.hear(), { type: 'list', producers: [] });
    await producer.quiet();
    await viewer.quiet();
    await Promise.all([producer, viewer, stranger, elsewhere].map((peer) => peer.close()));
  });
});
