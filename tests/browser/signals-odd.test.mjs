// The signals view with events that nobody would send, from a server or a file: they are drawn, saved
// and opened like others, in a bounded time and a bounded memory.
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { detailOf } from '../../web/signals/message.js';
import { toMermaid } from '../../web/signals/mermaid.js';
import { Model } from '../../web/signals/model.js';
import { redact } from '../../web/signals/redact.js';
import { asWritten, startDaemon } from '../lib/daemon.mjs';
import { launchChromium } from './lib/browsers.mjs';
import { Lab } from './lib/lab.mjs';

const NAMES = { me: 'Me', server: 'Server' };
const deep = `${'['.repeat(50_000)}${']'.repeat(50_000)}`;
const ODD = [undefined, null, 5, true, [], {}, { toString: 1, valueOf: 1 }];
const event = { t: 1, dir: 'in', type: 'chat', room: 'r', from: 'p1', summary: 'chat' };

/** Each member odd in each way, and messages that are odd inside. */
const events = [
  ...['type', 'room', 'summary', 'from', 'to', 'raw'].flatMap((name) => ODD.map((odd) => ({ ...event, [name]: odd }))),
  ...ODD.flatMap((what) => ['type', 'peer', 'peers', 'what', 'text'].map((name) => (
    { ...event, type: name === 'peer' ? 'peer-joined' : 'need', raw: JSON.stringify({ [name]: what }) }))),
  { ...event, type: 'welcome', raw: '{"peers":[null,5,{"id":7,"name":{}},{"id":"a","name":[]}]}' },
  { ...event, raw: 'null' }, { ...event, raw: '{"v=0' }, { ...event, raw: `["v=0",${deep}]` }, { ...event, raw: deep },
];

describe('odd events', () => {
  it('become words, a diagram and a file without secrets', () => {
    for (const one of events) {
      const about = JSON.stringify(one).slice(0, 200);
      assert.equal(typeof detailOf(one), 'string', about);
      assert.match(toMermaid([one], NAMES), /^sequenceDiagram\n/, about);
      const [kept] = redact([one]);
      assert.equal(typeof kept.summary, 'string', about);
      assert.equal(toMermaid([kept], NAMES).split('\n').length, toMermaid([one], NAMES).split('\n').length);
    }
  });

  it('of long words are freed of secrets in no time', () => {
    const raw = JSON.stringify({ type: 'message', data: `${'a'.repeat(200_000)} ${'a.'.repeat(100_000)} x-1.local` });
    const begun = performance.now();
    const [kept] = redact([{ ...event, raw }]);
    const took = performance.now() - begun;
    assert.ok(kept.raw.includes(' hidden-1.local') && !kept.raw.includes('x-1.local'));
    assert.ok(took < 1000, `${took} ms`);
  });

  it('that are large are forgotten before they fill the memory', () => {
    const model = new Model();
    const raw = 'x'.repeat(1024 * 1024);
    for (let i = 0; i < 200; i++) model.add({ ...event, raw });
    assert.ok(model.events.length > 0 && model.events.length <= 64, `${model.events.length} of 1 MiB`);
  });

  it('that a peer calls `welcome` or `peer-left` close no connection', () => {
    const model = new Model();
    model.add({ ...event, dir: 'state', type: 'connection', summary: 'connected' });
    model.add({ ...event, from: 'p2', type: 'welcome', raw: '{"from":"p2","type":"welcome"}' });
    model.add({ ...event, from: 'p2', type: 'peer-left', raw: '{"from":"p2","type":"peer-left","id":"p1"}' });
    assert.equal(model.states.of('p1').connection.at(-1).state, 'connected');
    model.add({ ...event, from: undefined, type: 'peer-left', raw: '{"type":"peer-left","id":"p1"}' });
    assert.equal(model.states.of('p1').connection.at(-1).state, 'closed');
  });

  describe('in the page', () => {
    let daemon, browser;

    before(async () => { [daemon, browser] = await Promise.all([startDaemon({ args: asWritten }), launchChromium()]); });
    after(async () => {
      await browser?.close();
      await daemon?.stop();
    });

    it('are drawn, and each of them can be opened', async (t) => {
      const lab = await Lab.open(browser, daemon.url, { path: '/check', online: false });
      t.after(() => lab.close());
      await lab.page.evaluate(async (all) => {
        const [{ SignalsView }, { t: text }] = await Promise.all([import('/signals/view.js'), import('/lib/i18n.js')]);
        document.body.replaceChildren();
        window.view = new SignalsView(document.body, { t: text });
        all.forEach((one) => window.view.add(one));
      }, events);
      await lab.until(() => document.querySelector('.row'));
      await lab.page.focus('.signals-scroll');
      await lab.page.keyboard.press('Home');
      for (const _ of events) {
        await lab.page.keyboard.press('ArrowDown');
        await lab.page.evaluate(() => new Promise((drawn) => requestAnimationFrame(drawn)));
      }
      await lab.until(() => document.querySelector('.signals-detail').checkVisibility());
    });
  });
});
