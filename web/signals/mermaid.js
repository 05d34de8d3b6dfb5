/*
 * A trace as a mermaid sequence diagram, for documents and issues. No DOM.
 */

import { detailOf, namesIn, tidy } from './message.js';
import { ends } from './lanes.js';

/** @typedef {import('../client.js').Trace} Trace */

const PLAIN = /[\p{L}\p{N} .,_()/·→+-]/u;
const DETAIL = 60; // characters
const NAME = 60;

/**
 * Whatever could mean something to mermaid becomes an entity code, the word `end` included.
 * @param {string} text
 */
function escape(text) {
  const codes = Array.from(text.replace(/\s+/g, ' '), (character) => (
    PLAIN.test(character) ? character : `#${character.codePointAt(0)};`
  ));
  return codes.join('').replace(/\bend\b/gi, (word) => `#${word.charCodeAt(0)};${word.slice(1)}`);
}

/** @param {Trace} trace @param {number} since ms */
function label(trace, since) {
  const detail = Array.from(detailOf(trace)).slice(0, DETAIL).join('');
  return escape([trace.type, detail, `+${Math.max(0, Math.round(since))} ms`].filter(Boolean).join(' · '));
}

/**
 * @param {Trace[]} events
 * @param {{ me: string, server: string }} names of the two first lanes
 * @param {boolean} [observed] see lanes.js
 */
export function toMermaid(events, names, observed = false) {
  const traces = events.map(tidy);
  const named = new Map(traces.flatMap(namesIn));
  /** @type {Map<string, string>} lane to participant */
  const participants = new Map();
  /** @param {string} lane */
  const participant = (lane) => {
    const known = participants.get(lane);
    const id = known ?? `p${participants.size}`;
    participants.set(lane, id);
    return id;
  };
  const lines = traces.map((trace, at) => {
    const { from, to } = ends(trace, observed);
    const text = label(trace, at ? trace.t - traces[at - 1].t : 0);
    return from === to
      ? `  Note over ${participant(from)}: ${text}`
      : `  ${participant(from)}->>${participant(to)}: ${text}`;
  });
  const heads = Array.from(participants, ([lane, id]) => {
    const name = lane === 'me' || lane === 'server' ? names[lane] : named.get(lane.slice(1));
    return `  participant ${id} as ${escape((name || lane.slice(1)).slice(0, NAME))}`;
  });
  return `${['sequenceDiagram', ...heads, ...lines].join('\n')}\n`;
}
