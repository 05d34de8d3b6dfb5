// Files go from page to page over a data channel: whole and checked, or not at all.
import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { scratch, startDaemon } from '../lib/daemon.mjs';
import { launchChromium, launchFirefox } from './lib/browsers.mjs';
import { openPages, texts } from './lib/room-page.mjs';

const { en } = texts;
const SIZE = 24 * 1024 * 1024;
const folder = scratch();
const path = join(folder, 'holiday <b>{file}.bin');
const bytes = randomBytes(SIZE);
const sha256 = (data) => createHash('sha256').update(data).digest('hex');

describe('a file', () => {
  let daemon;
  let chromium;
  let firefox;

  before(async () => {
    writeFileSync(path, bytes);
    [daemon, chromium, firefox] = await Promise.all([
      startDaemon(), launchChromium(), launchFirefox(),
    ]);
  });

  after(async () => {
    await Promise.all([chromium, firefox].map((browser) => browser?.close()));
    await daemon?.stop();
  });

  /** Two pages that are connected; the first has chosen the file and the second is asked. */
  async function offer(t, receiver = chromium) {
    const room = `/r/${encodeURIComponent(t.name.slice(0, 30))}`;
    const [hana, ken] = await openPages(t, [chromium, receiver], daemon.url, { path: room });
    await hana.join('Hana', { watch: true });
    await ken.join('Ken', { watch: true });
    await hana.click('#open-people');
    await hana.until(() => document.querySelector('#people button:enabled'));
    await hana.click('#drawer-close');
    await hana.openChat();
    const [chooser] = await Promise.all([hana.page.waitForFileChooser(), hana.click('#chat-file')]);
    await chooser.accept([path]);
    await ken.says('.transfer', 'Hana offers holiday <b>{file}.bin (25.2 MB)');
    return [hana, ken];
  }

  const click = async (page, key) => {
    await page.until((text) => {
      const found = [...document.querySelectorAll('.transfer :is(button, a)')].find((one) => one.textContent === text);
      found?.setAttribute('data-next', '');
      return found;
    }, en[key]);
    await page.click('[data-next]');
  };

  const state = (page, name) => page.until((s) => document.querySelector('.transfer')?.dataset.state === s, name);

  it('of 24 MiB arrives whole and checked, and is saved as it was', async (t) => {
    const [hana, ken] = await offer(t);
    const client = await chromium.target().createCDPSession();
    await client.send('Browser.setDownloadBehavior', {
      behavior: 'allowAndName', browserContextId: ken.context.id, downloadPath: folder, eventsEnabled: true,
    });
    const begun = Date.now();
    await click(ken, 'file.accept');
    await ken.says('.transfer', en['file.received']);
    await hana.says('.transfer', en['file.sent']);
    const seconds = (Date.now() - begun) / 1000;
    t.diagnostic(`${(SIZE / 1e6 / seconds).toFixed(1)} MB/s`);
    const saved = new Promise((resolve) => {
      client.on('Browser.downloadProgress', (event) => event.state === 'completed' && resolve(event.guid));
    });
    await click(ken, 'file.save');
    const guid = await saved;
    assert.equal(sha256(readFileSync(join(folder, guid))), sha256(bytes));
    assert.ok(SIZE / 1e6 / seconds > 3, `${seconds} s`);
  });

  it('of 24 MiB arrives whole and checked in Firefox', async (t) => {
    const [hana, ken] = await offer(t, firefox);
    await click(ken, 'file.accept');
    await ken.says('.transfer', en['file.received']);
    await hana.says('.transfer', en['file.sent']);
  });

  it('that is damaged on the way is thrown away, and both are told', async (t) => {
    const [hana, ken] = await offer(t);
    await hana.page.evaluate(() => {
      const { send } = RTCDataChannel.prototype;
      RTCDataChannel.prototype.send = function (data) {
        if (typeof data !== 'string') data[0] ^= 1;
        return send.call(this, data);
      };
    });
    await click(ken, 'file.accept');
    await ken.says('.transfer', en['file.broken']);
    await hana.says('.transfer', en['file.broken']);
    assert.equal(await ken.page.$('.transfer a'), null);
  });

  it('is not sent to whoever declines', async (t) => {
    const [hana, ken] = await offer(t);
    await click(ken, 'file.decline');
    await state(hana, 'declined');
    await state(ken, 'declined');
  });

  it('ends when its sender cancels, and the other side is told', async (t) => {
    const [hana, ken] = await offer(t);
    await click(ken, 'file.accept');
    await state(ken, 'running');
    await click(hana, 'file.cancel');
    await state(hana, 'cancelled');
    await state(ken, 'cancelledThere');
    assert.equal(await ken.page.$('.transfer a'), null);
  });

  it('ends when its receiver cancels, and the other side is told', async (t) => {
    const [hana, ken] = await offer(t);
    await click(ken, 'file.accept');
    await state(ken, 'running');
    await click(ken, 'file.cancel');
    await state(ken, 'cancelled');
    await state(hana, 'cancelledThere');
  });

  it('that its sender takes away with the page is said to be lost', async (t) => {
    const [hana, ken] = await offer(t);
    await click(ken, 'file.accept');
    await state(ken, 'running');
    await hana.click('#leave');
    await ken.says('.transfer', en['file.lost']);
  });

  it('whose receiver goes away is said to be lost', async (t) => {
    const [hana, ken] = await offer(t);
    await ken.click('#leave');
    await hana.says('.transfer', en['file.lost']);
  });

  it('that is under way when the connection is made anew is said to be lost', async (t) => {
    const [hana, ken] = await offer(t);
    await ken.page.keyboard.press('Escape');
    await ken.page.keyboard.press('d');
    await ken.shows('#panel-signals .signals');
    await ken.page.evaluate((text) => {
      document.querySelectorAll('#panel-signals details').forEach((one) => { one.open = true; });
      [...document.querySelectorAll('#panel-signals button')].find((one) => one.textContent === text).click();
    }, 'Rebuild');
    await hana.says('.transfer', en['file.lost']);
    await ken.until((lost) => document.querySelector('.transfer').textContent.includes(lost), en['file.lost']);
  });
});
