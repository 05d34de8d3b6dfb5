// Japanese and English: the tables fit each other and the pages, and the right one is shown.
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { root, startDaemon } from '../lib/daemon.mjs';
import { launchChromium, launchFirefox } from './lib/browsers.mjs';
import { Lab } from './lib/lab.mjs';

const web = join(root, 'web');
const source = (name) => readFileSync(join(web, name), 'utf8');
const texts = encodeURIComponent(source('lab/texts.js'));
const { en, ja } = await import(`data:text/javascript,${texts}`);

describe('the tables of texts', () => {
  it('have the same keys', () => {
    assert.deepEqual(Object.keys(en).sort(), Object.keys(ja).sort());
  });

  it('fill in the same values', () => {
    const places = (text) => (text.match(/\{\w+\}/g) ?? []).sort();
    for (const key of Object.keys(en)) assert.deepEqual(places(en[key]), places(ja[key]), key);
  });

  it('differ, but for names that stay as they are', () => {
    const same = Object.keys(en).filter((key) => en[key] === ja[key]);
    assert.deepEqual(same, ['mode.trickle', 'mode.vanilla', 'state.socket', 'log.bytes']);
  });

  it('hold what the pages ask for, and nothing else', () => {
    const scripts = readdirSync(join(web, 'lab')).filter((name) => name !== 'texts.js');
    const pages = ['index.html', 'lab.html'].map(source).join('\n');
    for (const [, key] of pages.matchAll(/data-i18n[\w-]*="([\w.]+)"/g)) {
      assert.ok(key in en, key);
    }
    const all = [...scripts.map((name) => source(`lab/${name}`)), pages].join('\n');
    const made = ['log.sent', 'log.received', 'log.note']; // by log.js, of `log.` and the direction
    const isUsed = (key) => made.includes(key) || new RegExp(`['"]${key}['"]`).test(all);
    assert.deepEqual(Object.keys(en).filter((key) => !isUsed(key)), []);
  });

  it('are what the pages say before their script runs', () => {
    for (const page of ['index.html', 'lab.html']) {
      for (const [, key, text] of source(page).matchAll(/data-i18n="([\w.]+)"[^>]*>([^<]+)</g)) {
        assert.equal(text, en[key], `${page}: ${key}`);
      }
    }
  });
});

describe('the language', () => {
  let daemon;

  before(async () => { daemon = await startDaemon(); });
  after(() => daemon?.stop());

  for (const [name, launch, language, lang, title] of [
    ['Chromium', launchChromium, 'ja', 'ja', 'シグナリングラボ'],
    ['Chromium', launchChromium, 'en-US', 'en', 'Signaling lab'],
    ['Chromium', launchChromium, 'fr', 'en', 'Signaling lab'],
    ['Firefox', launchFirefox, 'fr, ja-JP, en', 'ja', 'シグナリングラボ'],
  ]) {
    it(`${name} that prefers ${language} gets ${lang}`, async (t) => {
      const browser = await launch({ language });
      t.after(() => browser.close());
      const lab = await Lab.open(browser, daemon.url);
      assert.equal(await lab.page.$eval('html', (html) => html.lang), lang);
      assert.equal(await lab.text('h1'), title);
      assert.equal(await lab.page.title(), lang === 'ja' ? ja.title : en.title);
      await lab.close();
    });
  }

  it('is changed by the reader, everywhere on the page, and remembered', async (t) => {
    const browser = await launchChromium();
    t.after(() => browser.close());
    const lab = await Lab.open(browser, daemon.url);
    await lab.click('#connect');
    await lab.says('#hint', en['hint.offered']);
    await lab.page.select('#language', 'ja');
    await lab.says('#hint', ja['hint.offered']);
    await lab.says('#log', 'WebSocket が開きました: ws://localhost');
    const placeholder = await lab.page.$eval('#chat-text', (field) => field.placeholder);
    assert.equal(placeholder, ja['chat.message']);
    assert.equal(await lab.page.$eval('html', (html) => html.lang), 'ja');
    const shown = await lab.page.$$eval('[data-i18n]', (elements) => (
      elements.map((element) => [element.dataset.i18n, element.textContent])
    ));
    const english = shown.filter(([key, text]) => text === en[key] && text !== ja[key]);
    assert.deepEqual(english, []);
    await lab.page.reload();
    await lab.state('socket', 'open');
    assert.equal(await lab.text('h1'), ja.lab);
    await lab.page.goto(`${daemon.url}/`);
    assert.equal(await lab.text('.lead'), ja['home.lead']);
    await lab.close();
  });
});
