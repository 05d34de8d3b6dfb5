// What we have said and the server has not yet acknowledged, oldest first.

/**
 * @typedef {object} Item
 * @property {string} raw as it goes over the wire
 * @property {boolean} isUnsaid it never went over any, and is for everybody: a new session may say it
 * @property {boolean} isOfSelf what we say of ourselves is true in a new session as well
 */

export class Outbox {
  /** @type {Item[]} */
  #kept = [];
  #passed = 0; // how many the server has

  get size() {
    return this.#kept.length;
  }

  /** @param {Item} item */
  add(item) {
    this.#kept.push(item);
  }

  /** The server has the first `count` of the session. @param {number} count */
  forget(count) {
    this.#kept.splice(0, count - this.#passed);
    this.#passed = count;
  }

  /**
   * The session is lost: what it may have delivered, or was for one peer, is not said again.
   * @returns {Item[]} what is to be said in the next one
   */
  restart() {
    const again = this.#kept.filter(({ isUnsaid, isOfSelf }) => isUnsaid || isOfSelf);
    this.#kept = [];
    this.#passed = 0;
    return again;
  }

  /** All of it, to be written now. @returns {string[]} */
  say() {
    for (const item of this.#kept) item.isUnsaid = false;
    return this.#kept.map(({ raw }) => raw);
  }
}
