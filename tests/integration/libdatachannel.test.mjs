// Goal: clients of libdatachannel's examples find each other by the ids in their paths, and unmodified node-datachannel
// gets its data through.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { after, before, describe, it } from 'node:test';
import nodeDataChannel from 'node-datachannel';
import { open } from '../lib/client.mjs';
import { startDaemon } from '../lib/daemon.mjs';
import { within } from '../lib/raw.mjs';

/** Nothing has come but what was taken: a message to itself, sent now, is the next. */
async function silent(client, id) {
  const text = JSON.stringify({ id, n: Math.random() });
  client.send(text);
  assert.equal(await client.next(), text);
}

/** What the client says comes out at the other as these exact bytes. */
async function passes(from, text, to, expected) {
  from.send(text);
  assert.equal(await to.next(), expected);
}

/** The package's own example client, examples/client-server, without its prompt. */
class Native {
  #peers = new Map();
  #ended = false;

  constructor(url, id) {
    this.messages = [];
    this.news = new EventTarget();
    this.socket = new nodeDataChannel.WebSocket();
    this.opened = new Promise((done, fail) => {
      this.socket.onOpen(done);
      this.socket.onError((error) => fail(new Error(error)));
    });
    this.socket.onMessage((text) => this.#hear(JSON.parse(text)));
    this.socket.open(`${url}/${id}`);
  }

  #hear({ id, type, description, candidate, mid }) {
    if (this.#ended) return;
    if (type === 'offer') this.#connection(id);
    if (type === 'offer' || type === 'answer') this.#peers.get(id).setRemoteDescription(description, type);
    if (type === 'candidate') this.#add(this.#peers.get(id), candidate, mid);
  }

  /** A connection that is over throws at a candidate; from here that would end the process, without a sentence. */
  #add(peer, candidate, mid) {
    try {
      peer.addRemoteCandidate(candidate, mid);
    } catch (error) {
      if (!['closed', 'failed'].includes(peer.state())) throw error;
    }
  }

  #connection(id) {
    const peer = new nodeDataChannel.PeerConnection(id, { iceServers: [] });
    const say = (message) => this.socket.sendMessage(JSON.stringify({ id, ...message }));
    peer.onLocalDescription((description, type) => say({ type, description }));
    peer.onLocalCandidate((candidate, mid) => say({ type: 'candidate', candidate, mid }));
    peer.onDataChannel((channel) => this.#listen(channel));
    this.#peers.set(id, peer);
    return peer;
  }

  #listen(channel) {
    this.channel = channel;
    channel.onMessage((text) => {
      this.messages.push(text);
      this.news.dispatchEvent(new Event('message'));
    });
  }

  call(id) {
    const channel = this.#connection(id).createDataChannel('test');
    const ready = new Promise((done) => channel.onOpen(done));
    this.#listen(channel);
    return ready;
  }

  async next() {
    if (!this.messages.length) await once(this.news, 'message');
    return this.messages.shift();
  }

  end() {
    this.#ended = true;
    for (const peer of this.#peers.values()) peer.close();
    this.socket.close();
  }
}

describe('libdatachannel', () => {
  let daemon;
  let base;
  let own; // a listener that stands in for the original server

  before(async () => {
    daemon = await startDaemon({
      args: ['--listen', '127.0.0.1:0', '--listen', '127.0.0.1:0?dialect=libdatachannel&origin=any',
        '--mount', '/chess=libdatachannel', '--max-peers-per-room', '2'],
    });
    base = `${daemon.ws}/libdatachannel`;
    own = `ws://127.0.0.1:${daemon.ports.at(-1)}`;
    assert.notEqual(daemon.ports.at(-1), daemon.port);
  });
  after(async () => {
    nodeDataChannel.cleanup();
    await daemon?.stop();
  });

  it('speaks as in the transcript', async () => {
    const a = await open(`${base}/aaaa`);
    const b = await open(`${base}/bbbb`);
    await passes(a, '{"id":"bbbb","type":"offer","description":"v=0","extra":{"x":1.10}}', b,
      '{"id":"aaaa","type":"offer","description":"v=0","extra":{"x":1.10}}');
    await passes(a, '{"type":"candidate" , "id":"bbbb","n":12345678901234567890}', b,
      '{"type":"candidate" , "id":"aaaa","n":12345678901234567890}');
    const { messages_passed_over: before } = await daemon.meters();
    const nowhere = ['{"id":"zzzz"}', '{"type":"offer"}', 'not json', '{"id":"toString"}', 'null', Buffer.from('{"id":"bbbb"}')];
    for (const message of nowhere) a.send(message);
    await silent(a, 'aaaa');
    await silent(b, 'bbbb');
    assert.equal((await daemon.meters()).messages_passed_over - before, nowhere.length);
    const again = await open(`${base}/bbbb`);
    assert.deepEqual(await b.closed, { code: 4409, reason: 'the id was taken by a newer connection' });
    await passes(a, '{"id":"bbbb"}', again, '{"id":"aaaa"}');
    await Promise.all([a.close(), again.close()]);
  });

  it('takes the id decoded and without the query, and no path that has none', async () => {
    const a = await open(`${base}/cc%20c%22?x=1`);
    await passes(a, '{"id":"cc c\\""}', a, '{"id":"cc c\\""}');
    for (const path of ['', '/', '/%ff', `/${'x'.repeat(129)}`]) {
      const { closed } = await open(`${base}${path}`);
      assert.deepEqual(await closed, { code: 4400, reason: 'the path must end with an id: UTF-8, 1 to 128 bytes' }, path);
    }
    await assert.rejects(open(`${base}/a/b`), { status: 404 });
    await a.close();
  });

  it('has ids of its own at each mount, and on a listener of its own right behind the port', async () => {
    const all = await Promise.all([base, `${daemon.ws}/chess`, own].map((url) => open(`${url}/a`)));
    const others = await Promise.all([base, `${daemon.ws}/chess`, own].map((url) => open(`${url}/b`)));
    for (const [i, a] of all.entries()) await passes(a, `{"id":"b","n":${i}}`, others[i], `{"id":"a","n":${i}}`);
    await Promise.all([...all, ...others].map((client) => client.close()));
  });

  for (const [name, from, to] of [['one', 'left', 'right'], ['the other', 'right', 'left']]) {
    it(`lets unmodified node-datachannel call ${name} way, and data goes both ways`, async () => {
      for (const url of [base, own]) {
        const peers = Object.fromEntries([from, to].map((id) => [id, new Native(url, id)]));
        await within(Promise.all([peers[from].opened, peers[to].opened]), 'both are connected');
        await within(peers[from].call(to), 'the channel');
        peers[from].channel.sendMessage('hello');
        assert.equal(await within(peers[to].next(), 'what the caller says'), 'hello');
        peers[to].channel.sendMessage('hello to you');
        assert.equal(await within(peers[from].next(), 'what the other says'), 'hello to you');
        for (const peer of Object.values(peers)) peer.end();
      }
    });
  }
});
