/*
 * What a message of a trace says, for the eyes of a debugger: it looks for a description, a
 * candidate and names wherever in the JSON they stand, since the same view shows nakodo.v1, the
 * lab's messages and those of others. No DOM.
 */

import { plainName, plainText } from '../lib/foreign.js';
import { glance, placeOf, readCandidate } from './sdp.js';

/** @typedef {import('../client.js').Trace} Trace */

const DEPTH = 4;
const TEXTS = /** @type {const} */ (['type', 'room', 'summary']);
const OPTIONAL = /** @type {const} */ (['from', 'to', 'raw']);

/** @param {unknown} value */
function wordsOf(value) {
  return value === undefined || (value && typeof value === 'object') ? '' : String(value);
}

/**
 * The same with texts where texts belong, whatever a server has said.
 * @param {Trace} trace
 * @returns {Trace}
 */
export function tidy(trace) {
  const isTidy = TEXTS.every((name) => typeof trace[name] === 'string')
    && OPTIONAL.every((name) => typeof (trace[name] ?? '') === 'string');
  if (isTidy) {
    return trace;
  }
  const texts = TEXTS.map((name) => [name, wordsOf(trace[name])]);
  const others = OPTIONAL.map((name) => [name, typeof trace[name] === 'string' ? trace[name] : undefined]);
  return { ...trace, ...Object.fromEntries([...texts, ...others]) };
}

/** @param {Trace} trace @returns {any} undefined: there is none, or it is no JSON */
export function parse(trace) {
  try {
    return JSON.parse(trace.raw ?? '');
  } catch {
    return undefined;
  }
}

/**
 * The first string in it that passes the test, the outer ones first.
 * @param {unknown} value
 * @param {(text: string) => boolean} test
 * @param {number} [depth]
 * @returns {string | undefined}
 */
function findText(value, test, depth = DEPTH) {
  if (typeof value === 'string') {
    return test(value) ? value : undefined;
  }
  if (!value || typeof value !== 'object' || depth === 0) {
    return undefined;
  }
  for (const inner of Object.values(value)) {
    const found = findText(inner, test, depth - 1);
    if (found !== undefined) {
      return found;
    }
  }
  return undefined;
}

/** The session description that the message carries, '' if none. @param {Trace} trace */
export function descriptionOf(trace) {
  if (!tidy(trace).raw?.includes('v=0')) {
    return '';
  }
  return findText(parse(trace), (text) => text.startsWith('v=0')) ?? '';
}

/** The candidate that the message carries, '' if none. @param {Trace} trace */
export function candidateOf(trace) {
  if (!tidy(trace).raw?.includes('candidate:')) {
    return '';
  }
  return findText(parse(trace), (text) => text.startsWith('candidate:')) ?? '';
}

/**
 * The other side of a message or a state, '' for the server.
 * @param {Trace} trace
 */
export function peerOf({ dir, from, to }) {
  return (dir === 'out' ? to ?? from : from ?? to) ?? '';
}

/**
 * Ids and names that a message of the server tells.
 * @param {Trace} trace
 * @returns {[id: string, name: string][]}
 */
export function namesIn(trace) {
  if (!/^(welcome|peer-joined|peer-updated)$/.test(trace.type)) {
    return [];
  }
  const message = parse(trace);
  const peers = [message?.peer, ...(Array.isArray(message?.peers) ? message.peers : [])];
  return peers.flatMap((peer) => {
    const isNamed = typeof peer?.id === 'string' && typeof peer.name === 'string';
    return isNamed ? [[peer.id, plainName(peer.name)]] : [];
  });
}

/** Who has left by what the server says, '' if nobody has. @param {Trace} trace */
export function leaverOf(trace) {
  const id = trace.type === 'peer-left' && !trace.from ? parse(trace)?.id : '';
  return typeof id === 'string' ? id : '';
}

/** A few words after the type, for the arrow. @param {Trace} trace */
export function detailOf(trace) {
  return plainText(wordsIn(tidy(trace)));
}

/** @param {Trace} trace */
function wordsIn(trace) {
  const sdp = descriptionOf(trace);
  if (sdp) {
    return glance(sdp);
  }
  if (trace.dir === 'state') {
    return trace.summary;
  }
  const candidate = readCandidate(candidateOf(trace));
  if (!candidate && trace.type === 'candidate') {
    return 'end-of-candidates';
  }
  if (candidate) {
    return `${candidate.type} ${candidate.protocol} ${placeOf(candidate)}`;
  }
  const names = namesIn(trace).map(([, name]) => name).filter(Boolean).join(', ');
  if (names || trace.type === 'need') {
    return names || wordsOf(parse(trace)?.what);
  }
  const text = trace.summary.startsWith(trace.type)
    ? trace.summary.slice(trace.type.length) : trace.summary;
  return text.replace(/^[\s:·]+/, '');
}
