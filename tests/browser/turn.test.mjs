// Calls through a TURN server that the daemon names: coturn, and no other way.
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { startCoturn } from '../lib/coturn.mjs';
import { startDaemon } from '../lib/daemon.mjs';
import { launchChromium, launchFirefox } from './lib/browsers.mjs';
import { Lab } from './lib/lab.mjs';
import { each, gather } from './lib/rooms.mjs';

describe('TURN', () => {
  let browsers, coturn, daemon;

  before(async () => {
    coturn = await startCoturn();
    daemon = await startDaemon({ args: ['--ice-server', `${coturn.url}|user|secret`] });
    browsers = await Promise.all([launchChromium(), launchFirefox()]);
  });

  after(async () => {
    await Promise.all((browsers ?? []).map((browser) => browser.close()));
    await daemon?.stop();
    await coturn?.stop();
  });

  it('carries a call of two browsers that have no other way', async (t) => {
    const members = await gather(t, browsers, daemon.url, 'relayed', { rtc: { iceTransportPolicy: 'relay' } });
    await each(members, (member) => member.moves());
    for (const member of members) {
      const { path } = await member.page.evaluate(() => [...window.room.peers.values()][0].stats());
      assert.equal(path, 'relay');
    }
  });

  it('is tried by the self-test, and carries its call', async (t) => {
    for (const browser of browsers) {
      const lab = await Lab.open(browser, daemon.url, { path: '/check', online: false });
      t.after(() => lab.close());
      await lab.click('#check-start');
      await lab.until(() => !document.querySelector('#check-report').hidden);
      assert.match(await lab.text('#step-ice'), /Servers that answer: 1 of 1.*relay after \d+ ms/s);
      assert.match(await lab.text('#step-loopback'), /TURN.*relay/s);
      await lab.says('#check-status', 'Nothing stands in the way');
    }
  });
});
