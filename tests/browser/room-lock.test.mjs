// Who may locks the room and removes somebody, on the page; and what an invitation's page shows and hides.
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { scratch, startDaemon } from '../lib/daemon.mjs';
import { Key, now } from '../lib/tokens.mjs';
import { Session } from '../lib/v1.mjs';
import { launchChromium, launchFirefox } from './lib/browsers.mjs';
import { PHONE, RoomPage, openPages, texts } from './lib/room-page.mjs';

const { en } = texts;

describe('a locked room', () => {
  let daemon, guarded, key, chromium, firefox;

  before(async () => {
    key = new Key(scratch());
    [daemon, guarded, chromium, firefox] = await Promise.all([
      startDaemon(), startDaemon({ args: ['--auth', 'token', '--auth-key', key.option] }), launchChromium(), launchFirefox(),
    ]);
  });
  after(async () => {
    await Promise.all([chromium?.close(), firefox?.close()]);
    await Promise.all([daemon?.stop(), guarded?.stop()]);
  });

  /** Hana's token says `moderate`, Ken's does not. */
  async function moderated(t, [first, second] = [chromium, firefox]) {
    const room = encodeURIComponent(t.name.slice(0, 20));
    const link = (claims) => `/r/${room}#t=${key.token({ room: decodeURIComponent(room), ...claims })}`;
    const moderator = link({ can: ['send', 'receive', 'moderate'], name: 'Hana' });
    const pages = [];
    for (const [browser, path] of [[first, moderator], [second, link({ name: 'Ken' })]]) {
      const [page] = await openPages(t, [browser], guarded.url, { path });
      await page.click('#join-watch');
      await page.shows('#room');
      await page.click('#open-people');
      pages.push(page);
    }
    return { pages, link, moderator };
  }

  for (const [name, other] of [['Chromium', () => chromium], ['Firefox', () => firefox]]) {
    it(`is locked by who is inside, and all see it, in ${name}`, async (t) => {
      const path = `/r/lock-${name}`;
      const [hana, ken] = await openPages(t, [chromium, other()], daemon.url, { path });
      for (const [page, who] of [[hana, 'Hana'], [ken, 'Ken']]) {
        await page.join(who, { watch: true });
        await page.click('#open-people');
      }
      await hana.click('#lock');
      await ken.says('#lock-note', 'Locked by Hana');
      await ken.says('#status', 'Hana has locked the room.');
      await ken.shows('#where-lock');
      await hana.says('#lock-note', en['lock.onByYou']);
      await assert.rejects(Session.join(daemon.ws, `lock-${name}`, { name: 'Mio' }), /room-locked|4403/);
      await ken.click('#lock');
      await hana.until(() => !document.querySelector('#lock').checked);
      await hana.says('#lock-note', en['lock.off']);
      await ken.until(() => !document.querySelector('#where-lock').checkVisibility());
    });
  }

  it('is seen to be locked where a phone shows no name of the room', async (t) => {
    const [hana] = await openPages(t, [chromium], daemon.url, { path: '/r/lock-phone', viewport: PHONE });
    await hana.join('Hana', { watch: true });
    await hana.click('#open-people');
    await hana.click('#lock');
    await hana.shows('.lock-badge');
    assert.match(await hana.page.$eval('h1.where', (one) => one.textContent), /Locked\s+Room/);
  });

  it('is locked, and somebody removed, by the keyboard alone, and axe-core finds nothing in it', async (t) => {
    const { pages: [hana, ken] } = await moderated(t, [chromium, chromium]);
    const { keyboard } = hana.page;
    const tabTo = async (selector) => {
      for (let i = 0; i < 40; i++) {
        if (await hana.page.evaluate((s) => document.activeElement.matches(s), selector)) return;
        await keyboard.press('Tab');
      }
      assert.fail(`Tab does not reach ${selector}`);
    };
    await tabTo('#lock');
    assert.deepEqual(await hana.axe(), []);
    await keyboard.press('Space');
    await hana.says('#lock-note', en['lock.onByYou']);
    await ken.says('#lock-note', 'Locked by Hana');
    for (const page of [hana, ken]) assert.deepEqual(await page.axe(), []);
    await tabTo('#people [aria-label="Remove Ken from the room"]');
    await keyboard.press('Enter');
    await hana.says('#remove-title', 'Remove Ken from the room?');
    assert.deepEqual(await hana.axe(), []);
    assert.equal(await hana.page.evaluate(() => document.activeElement.textContent), en['join.cancel']);
    await keyboard.press('Escape');
    await hana.until(() => !document.querySelector('#remove').open);
    assert.equal(await hana.page.evaluate(() => document.activeElement.getAttribute('aria-label')), 'Remove Ken from the room');
    await keyboard.press('Enter');
    await tabTo('#remove-yes');
    await keyboard.press('Enter');
    await ken.says('#ended-text', en['join.kicked']);
    assert.deepEqual(await ken.axe(), []);
  });

  it('may be locked by who has become a moderator by a fresh invitation', async (t) => {
    const link = (claims) => `#t=${key.token({ room: 'fresh', sub: 'hana', ...claims })}`;
    const [page] = await openPages(t, [chromium], guarded.url, { path: `/r/fresh${link({ exp: now() + 12 })}` });
    await page.click('#join-watch');
    await page.shows('#room');
    await page.click('#open-people');
    assert.equal(await page.page.$eval('#lock-line', (one) => one.hidden), true);
    const can = ['send', 'receive', 'moderate'];
    await page.page.evaluate((hash) => { location.hash = hash; }, link({ exp: now() + 600, can }));
    await page.click('#lock');
    await page.says('#lock-note', en['lock.onByYou']);
  });

  it('is locked by a moderator alone, and open to another one', async (t) => {
    const { pages: [hana, ken], moderator, link } = await moderated(t);
    await hana.click('#lock');
    await ken.says('#lock-note', 'Locked by Hana');
    assert.equal(await ken.page.$eval('#lock-line', (one) => one.hidden), true);
    assert.equal(await ken.page.$('#people [aria-label^="Remove"]'), null);
    const [second] = await openPages(t, [chromium], guarded.url, { path: moderator });
    await second.says('#inside-hindrance', en['inside.lockedForOthers']);
    await second.click('#join-watch');
    await second.shows('#room');
    const [third] = await openPages(t, [chromium], guarded.url, { path: link({ name: 'Mio' }) });
    await third.says('#inside-hindrance', en['join.locked']);
  });

  for (const [name, other] of [['Chromium', () => chromium], ['Firefox', () => firefox]]) {
    it(`whoever is removed reads so, and does not come back unasked, in ${name}`, async (t) => {
      const { pages: [hana, ken] } = await moderated(t, [chromium, other()]);
      const remove = '#people [aria-label="Remove Ken from the room"]';
      await hana.click(remove);
      await hana.says('#remove-title', 'Remove Ken from the room?');
      await hana.click('#remove [data-close]');
      await hana.until(() => !document.querySelector('#remove').open);
      await hana.click(remove);
      await hana.click('#remove-yes');
      await ken.says('#ended-text', en['join.kicked']);
      await hana.says('#status', 'Ken was removed.');
      await ken.page.reload();
      await ken.shows('#join');
      await ken.says('.inside', 'Hana is here.');
    });
  }

  it('the focus stays in the list of people, whoever comes and goes', async (t) => {
    const { pages: [hana], link } = await moderated(t);
    const remove = '#people [aria-label="Remove Ken from the room"]';
    const isFocused = (selector) => document.activeElement === document.querySelector(selector);
    await hana.shows(remove);
    await hana.page.focus(remove);
    const [mio] = await openPages(t, [chromium], guarded.url, { path: link({ name: 'Mio' }) });
    await mio.click('#join-watch');
    await hana.says('#people', 'Mio');
    assert.ok(await hana.page.evaluate(isFocused, remove));
    await mio.click('#leave');
    await hana.until(() => !document.querySelector('#people').textContent.includes('Mio'));
    assert.ok(await hana.page.evaluate(isFocused, remove));
  });

  it('the address loses its token, and a reload and the invitation do not need it', async (t) => {
    for (const browser of [chromium, firefox]) {
      const token = key.token({ room: 'secret', name: 'Hana' });
      const page = await RoomPage.open(browser, guarded.url, { path: `/r/secret#t=${token}` });
      t.after(() => page.close());
      await page.says('.inside', en['inside.nobody']);
      assert.equal(page.page.url(), `${guarded.url}/r/secret`);
      await page.page.reload();
      await page.says('.inside', en['inside.nobody']);
      await page.click('#join-watch');
      await page.shows('#room');
      await page.click('#alone-invite');
      await page.says('#invite-who', en['invite.needed']); // the server is asked for its addresses before
      assert.equal(await page.page.$eval('#invite-link', (one) => one.value), `${guarded.url}/r/secret`);
      await page.page.goto(`${guarded.url}/r/other`);
      await page.says('.inside', en['inside.noToken']);
    }
  });

  it('one is told before the invitation ends, and a fresh link in the same tab is the way on', async (t) => {
    const link = (exp) => `#t=${key.token({ room: 'short', sub: 'hana', exp })}`;
    const [page] = await openPages(t, [chromium], guarded.url, { path: `/r/short${link(now() + 12)}` });
    await page.click('#join-watch');
    await page.shows('#room');
    await page.says('#strip', 'Your invitation ends at');
    await page.page.evaluate((hash) => { location.hash = hash; }, link(now() + 600));
    await page.until(() => !document.querySelector('#strip').textContent.includes('Your invitation ends'));
    await page.until(() => !location.hash);
    const end = now() + 13;
    await page.until((at) => Date.now() / 1000 > at, end);
    await page.shows('#room');
  });

  it('the first page says that an invitation is needed, where it is', async (t) => {
    const [page] = await openPages(t, [chromium], guarded.url, { path: '/' });
    await page.shows('#home-invited');
    const [open] = await openPages(t, [chromium], daemon.url, { path: '/',
      prepare: () => { const real = window.fetch; window.asked = []; window.fetch = (...all) => { const answer = real(...all); answer.then(() => window.asked.push(String(all[0]))); return answer; }; } });
    await open.until(() => window.asked.some((url) => url.endsWith('/peers')));
    assert.equal(await open.page.$eval('#home-invited', (one) => one.hidden), true);
  });
});
