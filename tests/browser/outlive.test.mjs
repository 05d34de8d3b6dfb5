// A call outlives the server: it is killed and comes back with nothing remembered, and pictures never stand
// still meanwhile. Who is who the pages settle themselves, and nobody takes the place of somebody else.
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { startDaemon } from '../lib/daemon.mjs';
import { enter, hear, Session } from '../lib/v1.mjs';
import { launchChromium, launchFirefox } from './lib/browsers.mjs';
import { each, Member } from './lib/rooms.mjs';

const STILL_MS = 500; // at ten pictures a second

/** In the page, before it joins: keeps its way to the server shut as told, and what goes over `control`. */
function prepare() {
  window.isHeld = false;
  const Real = WebSocket;
  window.WebSocket = class extends Real {
    constructor(url, protocols) {
      super(window.isHeld ? new URL('/closed', url) : url, protocols);
    }
  };
  window.iceUser = () => /ice-ufrag:(\S+)/.exec(window.before[0].peer.pc.currentLocalDescription?.sdp)?.[1];
  window.controls = [];
  const make = RTCPeerConnection.prototype.createDataChannel;
  RTCPeerConnection.prototype.createDataChannel = function (label, init) {
    const channel = make.call(this, label, init);
    if (label === 'control') {
      const control = { pc: this, channel, heard: [], send: channel.send.bind(channel) };
      channel.addEventListener('message', ({ data }) => control.heard.push(data));
      channel.send = (text) => window.isSilent || control.send(text);
      window.controls.push(control);
    }
    return channel;
  };
}

/** In the page: from now on, what is seen, who is there and how many frames of each were decoded. */
function record() {
  window.seen.events.length = 0;
  window.before = [...window.room.peers.values()].map((peer) => (
    { peer, pc: peer.pc, track: peer.streams.cam.getVideoTracks()[0].id, samples: [] }
  ));
  setInterval(() => window.before.forEach(async ({ pc, track, samples }) => {
    const at = performance.now();
    if (pc.signalingState === 'closed') return;
    const reports = [...(await pc.getStats()).values()];
    const report = reports.find(({ type, trackIdentifier }) => type === 'inbound-rtp' && trackIdentifier === track);
    samples.push({ at, frames: report?.framesDecoded ?? 0 });
  }), 100);
}

/** In the page: the longest time, in ms, that the pictures of somebody stood still. */
function longestStill() {
  return Math.max(...window.before.map(({ samples }) => {
    let [since, longest] = [samples[0], 0];
    for (const sample of samples) {
      longest = Math.max(longest, sample.at - since.at);
      if (sample.frames !== since.frames) since = sample;
    }
    return longest;
  }));
}

describe('a call outlives the server', () => {
  const browsers = {};
  let rooms = 0;

  before(async () => {
    [browsers.c, browsers.f] = await Promise.all([launchChromium(), launchFirefox()]);
  });

  after(() => Promise.all(Object.values(browsers).map((browser) => browser.close())));

  /** Pages in a call, whose server hears nothing any more, while they do this, and then is killed, and
   *  `back`, which starts it anew. */
  const orphans = async (t, letters, act = async () => {}) => {
    const server = await startDaemon();
    const members = await each([...letters], (c) => Member.open(browsers[c], server.url));
    t.after(() => each(members, (member) => member.close()));
    const room = `room ${++rooms}`;
    for (const member of members) {
      await member.page.evaluate(prepare);
      await member.join(room);
    }
    await each(members, (member) => member.moves(letters.length - 1));
    await each(members, (member) => member.page.evaluate(record));
    server.halt();
    await act(members);
    await server.kill();
    await each(members, (member) => member.until(() => window.room.state === 'reconnecting'));
    const back = async () => {
      const daemon = await startDaemon({ args: ['--listen', `127.0.0.1:${server.port}`] });
      t.after(() => daemon.child.signalCode ?? daemon.stop());
      return daemon;
    };
    return { members, room, back };
  };

  const hold = (member, isHeld) => member.page.evaluate((value) => {
    window.isHeld = value;
    if (!value) dispatchEvent(new Event('online'));
  }, isHeld);

  const isBack = (member) => member.until(() => window.seen.events.some(({ fresh }) => fresh));

  /** Starts the server, and lets them come back in this order. */
  const comeBack = async (t, { back }, members) => {
    await each(members, (member) => hold(member, true));
    const daemon = await back();
    for (const member of members) {
      await hold(member, false);
      await isBack(member);
    }
    return daemon;
  };

  /** All are recognised, and that is all there was to be seen. */
  const allAgain = async (members) => {
    await each(members, (member) => member.until(
      (n) => window.seen.events.filter(({ type }) => type === 'again').length === n, members.length - 1,
    ));
    const ids = await each(members, (member) => member.page.evaluate(() => window.room.self.id));
    await each(members, async (member, i) => {
      const [told, known, isSame] = await member.page.evaluate(() => [
        window.seen.events.map(({ type, code }) => code ?? type).filter((type) => type !== 'state'),
        [...window.room.peers].map(([id, { id: own, away }]) => [id, own, away]),
        window.before.every(({ peer, pc }) => peer.pc === pc && window.room.peers.get(peer.id) === peer),
      ]);
      assert.ok(isSame, 'a connection, or a peer, is not the one it was');
      assert.ok(told.every((type) => type === 'again'), String(told));
      const others = ids.filter((id, k) => k !== i);
      assert.deepEqual(known.sort(), others.map((id) => [id, id, false]).sort());
    });
  };

  const neverStill = async (t, members) => {
    await each(members, (member) => member.until(() => window.before.every(({ samples }) => samples.length > 30)));
    const longest = await each(members, (member) => member.page.evaluate(longestStill));
    t.diagnostic(`pictures stood still for ${longest.map(Math.round)} ms at most`);
    assert.ok(Math.max(...longest) < STILL_MS, `${longest} ms`);
  };

  for (const letters of ['cc', 'ff', 'cf', 'ccc']) {
    it(`with the same connections, and pictures that never stand still, ${letters}`, async (t) => {
      const { members, back } = await orphans(t, letters);
      await back();
      await allAgain(members);
      await each(members, (member) => member.moves(letters.length - 1));
      await neverStill(t, members);
    });
  }

  it('with sources and bit rates that the pages said meanwhile', async (t) => {
    const { members, back } = await orphans(t, 'cf');
    await each(members, (member) => member.page.evaluate(() => {
      window.room.publish(window.drawing(), { as: 'cam', maxBitrate: 300000 });
      window.room.publish(window.drawing(), { as: 'canvas', maxBitrate: 200000 });
    }));
    await back();
    await allAgain(members);
    for (const as of ['cam', 'canvas']) await each(members, (member) => member.moves(1, { as }));
    const rates = await each(members, (member) => member.page.evaluate(() => {
      const pictures = window.before[0].pc.getSenders().filter(({ track }) => track?.kind === 'video');
      return pictures.map((sender) => sender.getParameters().encodings[0].maxBitrate).sort();
    }));
    assert.deepEqual(rates, [[200000, 300000], [200000, 300000]]);
  });

  it('with a source of which nobody could be told any more', async (t) => {
    const { members, back } = await orphans(t, 'cc', async ([a]) => {
      await a.page.evaluate(() => { window.room.publish(window.drawing(), { as: 'screen' }); });
      await a.until(() => window.log.some(({ type, dir }) => type === 'need' && dir === 'out'));
    });
    await back();
    await allAgain(members);
    await members[1].moves(1, { as: 'screen' });
    await neverStill(t, members);
  });

  for (const [letters, order] of [['cc', 'as they came'], ['cc', 'the other way round'], ['cf', 'the other way round']]) {
    it(`and is restarted and sends more afterwards, ${letters}, back ${order}`, async (t) => {
      const call = await orphans(t, letters);
      const { members } = call;
      const [a, b] = members;
      const publish = () => { window.screen1 = window.room.publish(window.drawing(), { as: 'screen' }); };
      await a.page.evaluate(publish); // while nobody can be told
      await comeBack(t, call, order === 'as they came' ? [a, b] : [b, a]);
      await allAgain(members);
      await b.moves(1, { as: 'screen' });
      await b.page.evaluate(publish);
      await a.moves(1, { as: 'screen' });
      await a.page.evaluate(() => window.screen1.replace(null));
      await b.until(() => window.before[0].peer.sources.screen === false);
      await neverStill(t, members);
      for (const member of members) {
        const restarts = await each(members, (m) => m.page.evaluate(() => window.iceUser()));
        await member.page.evaluate(() => window.before[0].peer.restart());
        await each(members, (m, i) => m.until((user) => (
          window.iceUser() !== user && window.before[0].peer.pc.signalingState === 'stable'
        ), restarts[i]));
        await each(members, (m) => m.moves());
      }
      await each(members, (member) => member.page.evaluate(() => {
        window.got = new Promise((resolve) => window.before[0].peer.on('data', resolve));
      }));
      await each(members, (member) => member.page.evaluate(() => window.before[0].peer.send('still here')));
      for (const { data } of await each(members, (member) => member.page.evaluate(() => window.got))) {
        assert.equal(data, 'still here');
      }
      // At a restart Firefox forgets which side of DTLS it was, and Chromium lets it be built anew.
      const isSame = await a.page.evaluate(() => window.before[0].peer.pc === window.before[0].pc);
      assert.ok(isSame || letters === 'cf');
      await b.page.evaluate(() => {
        window.restarted = window.before[0].peer.pc;
        window.before[0].peer.rebuild();
      });
      await b.until(() => window.before[0].peer.pc !== window.restarted);
      await each(members, (member) => member.moves());
    });
  }

  it('and the server again, and again', async (t) => {
    const call = await orphans(t, 'cc');
    const { members } = call;
    await hold(members[1], true);
    const server = await call.back();
    await isBack(members[0]);
    server.child.kill('SIGKILL');
    await server.exit();
    await members[0].until(() => window.room.state === 'reconnecting');
    await hold(members[1], false);
    await call.back();
    await allAgain(members);
    await neverStill(t, members);
  });

  it('while a connection that died meanwhile is built anew', async (t) => {
    const call = await orphans(t, 'ccc');
    const { members } = call;
    const [a, b, c] = members;
    await a.page.evaluate(() => window.before[0].pc.close());
    await b.until(() => window.before[0].peer.state === 'interrupted');
    await call.back();
    await each(members, (member) => member.until(() => window.room.peers.size === 2));
    await each(members, (member) => member.moves(2));
    const told = await each(members, async (member) => (
      (await member.page.evaluate(() => window.seen.events.map(({ type }) => type)))
        .filter((type) => /peer|leave|again/.test(type)).sort()
    ));
    assert.deepEqual(told[2], ['again', 'again']);
    for (const events of told.slice(0, 2)) {
      assert.ok(events.includes('again') && events.includes('leave'), String(events));
    }
    await neverStill(t, [c]);
  });

  it('and a guest who was not in it before is somebody new', async (t) => {
    const call = await orphans(t, 'cc');
    const [a, b] = call.members;
    await hold(b, true);
    const server = await call.back();
    await isBack(a);
    const guest = await Member.open(browsers.c, server.url);
    t.after(() => guest.close());
    const id = await guest.join(call.room);
    await each([a, guest], (member) => member.until((self) => (
      window.seen.events.some(({ type, peer }) => type === 'peer' && peer === self) || window.room.self.id === self
    ), id));
    await guest.moves();
    await hold(b, false);
    await guest.moves(2);
    await b.until(() => window.seen.events.some(({ type }) => type === 'again'));
    await each([a, b], (member) => member.moves(2));
    await neverStill(t, [a, b]);
  });

  it('and what a guest said is heard who left before it was known who that is', async (t) => {
    const call = await orphans(t, 'cc');
    const [a, b] = call.members;
    await hold(b, true);
    const server = await call.back();
    await isBack(a);
    const silent = await Session.join(server.ws, call.room, { name: 'Nobody' });
    await silent.bye();
    const guest = await Session.join(server.ws, call.room, { name: 'Hana' });
    guest.send({ type: 'chat', text: 'Is this the wrong room?' });
    await guest.bye();
    await a.until((id) => window.seen.events.some(({ type, peer }) => type === 'leave' && peer === id), guest.id);
    const told = await a.page.evaluate(() => window.seen.events.filter(({ type }) => /peer|leave|chat/.test(type)));
    assert.deepEqual(told.map(({ type, peer, from, name, text }) => [type, peer ?? from, name, text]), [
      ['peer', guest.id, undefined, undefined], ['chat', guest.id, 'Hana', 'Is this the wrong room?'], ['leave', guest.id, undefined, undefined],
    ]);
    await hold(b, false);
    await each([a, b], (member) => member.until(() => window.seen.events.some(({ type }) => type === 'again')));
    await neverStill(t, [a, b]);
  });

  it('until the other end does not come back', async (t) => {
    const call = await orphans(t, 'cc');
    const [a, b] = call.members;
    await hold(b, true);
    await call.back();
    await isBack(a);
    const peer = await a.page.evaluate(() => [window.before[0].peer.away, window.room.peers.size]);
    assert.deepEqual(peer, [true, 1]);
    await a.until(() => window.seen.events.some(({ type, reason }) => type === 'leave' && reason === 'lost'));
    assert.equal(await a.page.evaluate(() => window.room.peers.size), 0);
    await hold(b, false);
    await each([a, b], (member) => member.moves());
  });

  it('but who shows a secret that another was told is not taken for that one', async (t) => {
    const call = await orphans(t, 'cc');
    const [a, b] = call.members;
    await hold(b, true);
    const server = await call.back();
    await isBack(a);
    await b.until(() => window.controls[0].heard.length);
    const { id, secret } = await b.page.evaluate(() => JSON.parse(window.controls[0].heard[0]));
    const { peer: thief, welcome } = await enter(server, call.room);
    for (const shown of [secret, null, 'x', [secret], {}]) {
      thief.text(JSON.stringify({ type: 'again', to: id, secret: shown }));
    }
    await a.until((self) => window.seen.events.some(({ type, peer }) => type === 'peer' && peer === self), welcome.id);
    assert.deepEqual(await a.page.evaluate((self) => [
      window.room.peers.get(self).pc, window.before[0].peer.pc === window.before[0].pc, window.before[0].peer.away,
    ], welcome.id), [null, true, true]);
    assert.ok(!(await a.events('again')).length);
    await hold(b, false);
    await each([a, b], (member) => member.until(() => window.seen.events.some(({ type }) => type === 'again')));
    assert.ok(await a.page.evaluate(() => window.before[0].peer.pc === window.before[0].pc));
    await hear(thief);
    await neverStill(t, [a, b]);
  });

  it('and who claims the id of another over its own connection gets nothing by it', async (t) => {
    const call = await orphans(t, 'ccc');
    const [a, liar, c] = call.members;
    await each([liar, c], (member) => hold(member, true));
    await call.back();
    await isBack(a);
    // c comes, and does not say over its connection that it is.
    await c.page.evaluate(() => { window.isSilent = true; });
    await hold(c, false);
    await isBack(c);
    const id = await c.page.evaluate(() => window.room.self.id);
    const lies = [{ id, secret: 'a'.repeat(22) }, { id, secret: 1 }, { id: 1, secret: 'a'.repeat(22) }, null, [], 'x'];
    await liar.page.evaluate((all) => {
      const { channel, send } = window.controls[0]; // its connection with a, who came first
      if (channel.readyState === 'open') all.forEach((claim) => send(JSON.stringify(claim)));
      send('{');
      send(JSON.stringify(all[0]));
    }, lies);
    await a.until((self) => window.seen.events.some(({ type, peer }) => type === 'peer' && peer === self), id);
    const [peers, isTheLiars] = await a.page.evaluate((self) => [
      [...window.room.peers.keys()].includes(self),
      window.before[0].pc === window.room.peers.get(self).pc,
    ], id);
    assert.deepEqual([peers, isTheLiars], [true, false]);
    await hold(liar, false);
    await each(call.members, (member) => member.moves(2));
    assert.equal((await a.events('again')).length, 0);
  });
});
