// What is sent: tracks by what they are for, and the streams that they go out in.

import { mistaken } from './arguments.js';

/**
 * @typedef {import('../client.js').Source} Source
 * @typedef {'audio' | 'video'} Kind
 * @typedef {'cam' | 'screen'} Group a stream: `mic` and `cam` go in one, a screen and its sound in another
 * @typedef {{ source: Source, track: MediaStreamTrack | null }} Sent
 */

/** @type {Record<Source, Kind>} */
const KINDS = { mic: 'audio', cam: 'video', screen: 'video', 'screen-audio': 'audio' };

/** @param {unknown} as @returns {as is Source} */
export const isSource = (as) => typeof as === 'string' && Object.hasOwn(KINDS, as);

/** @param {Source} as */
export const kindOf = (as) => KINDS[as];

/** @param {Source} as @returns {Group} */
export const groupOf = (as) => (as.startsWith('screen') ? 'screen' : 'cam');

/** Throws if that cannot be sent as this. @param {unknown} as @param {MediaStreamTrack | null} track @param {string} what was called */
export function mustFit(as, track, what) {
  if (!isSource(as)) mistaken(what, `as: ${Object.keys(KINDS).map((name) => `'${name}'`).join(', ')}`, as);
  if (track === null && what === 'replace()') return;
  if (typeof track?.kind !== 'string') mistaken(what, 'a MediaStreamTrack (of a stream each of getTracks())', track);
  if (track.kind !== kindOf(as)) mistaken(what, `${kindOf(as)} as '${as}'`, track.kind);
}

/** All that a room sends, the same to each peer. */
export class Sources {
  /** @type {Map<Source, Sent>} */
  #all = new Map();
  /** @type {Partial<Record<Group, MediaStream>>} */
  #streams = {};

  /** @param {Source} as */
  get(as) {
    return this.#all.get(as);
  }

  /** @returns {Source[]} */
  get names() {
    return [...this.#all.keys()];
  }

  /** @param {Sent} sent instead of what was sent as that before */
  add(sent) {
    this.#all.set(sent.source, sent);
  }

  /** Unless another one is sent as that by now. @param {Sent} sent */
  remove(sent) {
    const { source } = sent;
    if (this.#all.get(source) !== sent) return;
    this.#all.delete(source);
    // A stream that ended does not begin again: only a new one makes a track event.
    if (!this.names.some((name) => groupOf(name) === groupOf(source))) delete this.#streams[groupOf(source)];
  }

  /** The stream that a source goes out in. @param {Source} as */
  streamOf(as) {
    return this.#streams[groupOf(as)] ??= new MediaStream();
  }
}
