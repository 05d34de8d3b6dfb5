/*
 * One row of the diagram as SVG: an arrow between two lanes, or a dot on one, with its words above
 * and the time since the row before.
 */

import { ends } from './lanes.js';
import { detailOf } from './message.js';
import { stateIn, toneOf } from './states.js';

/** @typedef {import('../client.js').Trace} Trace */
/** @typedef {import('./lanes.js').Lane} Lane */
/** @typedef {import('./model.js').Model} Model */

const SVG = 'http://www.w3.org/2000/svg';
export const ROW = 38; // px, as are the others
export const TIME = 56;
export const LANE_MIN = 56;
const LETTER = 6.65; // of the labels' font
const LABEL_Y = 15;
const ARROW_Y = 26;
const HEAD = 6;

/** @type {Record<string, string>} colour by type */
const LOOKS = {
  offer: 'sdp', answer: 'sdp', candidate: 'candidate', error: 'bad', closing: 'bad',
  restart: 'repair', rebuild: 'repair', need: 'repair', recovery: 'repair',
  ack: 'quiet', ping: 'quiet', pong: 'quiet', chat: 'chat',
};

/**
 * @param {string} name
 * @param {Record<string, string | number>} [attributes]
 * @param {(Node | string)[]} children
 */
export function svg(name, attributes = {}, ...children) {
  const element = document.createElementNS(SVG, name);
  for (const [attribute, value] of Object.entries(attributes)) {
    element.setAttribute(attribute, String(value));
  }
  element.append(...children);
  return /** @type {SVGElement} */ (element);
}

/** @param {number} ms */
export function since(ms) {
  if (ms < 1000) {
    return `+${Math.max(0, Math.round(ms))} ms`;
  }
  return ms < 100_000 ? `+${(ms / 1000).toFixed(1)} s` : `+${Math.round(ms / 60_000)} min`;
}

/** The letters that fit; those of East Asia take two places. @param {string} text @param {number} px */
function fit(text, px) {
  let used = 0;
  let cut = '';
  for (const letter of text) {
    used += letter > '\u2e7f' ? 2 * LETTER : LETTER;
    if (used > px) {
      return { text: `${cut.slice(0, -1)}…`, width: px };
    }
    cut += letter;
  }
  return { text: cut, width: used };
}

/** @param {Trace} trace */
function lookOf(trace) {
  const state = stateIn(trace);
  return state ? `state ${toneOf(state)}` : LOOKS[trace.type] ?? 'other';
}

/**
 * @typedef {object} RowOptions
 * @property {Model} model
 * @property {number} at which of the events shown
 * @property {number} y
 * @property {number} lane width of a lane
 * @property {number} width of the diagram
 * @property {string} id
 * @property {boolean} isSelected
 * @property {(lane: Lane) => string} nameOf
 */

/** @param {number} from @param {number} to @param {number | null} via x of a lane on the way */
function arrow(from, to, via) {
  const tip = to > from ? to - 1 : to + 1;
  const back = to > from ? tip - HEAD : tip + HEAD;
  const head = `${tip},${ARROW_Y} ${back},${ARROW_Y - 4} ${back},${ARROW_Y + 4}`;
  const parts = [
    svg('line', { class: 'shaft', x1: from, x2: back, y1: ARROW_Y, y2: ARROW_Y }),
    svg('polygon', { class: 'head', points: head }),
  ];
  if (via !== null) {
    parts.push(svg('circle', { class: 'via', cx: via, cy: ARROW_Y, r: 3 }));
  }
  return parts;
}

/** @param {Trace} trace @param {RowOptions} options */
function label(trace, { model, width }, /** @type {number} */ middle) {
  const name = trace.dir === 'state' && trace.from && !model.observed
    ? `${model.nameOf(trace.from)} ${trace.type}` : trace.type;
  const whole = fit(`${name} ${detailOf(trace)}`.trimEnd(), width - TIME - 8);
  const half = whole.width / 2;
  const x = Math.min(width - half - 4, Math.max(TIME + half + 4, middle));
  const type = svg('tspan', { class: 'type' }, whole.text.slice(0, name.length));
  return svg('text', { class: 'label', x, y: LABEL_Y }, type, whole.text.slice(name.length));
}

/**
 * The row, an option of the list box, and beside it the time since the row before.
 * @param {Trace} trace
 * @param {RowOptions} options
 * @returns {SVGElement[]}
 */
export function drawRow(trace, options) {
  const { model, at, y, lane, width, id, isSelected, nameOf } = options;
  const { from, to } = ends(trace, model.observed);
  const xOf = (/** @type {Lane} */ name) => TIME + (model.lanes.indexOf(name) + 0.5) * lane;
  const [start, end] = [xOf(from), xOf(to)];
  const isRelayed = !model.observed && from !== to && from !== 'server' && to !== 'server';
  const before = model.shown[at - 1];
  const delta = before ? since(trace.t - before.t) : '';
  const way = from === to ? nameOf(from) : `${nameOf(from)} → ${nameOf(to)}`;
  const words = label(trace, options, (start + end) / 2);
  const row = svg('g', {
    'class': `row ${lookOf(trace)}`,
    'transform': `translate(0 ${y})`,
    id,
    'role': 'option',
    // Begins with what is to be seen, so that it can be asked for by voice.
    'aria-label': `${words.textContent}, ${way}, ${detailOf(trace)} ${delta}`,
    'aria-selected': String(isSelected),
    'aria-posinset': at + 1,
    'aria-setsize': model.shown.length,
    'data-type': trace.type,
    'data-dir': trace.dir,
    'data-way': way,
  }, svg('rect', { class: 'back', width, height: ROW }));
  row.append(...from === to
    ? [svg('circle', { class: 'dot', cx: start, cy: ARROW_Y, r: 4.5 })]
    : arrow(start, end, isRelayed ? xOf('server') : null));
  row.append(words);
  const time = { 'class': 'delta', 'x': TIME - 6, 'y': y + ARROW_Y + 4, 'aria-hidden': 'true' };
  return [row, svg('text', time, delta)];
}
