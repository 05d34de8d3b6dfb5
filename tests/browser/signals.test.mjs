// The signals view on rooms that are real: it draws what the daemon saw, repairs and cuts on
// purpose, saves without secrets, opens what was saved, and stays fluid with ten thousand events.
import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { writeTrace } from '../../web/signals/file.js';
import { asWritten, startDaemon } from '../lib/daemon.mjs';
import { launchChromium, launchFirefox } from './lib/browsers.mjs';
import { Lab } from './lib/lab.mjs';
import { DESKTOP, look, PHONE } from './lib/look.mjs';

const TALL = { width: 1280, height: 6000 }; // all rows are in sight
const DRAWER = { width: 320, height: 720 };
const QUIET = /"type":"(ping|pong)"/; // not shown unless asked for

/** In the page: nothing but a signals view, and a room if it is given a name. */
async function show({ room, name }) {
  const style = document.createElement('link');
  style.rel = 'stylesheet';
  style.href = '/signals.css';
  document.head.append(style);
  await new Promise((done) => { style.onload = done; });
  const [{ SignalsView }, { t }, { connect }] = await Promise.all([
    import('/signals/view.js'), import('/lib/i18n.js'), import('/client.js'),
  ]);
  const host = document.createElement('main');
  Object.assign(host.style, { height: '100vh', padding: '8px', display: 'block', maxWidth: 'none' });
  host.append(Object.assign(document.createElement('h1'), { className: 'unseen', textContent: 'Signals' }));
  document.body.replaceChildren(host);
  const traces = [];
  let joined = null;
  if (room) {
    const client = connect();
    client.on('trace', (trace) => (window.view ? window.view.add(trace) : traces.push(trace)));
    joined = await client.join(room, { name });
  }
  window.view = new SignalsView(host, { room: joined, t });
  traces.forEach((trace) => window.view.add(trace));
  window.room = joined;
}

describe('the signals view', () => {
  const browsers = {};
  let daemon;
  let rooms = 0;

  before(async () => {
    daemon = await startDaemon({ args: ['--show-messages', ...asWritten] });
    [browsers.chromium, browsers.firefox] = await Promise.all([launchChromium(), launchFirefox()]);
  });

  after(async () => {
    await Promise.all(Object.values(browsers).map((browser) => browser.close()));
    await daemon?.stop();
  });

  async function open(t, { browser = 'chromium', viewport = TALL, dark, ...options } = {}) {
    const all = { path: '/check', online: false, viewport, dark };
    const lab = await Lab.open(browsers[browser], daemon.url, all);
    t.after(() => lab.close());
    await lab.page.evaluate(show, options);
    return lab;
  }

  const connected = (lab) => lab.until(() => (
    document.querySelector('[data-kind="connection"] .state')?.textContent === 'connected'
  ));

  /** Two in one room, connected. The second came later: it offers. */
  async function pair(t, first = {}, second = {}) {
    const room = `signals ${++rooms}`;
    const a = await open(t, { room, name: 'Hana', ...first });
    const b = await open(t, { room, name: 'ケン', ...second });
    await connected(a);
    await connected(b);
    return [a, b];
  }

  /** What was drawn of messages: the direction and the type. */
  const rows = (lab, dir) => lab.page.$$eval(`.row[data-dir="${dir}"]`, (all) => (
    all.map((row) => row.dataset.type)
  ));
  const leave = (lab) => lab.page.evaluate(() => window.room.leave());

  /** What the daemon has seen of each connection to the room, in order: [{ type, line }]. */
  function seen(from) {
    const lines = daemon.stdout.split('\n').slice(from);
    /** @type {Map<string, {type: string, line: string}[]>} */
    const found = new Map();
    for (const line of lines) {
      const [, id, text] = /^#(\d+) text \d+ bytes: (.*)$/.exec(line) ?? [];
      if (!id || QUIET.test(line)) continue;
      if (!found.has(id)) found.set(id, []);
      found.get(id).push({ type: /"type":"([\w-]+)"/.exec(text)[1], line: text });
    }
    return [...found.values()];
  }

  for (const browser of ['chromium', 'firefox']) {
    it(`draws exactly the messages that the daemon saw, in order, ${browser}`, async (t) => {
      const from = daemon.stdout.split('\n').length - 1;
      const [a, b] = await pair(t, { browser }, { browser });
      await b.page.evaluate(() => window.room.chat('hello'));
      await a.says('.signals-space', 'hello');
      await leave(b);
      await a.says('.signals-space', 'peer-left');
      await leave(a);
      await daemon.until(() => {
        const all = seen(from);
        return all.length === 2 && all.every((own) => own.at(-1).type === 'bye');
      }, 'that both have left');
      const [hana, ken] = seen(from);
      for (const [lab, own] of [[a, hana], [b, ken]]) {
        const types = own.map(({ type }) => type);
        await lab.until((n) => document.querySelectorAll('.row[data-dir="out"]').length >= n, types.length);
        assert.deepEqual(await rows(lab, 'out'), types);
      }
      const relayed = ken.filter(({ type }) => !/^(ack|bye)$/.test(type)).map(({ type }) => type);
      const fromServer = /^(welcome|peer-|ack)/;
      assert.deepEqual((await rows(a, 'in')).filter((type) => !fromServer.test(type)), relayed);
    });
  }

  it('names the lanes, and draws each message between the right ones', async (t) => {
    const [, b] = await pair(t);
    await b.until(() => document.querySelector('.row[data-type="ice"]')); // rows come a frame after the states
    const lanes = await b.page.$$eval('.signals-lanes span', (all) => all.map((one) => one.textContent));
    assert.deepEqual(lanes, ['Me', 'Server', 'Hana']);
    const ways = await b.page.$$eval('.row', (all) => (
      all.map(({ dataset }) => `${dataset.type} ${dataset.way}`)
    ));
    for (const way of ['welcome Server → Me', 'offer Me → Hana', 'answer Hana → Me', 'ice Me']) {
      assert.ok(ways.includes(way), way);
    }
  });

  it('filters by peer and by type', async (t) => {
    const [a] = await pair(t);
    await a.page.click('.signals-types summary');
    await a.click('[data-filter="candidate"]');
    await a.until(() => !document.querySelector('.row[data-type="candidate"]'));
    assert.ok((await rows(a, 'in')).includes('offer'));
    const id = await a.page.$eval('.signals-filters select option:last-child', (one) => one.value);
    await a.page.select('.signals-filters select', id);
    await a.until(() => !document.querySelector('.row[data-type="welcome"]'));
    assert.ok((await rows(a, 'in')).includes('offer'));
    await a.page.select('.signals-filters select', '');
    await a.until(() => document.querySelector('.row[data-type="welcome"]'));
  });

  it('opens an event by click and by keys: raw JSON, folded SDP, and closes by Escape', async (t) => {
    const [, b] = await pair(t, {}, { viewport: DESKTOP });
    await b.page.focus('.signals-scroll');
    await b.page.keyboard.press('Home');
    await b.until(() => document.querySelector('.row[aria-selected="true"]'));
    await b.until(() => document.querySelector('.row[data-type="offer"]'));
    // Where it rests: what comes before it moves it on.
    await b.page.locator('.row[data-type="offer"]').click({ offset: { x: 200, y: 20 } });
    await b.says('.signals-detail h2', 'offer');
    assert.match(await b.text('.signals-detail .small'), /^Me → Hana · \d\d:\d\d:\d\d\.\d{3} · \d+ B$/);
    const titles = await b.page.$$eval('.signals-section summary', (all) => all.map((one) => one.textContent));
    assert.ok(titles[0].startsWith('session') && titles[1].startsWith('application · mid 0'), titles.join());
    const raw = await b.page.$eval('.signals-body > details:last-child pre', (pre) => pre.textContent);
    assert.equal(JSON.parse(raw).type, 'offer');
    await b.page.focus('.signals-scroll');
    await b.page.keyboard.press('Escape');
    await b.until(() => !document.querySelector('.signals-detail').checkVisibility());
  });

  /** Click at the first or the last row in sight; again if what stands above it moved meanwhile. */
  async function choose({ page }, way) {
    for (let chosen = null; !chosen;) {
      await page.$eval('.signals-scroll', (scroller) => scroller.scrollIntoView({ block: 'nearest' }));
      const { x, y } = await page.$eval('.signals-scroll', (scroller, which) => {
        const { left, top, bottom } = scroller.getBoundingClientRect();
        // Of a row at the edge only a part is there.
        return { x: left + 200, y: which === 'first' ? top + 34 : Math.min(bottom, innerHeight) - 6 };
      }, way);
      await page.mouse.click(x, y);
      chosen = await page.waitForSelector('.row[aria-selected="true"]', { timeout: 2000 }).catch(() => null);
    }
  }

  /** In the page: the chosen row whole, between the lanes' names and the end, and what it is. */
  function isInSight() {
    const box = (selector) => document.querySelector(selector)?.getBoundingClientRect();
    const [row, head, scroller, title] = ['.row[aria-selected="true"]', '.signals-lanes', '.signals-scroll', '.signals-detail h2'].map(box);
    return row && row.top >= head.bottom - 1 && head.top >= 0 && row.bottom <= Math.min(scroller.bottom, innerHeight) + 1
      && title.top >= 0 && title.bottom <= innerHeight;
  }

  for (const [name, viewport] of [['a page', DESKTOP], ['a drawer', DRAWER], ['the drawer of a phone', { width: 360, height: 256 }]]) {
    it(`keeps an event that is opened whole and in sight, with what it is, in ${name}`, async (t) => {
      const [, b] = await pair(t, {}, { viewport });
      await b.until(() => /complete/.test(document.querySelector('[data-kind="gathering"]')?.textContent));
      for (const way of ['last', 'first']) {
        await choose(b, way);
        await b.until(isInSight);
        // What stands above takes more room: a state with a longer name wraps.
        await b.page.$eval('.signals-peers', (peers) => { peers.style.paddingBottom = '24px'; });
        await b.until(isInSight);
        await b.page.$eval('.signals-peers', (peers) => { peers.style.paddingBottom = ''; });
        await b.page.click('.signals-detail button');
        await b.until(() => !document.querySelector('.signals-detail').checkVisibility());
      }
    });
  }

  it('lists the candidates with the state of their pairs', async (t) => {
    const [a] = await pair(t);
    await a.click('.signals-peer summary');
    await a.until(() => document.querySelector('.signals-candidates .pair-selected'));
    const sides = await a.page.$$eval('.signals-candidates td:first-child', (all) => (
      [...new Set(all.map((one) => one.textContent))]
    ));
    assert.deepEqual(sides.sort(), ['ours', 'theirs']);
    assert.ok(await a.page.$('.signals-timeline rect.good'));
    assert.equal(await a.page.$$eval('.signals-peer[open] .signals-kinds > span', (all) => all.length), 4);
  });

  it('shows the connection of a peer that left as closed', async (t) => {
    const [a, b] = await pair(t);
    await leave(b);
    await a.until(() => document.querySelector('[data-kind="connection"] .state').textContent === 'closed');
  });

  it('restarts ICE, rebuilds, and cuts signaling on purpose', async (t) => {
    const [, b] = await pair(t);
    await b.click('.signals-peer summary');
    await b.until(() => document.querySelector('.signals-timeline')); // above the buttons
    const offers = (n) => b.until((count) => (
      document.querySelectorAll('.row[data-type="offer"]').length === count
    ), n);
    await b.click('.signals-buttons button:nth-child(1)');
    await offers(2);
    await connected(b);
    const pc = await b.page.evaluateHandle(() => [...window.room.peers.values()][0].pc);
    await b.click('.signals-buttons button:nth-child(2)');
    await offers(3);
    await connected(b);
    assert.ok(await pc.evaluate((old) => [...window.room.peers.values()][0].pc !== old));
    await b.click('.signals-bar > button');
    await b.until(() => document.querySelector('.row[data-type="resumed"]'));
    assert.equal(await b.page.evaluate(() => window.room.state), 'open');
  });

  it('shows peers’ words as text', async (t) => {
    const name = '<img src=x onerror="hit=1">';
    const [a, b] = await pair(t, {}, { name });
    const text = '<svg onload="hit=1"><b>x';
    await b.page.evaluate((said) => window.room.chat(said), text);
    await a.says('.signals-space', '<svg onload=');
    await a.says('.signals-lanes', '<img src=x');
    assert.equal(await a.page.evaluate(() => window.hit ?? document.querySelector('main img')), null);
  });

  /** Let the page save into a folder of its own. */
  async function saver(t, lab) {
    const folder = mkdtempSync(join(tmpdir(), 'nakodo-signals-'));
    t.after(() => rmSync(folder, { recursive: true, force: true }));
    const client = await lab.page.createCDPSession();
    const events = await lab.page.browser().target().createCDPSession();
    const { targetInfo } = await client.send('Target.getTargetInfo');
    await events.send('Browser.setDownloadBehavior', {
      behavior: 'allow', downloadPath: folder, eventsEnabled: true,
      browserContextId: targetInfo.browserContextId,
    });
    return async (button) => {
      const saved = new Promise((done) => {
        const look = ({ state }) => {
          if (state !== 'completed') return;
          events.off('Browser.downloadProgress', look);
          done();
        };
        events.on('Browser.downloadProgress', look);
      });
      await lab.click(`.signals-files button:nth-child(${button})`);
      await saved;
      const [file] = readdirSync(folder);
      const path = join(folder, file);
      const content = readFileSync(path, 'utf8');
      const kept = `${path}.kept`;
      writeFileSync(kept, content);
      rmSync(path);
      rmSync(kept);
      return content;
    };
  }

  it('saves JSON and mermaid without secrets, with them only when asked, and opens it again', async (t) => {
    const [, b] = await pair(t);
    const save = await saver(t, b);
    const [json, mermaid] = [await save(1), await save(2)];
    const sdp = await b.page.evaluate(() => (
      [...window.room.peers.values()][0].pc.localDescription.sdp
    ));
    const [, password] = /^a=ice-pwd:(\S+)/m.exec(sdp);
    const addresses = [...sdp.matchAll(/^a=candidate:\S+ \d \S+ \d+ (\S+) /gm)].map(([, address]) => address);
    // Every machine has the address of loopback; it is no secret.
    const secrets = [password, ...addresses.filter((address) => !/^(127\.0\.0\.1|::1)$/.test(address))];
    for (const secret of secrets) {
      assert.ok(!json.includes(secret) && !mermaid.includes(secret), secret);
    }
    assert.match(json, /"session\\":\\"redacted/);
    assert.match(mermaid, /^sequenceDiagram\n/);
    assert.match(mermaid, /participant p\d+ as Hana/);
    await b.click('.signals-files input[type="checkbox"]');
    const whole = await save(1);
    for (const secret of secrets) assert.ok(whole.includes(secret), secret);

    const folder = mkdtempSync(join(tmpdir(), 'nakodo-signals-'));
    t.after(() => rmSync(folder, { recursive: true, force: true }));
    const other = await open(t);
    const choose = async (name, content) => {
      const path = join(folder, name);
      writeFileSync(path, content);
      const input = await other.page.$('.signals-files input[type="file"]');
      await input.uploadFile(path);
    };
    await choose('bad.json', '{"log":{"version":"1.2"}}');
    await other.says('.signals-status', 'no trace of nakodo');
    await choose('good.json', json);
    await other.says('.signals-saved', 'good.json');
    await other.until(() => document.querySelector('.row[data-type="offer"]'));
    const count = JSON.parse(json).events.filter(({ type }) => !/^p[io]ng$/.test(type)).length;
    assert.equal((await other.page.$$('.row')).length, count);
    assert.equal(await other.page.$eval('.signals-buttons', (div) => div.hidden), true);
    await other.click('.signals-saved button');
    await other.until(() => !document.querySelector('.row')?.checkVisibility());
  });

  it('opens a trace that was seen from outside: there is no lane for me, nor for the server', async (t) => {
    const lab = await open(t);
    const folder = mkdtempSync(join(tmpdir(), 'nakodo-signals-'));
    t.after(() => rmSync(folder, { recursive: true, force: true }));
    const path = join(folder, 'two.json');
    const event = { t: 1, dir: 'out', type: 'offer', room: 'lab', summary: 'offer', from: 'A', to: 'B' };
    writeFileSync(path, writeTrace([event], true));
    await (await lab.page.$('.signals-files input[type="file"]')).uploadFile(path);
    await lab.until(() => document.querySelector('.row[data-way="A → B"]'));
    const lanes = await lab.page.$$eval('.signals-lanes span', (all) => all.map((one) => one.textContent));
    assert.deepEqual(lanes, ['A', 'B']);
  });

  it('draws ten thousand events without a frame of 50 ms', async (t) => {
    const lab = await open(t, { viewport: DESKTOP });
    await lab.page.evaluate(() => {
      const text = (i) => JSON.stringify({ type: 'candidate', candidate: {
        candidate: `candidate:1 1 udp 1 192.0.2.${i % 250} ${i} typ host`,
      } });
      for (let i = 0; i < 10_000; i++) {
        const [dir, ends] = i % 2 ? ['in', { from: 'p1' }] : ['out', { to: 'p2' }];
        const event = { t: i, dir, type: 'candidate', room: 'r', summary: 'candidate', raw: text(i) };
        window.view.add({ ...event, ...ends });
      }
    });
    await lab.until(() => document.querySelector('.row'));
    // The processor time of the page's thread: on a busy machine the clock would tell of others.
    const client = await lab.page.createCDPSession();
    await client.send('Performance.enable', { timeDomain: 'threadTicks' });
    const spent = async () => {
      const { metrics } = await client.send('Performance.getMetrics');
      return 1000 * metrics.find(({ name }) => name === 'TaskDuration').value;
    };
    const frames = [];
    for (let i = 0; i < 40; i++) {
      const before = await spent();
      await lab.page.evaluate((n) => new Promise((done) => {
        const scroller = document.querySelector('.signals-scroll');
        scroller.scrollTop = (n * 7919 * 38) % scroller.scrollHeight;
        const event = { t: 10_000 + n, dir: 'in', type: 'chat', room: 'r', from: 'p1', summary: 'x' };
        window.view.add(event);
        // The frame that draws it, and the one after.
        requestAnimationFrame(() => requestAnimationFrame(done));
      }), i);
      frames.push(await spent() - before);
    }
    frames.sort((x, y) => x - y);
    t.diagnostic(`a frame takes ${frames[20].toFixed(1)} ms, the longest ${frames[39].toFixed(1)} ms`);
    assert.ok(frames[39] < 50 && frames[0] > 0.1, frames.join());
    const drawn = await lab.page.$$eval('.row', (rows) => rows.length);
    assert.ok(drawn > 10 && drawn < 60, `${drawn} rows`);
  });

  for (const [name, viewport, dark, language] of [
    ['drawer', DRAWER, false, 'en'], ['desktop-dark-ja', DESKTOP, true, 'ja'],
    ['phone-dark-ja', PHONE, true, 'ja'], ['desktop', DESKTOP, false, 'en'],
  ]) {
    it(`looks as it should, ${name}`, async (t) => {
      const [, b] = await pair(t, {}, { viewport, dark });
      await b.page.evaluate(async (wanted) => {
        localStorage.setItem('nakodo.language', wanted);
        (await import('/lib/i18n.js')).startLanguages();
        localStorage.clear();
      }, language);
      await b.page.evaluate(() => window.room.chat('おはよう, good morning'));
      await b.says('.signals-space', 'おはよう');
      await look(b, `signals-${name}`);
      await b.click('.signals-peer summary');
      await b.until(() => document.querySelector('.signals-candidates .pair-selected'));
      await b.page.focus('.signals-scroll');
      for (let presses = 0; presses < 60; presses++) {
        await b.page.keyboard.press('ArrowUp');
        if (await b.page.$eval('.signals-detail h2', (title) => title.textContent === 'offer')) break;
      }
      await look(b, `signals-${name}-open`);
    });
  }
});
