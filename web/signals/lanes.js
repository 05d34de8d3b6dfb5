/*
 * Between which lanes of the diagram an event stands. A lane is `me`, `server`, or a peer as
 * `=ID`: an id may be any word, these two as well. No DOM.
 */

/** @typedef {import('../client.js').Trace} Trace */
/** @typedef {'me' | 'server' | `=${string}`} Lane */

/** @param {string | undefined} id @param {'me' | 'server'} other @returns {Lane} */
function laneOf(id, other) {
  return id === undefined ? other : `=${id}`;
}

/**
 * Both the same: the event is no message, but happened there.
 * @param {Trace} trace
 * @param {boolean} [observed] seen from outside, as by the page that holds both peers: there is
 *   no `me`, and a state is of the peer that it names
 * @returns {{ from: Lane, to: Lane }}
 */
export function ends({ dir, from, to }, observed = false) {
  if (dir === 'state') {
    const lane = observed ? laneOf(from, 'me') : 'me';
    return { from: lane, to: lane };
  }
  if (dir === 'out') {
    return { from: observed ? laneOf(from, 'me') : 'me', to: laneOf(to, 'server') };
  }
  return { from: laneOf(from, 'server'), to: observed ? laneOf(to, 'me') : 'me' };
}
