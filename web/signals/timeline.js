/*
 * The four states of one peer over time, one above the other, as coloured bars.
 */

import { svg } from './row.js';
import { KINDS, toneOf } from './states.js';

/** @typedef {import('./states.js').Change} Change */
/** @typedef {import('./states.js').Kind} Kind */

const WIDTH = 1000; // of the drawing, which is stretched to its place
const BAR = 7;
const GAP = 3;

/** @param {number} t ms @param {number} begin ms */
const seconds = (t, begin) => `${((t - begin) / 1000).toFixed(1)} s`;

/**
 * @param {Record<Kind, Change[]>} states
 * @param {number} begin ms since the epoch
 * @param {number} end ms since the epoch
 * @param {string} name for those who cannot see it
 */
export function drawTimeline(states, begin, end, name) {
  const height = KINDS.length * (BAR + GAP) - GAP;
  const scale = WIDTH / Math.max(1, end - begin);
  const bars = KINDS.flatMap((kind, row) => states[kind].map(({ t, state }, at) => {
    const x = (t - begin) * scale;
    const until = states[kind][at + 1]?.t ?? end;
    const width = Math.max(2, (until - t) * scale);
    const title = svg('title', {}, `${kind}: ${state}, ${seconds(t, begin)}`);
    const place = { x, y: row * (BAR + GAP), width, height: BAR };
    return svg('rect', { ...place, class: `bar ${toneOf(state)}` }, title);
  }));
  return svg('svg', {
    'class': 'signals-timeline',
    'viewBox': `0 0 ${WIDTH} ${height}`,
    'preserveAspectRatio': 'none',
    'role': 'img',
    'aria-label': name,
  }, ...bars);
}
