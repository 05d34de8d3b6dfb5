// Before the room: who is inside is told to those who may join, and only while they look.
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { scratch, startDaemon, testDaemon } from '../lib/daemon.mjs';
import { Key, now } from '../lib/tokens.mjs';
import { Session } from '../lib/v1.mjs';
import { launchChromium, launchFirefox } from './lib/browsers.mjs';
import { openPages, texts } from './lib/room-page.mjs';

const { en, ja } = texts;

/** In the page, before its scripts: time goes by as the test says. */
function holdTime() {
  const real = window.setTimeout;
  window.due = [];
  window.setTimeout = (act, ms, ...rest) => (ms === 5000 ? window.due.push(act) : real(act, ms, ...rest));
}

const nextLook = (page) => page.page.evaluate(() => window.due.splice(0).forEach((act) => act()));

describe('before the room', () => {
  let daemon, chromium, firefox;

  before(async () => {
    [daemon, chromium, firefox] = await Promise.all([startDaemon({ args: ['--room-peers', '5'] }), launchChromium(), launchFirefox()]);
  });
  after(async () => {
    await Promise.all([chromium?.close(), firefox?.close()]);
    await daemon?.stop();
  });

  it('one reads who is inside, and whether it is full', async (t) => {
    const pages = await openPages(t, [chromium, firefox], daemon.url, { path: '/r/inside' });
    const join = (name) => Session.join(daemon.ws, 'inside', { name });
    const sentences = async (text) => { for (const page of pages) await page.says('.inside', text); };
    await sentences(en['inside.nobody']);
    await join('Hana');
    await sentences('Hana is here.');
    await join('Hana (you)');
    await sentences('Hana and “Hana (you)” (guest) are here.');
    await join(undefined);
    await sentences('Hana, “Hana (you)” (guest) and 1 more are here.');
    assert.equal(await pages[0].page.$eval('#inside-hindrance', (one) => one.hidden), true);
    await join('太郎');
    await join('Mio');
    await sentences('and 3 more are here. This room is full.');
    await pages[0].page.select('#language', 'ja');
    await pages[0].says('.inside', ja['join.full']);
  });

  it('one reads that it is locked', async (t) => {
    const [page] = await openPages(t, [chromium], daemon.url, { path: '/r/locked' });
    const hana = await Session.join(daemon.ws, 'locked', { name: 'Hana' });
    await page.says('.inside', 'Hana is here.');
    await hana.send({ type: 'lock', locked: true }).taken();
    await page.says('.inside', 'Hana is here. This room is locked.');
    await page.page.select('#language', 'ja');
    await page.says('.inside', ja['join.locked']);
  });

  it('one reads nothing of those who have lost their connection, and of guests how many they are', async (t) => {
    const [hana] = await openPages(t, [chromium], daemon.url, { path: '/r/away', prepare: holdTime });
    const [guest, other] = [await Session.join(daemon.ws, 'away'), await Session.join(daemon.ws, 'away')];
    await hana.says('.inside', en['inside.nobody']);
    await nextLook(hana);
    await hana.says('.inside', 'People here: 2');
    for (const session of [guest, other]) session.ws.terminate();
    await hana.until(async () => (await (await fetch('/v1/away/peers')).json()).peers.every(({ away }) => away));
    await nextLook(hana);
    await hana.says('.inside', en['inside.nobody']);
  });

  it('where all places are kept for them, one reads to wait', async (t) => {
    const own = await testDaemon(t, { args: ['--room-peers', '2'] });
    const kept = [await Session.join(own.ws, 'kept'), await Session.join(own.ws, 'kept')];
    for (const session of kept) await session.taken();
    for (const session of kept) session.say({ type: 'ack', n: session.received });
    for (const session of kept) session.ws.terminate();
    const [hana] = await openPages(t, [chromium], own.url, { path: '/r/kept', prepare: holdTime });
    await hana.until(async () => (await (await fetch('/v1/kept/peers')).json()).peers.every(({ away }) => away));
    await nextLook(hana);
    await hana.says('.inside', en['inside.kept']);
  });

  it('the server is asked only while somebody looks, and no more from Join on', async (t) => {
    const [hana] = await openPages(t, [chromium], daemon.url, {
      path: '/r/looks',
      prepare: () => {
        const real = window.setTimeout;
        window.setTimeout = (act, ms, ...rest) => real(act, ms === 5000 ? 50 : ms, ...rest);
        const ask = window.fetch;
        window.asked = 0;
        window.fetch = (url, ...rest) => {
          window.asked += /peers/.test(url);
          return ask(url, ...rest);
        };
      },
    });
    const asked = () => hana.page.evaluate(() => window.asked);
    const hide = (isHidden) => hana.page.evaluate((value) => {
      Object.defineProperty(document, 'hidden', { configurable: true, get: () => value });
      document.dispatchEvent(new Event('visibilitychange'));
    }, isHidden);
    /** Longer than it takes to ask four times. */
    const wait = () => hana.page.evaluate(() => new Promise((go) => { setTimeout(go, 600); }));
    await hana.until(() => window.asked > 3);
    await hide(true);
    await wait();
    const hidden = await asked();
    await wait();
    assert.equal(await asked(), hidden);
    await hide(false);
    await hana.until((n) => window.asked > n + 3, hidden);
    await hana.click('#join-watch');
    await hana.shows('#room');
    const joined = await asked();
    await wait();
    assert.equal(await asked(), joined);
  });

  it('who has a token reads it and comes in, and who has none reads why not', async (t) => {
    const key = new Key(scratch());
    const own = await testDaemon(t, { args: ['--auth', 'token', '--auth-key', key.option] });
    const token = key.token({ room: 'a' });
    const requests = [];
    for (const [path, sentence] of [
      [`/r/a#t=${token}`, en['inside.nobody']], [`/r/a?token=${token}`, en['inside.nobody']],
      ['/r/a', en['inside.noToken']], [`/r/a#t=${key.token({ room: 'a', exp: now() - 60 })}`, en['inside.ended']], ['/r/a#t=x', en['inside.noToken']], [`/r/b#t=${token}`, en['inside.otherRoom']],
    ]) {
      const [hana] = await openPages(t, [chromium], own.url, { path });
      hana.page.on('request', (request) => requests.push(request.url()));
      await hana.says('.inside', sentence);
      if (path.startsWith('/r/a#t=') && path.endsWith(token)) {
        await hana.click('#join-watch');
        await hana.shows('#room');
        await hana.click('#leave');
        assert.deepEqual(requests.filter((url) => url.startsWith('http') && url.includes(token)), []);
      }
      if (path === '/r/a') {
        await hana.page.evaluate((hash) => { location.hash = hash; }, `t=${token}`);
        await hana.says('.inside', en['inside.nobody']);
      }
    }
  });

  it('who joins with no good token reads the same', async (t) => {
    const key = new Key(scratch());
    const own = await testDaemon(t, { args: ['--auth', 'token', '--auth-key', key.option] });
    // The token comes in a message, so that the server says why it is refused.
    const prepare = () => {
      window.WebSocket = class extends WebSocket {
        constructor(url, subprotocols) {
          super(url.replace(/[?&]token=[^&]*/, ''), subprotocols.filter((one) => !one.includes('token')));
          this.addEventListener('open', () => super.send(JSON.stringify({ type: 'token', token: JSON.parse(sessionStorage.getItem('nakodo.token')).token })));
        }
      };
    };
    for (const [path, sentence] of [['/r/a#t=x', 'inside.noToken'], [`/r/a#t=${key.token({ room: 'b' })}`, 'inside.otherRoom']]) {
      const [hana] = await openPages(t, [chromium], own.url, { path, prepare });
      await hana.click('#join-watch');
      await hana.says('#join-error', en[sentence]);
      await hana.shows('#join-watch');
    }
  });

  it('the keyboard is at Cancel while one joins, and at Join again when one does not', async (t) => {
    const [hana] = await openPages(t, [chromium], daemon.url, {
      path: '/r/keys',
      prepare: () => { window.WebSocket = class extends EventTarget { close() {} send() {} }; },
    });
    const at = (id) => hana.until((wanted) => document.activeElement.id === wanted, id);
    await hana.page.focus('#join-watch');
    await hana.page.keyboard.press('Enter');
    await at('join-cancel');
    await hana.page.keyboard.press('Enter');
    await at('join');
    assert.equal(await hana.page.$eval('#join', (one) => one.disabled), false);
  });
});
