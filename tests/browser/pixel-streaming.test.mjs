// Goal: Epic's unmodified Pixel Streaming frontend plays in Chromium what a streamer sends, which is a page with a
// canvas, and plays it again when the streamer has come back.
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { build } from 'esbuild';
import { root, scratch, startDaemon } from '../lib/daemon.mjs';
import { launchChromium } from './lib/browsers.mjs';

const WAIT_MS = 30000;
const SCRIPT = `
  import { Config, PixelStreaming } from '@epicgames-ps/lib-pixelstreamingfrontend-ue5.7';
  Object.assign(window, { Config, PixelStreaming });
`;

/** In a page: a streamer as Unreal Engine is one, with a picture that changes. */
function startStreamer(url, id) {
  const canvas = document.createElement('canvas');
  const pen = canvas.getContext('2d');
  let hue = 0;
  setInterval(() => {
    pen.fillStyle = `hsl(${hue++} 100% 50%)`;
    pen.fillRect(0, 0, canvas.width, canvas.height);
  }, 50);
  const track = canvas.captureStream(20).getVideoTracks()[0];
  const players = new Map();
  const socket = new WebSocket(url);
  const say = (message) => socket.send(JSON.stringify(message));
  window.streamer = { players, socket, said: [] };

  const take = {
    identify: () => say({ type: 'endpointId', id, protocolVersion: '1.3.0' }),
    config: ({ peerConnectionOptions }) => { window.streamer.options = peerConnectionOptions; },
    async playerConnected({ playerId }) {
      const peer = new RTCPeerConnection(window.streamer.options);
      players.set(playerId, peer);
      peer.addTrack(track);
      peer.createDataChannel('cirrus');
      peer.onicecandidate = ({ candidate }) => candidate && say({ type: 'iceCandidate', playerId, candidate });
      await peer.setLocalDescription();
      say({ type: 'offer', playerId, sdp: peer.localDescription.sdp });
    },
    answer: ({ playerId, sdp }) => players.get(playerId).setRemoteDescription({ type: 'answer', sdp }),
    iceCandidate: ({ playerId, candidate }) => players.get(playerId).addIceCandidate(candidate),
    playerDisconnected({ playerId }) {
      players.get(playerId).close();
      players.delete(playerId);
    },
  };
  socket.onmessage = ({ data }) => {
    const message = JSON.parse(data);
    window.streamer.said.push(message.type);
    take[message.type]?.(message);
  };
}

/** In a page: a player, which keeps what it hears. */
function startPlayer(ss) {
  const config = new Config({
    initialSettings: { ss, AutoConnect: true, AutoPlayVideo: true, StartVideoMuted: true, HoveringMouse: true, WaitForStreamer: true },
  });
  Object.assign(window, { frames: 0, events: [] });
  const stream = new PixelStreaming(config, { videoElementParent: document.getElementById('video') });
  for (const name of ['webRtcConnected', 'dataChannelOpen', 'webRtcDisconnected']) {
    stream.addEventListener(name, () => window.events.push(name));
  }
  stream.addEventListener('playerCount', ({ data }) => { window.count = data.count; });
  stream.addEventListener('streamerListMessage', ({ data }) => { window.ids = data.messageStreamerList.ids; });
  stream.addEventListener('statsReceived', ({ data }) => { window.frames = data.aggregatedStats.inboundVideoStats.framesDecoded ?? 0; });
}

describe('pixel-streaming in Chromium', () => {
  const pages = scratch();
  let daemon, browser, base;

  before(async () => {
    writeFileSync(join(pages, 'index.html'), '<!doctype html><meta charset="utf-8"><title>Player</title><div id="video"></div><script type="module" src="app.js"></script>');
    writeFileSync(join(pages, 'streamer.html'), '<!doctype html><meta charset="utf-8"><title>Streamer</title>');
    await build({
      stdin: { contents: SCRIPT, resolveDir: join(root, 'tests') },
      bundle: true,
      format: 'esm',
      platform: 'browser',
      outfile: join(pages, 'app.js'),
      logLevel: 'error',
    });
    [browser, daemon] = await Promise.all([launchChromium({ args: [] }), startDaemon({ args: ['--web-root', pages] })]);
    base = `ws://localhost:${daemon.port}/pixel-streaming`;
  });

  after(async () => {
    await browser?.close();
    await daemon?.stop();
  });

  /** A page in a profile of its own, so that only WebRTC joins it to others. */
  async function enter(t, path) {
    const context = await browser.createBrowserContext();
    t.after(() => context.close());
    const page = await context.newPage();
    const errors = [];
    page.on('pageerror', (error) => errors.push(String(error)));
    t.after(() => assert.deepEqual(errors, []));
    await page.goto(new URL(path, daemon.url).href);
    return page;
  }

  const until = (page, test, ...args) => page.waitForFunction(test, { timeout: WAIT_MS, polling: 50 }, ...args);

  /** More and more frames of the video have been decoded. */
  async function plays(page) {
    await until(page, () => window.frames > 0);
    const frames = await page.evaluate(() => window.frames);
    await until(page, (before) => window.frames > before + 5, frames);
  }

  it('plays what a streamer sends, and plays it again when the streamer has come back', async (t) => {
    const player = await enter(t, '/');
    await player.evaluate(startPlayer, `${base}/player`); // it waits for a streamer
    await until(player, () => window.ids?.length === 0);
    const streamer = await enter(t, '/streamer.html');
    await streamer.evaluate(startStreamer, `${base}/streamer`, 'Stage');
    await plays(player);
    for (const name of ['webRtcConnected', 'dataChannelOpen']) await until(player, (event) => window.events.includes(event), name);
    assert.deepEqual(await player.evaluate(() => [window.ids, window.count]), [['Stage'], 1]);

    await streamer.evaluate(() => window.streamer.socket.close());
    await until(player, () => window.events.includes('webRtcDisconnected'));
    await player.evaluate(() => { window.frames = 0; });
    await streamer.evaluate(startStreamer, `${base}/streamer`, 'Stage');
    await until(streamer, () => window.streamer.said.includes('playerConnected'));
    await plays(player);
  });
});
