// When a connection is repaired, and how. The owner, who came later, does it; the other side asks it to,
// a little later. Interrupted: ICE restart; that did not help, or the other end is gone: a new
// RTCPeerConnection, without end, ever more slowly.

/**
 * @typedef {'restart' | 'rebuild'} What
 */

const CUT_MS = 500;
const INTERRUPTED_MS = { owner: 3000, other: 5000 };
const FAILED_MS = { owner: 0, other: 1500 };
const HELPLESS_MS = { owner: 8000, other: 11000 }; // what was done last did not help, or nothing was
const BACK_MS = { owner: 300, other: 2500 }; // the server is there again
const PATIENCE_MAX = 4; // times longer at most
const REBUILD_MS = 1000; // that each generation waits longer than the one before
const RESTART_MS = 3000; // a restart does not begin again within

export class Repair {
  #isOwner;
  #act;
  #isRepairing = false; // something was done, and no state hurries what comes next
  #rebuilds = 0; // since it was connected
  #actedAt = 0; // ms since the epoch
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;

  /** @param {boolean} isOwner @param {(what: What) => void} act it is time */
  constructor(isOwner, act) {
    this.#isOwner = isOwner;
    this.#act = act;
  }

  /** How long ago a connection was made or restarted, in ms. */
  get sinceActed() {
    return Date.now() - this.#actedAt;
  }

  /** May a restart that the other side asks for begin? */
  get isRestartDue() {
    return this.sinceActed > RESTART_MS;
  }

  /** What the connection's state asks for, if nothing was done just now. @param {import('./connection.js').Connection} connection */
  watch({ isUp, isCut, pc }) {
    if (isUp) {
      this.#rebuilds = 0;
      this.#isRepairing = false;
      clearTimeout(this.#timer);
    } else if (this.#isRepairing) {
      // its time will come
    } else if (isCut) {
      this.later('rebuild', CUT_MS);
    } else if (pc.connectionState === 'disconnected') {
      this.#asOwnerOrOther('restart', INTERRUPTED_MS);
    } else if (pc.connectionState === 'failed') {
      this.#asOwnerOrOther('restart', FAILED_MS);
    } else {
      this.#asOwnerOrOther('rebuild', HELPLESS_MS, this.#patience);
    }
  }

  /** No repair of this connection helps any more: the state says what to do. */
  giveUp() {
    this.#isRepairing = false;
  }

  /** Signaling is back, and what was said meanwhile may have got lost. */
  kick() {
    this.#asOwnerOrOther('restart', BACK_MS);
  }

  /** @param {What} what @param {number} ms */
  later(what, ms) {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      this.#isRepairing = false;
      this.#act(what);
    }, ms);
  }

  /** Something is being done; if it does not help, this is not the end. */
  begin() {
    this.later('rebuild', HELPLESS_MS.owner * this.#patience);
    this.#isRepairing = true;
  }

  /** The connection is being restarted. */
  restarted() {
    this.#actedAt = Date.now();
  }

  /** There is a new connection. */
  rebuilt() {
    this.#actedAt = Date.now();
    this.#isRepairing = false;
  }

  /** The next generation, or not yet: what fails at once must not spin. @returns {boolean} whether now */
  mayRebuild() {
    const early = REBUILD_MS * this.#rebuilds - this.sinceActed;
    if (early > 0) {
      this.later('rebuild', early);
      return false;
    }
    this.#rebuilds++;
    return true;
  }

  stop() {
    clearTimeout(this.#timer);
  }

  get #patience() {
    return Math.min(this.#rebuilds || 1, PATIENCE_MAX);
  }

  /** @param {What} what @param {{ owner: number, other: number }} delays in ms @param {number} [times] */
  #asOwnerOrOther(what, { owner, other }, times = 1) {
    this.later(what, times * (this.#isOwner ? owner : other));
  }
}
