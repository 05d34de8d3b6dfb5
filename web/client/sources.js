// What is sent: tracks by what they are for, how they are sent, and the streams that they go out in.

import { mistaken } from './arguments.js';

/**
 * @typedef {import('../client.js').Source} Source
 * @typedef {import('../client.js').Sending} Sending
 * @typedef {'audio' | 'video'} Kind
 * @typedef {{ source: Source, track: MediaStreamTrack | null, kind: Kind } & Sending} Sent
 */

/** Those of old. A name of the page's own is of the kind that its track is of. @type {Record<string, Kind>} */
const KINDS = { mic: 'audio', cam: 'video', screen: 'video', 'screen-audio': 'audio' };
const NAMES = "`as`: 'mic', 'cam', 'screen', 'screen-audio', or 1 to 32 letters, digits and '-'";
const NAME = /^[a-z\d-]{1,32}$/i;
const SOURCES_MAX = 16; // of a member; each is an m-line of each connection
const BITRATE_MAX = 2 ** 32 - 1; // what setParameters() takes

/** @param {unknown} as @returns {as is Source} */
export const isSource = (as) => typeof as === 'string' && NAME.test(as);

/** Does every client know it, older ones too? @param {Source} as */
export const isOld = (as) => Object.hasOwn(KINDS, as);

/** Whether a track of this kind may be that. @param {Source} as @param {string} kind */
export const fits = (as, kind) => !isOld(as) || KINDS[as] === kind;

/** The stream's name: `mic` and `cam` go in one, a screen and its sound in another, any other alone. @param {Source} as */
export const groupOf = (as) => (isOld(as) ? /cam|screen/.exec(as)?.[0] ?? 'cam' : as);

/** What a peer said of its sources, which may be anything: no more than it may have. @param {unknown} object */
export const entriesOf = (object) => Object.entries(object ?? {}).slice(0, SOURCES_MAX);

/**
 * Of what kind those are that a peer wants to send.
 * @param {unknown[]} names
 * @param {unknown} kinds those of names of its own
 */
export function kindsOf(names, kinds) {
  const told = new Map(entriesOf(kinds));
  return [...new Set(names.filter(isSource))].slice(0, SOURCES_MAX)
    .map((as) => (isOld(as) ? KINDS[as] : told.get(as)));
}

/**
 * Throws if that cannot be sent as this.
 * @param {MediaStreamTrack} track
 * @param {Source} as
 * @param {string} kind
 * @param {string} what was called
 */
export function mustFit(track, as, kind, what) {
  if (typeof track?.kind !== 'string') mistaken(what, 'a MediaStreamTrack, each of getTracks()', track);
  if (track.kind !== kind) mistaken(what, `${kind} as '${as}'`, track.kind);
}

/** Throws if nothing can be sent like this. @param {Sending} sending @param {Kind} kind */
function mustBeSending({ maxBitrate, codecs }, kind) {
  if (maxBitrate !== undefined && !(Number.isInteger(maxBitrate) && maxBitrate > 0 && maxBitrate <= BITRATE_MAX)) {
    mistaken('publish()', `a maxBitrate of 1 to ${BITRATE_MAX} bit/s`, maxBitrate);
  }
  if (codecs === undefined) return;
  if (!Array.isArray(codecs)) mistaken('publish()', 'codecs in an array', codecs);
  for (const codec of codecs) {
    if (!String(codec).startsWith(`${kind}/`)) mistaken('publish()', `codecs of '${kind}/...'`, codec);
  }
}

/** All that a room sends, the same to each peer. */
export class Sources {
  /** @type {Map<Source, Sent>} */
  #all = new Map();
  /** @type {Record<string, MediaStream>} */
  #streams = {};

  /** @param {Source} as */
  get(as) {
    return this.#all.get(as);
  }

  /** @returns {Source[]} */
  get names() {
    return [...this.#all.keys()];
  }

  /** Of what kind each is. @returns {Record<string, Kind>} */
  get kinds() {
    return Object.fromEntries([...this.#all].map(([as, { kind }]) => [as, kind]));
  }

  /** Throws if that cannot be published. @param {MediaStreamTrack} track @param {{ as: Source } & Sending} options */
  check(track, options) {
    const as = options?.as;
    if (!isSource(as)) mistaken('publish()', NAMES, as);
    const kind = isOld(as) ? KINDS[as] : this.get(as)?.kind ?? /** @type {Kind} */ (track?.kind);
    mustFit(track, as, kind, 'publish()');
    mustBeSending(options, kind);
    if (!this.get(as) && this.#all.size >= SOURCES_MAX) throw new RangeError(`publish() takes ${SOURCES_MAX} sources at most`);
    return kind;
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
    const group = groupOf(as);
    if (!Object.hasOwn(this.#streams, group)) this.#streams[group] = new MediaStream();
    return this.#streams[group];
  }
}
