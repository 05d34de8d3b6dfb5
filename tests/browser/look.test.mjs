// How the lab looks and how it is reached: no sideways scroll on a phone, enough contrast in light
// and dark, a name for everything, the keyboard alone.
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { startDaemon } from '../lib/daemon.mjs';
import { launchChromium } from './lib/browsers.mjs';
import { Lab, pair } from './lib/lab.mjs';
import { DESKTOP, look, PHONE } from './lib/look.mjs';

describe('the pages', () => {
  let daemon;
  const browsers = {};

  before(async () => {
    daemon = await startDaemon();
    browsers.en = await launchChromium();
    browsers.ja = await launchChromium({ language: 'ja' });
  });

  after(async () => {
    await Promise.all(Object.values(browsers).map((browser) => browser.close()));
    await daemon?.stop();
  });

  for (const [name, language, viewport, dark] of [
    ['desktop', 'en', DESKTOP, false],
    ['desktop-dark-ja', 'ja', DESKTOP, true],
    ['phone', 'en', PHONE, false],
    ['phone-dark-ja', 'ja', PHONE, true],
  ]) {
    it(`lab, ${name}`, async (t) => {
      const options = { path: `/lab.html?room=${name}`, viewport, dark };
      const [lab, other] = await pair(t, browsers[language], browsers.en, daemon.url, options);
      await look(lab, `lab-${name}-fresh`);
      await lab.prepare();
      await other.prepare();
      await lab.click('#connect');
      const greeting = language === 'ja' ? 'こんにちは、聞こえますか。' : 'Hello, can you see me?';
      await lab.chat(greeting);
      await lab.says('#chat-lines', greeting);
      await other.chat('Yes! ' + 'averyveryverylongwordwithoutanyspace'.repeat(3));
      await lab.says('#chat-lines', 'averyvery');
      await lab.moves();
      await look(lab, `lab-${name}`);
      await lab.page.$eval('#log [data-type="offer"] summary', (summary) => summary.click());
      await lab.type('#server', `ws://localhost:${daemon.port}/${'not-there'.repeat(8)}`);
      await lab.page.keyboard.press('Enter');
      await lab.until(() => document.querySelector('#notice-socket'));
      await look(lab, `lab-${name}-lost`);
    });
  }

  it('everything to press or fill in has a name', async (t) => {
    const lab = await Lab.open(browsers.en, daemon.url);
    t.after(() => lab.close());
    const names = [];
    const walk = ({ role, name, children = [] }) => {
      if (/button|textbox|combobox|radio|link/.test(role)) names.push(name);
      children.forEach(walk);
    };
    walk(await lab.page.accessibility.snapshot());
    assert.ok(names.length >= 14, names.join());
    assert.ok(names.every((name) => name?.trim()), names.join());
  });

  it('works by the keyboard alone, and shows where one is', async (t) => {
    const path = '/lab.html?room=keys';
    const labs = await pair(t, browsers.en, browsers.en, daemon.url, { path });
    const go = async (id) => {
      for (let presses = 0; presses < 40; presses++) {
        await labs[0].page.keyboard.press('Tab');
        const at = await labs[0].page.evaluate(() => {
          const element = document.activeElement;
          // A radio button of the switch is drawn by the text after it.
          const seen = element.matches('.switch input') ? element.nextElementSibling : element;
          const { outlineStyle } = getComputedStyle(seen);
          return { id: element.id, isSeen: element === document.body || outlineStyle !== 'none' };
        });
        assert.ok(at.isSeen, `no focus to be seen at ${at.id}`);
        if (at.id === id) return;
      }
      assert.fail(`#${id} is out of reach`);
    };
    await go('prepare');
    await labs[0].page.keyboard.press('Enter');
    await labs[0].until(() => document.querySelector('#local').videoWidth > 0);
    await go('connect');
    await labs[0].page.keyboard.press('Space');
    await labs[1].moves();
    for (const lab of labs) await lab.says('#chat-state', 'open');
    await go('chat-text');
    await labs[0].page.keyboard.type('by keyboard');
    await labs[0].page.keyboard.press('Enter');
    await labs[1].says('#chat-lines', 'by keyboard');
    await go('hang-up');
    await labs[0].page.keyboard.press('Enter');
    await labs[1].state('connection', '–');
  });
});
