// Data from page to page, in order, over one data channel after the other.
import { SignalError } from './error.js';

const FULL = 1 << 20; // bytes in the channel's buffer; the sender waits then
const LOW = 1 << 18; // bytes; it goes on

/** @typedef {string | ArrayBuffer | ArrayBufferView} Data */

export class DataQueue {
  /** @type {RTCDataChannel | null} */
  #channel = null;
  #isClosed = false;
  /** Those who wait for the channel to open or to drain. @type {(() => void)[]} */
  #waiting = [];
  /** @type {Promise<void>} */
  #last = Promise.resolve();

  /** @param {RTCDataChannel} channel from now on, also for what waits already */
  use(channel) {
    this.#channel = channel;
    channel.binaryType = 'arraybuffer';
    channel.bufferedAmountLowThreshold = LOW;
    channel.onopen = () => this.#release();
    channel.onbufferedamountlow = () => this.#release();
  }

  /** Resolves when it is in the channel's buffer. @param {Data} data */
  send(data) {
    const sent = this.#last.then(() => this.#push(data));
    this.#last = sent.catch(() => {});
    return sent;
  }

  close() {
    this.#isClosed = true;
    this.#channel = null;
    this.#release();
  }

  /** @param {Data} data */
  async #push(data) {
    for (;;) {
      if (this.#isClosed) throw new SignalError('closed');
      const channel = this.#channel;
      if (channel?.readyState === 'open' && channel.bufferedAmount <= FULL) {
        return channel.send(/** @type {string} */ (data)); // the DOM's types name each kind apart
      }
      await new Promise((/** @type {(value?: undefined) => void} */ go) => this.#waiting.push(go));
    }
  }

  #release() {
    this.#waiting.splice(0).forEach((go) => go());
  }
}
