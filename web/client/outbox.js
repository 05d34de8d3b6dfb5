// What we have said and the server has not yet acknowledged, and who waits to hear of it.
import { SignalError } from './error.js';

/**
 * @typedef {object} Item
 * @property {number} n its number in the session
 * @property {string} raw as it goes over the wire
 * @property {boolean} isUnsaid it never went over any, and is for everybody: a new session may say it
 * @property {boolean} isOfSelf what we say of ourselves is true in a new session as well
 * @property {() => void} resolve the server has it
 * @property {(reason: unknown) => void} reject
 */

export class Outbox {
  /** Oldest first. @type {Item[]} */
  #kept = [];
  /** The server has them, but may be about to say that it refused them. @type {Item[]} */
  #doubtful = [];
  #count = 0; // numbers given since the session began

  get size() {
    return this.#kept.length;
  }

  /** How many the server has. */
  get taken() {
    return this.#count - this.#kept.length;
  }

  /**
   * @param {Pick<Item, 'raw' | 'isUnsaid' | 'isOfSelf'>} item
   * @returns {Promise<void>} whether the server has taken it; nobody must wait for it
   */
  add(item) {
    const promise = new Promise((/** @type {(value?: undefined) => void} */ resolve, reject) => {
      this.#kept.push({ ...item, n: ++this.#count, resolve, reject });
    });
    promise.catch(() => {}); // it is told as an event, too
    return promise;
  }

  /** The server has the first `count` of the session, and has refused no more of them. @param {number} count */
  acknowledge(count) {
    this.doubt(count);
    this.settle();
  }

  /** The server has them; what it said of them is yet to come. @param {number} count */
  doubt(count) {
    const next = this.#kept.findIndex(({ n }) => n > count);
    this.#doubtful.push(...this.#kept.splice(0, next < 0 ? this.#kept.length : next));
  }

  /** All was said of those that were doubtful. */
  settle() {
    for (const { resolve } of this.#doubtful.splice(0)) resolve();
  }

  /** @param {number | undefined} number @param {SignalError} error */
  refuse(number, error) {
    [...this.#doubtful, ...this.#kept].find(({ n }) => n === number)?.reject(error);
  }

  /** The session is lost: what it may have delivered, or was for one peer, is not said again; the rest is. */
  restart() {
    const old = [...this.#doubtful.splice(0), ...this.#kept];
    this.#kept = [];
    this.#count = 0;
    return old.filter((item) => {
      const isSaidAgain = item.isUnsaid || item.isOfSelf;
      if (!isSaidAgain) item.reject(new SignalError('lost'));
      return isSaidAgain;
    });
  }

  /** After restart(). @param {Item} item of the session before */
  addAgain(item) {
    this.#kept.push({ ...item, n: ++this.#count });
  }

  /** All of it, to be written now. @returns {string[]} */
  say() {
    for (const item of this.#kept) item.isUnsaid = false;
    return this.#kept.map(({ raw }) => raw);
  }

  /** Nobody will ever know. @param {unknown} error */
  end(error) {
    for (const { reject } of [...this.#doubtful.splice(0), ...this.#kept.splice(0)]) reject(error);
  }
}
