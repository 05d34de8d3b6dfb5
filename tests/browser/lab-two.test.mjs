// Two peers in one page: every arrow is drawn, one step at a time if the reader wants it.
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { startDaemon } from '../lib/daemon.mjs';
import { launchChromium, launchFirefox } from './lib/browsers.mjs';
import { Lab } from './lib/lab.mjs';
import { DESKTOP, look, PHONE } from './lib/look.mjs';

const TALL = { width: 1280, height: 3000 }; // all rows are in sight

describe('two peers in one page', () => {
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

  const open = async (t, browser, options = {}) => {
    const path = '/lab.html#two';
    const all = { path, online: false, viewport: TALL, ...options };
    const lab = await Lab.open(browser, daemon.url, all);
    t.after(() => lab.close());
    return lab;
  };
  /** What was drawn: type, and from where to where for messages. */
  const rows = (lab, filter = '.row') => lab.page.$$eval(filter, (all) => all.map((row) => {
    const { type, way } = row.dataset;
    return `${type} ${way.replace(' → ', '→')}`;
  }));
  const opened = (lab) => lab.until(() => !document.querySelector('#two-hello').disabled);

  for (const name of ['chromium', 'firefox']) {
    it(`connect at once, and every message has its arrow, ${name}`, async (t) => {
      const lab = await open(t, browsers[name]);
      await lab.click('#two-next');
      await opened(lab);
      await lab.says('#two-says', 'Connected');
      for (const way of ['A → B', 'B → A']) {
        await lab.until((w) => document.querySelector(`.row[data-type="candidate"][data-way="${w}"]`), way);
      }
      const messages = await rows(lab, '.row[data-dir="out"]');
      assert.deepEqual(messages.filter((row) => /offer|answer/.test(row)), [
        'offer A→B', 'answer B→A',
      ]);
      const connected = '[data-kind="connection"] .state';
      await lab.until((s) => [...document.querySelectorAll(s)]
        .filter(({ textContent }) => textContent === 'connected').length === 2, connected);
    });
  }

  it('say hello past all signaling', async (t) => {
    const lab = await open(t, browsers.chromium);
    await lab.click('#two-next');
    await opened(lab);
    await lab.click('#two-hello');
    await lab.says('.signals-space', 'hello, past all signaling');
    const types = await lab.page.$$eval('.row[data-dir="out"]', (all) => all.map((row) => row.dataset.type));
    assert.deepEqual([...new Set(types)].sort(), ['answer', 'candidate', 'offer']);
    assert.deepEqual(await rows(lab, '.row[data-type="data"]'), ['data B']);
  });

  it('go step by step: nothing happens before the next one is asked for', async (t) => {
    const lab = await open(t, browsers.chromium);
    await lab.click('#two-stepwise');
    const step = async (says) => {
      await lab.says('#two-says', says);
      await lab.until(() => !document.querySelector('#two-next').disabled);
      await lab.click('#two-next');
    };
    await lab.says('#two-says', 'both get an RTCPeerConnection');
    assert.equal(await lab.page.$('.row'), null);
    await step('both get an RTCPeerConnection');
    await step('makes an offer');
    await lab.says('#two-says', 'the offer is carried from A to B');
    assert.deepEqual(await rows(lab, '.row[data-dir="out"]'), []);
    await step('the offer is carried from A to B');
    await lab.until(() => document.querySelector('.row[data-type="offer"]'));
    // Candidates of A may stand before the answer: they are carried as they come.
    for (let steps = 0; steps < 40; steps++) {
      const isOpen = await lab.page.$eval('#two-hello', (button) => !button.disabled);
      if (isOpen) break;
      await lab.until(() => !document.querySelector('#two-next').disabled
        || !document.querySelector('#two-hello').disabled);
      await lab.page.$eval('#two-next', (button) => button.click());
    }
    await opened(lab);
    await lab.until(() => document.querySelector('.row[data-type="answer"][data-way="B → A"]'));
  });

  it('add a picture: a second offer, compared with the first, and pictures that move', async (t) => {
    const lab = await open(t, browsers.chromium, { viewport: DESKTOP });
    await lab.click('#two-next');
    await opened(lab);
    await lab.click('#two-picture');
    await lab.until(() => document.querySelector('#two-video').videoWidth > 0);
    const time = await lab.page.$eval('#two-video', (video) => video.currentTime);
    await lab.until((t0) => document.querySelector('#two-video').currentTime > t0, time);
    await lab.page.focus('.signals-scroll');
    const isSecondOffer = () => lab.page.evaluate(() => (
      /^offer application video/.test(document.querySelector('.row[aria-selected="true"]')?.ariaLabel)
    ));
    for (let presses = 0; presses < 20 && !(await isSecondOffer()); presses++) {
      const before = await lab.page.$eval('.signals-scroll', (e) => e.getAttribute('aria-activedescendant'));
      await lab.page.keyboard.press('ArrowUp');
      await lab.until((id) => document.querySelector('.signals-scroll')
        .getAttribute('aria-activedescendant') !== id, before);
    }
    await lab.says('.signals-detail', 'video · mid 1');
    const changed = await lab.page.$$eval('.signals-section', (all) => all.map((one) => (
      [one.querySelector('summary').firstChild.textContent.trim(), one.open]
    )));
    assert.ok(changed.some(([title, isOpen]) => title.startsWith('video') && isOpen), changed.join());
    await lab.until(() => document.querySelector('.signals-detail .added'));
  });

  it('restart ICE, and start over', async (t) => {
    const lab = await open(t, browsers.chromium);
    await lab.click('#two-next');
    await opened(lab);
    await lab.click('#two-restart');
    await lab.until(() => document.querySelectorAll('.row[data-type="answer"]').length === 2);
    await lab.click('#two-again');
    await lab.until(() => !document.querySelector('.row')?.checkVisibility());
    await lab.says('#two-next', 'Start');
    await lab.click('#two-next');
    await opened(lab);
    // What is drawn follows at the next frame.
    await lab.until(() => document.querySelectorAll('.row[data-type="offer"][data-way="A → B"]').length === 1);
    await lab.until(() => document.querySelectorAll('.row[data-type="answer"]').length === 1);
  });

  for (const [name, viewport, dark, language] of [
    ['desktop', DESKTOP, false, 'en'], ['phone-dark-ja', PHONE, true, 'ja'],
  ]) {
    it(`look as they should, ${name}`, async (t) => {
      const lab = await open(t, browsers.chromium, { viewport, dark });
      await lab.page.select('#language', language);
      await lab.click('#two-next');
      await opened(lab);
      await lab.click('#two-picture');
      await lab.until(() => document.querySelector('#two-video').videoWidth > 0);
      await look(lab, `lab-two-${name}`);
    });
  }
});
