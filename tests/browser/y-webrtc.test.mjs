// Goal: documents of Yjs, with the unmodified y-webrtc client, become one through us, with and without a password.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { build } from 'esbuild';
import { root, scratch, startDaemon } from '../lib/daemon.mjs';
import { open } from '../lib/client.mjs';
import { launchChromium } from './lib/browsers.mjs';

const WAIT_MS = 20000;

describe('y-webrtc in Chromium', () => {
  const pages = scratch();
  let daemon, browser, own;
  let rooms = 0;

  /** Start the daemon at the ports that it had before, if it had some. */
  async function start() {
    daemon = await startDaemon({
      args: [
        ['--web-root', pages],
        ['--listen', `127.0.0.1:${daemon?.port ?? 0}`],
        ['--listen', `127.0.0.1:${own ?? 0}?dialect=y-webrtc&origin=any`],
      ].flat(),
    });
    own = Number(new URL(daemon.urls[1]).port);
  }

  before(async () => {
    writeFileSync(join(pages, 'index.html'), '<!doctype html><title>Yjs</title><script type="module" src="app.js"></script>');
    await build({
      stdin: {
        contents: `import * as Y from 'yjs'; import { WebrtcProvider } from 'y-webrtc'; Object.assign(window, { Y, WebrtcProvider });`,
        resolveDir: join(root, 'tests'),
      },
      bundle: true,
      format: 'esm',
      platform: 'browser',
      define: { global: 'globalThis' },
      outfile: join(pages, 'app.js'),
      logLevel: 'error',
    });
    [browser] = await Promise.all([launchChromium({ args: [] }), start()]);
  });

  after(async () => {
    await browser?.close();
    await daemon?.stop();
  });

  /** A page in a profile of its own, so that only WebRTC joins it to others, with the document of a room. */
  async function enter(t, room, { password, from = daemon.url, url = `ws://localhost:${daemon.port}/y-webrtc` } = {}) {
    const context = await browser.createBrowserContext();
    t.after(() => context.close());
    const page = await context.newPage();
    const errors = [];
    page.on('pageerror', (error) => {
      // The client does not catch that it cannot read what was written with another password.
      if (!/^DOMException: OperationError\s+decrypt /.test(error)) errors.push(String(error));
    });
    t.after(() => assert.deepEqual(errors, []));
    await page.goto(from);
    await page.evaluate((name, signaling, secret) => {
      window.doc = new Y.Doc();
      window.text = doc.getText('t');
      window.provider = new WebrtcProvider(name, doc, { signaling: [signaling], password: secret, peerOpts: { config: { iceServers: [] } } });
    }, room, url, password ?? null);
    return page;
  }

  const until = (page, test, ...args) => page.waitForFunction(test, { timeout: WAIT_MS, polling: 50 }, ...args);
  const write = (page, words) => page.evaluate((w) => text.insert(text.length, w), words);
  const reads = (page, words) => until(page, (w) => text.toString() === w, words);
  /** So many others are there, joined by WebRTC and by nothing else. */
  const meets = async (page, count) => {
    await until(page, (n) => [...provider.room?.webrtcConns.values() ?? []].filter((conn) => conn.connected).length === n, count);
    assert.equal(await page.evaluate(() => provider.room.bcConns.size), 0);
  };

  for (const password of [undefined, '秘密']) {
    it(`makes one document of three ${password ? 'with' : 'without'} a password`, async (t) => {
      const room = `room ${++rooms} 部屋`;
      const [a, b] = [await enter(t, room, { password }), await enter(t, room, { password })];
      await write(a, 'one ');
      await reads(b, 'one ');
      await write(b, 'two ');
      await reads(a, 'one two ');
      const c = await enter(t, room, { password });
      await reads(c, 'one two ');
      await write(c, 'three');
      for (const page of [a, b, c]) {
        await reads(page, 'one two three');
        await meets(page, 2);
      }
    });
  }

  it('keeps documents of other rooms and of other passwords apart', async (t) => {
    const room = `apart ${++rooms}`;
    const a = await enter(t, room, { password: 'a' });
    const [b, other] = [await enter(t, room, { password: 'b' }), await enter(t, `${room}!`, { password: 'a' })];
    const friend = await enter(t, room, { password: 'a' });
    await write(a, 'mine');
    await reads(friend, 'mine');
    for (const page of [b, other]) assert.equal(await page.evaluate(() => text.toString()), '');
  });

  it('goes on while one leaves and comes back', async (t) => {
    const room = `leave ${++rooms}`;
    const [a, b] = [await enter(t, room), await enter(t, room)];
    await meets(a, 1);
    await b.evaluate(() => provider.disconnect());
    await meets(a, 0);
    await write(a, 'meanwhile');
    await b.evaluate(() => provider.connect());
    await reads(b, 'meanwhile');
  });

  it('takes pages from elsewhere at any path of a listener of its own', async (t) => {
    const elsewhere = createServer((request, response) => {
      const script = request.url === '/app.js';
      response.writeHead(200, { 'content-type': script ? 'text/javascript' : 'text/html' });
      response.end(readFileSync(join(pages, script ? 'app.js' : 'index.html')));
    });
    t.after(() => elsewhere.close());
    await once(elsewhere.listen(0, '127.0.0.1'), 'listening');
    const from = `http://127.0.0.1:${elsewhere.address().port}`;
    const [room, url] = [`own ${++rooms}`, `ws://localhost:${own}/some/where?token=x`];
    const [a, b] = [await enter(t, room, { from, url }), await enter(t, room, { from, url })];
    await write(a, 'anywhere');
    await reads(b, 'anywhere');
  });

  it('survives what kills the original: a frame that is no JSON, topics that are a string', async (t) => {
    const room = `calm ${++rooms}`;
    const a = await enter(t, room);
    const vandal = await open(`${daemon.ws}/y-webrtc`);
    vandal.send('not JSON').send('{"type":"subscribe","topics":"room"}').send('{"type":"ping"}');
    assert.equal(await vandal.next(), '{"type":"pong"}');
    await vandal.close();
    const b = await enter(t, room);
    await write(a, 'still here');
    await reads(b, 'still here');
  });

  it('takes its clients back after a restart, documents and all', async (t) => {
    const room = `restart ${++rooms}`;
    const [a, b] = [await enter(t, room), await enter(t, room)];
    await meets(a, 1);
    await daemon.stop();
    await write(a, 'alone '); // the two are joined without us
    await reads(b, 'alone ');
    await start();
    const c = await enter(t, room);
    await reads(c, 'alone ');
    await meets(c, 2);
  });
});
