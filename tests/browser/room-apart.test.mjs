// The server is away: what one does then goes from page to page, is shown at once, and is not shown again
// when the server is back.
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { startDaemon } from '../lib/daemon.mjs';
import { launchChromium, launchFirefox } from './lib/browsers.mjs';
import { openPages, texts } from './lib/room-page.mjs';

const { en } = texts;

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
    if (isCut) sockets.forEach((socket) => socket.close(4000));
    else dispatchEvent(new Event('online'));
  };
}

/** In the page: of that name's tile, whether there is a picture, a microphone and a hand, and its veil. */
function tile(name) {
  const one = [...document.querySelectorAll('.tile')].find((each) => each.querySelector('.name').textContent === name);
  const isShown = (selector) => one.querySelector(selector).checkVisibility();
  return one && { picture: isShown('video'), muted: one.querySelector('figcaption use[href="#icon-mic-off"]').closest('span').checkVisibility(), hand: isShown('.hand'), veil: isShown('.veil') && one.querySelector('.veil').textContent, speaks: one.hasAttribute('data-speaking') };
}

describe('while the server is away', () => {
  const browsers = {};

  before(async () => {
    [browsers.c, browsers.f] = await Promise.all([launchChromium(), launchFirefox()]);
  });

  after(() => Promise.all(Object.values(browsers).map((browser) => browser.close())));

  /** Two, and perhaps a third, connected with each other, and the chat open. */
  const gather = async (t, server, letters, names) => {
    const pages = await openPages(t, [...letters].map((c) => browsers[c]), server.url, { path: '/r/apart', prepare: cutWires });
    for (const [i, page] of pages.entries()) await page.join(names[i]);
    for (const page of pages) {
      await page.page.evaluate(`window.tile = ${tile}`);
      for (const name of names.slice(0, 2)) if (pages[names.indexOf(name)] !== page) await page.moves(name);
      await page.openChat();
    }
    return pages;
  };

  const isBack = (page) => page.until((told) => !document.querySelector('#strip').textContent.includes(told), en['strip.offline']);

  const sees = (page, name, wanted) => page.until((n, text) => {
    const seen = window.tile(n);
    return seen && Object.entries(JSON.parse(text)).every(([key, value]) => seen[key] === value);
  }, name, JSON.stringify(wanted));

  it('lines, hands, what is off and who leaves are seen at once, and once', async (t) => {
    const server = await startDaemon();
    t.after(() => server.child.exitCode ?? server.child.signalCode ?? server.stop());
    const [hana, ken, mio] = await gather(t, server, 'cff', ['Hana', 'Ken', 'Mio']);
    server.child.kill('SIGKILL');
    await server.exit();
    for (const page of [hana, ken, mio]) await page.says('#strip', en['strip.offline']);
    await hana.chat('direct');
    await hana.click('#mic');
    await hana.click('#cam');
    await hana.click('#hand');
    assert.equal(await hana.attribute('#hand', 'aria-pressed'), 'true');
    for (const page of [ken, mio]) {
      await page.says('#chat-log', 'direct');
      await sees(page, 'Hana', { picture: false, muted: true, hand: true });
    }
    for (const page of [hana, ken]) await sees(page, 'Mio', { speaks: true });
    await mio.click('#leave');
    for (const page of [hana, ken]) await sees(page, 'Mio', { veil: en['tile.away'], speaks: false });
    assert.deepEqual(await hana.lines(), ['direct']);
    await ken.chat('both');
    assert.deepEqual(await ken.lines(), ['direct', 'both', en['chat.later']]);

    const again = await startDaemon({ args: ['--listen', `127.0.0.1:${server.port}`] });
    t.after(() => again.stop());
    for (const page of [hana, ken]) {
      await isBack(page);
      await page.until(() => !window.tile('Mio'));
    }
    await ken.until(() => !document.querySelector('.unsent'));
    await hana.chat('last');
    await ken.says('#chat-log', 'last');
    await ken.chat('end');
    await hana.says('#chat-log', 'end');
    for (const page of [hana, ken]) assert.deepEqual(await page.lines(), ['direct', 'both', 'last', 'end']);
    await sees(ken, 'Hana', { picture: false, muted: true, hand: true });
    const [late] = await openPages(t, [browsers.c], server.url, { path: '/r/apart' });
    await late.join('Late', { watch: true });
    await late.openChat();
    await late.says('#chat-log', 'end');
    assert.deepEqual((await late.lines()).sort(), ['both', 'direct', 'end', 'last']);
  });

  it('of one of them, its lines and what is off reach the others and theirs reach it', async (t) => {
    const server = await startDaemon();
    t.after(() => server.stop());
    const [hana, ken] = await gather(t, server, 'fc', ['Hana', 'Ken']);
    await hana.page.evaluate(() => window.cut(true));
    await hana.says('#strip', en['strip.offline']);
    await ken.until(() => document.querySelector('#people .away'));
    await hana.chat('from outside');
    await ken.says('#chat-log', 'from outside');
    await ken.chat('from inside');
    await hana.says('#chat-log', 'from inside');
    await ken.click('#cam');
    await sees(hana, 'Ken', { picture: false });
    await hana.click('#mic');
    await sees(ken, 'Hana', { muted: true });
    await hana.page.evaluate(() => window.cut(false));
    await isBack(hana);
    await hana.chat('last');
    await ken.says('#chat-log', 'last');
    await ken.chat('end');
    await hana.says('#chat-log', 'end');
    for (const page of [hana, ken]) assert.deepEqual(await page.lines(), ['from outside', 'from inside', 'last', 'end']);
    await sees(ken, 'Hana', { muted: true });
    await sees(hana, 'Ken', { picture: false });
  });
});
