/*
 * Files that are dragged onto the page, or pasted where one writes.
 */

import { byId } from '../lib/dom.js';

/** A folder has nothing that could be sent. @param {DataTransfer} data */
function filesOf({ items }) {
  return [...items].flatMap((item) => (
    item.kind === 'file' && !item.webkitGetAsEntry()?.isDirectory ? item.getAsFile() ?? [] : []));
}

/** @param {DragEvent} event */
const hasFiles = ({ dataTransfer }) => Boolean(dataTransfer?.types.includes('Files'));

/** @param {(files: File[]) => void} take @param {AbortSignal} signal ends it */
export function watchDropping(take, signal) {
  const hint = byId('drop', HTMLElement);
  const show = (/** @type {boolean} */ isShown) => { hint.hidden = !isShown; };
  // Whatever is not taken here the browser would open, in the place of the room.
  addEventListener('dragover', (event) => {
    if (hasFiles(event)) {
      event.preventDefault();
      show(true);
    }
  }, { signal });
  addEventListener('dragleave', ({ relatedTarget }) => {
    if (!relatedTarget) { // out of the page, not to another part of it
      show(false);
    }
  }, { signal });
  addEventListener('drop', (event) => {
    if (hasFiles(event) && event.dataTransfer) {
      event.preventDefault();
      show(false);
      take(filesOf(event.dataTransfer));
    }
  }, { signal });
  byId('chat-text', HTMLTextAreaElement).addEventListener('paste', (event) => {
    const { clipboardData: data } = event;
    // A part of a document comes as text and as a picture of it: then the text is meant.
    if (data?.files.length && !data.types.includes('text/plain')) {
      event.preventDefault();
      take(filesOf(data));
    }
  }, { signal });
  signal.addEventListener('abort', () => show(false));
}
