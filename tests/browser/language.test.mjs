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
/** The table of a folder of web, without what it imports. */
async function tableOf(folder) {
  return import(`data:text/javascript,${encodeURIComponent(source(`${folder}/texts.js`))}`);
}
const { en, ja } = await tableOf('lab');

/** Names of the specification, and of formats: the same in both languages. */
const SAME = {
  lab: ['mode.trickle', 'mode.vanilla', 'state.socket', 'log.bytes'],
  signals: ['signaling', 'gathering', 'ice', 'connection'].map((kind) => `signals.kind.${kind}`),
  check: [],
};
/** Keys that a script puts together. */
const MADE = {
  lab: /^(log\.(sent|received|note)|two\.step\.carry\.(offer|answer)|tab\.\w+)$/,
  signals: /^signals\.((column|kind)\.\w+|me|server|local|remote|restart|rebuild)$/,
  check: /^(check\.(mark\.\w+|step\.\w+|device\.\w+)|copied)$/,
};

for (const [folder, pages] of [
  ['lab', ['lab.html']], ['signals', []], ['check', ['check.html']],
]) {
  describe(`the table of ${folder}`, async () => {
    const texts = await tableOf(folder);

    it('has the same keys in both languages', () => {
      assert.deepEqual(Object.keys(texts.en).sort(), Object.keys(texts.ja).sort());
    });

    it('fills in the same values', () => {
      const places = (text) => [...new Set(text.match(/\{\w+\}/g) ?? [])].sort();
      for (const key of Object.keys(texts.en)) {
        assert.deepEqual(places(texts.en[key]), places(texts.ja[key]), key);
      }
    });

    it('differs, but for names that stay as they are', () => {
      const same = Object.keys(texts.en).filter((key) => texts.en[key] === texts.ja[key]);
      assert.deepEqual(same.sort(), SAME[folder].sort());
    });

    it('holds what is asked for, and nothing else', () => {
      const scripts = readdirSync(join(web, folder)).filter((name) => name !== 'texts.js');
      const html = pages.map(source).join('\n');
      for (const [, key] of html.matchAll(/data-i18n[\w-]*="([\w.]+)"/g)) {
        assert.ok(key in texts.en || key === 'language', key);
      }
      const all = [...scripts.map((name) => source(`${folder}/${name}`)), html].join('\n');
      const isUsed = (key) => MADE[folder].test(key) || new RegExp(`['"]${key}['"]`).test(all);
      assert.deepEqual(Object.keys(texts.en).filter((key) => !isUsed(key)), []);
    });

    it('is what the pages say before their script runs', () => {
      for (const page of pages) {
        for (const [, key, text] of source(page).matchAll(/data-i18n="([\w.]+)"[^>]*>([^<]+)</g)) {
          assert.equal(text, texts.en[key] ?? 'Language', `${page}: ${key}`);
        }
      }
    });
  });
}

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
    await lab.close();
  });
});
