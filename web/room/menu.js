/*
 * The menu above the bar, by the keyboard as the ARIA Authoring Practices have it: arrows, Home and
 * End go from one entry to the next, and only one of them is reached by Tab. The browser opens it,
 * closes it by Escape, and gives the focus back.
 */

import { byId } from '../lib/dom.js';

const menu = byId('menu', HTMLElement);
const opener = byId('more', HTMLButtonElement);

/** What can be chosen now. */
function entries() {
  return [.../** @type {NodeListOf<HTMLElement>} */ (menu.querySelectorAll('[role="menuitem"]'))]
    .filter((entry) => !entry.hidden && entry.checkVisibility());
}

/** @param {HTMLElement | undefined} entry */
function goTo(entry) {
  for (const other of menu.children) {
    /** @type {HTMLElement} */ (other).tabIndex = other === entry ? 0 : -1;
  }
  entry?.focus();
}

/** @param {KeyboardEvent} event */
function onKey(event) {
  const all = entries();
  const at = all.findIndex((entry) => entry === document.activeElement);
  const next = {
    ArrowDown: (at + 1) % all.length,
    ArrowUp: at < 0 ? all.length - 1 : (at + all.length - 1) % all.length,
    Home: 0,
    End: all.length - 1,
  }[event.key];
  if (next !== undefined) {
    event.preventDefault();
    goTo(all[next]);
  } else if (event.key === 'Tab') {
    menu.hidePopover(); // and the focus goes on from the button
  }
}

/** @param {AbortSignal} signal ends it */
export function watchMenu(signal) {
  menu.addEventListener('toggle', (event) => {
    if (/** @type {ToggleEvent} */ (event).newState === 'open') {
      goTo(entries()[0]);
    }
  }, { signal });
  menu.addEventListener('keydown', onKey, { signal });
  menu.addEventListener('click', () => menu.hidePopover(), { signal });
  opener.addEventListener('keydown', (event) => {
    if (event.key === 'ArrowDown') {
      event.preventDefault();
      if (!menu.matches(':popover-open')) { // it may be opening at this moment
        menu.showPopover();
      }
    }
  }, { signal });
}
