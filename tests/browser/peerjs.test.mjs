// Goal: the PeerJS clients, unmodified, find at nakodo all that they found at their own server.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { root, startDaemon } from '../lib/daemon.mjs';
import { launchChromium } from './lib/browsers.mjs';

const WAIT_MS = 20000;
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
const clients = {
  '1.5.5': 'tests/node_modules/peerjs/dist/peerjs.min.js',
  '2.0.0-beta.3': 'tests/node_modules/peerjs-2/dist/peerjs.min.js',
};

/** In the page: make peers by name and note what happens to them. */
function helpers() {
  window.peers = {};
  window.events = {};
  window.make = (name, id, options) => {
    const note = (text) => window.events[name].push(text);
    const all = { config: { iceServers: [] }, ...options };
    const peer = id ? new window.Peer(id, all) : new window.Peer(all);
    window.peers[name] = peer;
    window.events[name] = [];
    peer.on('open', (own) => note(`open ${own}`));
    peer.on('disconnected', () => note('disconnected'));
    peer.on('close', () => note('close'));
    peer.on('error', (error) => note(`error ${error.type} ${error.message}`));
    peer.on('connection', (connection) => {
      connection.on('data', (data) => {
        note(`data ${JSON.stringify(data)}`);
        connection.send({ answer: data });
      });
    });
    peer.on('call', (call) => {
      call.answer(window.stream);
      call.on('stream', (stream) => window.show(name, stream));
    });
  };
  window.show = (name, stream) => {
    const video = document.createElement('video');
    Object.assign(video, { id: name, muted: true, autoplay: true, srcObject: stream });
    document.body.append(video);
  };
}

for (const [version, file] of Object.entries(clients)) {
  describe(`PeerJS ${version}`, () => {
    let daemon, browser, pages, own, page;

    before(async () => {
      const script = readFileSync(join(root, file));
      pages = createServer((request, response) => {
        const isScript = request.url === '/peerjs.js';
        response.setHeader('content-type', isScript ? 'text/javascript' : 'text/html');
        response.end(isScript ? script : '<!doctype html><title>PeerJS</title><script src="/peerjs.js"></script>');
      }).listen(0, 'localhost');
      await once(pages, 'listening');
      [daemon, browser] = await Promise.all([
        startDaemon({
          args: [
            '--listen', '127.0.0.1:0', '--listen', '127.0.0.1:0?dialect=peerjs&origin=any',
            '--mount', '/keyed=peerjs?key=K&allow-discovery=yes', '--mount', '/quick=peerjs?expire-timeout=300',
          ],
        }),
        launchChromium(),
      ]);
      own = Number(new URL(daemon.urls.filter((u) => u.startsWith('http')).at(-1)).port);
      page = await enter();
    });

    after(async () => {
      await browser?.close();
      pages?.close();
      await daemon?.stop();
    });

    async function enter() {
      const context = await browser.createBrowserContext();
      const it = await context.newPage({ type: 'window' });
      await it.evaluateOnNewDocument(helpers);
      await it.goto(`http://localhost:${pages.address().port}/`);
      return it;
    }

    /** A client's options for the common port (path / or another), or for the listener of its own. */
    const common = (more) => ({ host: 'localhost', port: daemon.port, path: '/', secure: false, ...more });
    const alone = () => ({ host: '127.0.0.1', port: own, path: '/', secure: false });

    const make = (where, name, id, options) => where.evaluate((n, i, o) => window.make(n, i, o), name, id, options);

    /** Wait until something that begins so has happened to the peer. */
    async function hears(where, name, text) {
      const found = (n, t) => window.events[n].find((event) => event.startsWith(t));
      const handle = await where.waitForFunction(found, { timeout: WAIT_MS, polling: 50 }, name, text).catch(async (error) => {
        throw new Error(`${name} did not hear ${text}: ${await where.evaluate((n) => window.events[n], name)}`, { cause: error });
      });
      return handle.jsonValue();
    }

    /** A new peer that is open; its id. */
    async function opened(where, name, id, options) {
      await make(where, name, id, options);
      return (await hears(where, name, 'open ')).slice(5);
    }

    const destroy = (where, ...names) => where.evaluate((all) => all.forEach((n) => window.peers[n].destroy()), names);

    /** One sends over a data channel, the other answers. */
    async function talks(where, name, other, text) {
      const answer = await where.evaluate((n, o, t) => new Promise((done) => {
        const connection = window.peers[n].connect(o, { metadata: { t } });
        connection.on('open', () => connection.send(t));
        connection.on('data', done);
      }), name, other, text);
      assert.deepEqual(answer, { answer: text });
    }

    for (const [where, options] of [
      ['the common port', () => common()],
      ['the common port under /peerjs', () => common({ path: '/peerjs' })],
      ['a listener of its own, from a page of another origin', () => alone()],
    ]) {
      it(`gets an id and a data channel at ${where}`, async (t) => {
        const other = await enter();
        t.after(() => other.browserContext().close());
        const id = await opened(page, 'a', undefined, options());
        const second = await opened(other, 'b', undefined, options());
        assert.match(id, UUID);
        assert.match(second, UUID);
        await talks(page, 'a', second, 'hello');
        await hears(other, 'b', 'data "hello"');
        await talks(other, 'b', id, 'and back');
        await destroy(page, 'a');
      });
    }

    it('makes a call with moving pictures', async (t) => {
      const other = await enter();
      t.after(() => other.browserContext().close());
      for (const [where, name] of [[page, 'caller'], [other, 'callee']]) {
        await where.evaluate(async () => { window.stream = await navigator.mediaDevices.getUserMedia({ audio: true, video: true }); });
        await opened(where, name, name, common());
      }
      await page.evaluate(() => {
        window.peers.caller.call('callee', window.stream).on('stream', (stream) => {
          if (!document.querySelector('#caller')) window.show('caller', stream);
        });
      });
      for (const [where, name] of [[page, 'caller'], [other, 'callee']]) {
        await where.waitForFunction((n) => {
          const video = document.querySelector(`#${n}`);
          return video?.videoWidth > 0 && video.currentTime > 0.3 && video.getVideoPlaybackQuality().totalVideoFrames > 5;
        }, { timeout: WAIT_MS, polling: 50 }, name);
      }
      await destroy(page, 'caller');
    });

    it('hears that an id is taken, that a key is wrong, that a peer is not there', async () => {
      await opened(page, 'first', 'taken', common({ token: 'mine' }));
      await make(page, 'second', 'taken', common({ token: 'yours' }));
      assert.match(await hears(page, 'second', 'error'), /^error unavailable-id /);
      await make(page, 'keyed', 'x', common({ key: 'wrong' }));
      assert.equal(await hears(page, 'keyed', 'error'), 'error server-error Invalid key provided');
      await opened(page, 'lonely', 'lonely', common({ path: '/quick' }));
      await page.evaluate(() => { window.peers.lonely.connect('nobody'); });
      assert.equal(await hears(page, 'lonely', 'error'), 'error peer-unavailable Could not connect to peer nobody');
      await page.evaluate((long) => { window.peers.first.connect(long); }, 'x'.repeat(129));
      assert.match(await hears(page, 'first', 'error'), /^error peer-unavailable /);
      assert.ok(!(await page.evaluate(() => window.events.lonely)).includes('disconnected'));
      await destroy(page, 'first', 'second', 'lonely');
    });

    it('uses a key of the mount and reads the list of peers', async () => {
      const options = common({ path: '/keyed', key: 'K' });
      await opened(page, 'a', 'anna', options);
      await opened(page, 'b', 'bert', options);
      const list = await page.evaluate(() => new Promise((done) => { window.peers.a.listAllPeers(done); }));
      assert.deepEqual(list, ['anna', 'bert']);
      await talks(page, 'a', 'bert', 'hello');
      await destroy(page, 'a', 'b');
    });

    it('is connected to a peer that comes a little later', async () => {
      await opened(page, 'early', 'early', common());
      const talking = talks(page, 'early', 'late', 'are you there?');
      await opened(page, 'late', 'late', common());
      await talking;
      await destroy(page, 'early', 'late');
    });

    it('opens again with the same token while the old connection is alive', async () => {
      const options = common({ token: 'secret' });
      await opened(page, 'old', 'me', options);
      assert.equal(await opened(page, 'new', 'me', options), 'me');
      await hears(page, 'old', 'disconnected');
      await opened(page, 'friend', 'friend', common());
      await talks(page, 'friend', 'me', 'which of you?');
      await hears(page, 'new', 'data "which of you?"');
      await destroy(page, 'old', 'new', 'friend');
    });

    it('comes back by reconnect()', async () => {
      await opened(page, 'a', 'again', common());
      await page.evaluate(() => window.peers.a.disconnect());
      await hears(page, 'a', 'disconnected');
      await page.evaluate(() => { window.events.a = []; window.peers.a.reconnect(); });
      assert.equal(await hears(page, 'a', 'open'), 'open again');
      await destroy(page, 'a');
    });
  });
}
