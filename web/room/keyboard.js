/*
 * A keyboard that covers the page in place of making it smaller, as on iOS: the room is as high as what is
 * seen of it, so that one sees what one writes and what was said last.
 */

import { byId } from '../lib/dom.js';

const KEYBOARD = 100; // px; no bar of a browser is so high
const LOW = 230; // px; as in room.css, where a keyboard makes the page smaller

/** @param {AbortSignal} signal ends it */
export function stayAboveKeyboard(signal) {
  const seen = window.visualViewport;
  const room = byId('room', HTMLElement);
  const fit = () => {
    const { height = 0, offsetTop = 0, scale = 1 } = seen ?? {};
    const isCovered = scale === 1 && innerHeight - height > KEYBOARD; // else one has zoomed in
    room.toggleAttribute('data-low', isCovered && height <= LOW);
    if (isCovered) {
      room.style.setProperty('--seen', `${height}px`);
      room.style.translate = `0 ${offsetTop}px`; // it is scrolled to the field
    } else {
      room.removeAttribute('style');
    }
  };
  seen?.addEventListener('resize', fit, { signal });
  seen?.addEventListener('scroll', fit, { signal });
  fit();
}
