// Signaling by hand: two windows meet by copy and paste, with no server left, and whoever pastes
// the wrong thing is told what is wrong with it.
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { startDaemon } from '../lib/daemon.mjs';
import { launchChromium, launchFirefox } from './lib/browsers.mjs';
import { Lab } from './lib/lab.mjs';
import { DESKTOP, look, PHONE } from './lib/look.mjs';

describe('signaling by hand', () => {
  const browsers = {};
  let daemon;

  before(async () => {
    daemon = await startDaemon();
    [browsers.chromium, browsers.firefox] = await Promise.all([launchChromium(), launchFirefox()]);
  });

  after(async () => {
    await Promise.all(Object.values(browsers).map((browser) => browser.close()));
    await daemon?.stop();
  });

  const open = async (t, browser, base, options = {}) => {
    const path = '/lab.html#manual';
    const lab = await Lab.open(browser, base, { path, online: false, ...options });
    t.after(() => lab.close());
    return lab;
  };
  const told = (lab, text) => lab.says('#manual-status', text);
  const paste = (lab, id, text) => lab.page.$eval(id, (area, value) => { area.value = value; }, text);

  async function offer(lab) {
    await lab.click('#manual-offer');
    await told(lab, 'The offer is ready');
    return lab.value('#manual-own-offer');
  }

  async function answer(lab, text) {
    await lab.click('.switch label:has([value=reply])');
    await paste(lab, '#manual-their-offer', text);
    await lab.click('#manual-answer');
    await told(lab, 'The answer is ready');
    return lab.value('#manual-own-answer');
  }

  async function accept(lab, text) {
    await paste(lab, '#manual-their-answer', text);
    await lab.click('#manual-accept');
    await told(lab, 'Connected');
  }

  for (const [caller, callee] of [
    ['chromium', 'chromium'], ['firefox', 'firefox'],
    ['chromium', 'firefox'], ['firefox', 'chromium'],
  ]) {
    it(`connects ${caller} with ${callee} after the daemon was stopped`, async (t) => {
      const gone = await startDaemon();
      const a = await open(t, browsers[caller], gone.url);
      const b = await open(t, browsers[callee], gone.url);
      await gone.stop();
      await accept(a, await answer(b, await offer(a)));
      await told(b, 'Connected');
      // The channel opens a little after that.
      for (const lab of [a, b]) await lab.until(() => !document.querySelector('#manual-text').disabled);
      await a.type('#manual-text', 'by hand <b>');
      await a.page.keyboard.press('Enter');
      await b.says('#manual-lines', 'by hand <b>');
      await b.type('#manual-text', '返事');
      await b.page.keyboard.press('Enter');
      await a.says('#manual-lines', '返事');
      assert.equal(await a.text('#manual-connection dd'), 'connected');
    });
  }

  it('shows the other side’s camera', async (t) => {
    const a = await open(t, browsers.chromium, daemon.url);
    const b = await open(t, browsers.chromium, daemon.url);
    for (const lab of [a, b]) await lab.click('#manual-camera');
    await accept(a, await answer(b, await offer(a)));
    for (const lab of [a, b]) {
      await lab.until(() => document.querySelector('#manual-video').videoWidth > 0);
      const time = await lab.page.$eval('#manual-video', (video) => video.currentTime);
      await lab.until((t0) => document.querySelector('#manual-video').currentTime > t0, time);
    }
  });

  it('takes bare SDP, and a text that a mail has broken into lines', async (t) => {
    const a = await open(t, browsers.chromium, daemon.url);
    const b = await open(t, browsers.chromium, daemon.url);
    const { sdp } = JSON.parse(await offer(a));
    const code = await answer(b, `\n${sdp.replaceAll('\r\n', '\n')}\n`);
    await accept(a, code.replace(/(.{70})/g, '$1\r\n'));
    await told(b, 'Connected');
  });

  it('says what is wrong with what was pasted', async (t) => {
    const a = await open(t, browsers.chromium, daemon.url);
    const b = await open(t, browsers.chromium, daemon.url);
    await a.click('#manual-accept');
    await told(a, 'make one first');
    const own = await offer(a);
    const other = await offer(b);
    for (const [text, sentence] of [
      ['', 'Paste the text first'],
      ['hello', 'no offer and no answer'],
      ['{"type":5,"sdp":"v=0"}', 'no offer and no answer'],
      [own, 'this page’s own text'],
      [other, 'That is an offer'],
      ['{"type":"answer","sdp":"nonsense"}', 'That did not work'],
    ]) {
      await paste(a, '#manual-their-answer', text);
      await a.click('#manual-accept');
      await told(a, sentence);
    }
    const late = await answer(b, own);
    await paste(b, '#manual-their-offer', late);
    await b.click('#manual-answer');
    await told(b, 'That is an answer');
    await accept(a, await answer(b, own));
  });

  it('starts over with nothing left of the try before', async (t) => {
    const a = await open(t, browsers.chromium, daemon.url);
    const first = await offer(a);
    await a.click('#manual-again');
    await told(a, 'Begin with step 1');
    assert.equal(await a.value('#manual-own-offer'), '');
    assert.equal(await a.text('#manual-signaling dd'), '–');
    assert.notEqual(await offer(a), first);
  });

  for (const [what, press] of [
    ['begins again', '#manual-again'], ['takes the other side', '.switch label:has([value=reply])'],
  ]) {
    it(`lets go of a camera that comes after one ${what}, and says nothing of it`, async (t) => {
      const a = await open(t, browsers.chromium, daemon.url);
      await a.click('#manual-camera');
      await a.page.evaluate(() => {
        const real = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
        navigator.mediaDevices.getUserMedia = async (wanted) => {
          window.stream = await real(wanted);
          await new Promise((resolve) => { window.allow = resolve; });
          return window.stream;
        };
      });
      await a.click('#manual-offer');
      await a.until(() => window.allow);
      await a.click(press);
      await told(a, 'Begin with step 1');
      await a.page.evaluate(() => window.allow());
      await a.until(() => window.stream.getTracks().every((track) => track.readyState === 'ended'));
      await told(a, 'Begin with step 1');
      assert.equal(await a.page.$eval('#manual-offer', (button) => button.disabled), false);
      assert.equal(await a.text('#manual-signaling dd'), '–');
    });
  }

  for (const [name, viewport, dark, language] of [
    ['desktop', DESKTOP, false, 'en'], ['phone-dark-ja', PHONE, true, 'ja'],
  ]) {
    it(`looks as it should when it is connected, ${name}`, async (t) => {
      const a = await open(t, browsers.chromium, daemon.url, { viewport, dark });
      const b = await open(t, browsers.chromium, daemon.url);
      await accept(a, await answer(b, await offer(a)));
      await a.page.select('#language', language);
      await look(a, `lab-manual-${name}`);
      await a.page.select('#language', 'en');
    });
  }
});
