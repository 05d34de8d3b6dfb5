// /status: the numbers appear and go on, charts are drawn, the reader's language, theme and screen are
// served, and nobody is asked while nobody looks.
import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { after, before, describe, it } from 'node:test';
import { open as connect, openMany } from '../lib/client.mjs';
import { scratch, startDaemon, testDaemon, workers } from '../lib/daemon.mjs';
import { ask } from '../lib/http.mjs';
import { Key, now } from '../lib/tokens.mjs';
import { en } from '../../web/status/texts.js';
import { FAMILIES, isReason } from '../../web/status/reasons.js';
import { launchChromium, launchFirefox } from './lib/browsers.mjs';
import { Lab } from './lib/lab.mjs';
import { DESKTOP, look, PHONE } from './lib/look.mjs';

const key = new Key(scratch());
const guarded = ['--listen', '127.0.0.1:0', '--auth', 'token', '--auth-key', key.option];
const token = (can = ['admin']) => key.token({ room: '*', can, exp: now() + 3600 });

describe('the page about the server', () => {
  let chromium;

  before(async () => { chromium = await launchChromium(); });
  after(() => chromium?.close());

  /** The page, in a browser of its own kind if it is said how to launch that. */
  async function show(t, base, { launch, path = '/status', ...options } = {}) {
    const browser = await launch?.() ?? chromium;
    const lab = await Lab.open(browser, base, { path, online: false, ...options });
    t.after(async () => {
      await lab.close();
      if (launch) await browser.close();
    });
    return lab;
  }

  const isShown = (lab) => lab.until(() => !document.querySelector('#status-all').hidden);
  const value = (name) => `#chart-${name} .values`;
  /** How often the page asks from now on: {asked}. */
  async function count(lab) {
    const counter = { asked: 0 };
    lab.page.on('request', (request) => { counter.asked += request.url().endsWith('/status.json'); });
    return counter;
  }

  for (const [name, launch] of [['Chromium', launchChromium], ['Firefox', launchFirefox]]) {
    it(`shows figures and charts that go on, ${name}`, async (t) => {
      const daemon = await testDaemon(t, { args: ['--listen', '127.0.0.1:0?metrics'] });
      const lab = await show(t, daemon.url, { launch });
      await lab.says(value('peers'), '0');
      const [a, b, c] = await openMany(`${daemon.ws}/relay/asakai`, 3);
      await lab.says(value('peers'), '3');
      await lab.says(value('rooms'), '1');
      const talk = setInterval(() => a.send('x'.repeat(1000)), 20);
      t.after(() => clearInterval(talk));
      await lab.until(() => Number(/^([\d.]+) in/.exec(document.querySelector('#chart-messages .values').textContent)?.[1]) > 5);
      clearInterval(talk);
      const path = () => lab.page.$eval('#chart-peers path', (line) => line.getAttribute('d'));
      const before = await path();
      assert.match(before, /^M[\d.]+ [\d.]+h0(L[\d.]+ [\d.]+)+$/);
      await lab.until((old) => document.querySelector('#chart-peers path').getAttribute('d') !== old, before);
      const label = await lab.page.$eval('#chart-peers svg', (svg) => svg.getAttribute('aria-label'));
      assert.match(label, /^Chart: Peers. Now 3; at most 3; limit [\d,]+ \([\d.]+\s%\)$/);
      assert.match(await lab.text('#chart-memory'), /[\d.]+ KiB.*limit [\d.]+ \wiB \([\d.]+\s%\)/s);
      assert.match(await lab.text('#chart-loop'), /[\d.]+\s%/);
      if (workers === 1) assert.match(await lab.text('#status-largest'), /^–\s+\/relay\s+3$/m); // else of the worker that answers
      await lab.says('#status-unnamed', 'to who has a token');
      await Promise.all([a, b, c].map((client) => client.close()));
      await lab.says(value('peers'), '0');
      await lab.says('#status-no-rooms', 'Nobody');
    });
  }

  it('takes the token out of the address, keeps it for a reload, and forgets it', async (t) => {
    const daemon = await testDaemon(t, { args: guarded });
    const lab = await show(t, daemon.url, { path: `/status#t=${token()}` });
    await isShown(lab);
    assert.equal(lab.page.url(), `${daemon.url}/status`);
    await lab.page.reload();
    await isShown(lab);
    await Promise.all([lab.page.waitForNavigation(), lab.click('#status-forget')]);
    await lab.says('#status-says', 'for administrators');
    assert.equal(await lab.page.$eval('#status-all', (all) => all.hidden), true);
    assert.ok(!JSON.stringify(daemon.stderr).includes('eyJ'));
  });

  it('says what a token lacks, and takes another one from the field', async (t) => {
    const daemon = await testDaemon(t, { args: guarded });
    const lab = await show(t, daemon.url);
    await lab.says('#status-says', 'needs a token with `admin` in `can`');
    const give = async (text) => {
      await lab.page.type('#status-token', text);
      await lab.page.keyboard.press('Enter');
    };
    await give(token(['moderate']));
    await lab.says('#status-says', 'its `can` lacks `admin`');
    await give('nonsense');
    await lab.says('#status-says', 'The token is not good. (');
    await give(token());
    await isShown(lab);
    await lab.until(() => document.querySelector('#status-form').hidden && !document.querySelector('#status-says').textContent);
    await lab.page.evaluate((text) => { location.hash = `t=${text}`; }, token(['send']));
    await lab.says('#status-says', 'its `can` lacks `admin`');
  });

  it('says so where nobody may see it', async (t) => {
    const daemon = await testDaemon(t);
    const lab = await show(t, daemon.url);
    await lab.says('#status-says', 'tells its status to nobody here');
    assert.equal(await lab.page.$eval('#status-form', (form) => form.hidden), true);
  });

  it('names rooms as they are, never as HTML', async (t) => {
    const daemon = await testDaemon(t, { args: ['--listen', '127.0.0.1:0?metrics&auth=none', '--listen', '*:0?metrics', '--auth-key', key.option] });
    const evil = '<img src=x onerror=alert(1)>\u202egpj';
    // So many that each worker has some: one answers.
    await Promise.all(Array.from({ length: 20 }, (_, i) => connect(`${daemon.ws}/relay/${encodeURIComponent(evil)}${i}`)));
    const lab = await show(t, `http://127.0.0.1:${daemon.ports[0]}`, { path: `/status#t=${token()}` });
    await lab.says('#status-largest', '<img src=x onerror=alert(1)>gpj');
    assert.equal(await lab.page.$('#status-largest img'), null);
  });

  it('lists refusals and closes by reason, with what has come since it looks', async (t) => {
    const daemon = await testDaemon(t, { args: ['--listen', '127.0.0.1:0?metrics', '--max-message', '1024'] });
    const tooLong = async () => (await connect(`${daemon.ws}/relay`)).send('x'.repeat(2000)).closed;
    await ask({ port: daemon.port }, '/nowhere');
    const lab = await show(t, daemon.url);
    await lab.until(() => /a path where there is nothing\s+0\s*1$/.test(document.querySelector('#reason-refused_not_found')?.innerText));
    await lab.says('#reasons-closed', 'None so far');
    await Promise.all([ask({ port: daemon.port }, '/nowhere'), tooLong()]);
    await lab.until(() => /\s1\s*2$/.test(document.querySelector('#reason-refused_not_found').innerText));
    await lab.until(() => /^1009\s.*over max-message\s+1\s*1$/s.test(document.querySelector('#reason-closed_1009')?.innerText));
  });

  it('has a sentence for each reason that the server counts', async (t) => {
    const daemon = await testDaemon(t, { args: ['--listen', '127.0.0.1:0?metrics'] });
    const { meters } = JSON.parse((await ask({ port: daemon.port }, '/status.json')).text);
    const reasons = Object.keys(meters).filter((name) => Object.values(FAMILIES).some((prefix) => isReason(name, prefix)));
    assert.ok(reasons.length > 40);
    assert.deepEqual(reasons.filter((name) => !en[`status.reason.${name}`]), []);
    assert.deepEqual(Object.keys(en).filter((one) => /^status\.reason\./.test(one) && !reasons.includes(one.slice(14))), []);
  });

  it('does not ask while it is hidden or paused, and at once when it is seen again', async (t) => {
    const daemon = await testDaemon(t, { args: ['--listen', '127.0.0.1:0?metrics'] });
    const lab = await show(t, daemon.url);
    await isShown(lab);
    const counter = await count(lab);
    const hide = (hidden) => lab.page.evaluate((is) => {
      Object.defineProperty(document, 'hidden', { configurable: true, value: is });
      document.dispatchEvent(new Event('visibilitychange'));
    }, hidden);
    const answered = () => lab.page.waitForResponse((answer) => answer.url().endsWith('/status.json'));
    const quiet = async () => {
      const { asked } = counter;
      // Twice as long as between two questions, by the page's own clock.
      await lab.page.evaluate(() => new Promise((done) => { setTimeout(done, 4500); }));
      assert.equal(counter.asked, asked);
    };
    await answered();
    await hide(true);
    await quiet();
    await Promise.all([answered(), hide(false)]);
    await lab.click('#status-pause');
    await quiet();
    await Promise.all([answered(), lab.click('#status-pause')]);
    assert.equal(await lab.page.$eval('#status-pause', (button) => button.getAttribute('aria-pressed')), 'false');
  });

  it('says that the server does not answer, and goes on when it does', async (t) => {
    const daemon = await startDaemon({ args: ['--listen', '127.0.0.1:0?metrics'] });
    const lab = await show(t, daemon.url);
    await lab.says(value('peers'), '0');
    await daemon.stop();
    await lab.says('#status-says', 'has not answered for');
    const again = await testDaemon(t, { args: ['--listen', `127.0.0.1:${daemon.port}?metrics`] });
    await lab.until(() => !document.querySelector('#status-says').textContent);
    assert.equal(again.port, daemon.port);
    // Counters have begun anew: no rate is made of that.
    assert.ok(!/-\d/.test(await lab.text('#status-charts')));
  });

  it('says so when something else answers in its place', async (t) => {
    const daemon = await testDaemon(t, { args: ['--listen', '127.0.0.1:0?metrics'] });
    const proxy = createServer(async (request, response) => {
      if (request.url === '/status.json') {
        response.writeHead(502, { 'Content-Type': 'text/html' }).end('<h1>Bad Gateway</h1>');
        return;
      }
      const { status, headers, body } = await ask({ port: daemon.port }, request.url);
      response.writeHead(status, { 'Content-Type': headers['content-type'] }).end(body);
    });
    await new Promise((done) => { proxy.listen(0, '127.0.0.1', done); });
    t.after(() => proxy.close());
    const lab = await Lab.open(chromium, `http://127.0.0.1:${proxy.address().port}`, { path: '/status', online: false });
    await lab.says('#status-says', 'refuses to answer (502)');
    await lab.context.close();
  });

  for (const [name, viewport, dark, language] of [
    ['desktop', DESKTOP, false, 'en'], ['desktop-dark-ja', DESKTOP, true, 'ja'],
    ['phone', PHONE, false, 'ja'], ['phone-dark', PHONE, true, 'en'],
  ]) {
    it(`looks as it should, without a token and with one, ${name}`, async (t) => {
      const daemon = await testDaemon(t, { args: [...guarded, '--listen', '127.0.0.1:0?metrics&auth=none', '--max-message', '1024'] });
      const lab = await show(t, daemon.url, { viewport, dark });
      await lab.page.select('#language', language);
      await lab.until(() => document.querySelector('#status-says').textContent);
      await look(lab, `status-${name}-token`);
      const open = `ws://127.0.0.1:${daemon.ports[1]}`;
      const [talker] = (await Promise.all([openMany(`${open}/relay/asakai`, 4), openMany(`${open}/relay/${'a-very-long-name'.repeat(8)}`, 2)])).flat();
      await ask({ port: daemon.port }, '/nowhere');
      (await connect(`${open}/relay/x`)).send('x'.repeat(2000));
      await lab.page.type('#status-token', token());
      await lab.page.keyboard.press('Enter');
      await isShown(lab);
      talker.send('hello');
      await lab.until(() => document.querySelector('#chart-bytes path')?.getAttribute('d').includes('L'));
      await look(lab, `status-${name}`);
    });
  }
});
