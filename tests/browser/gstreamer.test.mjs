// Goal: gstwebrtc-api, unmodified, produces and consumes streams through us.
import assert from 'node:assert/strict';
import { copyFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { root, scratch, startDaemon } from '../lib/daemon.mjs';
import { launchChromium } from './lib/browsers.mjs';

const WAIT_MS = 20000;

/** Until the function is true in the page. */
const until = (page, test, ...args) => page.waitForFunction(test, { timeout: WAIT_MS, polling: 50 }, ...args);

describe('gstwebrtc-api', () => {
  let daemon, browser;

  before(async () => {
    const pages = scratch();
    copyFileSync(join(root, 'tests/node_modules/gstwebrtc-api/dist/gstwebrtc-api-3.0.0.min.js'), join(pages, 'api.js'));
    writeFileSync(join(pages, 'index.html'), '<!doctype html><title>GStreamer</title><script src="api.js"></script><video autoplay muted></video>');
    [daemon, browser] = await Promise.all([startDaemon({ args: ['--web-root', pages] }), launchChromium()]);
  });

  after(async () => {
    await browser?.close();
    await daemon?.stop();
  });

  /** A page of its own that is connected; `events` in it are what has happened so far. */
  async function connect(t, name) {
    const context = await browser.createBrowserContext();
    t.after(() => context.close());
    const page = await context.newPage({ type: 'window' });
    page.on('pageerror', (error) => assert.fail(`${name}: ${error}`));
    await page.goto(daemon.url);
    await page.evaluate((own) => {
      window.events = [];
      window.api = new GstWebRTCAPI({ meta: { name: own }, signalingServerUrl: `ws://${location.host}/gst`, webrtcConfig: {} });
      api.registerConnectionListener({
        connected: () => events.push('connected'),
        disconnected: () => events.push('disconnected'),
      });
      const say = (what) => (peer) => events.push(`${what} ${peer.meta.name}`);
      api.registerPeerListener({
        producerAdded: say('producer added'),
        producerRemoved: say('producer removed'),
        consumerAdded: say('consumer added'),
        consumerRemoved: say('consumer removed'),
      });
      window.watch = (session) => {
        for (const event of ['error', 'closed', 'clientConsumerAdded', 'clientConsumerRemoved']) {
          session.addEventListener(event, (e) => events.push(`${event} ${e.error ?? ''}`.trim()));
        }
        return session;
      };
    }, name);
    await hears(page, 'connected');
    return page;
  }

  const hears = (page, event) => until(page, (e) => window.events.includes(e), event);
  const events = (page) => page.evaluate(() => window.events.splice(0));

  const produce = (page) => page.evaluate(async () => {
    const stream = await navigator.mediaDevices.getUserMedia({ audio: true, video: true });
    window.session = window.watch(api.createProducerSession(stream));
    return session.start();
  });

  const consume = (page) => page.evaluate(async () => {
    const [producer] = api.getAvailableProducers();
    window.session = window.watch(api.createConsumerSession(producer.id));
    session.addEventListener('streamsChanged', () => {
      [document.querySelector('video').srcObject] = session.streams;
    });
    return session.connect();
  });

  /** Pictures of the producer arrive and are decoded. */
  async function moves(page) {
    await until(page, () => document.querySelector('video').videoWidth > 0);
    const count = await page.evaluate(() => document.querySelector('video').getVideoPlaybackQuality().totalVideoFrames);
    await until(page, (c) => document.querySelector('video').getVideoPlaybackQuality().totalVideoFrames > c + 5, count);
  }

  it('brings a producer to its viewers, and takes them apart again', async (t) => {
    const early = await connect(t, 'early');
    const producer = await connect(t, 'producer');
    await produce(producer);
    await hears(early, 'producer added producer');
    const late = await connect(t, 'late');
    await hears(late, 'producer added producer');

    assert.equal(await consume(early), true);
    await moves(early);
    assert.equal(await consume(late), true);
    await Promise.all([moves(early), moves(late)]);
    assert.deepEqual(await events(producer), ['connected', 'clientConsumerAdded', 'clientConsumerAdded']);

    await early.evaluate(() => session.close());
    await hears(producer, 'clientConsumerRemoved');
    assert.deepEqual(await events(early), ['connected', 'producer added producer', 'closed']);
    await moves(late);

    await producer.evaluate(() => session.close());
    await hears(early, 'producer removed producer');
    await hears(late, 'producer removed producer');
    assert.deepEqual(await events(late), ['connected', 'producer added producer', 'closed', 'producer removed producer']);
  });

  it('ends the session of a viewer whose producer is gone', async (t) => {
    const producer = await connect(t, 'producer');
    await produce(producer);
    const viewer = await connect(t, 'viewer');
    await hears(viewer, 'producer added producer');
    await consume(viewer);
    await moves(viewer);
    await producer.close();
    await hears(viewer, 'closed');
    await hears(viewer, 'producer removed producer');
  });
});
