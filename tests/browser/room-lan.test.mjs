// The way from this machine to the other devices of the network: the link, its QR code, and https.
import assert from 'node:assert/strict';
import { networkInterfaces } from 'node:os';
import { after, before, describe, it } from 'node:test';
import { startDaemon } from '../lib/daemon.mjs';
import { launchChromium } from './lib/browsers.mjs';
import { look } from './lib/look.mjs';
import { openPages, texts } from './lib/room-page.mjs';

const { en } = texts;
const hasNetwork = Object.values(networkInterfaces()).flat().some(({ internal, family }) => (
  !internal && family === 'IPv4'));
const needs = hasNetwork ? false : 'this machine is in no network';

describe('a room in the local network', () => {
  let daemon;
  let browser;
  let lan;

  before(async () => {
    daemon = await startDaemon({
      tls: true,
      args: ['--listen', '127.0.0.1:0', '--listen', 'tls:*:0', '--server-name', 'lan.test'],
    });
    browser = await launchChromium({
      args: ['--use-fake-ui-for-media-stream', '--host-resolver-rules=MAP lan.test 127.0.0.1'],
    });
    [lan] = (await (await fetch(`${daemon.url}/lan.json`)).json()).urls;
  });

  after(async () => {
    await browser?.close();
    await daemon?.stop();
  });

  it('is offered to phones by an address that they reach, with its QR code', { skip: needs }, async (t) => {
    const [page] = await openPages(t, [browser], daemon.url, { path: '/r/朝会 1' });
    await page.join('Hana');
    await page.click('#alone-invite');
    await page.until(() => document.querySelector('#invite-qr').naturalWidth > 0);
    const link = new URL('/r/%E6%9C%9D%E4%BC%9A%201', lan).href;
    assert.equal(await page.page.$eval('#invite-link', (field) => field.value), link);
    assert.equal(await page.attribute('#invite-qr', 'src'), `/qr.svg?text=${encodeURIComponent(link)}`);
    assert.equal(await page.text('#invite-note'), en['invite.lan']);
    await look(page, 'room-desktop-15-qr');
    await page.click('#invite-copy');
    await page.says('#invite-copy', en['invite.copied']);
  });

  it('can be begun on the first page with a phone', { skip: needs }, async (t) => {
    const [page] = await openPages(t, [browser], daemon.url, { path: '/' });
    await page.until(() => document.querySelector('#home-phone img').naturalWidth > 0);
    assert.equal(await page.text('#home-phone code'), new URL(lan).host);
    await look(page, 'room-desktop-15-home');
  });

  it('leads from plain http to https, where there is a camera', { skip: needs }, async (t) => {
    const [plain] = await openPages(t, [browser], `http://lan.test:${daemon.port}`, { path: '/r/secure' });
    await plain.says('#problem-text', en['problem.insecure']);
    await plain.shows('#problem-link');
    assert.equal(await plain.page.$eval('#problem-link', (link) => link.href), new URL('/r/secure', lan).href);
    await look(plain, 'room-desktop-15-plain');
    const [hana, ken] = await openPages(t, [browser, browser], `https://localhost:${daemon.tlsPort}`, { path: '/r/secure' });
    await hana.join('Hana');
    await ken.join('Ken');
    await ken.moves('Hana');
  });

  it('shows no QR code where the server draws none, and says that the link is for this machine', async (t) => {
    const alone = await startDaemon();
    const [page] = await openPages(t, [browser], alone.url);
    t.after(() => alone.stop());
    await page.join('Hana', { watch: true });
    await page.click('#alone-invite');
    await page.says('#invite-note', en['invite.local']);
    assert.equal(await page.page.$eval('#invite-qr', (image) => image.hidden), true);
  });
});
