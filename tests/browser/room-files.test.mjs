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
const FACTOR = 4; // times as long as over a plain channel, with hashes and pictures beside it
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
    await hana.until(() => document.querySelector('#people [data-i18n-title="file.sendTo"]:enabled'));
    await hana.click('#drawer-close');
    await hana.openChat();
    const [chooser] = await Promise.all([hana.page.waitForFileChooser(), hana.click('#chat-file')]);
    await chooser.accept([path]);
    await ken.says('.transfer', 'Hana offers holiday <b>{file}.bin (25.2 MB)');
    await ken.openChat();
    return [hana, ken];
  }

  /** Three pages; the first is connected to the others, and has its chat open. */
  async function three(t) {
    const path = `/r/${encodeURIComponent(t.name.slice(0, 30))}`;
    const pages = await openPages(t, [chromium, chromium, chromium], daemon.url, { path });
    for (const [i, name] of ['Hana', 'Ken', 'Mio'].entries()) await pages[i].join(name, { watch: true });
    await pages[0].click('#open-people');
    await pages[0].until(() => document.querySelectorAll('#people [data-i18n-title="file.sendTo"]:enabled').length === 2);
    await pages[0].click('#drawer-close');
    await pages[0].openChat();
    return pages;
  }

  /** In the page: let files of these names, or a folder, go over it, and fall if `type` is `drop`. */
  function drag(type, ...names) {
    const data = new DataTransfer();
    names.forEach((name) => data.items.add(new File([name], name)));
    const event = new DragEvent(type, { dataTransfer: data, bubbles: true, cancelable: true });
    return !document.querySelector('#stage').dispatchEvent(event);
  }

  /** In the page: paste a picture where one writes, and perhaps what it is a picture of. */
  function paste(text) {
    const data = new DataTransfer();
    data.items.add(new File(['x'], 'image.png', { type: 'image/png' }));
    if (text) data.setData('text/plain', text);
    const event = new ClipboardEvent('paste', { clipboardData: data, bubbles: true, cancelable: true });
    return !document.querySelector('#chat-text').dispatchEvent(event);
  }

  const titles = (page) => page.page.$$eval('.transfer > p:first-of-type', (all) => all.map((one) => one.textContent));

  /** Two pages that are connected; the second one's channels are at hand to say odd things. */
  async function odd(t) {
    const room = `/r/${encodeURIComponent(t.name.slice(0, 30))}`;
    const [hana, ken] = await openPages(t, [chromium, chromium], daemon.url, { path: room });
    await hana.join('Hana', { watch: true });
    await ken.join('Ken', { watch: true });
    await ken.until(() => window.opened.pcs[0]?.connectionState === 'connected');
    await ken.page.evaluate(() => {
      /** Open a channel and say all this over it; what comes back is kept in `answers`. */
      window.answers = [];
      window.say = async (...messages) => {
        const channel = window.opened.pcs[0].createDataChannel('file:odd');
        channel.onmessage = ({ data }) => window.answers.push(JSON.parse(data).type);
        await new Promise((open) => { channel.onopen = open; });
        for (const message of messages) channel.send(JSON.stringify(message));
      };
    });
    return [hana, ken];
  }

  /** In the page: how long so many bytes take over a plain channel, in s. */
  async function plain(size) {
    const [from, to] = [new RTCPeerConnection(), new RTCPeerConnection()];
    from.onicecandidate = ({ candidate }) => to.addIceCandidate(candidate);
    to.onicecandidate = ({ candidate }) => from.addIceCandidate(candidate);
    const channel = Object.assign(from.createDataChannel('plain'), { bufferedAmountLowThreshold: 1 << 18 });
    const open = new Promise((go) => { channel.onopen = go; });
    const whole = new Promise((go) => {
      let left = size;
      to.ondatachannel = (event) => {
        event.channel.onmessage = ({ data }) => (left -= data.byteLength ?? data.size) <= 0 && go();
      };
    });
    await from.setLocalDescription();
    await to.setRemoteDescription(from.localDescription);
    await to.setLocalDescription();
    await from.setRemoteDescription(to.localDescription);
    await open;
    const begun = performance.now();
    const piece = new Uint8Array(1 << 14);
    for (let sent = 0; sent < size; sent += piece.length) {
      if (channel.bufferedAmount > 1 << 20) await new Promise((go) => { channel.onbufferedamountlow = go; });
      channel.send(piece);
    }
    await whole;
    const seconds = (performance.now() - begun) / 1000;
    for (const end of [from, to]) end.close();
    return seconds;
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

  /** Two pages with the file under way, from a disk so slow that it is not through before the test is. */
  async function underway(t) {
    const [hana, ken] = await offer(t);
    await hana.page.evaluate(() => {
      const { arrayBuffer } = Blob.prototype;
      Blob.prototype.arrayBuffer = async function () {
        await new Promise((go) => setTimeout(go, 2000));
        return arrayBuffer.call(this);
      };
    });
    await click(ken, 'file.accept');
    await state(ken, 'running');
    return [hana, ken];
  }

  it('that is offered is counted and announced, and takes neither the drawer nor the focus', async (t) => {
    const [hana, ken] = await odd(t);
    await ken.page.evaluate(() => window.say({ type: 'offer', name: 'a.txt', size: 5 }));
    await hana.says('#status', 'Ken offers a.txt (5 bytes)');
    await hana.says('#unread', '1');
    assert.equal(await hana.page.$eval('#drawer', (drawer) => drawer.hidden), true);
    assert.equal(await hana.page.evaluate(() => document.activeElement.id), 'stage');
  });

  it('too many at once from one peer are refused without a word', async (t) => {
    const [hana, ken] = await odd(t);
    for (let i = 0; i < 12; i++) {
      await ken.page.evaluate((name) => window.say({ type: 'offer', name, size: 5 }), `${i}.txt`);
    }
    await ken.until(() => window.answers.length === 2);
    assert.deepEqual(await ken.page.evaluate(() => window.answers), ['decline', 'decline']);
    assert.equal((await hana.page.$$('.transfer')).length, 10);
    await hana.openChat();
    await click(hana, 'file.decline');
    await ken.until(() => window.answers.length === 3);
    await ken.page.evaluate(() => window.say({ type: 'offer', name: 'next.txt', size: 5 }));
    await hana.says('.transfer:last-child', 'next.txt');
  });

  it('channels without an offer are bounded, and others are closed at once', async (t) => {
    const [, ken] = await odd(t);
    const open = await ken.page.evaluate(async () => {
      const [pc] = window.opened.pcs;
      const other = pc.createDataChannel('other');
      await new Promise((closed) => { other.onclose = closed; });
      const channels = Array.from({ length: 50 }, () => pc.createDataChannel('file:odd'));
      await Promise.all(channels.slice(40).map((one) => new Promise((closed) => { one.onclose = closed; })));
      return channels.filter(({ readyState }) => readyState === 'open').length;
    });
    assert.equal(open, 40);
  });

  it('empty pieces without end take nothing, and the file arrives', async (t) => {
    const [hana, ken] = await odd(t);
    await hana.page.evaluate(() => {
      window.pieces = 0;
      const { Blob: Real } = window;
      window.Blob = class extends Real {
        constructor(parts = [], options) {
          super(parts, options);
          window.pieces += parts.length;
        }
      };
    });
    await ken.page.evaluate((hash) => {
      const channel = window.opened.pcs[0].createDataChannel('file:odd');
      channel.onopen = () => channel.send(JSON.stringify({ type: 'offer', name: 'small.txt', size: 2000 }));
      channel.onmessage = ({ data }) => {
        if (JSON.parse(data).type !== 'accept') return;
        for (let i = 0; i < 2000; i++) {
          channel.send(new ArrayBuffer(0));
          channel.send(new TextEncoder().encode('x'));
        }
        channel.send(JSON.stringify({ type: 'end', sha256: hash }));
      };
    }, sha256('x'.repeat(2000)));
    await hana.openChat();
    await click(hana, 'file.accept');
    await hana.says('.transfer', en['file.received']);
    assert.equal(await hana.page.evaluate(() => window.pieces >= 2000 && window.pieces < 2100), true);
  });

  it('for everybody makes one card, which says how far it is for each', async (t) => {
    const [hana, ken, mio] = await three(t);
    const [chooser] = await Promise.all([hana.page.waitForFileChooser(), hana.click('#chat-file')]);
    assert.equal(chooser.isMultiple(), true);
    await chooser.accept([path]);
    for (const page of [ken, mio]) {
      await page.openChat();
      await page.says('.transfer', en['file.yours']);
    }
    assert.deepEqual(await titles(hana), ['holiday <b>{file}.bin (25.2 MB) to 2 people']);
    const states = () => hana.page.$$eval('.receivers li', (all) => all.map((one) => one.textContent));
    assert.deepEqual(await states(), [`Ken${en['file.waiting']}`, `Mio${en['file.waiting']}`]);
    await click(mio, 'file.decline');
    await mio.says('.transfer', en['file.refused']);
    await hana.says('.receivers', en['file.declined']);
    assert.equal(await hana.page.$eval('.transfer', ({ dataset }) => dataset.state), 'waiting');
    await click(ken, 'file.accept');
    await ken.says('.transfer', en['file.received']);
    await hana.says('.receivers', en['file.sent']);
    assert.deepEqual(await states(), [`Ken${en['file.sent']}`, `Mio${en['file.declined']}`]);
    assert.equal(await hana.page.$('.transfer button'), null);
  });

  it('for everybody is cancelled for everybody', async (t) => {
    const [hana, ken, mio] = await three(t);
    await hana.page.evaluate(drag, 'drop', 'a.txt');
    for (const page of [ken, mio]) await page.until(() => document.querySelector('.transfer'));
    await click(hana, 'file.cancel');
    for (const page of [ken, mio]) await state(page, 'cancelledThere');
  });

  it('that is dragged over the page is asked for, and goes to everybody where it falls', async (t) => {
    const [hana, ken, mio] = await three(t);
    assert.equal(await hana.page.evaluate(drag, 'dragover', 'a.txt'), true);
    await hana.shows('#drop');
    await hana.page.evaluate(drag, 'dragleave');
    await hana.until(() => !document.querySelector('#drop').checkVisibility());
    // The browser would show the files in the place of the room.
    assert.equal(await hana.page.evaluate(drag, 'drop', 'a.txt', 'b.txt'), true);
    assert.deepEqual(await titles(hana), ['a.txt (5 bytes) to 2 people', 'b.txt (5 bytes) to 2 people']);
    for (const page of [ken, mio]) {
      await page.until(() => document.querySelectorAll('.transfer').length === 2);
      assert.deepEqual(await titles(page), ['Hana offers a.txt (5 bytes)', 'Hana offers b.txt (5 bytes)']);
    }
  });

  it('is one of ten at most, and nothing is sent that is none', async (t) => {
    const [hana] = await three(t);
    await hana.page.evaluate(drag, 'drop', ...Array.from({ length: 11 }, (_, i) => `${i}`));
    await hana.says('#status', 'At most 10 files at once.');
    await hana.page.evaluate(drag, 'drop');
    assert.deepEqual(await titles(hana), []);
    await hana.page.evaluate(drag, 'drop', ...Array.from({ length: 10 }, (_, i) => `${i}`));
    assert.equal((await titles(hana)).length, 10);
    await hana.until(() => { // the last one is in sight
      const log = document.querySelector('#chat-log');
      return log.scrollHeight > log.clientHeight && log.scrollTop + log.clientHeight > log.scrollHeight - 8;
    });
  });

  it('is pasted where one writes, unless there is text that says the same', async (t) => {
    const [hana] = await three(t);
    assert.equal(await hana.page.evaluate(paste, 'a table'), false);
    assert.equal(await hana.page.evaluate(paste), true);
    assert.deepEqual(await titles(hana), ['image.png (1 byte) to 2 people']);
  });

  it('that ends before it begins makes no card, nor does one without a size', async (t) => {
    const [hana, ken] = await odd(t);
    const sha256OfNothing = sha256('');
    await ken.page.evaluate(async (hash) => {
      await window.say({ type: 'end', sha256: hash });
      await window.say({ type: 'offer', name: 'x', size: -1 });
      await window.say({ type: 'offer', name: 'y', size: {} });
      await window.say({ type: 'offer', name: 'empty', size: 0 }, { type: 'end', sha256: hash });
    }, sha256OfNothing);
    await ken.until(() => window.answers.length === 4);
    assert.deepEqual(await ken.page.evaluate(() => window.answers), Array(4).fill('cancel'));
    const cards = await hana.page.$$eval('.transfer', (all) => all.map(({ dataset }) => dataset.state));
    assert.deepEqual(cards, ['cancelled']);
  });

  it('has a name without controls, turns of direction and slashes', async (t) => {
    const [hana, ken] = await odd(t);
    const name = '../\u202Eexe.\u0007a\u2066b\\c\u2028d.txt';
    await ken.page.evaluate((n) => window.say({ type: 'offer', name: n, size: 5 }), name);
    await hana.says('.transfer', 'Ken offers ..exe.abcd.txt (5 bytes)');
  });

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
    const floor = await ken.page.evaluate(plain, SIZE);
    t.diagnostic(`${[seconds, floor].map((s) => (SIZE / 1e6 / s).toFixed(1)).join(' MB/s, a plain channel ')}`);
    const saved = new Promise((resolve) => {
      client.on('Browser.downloadProgress', (event) => event.state === 'completed' && resolve(event.guid));
    });
    await click(ken, 'file.save');
    const guid = await saved;
    assert.equal(sha256(readFileSync(join(folder, guid))), sha256(bytes));
    assert.ok(seconds < FACTOR * floor, `${seconds} s, a plain channel ${floor} s`);
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
    const [hana, ken] = await underway(t);
    await click(hana, 'file.cancel');
    await state(hana, 'cancelled');
    await state(ken, 'cancelledThere');
    assert.equal(await ken.page.$('.transfer a'), null);
  });

  it('ends when its receiver cancels, and the other side is told', async (t) => {
    const [hana, ken] = await underway(t);
    await click(ken, 'file.cancel');
    await state(ken, 'cancelled');
    await state(hana, 'cancelledThere');
  });

  it('that its sender takes away with the page is said to be lost', async (t) => {
    const [hana, ken] = await underway(t);
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
    await ken.until(() => document.querySelector('#panel-signals .signals-buttons button'));
    await ken.page.evaluate((text) => {
      document.querySelectorAll('#panel-signals details').forEach((one) => { one.open = true; });
      [...document.querySelectorAll('#panel-signals button')].find((one) => one.textContent === text).click();
    }, 'Rebuild');
    await hana.says('.transfer', en['file.lost']);
    await ken.until((lost) => document.querySelector('.transfer').textContent.includes(lost), en['file.lost']);
  });
});
