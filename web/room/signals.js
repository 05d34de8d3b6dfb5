/*
 * The drawer's third tab: every event of the client is kept from the start of the join, and shown
 * by the Signals view. That is loaded once the room stands, and not when somebody looks: a server that was
 * upgraded meanwhile has it no more.
 */

import { byId } from '../lib/dom.js';
import { say, t } from '../lib/i18n.js';

/** @typedef {import('../client.js').Trace} Trace */

const MOST = 10000;
const BYTES_MAX = 8 * 1024 * 1024;

/** @param {Trace} trace */
const sizeOf = ({ raw = '' }) => 200 + raw.length; // and what is around it

const loadView = () => import('../signals/view.js');

export class Signals {
  /** Oldest first. @type {Trace[]} */
  #traces = [];
  /** @type {{ add(trace: Trace): void, close(): void } | null} */
  #view = null;
  #isAsked = false;
  #isClosed = false;
  #bytes = 0;

  /** @param {import('../client.js').Client} client */
  constructor(client) {
    client.on('trace', (trace) => (this.#view ? this.#view.add(trace) : this.#keep(trace)));
  }

  /** Have the view at hand. */
  prepare() {
    loadView().catch(() => {}); // told when somebody looks
  }

  /** Until there is a view, which keeps them itself. @param {Trace} trace */
  #keep(trace) {
    this.#traces.push(trace);
    this.#bytes += sizeOf(trace);
    while (this.#traces.length > MOST || this.#bytes > BYTES_MAX) {
      this.#bytes -= sizeOf(/** @type {Trace} */ (this.#traces.shift()));
    }
  }

  /** @param {import('../client.js').Room} room */
  async show(room) {
    if (this.#isAsked) {
      return;
    }
    this.#isAsked = true;
    const panel = byId('panel-signals', HTMLElement);
    try {
      const { SignalsView } = await loadView();
      if (this.#isClosed) { // left meanwhile
        return;
      }
      const view = new SignalsView(panel, { room, t });
      this.#traces.splice(0).forEach((trace) => view.add(trace));
      this.#view = view;
    } catch {
      say(panel, 'signals.missing');
    }
  }

  close() {
    this.#isClosed = true;
    this.#view?.close();
    this.#view = null;
  }
}
