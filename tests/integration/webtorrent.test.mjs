// Goal: a tracker that WebTorrent clients take for their own, and that no message of theirs harms.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { after, before, describe, it } from 'node:test';
import { open } from '../lib/client.mjs';
import { root, startDaemon } from '../lib/daemon.mjs';

const twenty = (letter) => letter.repeat(20);
const announce = (hash, id, more = {}) => JSON.stringify({ action: 'announce', info_hash: twenty(hash), peer_id: twenty(id), ...more });
const offer = { offer: { type: 'offer', sdp: 'o' }, offer_id: twenty('o') };

/** The first line that webtorrent writes, in a process of its own that ends with the test. */
async function webtorrent(t, ...args) {
  const child = spawn(process.execPath, [join(root, 'tests/lib/webtorrent.mjs'), ...args], { stdio: ['ignore', 'pipe', 'inherit'] });
  t.after(() => child.kill('SIGKILL'));
  const [line] = await once(createInterface(child.stdout), 'line', { signal: AbortSignal.timeout(30000) });
  return line;
}

describe('webtorrent', () => {
  let daemon, url, own;

  before(async () => {
    daemon = await startDaemon({
      args: ['--listen', '127.0.0.1:0', '--listen', '127.0.0.1:0?dialect=webtorrent&origin=any'],
    });
    url = `${daemon.ws}/webtorrent`;
    own = daemon.urls.filter((each) => each.startsWith('http:'))[1].replace('http:', 'ws:');
  });

  after(() => daemon.stop());

  it('holds the conversation of the original at any path of a listener of its own, for any page', async () => {
    const [a, b] = await Promise.all(['', 'announce?x=1'].map((path) =>
      open(`${own.replace(/\/?$/, '/')}${path}`, { headers: { Origin: 'https://elsewhere.example' } })));
    a.send(announce('h', 'A', { event: 'started', left: 5, numwant: 5, offers: [] }));
    assert.equal(await a.next(), `{"complete":0,"incomplete":1,"action":"announce","interval":120,"info_hash":"${twenty('h')}"}`);
    b.send(announce('h', 'B', { event: 'started', left: 0, numwant: 1, offers: [offer] }));
    assert.deepEqual(JSON.parse(await b.next()),
      { complete: 1, incomplete: 1, action: 'announce', interval: 120, info_hash: twenty('h') });
    assert.deepEqual(JSON.parse(await a.next()), { action: 'announce', ...offer, peer_id: twenty('B'), info_hash: twenty('h') });
    const answer = { type: 'answer', sdp: 'an' };
    a.send(announce('h', 'A', { to_peer_id: twenty('B'), offer_id: twenty('o'), answer }));
    assert.deepEqual(JSON.parse(await b.next()),
      { action: 'announce', answer, offer_id: twenty('o'), peer_id: twenty('A'), info_hash: twenty('h') });
    for (const peer of [a, b]) peer.ws.terminate();
    await Promise.all([a.closed, b.closed]);
  });

  it('lives through what ends the original, and the others with it', async () => {
    const [a, b] = await Promise.all([open(url), open(url)]);
    a.send(announce('w', 'A'));
    await a.next();
    b.send(announce('w', 'B', { offers: [null, 5, offer] }));
    assert.match(await b.next(), /"incomplete":2/);
    assert.match(await a.next(), /"offer"/);
    for (const message of ['null', '[null]', '{"action":"scrape","info_hash":5}', '{"action":"scrape","info_hash":[null]}',
      '{"action":"scrape"}', '{"action":"toString"}', '['.repeat(10000), announce('w', 'A'), announce('w', 'B', { event: '__proto__' }),
      announce('w', 'B', { answer: {} })]) {
      b.send(message);
      const told = JSON.parse(await b.next());
      assert.match(told.action, /^(announce|scrape)$/, message);
      assert.equal(typeof told['failure reason'], 'string', message);
    }
    b.send(announce('w', 'B', { to_peer_id: twenty('A'), offer_id: twenty('o'), answer: {} })); // nobody asked
    b.send(announce('w', 'B', { event: 'stopped' }));
    assert.match(await b.next(), /"incomplete":1/);
    const meters = await daemon.meters();
    assert.deepEqual([meters.swarms, meters.swarm_members, meters.swarm_answers_refused], [1, 1, 1]);
    for (const peer of [a, b]) peer.ws.terminate();
    await Promise.all([a.closed, b.closed]);
  });

  it('frees a swarm with its last member', async () => {
    const peers = await Promise.all(Array.from({ length: 50 }, () => open(url)));
    for (const [i, peer] of peers.entries()) {
      peer.send(JSON.stringify({ action: 'announce', info_hash: `swarm-${i % 5}`.padEnd(20), peer_id: `peer-${i}`.padEnd(20) }));
      await peer.next();
    }
    let meters = await daemon.meters();
    assert.deepEqual([meters.swarms, meters.swarm_members], [5, 50]);
    for (const peer of peers) peer.ws.terminate();
    do meters = await daemon.meters(); while (meters.peers);
    assert.deepEqual([meters.swarms, meters.swarm_members], [0, 0]);
  });

  it('lets unmodified webtorrent in Node download what another process has', async (t) => {
    const text = 'Datei '.repeat(10000);
    const magnet = await webtorrent(t, 'seed', url, text);
    assert.deepEqual(JSON.parse(await webtorrent(t, 'load', magnet)), ['webrtc', text]);
  });
});
