// The room's chat: it reaches everybody, once, as text and nothing but text.
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { partsOf } from '../../web/room/links.js';
import { startDaemon } from '../lib/daemon.mjs';
import { enter } from '../lib/v1.mjs';
import { launchChromium } from './lib/browsers.mjs';
import { openPages, texts } from './lib/room-page.mjs';

/** In the page, before its scripts: while `isCut`, sockets are cut and no new one opens. */
function cutWires() {
  const sockets = new Set();
  window.WebSocket = new Proxy(WebSocket, {
    construct(Real, [url, ...rest]) {
      const socket = new Real(window.isCut ? url.replace('/v1/', '/none/') : url, ...rest);
      sockets.add(socket);
      return socket;
    },
  });
  window.cut = (isCut) => {
    window.isCut = isCut;
    // With a code by which nobody has left.
    if (isCut) sockets.forEach((socket) => socket.close(4000));
    else dispatchEvent(new Event('online'));
  };
}

describe('an address in a text', () => {
  const found = (text) => {
    const parts = partsOf(text);
    assert.equal(parts.map((part) => part.text).join(''), text, 'nothing of the text is lost');
    return parts.filter(({ isLink }) => isLink).map((part) => part.text);
  };

  for (const [name, text, links] of [
    ['is found in a sentence', 'Look (at https://a.example/x_(y)), or HTTP://b.example:8080?q=1#f!', ['https://a.example/x_(y)', 'HTTP://b.example:8080?q=1#f']],
    ['ends where Japanese goes on', '「https://a.example/朝」とhttp://[::1]:3000/r/1。', ['https://a.example/', 'http://[::1]:3000/r/1']],
    ['ends without brackets and points of the sentence', '[https://a.example/b]. <https://c.example>... *https://d.example*', ['https://a.example/b', 'https://c.example', 'https://d.example']],
    ['of another kind is text', 'javascript:alert(1) data:text/html,x file:///etc/passwd ftp://a.example www.a.example xhttps://a.example', []],
    ['that hides its host behind a user is text', 'https://bank.example@evil.example/ https://bank.example:443@evil.example https://a%40b.example', []],
    ['may have an @ in its path', 'https://social.example/@hana', ['https://social.example/@hana']],
    ['without a host, or with one that nobody could find, is text', 'https:// http:///x https://. https://a..b https://a.example:99999/ https://[zz]/', []],
    ['ends before what cannot be seen or turns around', 'https://a.example/\u202Egpj.exe https://b.example\u200B.evil.example', ['https://a.example/', 'https://b.example']],
    ['ends before a backslash', 'https://a.example\\@evil.example', ['https://a.example']],
  ]) {
    it(name, () => assert.deepEqual(found(text), links));
  }

  it('costs little, however long the text, and the fifty-first is text', () => {
    const begin = performance.now();
    assert.equal(found(`https://a.example/${')'.repeat(60000)}`).length, 1);
    assert.equal(found('https://a.example '.repeat(4000)).length, 50);
    assert.equal(found('https://'.repeat(8000)).length, 0);
    assert.ok(performance.now() - begin < 1000);
  });
});

describe('the chat of a room', () => {
  let daemon;
  let browser;

  before(async () => {
    [daemon, browser] = await Promise.all([startDaemon(), launchChromium()]);
  });

  after(async () => {
    await browser?.close();
    await daemon?.stop();
  });

  /** Two pages, without cameras. */
  async function pair(t) {
    const path = `/r/${encodeURIComponent(t.name.slice(0, 30))}`;
    const pages = await openPages(t, [browser, browser], daemon.url, { path });
    await pages[0].join('Hana', { watch: true });
    await pages[1].join('Ken', { watch: true });
    return pages;
  }

  it('carries what is said to the others, with the name', async (t) => {
    const [hana, ken] = await pair(t);
    await hana.openChat();
    await hana.chat('おはよう');
    await ken.openChat();
    await ken.says('#chat-log', 'おはよう');
    assert.match(await ken.text('#chat-log .line header'), /^Hana/);
    assert.match(await hana.text('#chat-log .line header'), /^You/);
  });

  it('counts and announces what comes while it is closed', async (t) => {
    const [hana, ken] = await pair(t);
    await hana.openChat();
    await hana.chat('one');
    await hana.chat('two');
    await ken.says('#unread', '2');
    assert.equal(await ken.attribute('#open-chat', 'aria-label'), 'Chat: 2 unread');
    await ken.says('#status', 'Hana: two');
    await ken.openChat();
    await ken.until(() => document.querySelector('#unread').hidden);
  });

  it('shows the newest when it is opened and when a keyboard takes its place, but leaves who reads the older', async (t) => {
    const [hana, ken] = await pair(t);
    await hana.openChat();
    await hana.chat('long ago '.repeat(300));
    await hana.chat('last');
    await ken.says('#unread', '2');
    await ken.openChat();
    const isAtEnd = () => {
      const { scrollTop, clientHeight, scrollHeight } = document.querySelector('#chat-log');
      return scrollHeight > clientHeight && scrollTop + clientHeight > scrollHeight - 8;
    };
    await ken.until(isAtEnd);
    await ken.page.setViewport({ width: 1280, height: 500 });
    await ken.until(() => innerHeight === 500);
    await ken.until(isAtEnd);
    await ken.page.$eval('#chat-log', (log) => new Promise((done) => {
      log.addEventListener('scroll', done, { once: true });
      log.scrollTop = 0;
    }));
    await hana.chat('later');
    await ken.says('#chat-log', 'later');
    assert.equal(await ken.page.$eval('#chat-log', (log) => log.scrollTop), 0);
  });

  it('shows markup and scripts as the text that they are', async (t) => {
    const [hana, ken] = await pair(t);
    const evil = '<img src=x onerror="window.hacked = 1"> javascript:alert(1) <a href="x:">x</a> <script>hacked = 1</script>';
    await hana.openChat();
    await hana.chat(evil);
    await ken.openChat();
    await ken.says('#chat-log', evil);
    assert.deepEqual(await ken.page.evaluate(() => [
      'hacked' in window, document.querySelectorAll('#chat-log :is(img, a, script)').length,
    ]), [false, 0]);
  });

  it('opens an address that is pressed in a tab of its own, which knows nothing of the room', async (t) => {
    const [hana, ken] = await pair(t);
    await hana.openChat();
    await hana.chat(`\u202E${daemon.url}/check?from=chat, OK?`);
    await ken.openChat();
    await ken.shows('#chat-log a');
    const opened = new Promise((resolve) => { browser.once('targetcreated', resolve); });
    await ken.click('#chat-log a');
    const tab = await (await opened).page();
    await tab.waitForSelector('#check-start');
    assert.deepEqual(await tab.evaluate(() => [location.search, document.referrer, window.opener]), ['?from=chat', '', null]);
    assert.deepEqual(await ken.page.$eval('#chat-log a', ({ rel, dir }) => [rel, dir]), ['noopener noreferrer nofollow', 'ltr']);
    await tab.close();
  });

  it('shows a name as the text that it is', async (t) => {
    const [hana, ken] = await openPages(t, [browser, browser], daemon.url, { path: '/r/names' });
    await hana.join('<b>{room}&amp;/', { watch: true });
    await ken.join('Ken', { watch: true });
    // A name on the wire has no slash.
    await ken.says('.tile .name', '<b>{room}&amp;／');
    assert.equal(await ken.page.evaluate(() => document.querySelector('.tile b, .people b')), null);
  });

  it('shows no name that passes for nothing, for the reader, or turns the sentence around', async (t) => {
    const [hana] = await openPages(t, [browser], daemon.url, { path: '/r/strange' });
    await hana.join('\u3164', { watch: true });
    await hana.says('.tile .name', 'You');
    for (const [name, shown] of [
      ['\u200B\u2060 \u3164\u2800', /^Guest [\w-]{4}$/],
      [undefined, /^Guest [\w-]{4}$/],
      ['Hana (you)', '“Hana (you)” (guest)'],
      ['Y\u200Bou', '“You” (guest)'],
      ['花（あなた）', '“花（あなた）” (guest)'],
      ['Ken\u202E\u2066', 'Ken'],
      ['👩\u200D💻', '👩\u200D💻'],
      ['דנה', '\u2068דנה\u2069'],
    ]) {
      const { peer } = await enter(daemon, 'strange', { name });
      await hana.until(() => document.querySelectorAll('.tile').length === 2);
      const seen = await hana.page.$$eval(
        '.tile:first-of-type .name, .people li:last-child .name', (all) => all.map((one) => one.textContent));
      const [status] = await hana.page.$$eval('#status p', (all) => all.map((one) => one.textContent).slice(-1));
      assert.equal(seen.length, 2);
      for (const text of seen) typeof shown === 'string' ? assert.equal(text, shown) : assert.match(text, shown);
      assert.equal(status, `${seen[0]} is here.`);
      await peer.leave();
      await hana.until(() => document.querySelectorAll('.tile').length === 1);
    }
  });

  it('sends nothing by the Enter that chooses a word of an input method', async (t) => {
    const [hana, ken] = await pair(t);
    await hana.openChat();
    await hana.page.$eval('#chat-text', (field) => {
      window.composing = [];
      field.addEventListener('keydown', (event) => window.composing.push(event.isComposing));
    });
    const client = await hana.page.createCDPSession();
    const text = 'あさひ';
    await client.send('Input.imeSetComposition', { text, selectionStart: 3, selectionEnd: 3 });
    for (const type of ['rawKeyDown', 'keyUp']) {
      await client.send('Input.dispatchKeyEvent', { type, key: 'Enter', code: 'Enter', windowsVirtualKeyCode: 13 });
    }
    await hana.until(() => window.composing.length);
    assert.deepEqual(await hana.page.evaluate(() => window.composing), [true]);
    await client.send('Input.insertText', { text: '朝日' });
    assert.deepEqual(await hana.lines(), []);
    await hana.page.keyboard.press('Enter');
    await ken.openChat();
    await ken.says('#chat-log', '朝日');
    assert.deepEqual(await hana.lines(), ['朝日']);
    assert.deepEqual(await ken.lines(), ['朝日']);
  });

  it('takes the code 229 for a composing Enter, which is all that Safari says', async (t) => {
    const [hana] = await pair(t);
    await hana.openChat();
    await hana.page.type('#chat-text', 'not yet');
    await hana.page.$eval('#chat-text', (field) => {
      field.dispatchEvent(new KeyboardEvent('keydown', { key: 'Enter', keyCode: 229, bubbles: true, cancelable: true }));
    });
    assert.deepEqual(await hana.lines(), []);
    assert.equal(await hana.page.$eval('#chat-text', (field) => field.value), 'not yet');
  });

  it('makes a new line by Shift and Enter', async (t) => {
    const [hana, ken] = await pair(t);
    await hana.openChat();
    await hana.page.type('#chat-text', 'one');
    await hana.page.keyboard.down('Shift');
    await hana.page.keyboard.press('Enter');
    await hana.page.keyboard.up('Shift');
    await hana.chat('two');
    await ken.openChat();
    await ken.says('#chat-log', 'one\ntwo');
  });

  it('shows what was said during an absence that was too long, once, and counts it', async (t) => {
    const own = await startDaemon({ args: ['--resume-seconds', '1'] });
    const [ken] = await openPages(t, [browser], own.url, { path: '/r/absent' });
    const [hana] = await openPages(t, [browser], own.url, { path: '/r/absent', prepare: cutWires });
    t.after(() => own.stop());
    await hana.join('Hana', { watch: true });
    await ken.join('Ken', { watch: true });
    await hana.openChat();
    await ken.openChat();
    await ken.chat('again');
    await hana.says('#chat-log', 'again');
    await hana.chat('mine');
    await ken.says('#chat-log', 'mine');
    await hana.page.keyboard.press('Escape');
    for (const [round, said] of [[1, ['meanwhile', 'again']], [2, ['later']]]) {
      await hana.page.evaluate(() => window.cut(true));
      await ken.says('#status', 'Hana is gone.');
      for (const text of said) await ken.chat(text);
      await ken.until((n) => document.querySelectorAll('#chat-log .line.own').length === n, round + 2);
      await hana.page.evaluate(() => window.cut(false));
      await hana.until((n) => document.querySelectorAll('#chat-log .line').length === n, round + 3);
      await ken.until(() => document.querySelectorAll('.tile').length === 2);
      await ken.page.evaluate(() => document.querySelector('#status').replaceChildren());
    }
    assert.deepEqual(await hana.lines(), ['again', 'mine', 'meanwhile', 'again', 'later']);
    assert.equal(await hana.text('#unread'), '3');
  });

  it('says why something was not sent: too long, or too much that waits already', async (t) => {
    const [hana] = await openPages(t, [browser], daemon.url, { path: '/r/reasons', prepare: cutWires });
    await hana.join('Hana', { watch: true });
    await hana.openChat();
    const say = (text) => hana.page.$eval('#chat-text', (field, value) => {
      field.value = value;
      field.form.requestSubmit();
    }, text);
    await say('x'.repeat(100_000));
    await hana.says('#status', texts.en['chat.tooLong']);
    await hana.page.evaluate(() => window.cut(true));
    await hana.says('#strip', texts.en['strip.offline']);
    await hana.page.$eval('#chat-text', (field) => {
      for (let i = 0; i < 1100; i++) {
        field.value = 'x';
        field.form.requestSubmit();
      }
    });
    await hana.says('#status', texts.en['chat.tooMany']);
    assert.equal(await hana.page.$eval('#chat-text', (field) => field.value), 'x');
  });

  it('says of a line that the server perhaps never had that it may not have arrived', async (t) => {
    const first = await startDaemon();
    const [hana] = await openPages(t, [browser], first.url, { path: '/r/unheard' });
    await hana.join('Hana', { watch: true });
    await hana.openChat();
    first.halt();
    await hana.chat('unheard');
    await first.kill();
    const second = await startDaemon({ args: ['--listen', `127.0.0.1:${first.port}`] });
    t.after(() => second.stop());
    await hana.until(() => document.querySelector('.unsent'));
    assert.deepEqual(await hana.lines(), ['unheard', texts.en['chat.unsent']]);
  });

  it('shows latecomers what was said before, once', async (t) => {
    const [hana, ken] = await pair(t);
    await hana.openChat();
    await hana.chat('first');
    await ken.openChat();
    await ken.chat('second');
    await hana.says('#chat-log', 'second');
    const path = `/r/${encodeURIComponent(t.name.slice(0, 30))}`;
    const [mio] = await openPages(t, [browser], daemon.url, { path });
    await mio.join('Mio', { watch: true });
    await mio.openChat();
    await hana.chat('third');
    await mio.says('#chat-log', 'third');
    assert.deepEqual(await mio.lines(), ['first', 'second', 'third']);
    assert.deepEqual(await hana.lines(), ['first', 'second', 'third']);
  });
});
