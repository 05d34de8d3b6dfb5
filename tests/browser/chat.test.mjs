// The text chat reaches both pages and a terminal, and text stays text.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { after, before, describe, it } from 'node:test';
import WebSocket from 'ws';
import { startDaemon } from '../lib/daemon.mjs';
import { launchChromium, launchFirefox } from './lib/browsers.mjs';
import { pair } from './lib/lab.mjs';

const lines = (lab) => lab.page.$$eval('#chat-lines li', (items) => items.map((item) => ({
  own: item.className === 'own',
  said: item.querySelector('.said').textContent,
})));

describe('the chat', () => {
  let daemon, chromium, firefox;
  let rooms = 0;

  before(async () => {
    daemon = await startDaemon();
    [chromium, firefox] = await Promise.all([launchChromium(), launchFirefox()]);
  });

  after(async () => {
    await Promise.all([chromium?.close(), firefox?.close()]);
    await daemon?.stop();
  });

  /** Two pages, in Chromium and in Firefox, whose chat is open. */
  async function talkers(t) {
    const path = `/lab.html?room=${++rooms}`;
    const labs = await pair(t, chromium, firefox, daemon.url, { path });
    for (const lab of labs) await lab.says('#chat-state', 'open');
    return labs;
  }

  it('reaches both pages, in order, and marks whose line it is', async (t) => {
    const [a, b] = await talkers(t);
    await a.chat('one');
    await b.says('#chat-lines', 'one');
    await b.chat('二つ目');
    for (const [lab, first] of [[a, true], [b, false]]) {
      await lab.says('#chat-lines', '二つ目');
      const said = await lines(lab);
      assert.deepEqual(said, [{ own: first, said: 'one' }, { own: !first, said: '二つ目' }]);
    }
    const logged = (await b.messages()).filter((message) => message.type === 'chat');
    assert.deepEqual(
      logged.map((message) => `${message.direction} ${message.raw}`),
      ['received one', 'sent 二つ目', 'received 二つ目'],
    );
  });

  it('shows markup as text', async (t) => {
    const labs = await talkers(t);
    const markup = '<img src=x onerror="hit=1"><script>hit=1</script><b>bold</b>&amp;';
    await labs[0].chat(markup);
    for (const lab of labs) {
      await lab.says('#chat-lines', markup);
      assert.equal(await lab.page.$(':is(#chat-lines, #log) :is(img, script, b)'), null);
      assert.equal(await lab.page.evaluate(() => window.hit), undefined);
    }
  });

  it('is shared with a terminal, in text and in binary frames', async (t) => {
    const labs = await talkers(t);
    const terminal = new WebSocket(`${daemon.url.replace('http', 'ws')}/chat?room=${rooms}`);
    t.after(() => terminal.terminate());
    await once(terminal, 'open');
    terminal.send('from the terminal');
    terminal.send(Buffer.from('バイナリー'));
    terminal.send(Buffer.from([0, 0xff]));
    for (const lab of labs) {
      await lab.says('#chat-lines', '00 ff');
      const said = (await lines(lab)).map((line) => line.said);
      assert.deepEqual(said, ['from the terminal', 'バイナリー', '00 ff']);
    }
    const heard = new Promise((done) => {
      terminal.on('message', (data) => String(data) === 'to the terminal' && done());
    });
    await labs[1].chat('to the terminal');
    await heard;
  });

  it('is a room of its own: a page elsewhere does not hear it', async (t) => {
    const [a] = await talkers(t);
    const [b] = await talkers(t);
    await a.chat('here');
    await b.chat('there');
    await a.says('#chat-lines', 'here');
    await b.says('#chat-lines', 'there');
    assert.deepEqual((await lines(a)).map((line) => line.said), ['here']);
    assert.deepEqual((await lines(b)).map((line) => line.said), ['there']);
  });

  it('does not send at the Enter that ends the input of kanji', async (t) => {
    const [a] = await talkers(t);
    const session = await a.page.createCDPSession();
    await a.page.focus('#chat-text');
    const composition = { text: 'にほん', selectionStart: 3, selectionEnd: 3 };
    await session.send('Input.imeSetComposition', composition);
    await a.page.keyboard.press('Enter');
    await session.send('Input.insertText', { text: '日本' });
    await a.says('#chat-state', 'open');
    assert.equal(await a.value('#chat-text'), '日本');
    assert.deepEqual(await lines(a), []);
    await a.page.keyboard.press('Enter');
    await a.says('#chat-lines', '日本');
  });

  it('sends nothing for an empty line', async (t) => {
    const [a] = await talkers(t);
    await a.chat('   ');
    await a.chat('something');
    await a.says('#chat-lines', 'something');
    assert.equal((await lines(a)).length, 1);
  });
});
