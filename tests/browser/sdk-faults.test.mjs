// The connections of the JavaScript client in Chromium, with peers on bare sockets that say what they
// like: nothing of it stops a pair or the page. And what recovery does is done once.
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { startDaemon } from '../lib/daemon.mjs';
import { enter, hear } from '../lib/v1.mjs';
import { launchChromium } from './lib/browsers.mjs';
import { each, gather, Member } from './lib/rooms.mjs';

const ODD = [null, 1.5, 'x', [], {}, { x: 'mic' }, { mic: 'x' }, [null]];

describe('connections of the client', () => {
  let browser, daemon;
  let rooms = 0;

  before(async () => {
    [daemon, browser] = await Promise.all([startDaemon(), launchChromium()]);
  });

  after(async () => {
    await browser.close();
    await daemon?.stop();
  });

  const call = async (t) => {
    const members = await gather(t, [browser, browser], daemon.url, `room ${++rooms}`);
    await each(members, (member) => member.moves());
    return members;
  };

  /** A page and a bare socket in a room. owner: 'page' or 'peer', who comes later. */
  const face = async (t, owner, options = {}) => {
    const room = `room ${++rooms}`;
    const member = await Member.open(browser, daemon.url);
    t.after(() => member.close());
    const joined = owner === 'peer' && await member.join(room, options);
    const { peer, welcome } = await enter(daemon, room);
    const id = joined || await member.join(room, options);
    await member.until(() => window.room.peers.size === 1);
    const say = (message) => peer.text(JSON.stringify({ to: id, ...message }));
    /** All that was said is heard. */
    const heard = async () => {
      say({ type: 'message', data: 'heard' });
      await member.until(() => window.seen.events.some(({ type, data }) => type === 'message' && data === 'heard'));
      await member.page.evaluate(() => new Promise((go) => setTimeout(go)));
    };
    const find = async (type) => {
      for (;;) {
        const message = await hear(peer);
        if (message.type === type) return message;
      }
    };
    return { member, id, self: welcome.id, say, heard, find };
  };

  /** What a browser says to an offer, without taking the call. */
  const answerOf = (member, offer) => member.page.evaluate(async (sdp) => {
    const pc = new RTCPeerConnection();
    await pc.setRemoteDescription({ type: 'offer', sdp });
    await pc.setLocalDescription();
    const answer = pc.localDescription.sdp;
    pc.close();
    return answer;
  }, offer);

  /** An offer for data alone, of a connection that is gone again. */
  const offerOf = (member) => member.page.evaluate(async () => {
    const pc = new RTCPeerConnection();
    pc.createDataChannel('x');
    const { sdp } = await pc.createOffer();
    pc.close();
    return sdp;
  });

  const recoveries = (member) => member.page.evaluate(() => (
    window.log.filter(({ type }) => type === 'recovery').map(({ summary }) => summary)
  ));

  it('take nothing from a peer that is not what it should be', async (t) => {
    const { member, say, heard } = await face(t, 'peer');
    say({ type: 'offer', g: 1, sdp: await offerOf(member) });
    for (const odd of ODD) {
      for (const type of ['meta', 'candidate', 'need', 'answer', 'x', 'rollback']) {
        for (const g of [1, odd]) say({ type, g, sdp: odd, candidate: odd, mids: odd, sources: odd, what: odd });
      }
      say({ type: 'offer', g: 1, sdp: [odd] });
    }
    say({ type: 'meta', g: 1, mids: { 0: 'screen' }, sources: { cam: true, screen: 'yes', 'x y': true, _: true } });
    await heard();
    await member.until(() => [...window.room.peers.values()][0].sources.cam); // one after the other
    const { sources, streams } = await member.page.evaluate(() => {
      const [peer] = window.room.peers.values();
      return { sources: peer.sources, streams: Object.keys(peer.streams) };
    });
    assert.deepEqual(sources, { cam: true });
    assert.deepEqual(streams, []);
    assert.deepEqual(await recoveries(member), []);
  });

  it('are repaired for those only who ask for what there is', async (t) => {
    const { member, say, heard, find } = await face(t, 'page');
    assert.equal((await find('offer')).g, 1);
    await member.page.evaluate(() => new Promise((go) => setTimeout(go, 3100))); // before, all are too early
    for (const what of [...ODD, 'rollback']) say({ type: 'need', g: 1, what });
    await heard();
    assert.deepEqual(await recoveries(member), []);
    say({ type: 'need', g: 1, what: 'rebuild' });
    assert.equal((await find('offer')).g, 2);
  });

  it('are offered again for what the other side wants to send, by the owner alone', async (t) => {
    const { member, say, heard, find } = await face(t, 'page');
    const first = await find('offer');
    const answer = await answerOf(member, first.sdp);
    say({ type: 'offer', g: 1, sdp: first.sdp });
    for (const odd of ODD) say({ type: 'need', g: 1, what: 'offer', sources: odd });
    say({ type: 'need', g: 1, what: 'offer', sources: ['mic', 'cam', 'cam', 'screen', 'x'] });
    say({ type: 'answer', g: 1, sdp: answer });
    const { sdp } = await find('offer');
    assert.deepEqual(sdp.match(/^m=\w+/gm).sort(), ['m=application', 'm=audio', 'm=video', 'm=video']);
    await heard();
    assert.deepEqual(await recoveries(member), []);
  });

  it('have places for as many sources as a member may have, of what kind it says', async (t) => {
    const { member, say, find } = await face(t, 'page', { video: false });
    const first = await find('offer');
    const sources = Array.from({ length: 100 }, (_, i) => `x${i}`);
    const kinds = Object.fromEntries(sources.map((as, i) => [as, ['audio', 'video'][i % 2]]));
    say({ type: 'need', g: 1, what: 'offer', sources, kinds });
    say({ type: 'answer', g: 1, sdp: await answerOf(member, first.sdp) });
    const { sdp } = await find('offer');
    assert.equal(sdp.match(/^m=audio/gm).length, 8);
    assert.equal(sdp.match(/^m=video/gm).length, 8);
  });

  it('carry names that the page made up only to those who say that they take any', async (t) => {
    for (const any of [undefined, true]) {
      const { member, say, find } = await face(t, 'page');
      await member.page.evaluate(() => window.room.publish(window.drawing(), { as: 'canvas' }));
      const first = await find('offer');
      assert.equal(first.sdp.match(/^m=video/gm).length, 1);
      say({ type: 'meta', g: 1, mids: {}, sources: {}, any });
      say({ type: 'need', g: 1, what: 'offer', sources: ['mic', 'cam', 'screen'] });
      say({ type: 'answer', g: 1, sdp: await answerOf(member, first.sdp) });
      const { mids } = await find('meta');
      assert.deepEqual(Object.values(mids), any ? ['cam', 'canvas'] : ['cam']);
      const { sdp } = await find('offer');
      assert.equal(sdp.match(/^m=video/gm).length, 2);
    }
  });

  it('that cannot be made now are asked for later', async (t) => {
    const { member, say, find } = await face(t, 'peer', { rtc: { iceServers: [{ urls: 'nothing' }] } });
    for (const g of [1, 2]) {
      say({ type: 'offer', g, sdp: '' });
      const need = await find('need');
      assert.deepEqual([need.what, need.g], ['rebuild', g]);
    }
    assert.equal(await member.page.evaluate(() => window.room.state), 'open');
  });

  it('are built for offers alone, ever more slowly, and the newest offer is answered', async (t) => {
    const { member, say, heard, find } = await face(t, 'peer');
    const sdp = await offerOf(member);
    await member.page.evaluate(() => {
      const { prototype } = RTCPeerConnection;
      const { createDataChannel } = prototype;
      window.made = 0;
      prototype.createDataChannel = function (label, ...more) {
        window.made += label === 'control';
        return createDataChannel.call(this, label, ...more);
      };
    });
    const made = () => member.page.evaluate(() => window.made);
    for (let g = 1; g <= 100; g++) say({ type: 'candidate', g, candidate: { candidate: '' } });
    for (const type of ['meta', 'need', 'answer']) say({ type, g: 700, what: 'offer', sdp });
    say({ type: 'offer', g: 700, sdp: {} });
    await heard();
    assert.equal(await made(), 0);
    for (let g = 701; g < 730; g++) say({ type: 'offer', g, sdp: 'x' });
    say({ type: 'offer', g: 730, sdp });
    const { g } = await find('answer');
    assert.deepEqual([g, await made()], [730, 3]);
  });

  it('that never can be made let the join fail with the reason', async (t) => {
    const { self } = await face(t, 'page');
    assert.ok(self);
    const member = await Member.open(browser, daemon.url);
    t.after(() => member.close());
    const join = member.join(`room ${rooms}`, { rtc: { iceServers: [{ urls: 'nothing' }] } });
    await assert.rejects(join, /nothing/);
  });

  it('that failed are restarted, and not built anew for it', async (t) => {
    const [a, b] = await call(t);
    await b.page.evaluate(() => {
      const [{ pc }] = window.room.peers.values();
      window.log.length = 0;
      window.first = pc;
      // What a lost way looks like after half a minute.
      Object.defineProperty(pc, 'connectionState', { value: 'failed', configurable: true });
      for (const name of ['iceconnection', 'connection']) pc.dispatchEvent(new Event(`${name}statechange`));
    });
    await b.until(() => window.log.some(({ type, dir }) => type === 'answer' && dir === 'in'));
    assert.deepEqual(await recoveries(b), ['restart']);
    await b.page.evaluate(() => {
      delete window.first.connectionState;
      window.first.dispatchEvent(new Event('connectionstatechange'));
    });
    assert.ok(await b.page.evaluate(() => [...window.room.peers.values()][0].pc === window.first));
    await each([a, b], (member) => member.moves());
  });

  it('whose restart does not help are built anew, whatever the states say meanwhile', async (t) => {
    const [, b] = await call(t);
    await b.page.evaluate(() => {
      const [{ pc }] = window.room.peers.values();
      window.log.length = 0;
      Object.defineProperty(pc, 'connectionState', { value: 'disconnected', configurable: true });
      pc.dispatchEvent(new Event('connectionstatechange'));
      setInterval(() => {
        if (!window.log.some(({ type }) => type === 'recovery')) return;
        for (const name of ['iceconnection', 'connection']) pc.dispatchEvent(new Event(`${name}statechange`));
      }, 500);
    });
    await b.until(() => window.log.some(({ type, summary }) => type === 'recovery' && summary === 'rebuild'));
    assert.deepEqual(await recoveries(b), ['restart', 'rebuild']);
    await b.moves();
  });

  /** In the page: from now on nothing comes, as far as anybody can tell; counts how often that was asked. */
  const fallSilent = () => {
    window.asked = 0;
    window.getStats = RTCPeerConnection.prototype.getStats;
    RTCPeerConnection.prototype.getStats = async () => {
      window.asked++;
      return new Map([['I', { type: 'inbound-rtp', packetsReceived: 5, bytesReceived: 500 }]]);
    };
  };

  it('that bring nothing of what is sent are restarted, and if that does not help built anew', async (t) => {
    const members = await call(t);
    for (const member of members) {
      await member.page.evaluate(() => { window.log.length = 0; });
      await member.page.evaluate(fallSilent);
      await member.page.evaluate(() => [...window.room.peers.values()][0].restart());
      await member.until(() => window.log.filter(({ type }) => type === 'recovery').length === 3);
      await member.page.evaluate(() => { RTCPeerConnection.prototype.getStats = window.getStats; });
      assert.deepEqual(await recoveries(member), ['restart', 'restart', 'rebuild']);
      await each(members, (m) => m.moves());
    }
  });

  it('over which nothing is sent may be silent', async (t) => {
    const members = await gather(t, [browser, browser], daemon.url, `room ${++rooms}`, { video: false });
    await each(members, (member) => member.page.evaluate(fallSilent));
    await each(members, (member) => member.until(() => window.asked === 2));
    for (const member of members) assert.deepEqual(await recoveries(member), []);
  });

  it('have numbers from their first, and none without one', async (t) => {
    const { member } = await face(t, 'peer');
    const code = await member.page.evaluate(() => (
      [...window.room.peers.values()][0].stats().catch((error) => error.code)
    ));
    assert.equal(code, 'closed');

    const [a] = await call(t);
    const first = await a.page.evaluate(async () => {
      const [peer] = window.room.peers.values();
      await peer.stats();
      await window.moving(1, 30000);
      return peer.stats();
    });
    assert.deepEqual([typeof first.rttMs, first.lossPct], ['number', 0]);
    const second = await a.page.evaluate(async () => {
      const [peer] = window.room.peers.values();
      const { pc } = peer;
      peer.rebuild();
      while (peer.pc === pc) await new Promise((go) => setTimeout(go, 20));
      return peer.stats();
    });
    assert.deepEqual([second.lossPct, second.kbpsIn, second.fps], [null, 0, 0]);
  });

  for (const name of ['setRemoteDescription', 'setLocalDescription', 'addIceCandidate']) {
    it(`that are built anew during ${name}() hear what comes then`, async (t) => {
      const [a, b] = await call(t);
      await b.page.evaluate((method) => {
        const [peer] = window.room.peers.values();
        const { prototype } = RTCPeerConnection;
        const real = prototype[method];
        prototype[method] = function (...args) {
          const done = real.apply(this, args);
          prototype[method] = real;
          window.old = this;
          peer.rebuild(); // of a connection that is closed no call ends
          return done;
        };
      }, name);
      const member = name === 'setLocalDescription' ? a : b;
      await member.page.evaluate((method) => {
        const [peer] = window.room.peers.values();
        if (method === 'addIceCandidate') peer.restart();
        else window.room.publish(window.drawing(), { as: 'screen' });
      }, name);
      await b.until(() => window.old?.signalingState === 'closed');
      await each([a, b], (m) => m.moves());
    });
  }

  it('that the page has closed do not hold up what it publishes', async (t) => {
    const [a, b] = await call(t);
    await b.page.evaluate(async () => {
      const [peer] = window.room.peers.values();
      peer.pc.close();
      const source = window.room.publish(window.drawing(), { as: 'screen' });
      await source.replace(window.drawing()).catch(() => {});
    });
    await a.moves(1, { as: 'screen' });
  });
});
