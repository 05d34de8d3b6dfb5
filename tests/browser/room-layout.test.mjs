// Where the tiles and the bar of the room stand: never on each other, never outside of their place.
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { arrange } from '../../web/room/layout.js';
import { asWritten, startDaemon } from '../lib/daemon.mjs';
import { launchChromium } from './lib/browsers.mjs';
import { DESKTOP, PHONE, openPages, texts } from './lib/room-page.mjs';

const { en } = texts;

/** In the page: a room whose tiles are asked for, without anybody in it. */
async function begin() {
  const [{ Stage }, { Drawer }, strip] = await Promise.all([
    import('/room/stage.js'), import('/room/drawer.js'), import('/room/strip.js'),
  ]);
  const { signal } = new AbortController();
  for (const id of ['prejoin', 'top']) document.getElementById(id).hidden = true;
  document.querySelector('#room').hidden = false;
  Object.assign(window, { stage: new Stage(signal), drawer: new Drawer(signal), strip });
  window.stage.add('self', 'self');
}

/** In the page: what stands where it must not. */
async function misplaced() {
  const frame = () => new Promise((drawn) => requestAnimationFrame(drawn));
  await frame();
  await frame(); // the stage hears of its size, and moves its tiles
  const box = (element) => element.getBoundingClientRect();
  const cuts = (a, b) => a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom;
  const within = (a, b) => a.left >= b.left && a.right <= b.right && a.top >= b.top && a.bottom <= b.bottom;
  const told = ({ x, y, width, height }) => [x, y, width, height].map(Math.round).join(' ');
  const tiles = [...document.querySelectorAll('.tile')].map(box);
  // Of two people one is small on the other's picture, beside its name.
  const small = document.querySelector('.tile.inset');
  const below = [...document.querySelectorAll('.tile:not(.inset), .tile:not(.inset) figcaption')].map(box);
  const place = box(document.querySelector('#tiles')); // larger than the stage where they are scrolled
  const found = tiles.flatMap((a, i) => [
    ...small ? [] : tiles.slice(i + 1).filter((b) => cuts(a, b)).map((b) => `${told(a)} is on ${told(b)}`),
    ...within(a, place) && a.width > 24 && a.height > 24 ? [] : [`${told(a)} in ${told(place)}`],
  ]);
  if (small && !within(box(small), below[0])) found.push(`the small one is at ${told(box(small))}`);
  if (small && cuts(box(small), below[1])) found.push('the small one is on a name');
  for (const button of [...document.querySelectorAll('.bar button')].filter((one) => one.checkVisibility())) {
    const { left, right, width } = box(button);
    if (left < 2 || right > innerWidth - 2 || width < 44) found.push(`${button.id}: ${told(box(button))}`);
    const { x, y, height } = box(button);
    const seen = document.elementFromPoint(x + width / 2, y + height / 2);
    if (!button.contains(seen)) found.push(`${button.id} is below ${seen?.className}`);
  }
  if (document.documentElement.scrollWidth > innerWidth) found.push('can be scrolled sideways');
  return { found, count: tiles.length };
}

describe('nothing in a room stands on something else', () => {
  let daemon, browser;

  before(async () => { [daemon, browser] = await Promise.all([startDaemon({ args: asWritten }), launchChromium()]); });
  after(async () => {
    await browser?.close();
    await daemon?.stop();
  });

  it('rows of tiles stand together on a phone, in the middle', () => {
    const [a, , c] = arrange(4, -1, 360, 570);
    assert.deepEqual([c.y - a.y - a.height, Math.round(a.y + c.y + c.height)], [8, 570]);
  });

  it('columns of tiles stand together on a phone on its side, in the middle', () => {
    const [a, b] = arrange(4, -1, 844, 326);
    assert.deepEqual([Math.round(b.x - a.x - a.width), Math.round(a.x + b.x + b.width)], [8, 844]);
  });

  it('three lines of the chat are seen on a small desktop at 400 %', async (t) => {
    const [page] = await openPages(t, [browser], daemon.url, { viewport: { width: 320, height: 200 } });
    await page.page.evaluate(begin);
    await page.page.evaluate(() => window.drawer.open('chat'));
    const seen = await page.page.$eval('#chat-log', (log) => [log.clientHeight, document.querySelector('#chat-text').getBoundingClientRect().bottom]);
    assert.ok(seen[0] >= 3 * 24 && seen[1] <= 200, String(seen));
  });

  for (const [width, height] of [[844, 150], [915, 180], [740, 150], [568, 140], [320, 230]]) {
    it(`while a keyboard leaves ${width} × ${height}, one sees what one writes and what was said last`, async (t) => {
      const [page] = await openPages(t, [browser], daemon.url, { viewport: { ...PHONE, width, height } });
      await page.page.evaluate(begin);
      await page.page.evaluate(async () => {
        const { make } = await import('/lib/dom.js');
        window.strip.showStrip('many', 'strip.many', { way: { key: 'strip.dismiss', act() {} } });
        document.querySelector('#chat-log').append(...['one', 'two', 'the last'].map((text) => {
          const line = make('article', 'line');
          line.append(make('header', '', 'Ken'), make('p', '', text));
          return line;
        }));
        window.drawer.open('chat');
        document.querySelector('#chat-log').scrollTop = 1000;
        document.querySelector('#chat-text').focus();
      });
      const covered = await page.page.evaluate(() => ['#chat-log .line:last-child p', '#chat-text', '#chat-form .primary'].filter((selector) => {
        const one = document.querySelector(selector);
        const { left, top, bottom } = one.getBoundingClientRect();
        return [top + 1, bottom - 1].some((y) => document.elementFromPoint(left + 12, y)?.closest(selector) !== one);
      }));
      assert.deepEqual(covered, []);
    });
  }

  for (const [name, viewport, most] of [['a desktop', DESKTOP, 7], ['a small desktop', { width: 900, height: 500 }, 7], ['a phone', PHONE, 4], ['a phone on its side', { ...PHONE, width: 844, height: 390 }, 4]]) {
    it(`no news is on a name, on ${name} with up to ${most} tiles`, async (t) => {
      const [page] = await openPages(t, [browser], daemon.url, { viewport });
      await page.page.emulateMediaFeatures([{ name: 'prefers-reduced-motion', value: 'reduce' }]);
      await page.page.evaluate(begin);
      for (let count = 1; count <= most; count++) {
        await page.page.evaluate(async (key) => {
          if (key !== 'p1') window.stage.add(key, 'peer');
          const { announce } = await import('/room/status.js');
          for (let i = 0; i < 3; i++) announce('room.joined', { name: 'Somebody with a name '.repeat(9) });
        }, `p${count}`);
        await page.page.evaluate(misplaced);
        const { news, covered } = await page.page.evaluate(() => {
          const boxes = (selector) => [...document.querySelectorAll(selector)].map((one) => one.getBoundingClientRect()).filter(({ width }) => width);
          const [told, names] = [boxes('.status p'), boxes('.tile figcaption')];
          return { news: told.length, covered: names.filter((a) => told.some((b) => a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom)).length };
        });
        assert.ok(news >= 1);
        assert.equal(covered, 0, `${count} tiles`);
      }
    });
  }

  for (const [name, viewport, large] of [['a phone', PHONE, 0.95], ['a phone on its side', { ...PHONE, width: 844, height: 390 }, 0.6], ['a small desktop', { width: 900, height: 500 }, 0.6]]) {
    it(`nine people beside a screen on ${name} are scrolled, each with a whole name, and the screen stays large`, async (t) => {
      const [page] = await openPages(t, [browser], daemon.url, { viewport });
      await page.page.emulateMediaFeatures([{ name: 'prefers-reduced-motion', value: 'reduce' }]);
      await page.page.evaluate(begin);
      await page.page.evaluate(() => {
        for (const name of ['Katharina', '佐々木 美咲', 'Christopher', 'Ken', 'Mio', 'Taro', 'Yui', 'Benedetta']) {
          const tile = window.stage.add(name, 'peer');
          tile.setName({ key: 'name', params: { name }, plain: name });
          tile.setQuality('good', null);
          tile.setMuted(name === 'Katharina');
        }
        window.stage.get('self').setName({ key: 'room.you', params: { name: 'Hana' }, plain: 'Hana' });
        window.stage.add('screen', 'screen').setName({ key: 'tile.screen', params: { name: 'Ken' }, plain: 'Ken' });
      });
      assert.deepEqual(await page.page.evaluate(misplaced), { found: [], count: 10 });
      const { width, faults } = await page.page.evaluate(() => {
        const box = (element) => element.getBoundingClientRect();
        const screen = document.querySelector('.tile.screen');
        const whole = JSON.stringify(box(screen));
        const place = box(document.querySelector('#stage'));
        const faults = [...document.querySelectorAll('.tile:not(.screen)')].flatMap((tile) => {
          tile.querySelector('.enlarge').focus();
          const { left, right, top, bottom } = box(tile);
          const label = tile.querySelector('.name');
          return [
            ...left < place.left || right > place.right || top < place.top || bottom > place.bottom ? [`${label.textContent} is out of sight`] : [],
            ...label.scrollWidth > label.clientWidth ? [`${label.textContent} is cut`] : [],
            ...JSON.stringify(box(screen)) === whole ? [] : [`with ${label.textContent} the screen moves`],
          ];
        });
        const picture = box(screen);
        return { width: Math.min(picture.width, (picture.height * 16) / 9) / innerWidth, faults };
      });
      assert.deepEqual(faults, []);
      assert.ok(width >= large, String(width));
      assert.deepEqual(await page.axe(), []);
    });
  }

  it('in a call of two no name is below the word that nobody hears one', async (t) => {
    for (const viewport of [DESKTOP, PHONE, { ...PHONE, width: 844, height: 390 }]) {
      const [page] = await openPages(t, [browser], daemon.url, { viewport });
      await page.page.emulateMediaFeatures([{ name: 'prefers-reduced-motion', value: 'reduce' }]);
      await page.page.evaluate(begin);
      await page.page.evaluate(() => window.stage.add('p', 'peer').setName({ key: 'name', params: { name: 'Somebody with a name' }, plain: 'S' }));
      await page.page.evaluate(misplaced);
      const [told, covered] = await page.page.evaluate((text) => {
        const box = (element) => element.getBoundingClientRect();
        const line = document.createElement('p');
        line.textContent = text;
        document.querySelector('#unheard').append(line);
        const a = box(line);
        return [a.width, [...document.querySelectorAll('.tile figcaption')].filter((one) => {
          const b = box(one);
          return a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom;
        }).length];
      }, en['mic.unheard']);
      assert.ok(told > 0);
      assert.equal(covered, 0, `${viewport.width}`);
    }
  });

  it('nothing that the keyboard reaches before the room is below the bar with Join', async (t) => {
    for (const [width, height] of [[360, 640], [844, 390], [320, 568]]) {
      const [page] = await openPages(t, [browser], daemon.url, { viewport: { ...PHONE, width, height } });
      await page.until(() => document.querySelectorAll('#join-devices select').length === 3);
      await page.page.focus('#preview-mic');
      const reached = new Map();
      for (let at = 'preview-mic'; at !== 'join-watch';) {
        await page.page.keyboard.press('Tab');
        const seen = await page.page.evaluate(() => {
          const one = document.activeElement;
          const { left, top, bottom } = one.getBoundingClientRect();
          const isSeen = [top + 2, bottom - 2].every((y) => document.elementFromPoint(left + 20, y)?.closest('button, select, input') === one);
          return [one.id || one.parentElement.textContent, isSeen];
        });
        [at] = seen;
        reached.set(...seen);
      }
      assert.ok(reached.size >= 6);
      assert.deepEqual([...reached].filter(([, isSeen]) => !isSeen).map(([name]) => `${width}: ${name}`), []);
    }
  });

  it('what is pressed with a finger is 44 px large at least', async (t) => {
    const [page] = await openPages(t, [browser], daemon.url, { viewport: PHONE });
    await page.shows('#prejoin');
    const small = () => page.page.evaluate(() => [...document.querySelectorAll('button, select, textarea, input:not([type="checkbox"]), a.button')]
      .filter((one) => one.checkVisibility() && !one.closest('.signals'))
      .map((one) => [one.id || one.className || one.textContent, one.getBoundingClientRect()])
      .filter(([, { width, height }]) => width && (width < 44 || height < 44))
      .map(([name, { width, height }]) => `${name}: ${width} × ${height}`));
    assert.deepEqual(await small(), []);
    await page.page.evaluate(begin);
    await page.page.evaluate(() => window.strip.showStrip('many', 'strip.many', { way: { key: 'strip.dismiss', act() {} } }));
    for (const tab of ['chat', 'people', 'signals']) {
      await page.page.evaluate((name) => window.drawer.open(name), tab);
      assert.deepEqual([tab, await small()], [tab, []]);
    }
    for (const name of ['invite', 'settings', 'help']) {
      await page.page.evaluate((id) => document.getElementById(id).showModal(), name);
      assert.deepEqual([name, await small()], [name, []]);
      await page.page.evaluate((id) => document.getElementById(id).close(), name);
    }
  });

  it('what one writes and the last lines are above a keyboard that covers the page, as on iOS', async (t) => {
    const [page] = await openPages(t, [browser], daemon.url, {
      path: '/r/covered', viewport: PHONE,
      prepare: () => {
        window.seen = Object.assign(new EventTarget(), { height: innerHeight, offsetTop: 0, scale: 1 });
        Object.defineProperty(window, 'visualViewport', { value: window.seen });
      },
    });
    await page.join('Hana', { watch: true });
    await page.openChat();
    for (let i = 0; i < 9; i++) await page.chat(`line ${i}`);
    const cover = (height, offsetTop = 0) => page.page.evaluate((members) => {
      Object.assign(window.seen, members).dispatchEvent(new Event('resize'));
    }, { height, offsetTop });
    const inSight = (top, bottom) => page.until((from, to) => ['#chat-log .line:last-child', '#chat-text'].every((selector) => {
      const box = document.querySelector(selector).getBoundingClientRect();
      return box.top >= from && box.bottom <= to;
    }), top, bottom);
    for (const [height, offsetTop] of [[380, 0], [330, 120], [150, 0]]) {
      await cover(height, offsetTop);
      await inSight(offsetTop, offsetTop + height);
    }
    await cover(640);
    await page.until(() => document.querySelector('#room').getBoundingClientRect().height === innerHeight);
  });

  it('on a phone Signals has half the screen, and the people are seen above it', async (t) => {
    const [page] = await openPages(t, [browser], daemon.url, { viewport: PHONE });
    await page.page.evaluate(begin);
    await page.page.evaluate(() => window.drawer.open('signals'));
    const height = (selector) => page.page.$eval(selector, (one) => one.getBoundingClientRect().height);
    const [panel, stage] = [await height('#panel-signals'), await height('#stage')];
    assert.ok(panel >= PHONE.height / 2, `${panel}`);
    assert.ok(stage >= 120, `${stage}`);
  });

  it('a phone tells who came, and what was said, however long the name and the words', async (t) => {
    const [page] = await openPages(t, [browser], daemon.url, { viewport: PHONE });
    await page.page.evaluate(begin);
    const seen = await page.page.evaluate(async () => {
      const { announce } = await import('/room/status.js');
      const shown = (key, params) => {
        announce(key, params);
        const [text] = document.querySelector('#status p:last-child').childNodes;
        const box = text.parentElement.getBoundingClientRect();
        const range = document.createRange();
        // What of the text is on the first line.
        return [...text.data].filter((_, i) => {
          range.setStart(text, i);
          range.setEnd(text, i + 1);
          return range.getBoundingClientRect().bottom < box.bottom;
        }).join('');
      };
      return [shown('room.left', { name: 'Somebody with a name '.repeat(9) }), shown('chat.heard', { name: 'Ken', text: 'x'.repeat(300) })];
    });
    assert.match(seen[0], /^Somebody with a nam… left\.$/);
    assert.match(seen[1], /^Ken: x{20,}$/);
  });

  it('one is “You” on a small picture of oneself, and has a letter until the camera shows something', async (t) => {
    const [page] = await openPages(t, [browser], daemon.url, { viewport: PHONE });
    await page.page.emulateMediaFeatures([{ name: 'prefers-reduced-motion', value: 'reduce' }]);
    await page.page.evaluate(begin);
    const [large, small, waiting, shown] = await page.page.evaluate(async () => {
      const own = window.stage.get('self');
      own.setName({ key: 'room.you', params: { name: 'Somebody with a name' }, plain: 'S' });
      const caption = () => own.element.querySelector('figcaption').innerText;
      const whole = caption();
      window.stage.add('p', 'peer');
      const canvas = document.createElement('canvas');
      const brush = canvas.getContext('2d');
      own.showPicture(true);
      const seen = new Promise((done) => own.video.addEventListener('loadeddata', done));
      own.play(canvas.captureStream());
      const before = !own.element.querySelector('.avatar').hidden;
      const timer = setInterval(() => brush.fillRect(0, 0, 9, 9), 40);
      await seen;
      clearInterval(timer);
      return [whole, caption(), before, !own.element.querySelector('.avatar').hidden];
    });
    assert.deepEqual([large, small, waiting, shown], ['Somebody with a name (you)', 'You', true, false]);
  });

  for (const [name, viewport] of [
    ['a desktop', DESKTOP], ['a small desktop', { width: 900, height: 500 }], ['a phone', PHONE], ['a small phone', { ...PHONE, width: 320, height: 568 }],
    ['a phone on its side', { ...PHONE, width: 640, height: 360 }], ['a large one', { ...PHONE, width: 844, height: 390 }],
    ['a desktop at 400 %', { width: 320, height: 256 }],
  ]) {
    it(`with one to seven tiles on ${name}, with and without drawer, strip and a large one`, async (t) => {
      const [page] = await openPages(t, [browser], daemon.url, { viewport });
      // At once: on their way from place to place tiles may cross.
      await page.page.emulateMediaFeatures([{ name: 'prefers-reduced-motion', value: 'reduce' }]);
      await page.page.evaluate(begin);
      for (let count = 1; count <= 7; count++) {
        if (count > 1) {
          await page.page.evaluate((key) => {
            const name = { key: 'name', params: { name: 'A very long name indeed, as some people have' }, plain: 'A' };
            window.stage.add(key, 'peer').setName(name);
          }, `p${count}`);
        }
        for (const [what, act] of [
          ['bare', () => {}],
          ['strip', () => window.strip.showStrip('many', 'strip.many', { way: { key: 'strip.dismiss', act() {} } })],
          ['drawer', () => window.drawer.open('people')],
          ['large', () => window.stage.enlarge('self')],
          ['no strip', () => window.strip.clearStrip('many')],
          ['no drawer', () => window.drawer.close()],
        ]) {
          await page.page.evaluate(act);
          const { found, count: seen } = await page.page.evaluate(misplaced);
          assert.deepEqual([what, seen, found], [what, count, []]);
        }
        await page.page.evaluate(() => window.stage.enlarge(null));
      }
    });
  }
});
