/*
 * The candidates of one peer, both sides', from the trace; and what the browser says of the pairs
 * they are in, as long as there is a connection to ask.
 */

import { make } from '../lib/dom.js';
import { say } from '../lib/i18n.js';
import { candidateOf, descriptionOf } from './message.js';
import { candidatesOf, placeOf, readCandidate } from './sdp.js';

/** @typedef {import('./model.js').Model} Model */
/** @typedef {import('./sdp.js').Candidate} Candidate */
/** @typedef {Candidate & { side: 'local' | 'remote' }} Row */

const ROWS_MAX = 60;
/** Of all pairs that a candidate is in, the best one counts. */
const RANKS = ['failed', 'frozen', 'waiting', 'in-progress', 'succeeded', 'selected'];

/** What a candidate is known by on both sides of getStats(). @param {Row} row */
const keyOf = ({ side, protocol, port }) => `${side} ${protocol} ${port}`;

/**
 * A description with another user fragment begins a new generation: older ones are gone.
 * @param {Model} model
 * @param {string} peer
 * @returns {Row[]}
 */
export function candidateRows(model, peer) {
  /** @type {{ local: Map<string, Row>, remote: Map<string, Row> }} */
  const sides = { local: new Map(), remote: new Map() };
  const fragments = { local: '', remote: '' };
  for (const trace of model.events) {
    const isLocal = model.observed ? trace.from === peer : trace.dir === 'out';
    const concerns = trace.dir !== 'state' && (trace.from === peer || trace.to === peer);
    if (!concerns || !trace.raw?.includes('candidate')) {
      continue;
    }
    const side = isLocal ? 'local' : 'remote';
    const sdp = descriptionOf(trace);
    const fragment = /^a=ice-ufrag:(\S+)/m.exec(sdp)?.[1] ?? fragments[side];
    if (fragment !== fragments[side]) {
      fragments[side] = fragment;
      sides[side].clear();
    }
    for (const text of sdp ? candidatesOf(sdp) : [candidateOf(trace)]) {
      const candidate = readCandidate(text);
      if (candidate) {
        const { type, protocol, address, port } = candidate;
        sides[side].set(`${type} ${protocol} ${address} ${port}`, { ...candidate, side });
      }
    }
  }
  return [...sides.local.values(), ...sides.remote.values()].slice(0, ROWS_MAX);
}

/**
 * The state of the best pair by candidate.
 * @param {RTCPeerConnection | null | undefined} pc
 * @returns {Promise<Map<string, string>>}
 */
export async function pairStates(pc) {
  /** @type {Map<string, string>} */
  const states = new Map();
  const report = await pc?.getStats().catch(() => undefined);
  /** @type {Map<string, any>} */
  const entries = new Map();
  report?.forEach((entry) => entries.set(entry.id, entry));
  const transports = [...entries.values()].filter(({ type }) => type === 'transport');
  const selected = transports.map((transport) => transport.selectedCandidatePairId);
  for (const pair of entries.values()) {
    if (pair.type !== 'candidate-pair') {
      continue;
    }
    const isSelected = selected.includes(pair.id) || pair.selected;
    const state = isSelected ? 'selected' : pair.state;
    for (const id of [pair.localCandidateId, pair.remoteCandidateId]) {
      const entry = entries.get(id);
      const key = `${entry?.type.split('-')[0]} ${entry?.protocol} ${entry?.port}`;
      if (RANKS.indexOf(state) > RANKS.indexOf(states.get(key) ?? '')) {
        states.set(key, state);
      }
    }
  }
  return states;
}

/** @param {Row[]} rows @param {Map<string, string>} states */
export function drawCandidates(rows, states) {
  const table = make('table', 'signals-candidates');
  const caption = make('caption');
  say(caption, rows.length ? 'signals.candidates' : 'signals.noCandidates');
  table.append(caption);
  if (rows.length) {
    const head = make('tr');
    for (const key of ['side', 'type', 'protocol', 'address', 'pair']) {
      const cell = make('th');
      cell.scope = 'col';
      say(cell, `signals.column.${key}`);
      head.append(cell);
    }
    table.append(head);
  }
  for (const row of rows) {
    const line = make('tr');
    const side = make('td');
    const address = make('td', 'address', placeOf(row));
    say(side, `signals.${row.side}`);
    if (row.hidden) {
      address.title = row.address;
      say(address, 'signals.hiddenAddress', { port: row.port });
    }
    const state = states.get(keyOf(row)) ?? '–';
    const pair = make('td', `pair-${state}`, state);
    line.append(side, make('td', '', row.type), make('td', '', row.protocol), address, pair);
    table.append(line);
  }
  return table;
}
