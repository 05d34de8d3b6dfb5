// The room page as a person uses it: press, read, wait. Every page is watched for scripts that fail
// and for violations of its content security policy: close() fails when there were any.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { setTimeout } from 'node:timers/promises';

const WAIT_MS = 60000; // on a machine that is busy

/** The page's sentences, { en, ja }. */
export const texts = await import(`data:text/javascript,${encodeURIComponent(
  readFileSync(new URL('../../../web/room/texts.js', import.meta.url), 'utf8'))}`);

export const DESKTOP = { width: 1280, height: 800 };
export const PHONE = { width: 360, height: 640, hasTouch: true, isMobile: true };
const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

/** In the page, before its scripts: what went wrong is kept in `faults`. */
function watchFaults() {
  window.faults = [];
  const watch = (type, say) => addEventListener(type, (e) => window.faults.push(say(e)), true);
  watch('securitypolicyviolation', (e) => `${e.violatedDirective} ${e.blockedURI}`);
  watch('unhandledrejection', (e) => `rejected: ${e.reason}`);
  // Also of a script, a style or a picture that does not load.
  watch('error', (e) => `error: ${e.message ?? e.target?.outerHTML}`);
}

/** In the page, before its scripts: its connections, tracks and sockets are kept for questions. */
function watchResources() {
  window.opened = { pcs: [], sockets: [], tracks: [] };
  const keep = (name, list) => {
    const Real = window[name];
    window[name] = new Proxy(Real, {
      construct(target, args) {
        const made = new target(...args);
        window.opened[list].push(made);
        return made;
      },
    });
  };
  keep('RTCPeerConnection', 'pcs');
  keep('WebSocket', 'sockets');
  for (const name of ['getUserMedia', 'getDisplayMedia']) {
    const real = window.MediaDevices?.prototype[name];
    if (!real) continue;
    MediaDevices.prototype[name] = async function asked(constraints) {
      const stream = await real.call(this, constraints);
      window.opened.tracks.push(...stream.getTracks());
      return stream;
    };
  }
}

export class RoomPage {
  /**
   * Open a page in a profile of its own.
   * @param {import('puppeteer-core').Browser} browser
   * @param {string} base the daemon's address, such as http://localhost:3000
   * @param {object} [options]
   * @param {string} [options.path]
   * @param {object} [options.viewport]
   * @param {boolean} [options.dark] Chromium only
   * @param {Function} [options.prepare] runs in the page before its scripts
   */
  static async open(browser, base, options = {}) {
    const { path = '/r/asakai', viewport = DESKTOP, dark, prepare } = options;
    const self = new RoomPage();
    self.context = await browser.createBrowserContext();
    // In a tab behind another one Firefox neither plays nor takes clicks at its usual pace.
    self.page = await self.context.newPage({ type: 'window' });
    await self.page.setViewport(viewport);
    if (dark !== undefined) {
      const value = dark ? 'dark' : 'light';
      await self.page.emulateMediaFeatures([{ name: 'prefers-color-scheme', value }]);
    }
    await self.page.evaluateOnNewDocument(watchFaults);
    await self.page.evaluateOnNewDocument(watchResources);
    if (prepare) await self.page.evaluateOnNewDocument(prepare);
    await self.page.goto(base + path);
    return self;
  }

  /** Wait until the function is true in the page. */
  async until(test, ...args) {
    try {
      return await this.page.waitForFunction(test, { timeout: WAIT_MS, polling: 50 }, ...args);
    } catch (cause) {
      const shown = await this.text('body').catch(() => '');
      const what = `waited for ${test} with ${JSON.stringify(args)}: ${cause.message}`;
      throw new Error(`${what}\n${shown}`, { cause });
    }
  }

  /** Wait for text in an element. */
  says(selector, text) {
    const test = (s, t) => document.querySelector(s)?.textContent.includes(t);
    return this.until(test, selector, text);
  }

  /** Wait until it is there to be seen. */
  async shows(selector) {
    await this.until((s) => document.querySelector(s)?.checkVisibility(), selector);
  }

  text(selector) {
    return this.page.$eval(selector, (element) => element.innerText);
  }

  attribute(selector, name) {
    return this.page.$eval(selector, (element, n) => element.getAttribute(n), name);
  }

  async click(selector) {
    await this.shows(selector);
    await this.page.click(selector);
  }

  /** Through pre-join, with camera and microphone unless `watch`. */
  async join(name, { watch = false } = {}) {
    await this.shows('#join-name');
    if (!watch) await this.until(() => document.querySelector('#preview-video').videoWidth > 0);
    await this.page.$eval('#join-name', (field) => { field.value = ''; });
    await this.page.type('#join-name', name);
    await this.click(watch ? '#join-watch' : '#join');
    await this.shows('#room');
  }

  /** Wait for a tile of that name whose picture moves: frames are decoded, its clock runs on. */
  async moves(name) {
    const look = (n) => this.page.evaluate(async (text) => {
      const tile = [...document.querySelectorAll('.tile')]
        .find((one) => one.querySelector('.name').textContent === text);
      const video = tile?.querySelector('video');
      const track = video?.srcObject?.getVideoTracks()[0];
      if (!track || video.hidden || !video.videoWidth) return null;
      // Firefox never answers for a connection that is closed meanwhile.
      const late = new Promise((go) => { window.setTimeout(go, 1000, new Map()); });
      const all = await Promise.all(window.opened.pcs.map((pc) => Promise.race([pc.getStats(), late])));
      const stats = all.flatMap((report) => [...report.values()]).find((one) => one.type === 'inbound-rtp' && one.trackIdentifier === track.id);
      return stats && { frames: stats.framesDecoded, time: video.currentTime };
    }, n);
    const end = Date.now() + WAIT_MS;
    let first = null;
    while (Date.now() < end) {
      const now = await look(name);
      if (first && now && now.frames > first.frames + 3 && now.time > first.time) return;
      // A connection that was made anew counts from nothing.
      if (!(first?.frames <= now?.frames && first.time <= now.time)) first = now;
      await setTimeout(100); // pictures come at their own pace, without an event
    }
    assert.fail(`no moving picture of ${name}: ${JSON.stringify(first)}\n${await this.text('body')}`);
  }

  async openChat() {
    await this.click('#open-chat');
    await this.shows('#chat-text');
  }

  async chat(text) {
    await this.page.type('#chat-text', text);
    await this.page.keyboard.press('Enter');
  }

  /** What was said, line by line. */
  lines() {
    return this.page.$$eval('#chat-log .line p', (lines) => lines.map((line) => line.textContent));
  }

  /** What axe-core finds in what is shown. */
  async axe() {
    // In a world of its own, which the page's policy does not reach.
    const client = await this.page.createCDPSession();
    const { frameTree } = await client.send('Page.getFrameTree');
    const { executionContextId } = await client.send('Page.createIsolatedWorld', {
      frameId: frameTree.frame.id,
    });
    const run = (expression, awaitPromise) => client.send('Runtime.evaluate', {
      expression, awaitPromise, contextId: executionContextId, returnByValue: true,
    });
    await run(`${axe};0`, false);
    const { result, exceptionDetails } = await run(`axe.run().then(({ violations }) => violations
      .flatMap(({ id, nodes }) => nodes.map(({ html, any }) => id + ': ' + html.slice(0, 120) + ' ' + (any[0]?.message ?? ''))))`, true);
    assert.equal(exceptionDetails, undefined);
    await client.detach();
    return result.value;
  }

  /** In pixels: how far the page can be scrolled sideways. */
  sideways() {
    return this.page.evaluate(() => (
      document.documentElement.scrollWidth - document.documentElement.clientWidth));
  }

  /** Close the page, and fail when a script failed or the policy was violated. */
  async close() {
    const faults = await this.page.evaluate(() => window.faults);
    await this.context.close();
    assert.deepEqual(faults, []);
  }
}

/** Pages in one room, closed again after the test. */
export async function openPages(t, browsers, base, options = {}) {
  const pages = browsers.map((browser) => RoomPage.open(browser, base, options));
  t.after(async () => {
    const ends = await Promise.allSettled(pages.map(async (page) => (await page).close()));
    for (const { reason } of ends) if (reason) throw reason;
  });
  return Promise.all(pages);
}
