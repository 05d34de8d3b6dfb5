/*
 * The events of a trace as the view needs them: which are shown, in which lanes, the names and
 * states of the peers. Adding one costs the same however many there are. No DOM.
 */

import { ends } from './lanes.js';
import { descriptionOf, leaverOf, namesIn, peerOf, tidy } from './message.js';
import { States } from './states.js';

/** @typedef {import('../client.js').Trace} Trace */
/** @typedef {import('./lanes.js').Lane} Lane */

export const EVENTS_MAX = 20_000;
const LETTERS_MAX = 64 * 1024 * 1024; // of all messages
const FORGET = 2_000; // at once, so that it is rare
/** What goes to and fro without meaning anything; shown when asked for. */
const QUIET = ['ping', 'pong'];

/** What the filter calls it: `ice` is a message and a state. @param {Trace} trace */
export function filterOf({ dir, type }) {
  return dir === 'state' ? `state ${type}` : type;
}

export class Model {
  /** @type {Trace[]} */
  events = [];
  /** @type {Trace[]} those that pass the filter */
  shown = [];
  /** @type {Lane[]} of the events shown */
  lanes = [];
  /** @type {Map<string, number>} how many events there are, by filterOf() */
  types = new Map();
  /** @type {Map<string, string>} by id */
  names = new Map();
  states = new States();
  /** @type {Set<string>} what is not shown, by filterOf() */
  hidden = new Set(QUIET);
  /** The one peer whose events are shown, '' for all. */
  peer = '';
  /** @type {Set<string>} ids of all peers, in order of appearance */
  peers = new Set();
  #most;
  #letters = 0;

  /** @param {{ observed?: boolean, most?: number }} [options] observed: see lanes.js */
  constructor({ observed = false, most = EVENTS_MAX } = {}) {
    this.observed = observed;
    this.#most = most;
    this.#resetLanes();
  }

  /** @param {Trace} event */
  add(event) {
    const trace = tidy(event);
    this.#letters += trace.raw?.length ?? 0;
    while (this.events.length >= this.#most || (this.#letters > LETTERS_MAX && this.events.length)) {
      this.#forget();
    }
    this.events.push(trace);
    const filter = filterOf(trace);
    this.types.set(filter, (this.types.get(filter) ?? 0) + 1);
    for (const id of this.observed ? [trace.from, trace.to] : [peerOf(trace)]) {
      if (id) {
        this.peers.add(id);
      }
    }
    for (const [id, name] of namesIn(trace)) {
      this.names.set(id, name);
    }
    this.states.add(trace);
    // A new session begins without anybody; what has `from` is only what a peer says.
    const isFresh = trace.type === 'welcome' && !trace.from;
    for (const id of isFresh ? this.peers : [leaverOf(trace)]) {
      this.states.close(id, trace.t);
    }
    if (this.#passes(trace)) {
      this.#show(trace);
    }
  }

  #forget() {
    for (const { raw } of this.events.splice(0, FORGET)) {
      this.#letters -= raw?.length ?? 0;
    }
    this.refilter();
  }

  /** After a change of `hidden` or `peer`. */
  refilter() {
    this.#resetLanes();
    this.shown = [];
    for (const trace of this.events) {
      if (this.#passes(trace)) {
        this.#show(trace);
      }
    }
  }

  /** @param {string} id */
  nameOf(id) {
    return this.names.get(id) || id;
  }

  /**
   * The description that came before this one on the same way, '' if none did.
   * @param {Trace} trace
   */
  previousDescription(trace) {
    const { from, to } = ends(trace, this.observed);
    for (let at = this.events.lastIndexOf(trace) - 1; at >= 0; at--) {
      const other = this.events[at];
      const way = ends(other, this.observed);
      if (other.dir !== 'state' && way.from === from && way.to === to) {
        const sdp = descriptionOf(other);
        if (sdp) {
          return sdp;
        }
      }
    }
    return '';
  }

  /** @param {Trace} trace */
  #passes(trace) {
    return !this.hidden.has(filterOf(trace)) && (!this.peer || this.#concerns(trace, this.peer));
  }

  /** @param {Trace} trace @param {string} peer */
  #concerns(trace, peer) {
    return this.observed ? trace.from === peer || trace.to === peer : peerOf(trace) === peer;
  }

  #resetLanes() {
    this.lanes = this.observed ? [] : ['me', 'server'];
  }

  /** @param {Trace} trace */
  #show(trace) {
    this.shown.push(trace);
    const { from, to } = ends(trace, this.observed);
    for (const lane of [from, to]) {
      if (!this.lanes.includes(lane)) {
        this.lanes.push(lane);
      }
    }
  }
}
