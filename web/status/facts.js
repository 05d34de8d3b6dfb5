/*
 * The line about the server itself.
 */

import { byId } from '../lib/dom.js';
import { say } from '../lib/i18n.js';
import { count, duration } from './numbers.js';

/** @typedef {import('./history.js').Status} Status */

export class Facts {
  #state = byId('status-state', HTMLElement);
  #host = byId('status-host', HTMLElement);
  #version = byId('status-version', HTMLElement);
  #uptime = byId('status-uptime', HTMLElement);
  #connections = byId('status-connections', HTMLElement);

  constructor() {
    this.#host.textContent = location.host;
  }

  /** @param {unknown} _span @param {unknown} _history @param {Status} status */
  show(_span, _history, { state, version, uptime, connections, max_connections: most }) {
    this.#state.dataset.state = state;
    say(this.#state, `status.state.${state}`);
    say(this.#version, 'status.version', { version });
    say(this.#uptime, 'status.uptime', { time: duration(uptime) });
    say(this.#connections, 'status.connections', { n: count(connections), most: count(most) });
  }
}
