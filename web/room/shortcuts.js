/*
 * Keys of the room, unless they are switched off. They rest while somebody types, and with Ctrl, Alt or Meta they are the
 * browser's.
 */

import { choices } from './choices.js';

/** @param {EventTarget | null} target */
function isTyping(target) {
  return target instanceof HTMLElement
    && (target.isContentEditable || target.matches('input, textarea, select'));
}

/**
 * @param {Record<string, () => void>} keys by the letter, in lower case
 * @param {{ down: () => void, up: () => void }} space held down
 * @param {AbortSignal} signal ends it
 */
export function watchKeys(keys, space, signal) {
  let isHeld = false;
  let isPointed = false; // the focus came where it is by mouse or finger
  addEventListener('pointerdown', () => { isPointed = true; }, { signal, capture: true });
  addEventListener('keydown', (event) => {
    isPointed &&= event.key !== 'Tab';
    const isOurs = choices.keys && !event.ctrlKey && !event.altKey && !event.metaKey && !event.isComposing
      && !isTyping(event.target) && !document.querySelector('dialog[open]');
    if (!isOurs || event.repeat) {
      if (isHeld && event.key === ' ') {
        event.preventDefault();
      }
      return;
    }
    // On a button Space presses it, if somebody went there with the keyboard: who has clicked means to talk.
    const isPress = event.target instanceof HTMLElement && event.target.closest('button, a, summary');
    if (event.key === ' ' && (isPointed || !isPress)) {
      isHeld = true;
      event.preventDefault();
      space.down();
    } else if (Object.hasOwn(keys, event.key.toLowerCase())) {
      event.preventDefault();
      keys[event.key.toLowerCase()]();
    }
  }, { signal });
  const release = () => {
    if (isHeld) {
      isHeld = false;
      space.up();
    }
  };
  addEventListener('keyup', (event) => {
    if (isHeld && event.key === ' ') {
      event.preventDefault(); // in Firefox it is this that presses a button
      release();
    }
  }, { signal });
  addEventListener('blur', release, { signal });
}
