// Goal: two pages with unmodified simple-peer meet by the lines that the README gives them.
import assert from 'node:assert/strict';
import { copyFileSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { root, scratch, testDaemon } from '../lib/daemon.mjs';
import { launchChromium } from './lib/browsers.mjs';

/** The lines, made into a function of the page's address that gives the peer to whoever waits for it. */
function lines(file) {
  const [, text] = /```js\n([^`]*new SimplePeer[^`]*)```/.exec(readFileSync(join(root, file), 'utf8'));
  const made = text.replace('ws://localhost:3000', 'ws://${location.host}').replace(/'(ws:[^']*)'/, '`$1`')
    .replace('new SimplePeer(', 'window.peer = new SimplePeer(');
  assert.ok(made.includes('${location.host}') && made.includes('window.peer'), text);
  return made;
}

test('two pages with simple-peer meet and talk in both directions', async (t) => {
  const pages = scratch();
  copyFileSync(join(root, 'tests/node_modules/simple-peer/simplepeer.min.js'), join(pages, 'simplepeer.min.js'));
  writeFileSync(join(pages, 'index.html'), '<!doctype html><title>simple-peer</title><script src="simplepeer.min.js"></script>');
  const [daemon, browser] = await Promise.all([testDaemon(t, { args: ['--web-root', pages] }), launchChromium()]);
  t.after(() => browser.close());
  assert.equal(lines('README.md'), lines('README.ja.md'));

  const enter = async (isSecond) => {
    const page = await browser.newPage({ type: 'window' });
    await page.goto(daemon.url);
    await page.evaluate(`const isSecond = ${isSecond};\n${lines('README.md')}`);
    await page.waitForFunction(() => window.peer, { polling: 50 });
    await page.evaluate(() => {
      window.heard = new Promise((done, fail) => peer.on('data', (data) => done(String(data))).on('error', fail));
      window.met = peer.connected || new Promise((done) => peer.on('connect', () => done(true)));
    });
    return page;
  };
  const [called, caller] = [await enter(false), await enter(true)];
  await Promise.all([called, caller].map((page) => page.evaluate(() => window.met)));
  await called.evaluate(() => peer.send('from the called'));
  await caller.evaluate(() => peer.send('from the caller'));
  assert.equal(await caller.evaluate(() => window.heard), 'from the called');
  assert.equal(await called.evaluate(() => window.heard), 'from the caller');
});
