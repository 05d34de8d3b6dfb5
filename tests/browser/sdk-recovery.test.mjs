// What the JavaScript client heals by itself: lost signaling, a server that restarts, pages that are
// reloaded, connections that break. A call is up when pictures move.
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { startDaemon } from '../lib/daemon.mjs';
import { launchChromium, launchFirefox } from './lib/browsers.mjs';
import { each, gather, Member } from './lib/rooms.mjs';

const RESTART_MS = 3000; // a server that restarted: pictures again after it is ready
const REBUILD_MS = 3000; // a connection whose other end was closed
const RELOADS = 10;

describe('the client heals', () => {
  const browsers = {};
  let daemon;
  let rooms = 0;

  before(async () => {
    daemon = await startDaemon({ args: ['--resume-seconds', '3s'] });
    [browsers.chromium, browsers.firefox] = await Promise.all([launchChromium(), launchFirefox()]);
  });

  after(async () => {
    await Promise.all(Object.values(browsers).map((browser) => browser.close()));
    await daemon?.stop();
  });

  const pick = (letters) => [...letters].map((c) => browsers[c === 'f' ? 'firefox' : 'chromium']);
  const call = async (t, letters, options, url = daemon.url) => {
    const members = await gather(t, pick(letters), url, `room ${++rooms}`, options);
    await each(members, (member) => member.moves(letters.length - 1));
    return members;
  };

  it('signaling that is cut comes back without a new connection or a lost message', async (t) => {
    const members = await call(t, 'cfc');
    const [a, b, c] = members;
    await each(members, (member) => member.page.evaluate(() => {
      window.pcs = [...window.room.peers.values()].map(({ pc }) => pc);
    }));
    const say = (member, n) => member.page.evaluate((i) => window.room.send(i), n);
    for (let i = 0; i < 5; i++) {
      await a.page.evaluate(() => window.room.dropSignaling());
      await say(a, 2 * i); // waits
      await say(b, i);
      await b.page.evaluate(() => window.room.dropSignaling());
      await say(a, 2 * i + 1);
      await each(members, (member) => member.until(() => window.room.state === 'open'));
    }
    await c.until(() => window.seen.events.filter(({ type }) => type === 'message').length === 15);
    const messages = await c.events('message');
    const of = async (member) => {
      const id = await member.page.evaluate(() => window.room.self.id);
      return messages.filter(({ from }) => from === id).map(({ data }) => data);
    };
    assert.deepEqual(await of(a), [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    assert.deepEqual(await of(b), [0, 1, 2, 3, 4]);
    for (const member of members) {
      await member.moves(2);
      const same = await member.page.evaluate(() => (
        [...window.room.peers.values()].every(({ pc }, i) => pc === window.pcs[i])
      ));
      assert.ok(same, 'a connection was made anew');
      assert.deepEqual(await member.events('leave'), []);
      assert.ok((await member.events('state')).every(({ fresh }) => !fresh));
    }
  });

  for (const letters of ['cc', 'ff', 'cf']) {
    it(`a server that was killed and comes back finds the call again, ${letters}`, async (t) => {
      const first = await startDaemon();
      const members = await call(t, letters, {}, first.url);
      first.child.kill('SIGKILL');
      await first.exit();
      await each(members, (member) => member.until(() => window.room.state === 'reconnecting'));
      await each(members, (member) => member.moves()); // needs no server
      const second = await startDaemon({ args: ['--listen', `127.0.0.1:${first.port}`] });
      t.after(() => second.stop());
      const begun = performance.now();
      await each(members, async (member) => {
        await member.until(() => window.seen.events.some(({ fresh }) => fresh));
        await member.until(() => window.room.peers.size === 1);
        await member.moves();
      });
      const ms = performance.now() - begun;
      t.diagnostic(`${Math.round(ms)} ms after the server was ready`);
      assert.ok(ms < RESTART_MS, `${ms} ms`);
    });
  }

  for (const letters of ['cc', 'ff']) {
    it(`a page that is reloaded ${RELOADS} times is never there twice, ${letters}`, async (t) => {
      const [a, b] = await call(t, letters, { stored: true });
      const room = `room ${rooms}`;
      for (let i = 0; i < RELOADS; i++) {
        await a.page.reload();
        await a.join(room, { stored: true });
        await b.moves();
        await a.moves();
      }
      assert.equal(await b.page.evaluate(() => window.seen.most), 1);
      assert.equal((await b.events('leave')).length, RELOADS);
      assert.equal((await b.events('peer')).length, RELOADS);
    });
  }

  for (const letters of ['cc', 'ff', 'cf', 'fc']) {
    it(`a connection whose other end is gone is built anew, ${letters}`, async (t) => {
      const members = await call(t, letters);
      for (const member of members) {
        const begun = performance.now();
        await member.page.evaluate(() => [...window.room.peers.values()][0].pc.close());
        await each(members, async (m) => {
          await m.until(() => [...window.room.peers.values()][0].pc.connectionState === 'connected');
          await m.moves();
        });
        const ms = performance.now() - begun;
        t.diagnostic(`${Math.round(ms)} ms`);
        assert.ok(ms < REBUILD_MS, `${ms} ms`);
      }
    });
  }

  it('restart and rebuild may be asked for by either side', async (t) => {
    const members = await call(t, 'cf');
    for (const member of members) {
      for (const what of ['restart', 'rebuild']) {
        const before = await members[1].page.evaluateHandle(() => [...window.room.peers.values()][0].pc);
        await members[1].page.evaluate(() => { window.log.length = 0; });
        await member.page.evaluate((verb) => [...window.room.peers.values()][0][verb](), what);
        await members[1].until(() => window.log.some((e) => e.type === 'offer' && e.dir === 'out'));
        await each(members, (m) => m.moves());
        const isSame = await before.evaluate((pc) => [...window.room.peers.values()][0].pc === pc);
        assert.equal(isSame, what === 'restart');
      }
    }
  });

  it('a restart that is asked for again while it is under way builds nothing anew', async (t) => {
    const members = await call(t, 'cc');
    const before = await members[1].page.evaluateHandle(() => [...window.room.peers.values()][0].pc);
    await members[0].page.evaluate(async () => {
      const [peer] = window.room.peers.values();
      for (let i = 0; i < 20; i++) {
        peer.restart();
        await new Promise((go) => setTimeout(go));
      }
    });
    await members[1].until(() => window.log.filter((e) => e.type === 'need' && e.dir === 'in').length === 20);
    await each(members, (m) => m.moves());
    assert.ok(await before.evaluate((pc) => [...window.room.peers.values()][0].pc === pc));
  });

  for (const letters of ['cc', 'cf']) {
    it(`a page that goes elsewhere does not come back on its way out, ${letters}`, async (t) => {
      const [a, b] = await call(t, letters);
      await b.page.goto('about:blank');
      await b.page.evaluate(() => { window.faults = []; });
      await a.until(() => window.room.peers.size === 0);
      const told = await a.page.evaluate(() => window.log.map(({ type }) => type).filter((type) => /^peer-/.test(type)));
      assert.deepEqual(told, ['peer-joined', 'peer-away', 'peer-left']);
    });
  }

  it('a page that vanishes without a word is away first and then gone', async (t) => {
    const other = await launchChromium();
    const [a, b] = await gather({ after: () => {} }, [browsers.chromium, other], daemon.url, 'vanishing');
    t.after(() => a.close());
    await a.moves();
    assert.ok(b);
    other.process().kill('SIGKILL');
    await a.until(() => window.seen.events.some(({ type }) => type === 'leave'));
    const [{ reason }] = await a.events('leave');
    assert.equal(reason, 'gone');
    assert.equal(await a.page.evaluate(() => window.room.peers.size), 0);
  });

  it('nothing is left of a room that was left', async (t) => {
    const [a, b, c] = await call(t, 'cff');
    await each([a, b], async (member) => {
      const left = await member.page.evaluate(async () => {
        const [peer] = window.room.peers.values();
        const { pc } = peer;
        await window.room.leave();
        const before = window.log.length;
        await new Promise((go) => setTimeout(go, 4500)); // longer than a ping would take
        return [pc.signalingState, peer.state, window.room.state, window.log.length - before];
      });
      assert.deepEqual(left, ['closed', 'gone', 'closed', 0]);
    });
    assert.deepEqual((await c.events('leave')).map(({ reason }) => reason), ['bye', 'bye']);
  });

  it('a second tab with the same session takes the place of the first', async (t) => {
    const [a, b] = await call(t, 'cc', { stored: true });
    const tab = new Member();
    tab.base = a.base;
    tab.context = { close: () => {} };
    const stored = await a.page.evaluate(() => Object.entries(sessionStorage));
    tab.page = await a.context.newPage();
    await tab.page.goto(`${a.base}/client.d.ts`);
    await tab.page.evaluate((all) => all.forEach(([k, v]) => sessionStorage.setItem(k, v)), stored);
    await tab.page.evaluate(async (room) => {
      const { connect } = await import('/client.js');
      window.room = await connect(undefined, { storage: sessionStorage }).join(room);
    }, `room ${rooms}`);
    await a.until(() => window.room.state === 'closed');
    const { error } = (await a.events('state')).at(-1);
    assert.equal(error.code, 'replaced');
    assert.equal(await b.page.evaluate(() => window.room.peers.size), 1);
  });
});
