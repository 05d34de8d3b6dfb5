// What one sees of a call, and what one does in it beside talking: one's own picture, a name, a hand,
// what is told of a call that is not looked at.
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { startDaemon } from '../lib/daemon.mjs';
import { launchChromium } from './lib/browsers.mjs';
import { openPages, texts } from './lib/room-page.mjs';

const { en } = texts;

describe('in a call', () => {
  let daemon, browser;

  before(async () => { [daemon, browser] = await Promise.all([startDaemon(), launchChromium()]); });
  after(async () => {
    await browser?.close();
    await daemon?.stop();
  });

  /** Hana and Ken, who need not send anything. */
  async function two(t, options = {}) {
    const path = `/r/${encodeURIComponent(t.name.slice(0, 30))}`;
    const pages = await openPages(t, [browser, browser], daemon.url, { path, ...options });
    await pages[0].join('Hana', { watch: true });
    await pages[1].join('Ken', { watch: true });
    await pages[0].until(() => document.querySelectorAll('.tile').length === 2);
    return pages;
  }

  it('of two one is small in the corner, the other when one presses it, and one can hide oneself', async (t) => {
    const [hana] = await two(t);
    const small = () => hana.page.$$eval('.tile.inset .name', (all) => all.map((one) => one.textContent));
    const press = (name) => hana.click(`.tile .enlarge[aria-label="Show ${name} large"]`);
    assert.deepEqual(await small(), ['Hana (you)']);
    await press('Hana (you)');
    assert.deepEqual(await small(), ['Ken']);
    await press('Ken');
    assert.deepEqual(await small(), ['Hana (you)']);
    await hana.click('#more');
    await hana.click('#menu-self');
    assert.deepEqual(await hana.page.$$eval('.tile', (all) => all.map((one) => one.checkVisibility())), [true, false]);
    await hana.click('#more');
    await hana.says('#menu-self', en['menu.showSelf']);
    await hana.click('#menu-self');
    assert.deepEqual(await small(), ['Hana (you)']);
  });

  it('one’s own screen is small beside one’s own picture, whatever others show, until one wants it large', async (t) => {
    const [hana, ken] = await two(t);
    const screen = '.tile.screen .enlarge[aria-label="Show your screen large"]';
    const width = () => hana.page.$eval(screen, (one) => one.getBoundingClientRect().width);
    await hana.page.emulateMediaFeatures([{ name: 'prefers-reduced-motion', value: 'reduce' }]);
    await hana.click('#share');
    await hana.says('.tile.screen .name', en['screen.own']);
    assert.deepEqual(await hana.page.$$eval('.tile.inset .name', (all) => all.map((one) => one.textContent)), [en['screen.own'], 'Hana (you)']);
    await ken.click('#share');
    await hana.until(() => document.querySelector('.tile.screen .enlarge[aria-pressed="true"][aria-label="Show Ken: screen large"]'));
    assert.ok(await width() <= 250);
    await ken.click('#share');
    await hana.until(() => document.querySelectorAll('.tile.screen').length === 1);
    assert.ok(await width() <= 250);
    await hana.click(screen);
    await hana.until(() => document.querySelector('.tile.screen').getBoundingClientRect().width > 500);
  });

  it('the menu goes by arrows, Home and End, and gives the focus back', async (t) => {
    const [hana] = await two(t);
    const at = () => hana.page.evaluate(() => document.activeElement.id || document.activeElement.textContent);
    await hana.page.focus('#more');
    await hana.page.keyboard.press('Enter');
    await hana.until(() => document.activeElement.id === 'menu-settings');
    const last = en['home.check'];
    for (const [key, entry] of [['ArrowDown', 'menu-signals'], ['ArrowUp', 'menu-settings'], ['ArrowUp', last], ['ArrowDown', 'menu-settings'], ['End', last], ['Home', 'menu-settings'], ['Escape', 'more'], ['ArrowDown', 'menu-settings'], ['Tab', 'leave']]) {
      await hana.page.keyboard.press(key);
      await hana.until((id) => (document.activeElement.id || document.activeElement.textContent) === id, entry).catch(async () => assert.equal(await at(), entry, key));
    }
    await hana.until(() => !document.querySelector('#menu').matches(':popover-open'));
  });

  it('one changes one’s name, which all see, and is called so the next time', async (t) => {
    const [hana, ken] = await two(t);
    await hana.click('#open-people');
    await hana.click('#people button');
    await hana.until(() => document.activeElement.id === 'settings-name');
    assert.equal(await hana.page.$eval('#settings-name', (field) => field.value), 'Hana');
    await hana.page.keyboard.type('Hanako \u202eexe');
    await hana.page.keyboard.press('Enter');
    await ken.until(() => [...document.querySelectorAll('.tile .name')].some((one) => one.textContent === 'Hanako exe'));
    await hana.says('.tile.inset .name', 'Hanako exe (you)');
    await hana.says('#people li', 'Hanako exe (you)');
    assert.equal(await hana.page.$eval('#settings', (dialog) => dialog.open), false);
    await hana.click('#leave');
    await Promise.all([hana.page.waitForNavigation(), hana.click('#ended-again')]);
    await hana.shows('#join-name');
    assert.equal(await hana.page.$eval('#join-name', (field) => field.value), 'Hanako exe');
  });

  it('a raised hand is seen by all, also by who comes later, until it is lowered', async (t) => {
    const [hana, ken] = await two(t);
    await hana.page.keyboard.press('h');
    await hana.until(() => document.querySelector('#hand[aria-pressed=true]'));
    await ken.says('#status', 'Hana raises a hand.');
    const [mio] = await openPages(t, [browser], daemon.url, { path: new URL(hana.page.url()).pathname });
    await mio.join('Mio', { watch: true });
    const hands = () => [...document.querySelectorAll('.tile')]
      .filter((tile) => tile.querySelector('.hand').checkVisibility()).map((tile) => tile.querySelector('.name').textContent).join();
    for (const [page, name] of [[hana, 'Hana (you)'], [ken, 'Hana'], [mio, 'Hana']]) {
      await page.until(`(${hands})() === ${JSON.stringify(name)}`);
      await page.click('#open-people');
      await page.shows(`#people [aria-label="${en['hand.up']}"]`);
    }
    await hana.click('#hand');
    for (const page of [hana, ken, mio]) await page.until(`(${hands})() === ''`);
  });

  it('who comes and writes while nobody looks is counted in the title, and heard unless one does not like that', async (t) => {
    const prepare = () => {
      const Real = Audio;
      window.played = [];
      window.Audio = class extends Real { constructor(...all) { super(...all); window.played.push(this); } };
    };
    const [hana, ken] = await two(t, { prepare });
    const front = await hana.context.newPage();
    await front.bringToFront();
    await hana.until(() => document.hidden);
    await ken.openChat();
    await ken.chat('one');
    await hana.until(() => document.title.startsWith('(1) '));
    await hana.until(() => window.played.length === 1 && !window.played[0].srcObject);
    await hana.page.bringToFront();
    await hana.until(() => !document.title.startsWith('('));
    await hana.click('#more');
    await hana.click('#menu-settings');
    await hana.click('#settings-sounds');
    await front.bringToFront();
    await hana.until(() => document.hidden);
    await ken.chat('two');
    const [mio] = await openPages(t, [browser], daemon.url, { path: new URL(hana.page.url()).pathname });
    await mio.join('Mio', { watch: true });
    await hana.until(() => document.title.startsWith('(2) '));
    assert.equal(await hana.page.evaluate(() => window.played.length), 1);
  });

  it('who speaks with the microphone off is told that nobody hears it', async (t) => {
    const [hana] = await openPages(t, [browser], daemon.url, { path: '/r/unheard' });
    await hana.join('Hana');
    await hana.click('#mic');
    await hana.says('#unheard', en['mic.unheard']);
    await hana.click('#mic');
    await hana.until(() => !document.querySelector('#unheard').textContent);
  });

  it('the picture is 720 lines for one alone, and small again when a third comes', async (t) => {
    // One camera with two pages has one size for both.
    const [hana, ken] = await openPages(t, [browser, browser], daemon.url, { path: '/r/lines' });
    await ken.join('Ken', { watch: true });
    await hana.join('Hana');
    const lines = (n) => hana.until((height) => (
      window.opened.tracks.find(({ kind }) => kind === 'video').getSettings().height === height), n);
    await lines(720);
    const [mio] = await openPages(t, [browser], daemon.url, { path: new URL(hana.page.url()).pathname });
    await mio.join('Mio', { watch: true });
    await lines(360);
    await mio.click('#leave');
    await lines(720);
  });

  it('the other’s picture stands in a window above all others, until one wants it back', async (t) => {
    const [hana, ken] = await openPages(t, [browser, browser], daemon.url, { path: '/r/float' });
    await hana.join('Hana', { watch: true });
    await hana.click('#more');
    assert.equal(await hana.page.$eval('#menu-float', (button) => button.hidden), true, 'nobody is there');
    await hana.page.keyboard.press('Escape');
    await ken.join('Ken');
    await hana.moves('Ken');
    await hana.click('#more');
    await hana.click('#menu-float');
    await hana.until(() => document.pictureInPictureElement?.closest('.tile').textContent.includes('Ken'));
    await hana.click('#more');
    await hana.click('#menu-float');
    await hana.until(() => !document.pictureInPictureElement);
  });

  it('the sound of a shared tab is heard with its picture, and is not the voice of who shares it', async (t) => {
    const prepare = () => {
      MediaDevices.prototype.getDisplayMedia = async () => {
        const canvas = Object.assign(document.createElement('canvas'), { width: 320, height: 180 });
        const context = canvas.getContext('2d');
        setInterval(() => context.fillRect(Math.random() * 320, Math.random() * 180, 9, 9), 100);
        const audio = new AudioContext();
        const line = audio.createMediaStreamDestination();
        const tone = new OscillatorNode(audio);
        tone.connect(line);
        tone.start();
        return new MediaStream([...canvas.captureStream(10).getTracks(), ...line.stream.getTracks()]);
      };
    };
    const [hana, ken] = await two(t, { prepare });
    await hana.click('#share');
    await ken.until(() => document.querySelector('.tile.screen video')?.srcObject?.getAudioTracks().length);
    await ken.moves('Hana: screen');
    const isMuted = await ken.page.evaluate(async () => {
      const audio = new AudioContext();
      const ear = audio.createAnalyser();
      audio.createMediaStreamSource(document.querySelector('.tile.screen video').srcObject).connect(ear);
      const samples = new Float32Array(ear.fftSize);
      while (Math.max(...samples) < 0.3) {
        await new Promise(requestAnimationFrame);
        ear.getFloatTimeDomainData(samples);
      }
      return document.querySelector('.tile.screen video').muted;
    });
    assert.equal(isMuted, false);
    assert.equal(await ken.page.$('.tile[data-speaking]'), null);
    await hana.click('#share');
    await ken.until(() => !document.querySelector('.tile.screen'));
    await hana.click('#share');
    await ken.until(() => document.querySelector('.tile.screen video')?.srcObject?.getAudioTracks().length);
  });

  it('a phone takes the camera of its other side, which shows things as they are', async (t) => {
    const prepare = () => { // no driver has a phone
      const real = MediaDevices.prototype.getUserMedia;
      MediaDevices.prototype.getUserMedia = async function asked(wanted) {
        const stream = await real.call(this, wanted);
        for (const track of stream.getVideoTracks()) {
          const { facingMode = 'user' } = wanted.video;
          const settings = track.getSettings();
          track.getSettings = () => ({ ...settings, facingMode });
        }
        return stream;
      };
    };
    const [hana] = await openPages(t, [browser], daemon.url, { path: '/r/sides', prepare });
    await hana.join('Hana');
    for (const isMirrored of [false, true]) {
      await hana.click('#more');
      await hana.click('#menu-side');
      await hana.until((wanted) => {
        const video = document.querySelector('.tile video');
        return video.videoWidth > 0 && video.classList.contains('mirrored') === wanted;
      }, isMirrored);
    }
    assert.deepEqual(await hana.page.evaluate(() => window.opened.tracks.filter(({ kind }) => kind === 'video')
      .map(({ readyState }) => readyState)), ['ended', 'ended', 'live']);
  });

  it('the loudspeaker that was chosen can be heard before', async (t) => {
    const prepare = () => {
      window.Audio = new Proxy(Audio, {
        construct(target, all) {
          window.speaker = new target(...all);
          return window.speaker;
        },
      });
    };
    const [hana] = await openPages(t, [browser], daemon.url, { path: '/r/loudspeaker', prepare });
    await hana.until(() => document.querySelectorAll('#join-devices select')[2]?.options.length > 1);
    const id = await hana.page.$$eval('#join-devices select', ([, , select]) => {
      select.selectedIndex = 1;
      select.dispatchEvent(new Event('change'));
      return select.value;
    });
    await hana.click(`#join-devices [aria-label="${en['device.test']}"]`);
    const loudest = await hana.page.evaluate(async () => {
      const audio = new AudioContext();
      const ear = audio.createAnalyser();
      audio.createMediaStreamSource(window.speaker.srcObject).connect(ear);
      const samples = new Float32Array(ear.fftSize);
      let most = 0;
      while (window.speaker.srcObject) {
        ear.getFloatTimeDomainData(samples);
        most = Math.max(most, ...samples);
        await new Promise(requestAnimationFrame);
      }
      return most;
    });
    assert.ok(loudest > 0.05, String(loudest));
    assert.equal(await hana.page.evaluate(() => window.speaker.sinkId), id);
    await hana.until(() => !document.querySelector('#join-devices button').disabled);
  });
});
