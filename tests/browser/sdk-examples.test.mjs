// The examples of the JavaScript client, as a reader would try them, and its use from another site.
import assert from 'node:assert/strict';
import { cpSync } from 'node:fs';
import { createServer } from 'node:http';
import { once } from 'node:events';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { root, scratch, startDaemon } from '../lib/daemon.mjs';
import { launchChromium, launchFirefox } from './lib/browsers.mjs';
import { each, Member } from './lib/rooms.mjs';

describe('the examples', () => {
  let daemon, browsers;

  before(async () => {
    const pages = scratch();
    for (const from of ['web', 'examples']) cpSync(join(root, from), pages, { recursive: true });
    daemon = await startDaemon({ args: ['--web-root', pages] });
    browsers = await Promise.all([launchChromium(), launchFirefox()]);
  });

  after(async () => {
    await Promise.all(browsers.map((browser) => browser.close()));
    await daemon?.stop();
  });

  async function open(t, path, base = daemon.url) {
    const members = await Promise.all(browsers.map((browser) => Member.open(browser, base, path)));
    t.after(() => each(members, (member) => member.close()));
    return members;
  }

  it('video: each sees the other, until one leaves', async (t) => {
    const [a, b] = await open(t, '/video.html#朝会');
    await each([a, b], (member) => member.page.click('#join'));
    await each([a, b], async (member) => {
      await member.until(() => document.querySelectorAll('video')[1]?.videoWidth > 0);
      await member.page.evaluate(async () => {
        const [, other] = document.querySelectorAll('video');
        for (let i = 0; i < 5; i++) await new Promise((go) => other.requestVideoFrameCallback(go));
      });
    });
    await b.page.goto('about:blank');
    await b.page.evaluate(() => { window.faults = []; });
    await a.until(() => document.querySelectorAll('video').length === 1);
  });

  it('data: what one writes the other reads, and the server does not', async (t) => {
    const members = await open(t, '/data.html');
    await each(members, (member) => member.until(() => document.body.innerText.includes('connected')));
    for (const [i, member] of members.entries()) {
      await member.page.type('#line', `line ${i} \u{1f44b}`);
      await member.page.keyboard.press('Enter');
      await members[1 - i].until((text) => document.body.innerText.includes(text), `: line ${i} \u{1f44b}`);
    }
    assert.equal(members.length, 2);
  });

  it('another site may import the client and use the server, once it is named', async (t) => {
    const site = createServer((request, response) => {
      response.setHeader('Content-Type', 'text/html');
      response.end('<!doctype html><title>Another site</title>');
    });
    site.listen(0, '127.0.0.1');
    await once(site, 'listening');
    t.after(() => site.close());
    const origin = `http://localhost:${site.address().port}`;
    const open_ = await startDaemon({ args: ['--origin', 'same-host', '--origin', origin] });
    const members = await open(t, `${origin}/`, open_.url);
    t.after(() => open_.stop());
    for (const member of members) await member.join('elsewhere');
    await each(members, (member) => member.moves());
  });
});
