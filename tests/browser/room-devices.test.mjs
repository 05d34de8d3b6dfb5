// Before the room: whatever becomes of camera and microphone, the page says it in one sentence, in
// both languages, names the way out, and lets one in.
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { startDaemon } from '../lib/daemon.mjs';
import { launchChromium, launchFirefox } from './lib/browsers.mjs';
import { openPages, texts } from './lib/room-page.mjs';

const { en, ja } = texts;
const GRANTED = '--use-fake-ui-for-media-stream';
const devices = (count) => `--use-fake-device-for-media-stream=device-count=${count},fps=10`;

/** In the page, before its scripts: asking fails like that. */
const failing = (name, kinds) => `(() => {
  const real = MediaDevices.prototype.getUserMedia;
  MediaDevices.prototype.getUserMedia = function (constraints) {
    return ${JSON.stringify(kinds)}.some((kind) => constraints[kind])
      ? Promise.reject('${name}' === 'TypeError' ? new TypeError('as a test') : new DOMException('as a test', '${name}'))
      : real.call(this, constraints);
  };
})()`;

describe('before the room', () => {
  let daemon;

  before(async () => { daemon = await startDaemon({ args: ['--server-name', 'lan.test'] }); });
  after(() => daemon?.stop());

  /** The problem is told in both languages, in place of the preview, and one gets in without. */
  async function tells(page, key, error, way) {
    await page.says('#problem-text', en[key]);
    await page.click('#problem-details summary');
    assert.match(await page.text('#problem-name'), error);
    await page.page.select('#language', 'ja');
    assert.equal(await page.text('#problem-text'), ja[key]);
    if (way) assert.equal(await page.text('#problem-button'), ja[way]);
    await page.page.select('#language', 'en');
    await page.click('#join-watch');
    await page.shows('#room');
  }

  describe('with two cameras and microphones', () => {
    let browser;

    before(async () => {
      browser = await launchChromium({
        args: [GRANTED, devices(3), '--host-resolver-rules=MAP lan.test 127.0.0.1'],
      });
    });
    after(() => browser?.close());

    for (const [name, key] of [
      ['NotReadableError', 'problem.busy'],
      ['AbortError', 'problem.failed'],
      ['SecurityError', 'problem.failed'],
      ['TypeError', 'problem.failed'],
    ]) {
      it(`${name} is told as ${key}`, async (t) => {
        const [page] = await openPages(t, [browser], daemon.url, { prepare: failing(name, ['audio', 'video']) });
        await tells(page, key, new RegExp(`^${name}: as a test$`), 'problem.again');
      });
    }

    it('a microphone that fails does not take the camera with it', async (t) => {
      const [page] = await openPages(t, [browser], daemon.url, { prepare: failing('NotReadableError', ['audio']) });
      await page.says('#join-note', en['note.noMic']);
      await page.until(() => document.querySelector('#preview-video').videoWidth > 0);
      await page.page.select('#language', 'ja');
      assert.equal(await page.text('#join-note'), ja['note.noMic']);
    });

    it('a camera that fails does not take the microphone with it', async (t) => {
      const [page] = await openPages(t, [browser], daemon.url, { prepare: failing('NotReadableError', ['video']) });
      await page.says('#join-note', en['note.noCam']);
      assert.equal(await page.attribute('#preview-mic', 'aria-pressed'), 'true');
      await page.page.select('#language', 'ja');
      assert.equal(await page.text('#join-note'), ja['note.noCam']);
    });

    it('another device is taken for one that is gone, and told', async (t) => {
      const gone = { id: 'gone', label: 'Gone' };
      const [page] = await openPages(t, [browser], daemon.url, {
        prepare: `localStorage.setItem('nakodo.room', '${JSON.stringify({ cam: gone, mic: gone })}')`,
      });
      await page.until(() => document.querySelector('#preview-video').videoWidth > 0);
      await page.says('#join-note', en['note.otherDevice']);
      await page.page.select('#language', 'ja');
      assert.equal(await page.text('#join-note'), ja['note.otherDevice']);
    });

    it('the microphone is heard before anybody else hears it', async (t) => {
      const [page] = await openPages(t, [browser], daemon.url);
      await page.until(() => document.querySelector('#join-devices meter').value > 0.05);
      assert.equal(await page.page.evaluate(() => window.opened.sockets.length + window.opened.pcs.length), 0);
    });

    it('name, devices and what was off are remembered', async (t) => {
      const [page] = await openPages(t, [browser], daemon.url);
      await page.until(() => document.querySelectorAll('#join-devices select')[1].options.length > 2);
      const label = await page.page.$$eval('#join-devices select', ([, cam]) => {
        cam.selectedIndex = cam.options.length - 1;
        cam.dispatchEvent(new Event('change'));
        return cam.options[cam.selectedIndex].label;
      });
      await page.until((l) => window.opened.tracks.some((track) => track.label === l), label);
      await page.click('#preview-mic');
      await page.join('Hana');
      await page.click('#leave');
      await Promise.all([page.page.waitForNavigation(), page.click('#ended-again')]);
      await page.until(() => document.querySelector('#preview-video').videoWidth > 0);
      assert.equal(await page.page.$eval('#join-name', (field) => field.value), 'Hana');
      assert.equal(await page.attribute('#preview-mic', 'aria-pressed'), 'false');
      const used = await page.page.evaluate(() => window.opened.tracks.map((track) => track.label));
      assert.deepEqual(used, [label]);
    });

    it('the camera is changed during the call, without negotiating', async (t) => {
      const [hana, ken] = await openPages(t, [browser, browser], daemon.url, { path: '/r/change' });
      await hana.join('Hana');
      await ken.join('Ken', { watch: true });
      await ken.moves('Hana');
      // Without the candidates, which come when they like.
      const negotiated = () => hana.page.evaluate(() => window.opened.pcs.map(({ localDescription }) => (
        localDescription.sdp.replace(/^(a=(candidate|end-of-candidates|rtcp:)|c=).*\r\n|(?<=^m=\w+ )\d+/gm, ''))));
      const before = await negotiated();
      await hana.click('#more');
      await hana.click('#menu-settings');
      await hana.until(() => document.querySelectorAll('#settings-devices select')[1]?.options.length > 2);
      const label = await hana.page.$$eval('#settings-devices select', ([, cam]) => {
        cam.selectedIndex = cam.options.length - 1; // the one between has a format for robots
        cam.dispatchEvent(new Event('change'));
        return cam.options[cam.selectedIndex].label;
      });
      await hana.until((l) => window.opened.tracks.some((track) => (
        track.readyState === 'live' && track.label === l)), label);
      await ken.moves('Hana');
      assert.deepEqual(await negotiated(), before);
    });

    it('the loudspeaker is chosen, and the default one again', async (t) => {
      const [hana, ken] = await openPages(t, [browser, browser], daemon.url, { path: '/r/loud' });
      await hana.join('Hana');
      await ken.join('Ken');
      await hana.moves('Ken');
      await hana.click('#more');
      await hana.click('#menu-settings');
      await hana.until(() => document.querySelectorAll('#settings-devices select')[2]?.options.length > 1);
      for (const index of [1, 0]) {
        const id = await hana.page.$$eval('#settings-devices select', ([, , speaker], at) => {
          speaker.selectedIndex = at;
          speaker.dispatchEvent(new Event('change'));
          return speaker.value;
        }, index);
        assert.equal(Boolean(id), index > 0);
        await hana.until((i) => document.querySelector('.tile:not(:has(.mirrored)) video').sinkId === i, id);
      }
    });

    it('a camera that is taken away during the call is replaced by what there is', async (t) => {
      const [hana, ken] = await openPages(t, [browser, browser], daemon.url, { path: '/r/unplugged' });
      await hana.join('Hana');
      await ken.join('Ken', { watch: true });
      await ken.moves('Hana');
      // No driver can unplug one.
      await hana.page.evaluate(() => {
        const track = window.opened.tracks.find(({ kind }) => kind === 'video');
        track.stop();
        track.dispatchEvent(new Event('ended'));
      });
      await hana.until(() => window.opened.tracks.filter(({ kind }) => kind === 'video').length === 2);
      await ken.moves('Hana');
    });

    it('plain http from elsewhere: says why, and watches, talks by text', async (t) => {
      const lan = `http://lan.test:${daemon.port}`;
      const [ken] = await openPages(t, [browser], lan, { path: '/r/plain' });
      const [hana] = await openPages(t, [browser], daemon.url, { path: '/r/plain' });
      assert.equal(await ken.page.evaluate(() => isSecureContext), false);
      await hana.join('Hana');
      await tells(ken, 'problem.insecure', /isSecureContext is false/);
      await ken.moves('Hana');
      await ken.says('#strip', en['problem.insecure']);
      await ken.openChat();
      await ken.chat('no camera here');
      await hana.says('#status', 'no camera here');
      await ken.page.keyboard.press('Escape');
      await ken.click('#open-people');
      await ken.click('#people-invite');
      await ken.until(() => document.querySelector('#invite-qr').naturalWidth > 0); // it moves the buttons
      await ken.click('#invite-copy');
      await ken.says('#invite-copy', en['invite.copied']);
    });
  });

  describe('in Chromium', () => {
    it('that has a microphone only: takes that, and a camera that is plugged in', async (t) => {
      const browser = await launchChromium({ args: [GRANTED, devices(0)] });
      const [page] = await openPages(t, [browser], daemon.url);
      t.after(() => browser.close());
      await page.says('#join-note', en['note.noCam']);
      await page.shows('#preview-off');
      assert.equal(await page.text('#preview-off'), en['join.camOff']);
      // No driver can plug one in.
      await page.page.evaluate(() => {
        MediaDevices.prototype.getUserMedia = async () => document.createElement('canvas').captureStream(5);
        navigator.mediaDevices.dispatchEvent(new Event('devicechange'));
      });
      await page.until(() => document.querySelector('#preview-cam').getAttribute('aria-pressed') === 'true');
    });

    it('that refuses: says where to allow it', async (t) => {
      const browser = await launchChromium({ args: [] });
      const [page] = await openPages(t, [browser], daemon.url);
      t.after(() => browser.close());
      // Also on a phone on its side, and on a narrow desktop, nothing covers the way out.
      for (const [width, height] of [[844, 390], [700, 600], [1280, 800], [320, 640]]) {
        await page.page.setViewport({ width, height });
        await page.shows('#problem-button');
        assert.ok(await page.page.$eval('#problem-button', (button) => {
          button.scrollIntoView({ block: 'center' });
          const { left, right, top, bottom } = button.getBoundingClientRect();
          return [top + 2, bottom - 2].every((y) => document.elementFromPoint((left + right) / 2, y) === button);
        }), `${width} x ${height}`);
      }
      await tells(page, 'problem.refused', /^NotAllowedError/, 'problem.again');
      await page.click('#cam');
      await page.says('#strip', en['strip.blocked']);
      await page.page.evaluate(() => {
        MediaDevices.prototype.getUserMedia = async () => document.createElement('canvas').captureStream(5);
      });
      await page.says('#strip button', en['problem.again']);
      await page.click('#strip button');
      await page.until(() => !document.querySelector('#strip p') && document.querySelector('#cam[aria-pressed=true]'));
    });
  });

  describe('in Firefox', () => {
    it('that has no camera and no microphone: says so', async (t) => {
      const browser = await launchFirefox({
        prefs: { 'media.navigator.streams.fake': false, 'media.navigator.permission.disabled': true },
      });
      const [page] = await openPages(t, [browser], daemon.url);
      t.after(() => browser.close());
      await tells(page, 'problem.missing', /^NotFoundError/, 'problem.again');
    });

    it('whose question nobody answers: says so after some seconds', async (t) => {
      const browser = await launchFirefox({ prefs: {} });
      const [page] = await openPages(t, [browser], daemon.url);
      t.after(() => browser.close());
      await tells(page, 'problem.asking', /^8 s$/, 'problem.without');
    });

    it('that has no WebRTC: says so, and talks by text', async (t) => {
      const browser = await launchFirefox({ prefs: { 'media.peerconnection.enabled': false } });
      const [page] = await openPages(t, [browser], daemon.url);
      t.after(() => browser.close());
      await tells(page, 'problem.noRtc', /RTCPeerConnection is undefined/);
      await page.openChat();
      await page.chat('text only');
      await page.says('#chat-log', 'text only');
    });
  });
});
