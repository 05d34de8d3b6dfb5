// The tabs of the lab: deep links, the keyboard, and how each looks on a desk and on a phone.
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { startDaemon } from '../lib/daemon.mjs';
import { launchChromium } from './lib/browsers.mjs';
import { Lab } from './lib/lab.mjs';
import { DESKTOP, look, PHONE } from './lib/look.mjs';

const TABS = ['signaling', 'manual', 'two', 'raw'];

describe('the tabs of the lab', () => {
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

  const open = async (t, hash, options = {}) => {
    const browser = browsers[options.language ?? 'en'];
    const path = `/lab.html${hash}`;
    const lab = await Lab.open(browser, daemon.url, { path, online: false, ...options });
    t.after(() => lab.close());
    return lab;
  };
  const shown = (lab) => lab.page.$$eval('[role="tabpanel"]', (panels) => (
    panels.filter((panel) => panel.checkVisibility()).map((panel) => panel.id.slice(6))
  ));
  const chosen = (lab) => lab.page.$$eval('[role="tab"][aria-selected="true"]', (tabs) => (
    tabs.map((tab) => tab.id.slice(4))
  ));

  it('open by their address, an unknown one opens the first', async (t) => {
    for (const [hash, tab] of [['', 'signaling'], ['#nonsense', 'signaling'],
      ...TABS.map((name) => [`#${name}`, name])]) {
      const lab = await open(t, hash);
      assert.deepEqual(await shown(lab), [tab]);
      assert.deepEqual(await chosen(lab), [tab]);
    }
  });

  it('move by arrow keys as one tab stop, and the address follows', async (t) => {
    const lab = await open(t, '#manual');
    await lab.page.focus('#tab-manual');
    for (const [key, tab] of [['ArrowRight', 'two'], ['ArrowRight', 'raw'],
      ['ArrowRight', 'signaling'], ['ArrowLeft', 'raw'], ['Home', 'signaling'], ['End', 'raw']]) {
      await lab.page.keyboard.press(key);
      assert.deepEqual(await shown(lab), [tab]);
      assert.equal(await lab.page.evaluate(() => document.activeElement.id), `tab-${tab}`);
      assert.equal(await lab.page.evaluate(() => location.hash), `#${tab}`);
    }
    await lab.page.keyboard.press('Tab');
    assert.ok(await lab.page.evaluate(() => document.activeElement.closest('#panel-raw')));
  });

  it('follow the address when it changes', async (t) => {
    const lab = await open(t, '#two');
    await lab.page.evaluate(() => { location.hash = '#raw'; });
    await lab.until(() => document.querySelector('#panel-raw').checkVisibility());
    assert.deepEqual(await shown(lab), ['raw']);
  });

  it('ask the server for nothing until they are shown', async (t) => {
    const lab = await open(t, '#manual');
    assert.equal(await lab.page.$eval('#state-socket dd', (dd) => dd.textContent), 'closed');
    await lab.click('#tab-signaling');
    await lab.state('socket', 'open');
  });

  for (const [name, language, viewport, dark] of [
    ['desktop', 'en', DESKTOP, false],
    ['phone-dark-ja', 'ja', PHONE, true],
  ]) {
    it(`look as they should, ${name}`, async (t) => {
      for (const tab of TABS) {
        const lab = await open(t, `#${tab}`, { language, viewport, dark });
        if (tab === 'signaling') {
          await lab.state('socket', 'open');
          await lab.says('#chat-state', 'open');
        }
        await look(lab, `lab-tab-${tab}-${name}`);
      }
    });
  }
});
