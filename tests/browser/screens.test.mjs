// Every page at every size, in both themes and languages: a picture for a person, enough contrast,
// nothing wider than the screen, and nothing at all that axe-core finds. Each size has a theme and a
// language of its own; with `PICTURES=all` each has all of them.
import { after, before, describe, it } from 'node:test';
import { startDaemon } from '../lib/daemon.mjs';
import { launchChromium } from './lib/browsers.mjs';
import { look } from './lib/look.mjs';
import { openPages } from './lib/room-page.mjs';

const SIZES = [[1280, 800], [844, 390], [360, 640], [320, 568]];
const LOOKS = [['light', 'en'], ['dark', 'ja'], ['light', 'ja'], ['dark', 'en']];

/** Show the page's text in that language. */
async function choose(page, language) {
  await page.page.$eval('select#language', (select, value) => {
    select.value = value;
    select.dispatchEvent(new Event('change'));
  }, language);
  await page.until((lang) => document.documentElement.lang === lang, language);
}

describe('every screen looks well at every size:', () => {
  let daemon, browser;

  before(async () => { [daemon, browser] = await Promise.all([startDaemon({ tls: true }), launchChromium()]); });
  after(async () => {
    await browser?.close();
    await daemon?.stop();
  });

  /** All pictures of what is shown; all that is wrong is told at once. */
  async function lookAtAll(page, name) {
    const faults = [];
    for (const [i, [width, height]] of SIZES.entries()) {
      await page.page.setViewport({ width, height });
      await page.until((w) => innerWidth === w, width);
      for (const [theme, language] of process.env.PICTURES === 'all' ? LOOKS : [LOOKS[i]]) {
        await page.page.emulateMediaFeatures([{ name: 'prefers-color-scheme', value: theme }]);
        await choose(page, language);
        await look(page, `${name}-${width}x${height}-${theme}-${language}`).catch((error) => faults.push(error));
      }
    }
    if (faults.length) throw new Error(faults.map(({ message }) => message).join('\n'));
  }

  async function open(t, path) {
    const [page] = await openPages(t, [browser], daemon.url, { path });
    return page;
  }

  /** Two who see each other; the first one's page. */
  async function call(t) {
    const path = `/r/${t.name.replace(/\W/g, '')}`;
    const pages = await openPages(t, [browser, browser], daemon.url, { path });
    await pages[0].join('Hana');
    await pages[1].join('Ken');
    await pages[0].moves('Ken');
    return pages;
  }

  for (const [name, path, ready] of [
    ['home', '/', '#home'],
    ['prejoin', '/r/asakai', '#prejoin'],
    ['lab', '/lab', '#prepare'],
    ['check', '/check', '#check-start'],
    ['status', '/status', '#status-says'],
    ['trust', '/trust', '.fingerprint'],
    ['missing', '/r/', '#missing-back'],
  ]) {
    it(name, async (t) => {
      const page = await open(t, path);
      await page.shows(ready);
      await lookAtAll(page, name);
    });
  }

  it('call', async (t) => {
    const [hana] = await call(t);
    await lookAtAll(hana, 'call');
  });

  it('chat', async (t) => {
    const [hana, ken] = await call(t);
    await ken.openChat();
    await ken.chat('https://example.org/a?b=c おはようございます。');
    await hana.openChat();
    await hana.chat('averyveryverylongwordwithoutanyspace'.repeat(2));
    await hana.says('#chat-log', 'example.org');
    await lookAtAll(hana, 'chat');
  });

  it('people', async (t) => {
    const [hana] = await call(t);
    await hana.page.keyboard.press('p');
    await lookAtAll(hana, 'people');
  });

  it('signals', async (t) => {
    const [hana] = await call(t);
    await hana.page.keyboard.press('d');
    await hana.shows('#panel-signals .row');
    await hana.click('.signals-peer summary');
    await hana.click('#panel-signals .signals-scroll');
    await hana.shows('.signals-detail');
    await lookAtAll(hana, 'signals');
  });
});
