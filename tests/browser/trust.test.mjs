// The page about trusting this server: without TLS, under its policy, in both languages and browsers.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { root, startDaemon, testDaemon } from '../lib/daemon.mjs';
import { launchChromium, launchFirefox } from './lib/browsers.mjs';

const page = readFileSync(join(root, 'web/trust.html'), 'utf8');
const { systemOf } = await import(join(root, 'web/trust/system.js'));
const devices = {
  android: 'Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/156.0.0.0 Mobile Safari/537.36',
  ios: 'Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 Mobile/15E148 Safari/604.1',
  macos: 'Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 Safari/605.1.15',
  windows: 'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/156.0.0.0 Safari/537.36 Edg/156.0.0.0',
  firefox: 'Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:153.0) Gecko/20100101 Firefox/153.0',
  linux: 'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/156.0.0.0 Safari/537.36',
};

describe('the texts', () => {
  const [en, ja] = ['en', 'ja'].map((lang) => new RegExp(`<main lang="${lang}".*?</main>`, 's').exec(page)[0]);
  const tags = (text) => [...text.matchAll(/<(\w+)([^>]*)>/g)].filter(([, tag]) => !['b', 'strong'].includes(tag))
    .map(([, tag, attributes]) => tag + attributes.replace(/ (lang|data-title)="[^"]*"| hidden/g, ''));

  it('have the same steps, links and places in both languages', () => {
    assert.deepEqual(tags(ja), tags(en));
    const bold = (text) => (text.match(/<b>/g) ?? []).length;
    assert.ok(bold(en) > 30 && bold(ja) > 30);
  });

  it('tell of every system that is recognised', () => {
    assert.deepEqual([...en.matchAll(/data-system="(\w+)"/g)].map(([, system]) => system), Object.keys(devices));
  });
});

describe('the reader\'s system', () => {
  it('is seen by what the browser says of itself', () => {
    for (const [system, userAgent] of Object.entries(devices)) assert.equal(systemOf({ userAgent, maxTouchPoints: 0 }), system);
    assert.equal(systemOf({ userAgent: devices.macos, maxTouchPoints: 5 }), 'ios', 'an iPad');
    assert.equal(systemOf({ userAgent: 'Mozilla/5.0 (Android 15; Mobile; rv:153.0) Gecko/153.0 Firefox/153.0', maxTouchPoints: 5 }), 'android');
    assert.equal(systemOf({ userAgent: 'curl/8', maxTouchPoints: 0 }), null);
  });
});

describe('the page', () => {
  const browsers = {};
  let daemon;
  let fingerprint;

  before(async () => {
    daemon = await startDaemon({ args: ['--listen', 'tls:127.0.0.1:0'], tls: true });
    [, fingerprint] = / SHA-256 ([0-9A-F:]+)\n/.exec(daemon.stdout);
    [browsers.chromium, browsers.firefox] = await Promise.all([launchChromium({ language: 'ja' }), launchFirefox()]);
  });
  after(() => Promise.all([...Object.values(browsers).map((browser) => browser.close()), daemon?.stop()]));

  /** Open it and collect everything that a browser complains about. */
  async function visit(t, browser, url, device) {
    const context = await browser.createBrowserContext();
    t.after(() => context.close());
    const tab = await context.newPage();
    const complaints = [];
    tab.on('console', (message) => { if (['error', 'warn'].includes(message.type())) complaints.push(message.text()); });
    tab.on('pageerror', (error) => complaints.push(error.message));
    tab.on('requestfailed', (request) => complaints.push(request.url()));
    if (device) await tab.setUserAgent(devices[device]);
    await tab.goto(url);
    await tab.waitForFunction(() => document.querySelector('main:not([hidden]) [data-fill=secure]').textContent !== '…' || !document.querySelector('main:not([hidden]) [data-when=none]').hidden);
    return { tab, complaints };
  }
  const visible = (tab) => tab.$$eval('main', (mains) => mains.filter((main) => !main.hidden).map((main) => main.lang));

  for (const [name, language] of [['chromium', 'ja'], ['firefox', 'en']]) {
    it(`works without TLS and shows the fingerprint and the way on, ${name}`, async (t) => {
      const { tab, complaints } = await visit(t, browsers[name], `http://127.0.0.1:${daemon.tlsPort}/trust`);
      assert.deepEqual(await visible(tab), [language]);
      assert.equal(await tab.evaluate(() => document.documentElement.lang), language);
      assert.equal(await tab.$eval(`main[lang=${language}] .fingerprint`, (e) => e.innerText), fingerprint);
      assert.equal(await tab.evaluate(() => window.isSecureContext && location.protocol), 'http:');
      const own = name === 'firefox' ? 'firefox' : 'linux';
      assert.deepEqual(await tab.$$eval(`main[lang=${language}] details`, (all) => all.map((e) => [e.dataset.system, e.open])).then((all) => all.filter(([, isOpen]) => isOpen)), [[own, true]]);
      assert.equal(await tab.$eval(`main[lang=${language}] details`, (e) => e.dataset.system), own, 'it stands first');
      assert.deepEqual(complaints, []);
    });
  }

  it('changes its language, and remembers', async (t) => {
    const { tab } = await visit(t, browsers.chromium, `http://127.0.0.1:${daemon.tlsPort}/trust`);
    await tab.select('#language', 'en');
    assert.deepEqual(await visible(tab), ['en']);
    assert.equal(await tab.title(), 'nakodo: trust this server');
    await tab.reload();
    assert.deepEqual(await visible(tab), ['en']);
    assert.equal(await tab.$eval('#language', (select) => select.value), 'en');
  });

  it('opens the section of a phone on a phone, and fits it', async (t) => {
    const { tab } = await visit(t, browsers.chromium, `http://127.0.0.1:${daemon.tlsPort}/trust`, 'ios');
    assert.equal(await tab.$eval('main[lang=ja] details', (e) => `${e.dataset.system} ${e.open}`), 'ios true');
    await tab.setViewport({ width: 360, height: 640 });
    for (const language of ['ja', 'en']) {
      await tab.select('#language', language);
      assert.equal(await tab.evaluate(() => document.documentElement.scrollWidth), 360);
    }
  });

  it('leads to https at the same place', async (t) => {
    const { tab } = await visit(t, browsers.chromium, `https://127.0.0.1:${daemon.tlsPort}/trust`);
    assert.equal(await tab.$eval('main[lang=ja] [data-fill=secure]', (e) => e.href), `https://127.0.0.1:${daemon.tlsPort}/`);
  });

  it('says so where there is nothing to install', async (t) => {
    const plain = await testDaemon(t);
    const { tab, complaints } = await visit(t, browsers.chromium, `${plain.url}/trust`);
    assert.equal(await tab.$eval('main[lang=ja] [data-when=none]', (e) => e.hidden), false);
    assert.equal(await tab.$$eval('main[lang=ja] [data-when=authority]', (all) => all.every((e) => e.hidden)), true);
    assert.deepEqual(complaints, []);
  });
});
