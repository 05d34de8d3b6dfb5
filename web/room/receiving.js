/*
 * The receiving side of a file: takes it if the person wants it, whole and undamaged or not at all.
 */

import { PREFIX, Transfer } from './transfer.js';

const LARGEST = 2 * 1024 ** 3;
const PACK = 1024 * 1024;

/** @param {RTCDataChannel} channel */
export function isFileChannel({ label }) {
  return label.startsWith(PREFIX);
}

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
      this.isOffered = true;
      this.name = String(message.name).slice(0, 255);
      this.size = Number(message.size);
      if (this.size >= 0 && this.size <= LARGEST) {
        this.to('waiting');
      } else {
        this.say({ type: 'decline' });
        this.end('tooLarge');
      }
    } else if (message.type === 'end') {
      this.#check(message.sha256);
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
    this.hash.update(bytes);
    this.#parts.push(bytes);
    const before = this.moved;
    this.moved += bytes.length;
    if (Math.floor(before / PACK) !== Math.floor(this.moved / PACK)) {
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
