// What one sees of a call, and what one does in it beside talking: one's own picture, a name, a hand,
// what is told of a call that is not looked at.
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { startDaemon } from '../lib/daemon.mjs';
import { launchChromium } from './lib/browsers.mjs';
import { openPages, texts } from './lib/room-page.mjs';

const { en } = texts;

describe('in a call', () => {
  let daemon, browser;

  before(async () => { [daemon, browser] = await Promise.all([startDaemon(), launchChromium()]); });
  after(async () => {
    await browser?.close();
    await daemon?.stop();
  });

  /** Hana and Ken, who need not send anything. */
  async function two(t, { watch = true, ...options } = {}) {
    const path = `/r/${encodeURIComponent(t.name.slice(0, 30))}`;
    const pages = await openPages(t, [browser, browser], daemon.url, { path, ...options });
    await pages[0].join('Hana', { watch });
    await pages[1].join('Ken', { watch });
    await pages[0].until(() => document.querySelectorAll('.tile').length === 2);
    return pages;
  }

  it('of two one is small in the corner, the other when one presses it, and one can hide oneself', async (t) => {
    const [hana] = await two(t);
    const small = () => hana.page.$$eval('.tile.inset .name', (all) => all.map((one) => one.textContent));
    const press = (name) => hana.click(`.tile .enlarge[aria-label="Show ${name} large"]`);
    assert.deepEqual(await small(), ['Hana (you)']);
    await press('Hana (you)');
    assert.deepEqual(await small(), ['Ken']);
    await press('Ken');
    assert.deepEqual(await small(), ['Hana (you)']);
    await hana.click('#more');
    await hana.click('#menu-self');
    assert.deepEqual(await hana.page.$$eval('.tile', (all) => all.map((one) => one.checkVisibility())), [true, false]);
    await hana.click('#more');
    await hana.says('#menu-self', en['menu.showSelf']);
    await hana.click('#menu-self');
    assert.deepEqual(await small(), ['Hana (you)']);
  });
});
