/*
 * Keys of the room. They rest while somebody types, and with Ctrl, Alt or Meta they are the
 * browser's.
 */

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
  addEventListener('keydown', (event) => {
    const isOurs = !event.ctrlKey && !event.altKey && !event.metaKey && !event.isComposing
      && !isTyping(event.target) && !document.querySelector('dialog[open]');
    if (!isOurs || event.repeat) {
      return;
    }
    // On a button Space presses it.
    if (event.key === ' ' && !(event.target instanceof HTMLElement && event.target.closest('button, a, summary'))) {
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
  addEventListener('keyup', (event) => event.key === ' ' && release(), { signal });
  addEventListener('blur', release, { signal });
}
