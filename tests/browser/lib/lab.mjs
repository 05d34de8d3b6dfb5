// lab.html as a person uses it: press, read, wait. Every page is watched for scripts that fail and
// for violations of its content security policy: close() fails when there were any.
import assert from 'node:assert/strict';

const WAIT_MS = 20000;

export class Lab {
  /**
   * Open the page in a profile of its own.
   * @param {import('puppeteer-core').Browser} browser
   * @param {string} base the daemon's address, such as http://localhost:3000
   * @param {object} [o]
   * @param {string} [o.path]
   * @param {{width: number, height: number}} [o.viewport]
   * @param {boolean} [o.dark] Chromium only
   * @param {Function} [o.before] to run in the page before its scripts
   * @param {boolean} [o.online] wait for the WebSocket
   */
  static async open(browser, base, { path = '/lab.html', viewport = { width: 1280, height: 900 }, dark, before, online = true } = {}) {
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
      const fault = (text) => window.faults.push(text);
      addEventListener('securitypolicyviolation', (e) => fault(`${e.violatedDirective} ${e.blockedURI} ${e.sourceFile}`));
      addEventListener('unhandledrejection', (e) => fault(`rejected: ${e.reason}`));
      // Captured, so that a script or a style that does not load counts as well.
      addEventListener('error', (e) => fault(`error: ${e.message ?? e.target?.outerHTML}`), true);
    });
    if (before) await lab.page.evaluateOnNewDocument(before);
    await lab.page.goto(base + path);
    if (online) await lab.state('socket', 'open');
    return lab;
  }

  /** Wait until the function is true in the page; its value is the result. */
  async until(test, ...args) {
    try {
      const handle = await this.page.waitForFunction(test, { timeout: WAIT_MS, polling: 50 }, ...args);
      return await handle.jsonValue();
    } catch (error) {
      const log = await this.text('#log').catch(() => '');
      throw new Error(`waited for ${test} with ${JSON.stringify(args)}: ${error.message}\n${await this.text('.states').catch(() => '')}\n${log}`, { cause: error });
    }
  }

  /** Wait for a state by its chip: socket, signaling, gathering, ice, connection. */
  state(name, value) {
    return this.until((id, text) => document.querySelector(`#state-${id} dd`).textContent === text, name, value);
  }

  /** Wait for text in an element. */
  says(selector, text) {
    return this.until((s, t) => document.querySelector(s)?.textContent.includes(t), selector, text);
  }

  text(selector) {
    return this.page.$eval(selector, (element) => element.innerText);
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

  /** Wait until the remote picture is there and moves: its clock runs and frames are decoded. */
  async moves() {
    const frames = () => {
      const params = document.querySelector('#remote-stats').dataset.i18nParams;
      return params ? JSON.parse(params).frames : 0;
    };
    await this.until(() => document.querySelector('#remote').videoWidth > 0);
    const time = await this.page.$eval('#remote', (video) => video.currentTime);
    const count = await this.page.evaluate(frames);
    await this.until((t) => document.querySelector('#remote').currentTime > t + 0.3, time);
    await this.until((c) => {
      const params = document.querySelector('#remote-stats').dataset.i18nParams;
      return params && JSON.parse(params).frames > c + 3;
    }, count);
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
