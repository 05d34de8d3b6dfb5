// How a page looks: a picture for a person, contrast and width for the test, and what axe-core finds.
// Pictures are left in NAKODO_SCREENSHOTS.
import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { root } from '../../lib/daemon.mjs';
import { RoomPage } from './room-page.mjs';

export const DESKTOP = { width: 1280, height: 900 };
export const PHONE = { width: 360, height: 640 };
const pictures = process.env.NAKODO_SCREENSHOTS ?? join(root, 'build/screenshots');

/** In the page: texts whose contrast with what is behind them is below 4.5 to 1 (WCAG 2, 1.4.3). */
function faint() {
  const parse = (color) => color.match(/[\d.]+/g).map(Number);
  const luminance = (rgb) => {
    const linear = (c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4);
    const [r, g, b] = rgb.map((c) => linear(c / 255));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const behind = (element) => {
    for (let at = element; at; at = at.parentElement) {
      const [r, g, b, alpha = 1] = parse(getComputedStyle(at).backgroundColor);
      if (alpha > 0.8) return [r, g, b];
    }
    return [255, 255, 255];
  };
  const found = [];
  for (const element of document.querySelectorAll('body *')) {
    const isText = [...element.childNodes].some((node) => node.nodeType === 3 && node.data.trim());
    if ((!isText && !element.value) || !element.checkVisibility() || element.disabled) continue;
    const { color, fill } = getComputedStyle(element);
    const ink = parse(element instanceof SVGElement ? fill : color).slice(0, 3);
    const [a, b] = [ink, behind(element)].map(luminance);
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    if (ratio < 4.5) found.push(`${ratio.toFixed(2)}: ${element.outerHTML.slice(0, 100)}`);
  }
  return found;
}

/** In the page: what is wider than the screen. */
function wide() {
  const { clientWidth, scrollWidth } = document.documentElement;
  if (scrollWidth <= clientWidth) return [];
  const all = [...document.querySelectorAll('body *')];
  const out = all.filter((element) => element.getBoundingClientRect().right > clientWidth);
  return [scrollWidth, ...out.map((element) => element.outerHTML.slice(0, 80))];
}

/**
 * Picture, contrast and width of what is shown now, and what screen readers need.
 * @param {{ page: import('puppeteer-core').Page }} lab
 * @param {string} name of the picture
 */
export async function look(lab, name) {
  mkdirSync(pictures, { recursive: true });
  await lab.page.evaluate(async () => {
    scrollTo(0, 0);
    // Colours that fade and tiles that move are not yet where they stay; what ends early is followed
    // by another, and a new size is heard of a frame later.
    const passing = () => document.getAnimations().filter((one) => (
      one.playState === 'running' && one.effect.getComputedTiming().endTime < 1000));
    do {
      await Promise.allSettled(passing().map(({ finished }) => finished));
      for (let frames = 0; frames < 2; frames++) await new Promise(requestAnimationFrame);
    } while (passing().length);
  });
  await lab.page.screenshot({ path: join(pictures, `${name}.png`), fullPage: true });
  assert.deepEqual(await lab.page.evaluate(faint), [], name);
  assert.deepEqual(await lab.page.evaluate(wide), [], name);
  assert.deepEqual(await RoomPage.prototype.axe.call(lab), [], name);
}
