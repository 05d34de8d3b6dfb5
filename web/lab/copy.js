/*
 * A button that copies a text area: by the clipboard, which plain http does not have, else by
 * selection.
 */

import { say } from '../lib/i18n.js';

const SHOWN_MS = 1500;

/** @param {HTMLTextAreaElement} area */
async function copy(area) {
  if (navigator.clipboard) {
    return navigator.clipboard.writeText(area.value).then(() => true, () => false);
  }
  area.select();
  return document.execCommand('copy');
}

/**
 * @param {HTMLButtonElement} button says `copy`, and for a moment `copied`
 * @param {HTMLTextAreaElement} area
 * @param {() => void} failed the text is selected then
 */
export function copyOnClick(button, area, failed) {
  button.addEventListener('click', async () => {
    if (await copy(area)) {
      say(button, 'copied');
      setTimeout(() => say(button, 'copy'), SHOWN_MS);
    } else {
      area.select();
      failed();
    }
  });
}
