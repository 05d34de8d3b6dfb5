/*
 * The receiving side of a file: takes it if the person wants it, whole and undamaged or not at all.
 */

import { PREFIX, Transfer } from './transfer.js';

const LARGEST = 2 * 1024 ** 3;
const PACK = 1024 * 1024;
const MOST_PARTS = 1024; // of whatever size
const NAME_MAX = 255;

/** What cannot be seen or turns the direction of writing, and what parts a path. */
const UNFIT = /[\p{C}\p{Zl}\p{Zp}/\\]/gu;

/** @param {unknown} name as the other side has it */
function readName(name) {
  return String(name).slice(0, NAME_MAX).replace(UNFIT, '') || '?';
}

/** @param {RTCDataChannel} channel */
export function isFileChannel({ label }) {
  return label.startsWith(PREFIX);
}

/** Event `offer` when it is known what it is: before that there is nothing to show. */
export class Receiving extends Transfer {
  /** @type {Blob[]} whole blocks, which the browser may put on the disk */
  #blocks = [];
  /** @type {Uint8Array<ArrayBuffer>[]} */
  #parts = [];
  /** The file, once it is complete and checked. @type {Blob | null} */
  file = null;
  isOffered = false;

  /** @override @param {{ type: string, [name: string]: unknown }} message */
  onText(message) {
    super.onText(message);
    if (message.type === 'offer' && !this.isOffered) {
      this.#read(message);
    } else if (message.type === 'end' && this.state === 'running') {
      this.#check(message.sha256);
    } else if (message.type === 'end') {
      this.cancel(); // of what?
    }
  }

  /** @param {{ [name: string]: unknown }} offer */
  #read({ name, size }) {
    if (!Number.isSafeInteger(size) || Number(size) < 0) {
      this.cancel(); // of nothing that could be a file
      return;
    }
    this.isOffered = true;
    this.name = readName(name);
    this.size = Number(size);
    this.dispatchEvent(new Event('offer'));
    if (this.size <= LARGEST) {
      this.dispatchEvent(new Event('change'));
    } else {
      this.say({ type: 'decline' });
      this.end('tooLarge');
    }
  }

  accept() {
    this.to('running');
    this.say({ type: 'accept' });
  }

  decline() {
    this.say({ type: 'decline' });
    this.end('declined');
  }

  /** @override @param {Uint8Array<ArrayBuffer>} bytes */
  onBytes(bytes) {
    if (this.state !== 'running' || this.moved + bytes.length > this.size) {
      this.cancel(); // nobody asked for it
      return;
    }
    if (!bytes.length) {
      return; // or parts without end
    }
    this.hash.update(bytes);
    this.#parts.push(bytes);
    const before = this.moved;
    this.moved += bytes.length;
    if (this.#parts.length >= MOST_PARTS || Math.floor(before / PACK) !== Math.floor(this.moved / PACK)) {
      this.#pack();
      this.dispatchEvent(new Event('change'));
    }
  }

  #pack() {
    this.#blocks.push(new Blob(this.#parts));
    this.#parts = [];
  }

  /** @param {unknown} sha256 */
  #check(sha256) {
    this.#pack();
    const isWhole = this.moved === this.size && this.hash.hex() === sha256;
    // The sender closes; a channel closed here could lose the answer.
    this.say({ type: isWhole ? 'ok' : 'bad' });
    this.file = isWhole ? new Blob(this.#blocks, { type: 'application/octet-stream' }) : null;
    this.to(isWhole ? 'done' : 'broken');
  }
}
