// Calls through a TURN server that the daemon names: coturn, and no other way.
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { startCoturn } from '../lib/coturn.mjs';
import { scratch, startDaemon, testDaemon } from '../lib/daemon.mjs';
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

  it('goes on with new credentials when ICE restarts after the first have expired, in the same connections', async (t) => {
    const shared = await startCoturn('north');
    t.after(() => shared.stop());
    const secret = join(scratch(), 'turn.secret');
    writeFileSync(secret, 'north\n', { mode: 0o600 });
    const other = await testDaemon(t, { args: ['--turn-server', shared.url, '--turn-secret', secret, '--turn-ttl', '16s'] });
    const members = await gather(t, browsers, other.url, 'renewed', { rtc: { iceTransportPolicy: 'relay' } });
    await each(members, (member) => member.moves());
    const first = await each(members, (member) => member.page.evaluate(() => {
      const { pc } = [...window.room.peers.values()][0];
      window.pc = pc;
      window.fragment = () => /ice-ufrag:(.+)/.exec(pc.localDescription.sdp)[1];
      window.before = window.fragment();
      window.states = [];
      pc.addEventListener('connectionstatechange', () => window.states.push(pc.connectionState));
      return pc.getConfiguration().iceServers[0].username;
    }));
    for (const username of first) assert.ok(shared.hasRelayed(username));
    await each(members, (member) => member.until(() => window.log.some(({ dir, type }) => dir === 'in' && type === 'ice')));
    const expired = (Math.max(...first.map((username) => parseInt(username, 10))) + 1) * 1000;
    await members[0].until((at) => Date.now() >= at, expired);
    await members[0].page.evaluate(() => [...window.room.peers.values()][0].restart());
    await each(members, (member) => member.until(() => window.fragment() !== window.before));
    const second = await each(members, (member) => member.page.evaluate(() => window.pc.getConfiguration().iceServers[0].username));
    await each(members, async (member, n) => {
      assert.notEqual(second[n], first[n]);
      await member.until(() => window.pc.iceGatheringState === 'complete' && window.pc.connectionState === 'connected');
      assert.ok(shared.hasRelayed(second[n]), second[n]);
      await member.moves();
      const { path, isSame, states } = await member.page.evaluate(async () => {
        const [peer] = window.room.peers.values();
        return { path: (await peer.stats()).path, isSame: peer.pc === window.pc, states: window.states };
      });
      assert.deepEqual([path, isSame], ['relay', true]);
      assert.ok(!states.some((state) => ['disconnected', 'failed', 'closed'].includes(state)), String(states));
    });
  });
});
