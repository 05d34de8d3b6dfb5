// What a peer says of a connection that is yet to be made. It is made for an offer alone, and no faster
// than an owner makes them, who might be anybody; the newest one counts.

/** @typedef {import('./wire.js').PeerMessage & { g: number }} PairMessage */

const HELD = 100; // messages; a connection has fewer candidates
const EACH_MS = 1000; // that each connection waits longer than the one before

export class Upcoming {
  /** All of one generation. @type {PairMessage[]} */
  #messages = [];
  #made = 0; // since one was connected
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;

  /**
   * @param {PairMessage} message of a generation that is newer than the present one
   * @returns {boolean} whether it has an offer now
   */
  hold(message) {
    const [first] = this.#messages;
    if (!first || message.g > first.g) this.#messages = [];
    else if (message.g < first.g || this.#messages.length >= HELD) return false;
    this.#messages.push(message);
    return this.#messages.some(({ type, sdp }) => type === 'offer' && typeof sdp === 'string');
  }

  /** @param {number} since the last connection was made, in ms @param {() => void} begin now or later */
  schedule(since, begin) {
    const early = EACH_MS * (this.#made - 1) - since;
    clearTimeout(this.#timer);
    if (early <= 0) begin();
    else this.#timer = setTimeout(begin, early);
  }

  /** Those of the connection that is being made now; none if that was done already. */
  take() {
    const messages = this.#messages;
    this.#messages = [];
    if (messages.length) this.#made++;
    return messages;
  }

  /** It helped. */
  connected() {
    this.#made = Math.min(this.#made, 1);
  }

  stop() {
    clearTimeout(this.#timer);
  }
}
