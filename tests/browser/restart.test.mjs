// A call on the room page goes on while the server is restarted under systemd: the same connections,
// pictures that never stand still, and who is there is who was there.
import assert from 'node:assert/strict';
import { after, before, it } from 'node:test';
import { manage } from '../lib/manager.mjs';
import { launchChromium } from './lib/browsers.mjs';
import { openPages } from './lib/room-page.mjs';

const STILL_MS = 1000; // at 20 pictures a second, on a machine that is busy

let chromium;

before(async () => {
  chromium = await launchChromium();
});
after(() => chromium.close());

/** In the page: from now on, when how many frames of each picture were decoded. */
function record() {
  window.samples = new Map();
  setInterval(async () => {
    for (const pc of window.opened.pcs) {
      if (pc.signalingState === 'closed') continue;
      for (const report of (await pc.getStats()).values()) {
        if (report.type !== 'inbound-rtp' || report.kind !== 'video') continue;
        if (!window.samples.has(report.trackIdentifier)) window.samples.set(report.trackIdentifier, []);
        window.samples.get(report.trackIdentifier).push({ at: performance.now(), frames: report.framesDecoded });
      }
    }
  }, 100);
}

/** In the page: the longest time, in ms, that some picture stood still. */
function longestStill() {
  return Math.max(...[...window.samples.values()].map((samples) => {
    let [since, longest] = [samples[0], 0];
    for (const sample of samples) {
      longest = Math.max(longest, sample.at - since.at);
      if (sample.frames !== since.frames) since = sample;
    }
    return longest;
  }));
}

it('nobody in the call notices a restart', async (t) => {
  const manager = await manage(t);
  const [hana, ken] = await openPages(t, [chromium, chromium], `http://127.0.0.1:${manager.port}`, { path: '/r/restart' });
  await hana.join('Hana');
  await ken.join('Ken');
  await Promise.all([hana.moves('Ken'), ken.moves('Hana')]);
  const both = (what) => Promise.all([hana, ken].map(what));
  await both((page) => page.openChat());
  await hana.chat('before');
  await ken.says('#chat-log', 'before');
  await both((page) => page.page.evaluate(record));
  const connections = await both((page) => page.page.evaluate(() => window.opened.pcs.length));

  await manager.restart();
  await both((page) => page.until(() => window.opened.sockets.length > 1 && window.opened.sockets.at(-1).readyState === WebSocket.OPEN));
  await hana.chat('after');
  await ken.says('#chat-log', 'after');
  await both((page) => page.until(() => [...window.samples.values()].some((samples) => samples.at(-1).frames > samples[0].frames + 30)));

  assert.match(manager.stderr, /restart\.restored.* sessions=2 /);
  assert.deepEqual(await both((page) => page.page.evaluate(() => window.opened.pcs.length)), connections, 'a connection was made anew');
  assert.deepEqual(await ken.lines(), ['before', 'after']);
  const still = await both((page) => page.page.evaluate(longestStill));
  t.diagnostic(`pictures stood still for ${still.map(Math.round)} ms at most`);
  assert.ok(Math.max(...still) < STILL_MS, `${still} ms`);
});
