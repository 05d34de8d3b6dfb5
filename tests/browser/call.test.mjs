// Two pages get moving video of each other: both browsers, both ways of passing candidates, ws
// and wss.
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { startDaemon } from '../lib/daemon.mjs';
import { launchChromium, launchFirefox } from './lib/browsers.mjs';
import { both, pair } from './lib/lab.mjs';

describe('a call', () => {
  let daemon;
  const browsers = {};

  before(async () => {
    daemon = await startDaemon({ tls: true });
    [browsers.chromium, browsers.firefox] = await Promise.all([launchChromium(), launchFirefox()]);
  });

  after(async () => {
    await Promise.all(Object.values(browsers).map((browser) => browser.close()));
    await daemon?.stop();
  });

  const rows = [
    ['chromium', 'chromium', 'trickle', 'ws'],
    ['chromium', 'chromium', 'vanilla', 'ws'],
    ['chromium', 'chromium', 'trickle', 'wss'],
    ['chromium', 'chromium', 'vanilla', 'wss'],
    ['firefox', 'firefox', 'trickle', 'ws'],
    ['firefox', 'firefox', 'vanilla', 'wss'],
    ['chromium', 'firefox', 'vanilla', 'ws'],
    ['firefox', 'chromium', 'trickle', 'wss'],
  ];
  for (const [caller, callee, mode, scheme] of rows) {
    it(`${caller} calls ${callee}, ${mode} over ${scheme}`, async (t) => {
      const base = scheme === 'wss' ? `https://localhost:${daemon.tlsPort}` : daemon.url;
      const path = `/lab.html?room=${mode}-${caller}`;
      const labs = await pair(t, browsers[caller], browsers[callee], base, { path });
      await both(labs, async (lab) => {
        assert.ok((await lab.value('#server')).startsWith(`${scheme}://`));
        await lab.click(`.switch label:has([value=${mode}])`);
        await lab.prepare();
      });
      await labs[0].click('#connect');
      await both(labs, async (lab) => {
        await lab.state('connection', 'connected');
        await lab.moves();
        await lab.says('#hint', 'Connected.');
      });
      await sentAs(labs[0], mode, 'offer');
      await sentAs(labs[1], mode, 'answer');
    });
  }

  it('also in binary frames', async (t) => {
    const server = encodeURIComponent(`${daemon.url.replace('http', 'ws')}/?frames=binary`);
    const path = `/lab.html?room=binary&server=${server}`;
    const labs = await pair(t, browsers.chromium, browsers.chromium, daemon.url, { path });
    await both(labs, (lab) => lab.prepare());
    await labs[0].click('#connect');
    await both(labs, async (lab) => {
      await lab.moves();
      const binary = await lab.page.$$eval('#log .received p', (lines) => lines.length);
      assert.ok(binary > 0, 'nothing came in a binary frame');
    });
  });
});

/** The text areas and the log show what the mode promises. */
async function sentAs(lab, mode, type) {
  const sdp = await lab.value('#sdp-sent');
  const received = await lab.value('#sdp-received');
  assert.match(sdp, /^v=0\r?\n/);
  assert.match(received, /^v=0\r?\n/);
  assert.equal(await lab.text('#sdp-sent-type'), type);
  const sent = (await lab.messages()).filter((message) => message.direction === 'sent');
  const candidates = sent.filter((message) => message.type === 'candidate');
  if (mode === 'vanilla') {
    assert.match(sdp, /^a=candidate:/m);
    assert.equal(candidates.length, 0);
  } else {
    assert.ok(candidates.length > 0, 'no candidate was sent by itself');
  }
}
