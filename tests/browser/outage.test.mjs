// The network goes away for a while, for signaling and media together, in a network namespace of the
// test's own: pictures are back soon after it. Of a link that is down the pages keep their own record,
// since no driver reaches them meanwhile.
import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { after, before, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { startDaemon } from '../lib/daemon.mjs';
import { launchChromium, launchFirefox } from './lib/browsers.mjs';
import { each, gather } from './lib/rooms.mjs';

const BACK_MS = 6000;
const OUTAGES = [5, 20, 45]; // seconds; in the last one the server gives the seats away
const PAIRS = ['cc', 'ff', 'cf'];
const IN_NAMESPACE = 'IN_NAMESPACE';

const ip = (...args) => execFileSync('ip', args);
const sleep = (ms) => new Promise((go) => setTimeout(go, ms));

function linkUp() {
  ip('link', 'set', 'lo', 'up');
  ip('route', 'replace', 'default', 'via', '10.9.9.9', 'dev', 'lo'); // Firefox wants one
}

/** In the page: note now and then how many frames were decoded. */
function record() {
  window.record = [];
  setInterval(async () => {
    const [peer] = await window.look();
    if (peer) window.record.push({ at: Date.now(), track: peer.track?.id, frames: peer.frames });
  }, 100);
}

/** When the third frame after that time was decoded. */
function back(samples, up) {
  let last = {};
  let frames = 0;
  for (const sample of samples) {
    const isSame = sample.track === last.track && sample.frames >= last.frames;
    if (sample.at > up) frames += sample.frames - (isSame ? last.frames : 0);
    if (frames >= 3) return sample.at - up;
    last = sample;
  }
  return Infinity;
}

async function outage(t, browsers, url, seconds) {
  const pairs = await Promise.all(PAIRS.map((letters) => gather(
    { after() {} }, [...letters].map((c) => browsers[c]), url, `${letters} ${seconds}`,
  )));
  const members = pairs.flat();
  await each(members, (member) => member.moves());
  await each(members, (member) => member.page.evaluate(record));
  await sleep(1000);
  ip('link', 'set', 'lo', 'down');
  const down = Date.now();
  await sleep(seconds * 1000);
  linkUp();
  const up = Date.now();
  await sleep(BACK_MS + 500);
  const times = await each(members, async (member) => {
    const samples = await member.page.evaluate(() => window.record);
    assert.ok(samples.some(({ at }) => at < down), 'nothing was recorded');
    return back(samples, up);
  });
  const told = PAIRS.map((letters, i) => `${letters} ${times.slice(2 * i, 2 * i + 2).join(', ')}`);
  t.diagnostic(`${seconds} s: pictures back after ${told.join('; ')} ms`);
  const most = await each(members, (member) => member.page.evaluate(() => window.seen.most));
  const faults = members.filter((member, i) => times[i] > BACK_MS || most[i] > 1);
  const logs = await each(faults, (member) => member.told());
  const what = `pictures after ${told}, peers at most ${most}, link down at ${down}, up at ${up}`;
  assert.equal(faults.length, 0, `${what}:\n${logs.join('\n\n')}`);
  await each(members, (member) => member.close());
}

if (process.env[IN_NAMESPACE]) {
  ip('addr', 'add', '10.9.9.9/24', 'dev', 'lo');
  linkUp();
  describe('in the namespace', () => {
    let daemon, c, f;

    before(async () => {
      daemon = await startDaemon();
      [c, f] = await Promise.all([launchChromium({ pipe: true }), launchFirefox()]);
    });

    after(async () => {
      await Promise.all([c.close(), f.close()]);
      await daemon.stop();
    });

    for (const seconds of OUTAGES) {
      it(`pictures are back ${BACK_MS} ms after an outage of ${seconds} s`, async (t) => {
        await outage(t, { c, f }, daemon.url, seconds);
      });
    }
  });
} else {
  it('the client heals when the network was away', async (t) => {
    const { NODE_TEST_CONTEXT, ...env } = process.env;
    const command = ['--net', process.execPath, fileURLToPath(import.meta.url)];
    const child = spawn('unshare', process.getuid() ? ['--map-root-user', ...command] : command, {
      env: { ...env, [IN_NAMESPACE]: '1' },
    });
    let said = '';
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (text) => { said += text; });
    const [status] = await once(child, 'close');
    for (const [, line] of said.matchAll(/^\W*(\d+ s: pictures .*)$/gm)) t.diagnostic(line);
    assert.equal(status, 0, said);
  });
}
