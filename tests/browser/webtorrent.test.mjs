// Goal: unmodified WebTorrent clients of all kinds find each other through us, and what one has arrives at the other.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { build } from 'esbuild';
import { open } from '../lib/client.mjs';
import { root, scratch, startDaemon } from '../lib/daemon.mjs';
import { launchChromium } from './lib/browsers.mjs';

const WAIT_MS = 30000;
const SCRIPT = `
  import Client from 'bittorrent-tracker';
  import { joinRoom } from '@trystero-p2p/torrent';
  import { Core } from 'p2p-media-loader-core';
  import WebTorrent from './node_modules/webtorrent/dist/webtorrent.min.js';
  Object.assign(window, { Client, joinRoom, Core, WebTorrent });
`;

describe('webtorrent in Chromium', () => {
  const pages = scratch();
  let daemon, browser, url, own;

  before(async () => {
    writeFileSync(join(pages, 'index.html'), '<!doctype html><meta charset="utf-8"><title>Torrents</title><script type="module" src="app.js"></script>');
    writeFileSync(join(pages, 'segment.bin'), 'segment '.repeat(1000));
    await build({
      stdin: { contents: SCRIPT, resolveDir: join(root, 'tests') },
      bundle: true,
      format: 'esm',
      platform: 'browser',
      conditions: ['p2pml:core-as-bundle'],
      define: { global: 'globalThis', 'process.browser': 'true' },
      outfile: join(pages, 'app.js'),
      logLevel: 'error',
    });
    const args = ['--web-root', pages, '--listen', '127.0.0.1:0', '--listen', '127.0.0.1:0?dialect=webtorrent&origin=any'];
    [browser, daemon] = await Promise.all([launchChromium({ args: [] }), startDaemon({ args })]);
    url = `ws://localhost:${daemon.port}/webtorrent`;
    own = Number(new URL(daemon.urls[1]).port);
  });

  after(async () => {
    await browser?.close();
    await daemon?.stop();
  });

  /** A page in a profile of its own, so that only WebRTC joins it to others. */
  async function enter(t, from = daemon.url) {
    const context = await browser.createBrowserContext();
    t.after(() => context.close());
    const page = await context.newPage();
    const errors = [];
    page.on('pageerror', (error) => errors.push(String(error)));
    t.after(() => assert.deepEqual(errors, []));
    await page.goto(from);
    return page;
  }

  const enterTwo = async (t, from) => [await enter(t, from), await enter(t, from)];
  const until = (page, test, ...args) => page.waitForFunction(test, { timeout: WAIT_MS, polling: 50 }, ...args);
  const both = (pages, what, ...args) => Promise.all(pages.map((page, i) => page.evaluate(what, i, ...args)));

  it('makes two clients of bittorrent-tracker known to each other, who leave', async (t) => {
    const two = await enterTwo(t);
    await both(two, (i, announce) => {
      window.heard = [];
      window.client = new Client({
        infoHash: 'a'.repeat(40), peerId: `0${i}`.repeat(20), announce: [announce], port: 6881, rtcConfig: { iceServers: [] },
      });
      client.on('error', (error) => heard.push(String(error))).on('warning', (error) => heard.push(String(error)));
      client.on('update', ({ complete, incomplete }) => { window.counts = [complete, incomplete]; });
      client.on('peer', (peer) => {
        peer.on('data', (data) => heard.push(new TextDecoder().decode(data)));
        peer.on('connect', () => peer.send(`from ${i}`));
      });
      client.start({ left: i });
    }, url);
    for (const [i, page] of two.entries()) await until(page, (other) => heard[0] === `from ${other}`, 1 - i);
    await two[0].evaluate(() => client.update());
    await until(two[0], () => counts.join() === '1,1');
    await two[1].evaluate(() => client.stop());
    await until(two[1], () => counts.join() === '1,0');
    await two[1].evaluate(() => new Promise((done) => client.on('scrape', done)) && client.scrape());
    assert.deepEqual(await both(two, (i) => heard.filter((words) => words !== `from ${1 - i}`)), [[], []]);
  });

  it('lets webtorrent download what another has, from pages elsewhere, at any path of a listener of its own', async (t) => {
    const elsewhere = createServer((request, response) => {
      const script = request.url === '/app.js';
      response.writeHead(200, { 'content-type': script ? 'text/javascript' : 'text/html' });
      response.end(readFileSync(join(pages, script ? 'app.js' : 'index.html')));
    });
    t.after(() => elsewhere.close());
    await once(elsewhere.listen(0, '127.0.0.1'), 'listening');
    const [seeder, other] = await enterTwo(t, `http://127.0.0.1:${elsewhere.address().port}`);
    const magnet = await seeder.evaluate((announce) => new Promise((done) => {
      const client = new WebTorrent({ tracker: { rtcConfig: { iceServers: [] } } });
      client.seed(new File(['Datei '.repeat(50000)], 'file.txt'), { announce: [announce] }, (torrent) => done(torrent.magnetURI));
    }), `ws://localhost:${own}/announce?any=1`);
    const [name, text] = await other.evaluate((uri) => new Promise((done) => {
      const client = new WebTorrent({ tracker: { rtcConfig: { iceServers: [] } } });
      client.add(uri, (torrent) => torrent.on('done', async () => {
        const [file] = torrent.files;
        done([file.name, await (await file.blob()).text()]);
      }));
    }), magnet);
    assert.deepEqual([name, text.length, text.slice(-6)], ['file.txt', 300000, 'Datei ']);
  });

  it('joins a room of Trystero', async (t) => {
    const two = await enterTwo(t);
    await both(two, async (i, relay) => {
      window.heard = [];
      const config = { appId: 'nakodo', password: '秘密', relayConfig: { urls: [relay] }, rtcConfig: { iceServers: [] } };
      window.room = joinRoom(config, 'a room');
      const action = room.makeAction('words');
      const [send, receive] = Array.isArray(action) ? action : [action.send, (handler) => { action.onMessage = handler; }];
      receive((words) => heard.push(words));
      room.onPeerJoin = () => send(`from ${i}`);
    }, url);
    for (const [i, page] of two.entries()) await until(page, (other) => heard[0] === `from ${other}`, 1 - i);
  });

  it('brings a segment of P2P Media Loader from one viewer to another', async (t) => {
    const two = await enterTwo(t);
    const load = (page, patience) => page.evaluate(async (announce, address, httpDownloadInitialTimeoutMs) => {
      window.core = new Core({
        swarmId: 'a film', announceTrackers: [announce], rtcConfig: { iceServers: [] }, httpDownloadInitialTimeoutMs,
      });
      core.setManifestResponseUrl(`${location.origin}/film.m3u8`);
      core.addStreamIfNoneExists({ runtimeId: 's', type: 'main', index: '0' });
      core.updateStream('s', [{ runtimeId: 's0', externalId: 0, url: address, startTime: 0, endTime: 4 }]);
      core.addEventListener('onSegmentLoaded', ({ downloadSource }) => { window.source = downloadSource; });
      const { data } = await new Promise((onSuccess, onError) => core.loadSegment('s0', { onSuccess, onError }));
      return [window.source, new TextDecoder().decode(data).length];
    }, url, String(new URL('segment.bin', daemon.url)), patience);
    assert.deepEqual(await load(two[0], 0), ['http', 8000]);
    assert.deepEqual(await load(two[1], WAIT_MS), ['p2p', 8000]);
  });

  it('goes on when somebody says what ends the original', async (t) => {
    const [seeder, other] = await enterTwo(t);
    const magnet = await seeder.evaluate((announce) => new Promise((done) => {
      const client = new WebTorrent({ tracker: { rtcConfig: { iceServers: [] } } });
      client.seed(new File(['still here'], 'file.txt'), { announce: [announce] }, (torrent) => {
        done([torrent.magnetURI, torrent.infoHash]);
      });
    }), url);
    const vandal = await open(`${daemon.ws}/webtorrent`);
    const hash = Buffer.from(magnet[1], 'hex').toString('latin1');
    vandal.send(JSON.stringify({ action: 'announce', info_hash: hash, peer_id: 'v'.repeat(20), offers: [null] }));
    vandal.send('{"action":"scrape","info_hash":5}').send('not JSON');
    for (const expected of [/"incomplete":1/, /invalid info_hash/, /not a JSON object/]) assert.match(await vandal.next(), expected);
    await vandal.close();
    const length = await other.evaluate((uri) => new Promise((done) => {
      const client = new WebTorrent({ tracker: { rtcConfig: { iceServers: [] } } });
      client.add(uri, (torrent) => torrent.on('done', () => done(torrent.files[0].length)));
    }), magnet[0]);
    assert.equal(length, 10);
  });
});
