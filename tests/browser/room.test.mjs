// A call on the room page, as two people have it: they see each other, switch things on and off,
// show a screen, leave.
import assert from 'node:assert/strict';
import { cpSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { asWritten, pages, scratch, startDaemon, testDaemon } from '../lib/daemon.mjs';
import { launchChromium, launchFirefox } from './lib/browsers.mjs';
import { PHONE, RoomPage, openPages, texts } from './lib/room-page.mjs';

const { en } = texts;

describe('a call on the room page', () => {
  let daemon;
  let chromium;
  let firefox;

  before(async () => {
    [daemon, chromium, firefox] = await Promise.all([
      startDaemon(), launchChromium(), launchFirefox(),
    ]);
  });

  after(async () => {
    await Promise.all([chromium, firefox].map((browser) => browser?.close()));
    await daemon?.stop();
  });

  /** Two pages that see each other. */
  async function call(t, browsers = [chromium, chromium], options = {}) {
    const path = `/r/${encodeURIComponent(t.name.slice(0, 30))}`;
    const pages = await openPages(t, browsers, daemon.url, { path, ...options });
    await pages[0].join('Hana');
    await pages[1].join('Ken');
    await Promise.all([pages[0].moves('Ken'), pages[1].moves('Hana')]);
    return pages;
  }

  /** What a negotiation would change, without the candidates, which come when they like. */
  const negotiated = (page) => page.page.evaluate(() => window.opened.pcs.map((pc) => (
    [pc.connectionState, pc.localDescription?.sdp, pc.remoteDescription?.sdp].map((text) => (
      text?.replace(/^(a=(candidate|end-of-candidates|rtcp:)|c=).*\r\n|(?<=^m=\w+ )\d+/gm, ''))))));

  const states = (page, kind) => page.page.evaluate((k) => window.opened.tracks
    .filter((track) => track.kind === k).map((track) => track.readyState), kind);

  it('shows Chromium and Firefox to each other', async (t) => {
    await call(t, [chromium, firefox]);
  });

  it('shows three people to each other, and whoever was clicked large', async (t) => {
    const pages = await call(t, [chromium, chromium, chromium]);
    await pages[2].join('Mio');
    for (const [i, name] of [[0, 'Mio'], [1, 'Mio'], [2, 'Hana'], [2, 'Ken']]) {
      await pages[i].moves(name);
    }
    await pages[2].click('.tile .enlarge[aria-label="Show Ken large"]');
    await pages[2].until(() => {
      const area = (name) => {
        const { width, height } = [...document.querySelectorAll('.tile')]
          .find((tile) => tile.textContent.includes(name)).getBoundingClientRect();
        return width * height;
      };
      return area('Ken') > 4 * area('Hana') && area('Ken') > 4 * area('Mio');
    });
  });

  it('stops the camera that is switched off, and negotiates nothing by that', async (t) => {
    const [hana, ken] = await call(t);
    const before = await negotiated(hana);
    await hana.click('#cam');
    await ken.until(() => document.querySelector('.tile .avatar:not([hidden])'));
    assert.deepEqual(await states(hana, 'video'), ['ended']);
    assert.equal(await hana.attribute('#cam', 'aria-pressed'), 'false');
    await hana.click('#cam');
    await ken.moves('Hana');
    assert.deepEqual(await states(hana, 'video'), ['ended', 'live']);
    await hana.click('#mic');
    await ken.until(() => document.querySelector('.tile .icon')?.closest('span:not([hidden])'));
    await hana.click('#mic');
    await ken.until(() => [...document.querySelectorAll('.tile .icon')].every((icon) => icon.closest('span').hidden));
    assert.deepEqual(await negotiated(hana), before);
  });

  it('shows who says one short word, whenever it is said', async (t) => {
    const [hana, ken] = await call(t);
    await hana.page.evaluate(async () => {
      const audio = new AudioContext();
      const voice = new OscillatorNode(audio);
      const mouth = new GainNode(audio, { gain: 0 });
      const line = audio.createMediaStreamDestination();
      voice.connect(mouth).connect(line);
      voice.start();
      for (const pc of window.opened.pcs) {
        const sender = pc.getSenders().find(({ track }) => track?.kind === 'audio');
        await sender.replaceTrack(line.stream.getAudioTracks()[0]);
      }
      window.word = () => {
        mouth.gain.setValueAtTime(1, audio.currentTime + 0.1);
        mouth.gain.setValueAtTime(0, audio.currentTime + 0.16);
      };
    });
    for (const _ of [1, 2, 3]) {
      await ken.until(() => !document.querySelector('.tile:not(:has(.mirrored))[data-speaking]'));
      await hana.page.evaluate(() => window.word());
      await ken.until(() => document.querySelector('.tile:not(:has(.mirrored))[data-speaking]'));
    }
  });

  it('sends no sound of a microphone that is switched off', async (t) => {
    const [hana, ken] = await call(t);
    await ken.until(() => document.querySelector('.tile:not(:has(.mirrored))[data-speaking]'));
    await hana.click('#mic');
    await ken.until(() => !document.querySelector('.tile:not(:has(.mirrored))[data-speaking]'));
    // The sound of the fake microphone has pauses of its own.
    await hana.until(() => window.opened.pcs.every((pc) => pc.getSenders().every(({ track }) => track?.kind !== 'audio')));
    await ken.until(() => document.querySelector('.tile .icon')?.closest('span:not([hidden])'));
    const packets = () => ken.page.evaluate(async () => {
      const all = [...(await window.opened.pcs[0].getStats()).values()];
      return all.find(({ type, kind }) => type === 'inbound-rtp' && kind === 'audio').packetsReceived;
    });
    const before = await packets();
    await ken.moves('Hana');
    assert.ok(await packets() - before <= 2, 'packets on their way, no more');
  });

  it('shows a screen as a second picture within two seconds, large, until it ends', async (t) => {
    const [hana, ken] = await call(t);
    const asked = Date.now();
    await hana.click('#share');
    await ken.until(() => document.querySelector('.tile.screen video')?.videoWidth > 0);
    const took = Date.now() - asked;
    assert.ok(took <= 2000, `${took} ms`);
    await ken.moves('Hana: screen');
    await ken.moves('Hana');
    assert.equal(await ken.attribute('.tile.screen .enlarge', 'aria-pressed'), 'true');
    // As by the browser's own button, which no driver can press.
    await hana.page.evaluate(() => {
      const track = window.opened.tracks.at(-1);
      track.stop();
      track.dispatchEvent(new Event('ended'));
    });
    await ken.until(() => !document.querySelector('.tile.screen'));
    assert.equal(await hana.attribute('#share', 'aria-pressed'), 'false');
  });

  it('tells whether pictures really come, with the numbers behind, and until they are known that it measures', async (t) => {
    const [hana, ken] = await call(t, undefined, {
      prepare: () => {
        window.told = new Set();
        new MutationObserver(() => window.told.add(document.querySelector('.dot[data-grade]')?.title.replace(/:.*/, '')))
          .observe(document, { subtree: true, childList: true, attributeFilter: ['title'] });
      },
    });
    await ken.until(() => /^Good connection: round trip \d+ ms, lost [\d.]+ %, [1-9]\d* kbit\/s, path (host|prflx)$/
      .test(document.querySelector('.dot[data-grade="good"]')?.title));
    const told = await ken.page.evaluate(() => [...window.told].filter(Boolean));
    assert.deepEqual(told.slice(0, 2), [en['quality.new'], en['quality.measuring']]);
    // A camera that says that it is on and sends nothing.
    await hana.page.evaluate(() => {
      for (const pc of window.opened.pcs) {
        const sender = pc.getSenders().find(({ track }) => track?.kind === 'video');
        sender.replaceTrack(null);
      }
    });
    await ken.until(() => document.querySelector('.dot[data-grade="frozen"]'));
  });

  it('says that it reconnects, and for how long', async (t) => {
    const [hana, ken] = await call(t);
    await hana.page.evaluate(() => {
      RTCPeerConnection.prototype.setRemoteDescription = () => new Promise(() => {});
      window.opened.pcs.forEach((pc) => pc.close());
    });
    // A second that the page was busy is not told.
    await ken.until(() => /reconnecting… [2-9] s/.test(document.querySelector('.tile .veil:not([hidden])')?.textContent));
  });

  it('ends all tracks, connections and sockets when one leaves', async (t) => {
    const [hana, ken] = await call(t);
    await hana.click('#share');
    await ken.until(() => document.querySelector('.tile.screen'));
    await hana.click('#leave');
    await hana.says('#ended-text', en['ended.left']);
    await ken.says('#status', 'Hana left.');
    await ken.until(() => document.querySelectorAll('.tile').length === 1);
    await hana.until(() => window.opened.sockets.every((socket) => socket.readyState === WebSocket.CLOSED));
    const open = await hana.page.evaluate(() => ({
      tracks: window.opened.tracks.filter((track) => track.readyState !== 'ended').length,
      sockets: window.opened.sockets.filter((socket) => socket.readyState !== WebSocket.CLOSED).length,
      pcs: window.opened.pcs.filter((pc) => pc.signalingState !== 'closed').length,
      all: [window.opened.tracks.length, window.opened.sockets.length, window.opened.pcs.length],
    }));
    assert.deepEqual(open, { tracks: 0, sockets: 0, pcs: 0, all: [4, 1, 1] }); // the screen has a sound
  });

  it('asks once for a screen, and lets go of one that comes after one left', async (t) => {
    const prepare = () => {
      const real = MediaDevices.prototype.getDisplayMedia;
      window.asked = 0;
      MediaDevices.prototype.getDisplayMedia = async function asked(wanted) {
        window.asked++;
        const stream = await real.call(this, wanted);
        await new Promise((resolve) => { window.choose = resolve; });
        return stream;
      };
    };
    const [hana] = await openPages(t, [chromium], daemon.url, { path: '/r/picker', prepare });
    await hana.join('Hana', { watch: true });
    await hana.page.keyboard.press('s');
    await hana.page.keyboard.press('s');
    await hana.until(() => window.choose);
    assert.equal(await hana.page.evaluate(() => window.asked), 1);
    await hana.click('#leave');
    await hana.shows('#ended');
    await hana.page.evaluate(() => window.choose());
    await hana.until(() => window.opened.tracks.length && window.opened.tracks.every((track) => track.readyState === 'ended'));
  });

  it('keeps the signals in eight million letters until somebody looks, and opens no view after the end', async (t) => {
    const { url } = await testDaemon(t, { args: asWritten });
    const [hana] = await openPages(t, [chromium], url, { path: '/' });
    const [kept, left] = await hana.page.evaluate(async () => {
      const [{ connect }, { Signals }] = await Promise.all([import('/client.js'), import('/room/signals.js')]);
      const view = async (act) => {
        const client = connect();
        const signals = new Signals(client);
        for (let i = 0; i < 100; i++) {
          const detail = { t: i, dir: 'in', type: 'chat', room: 'r', summary: 'x', raw: 'x'.repeat(200_000) };
          client.dispatchEvent(new CustomEvent('trace', { detail }));
        }
        const shown = signals.show({ peers: new Map() });
        act(signals);
        await shown;
        await new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(drawn)));
        const count = document.querySelector('#panel-signals [data-filter="chat"]')?.parentElement.textContent;
        signals.close();
        return count;
      };
      return [await view(() => {}), await view((signals) => signals.close())];
    });
    assert.equal(kept, 'chat41');
    assert.equal(left, null); // as JSON has undefined
  });

  it('shows a first picture before any script has come', async (t) => {
    const [hana] = await openPages(t, [chromium], daemon.url, { path: '/trust' });
    const held = [];
    let isHeld = true;
    await hana.page.setRequestInterception(true);
    hana.page.on('request', (one) => (isHeld && one.resourceType() === 'script' ? held.push(one) : one.continue()));
    await hana.page.evaluate((to) => { location.href = to; }, `${daemon.url}/r/first`);
    await hana.until(() => location.pathname === '/r/first' && document.querySelector('#first img')?.naturalWidth);
    await hana.shows('#first img');
    await hana.shows('#top .brand');
    assert.equal(await hana.page.$eval('#prejoin', (main) => main.hidden), true);
    isHeld = false;
    assert.ok(held.length);
    await Promise.all(held.map((one) => one.continue()));
    await hana.shows('#join');
    assert.equal(await hana.page.$('#first'), null);
  });

  it('says so when a part of the page does not come, and joins once it does', async (t) => {
    const [hana] = await openPages(t, [chromium], daemon.url, { path: '/' });
    let isCut = true;
    await hana.page.setRequestInterception(true);
    hana.page.on('request', (one) => (isCut && /\/visit-/.test(one.url()) ? one.abort() : one.continue()));
    await hana.page.goto(`${daemon.url}/r/parts`);
    await hana.shows('#join-watch');
    await hana.click('#join-watch');
    await hana.says('#join-error', en['join.notLoaded']);
    isCut = false;
    await hana.click('#join-watch');
    await hana.shows('#room');
  });

  it('knows the names of rooms as the server does', async (t) => {
    const names = [
      '', '.', '..', '...', 'a/b', 'a\u0000', 'a\u001f', 'a\u007f', 'a\u0080', 'a\u009f', 'a\u00a0', '\ud800',
      'x'.repeat(128), 'x'.repeat(129), '部'.repeat(42), '部'.repeat(43), 'a b;c&d%e+f?g#h', '\u202e',
    ];
    const { url } = await testDaemon(t, { args: asWritten });
    const [hana] = await openPages(t, [chromium], url, { path: '/' });
    const found = await hana.page.evaluate(async (all) => {
      const [{ connect }, { isRoomName }] = await Promise.all([import('/client.js'), import('/room/address.js')]);
      const good = all.map((name, i) => [name, i]).filter(([name]) => isRoomName(name));
      for (const [name] of good) await (await connect().join(name)).leave(); // the server's word
      return good.map(([, i]) => i);
    }, names);
    assert.deepEqual(found, [3, 10, 12, 14, 16, 17]);
  });

  it('says so when the room was opened in another tab', async (t) => {
    const [hana] = await openPages(t, [chromium], daemon.url, { path: '/r/tabs' });
    await hana.join('Hana');
    const stored = await hana.page.evaluate(() => ({ ...sessionStorage }));
    assert.ok(Object.keys(stored).length, 'the session is kept over a reload');
    const other = await hana.context.newPage();
    await other.evaluateOnNewDocument((all) => Object.assign(sessionStorage, all), stored);
    await other.goto(`${daemon.url}/r/tabs`);
    await other.waitForSelector('#join-watch');
    await other.click('#join-watch');
    await hana.says('#ended-text', en['join.elsewhere']);
  });

  it('says so when the room is full', async (t) => {
    const small = await startDaemon({ args: ['--room-peers', '2'] });
    const [hana, mio, ken] = await openPages(t, Array(3).fill(chromium), small.url);
    t.after(() => small.stop());
    await hana.join('Hana', { watch: true });
    await mio.join('Mio', { watch: true });
    await ken.page.setViewport({ ...PHONE, width: 320 });
    await ken.click('#join-watch');
    await ken.says('#join-error', en['join.full']);
    // Without scrolling, and not below something else; the last is a desktop at 400 %.
    for (const [width, height] of [[320, 640], [844, 390], [320, 200]]) {
      await ken.page.setViewport({ ...PHONE, width, height });
      assert.deepEqual(await ken.page.$$eval('#join-error, #join, #join-watch', (all) => all.map((one) => {
        const box = one.getBoundingClientRect();
        const [x, ...ys] = [box.left + box.width / 2, box.top + 1, box.bottom - 1];
        return ys.every((y) => document.elementFromPoint(x, y) === one);
      })), [true, true, true], `${width} x ${height}`);
    }
  });

  it('says that no server answers, and asks no more when one cancels', async (t) => {
    const [hana] = await openPages(t, [chromium], daemon.url, {
      path: '/r/silent',
      prepare: () => {
        window.WebSocket = class extends WebSocket {
          constructor(url, ...rest) {
            super(url.replace('/v1/', '/none/'), ...rest);
          }
        };
      },
    });
    await hana.click('#join-watch');
    await hana.says('#join-error', en['join.unreachable']);
    assert.equal(await hana.page.$eval('#join', (button) => button.disabled), true);
    await hana.click('#join-cancel');
    await hana.shows('#join-watch');
    const sockets = await hana.page.evaluate(() => [
      document.querySelector('#join').disabled, document.querySelector('#join-error').hidden,
      window.opened.sockets.some(({ readyState }) => readyState < WebSocket.CLOSING),
    ]);
    assert.deepEqual(sockets, [false, true, false]);
  });

  it('comes back by itself after a reload, with what was on, and nobody reads that it was lost', async (t) => {
    const [hana, ken] = await call(t, [chromium, firefox]);
    // Firefox ends the connection before the page may say goodbye.
    for (const [page, other, name, end] of [[ken, hana, 'Ken', 'is gone'], [hana, ken, 'Hana', 'left']]) {
      await page.click('#mic');
      await other.page.evaluate(() => {
        window.told = [];
        new MutationObserver((all) => all.forEach(({ addedNodes: [line] }) => line && window.told.push(line.textContent)))
          .observe(document.querySelector('#status'), { childList: true });
      });
      await page.page.reload();
      await other.moves(name);
      assert.deepEqual(await other.page.evaluate(() => window.told), [`${name} ${end}.`, `${name} is here.`]);
      await page.shows('#room');
      assert.deepEqual(await page.page.evaluate(() => ['mic', 'cam'].map((id) => (
        document.getElementById(id).getAttribute('aria-pressed')))), ['false', 'true']);
    }
    await hana.click('#leave');
    await hana.page.reload();
    await hana.shows('#prejoin');
  });

  it('goes on in the same tiles when the server was killed and is there again, and nobody reads of it', async (t) => {
    const server = await startDaemon();
    const pages = await openPages(t, [chromium, firefox], server.url);
    const [hana, ken] = pages;
    await hana.join('Hana');
    await ken.join('Ken');
    await Promise.all([hana.moves('Ken'), ken.moves('Hana')]);
    await Promise.all(pages.map((page) => page.page.evaluate(() => {
      window.told = [];
      new MutationObserver((all) => all.forEach(({ addedNodes: [line] }) => line && window.told.push(line.textContent)))
        .observe(document.querySelector('#status'), { childList: true });
      window.tiles = [...document.querySelectorAll('.tile')];
    })));
    server.child.kill('SIGKILL');
    await server.exit();
    await Promise.all(pages.map((page) => page.says('#strip', en['strip.offline'])));
    const next = await startDaemon({ args: ['--listen', `127.0.0.1:${server.port}`] });
    t.after(() => next.stop());
    await Promise.all(pages.map((page) => page.until(() => (
      document.querySelector('#strip').innerText === '' && !document.querySelector('#people .away')))));
    await Promise.all([hana.moves('Ken'), ken.moves('Hana')]);
    for (const page of pages) {
      assert.deepEqual(await page.page.evaluate(() => [
        window.told, window.opened.pcs.length,
        [...document.querySelectorAll('.tile')].every((tile, i) => tile === window.tiles[i]),
      ]), [[], 1, true]);
    }
    await ken.click('#leave');
    await hana.until(() => document.querySelectorAll('.tile').length === 1);
  });

  it('shows what is wrong with the server above the stage, only while it is', async (t) => {
    const own = await startDaemon();
    t.after(() => own.stop());
    const [hana] = await openPages(t, [chromium], own.url);
    await hana.join('Hana', { watch: true });
    assert.equal(await hana.text('#strip'), '');
    const stopped = own.stop();
    await hana.says('#strip', en['strip.closing']);
    await stopped;
    await hana.until(() => window.opened.sockets.at(-1).readyState === WebSocket.CLOSED);
    assert.equal(await hana.text('#strip'), en['strip.closing']);
  });

  it('asks for a tap where the browser keeps the sound off, and then plays', async (t) => {
    const [hana] = await openPages(t, [chromium], daemon.url, { path: '/r/tap' });
    await hana.join('Hana');
    // The driver's questions count as a click, so this page walks in alone and calls back.
    const context = await chromium.createBrowserContext();
    t.after(() => context.close());
    const page = await context.newPage();
    const told = new Promise((resolve) => {
      page.on('console', (message) => message.text().includes(', paused: ') && resolve(message.text()));
    });
    await page.evaluateOnNewDocument(() => {
      const look = new MutationObserver(() => {
        if (!document.querySelector('#prejoin')?.hidden) document.querySelector('#join-watch')?.click();
        const button = document.querySelector('#strip button');
        if (button) {
          look.disconnect();
          const { paused } = document.querySelector('.tile:not(:has(.mirrored)) video');
          console.log(`${button.textContent}, paused: ${paused}`);
        }
      });
      look.observe(document, { subtree: true, childList: true, attributes: true });
    });
    await page.goto(`${daemon.url}/r/tap`);
    assert.equal(await told, `${en['strip.hearButton']}, paused: true`);
    await page.click('#strip button');
    await page.waitForFunction(() => !document.querySelector('#strip p')
      && !document.querySelector('.tile:not(:has(.mirrored)) video').paused);
  });

  it('needs no mouse: join, mute, chat, leave', async (t) => {
    const [ken, hana] = await openPages(t, [chromium, chromium], daemon.url, { path: '/r/keys' });
    await ken.until(() => document.querySelector('#preview-mic[aria-pressed=true]'));
    assert.equal(await ken.attribute('#preview-mic', 'title'), en['mic.off'], 'there are no keys yet');
    await ken.join('Ken');
    assert.equal(await ken.attribute('#mic', 'title'), en['mic.offKey']);
    const { keyboard } = hana.page;
    const go = async (id) => {
      for (let presses = 0; presses < 40; presses++) {
        await keyboard.press('Tab');
        const at = await hana.page.evaluate(() => {
          const element = document.activeElement;
          return { id: element.id, isSeen: element === document.body || getComputedStyle(element).outlineStyle !== 'none' };
        });
        assert.ok(at.isSeen, `no focus to be seen at ${at.id}`);
        if (at.id === id) return;
      }
      assert.fail(`#${id} is out of reach`);
    };
    await hana.until(() => document.activeElement.id === 'join-name'); // the first thing to do
    await keyboard.type('Hana');
    await keyboard.press('Enter');
    await hana.moves('Ken');
    await go('mic');
    await keyboard.press('Space');
    assert.equal(await hana.attribute('#mic', 'aria-pressed'), 'false');
    await go('open-chat');
    await keyboard.press('Enter');
    await keyboard.type('by keyboard');
    await keyboard.press('Enter');
    await ken.says('#chat-log', 'by keyboard');
    await keyboard.press('Escape');
    await go('leave');
    await keyboard.press('Enter');
    await hana.says('#ended-text', en['ended.left']);
  });

  it('has keys for everything, which rest while one types', async (t) => {
    const [hana] = await openPages(t, [chromium], daemon.url, { path: '/r/shortcuts' });
    await hana.join('Hana');
    const { keyboard } = hana.page;
    const pressed = (id) => hana.attribute(`#${id}`, 'aria-pressed');
    await keyboard.press('m');
    assert.equal(await pressed('mic'), 'false');
    await keyboard.down('Space');
    assert.equal(await pressed('mic'), 'true');
    await keyboard.up('Space');
    assert.equal(await pressed('mic'), 'false');
    await hana.click('#mic');
    await hana.click('#mic');
    assert.equal(await pressed('mic'), 'false');
    await keyboard.down('Space');
    assert.equal(await pressed('mic'), 'true', 'also where the mouse has left the focus on the button');
    await keyboard.up('Space');
    assert.equal(await pressed('mic'), 'false');
    await keyboard.press('v');
    await hana.until(() => document.querySelector('#cam').getAttribute('aria-pressed') === 'false');
    await keyboard.press('p');
    await hana.shows('#panel-people');
    await keyboard.press('p');
    await keyboard.press('d');
    await hana.shows('#panel-signals .signals');
    await keyboard.press('c');
    await hana.shows('#panel-chat');
    await keyboard.type('mvspdf');
    assert.equal(await hana.page.$eval('#chat-text', (field) => field.value), 'mvspdf');
    assert.equal(await pressed('mic'), 'false');
    await keyboard.press('Escape');
    await keyboard.type('?');
    await hana.shows('#help[open]');
    await keyboard.press('Escape');
    await keyboard.press('s');
    await hana.shows('.tile.screen');
    await keyboard.type('?');
    await hana.click('#help-keys');
    await keyboard.press('Escape');
    const titles = await hana.page.$$eval('.bar [title]', (all) => all.map(({ title }) => title));
    assert.deepEqual(titles.filter((title) => title.includes('(')), [], 'no button promises a key');
    await keyboard.press('p');
    await keyboard.press('s');
    assert.deepEqual([await pressed('share'), await hana.attribute('#open-people', 'aria-expanded')], ['true', 'false']);
  });

  it('hands the signals of the whole call to their view', async (t) => {
    const [hana] = await call(t);
    await hana.page.keyboard.press('d');
    for (const word of ['welcome', 'offer', 'answer', 'candidate']) {
      await hana.says('#panel-signals', word);
    }
  });

  it('needs nothing more of a server that is upgraded during the call', async (t) => {
    const folder = scratch();
    cpSync(pages, folder, { recursive: true });
    const upgraded = await testDaemon(t, { args: ['--web-root', folder] });
    const [hana] = await openPages(t, [chromium], upgraded.url, { path: '/r/long' });
    await hana.join('Hana', { watch: true });
    await hana.until(() => performance.getEntriesByType('resource').some(({ name }) => /\/view-\w+\.js$/.test(name)));
    rmSync(join(folder, 'room'), { recursive: true });
    await hana.page.keyboard.press('d');
    await hana.says('#panel-signals', 'welcome');
  });
});
