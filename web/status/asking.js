/*
 * Asks the server how it is, again and again: not while the page is hidden or paused, and not with a token
 * that was refused.
 */

import { INTERVAL } from './history.js';

const PATIENCE = 10000; // ms that an answer may take

/** @typedef {import('./history.js').Status} Status */
/** @typedef {{ code: string, message: string, final: boolean }} Refusal final: asking on is no use */

/**
 * @typedef {object} Listener
 * @property {() => string | undefined} token
 * @property {(status: Status) => void} onStatus
 * @property {(refusal: Refusal) => void} onRefusal
 * @property {() => void} onSilence no answer came
 */

/** @param {Response} answer @returns {Promise<Refusal>} */
async function refusalOf(answer) {
  // A proxy in between may answer whatever it likes.
  const { code, message } = await answer.json().catch(() => ({}));
  return { code: String(code ?? answer.status), message: String(message ?? ''), final: ['no-token', 'bad-token', 'not-granted', 'not-found'].includes(code) };
}

export class Asking {
  #listener;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;
  /** @type {AbortController | undefined} of the question that is under way */
  #question;
  #paused = false;
  #refused = false;

  /** @param {Listener} listener */
  constructor(listener) {
    this.#listener = listener;
    document.addEventListener('visibilitychange', () => this.#goOn());
    this.#goOn();
  }

  /** @param {boolean} paused */
  pause(paused) {
    this.#paused = paused;
    this.#goOn();
  }

  /** There may be another token. */
  again() {
    this.#refused = false;
    this.#goOn();
  }

  #stop() {
    clearTimeout(this.#timer);
    this.#question?.abort();
    this.#question = undefined;
  }

  #goOn() {
    this.#stop();
    if (!document.hidden && !this.#paused && !this.#refused) {
      this.#ask();
    }
  }

  async #ask() {
    const question = this.#question = new AbortController();
    const began = Date.now();
    const late = setTimeout(() => question.abort(), PATIENCE);
    const told = await this.#answer(question.signal).catch(() => this.#listener.onSilence);
    clearTimeout(late);
    if (this.#question !== question) return; // nobody waits for it any more
    told();
    if (this.#refused) return;
    this.#timer = setTimeout(() => this.#ask(), Math.max(began + INTERVAL - Date.now(), INTERVAL / 4));
  }

  /** What is to be told. @param {AbortSignal} signal */
  async #answer(signal) {
    const token = this.#listener.token();
    const headers = token ? { authorization: `Bearer ${token}` } : undefined;
    const answer = await fetch('/status.json', { headers, signal, cache: 'no-store', redirect: 'error' });
    if (answer.ok) {
      const status = await answer.json();
      return () => this.#listener.onStatus(status);
    }
    const refusal = await refusalOf(answer);
    return () => {
      this.#refused = refusal.final;
      this.#listener.onRefusal(refusal);
    };
  }
}
