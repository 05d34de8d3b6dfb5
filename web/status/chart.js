/*
 * Small charts: lines over the last minutes, as SVG. What they show stands beside them as text.
 */

import { make } from '../lib/dom.js';
import { say, sayIn, t } from '../lib/i18n.js';
import { count } from './numbers.js';

/** @typedef {import('./history.js').Point} Point */
/** @typedef {{ now: number, window: number }} Span what is in sight, in ms: the last `window` of them */

const SVG = 'http://www.w3.org/2000/svg';
const [WIDTH, HEIGHT] = [300, 60];

/** @param {string} name @param {Record<string, string | number>} attributes */
function draw(name, attributes) {
  const element = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, String(value));
  return element;
}

/** The largest value in sight. @param {Point[]} points @param {Span} span */
function mostOf(points, { now, window }) {
  return points.reduce((most, { at, value }) => (at < now - window ? most : Math.max(most, value ?? 0)), 0);
}

/** @param {number} value @param {number} top */
const yOf = (value, top) => (HEIGHT - 1 - ((HEIGHT - 2) * value) / (top || 1)).toFixed(1);

/** @param {Point[]} points @param {Span} span @param {number} top */
function pathOf(points, { now, window }, top) {
  let path = '';
  let isOpen = false;
  for (const { at, value } of points) {
    if (value !== null) {
      const x = (WIDTH * (at - now + window)) / window;
      // A value alone is a dot.
      path += `${isOpen ? 'L' : 'M'}${x.toFixed(1)} ${yOf(value, top)}${isOpen ? '' : 'h0'}`;
    }
    isOpen = value !== null;
  }
  return path;
}

/** Lines alone, for the cell of a table. */
export class Lines {
  element = draw('svg', { class: 'lines', viewBox: `0 0 ${WIDTH} ${HEIGHT}`, preserveAspectRatio: 'none', 'aria-hidden': 'true' });

  /**
   * @param {Span} span
   * @param {Point[][]} lines
   * @param {number} [limit] drawn as well when more than half of it is reached
   * @returns the most that they show
   */
  show(span, lines, limit = Infinity) {
    const most = Math.max(...lines.map((points) => mostOf(points, span)));
    const isNear = most > limit / 2;
    const top = isNear ? Math.max(most, limit) : most;
    const paths = lines.map((points, i) => draw('path', { class: `line line-${i}`, d: pathOf(points, span, top) }));
    if (isNear) {
      paths.unshift(draw('path', { class: 'line limit', d: `M0 ${yOf(limit, top)}H${WIDTH}` }));
    }
    this.element.replaceChildren(...paths);
    return most;
  }
}

/** A chart with its name, its values now and its most; of two lines one comes in and one goes out. */
export class Chart {
  element = make('figure', 'card chart');
  #lines = new Lines();
  #values;
  #most = make('p', 'small');
  #name;
  #format;

  /** @param {string} name @param {(n: number) => string} format @param {number} [lines] one or two */
  constructor(name, format, lines = 1) {
    const title = make('figcaption');
    const values = make('p', 'values');
    this.#name = name;
    this.#format = format;
    this.#values = Array.from({ length: lines }, (_, i) => make('span', lines > 1 ? `value line-${i}` : 'value'));
    this.element.id = `chart-${name}`;
    values.append(...this.#values);
    say(title, `status.chart.${name}`);
    this.#lines.element.removeAttribute('aria-hidden');
    this.#lines.element.setAttribute('role', 'img');
    this.element.append(title, values, this.#lines.element, this.#most);
  }

  /** @param {Span} span @param {Point[][]} lines @param {number} [limit] */
  show(span, lines, limit) {
    const most = this.#format(this.#lines.show(span, lines, limit));
    lines.forEach((points, i) => {
      const value = points.at(-1)?.value ?? null;
      const n = value === null ? '–' : this.#format(value);
      say(this.#values[i], lines.length === 1 ? 'status.number' : ['status.in', 'status.out'][i], { n });
    });
    if (limit === undefined) {
      say(this.#most, 'status.most', { most });
    } else {
      const percent = count(((lines[0].at(-1)?.value ?? 0) * 100) / limit, 1);
      say(this.#most, 'status.mostOf', { most, limit: this.#format(limit), percent });
    }
    sayIn(this.#lines.element, 'aria-label', 'status.drawn', {
      title: t(`status.chart.${this.#name}`),
      now: this.#values.map(({ textContent }) => textContent ?? '').join(', '),
      most: this.#most.textContent ?? '',
    });
  }
}
