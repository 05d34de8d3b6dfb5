// lab.html as a person uses it: press, read, wait. Every page is watched for scripts that fail and
// for violations of its content security policy: close() fails when there were any.
import assert from 'node:assert/strict';

const WAIT_MS = 60000; // on a machine that is busy
const DESKTOP = { width: 1280, height: 900 };

export class Lab {
  /**
   * Open the page in a profile of its own.
   * @param {import('puppeteer-core').Browser} browser
   * @param {string} base the daemon's address, such as http://localhost:3000
   * @param {object} [options]
   * @param {string} [options.path]
   * @param {{width: number, height: number}} [options.viewport]
   * @param {boolean} [options.dark] Chromium only
   * @param {boolean} [options.online] wait for the WebSocket
   */
  static async open(browser, base, options = {}) {
    const { path = '/lab.html', viewport = DESKTOP, dark, online = true } = options;
    const lab = new Lab();
    lab.context = await browser.createBrowserContext();
    // In a tab behind another one Firefox neither plays nor takes clicks at its usual pace.
    lab.page = await lab.context.newPage({ type: 'window' });
    await lab.page.setViewport(viewport);
    if (dark !== undefined) {
      const value = dark ? 'dark' : 'light';
      await lab.page.emulateMediaFeatures([{ name: 'prefers-color-scheme', value }]);
    }
    await lab.page.evaluateOnNewDocument(() => {
      window.faults = [];
      const watch = (type, say) => addEventListener(type, (e) => window.faults.push(say(e)), true);
      watch('securitypolicyviolation', (e) => `${e.violatedDirective} ${e.blockedURI}`);
      watch('unhandledrejection', (e) => `rejected: ${e.reason}`);
      // Also of a script, a style or a picture that does not load.
      watch('error', (e) => `error: ${e.message ?? e.target?.outerHTML}`);
    });
    await lab.page.goto(base + path);
    if (online) await lab.state('socket', 'open');
    return lab;
  }

  /** Wait until the function is true in the page. */
  async until(test, ...args) {
    try {
      const options = { timeout: WAIT_MS, polling: 50 };
      await this.page.waitForFunction(test, options, ...args);
    } catch (cause) {
      const shown = await Promise.all([this.text('.states'), this.text('#log')]).catch(() => []);
      const what = `waited for ${test} with ${JSON.stringify(args)}: ${cause.message}`;
      throw new Error([what, ...shown].join('\n'), { cause });
    }
  }

  /** Wait for a state by its chip: socket, signaling, gathering, ice, connection. */
  state(name, value) {
    const test = (id, text) => document.querySelector(`#state-${id} dd`).textContent === text;
    return this.until(test, name, value);
  }

  /** Wait for text in an element. */
  says(selector, text) {
    const test = (s, t) => document.querySelector(s)?.textContent.includes(t);
    return this.until(test, selector, text);
  }

  text(selector) {
    return this.page.$eval(selector, (element) => element.innerText);
  }

  value(selector) {
    return this.page.$eval(selector, (field) => field.value);
  }

  click(selector) {
    return this.page.click(selector);
  }

  async prepare() {
    await this.click('#prepare');
    await this.until(() => document.querySelector('#local').videoWidth > 0);
  }

  async type(selector, text) {
    await this.page.$eval(selector, (field) => { field.value = ''; });
    await this.page.type(selector, text);
  }

  async chat(text) {
    await this.until(() => !document.querySelector('#chat-send').disabled);
    await this.type('#chat-text', text);
    await this.page.keyboard.press('Enter');
  }

  /** The messages of the log: {direction, type, raw}. */
  messages() {
    return this.page.$$eval('#log > :not(.note)', (lines) => lines.map((line) => ({
      direction: line.className,
      type: line.dataset.type,
      raw: line.querySelector('pre').textContent,
    })));
  }

  /** Wait until there is a remote picture. */
  shows() {
    return this.until(() => document.querySelector('#remote').videoWidth > 0);
  }

  /** Wait until the remote picture moves: its clock runs on, and more frames are decoded. */
  async moves() {
    await this.shows();
    await this.page.evaluate(() => { window.least = { time: Infinity, frames: Infinity }; });
    await this.until(() => {
      const { i18nParams } = document.querySelector('#remote-stats').dataset;
      if (!i18nParams) return false;
      const { currentTime: time } = document.querySelector('#remote');
      const { frames } = JSON.parse(i18nParams);
      const { least } = window;
      // Of the call before, both may still be told: a new one begins at nothing.
      least.time = Math.min(least.time, time);
      least.frames = Math.min(least.frames, frames);
      return time > least.time + 0.3 && frames > least.frames + 3;
    });
  }

  /** Close the page, and fail when a script failed or the policy was violated. */
  async close() {
    const faults = await this.page.evaluate(() => window.faults);
    await this.context.close();
    assert.deepEqual(faults, []);
  }
}

/** Two pages in one room, closed again after the test. @returns {Promise<[Lab, Lab]>} */
export async function pair(t, first, second, base, options = {}) {
  const labs = [Lab.open(first, base, options), Lab.open(second, base, options)];
  t.after(() => both(labs, async (lab) => (await lab).close()));
  return Promise.all(labs);
}

/** Do it with all pages at once; the first failure is told when all are done. */
export async function both(labs, act) {
  const ends = await Promise.allSettled(labs.map(act));
  for (const { reason } of ends) if (reason) throw reason;
}
