// Who offers and who answers when things do not go one after the other: both at once, nobody there
// yet, no camera yet, a third page, a reload, a hang-up, messages of other programs.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { after, before, describe, it } from 'node:test';
import WebSocket from 'ws';
import { startDaemon } from '../lib/daemon.mjs';
import { launchChromium, launchFirefox } from './lib/browsers.mjs';
import { both, Lab, pair } from './lib/lab.mjs';

describe('negotiation', () => {
  let daemon, chromium, firefox;
  let rooms = 0;

  before(async () => {
    daemon = await startDaemon();
    [chromium, firefox] = await Promise.all([launchChromium(), launchFirefox()]);
  });

  after(async () => {
    await Promise.all([chromium?.close(), firefox?.close()]);
    await daemon?.stop();
  });

  const path = () => `/lab.html?room=${++rooms}`;
  const open = async (t, o) => {
    const lab = await Lab.open(chromium, daemon.url, o);
    t.after(() => lab.close());
    return lab;
  };

  /** Two pages with cameras that are connected. */
  async function connected(t, options = { path: path() }) {
    const labs = await pair(t, chromium, chromium, daemon.url, options);
    await both(labs, (lab) => lab.prepare());
    await labs[0].click('#connect');
    for (const lab of labs) await lab.state('connection', 'connected');
    return labs;
  }

  for (const name of ['chromium', 'firefox']) {
    it(`both connect at once, ${name}`, { timeout: 120000 }, async (t) => {
      const browser = name === 'firefox' ? firefox : chromium;
      const labs = await pair(t, browser, browser, daemon.url, { path: path() });
      await both(labs, (lab) => lab.prepare());
      let met = 0;
      for (let round = 0; round < 6; round++) {
        // Vanilla offers leave later, so that they meet more often.
        const mode = round % 2 ? 'trickle' : 'vanilla';
        for (const lab of labs) await lab.click(`.switch label:has([value=${mode}])`);
        await both(labs, (lab) => lab.page.$eval('#connect', (button) => button.click()));
        await both(labs, (lab) => lab.shows());
        met += (await labs[0].text('#log')).includes('Both pages offered at once');
        await labs[0].click('#hang-up');
        for (const lab of labs) await lab.state('connection', '–');
        await labs[0].prepare();
        await labs[0].click('#log-clear');
      }
      assert.ok(met > 0, 'the two offers never met');
      t.diagnostic(`${met} of 6 times the offers met`);
    });
  }

  it('an offer made when nobody was there is not lost', async (t) => {
    for (let round = 0; round < 2; round++) {
      const room = path();
      const first = await open(t, { path: room });
      await first.prepare();
      await first.click('#connect');
      await first.says('#hint', 'waits for an answer');
      const second = await open(t, { path: room });
      await second.prepare();
      await second.click('#connect');
      await first.moves();
      await second.moves();
    }
  });

  for (const name of ['chromium', 'firefox']) {
    it(`cameras that come later are added to the call, ${name}`, async (t) => {
      const browser = name === 'firefox' ? firefox : chromium;
      const labs = await pair(t, browser, browser, daemon.url, { path: path() });
      await labs[0].click('#connect');
      for (const lab of labs) await lab.says('#hint', 'only receives');
      assert.match(await labs[1].text('#remote-empty'), /sends no video/);
      await labs[0].prepare();
      await labs[1].moves();
      await labs[1].prepare();
      await labs[0].moves();
      await labs[1].moves();
    });
  }

  it('a third page is told why it is not answered', async (t) => {
    const room = path();
    const labs = await connected(t, { path: room });
    const third = await open(t, { path: room });
    await third.click('#connect');
    await third.says('#notice-peer', 'Two pages in this room are connected already');
    await third.state('connection', '–');
    for (const lab of labs) {
      await lab.says('#notice-peer', 'A third page wants to connect');
      await lab.moves();
    }
  });

  it('of two answers the second is refused', async (t) => {
    const room = path();
    const labs = [];
    for (let i = 0; i < 3; i++) labs.push(await open(t, { path: room }));
    await labs[0].prepare();
    await labs[0].click('#connect');
    await labs[0].says('#notice-peer', 'A third page wants to connect');
    const refused = await Promise.any(labs.slice(1).map(async (lab) => {
      await lab.says('#notice-peer', 'Choose another room');
      return lab;
    }));
    await refused.state('connection', '–');
    const answered = labs.find((lab) => lab !== labs[0] && lab !== refused);
    await answered.moves();
    // The next offer between the two is for the two as well, though the third page answers it.
    await answered.prepare();
    await labs[0].moves();
    await answered.moves();
  });

  it('hanging up ends it for both, lets go of the camera, and both may call again', async (t) => {
    const [a, b] = await connected(t);
    const track = await a.page.evaluateHandle(() => (
      document.querySelector('#local').srcObject.getTracks()[0]
    ));
    await a.click('#hang-up');
    await b.says('#log', 'The other page hung up');
    for (const lab of [a, b]) await lab.state('connection', '–');
    assert.equal(await track.evaluate(({ readyState }) => readyState), 'ended');
    assert.equal(await b.page.$eval('#remote', (video) => video.srcObject), null);
    await b.says('#hint', 'Ready.');
    await b.click('#connect');
    await a.moves();
  });

  it('a page that is reloaded can call again', async (t) => {
    const [a, b] = await connected(t);
    await a.page.reload();
    await a.state('socket', 'open');
    await b.state('connection', '–');
    await a.click('#connect');
    await a.moves();
    await b.state('connection', 'connected');
  });

  it('a page whose partner vanished without a word takes the next one', async (t) => {
    const room = path();
    const other = await launchChromium();
    t.after(() => other.close());
    const [a, b] = await pair({ after: () => {} }, chromium, other, daemon.url, { path: room });
    t.after(() => a.close());
    await a.prepare();
    await b.click('#connect');
    await a.state('connection', 'connected');
    other.process().kill('SIGKILL');
    await a.state('connection', 'disconnected');
    await a.says('#hint', 'silent');
    const next = await open(t, { path: room });
    await next.click('#connect');
    await next.moves();
  });

  it('an address that echoes is recognized', async (t) => {
    const server = encodeURIComponent(`${daemon.url.replace('http', 'ws')}/chat`);
    const lab = await open(t, { path: `${path()}&server=${server}` });
    await lab.click('#connect');
    await lab.says('#notice-peer', 'this address echoes');
  });

  it('other programs do no harm, and the tutorials’ shapes are understood', async (t) => {
    const room = path();
    const relay = `${daemon.url.replace('http', 'ws')}/relay`;
    const options = { path: `${room}&server=${encodeURIComponent(relay)}` };
    const [a, b] = await connected(t, options);
    const peer = new WebSocket(`${relay}?room=${rooms}`);
    t.after(() => peer.terminate());
    await once(peer, 'open');
    await a.until(() => document.querySelector('#log .received[data-type="candidate"]'));
    const received = (await a.messages()).filter((message) => message.direction === 'received');
    const { ice } = JSON.parse(received.find((message) => message.type === 'candidate').raw);
    const sent = [
      'not json', '[]', 'null', '5', '{"type":5}', '{"type":"hello"}', '{"type":"busy"}',
      '{"type":"bye","from":"1"}', '{"type":"offer"}', '{"type":"offer","sdp":"nonsense"}',
      '{"type":"candidate"}', '{"type":"candidate","ice":null}',
      '{"type":"candidate","candidate":null}', '{"type":"candidate","ice":[]}',
      '{"type":"candidate","ice":{}}', '{"type":"candidate","ice":{"candidate":"","sdpMid":"0"}}',
      JSON.stringify({ type: 'candidate', candidate: ice }),
      JSON.stringify({ type: 'candidate', ...ice }),
    ];
    for (const text of sent) peer.send(text);
    peer.send(Buffer.from([0xff, 0xfe, 0x00]));
    peer.send('{"type":"last"}');
    for (const lab of [a, b]) {
      await lab.until(() => document.querySelector('#log [data-type="last"]'));
      await lab.says('#log', 'ff fe 00');
      await lab.moves();
    }
  });
});
