// Rooms of the JavaScript client in real browsers: who meets whom, and that nobody gets stuck. A
// call is up when pictures move: more frames are decoded, and they have a width.
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { startDaemon } from '../lib/daemon.mjs';
import { launchChromium, launchFirefox } from './lib/browsers.mjs';
import { each, gather, Member } from './lib/rooms.mjs';

const COLD_STARTS = 40;

describe('rooms of the client', () => {
  const browsers = {};
  let daemon;
  let rooms = 0;

  before(async () => {
    daemon = await startDaemon();
    [browsers.chromium, browsers.firefox] = await Promise.all([launchChromium(), launchFirefox()]);
  });

  after(async () => {
    await Promise.all(Object.values(browsers).map((browser) => browser.close()));
    await daemon?.stop();
  });

  const pick = (letters) => [...letters].map((c) => browsers[c === 'f' ? 'firefox' : 'chromium']);
  const meet = (t, letters, options) => gather(t, pick(letters), daemon.url, `room ${++rooms}`, options);

  for (const letters of ['cc', 'ff', 'cf', 'fc', 'ccc', 'fff', 'cfc', 'ccffcf']) {
    const names = [...letters].map((c) => (c === 'f' ? 'firefox' : 'chromium')).join(', ');
    it(`all see all: ${names}`, { timeout: 60000 }, async (t) => {
      const members = await meet(t, letters);
      const times = await each(members, (member) => member.moves(letters.length - 1));
      t.diagnostic(`moving after ${times.map(Math.round).join(', ')} ms`);
    });
  }

  it('the more see a picture, the less of the network each takes', async (t) => {
    const members = await meet(t, 'cfcf');
    const cap = () => Promise.all([...window.room.peers.values()].map(({ pc }) => (
      pc.getSenders().find(({ track }) => track).getParameters().encodings[0].maxBitrate
    )));
    const three = Math.floor(2.5e6 / 3);
    await each(members, (member) => member.moves(3));
    for (const member of members) {
      assert.deepEqual((await member.page.evaluate(cap)).map(Math.floor), [three, three, three]);
    }
    await members[3].page.evaluate(() => window.room.leave());
    await members[2].page.evaluate(() => window.room.leave());
    await members[0].until(() => window.room.peers.size === 1);
    assert.deepEqual(await members[0].page.evaluate(cap), [1.2e6]);
  });

  it('candidates may come inside the descriptions', async (t) => {
    for (const letters of ['cf', 'fc']) {
      const members = await meet(t, letters, { ice: 'vanilla' });
      await each(members, (member) => member.moves());
      await members[0].page.evaluate(() => [...window.room.peers.values()][0].restart());
      const answers = () => window.log.filter(({ type }) => type === 'answer').length === 2;
      await each(members, (member) => member.until(answers));
      const log = await members[0].page.evaluate(() => window.log);
      assert.deepEqual(log.filter(({ type }) => type === 'candidate'), []);
      const descriptions = log.filter(({ type }) => /^(offer|answer)$/.test(type)).map(({ raw }) => raw);
      assert.equal(descriptions.length, 4);
      assert.ok(descriptions.every((raw) => raw.includes('a=candidate:')));
    }
  });

  // After some restarts of Firefox with a Chromium that offers, Chromium sends on a pair that Firefox does
  // not read, and both say that they are connected.
  it('pictures go on after restarts in such a call', { timeout: 120000 }, async (t) => {
    const members = await meet(t, 'fc', { ice: 'vanilla' });
    const answers = (n) => window.log.filter(({ type }) => type === 'answer').length === n;
    for (let i = 1; i <= 5; i++) {
      await each(members, (member) => member.moves());
      await each(members, (member) => member.page.evaluate(() => { window.log.length = 0; }));
      await members[i % 2].page.evaluate(() => [...window.room.peers.values()][0].restart());
      await each(members, (member) => member.until(answers, 1));
    }
    await each(members, (member) => member.moves());
  });

  it('a picture that hardly ever changes, or has not begun, is no reason for repairs', async (t) => {
    const members = (await Promise.all(['cc', 'ff', 'cf', 'fc'].map((letters) => meet(t, letters, { video: false })))).flat();
    await each(members, (member) => member.page.evaluate((fps) => {
      const { prototype } = RTCPeerConnection;
      const { getStats } = prototype;
      window.asked = 0;
      prototype.getStats = function () {
        window.asked++;
        return getStats.call(this);
      };
      window.room.publish(window.drawing(fps), { as: 'cam' });
    }, members.indexOf(member) % 2 ? 0.2 : 0.01));
    await each(members, (member) => member.until(() => [...window.room.peers.values()][0].streams.cam));
    await each(members, (member) => member.page.evaluate(() => { window.asked = 0; }));
    await each(members, (member) => member.until(() => window.asked === 3));
    const repairs = await each(members, (member) => member.page.evaluate(() => (
      window.log.filter(({ type }) => type === 'recovery')
    )));
    assert.deepEqual(repairs.flat(), []);
  });

  it('a member who sends nothing sees the others, whoever came first', async (t) => {
    for (const [letters, silent] of [['cf', 0], ['fc', 1]]) {
      const members = await Promise.all(pick(letters).map((browser) => Member.open(browser, daemon.url)));
      t.after(() => each(members, (member) => member.close()));
      const room = `room ${++rooms}`;
      for (const [i, member] of members.entries()) await member.join(room, { video: i !== silent });
      await members[silent].moves();
    }
  });

  it(`of ${COLD_STARTS} cold starts none is stuck`, { timeout: 180000 }, async (t) => {
    const times = [];
    const stuck = [];
    for (const [letters, count] of [['cc', 20], ['cf', 7], ['fc', 7], ['ff', 6]]) {
      const pages = await Promise.all(pick(letters).map((browser) => Member.open(browser, daemon.url)));
      for (let i = 0; i < count; i++) {
        const room = `cold ${letters} ${i}`;
        const begun = performance.now();
        // At once: who is first is left to chance.
        await each(pages, (page) => page.join(room));
        await each(pages, (page) => page.moves(1, { limit: 20000 }));
        times.push(performance.now() - begun);
        const repairs = await each(pages, (page) => page.page.evaluate(() => (
          window.log.splice(0).filter((e) => e.type === 'recovery').length
        )));
        if (repairs.some(Boolean)) stuck.push(room);
        await each(pages, (page) => page.page.evaluate(() => window.room.leave()));
      }
      await each(pages, (page) => page.close());
    }
    times.sort((a, b) => a - b);
    t.diagnostic(`median ${Math.round(times[times.length >> 1])} ms, slowest ${Math.round(times.at(-1))} ms`);
    assert.equal(times.length, COLD_STARTS);
    assert.deepEqual(stuck, []);
  });

  for (const [letters, count] of [['cc', 8], ['ff', 8], ['cf', 4]]) {
    it(`both add a track at once, ${count} times, ${letters}`, { timeout: 120000 }, async (t) => {
      const members = await meet(t, letters);
      await each(members, (member) => member.moves());
      const publish = () => {
        window.screen_ = window.room.publish(window.drawing(), { as: 'screen' });
      };
      for (let i = 0; i < count; i++) {
        await each(members, (member) => member.page.evaluate(publish));
        await each(members, (member) => member.moves(1, { as: 'screen', limit: 15000 }));
        await each(members, (member) => member.page.evaluate(() => window.screen_.stop()));
        await each(members, (member) => member.until(() => (
          [...window.room.peers.values()].every(({ streams }) => !streams.screen)
        )));
        await each(members, (member) => member.moves());
      }
      // Whoever came first never offers: nothing is rolled back.
      const states = await each(members, (member) => member.page.evaluate(() => (
        window.log.filter(({ type }) => type === 'signaling').map(({ summary }) => summary)
      )));
      assert.ok(!states[0].includes('have-local-offer') && !states[1].includes('have-remote-offer'));
    });
  }

  it('a source that is published anew at once comes again', async (t) => {
    for (const letters of ['cc', 'ff']) {
      const members = await meet(t, letters);
      for (const [i, member] of members.entries()) {
        const other = members[1 - i];
        await member.moves();
        await member.page.evaluate(() => {
          window.screen_ = window.room.publish(window.drawing(), { as: 'screen' });
        });
        await other.moves(1, { as: 'screen' });
        await other.page.evaluate(() => { window.log.length = 0; });
        await member.page.evaluate(() => {
          window.screen_.stop();
          window.room.publish(window.drawing(), { as: 'screen' });
        });
        await other.until(() => window.log.filter(({ type, dir }) => type === 'meta' && dir === 'in').length > 1);
        await other.moves(1, { as: 'screen' });
      }
    }
  });

  it('sources by names that a page made up come as these, beside the camera', async (t) => {
    for (const letters of ['cf', 'fc']) {
      const members = await meet(t, letters);
      await each(members, (member) => member.page.evaluate(() => {
        window.told = [];
        window.room.on('track', ({ as, track, stream, peer }) => (
          window.told.push([as, track.kind, stream === peer.streams[as]])
        ));
        const sound = new AudioContext().createMediaStreamDestination().stream.getAudioTracks()[0];
        window.cam2 = window.room.publish(window.drawing(), { as: 'cam-2' });
        window.room.publish(sound, { as: 'band' });
      }));
      for (const as of ['cam', 'cam-2']) await each(members, (member) => member.moves(1, { as }));
      await each(members, (member) => member.until(() => [...window.room.peers.values()][0].sources.band));
      await each(members, (member) => member.until(() => window.told.some(([as]) => as === 'band')));
      for (const member of members) {
        const told = await member.page.evaluate(() => window.told);
        assert.deepEqual(told.filter(([as]) => as !== 'cam').sort(), [['band', 'audio', true], ['cam-2', 'video', true]]);
        await member.page.evaluate(() => window.cam2.stop());
      }
      await each(members, (member) => member.until(() => {
        const [{ streams, sources }] = window.room.peers.values();
        return streams.cam && streams.band && !streams['cam-2'] && !('cam-2' in sources);
      }));
      await each(members, (member) => member.moves());
    }
  });

  it('who comes later gets them, too, and sends its own from the beginning', async (t) => {
    for (const letters of ['cf', 'fc']) {
      const [a, b] = await Promise.all(pick(letters).map((browser) => Member.open(browser, daemon.url)));
      t.after(() => each([a, b], (member) => member.close()));
      const room = `room ${++rooms}`;
      for (const member of [a, b]) {
        await member.join(room);
        await member.page.evaluate(() => window.room.publish(window.drawing(), { as: 'canvas' }));
      }
      for (const as of ['cam', 'canvas']) await each([a, b], (member) => member.moves(1, { as }));
    }
  });

  /** In the page: the bit rates that its pictures are held to. */
  const rates = () => {
    const [{ pc }] = window.room.peers.values();
    const pictures = pc.getSenders().filter(({ track }) => track?.kind === 'video');
    return pictures.map((sender) => sender.getParameters().encodings[0].maxBitrate);
  };

  it('a bit rate that the page gives counts at once, when it is published again, and in a new connection', async (t) => {
    for (const letters of ['cf', 'fc']) {
      const members = await meet(t, letters);
      const publish = (how) => window.room.publish(window.drawing(), { as: 'cam', ...how });
      await each(members, (member) => member.moves());
      for (const [i, member] of members.entries()) {
        assert.deepEqual(await member.page.evaluate(rates), [1.2e6]);
        await member.page.evaluate(publish, { maxBitrate: 300000 + i });
        assert.deepEqual(await member.page.evaluate(rates), [300000 + i]);
      }
      await members[0].page.evaluate(() => [...window.room.peers.values()][0].rebuild());
      await each(members, (member) => member.until(() => window.log.some(({ type, dir, raw }) => (
        type === 'answer' && /"g":2/.test(raw) && dir
      ))));
      await each(members, (member) => member.moves());
      for (const [i, member] of members.entries()) {
        assert.deepEqual(await member.page.evaluate(rates), [300000 + i]);
        await member.page.evaluate(publish, {});
        assert.deepEqual(await member.page.evaluate(rates), [1.2e6]);
      }
    }
  });

  /** In the page: whether a picture goes by that codec. */
  const sent = async (codec) => {
    const [{ pc }] = window.room.peers.values();
    const all = await pc.getStats();
    return [...all.values()].some(({ type, codecId, framesEncoded }) => (
      type === 'outbound-rtp' && framesEncoded && all.get(codecId)?.mimeType === codec
    ));
  };

  it('pictures go by the codec that the page prefers, also from the middle of a call', async (t) => {
    for (const letters of ['cf', 'fc']) {
      const members = await meet(t, letters, { video: false });
      const publish = (codecs) => window.room.publish(window.drawing(), { as: 'cam', codecs });
      for (const codec of ['video/VP9', 'video/VP8']) {
        for (const member of members) {
          await member.page.evaluate(publish, ['video/none', codec]);
          await member.until(sent, codec);
        }
        await each(members, (member) => member.moves());
      }
    }
  });

  it('the owner chooses the codec even where a browser cannot set that of a sender', async (t) => {
    for (const letters of ['cf', 'fc']) {
      const [, owner] = await meet(t, letters, { video: false });
      await owner.page.evaluate(() => {
        const { setParameters } = RTCRtpSender.prototype;
        RTCRtpSender.prototype.setParameters = function (parameters) {
          for (const encoding of parameters.encodings) delete encoding.codec;
          return setParameters.call(this, parameters);
        };
      });
      for (const codec of ['video/VP9', 'video/VP8']) {
        await owner.page.evaluate((name) => (
          window.room.publish(window.drawing(), { as: 'cam', codecs: [name] })
        ), codec);
        await owner.until(sent, codec);
      }
    }
  });

  it('a camera that is off and on again needs no negotiation', async (t) => {
    for (const letters of ['cc', 'ff']) {
      const [a, b] = await meet(t, letters);
      await each([a, b], (member) => member.moves());
      const offers = () => b.page.evaluate(() => window.log.filter(({ type }) => type === 'offer').length);
      const before = await offers();
      await a.page.evaluate(async () => {
        window.cam = window.room.publish(window.drawing(), { as: 'cam' });
        await window.cam.replace(null);
      });
      await b.until(() => [...window.room.peers.values()][0].sources.cam === false);
      await a.page.evaluate(() => window.cam.replace(window.drawing()));
      await b.until(() => [...window.room.peers.values()][0].sources.cam === true);
      await b.moves();
      assert.equal(await offers(), before);
    }
  });

  it('data goes straight from page to page, in order, without filling the memory', async (t) => {
    for (const letters of ['cf', 'fc']) {
      const [a, b] = await meet(t, letters, { video: false });
      await b.page.evaluate(() => {
        const [peer] = window.room.peers.values();
        window.got = [];
        peer.on('data', ({ data }) => window.got.push(typeof data === 'string' ? data : new Uint8Array(data)[0]));
      });
      await a.page.evaluate(async () => {
        const [peer] = window.room.peers.values();
        for (let i = 0; i < 200; i++) await peer.send(new Uint8Array(16384).fill(i));
        await peer.send('done');
      });
      await b.until(() => window.got.at(-1) === 'done');
      const got = await b.page.evaluate(() => window.got);
      assert.deepEqual(got, [...Array.from({ length: 200 }, (_, i) => i), 'done']);
    }
  });

  it('statistics tell of the path and the pictures', async (t) => {
    for (const letters of ['cc', 'ff']) {
      const [a] = await meet(t, letters);
      await a.moves();
      const stats = await a.page.evaluate(async () => {
        const [peer] = window.room.peers.values();
        await peer.stats();
        for (let i = 0; i < 4; i++) await window.moving(1, 5000); // on a busy machine packets come in gulps
        return peer.stats();
      });
      assert.match(stats.path, /host|prflx/);
      assert.ok(stats.fps > 1 && stats.kbpsIn > 1, JSON.stringify(stats));
    }
  });
});
