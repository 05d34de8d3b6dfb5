// How the first page and the rooms look, each screen in three ways: pictures for a person, no sideways
// scrolling, enough contrast, and nothing for axe-core.
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { startDaemon } from '../lib/daemon.mjs';
import { launchChromium } from './lib/browsers.mjs';
import { look } from './lib/look.mjs';
import { DESKTOP, PHONE, openPages } from './lib/room-page.mjs';

describe('the room page looks well', () => {
  let daemon;
  const browsers = {};

  before(async () => {
    daemon = await startDaemon({ tls: true });
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
    ['phone-dark-ja', 'ja', PHONE, true],
  ]) {
    const browserOf = () => browsers[language];
    const greeting = language === 'ja' ? 'おはようございます。聞こえますか。' : 'Good morning! Can you hear me?';

    it(`first page, ${name}`, async (t) => {
      const [page] = await openPages(t, [browserOf()], daemon.url, { path: '/', viewport, dark });
      await page.shows('#home');
      await look(page, `room-${name}-0-home`);
      await page.page.$eval('#home-room', (field) => { field.value = 'a/b'; });
      await page.click('#home-form .primary');
      await page.shows('#home-error');
      await page.page.$eval('#home-room', (field) => { field.value = '朝会 a+b;c&d%e'; });
      await Promise.all([page.page.waitForNavigation(), page.click('#home-form .primary')]);
      await page.says('#join-room', '朝会 a+b;c&d%e');
    });

    it(`before the room, ${name}`, async (t) => {
      const [page] = await openPages(t, [browserOf()], daemon.url, { viewport, dark });
      await page.until(() => document.querySelector('#preview-video').videoWidth > 0);
      await look(page, `room-${name}-1-prejoin`);
      const [refused] = await openPages(t, [browserOf()], daemon.url, {
        viewport,
        dark,
        prepare: () => {
          MediaDevices.prototype.getUserMedia = () => Promise.reject(new DOMException('Permission denied', 'NotAllowedError'));
        },
      });
      await refused.shows('#problem');
      await look(refused, `room-${name}-2-problem`);
    });

    it(`a call, ${name}`, async (t) => {
      const path = `/r/asakai-${name}`;
      const [page] = await openPages(t, [browserOf()], daemon.url, { path, viewport, dark });
      const [other] = await openPages(t, [browsers.en], daemon.url, { path });
      await page.join(language === 'ja' ? 'はな' : 'Hana');
      await look(page, `room-${name}-3-alone`);
      await other.join('Ken');
      await page.moves('Ken');
      await page.until(() => document.querySelector('.dot[data-grade="good"]'));
      await look(page, `room-${name}-4-call`);
      await other.openChat();
      await other.chat(greeting);
      await page.openChat();
      await page.chat('averyveryverylongwordwithoutanyspace'.repeat(3));
      await other.says('#chat-log', 'averyvery');
      await look(page, `room-${name}-5-chat`);
      await page.click('#tab-people');
      await look(page, `room-${name}-6-people`);
      await page.click('#people-invite');
      await page.shows('#invite');
      await look(page, `room-${name}-7-invite`);
      await page.page.keyboard.press('Escape');
      await page.click('#tab-signals');
      await page.shows('#panel-signals .signals');
      await look(page, `room-${name}-8-signals`);
      await page.click('#drawer-close');
      await page.click('#more');
      await look(page, `room-${name}-9-menu`);
      await page.click('#menu-settings');
      await page.until(() => document.querySelectorAll('#settings-devices select').length === 3);
      await look(page, `room-${name}-10-settings`);
      await page.page.keyboard.press('Escape');
      await page.page.keyboard.type('?');
      await page.shows('#help');
      await look(page, `room-${name}-11-help`);
      await page.page.keyboard.press('Escape');
      await other.click('#share');
      await page.shows('.tile.screen');
      await page.click('#cam');
      await look(page, `room-${name}-12-screen`);
      await page.click('#leave');
      await page.shows('#ended');
      await look(page, `room-${name}-13-ended`);
    });
  }

  it('six people, and the warning about many cameras', async (t) => {
    // Twenty pictures at once are much for two processors: these cameras are small.
    const prepare = () => {
      MediaDevices.prototype.getUserMedia = async () => {
        const canvas = Object.assign(document.createElement('canvas'), { width: 160, height: 90 });
        const context = canvas.getContext('2d');
        let hue = Math.random() * 360;
        setInterval(() => {
          context.fillStyle = `hsl(${hue += 3} 60% 40%)`;
          context.fillRect(0, 0, 160, 90);
        }, 200);
        return canvas.captureStream(5);
      };
    };
    const path = '/r/six';
    const [page] = await openPages(t, [browsers.en], daemon.url, { path, prepare });
    await page.join('Hana');
    const names = ['Ken', 'Mio', 'Taro', 'Yui'];
    const options = { path, prepare, viewport: PHONE };
    const others = await openPages(t, names.map(() => browsers.en), daemon.url, options);
    for (const [i, name] of names.entries()) await others[i].join(name);
    for (const name of names) await page.moves(name);
    await page.shows('#strip p');
    const [watcher] = await openPages(t, [browsers.ja], daemon.url, { path, viewport: PHONE, dark: true });
    await watcher.join('さくら', { watch: true });
    for (const name of names) await watcher.moves(name);
    await page.until(() => document.querySelectorAll('.tile').length === 6);
    await look(page, 'room-desktop-14-six');
    await look(watcher, 'room-phone-dark-ja-14-six');
    await page.page.setViewport({ width: 360, height: 640 });
    await page.until(() => innerWidth === 360);
    await look(page, 'room-phone-14-six');
    assert.ok(await page.page.$$eval('.tile', (tiles) => tiles.every((tile) => {
      const { left, right } = tile.getBoundingClientRect();
      return left >= 0 && right <= innerWidth;
    })));
  });
});
