// Goal: the Ayame web SDK, unmodified, brings two browsers together through us, and parts them again.
import assert from 'node:assert/strict';
import { copyFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { root, scratch, startDaemon } from '../lib/daemon.mjs';
import { launchChromium } from './lib/browsers.mjs';

const WAIT_MS = 20000;

/** Until the function is true in the page. */
const until = (page, test, ...args) => page.waitForFunction(test, { timeout: WAIT_MS, polling: 50 }, ...args);

describe('the Ayame web SDK', () => {
  let daemon, browser;
  let rooms = 0;

  before(async () => {
    const pages = scratch();
    copyFileSync(join(root, 'tests/node_modules/@open-ayame/ayame-web-sdk/dist/ayame.mjs'), join(pages, 'ayame.mjs'));
    writeFileSync(join(pages, 'index.html'), '<!doctype html><title>Ayame</title><video autoplay muted></video>');
    [daemon, browser] = await Promise.all([
      startDaemon({ args: ['--web-root', pages, '--ice-server', 'stun:127.0.0.1'] }),
      launchChromium(),
    ]);
  });

  after(async () => {
    await browser?.close();
    await daemon?.stop();
  });

  /** A page of its own that connects to the room; `events` in it are the SDK's callbacks so far. */
  async function enter(t, room, options = {}) {
    const context = await browser.createBrowserContext();
    t.after(() => context.close());
    const page = await context.newPage({ type: 'window' });
    await page.goto(daemon.url);
    await page.evaluate(async (roomId, more) => {
      const { createConnection, defaultOptions } = await import('/ayame.mjs');
      const stream = await navigator.mediaDevices.getUserMedia({ audio: true, video: true });
      const url = `ws://${location.host}/signaling`;
      window.events = [];
      window.connection = createConnection(url, roomId, { ...defaultOptions, ...more });
      for (const name of ['open', 'connect', 'bye', 'disconnect']) {
        connection.on(name, (event) => events.push(`${name} ${event?.reason ?? ''}`.trim()));
      }
      connection.on('addstream', (event) => { document.querySelector('video').srcObject = event.stream; });
      await connection.connect(stream).catch((error) => events.push(`failed ${error}`));
    }, room, options);
    return page;
  }

  /** Wait for a callback. */
  const hears = (page, event) => until(page, (e) => window.events.includes(e), event);

  /** Pictures of the other side arrive and are decoded. */
  async function moves(page) {
    const frames = () => document.querySelector('video').getVideoPlaybackQuality().totalVideoFrames;
    await until(page, () => document.querySelector('video').videoWidth > 0);
    const count = await page.evaluate(frames);
    await until(page, (c) => document.querySelector('video').getVideoPlaybackQuality().totalVideoFrames > c + 5, count);
  }

  it('brings two together; a third is told that the room is full; who stays behind hears bye', async (t) => {
    const room = `room ${++rooms}`;
    const a = await enter(t, room);
    assert.deepEqual(await a.evaluate(() => window.events), ['open']);
    const b = await enter(t, room, { signalingKey: 'key' });
    await Promise.all([moves(a), moves(b)]);
    assert.deepEqual(await b.evaluate(() => window.events), ['open', 'connect']);
    assert.deepEqual(await b.evaluate(() => connection.pcConfig.iceServers), [{ urls: ['stun:127.0.0.1'] }]);

    const c = await enter(t, room);
    await hears(c, 'disconnect full');
    await moves(a);

    await a.evaluate(() => connection.disconnect());
    await hears(b, 'bye');
    await hears(b, 'disconnect WS-CLOSED');
    await enter(t, room).then((page) => hears(page, 'open'));
  });

  it('goes on without signaling in standalone mode', async (t) => {
    const room = `room ${++rooms}`;
    const pages = [];
    for (let i = 0; i < 2; i++) pages.push(await enter(t, room, { standalone: true }));
    await Promise.all(pages.map(moves));
    await daemon.until(() => daemon.lines('peer.open').length === daemon.lines('peer.leave').length, 'the end of all connections');
    await Promise.all(pages.map(moves));
    for (const page of pages) {
      assert.deepEqual(await page.evaluate(() => window.events), ['open', 'connect']);
    }
  });
});
