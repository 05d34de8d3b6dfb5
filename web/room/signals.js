/*
 * The drawer's third tab: every event of the client is kept from the start of the join, and shown
 * by the Signals view, which is loaded when somebody looks.
 */

import { byId } from '../lib/dom.js';
import { say, t } from '../lib/i18n.js';

/** @typedef {import('../client.js').Trace} Trace */

const MOST = 10000;
// A variable, since the room works without it.
const VIEW = '../signals/view.js';

export class Signals {
  /** Oldest first. @type {Trace[]} */
  #traces = [];
  /** @type {{ add(trace: Trace): void, close(): void } | null} */
  #view = null;
  #isAsked = false;

  /** @param {import('../client.js').Client} client */
  constructor(client) {
    client.on('trace', (trace) => {
      this.#traces.push(trace);
      if (this.#traces.length > MOST) {
        this.#traces.shift();
      }
      this.#view?.add(trace);
    });
  }

  /** @param {import('../client.js').Room} room */
  async show(room) {
    if (this.#isAsked) {
      return;
    }
    this.#isAsked = true;
    const panel = byId('panel-signals', HTMLElement);
    try {
      const { SignalsView } = await import(VIEW);
      const view = new SignalsView(panel, { room, t });
      this.#traces.forEach((trace) => view.add(trace));
      this.#view = view;
    } catch {
      say(panel, 'signals.missing');
    }
  }

  close() {
    this.#view?.close();
    this.#view = null;
  }
}
