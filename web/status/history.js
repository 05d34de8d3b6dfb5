/*
 * What the server has said in the last minutes, and what follows from it: rates, and how much a counter has
 * grown. No DOM.
 */

export const INTERVAL = 2000; // ms between two questions
/** How much is shown, in ms: the first of these that has room for all; the last one is what is kept. */
const WINDOWS = [60000, 120000, 300000, 600000];
const MOST = WINDOWS[WINDOWS.length - 1];
/** Between answers that are further apart a line breaks: nobody has looked. */
const GAP = 4 * INTERVAL;

/**
 * What /status.json says, as far as it is used here.
 * @typedef {object} Status
 * @property {string} version
 * @property {number} pid
 * @property {'ready' | 'full' | 'draining'} state
 * @property {number} uptime s
 * @property {number} peers
 * @property {number} max_peers
 * @property {number} connections
 * @property {number} max_connections
 * @property {number} rooms
 * @property {number} memory bytes
 * @property {number} max_memory bytes
 * @property {number} messages_in
 * @property {number} messages_out
 * @property {number} bytes_in
 * @property {number} bytes_out
 * @property {number} refused
 * @property {number} turns 0: they are not measured
 * @property {number} turn_ns
 * @property {Record<string, number>} meters
 * @property {boolean} named
 * @property {{ mount: string, room?: string, members: number }[]} largest
 */

/** @typedef {(status: Status) => number} Read */
/** @typedef {{ at: number, value: number | null }} Point null: not known; `at` in ms */

export class History {
  /** @type {{ at: number, status: Status }[]} */
  #samples = [];

  /** @param {number} at ms @param {Status} status */
  add(at, status) {
    this.#samples.push({ at, status });
    // One that is older stays, from which the line comes into sight.
    const first = this.#samples.findIndex((sample) => sample.at > at - MOST);
    this.#samples.splice(0, Math.max(first - 1, 0));
  }

  /** What is to be shown: up to the last answer. */
  span() {
    const now = this.#samples.at(-1)?.at ?? 0;
    const age = now - (this.#samples[0]?.at ?? 0);
    return { now, window: WINDOWS.find((ms) => ms >= age) ?? MOST };
  }

  /** How much it has grown since the answer before; null if that is not known. @param {number} i @param {Read} read */
  #step(i, read) {
    const [before, now] = [this.#samples[i - 1], this.#samples[i]];
    const isKnown = before && before.status.pid === now.status.pid && now.at - before.at <= GAP;
    return isKnown ? { value: read(now.status) - read(before.status), ms: now.at - before.at } : null;
  }

  /** As it was. @param {Read} read @returns {Point[]} */
  gauge(read) {
    /** @type {Point[]} */
    const points = [];
    this.#samples.forEach(({ at, status }, i) => {
      if (i && at - this.#samples[i - 1].at > GAP) {
        points.push({ at, value: null });
      }
      points.push({ at, value: read(status) });
    });
    return points;
  }

  /** What a counter grows by in a second. @param {Read} read @returns {Point[]} */
  rate(read) {
    return this.#samples.map(({ at }, i) => {
      const step = this.#step(i, read);
      return { at, value: step && (step.value * 1000) / step.ms };
    });
  }

  /** What a counter has grown by meanwhile, as far as somebody looked. @param {Read} read */
  grown(read) {
    return this.#samples.reduce((sum, _, i) => sum + (this.#step(i, read)?.value ?? 0), 0);
  }
}
