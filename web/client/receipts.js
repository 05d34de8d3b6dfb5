// How many numbered messages of the server have come, and when it is told.

const AT_ONCE = 16; // messages
const LATEST_MS = 1000;

export class Receipts {
  count = 0;
  #told = 0;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;
  #tell;

  /** @param {(count: number) => void} tell the server */
  constructor(tell) {
    this.#tell = tell;
  }

  /** One more has come. */
  add() {
    this.count++;
    if (this.count - this.#told >= AT_ONCE) this.tell();
    else this.#timer ??= setTimeout(() => this.tell(), LATEST_MS);
  }

  tell() {
    this.pause();
    this.#told = this.count;
    this.#tell(this.count);
  }

  /** There is no connection to tell it over. */
  pause() {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  /** A new session counts from the beginning. */
  restart() {
    this.count = 0;
    this.#told = 0;
  }
}
