// The server goes away and comes back, or was never there; the page says so and keeps working.
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { scratch, startDaemon } from '../lib/daemon.mjs';
import { Key } from '../lib/tokens.mjs';
import { launchChromium, launchFirefox } from './lib/browsers.mjs';
import { both, Lab, pair } from './lib/lab.mjs';

const again = ({ port }) => startDaemon({ args: ['--listen', `127.0.0.1:${port}`] });
const end = (daemon, signal) => {
  daemon.child.kill(signal);
  return daemon.exit();
};

describe('the server', () => {
  const browsers = {};

  before(async () => {
    [browsers.chromium, browsers.firefox] = await Promise.all([launchChromium(), launchFirefox()]);
  });

  after(() => Promise.all(Object.values(browsers).map((browser) => browser.close())));

  for (const [name, signal, code] of [
    ['chromium', 'SIGKILL', 1006],
    ['firefox', 'SIGTERM', 1001],
  ]) {
    it(`is lost (${code}) and comes back, ${name}`, async (t) => {
      const first = await startDaemon({ args: ['--drain-seconds', '1'] });
      const labs = await pair(t, browsers[name], browsers[name], first.url);
      await both(labs, (lab) => lab.prepare());
      await labs[0].click('#connect');
      await both(labs, (lab) => lab.moves());

      await end(first, signal);
      for (const lab of labs) {
        await lab.says('#notice-socket', `The server is gone (code ${code}`);
        await lab.until(() => document.querySelector('#chat-send').disabled);
      }
      await both(labs, (lab) => lab.moves()); // the call does not need the server

      const second = await again(first);
      t.after(() => second.stop());
      for (const lab of labs) {
        await lab.state('socket', 'open');
        await lab.until(() => !document.querySelector('#notice-socket'));
        await lab.says('#chat-state', 'open');
      }
      await labs[0].chat('back');
      await labs[1].says('#chat-lines', 'back');
      await labs[0].click('#hang-up');
      await labs[1].state('connection', '–');
      await labs[1].click('#connect');
      await labs[0].moves();
    });
  }

  it('is lost between offer and answer, and the offer is said again', async (t) => {
    const first = await startDaemon();
    const labs = await pair(t, browsers.chromium, browsers.chromium, first.url);
    await labs[0].prepare();
    await end(first, 'SIGKILL');
    for (const lab of labs) await lab.says('#notice-socket', 'The server is gone');
    await labs[0].click('#connect');
    await labs[0].says('#log', 'Not sent');
    const second = await again(first);
    t.after(() => second.stop());
    await labs[1].state('socket', 'open');
    await labs[0].state('socket', 'open');
    // Whether the other page was back first is left to chance: then the offer is made once more.
    await labs[0].click('#connect');
    await labs[1].moves();
  });

  it('is not there, or not that address', async (t) => {
    const daemon = await startDaemon();
    const lab = await Lab.open(browsers.chromium, daemon.url);
    t.after(() => lab.close());
    t.after(() => daemon.stop());
    const go = async (server) => {
      await lab.type('#server', server);
      await lab.page.keyboard.press('Enter');
    };
    await go('http://localhost:3000/');
    await lab.says('#notice-address', 'not an address of a WebSocket server: http://');
    await lab.state('socket', 'closed');
    assert.equal(await lab.page.$eval('#server', (field) => field.ariaInvalid), 'true');
    await go(`ws://localhost:${daemon.port}/nothing/here`);
    await lab.says('#notice-socket', 'its log says why');
    assert.equal(await lab.page.$('#notice-address'), null);
    await go(`ws://localhost:${daemon.port}/relay`);
    await lab.state('socket', 'open');
    assert.equal(await lab.page.$('#notice-socket'), null);
    // A reload, or the second page, goes to the same place.
    assert.match(lab.page.url(), /server=/);
    const second = new URL(await lab.page.$eval('#second', (link) => link.href));
    assert.equal(second.searchParams.get('server'), `ws://localhost:${daemon.port}/relay`);
  });

  it('asks for tokens, and the page says where to put one', async (t) => {
    const key = new Key(scratch());
    const daemon = await startDaemon({ args: ['--auth', 'token', '--auth-key', key.option] });
    const lab = await Lab.open(browsers.chromium, daemon.url, { path: '/lab.html?room=r', online: false });
    t.after(async () => {
      await lab.close();
      await daemon.stop();
    });
    await lab.says('#notice-socket', 'This server asks for tokens.');
    await lab.page.$eval('#server', (field, token) => {
      field.value += `?token=${token}`;
      field.dispatchEvent(new Event('change'));
    }, key.token({ room: 'r' }));
    await lab.state('socket', 'open');
    await lab.until(() => !document.querySelector('#notice-socket'));
    await lab.until(() => !document.querySelector('#chat-send').disabled);
    assert.doesNotMatch(lab.page.url(), /token/, 'it is for nobody’s history');
  });

  it('refuses a message, and the page says why', async (t) => {
    const daemon = await startDaemon({ args: ['--max-message', '2000'] });
    const lab = await Lab.open(browsers.chromium, daemon.url);
    t.after(() => lab.close());
    t.after(() => daemon.stop());
    await lab.click('#connect'); // an offer is larger than that
    await lab.says('#notice-socket', '1009');
    await lab.state('socket', 'open');
  });

  it('that only a link names hears nothing before a click', async (t) => {
    const [daemon, other] = await Promise.all([startDaemon(), startDaemon({ args: ['--origin', 'any'] })]);
    t.after(() => Promise.all([daemon.stop(), other.stop()]));
    const server = other.url.replace('http', 'ws');
    const path = `/lab.html?server=${encodeURIComponent(server)}`;
    const lab = await Lab.open(browsers.chromium, daemon.url, { path, online: false });
    t.after(() => lab.close());
    await lab.says('#notice-foreign', server);
    await lab.type('#room', 'elsewhere');
    await lab.page.keyboard.press('Enter');
    assert.equal(await lab.text('#state-socket dd'), 'closed');
    await lab.click('#connect');
    await lab.state('socket', 'open');
    await lab.says('#log', `${server}/?room=elsewhere`);
    assert.equal(await lab.page.$('#notice-foreign'), null);
    assert.ok((await lab.messages()).some(({ direction, type }) => direction === 'sent' && type === 'offer'));
  });

  it('is plain ws on a page that came by https', async (t) => {
    const daemon = await startDaemon({ tls: true });
    const path = `/lab.html?server=${encodeURIComponent('ws://lab.example/')}`;
    const base = `https://localhost:${daemon.tlsPort}`;
    const lab = await Lab.open(browsers.chromium, base, { path, online: false });
    t.after(() => lab.close());
    t.after(() => daemon.stop());
    await lab.says('#notice-foreign', 'ws://lab.example/');
    await lab.click('#connect');
    await lab.says('#notice-address', 'may only open wss://');
    assert.equal(await lab.page.$('#notice-foreign'), null);
    await lab.state('socket', 'closed');
  });
});
