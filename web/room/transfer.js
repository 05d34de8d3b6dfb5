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

/** @typedef {import('../client.js').Peer} Peer */
/** @typedef {'waiting' | 'running' | 'checking' | 'done' | 'declined' | 'cancelled' | 'cancelledThere' | 'lost' | 'broken' | 'tooLarge'} State */

export const PREFIX = 'file:';

export class Transfer extends EventTarget {
  /** @type {State} */
  state = 'waiting';
  name = '';
  size = 0;
  /** Bytes so far. */
  moved = 0;
  hash = new Sha256();
  #over = new AbortController();

  /** @param {Peer} peer the other side @param {RTCDataChannel} channel */
  constructor(peer, channel) {
    super();
    this.channel = channel;
    channel.binaryType = 'arraybuffer';
    channel.addEventListener('close', () => this.end('lost'));
    // A connection that this page closes, to make another, closes its channels without a word.
    peer.on('state', () => channel.readyState === 'closed' && this.end('lost'), { signal: this.#over.signal });
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
    if (this.isOver) {
      this.#over.abort();
    }
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
