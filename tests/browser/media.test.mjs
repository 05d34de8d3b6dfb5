// What the page says, in both languages, when there is no camera, no permission, no https or no
// WebRTC at all, and that it goes on without.
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { startDaemon } from '../lib/daemon.mjs';
import { launchChromium, launchFirefox } from './lib/browsers.mjs';
import { Lab } from './lib/lab.mjs';

describe('camera and microphone', () => {
  let daemon, chromium;
  let rooms = 0;

  before(async () => {
    daemon = await startDaemon({ args: ['--server-name', 'lab.example'] });
    chromium = await launchChromium();
  });

  after(async () => {
    await chromium?.close();
    await daemon?.stop();
  });

  /** One page in a browser of its own kind. */
  async function open(t, launch, options, base = daemon.url) {
    const browser = await launch(options);
    const lab = await Lab.open(browser, base, { path: `/lab.html?room=${++rooms}` });
    t.after(async () => {
      await lab.close();
      await browser.close();
    });
    return lab;
  }

  /** The notice says the one sentence in English and the other in Japanese. */
  async function says(lab, notice, english, japanese) {
    await lab.page.select('#language', 'en');
    await lab.says(notice, english);
    await lab.page.select('#language', 'ja');
    await lab.says(notice, japanese);
    await lab.page.select('#language', 'en');
  }

  /** Without a camera of its own the page still receives that of another. */
  async function receives(t, lab, hint = 'only receives') {
    const other = await Lab.open(chromium, daemon.url, { path: `/lab.html?room=${rooms}` });
    t.after(() => other.close());
    await other.prepare();
    await lab.click('#connect');
    await lab.moves();
    await lab.says('#hint', hint);
  }

  it('refused in Chromium', async (t) => {
    const lab = await open(t, launchChromium, { args: ['--use-fake-ui-for-media-stream=deny'] });
    await lab.click('#prepare');
    await says(lab, '#notice-media', 'are blocked for this page', 'ブロックされています');
    await receives(t, lab);
  });

  it('refused in Firefox', async (t) => {
    const prefs = { 'permissions.default.camera': 2, 'permissions.default.microphone': 2 };
    const lab = await open(t, launchFirefox, { prefs });
    await lab.click('#prepare');
    await says(lab, '#notice-media', 'are blocked for this page', 'ブロックされています');
    await receives(t, lab);
  });

  it('no camera, and the microphone goes alone', async (t) => {
    const device = '--use-fake-device-for-media-stream=device-count=0';
    const args = ['--use-fake-ui-for-media-stream', device];
    const lab = await open(t, launchChromium, { args });
    await lab.click('#prepare');
    await says(lab, '#notice-media', 'No camera available', 'カメラが使えません（NotFoundError）');
    assert.equal(await lab.text('#local-empty'), 'Camera off');
    await receives(t, lab, 'Connected.');
  });

  it('the browser’s question stays unanswered', { timeout: 90000 }, async (t) => {
    const prefs = { 'media.navigator.permission.disabled': false };
    const lab = await open(t, launchFirefox, { prefs });
    await lab.click('#prepare');
    await says(lab, '#notice-media', 'please answer its question', '許可するかどうかを選んで');
    await receives(t, lab);
  });

  it('errors that fake devices do not have', async (t) => {
    const lab = await open(t, launchChromium, {});
    for (const [name, english, japanese] of [
      ['NotFoundError', 'No camera and no microphone found', 'カメラもマイクも見つかりません'],
      ['NotReadableError', 'in use by another program', 'ほかのアプリ'],
      ['AbortError', 'not be opened (AbortError)', '開けませんでした（AbortError）'],
      ['SecurityError', 'not be opened (SecurityError)', '開けませんでした（SecurityError）'],
    ]) {
      await lab.page.evaluate((error) => {
        navigator.mediaDevices.getUserMedia = async () => { throw new DOMException('', error); };
      }, name);
      await lab.click('#prepare');
      await says(lab, '#notice-media', english, japanese);
    }
  });

  it('one device of the two fails', async (t) => {
    const lab = await open(t, launchChromium, {});
    await lab.page.evaluate(() => {
      const devices = navigator.mediaDevices;
      const real = devices.getUserMedia.bind(devices);
      devices.getUserMedia = async (wanted) => {
        if (wanted.audio) throw new DOMException('', 'NotFoundError');
        return real(wanted);
      };
    });
    await lab.prepare();
    await says(lab, '#notice-media', 'with the camera alone', 'カメラだけで続けます');
  });

  it('plain http from another machine', async (t) => {
    const resolver = '--host-resolver-rules=MAP lab.example 127.0.0.1';
    const args = ['--use-fake-ui-for-media-stream', resolver];
    const lab = await open(t, launchChromium, { args }, `http://lab.example:${daemon.port}`);
    const host = `lab.example:${daemon.port}`;
    await says(lab, '#notice-insecure', `plain http from ${host}`, `${host} から暗号化なしの http`);
    assert.match(await lab.text('#notice-insecure'), /https:\/\/.*http:\/\/localhost/s);
    await lab.click('#prepare');
    await receives(t, lab);
    await lab.chat('still here');
    await lab.says('#chat-lines', 'still here');
    await lab.click('#sdp-sent-copy'); // no clipboard here, yet
    await lab.says('#sdp-sent-copy', 'Copied');
  });

  it('a browser without WebRTC', async (t) => {
    const prefs = { 'media.peerconnection.enabled': false };
    const lab = await open(t, launchFirefox, { prefs });
    await says(lab, '#notice-rtc', 'no RTCPeerConnection', 'RTCPeerConnection がありません');
    for (const id of ['prepare', 'connect', 'hang-up']) {
      assert.ok(await lab.page.$eval(`#${id}`, (button) => button.disabled), id);
    }
    await lab.chat('talk');
    await lab.says('#chat-lines', 'talk');
  });
});
