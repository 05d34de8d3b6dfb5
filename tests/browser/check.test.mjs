// The self-test: it says what works and what does not, with advice, in both languages; nothing of
// it needs the internet.
import assert from 'node:assert/strict';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { after, before, describe, it } from 'node:test';
import { startCoturn } from '../lib/coturn.mjs';
import { scratch, startDaemon } from '../lib/daemon.mjs';
import { Key } from '../lib/tokens.mjs';
import { launchChromium, launchFirefox } from './lib/browsers.mjs';
import { Lab } from './lib/lab.mjs';
import { DESKTOP, look, PHONE } from './lib/look.mjs';

const COOKIE = 0x2112a442; // RFC 8489, 5
const SEEN = Buffer.from([203, 0, 113, 9]); // an address that this machine does not have

/** One attribute of a STUN message. */
function attribute(type, value) {
  const head = Buffer.alloc(4);
  head.writeUInt16BE(type, 0);
  head.writeUInt16BE(value.length, 2);
  return Buffer.concat([head, value, Buffer.alloc((4 - (value.length % 4)) % 4)]);
}

/** What a STUN server answers to a binding through a router. */
function answer(request) {
  const xored = Buffer.alloc(8);
  xored.writeUInt16BE(1, 0);
  xored.writeUInt16BE(40000 ^ (COOKIE >>> 16), 2);
  xored.writeUInt32BE((SEEN.readUInt32BE(0) ^ COOKIE) >>> 0, 4);
  const body = attribute(0x0020, xored);
  const head = Buffer.from(request.subarray(0, 20));
  head.writeUInt16BE(0x0101, 0);
  head.writeUInt16BE(body.length, 2);
  return Buffer.concat([head, body]);
}

/** A STUN server on loopback that sees us from outside. @returns {Promise<number>} port */
async function stunServer(t) {
  const socket = createSocket('udp4');
  t.after(() => socket.close());
  socket.on('message', (request, { port, address }) => {
    if (request.length >= 20 && request.readUInt32BE(4) === COOKIE) {
      socket.send(answer(request), port, address);
    }
  });
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  return socket.address().port;
}

describe('the self-test', () => {
  let daemon, chromium;

  before(async () => {
    daemon = await startDaemon({ args: ['--server-name', 'lab.example'] });
    chromium = await launchChromium();
  });

  after(async () => {
    await chromium?.close();
    await daemon?.stop();
  });

  /** The page, in a browser of its own kind if it is said how to launch that. */
  async function open(t, { launch, base = daemon.url, ...options } = {}) {
    const browser = await launch?.() ?? chromium;
    const lab = await Lab.open(browser, base, { path: '/check', online: false, ...options });
    t.after(async () => {
      await lab.close();
      if (launch) await browser.close();
    });
    return lab;
  }

  async function run(lab) {
    await lab.click('#check-start');
    await lab.until(() => !document.querySelector('#check-report').hidden);
  }

  /** Marks of all steps by name. */
  const marks = async (lab) => Object.fromEntries(await lab.page.$$eval('.step', (steps) => (
    steps.map((step) => [step.id.slice(5), step.dataset.mark])
  )));
  const step = (lab, name) => lab.text(`#step-${name}`);

  for (const [name, launch] of [['Chromium', launchChromium], ['Firefox', launchFirefox]]) {
    it(`finds nothing in the way, and says that no STUN server is named, ${name}`, async (t) => {
      const lab = await open(t, { launch });
      await run(lab);
      assert.deepEqual(await marks(lab), {
        secure: 'good', webrtc: 'good', server: 'good', microphone: 'good', camera: 'good',
        ice: 'warn', loopback: 'good', bandwidth: 'good',
      });
      await lab.says('#check-status', 'but not to everywhere');
      assert.match(await step(lab, 'server'), /There and back in [\d.]+ ms/);
      assert.match(await step(lab, 'ice'), /names no STUN and no TURN server/);
      assert.match(await step(lab, 'loopback'), /Pictures arrive, frames decoded: [1-9]/);
      assert.match(await step(lab, 'bandwidth'), /[1-9][\d.]* Mbit\/s within this browser/);
    });
  }

  it('lets go of camera and microphone when it is done', async (t) => {
    const lab = await open(t);
    await lab.page.evaluate(() => {
      const real = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
      window.tracks = [];
      navigator.mediaDevices.getUserMedia = async (wanted) => {
        const stream = await real(wanted);
        window.tracks.push(...stream.getTracks());
        return stream;
      };
    });
    await run(lab);
    const states = await lab.page.evaluate(() => window.tracks.map((track) => track.readyState));
    assert.deepEqual(states, ['ended', 'ended']);
  });

  it('writes a report to copy, in the language that is shown', async (t) => {
    const lab = await open(t);
    await run(lab);
    const english = await lab.value('#check-text');
    assert.match(english, /^nakodo self-test, \d{4}-.*\n.*\n.*Chrome.*\n\n✓ Secure context: /);
    assert.match(english, /\n! STUN and TURN: .*\n {4}Own addresses: \d/);
    assert.ok(!/\d+\.\d+\.\d+\.\d+:\d+|candidate/.test(english.replace(/.*Chrome.*/, '')), english);
    await lab.page.select('#language', 'ja');
    await lab.until(() => document.querySelector('#check-text').value.includes('✓ カメラ: '));
    await lab.page.evaluate(() => {
      navigator.clipboard.writeText = async (text) => { window.copied = text; };
    });
    await lab.click('#check-copy');
    await lab.until(() => window.copied === document.querySelector('#check-text').value);
    await lab.says('#check-copy', 'コピーしました');
  });

  it('asks each STUN and TURN server, and says which one fails and why', async (t) => {
    const port = await stunServer(t);
    const coturn = await startCoturn();
    t.after(() => coturn.stop());
    const dead = createSocket('udp4'); // bound, and silent
    t.after(() => dead.close());
    dead.bind(0, '127.0.0.1');
    await once(dead, 'listening');
    const servers = [
      `stun:127.0.0.1:${port}`, `${coturn.url}|user|wrong`,
      `turn:127.0.0.1:${dead.address().port}?transport=udp|user|secret`,
    ];
    const own = await startDaemon({ args: servers.flatMap((server) => ['--ice-server', server]) });
    const lab = await open(t, { base: own.url });
    t.after(() => own.stop());
    await run(lab);
    const said = await step(lab, 'ice');
    assert.equal((await marks(lab)).ice, 'warn', said);
    assert.match(said, /Servers that answer: 1 of 3/);
    assert.match(said, new RegExp(`stun:127.0.0.1:${port}: srflx after \\d+ ms`));
    assert.match(said, new RegExp(`turn:127.0.0.1:${coturn.port}.*: 401, user or password is wrong`));
    assert.match(said, new RegExp(`turn:127.0.0.1:${dead.address().port}.*: (701, not reached|no relay)`));
    assert.ok(!said.includes('wrong)') && !(await lab.value('#check-text')).includes('|secret'));
    assert.equal((await marks(lab)).loopback, 'good'); // without TURN that works it goes as it can
  });

  it('says what to do without https', async (t) => {
    const resolver = '--host-resolver-rules=MAP lab.example 127.0.0.1';
    const args = ['--use-fake-ui-for-media-stream', resolver];
    const base = `http://lab.example:${daemon.port}`;
    const lab = await open(t, { launch: () => launchChromium({ args }), base });
    await run(lab);
    const found = await marks(lab);
    assert.equal(found.secure, 'bad');
    assert.equal(found.microphone, 'skip');
    assert.equal(found.camera, 'skip');
    assert.equal(found.loopback, 'good');
    assert.match(await step(lab, 'secure'), /Open the page by https:/);
    await lab.says('#check-status', 'Steps that failed: 1');
  });

  it('says what to do when the devices are blocked', async (t) => {
    const args = ['--use-fake-ui-for-media-stream=deny'];
    const lab = await open(t, { launch: () => launchChromium({ args }) });
    await run(lab);
    for (const name of ['microphone', 'camera']) {
      assert.match(await step(lab, name), /Blocked for this page\.\s+Allow it with the icon/);
    }
    assert.equal((await marks(lab)).loopback, 'good');
    assert.ok(!(await step(lab, 'loopback')).includes('Pictures'));
  });

  it('tells a camera that is missing from a microphone that works', async (t) => {
    const device = '--use-fake-device-for-media-stream=device-count=0';
    const args = ['--use-fake-ui-for-media-stream', device];
    const lab = await open(t, { launch: () => launchChromium({ args }) });
    await run(lab);
    assert.match(await step(lab, 'camera'), /None found/);
    assert.equal((await marks(lab)).microphone, 'good');
  });

  it('says so when there is no WebRTC', async (t) => {
    const prefs = { 'media.peerconnection.enabled': false, 'media.navigator.permission.disabled': true };
    const lab = await open(t, { launch: () => launchFirefox({ prefs }) });
    await run(lab);
    const found = await marks(lab);
    assert.equal(found.webrtc, 'bad');
    for (const name of ['ice', 'loopback', 'bandwidth']) assert.equal(found[name], 'skip');
    assert.equal(found.server, 'good');
  });

  it('says so when the server is gone, and when only its WebSocket is', async (t) => {
    const gone = await startDaemon();
    const lab = await open(t, { base: gone.url });
    await gone.stop();
    await run(lab);
    assert.match(await step(lab, 'server'), /does not answer.*Is nakodo still running/s);
    assert.match(await step(lab, 'ice'), /could not be read/);
    const off = await startDaemon({ args: ['--mount', '/v1=off'] });
    const other = await open(t, { base: off.url });
    t.after(() => off.stop());
    await run(other);
    assert.match(await step(other, 'server'), /The server answers, but no WebSocket opens/);
  });

  it('says that the server is there when it asks for a token', async (t) => {
    const guarded = await startDaemon({ args: ['--auth', 'token', '--auth-key', new Key(scratch()).option] });
    t.after(() => guarded.stop());
    const lab = await open(t, { base: guarded.url });
    await run(lab);
    assert.match(await step(lab, 'server'), /lets in invited people only.*Open the link/s);
    assert.equal((await marks(lab)).server, 'warn');
  });

  it('says that the data channel was closed while it was measured, and ends', async (t) => {
    const lab = await open(t);
    await lab.page.evaluate(() => {
      const pcs = [];
      window.RTCPeerConnection = new Proxy(RTCPeerConnection, {
        construct: (Real, args) => pcs[pcs.push(new Real(...args)) - 1],
      });
      const { addEventListener } = RTCDataChannel.prototype;
      RTCDataChannel.prototype.addEventListener = function (type, ...rest) {
        // It waits for room in the channel: the other side goes away.
        if (type === 'bufferedamountlow') pcs.at(-1).close();
        return addEventListener.call(this, type, ...rest);
      };
    });
    await run(lab);
    assert.match(await step(lab, 'bandwidth'), /closed after \d+ kB/);
    assert.equal((await marks(lab)).bandwidth, 'bad');
  });

  it('can be run again', async (t) => {
    const lab = await open(t);
    await run(lab);
    await lab.click('#check-start');
    await lab.until(() => document.querySelector('#check-report').hidden);
    await lab.until(() => !document.querySelector('#check-report').hidden);
    assert.equal((await marks(lab)).bandwidth, 'good');
  });

  for (const [name, viewport, dark, language] of [
    ['desktop', DESKTOP, false, 'en'], ['phone-dark-ja', PHONE, true, 'ja'],
  ]) {
    it(`looks as it should, before and after, ${name}`, async (t) => {
      const lab = await open(t, { viewport, dark });
      await lab.page.select('#language', language);
      await look(lab, `check-${name}-fresh`);
      await run(lab);
      await look(lab, `check-${name}`);
    });
  }
});
