/*
 * One file over one data channel, `file:ID`, opened by the sender. No DOM.
 *
 *     sender     offer {name, size}               chunks … end {sha256}
 *     receiver              accept | decline                            ok | bad
 *
 * Text messages are JSON with a `type`, binary ones the file. Either side may say `cancel`.
 * Event `change` whenever state or progress changed.
 */

import { Sha256 } from './sha256.js';

/** @typedef {'waiting' | 'running' | 'checking' | 'done' | 'declined' | 'cancelled' | 'cancelledThere' | 'lost' | 'broken' | 'tooLarge'} State */

const PREFIX = 'file:';
const CHUNK = 64 * 1024;
const BLOCK = 1024 * 1024; // read from the disk at once
const HIGH = 1024 * 1024; // so much may wait in the channel
const LOW = 256 * 1024;
const LARGEST = 2 * 1024 ** 3;

/** @param {RTCDataChannel} channel */
export function isFileChannel({ label }) {
  return label.startsWith(PREFIX);
}

class Transfer extends EventTarget {
  /** @type {State} */
  state = 'waiting';
  name = '';
  size = 0;
  /** Bytes so far. */
  moved = 0;
  hash = new Sha256();

  /** @param {RTCDataChannel} channel */
  constructor(channel) {
    super();
    this.channel = channel;
    channel.binaryType = 'arraybuffer';
    channel.addEventListener('close', () => this.end('lost'));
    channel.addEventListener('message', ({ data }) => {
      if (this.isOver) {
        return;
      }
      if (data instanceof ArrayBuffer) {
        this.onBytes(new Uint8Array(data));
      } else {
        this.#read(data);
      }
    });
  }

  get isOver() {
    return !['waiting', 'running', 'checking'].includes(this.state);
  }

  /** @param {string} text */
  #read(text) {
    try {
      this.onText(JSON.parse(text));
    } catch {
      this.cancel(); // not ours
    }
  }

  /** @param {Uint8Array<ArrayBuffer>} _bytes */
  onBytes(_bytes) {}

  /** @param {{ type: string, [name: string]: unknown }} message */
  onText(message) {
    if (message.type === 'cancel') {
      this.end('cancelledThere');
    }
  }

  /** @param {Record<string, string | number>} message */
  say(message) {
    if (this.channel.readyState === 'open') {
      this.channel.send(JSON.stringify(message));
    }
  }

  cancel() {
    this.say({ type: 'cancel' });
    this.end('cancelled');
  }

  /** @param {State} state */
  to(state) {
    this.state = state;
    this.dispatchEvent(new Event('change'));
  }

  /** The first end counts. @param {State} state */
  end(state) {
    if (!this.isOver) {
      this.to(state);
      this.channel.close();
    }
  }
}

export class Sending extends Transfer {
  #file;
  #chunk;

  /** @param {import('../client.js').Peer} peer @param {File} file */
  constructor(peer, file) {
    super(peer.channel(PREFIX + crypto.getRandomValues(new Uint32Array(2)).join('-')));
    this.#file = file;
    this.#chunk = Math.min(CHUNK, peer.pc?.sctp?.maxMessageSize || CHUNK);
    this.name = file.name;
    this.size = file.size;
    this.channel.bufferedAmountLowThreshold = LOW;
    const offer = () => this.say({ type: 'offer', name: file.name, size: file.size });
    if (this.channel.readyState === 'open') {
      offer();
    } else {
      this.channel.addEventListener('open', offer);
    }
  }

  /** @override @param {{ type: string }} message */
  onText(message) {
    super.onText(message);
    if (message.type === 'accept' && this.state === 'waiting') {
      this.to('running');
      // A file that cannot be read any more ends it too.
      this.#send().catch(() => this.cancel());
    } else if (message.type === 'decline') {
      this.end('declined');
    } else if (message.type === 'ok' && this.state === 'checking') {
      this.end('done');
    } else if (message.type === 'bad') {
      this.end('broken');
    }
  }

  async #send() {
    for (let at = 0; at < this.size && !this.isOver; at += BLOCK) {
      const block = new Uint8Array(await this.#file.slice(at, at + BLOCK).arrayBuffer());
      this.hash.update(block);
      for (let from = 0; from < block.length; from += this.#chunk) {
        await this.#room();
        if (this.isOver) {
          return;
        }
        const bytes = block.subarray(from, from + this.#chunk);
        this.channel.send(bytes);
        this.moved += bytes.length;
      }
      this.dispatchEvent(new Event('change'));
    }
    this.to('checking');
    this.say({ type: 'end', sha256: this.hash.hex() });
  }

  /** Resolves when the channel takes more. */
  async #room() {
    const { channel } = this;
    if (channel.bufferedAmount > HIGH && channel.readyState === 'open') {
      await new Promise((resolve) => {
        channel.addEventListener('bufferedamountlow', resolve, { once: true });
        channel.addEventListener('close', resolve, { once: true });
      });
    }
  }
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
    if (Math.floor(before / BLOCK) !== Math.floor(this.moved / BLOCK)) {
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
