// Messages by hand: any path, any text, everything that comes back, and what a close code means.
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { open as openClient } from '../lib/client.mjs';
import { startDaemon } from '../lib/daemon.mjs';
import { launchChromium } from './lib/browsers.mjs';
import { Lab } from './lib/lab.mjs';
import { DESKTOP, look, PHONE } from './lib/look.mjs';

describe('raw messages', () => {
  let daemon, chromium;

  before(async () => {
    daemon = await startDaemon();
    chromium = await launchChromium();
  });

  after(async () => {
    await chromium?.close();
    await daemon?.stop();
  });

  const open = async (t, options = {}) => {
    const path = '/lab.html#raw';
    const lab = await Lab.open(chromium, daemon.url, { path, online: false, ...options });
    t.after(() => lab.close());
    return lab;
  };
  const connect = async (lab, path) => {
    if (path) await lab.type('#raw-url', `${daemon.url.replace('http', 'ws')}${path}`);
    await lab.click('#raw-connect');
    await lab.says('#raw-state', 'open');
  };
  const write = (lab, text) => lab.page.$eval('#raw-text', (area, value) => { area.value = value; }, text);
  const send = async (lab, text) => {
    if (text !== undefined) await write(lab, text);
    await lab.click('#raw-send');
  };
  const template = (lab, name) => lab.page.$eval('#raw-template', (select, text) => {
    select.value = [...select.options].find((option) => option.text === text).value;
    select.dispatchEvent(new Event('change'));
  }, name);
  const log = (lab) => lab.page.$$eval('#raw-log > :not(.note)', (lines) => lines.map((line) => (
    `${line.className} ${line.dataset.type || line.querySelector('pre').textContent}`
  )));

  it('speak nakodo.v1 by its templates', async (t) => {
    const lab = await open(t);
    await connect(lab);
    await lab.says('#raw-log', 'welcome');
    const peer = await openClient(`${daemon.ws}/v1/lab?name=Hana`);
    t.after(() => peer.ws.terminate());
    const next = async (type) => {
      for (;;) {
        const message = JSON.parse(await peer.next());
        if (message.type === type) return message;
      }
    };
    await next('welcome');
    await lab.says('#raw-log', 'peer-joined');
    for (const name of ['chat to', 'offer to', 'answer to', 'candidate to', 'x-anything', 'chat']) {
      await template(lab, name);
      await lab.click('#raw-send');
      assert.ok((await next(name.split(' ')[0])).from, name);
    }
    await template(lab, 'ack');
    assert.equal(await lab.value('#raw-text'), '{"type":"ack","n":1}');
    for (const [name, answer] of [['ping', 'pong'], ['✕ bad-json', 'bad-json'],
      ['✕ bad-message', 'bad-message'], ['✕ unknown-peer', 'unknown-peer']]) {
      await template(lab, name);
      await lab.click('#raw-send');
      await lab.until((text) => [...document.querySelectorAll('#raw-log .received')]
        .some((line) => line.textContent.includes(text)), answer);
    }
    await template(lab, 'bye');
    await lab.click('#raw-send');
    await lab.says('#raw-log', '1000: the ordinary end');
    await lab.says('#raw-state', 'closed');
  });

  it('go to any other path, by button and by Ctrl+Enter', async (t) => {
    const lab = await open(t);
    await connect(lab, '/echo');
    await send(lab, 'not json <b>');
    await lab.page.focus('#raw-text');
    await lab.page.keyboard.down('Control');
    await lab.page.keyboard.press('Enter');
    await lab.page.keyboard.up('Control');
    await lab.until(() => document.querySelectorAll('#raw-log .received').length === 2);
    assert.deepEqual((await log(lab)).sort(), [
      'received not json <b>', 'received not json <b>', 'sent not json <b>', 'sent not json <b>',
    ]);
    await lab.click('#raw-connect');
    await lab.says('#raw-state', 'closed');
  });

  it('may be binary, which nakodo.v1 refuses', async (t) => {
    const lab = await open(t);
    await connect(lab);
    await lab.click('#raw-binary');
    await send(lab, '{"type":"chat","text":"x"}');
    await lab.says('#raw-log', 'not-text');
    await lab.says('#raw-log', 'binary frame');
  });

  it('are told why a connection ends', async (t) => {
    const lab = await open(t);
    await lab.type('#raw-url', 'nonsense://');
    await lab.click('#raw-connect');
    await lab.says('#raw-status', 'This address cannot be opened');
    const ws = daemon.url.replace('http', 'ws');
    await lab.type('#raw-url', `${ws}/nothing/here`);
    await lab.click('#raw-connect');
    await lab.says('#raw-log', '1006: no close frame came');
    await lab.type('#raw-url', `${ws}/v1/${'x'.repeat(200)}`);
    await lab.click('#raw-connect');
    await lab.says('#raw-log', '4400: a room or name that cannot be');
    await connect(lab, '/v1/large');
    await send(lab, 'x'.repeat(70_000));
    await lab.says('#raw-log', '1009: a message longer');
  });

  for (const [name, viewport, dark, language] of [
    ['desktop', DESKTOP, false, 'en'], ['phone-dark-ja', PHONE, true, 'ja'],
  ]) {
    it(`look as they should, ${name}`, async (t) => {
      const lab = await open(t, { viewport, dark });
      await connect(lab, `/v1/${name}`);
      await lab.page.select('#language', language);
      await send(lab);
      await send(lab, '{"type":"ping","t":1}');
      await lab.says('#raw-log', 'pong');
      await look(lab, `lab-raw-${name}`);
    });
  }
});
