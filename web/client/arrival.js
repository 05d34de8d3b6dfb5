// Does anything come? After a restart Chromium may send on a way that Firefox does not read, and both say
// that they are connected. So it is looked at after each (re)connect, for some seconds: no more than that.
import { arrivalsOf } from './stats.js';

const FIRST_MS = 1000; // the way before may still be in use
const EACH_MS = { owner: 2000, other: 3000 }; // one notices first, and does something
const LOOKS = 4;
const PATIENCE_MAX = 16; // times longer, if nothing helps

export class Arrival {
  #each;
  #act;
  #left = 0;
  #before = NaN;
  #silences = 0; // since something came for as long as it is looked at
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;

  /**
   * @param {boolean} isOwner
   * @param {(what: import('./repair.js').What) => boolean} act nothing comes; whether anything should
   */
  constructor(isOwner, act) {
    this.#each = isOwner ? EACH_MS.owner : EACH_MS.other;
    this.#act = act;
  }

  /** From now on, for a while. @param {RTCPeerConnection} pc */
  watch(pc) {
    this.#left = LOOKS;
    this.#before = NaN;
    this.#wait(pc, FIRST_MS);
  }

  stop() {
    this.#left = 0;
    clearTimeout(this.#timer);
  }

  /** @param {RTCPeerConnection} pc @param {number} ms */
  #wait(pc, ms) {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#look(pc).catch(() => {}), ms);
  }

  /** @param {RTCPeerConnection} pc */
  async #look(pc) {
    const timer = this.#timer;
    const arrivals = await arrivalsOf(pc);
    if (timer !== this.#timer || !this.#left) return;
    if (arrivals && arrivals === this.#before) {
      if (this.#act(this.#silences % 2 ? 'rebuild' : 'restart')) this.#silences++;
      return;
    }
    this.#before = arrivals;
    if (--this.#left) {
      this.#wait(pc, this.#each * Math.min(2 ** (this.#silences >> 1), PATIENCE_MAX));
    } else {
      this.#silences = 0;
    }
  }
}
