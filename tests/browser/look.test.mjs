// How the pages look and how they are reached: no sideways scroll on a phone, enough contrast in
// light and dark, a name for everything, the keyboard alone. Leaves pictures in NAKODO_SCREENSHOTS.
import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { root, startDaemon } from '../lib/daemon.mjs';
import { launchChromium } from './lib/browsers.mjs';
import { Lab, pair } from './lib/lab.mjs';

const pictures = process.env.NAKODO_SCREENSHOTS ?? join(root, 'build/screenshots');
const DESKTOP = { width: 1280, height: 900 };
const PHONE = { width: 360, height: 640 };

/** In the page: texts whose contrast with what is behind them is below 4.5 to 1 (WCAG 2, 1.4.3). */
function faint() {
  const parse = (color) => color.match(/[\d.]+/g).map(Number);
  const luminance = (rgb) => {
    const linear = (c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4);
    const [r, g, b] = rgb.map((c) => linear(c / 255));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const behind = (element) => {
    for (let at = element; at; at = at.parentElement) {
      const [r, g, b, alpha = 1] = parse(getComputedStyle(at).backgroundColor);
      if (alpha > 0.8) return [r, g, b];
    }
    return [255, 255, 255];
  };
  const found = [];
  for (const element of document.querySelectorAll('body *')) {
    const isText = [...element.childNodes].some((node) => node.nodeType === 3 && node.data.trim());
    if ((!isText && !element.value) || !element.checkVisibility() || element.disabled) continue;
    const color = parse(getComputedStyle(element).color).slice(0, 3);
    const [a, b] = [color, behind(element)].map(luminance);
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    if (ratio < 4.5) found.push(`${ratio.toFixed(2)}: ${element.outerHTML.slice(0, 100)}`);
  }
  return found;
}

/** In the page: what is wider than the screen. */
function wide() {
  const { clientWidth, scrollWidth } = document.documentElement;
  if (scrollWidth <= clientWidth) return [];
  const all = [...document.querySelectorAll('body *')];
  const out = all.filter((element) => element.getBoundingClientRect().right > clientWidth);
  return [scrollWidth, ...out.map((element) => element.outerHTML.slice(0, 80))];
}

describe('the pages', () => {
  let daemon;
  const browsers = {};

  before(async () => {
    mkdirSync(pictures, { recursive: true });
    daemon = await startDaemon();
    browsers.en = await launchChromium();
    browsers.ja = await launchChromium({ language: 'ja' });
  });

  after(async () => {
    await Promise.all(Object.values(browsers).map((browser) => browser.close()));
    await daemon?.stop();
  });

  /** Picture, contrast and width of what is shown now. */
  async function look(lab, name) {
    await lab.page.evaluate(() => scrollTo(0, 0));
    await lab.page.screenshot({ path: join(pictures, `${name}.png`), fullPage: true });
    assert.deepEqual(await lab.page.evaluate(faint), [], name);
    assert.deepEqual(await lab.page.evaluate(wide), [], name);
  }

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
    await go('chat-text');
    await labs[0].page.keyboard.type('by keyboard');
    await labs[0].page.keyboard.press('Enter');
    await labs[1].says('#chat-lines', 'by keyboard');
    await go('hang-up');
    await labs[0].page.keyboard.press('Enter');
    await labs[1].state('connection', '–');
  });
});
