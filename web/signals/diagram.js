/*
 * The sequence diagram: a lane for each end, a row for each event. Only the rows in sight are in
 * the document, so its length costs nothing.
 */

import { make } from '../lib/dom.js';
import { drawRow, LANE_MIN, ROW, svg, TIME } from './row.js';

/** @typedef {import('../client.js').Trace} Trace */
/** @typedef {import('./model.js').Model} Model */
/** @typedef {import('../lib/i18n.js').Params} Params */

const MARGIN = 4; // rows above and below the window
const KEYS = ['ArrowUp', 'ArrowDown', 'PageUp', 'PageDown', 'Home', 'End'];
let diagrams = 0;

/**
 * @typedef {object} DiagramOptions
 * @property {(key: string, params?: Params) => string} t
 * @property {(trace: Trace | null) => void} select the reader chose an event
 */

export class Diagram {
  element = make('div', 'signals-scroll');
  #head = make('div', 'signals-lanes');
  #space = make('div', 'signals-space');
  #svg = svg('svg', { role: 'presentation' });
  #options;
  #id = `signals-${++diagrams}`;
  /** @type {Model} */
  #model;
  /** @type {Trace | null} */
  #selected = null;
  #frame = 0;
  #follow = true;
  /** The chosen row is to be brought into sight, once its details have taken their place. */
  #isToReveal = false;
  #resized = new ResizeObserver(() => {
    this.#isToReveal = Boolean(this.#selected);
    this.draw();
  });

  /** @param {Model} model @param {DiagramOptions} options */
  constructor(model, options) {
    this.#model = model;
    this.#options = options;
    this.element.tabIndex = 0;
    this.element.setAttribute('role', 'listbox');
    this.#head.setAttribute('aria-hidden', 'true');
    this.#space.setAttribute('role', 'presentation');
    this.#space.append(this.#svg);
    this.element.append(this.#head, this.#space);
    this.element.addEventListener('scroll', () => {
      this.#follow = this.#isAtEnd;
      this.draw();
    }, { passive: true });
    this.element.addEventListener('click', (event) => this.#onClick(event));
    this.element.addEventListener('keydown', (event) => this.#onKey(event));
    this.#resized.observe(this.element);
  }

  /** @param {Model} model to show instead */
  set model(model) {
    this.#model = model;
    this.#follow = true;
    this.select(null);
  }

  /** @param {Trace | null} trace */
  select(trace) {
    this.#selected = trace;
    this.#isToReveal = Boolean(trace);
    this.#options.select(trace);
    this.draw();
  }

  /** At the next frame, and only if somebody can see it. */
  draw() {
    this.#frame ||= requestAnimationFrame(() => {
      this.#frame = 0;
      if (this.element.clientHeight) {
        this.#drawNow();
      }
    });
  }

  close() {
    cancelAnimationFrame(this.#frame);
    this.#resized.disconnect();
  }

  get #isAtEnd() {
    const { scrollTop, clientHeight, scrollHeight } = this.element;
    return scrollTop + clientHeight >= scrollHeight - ROW;
  }

  #drawNow() {
    const { lanes, shown } = this.#model;
    const available = this.element.clientWidth - TIME;
    const lane = Math.max(LANE_MIN, available / lanes.length);
    const width = TIME + lane * lanes.length;
    this.#space.style.height = `${shown.length * ROW}px`;
    this.#space.style.width = `${width}px`;
    if (this.#isToReveal && this.#selected) {
      this.#reveal(shown.indexOf(this.#selected));
      this.#isToReveal = false;
    } else if (this.#follow && !this.#selected) {
      this.element.scrollTop = this.element.scrollHeight;
    }
    const height = this.element.clientHeight;
    const top = Math.max(0, this.element.scrollTop - this.#head.offsetHeight);
    const first = Math.max(0, Math.floor(top / ROW) - MARGIN);
    const last = Math.min(shown.length, Math.ceil((top + height) / ROW) + MARGIN);
    this.#drawHead(lane, width);
    this.#svg.style.top = `${first * ROW}px`;
    this.#svg.setAttribute('width', String(width));
    this.#svg.setAttribute('height', String((last - first) * ROW));
    const lines = lanes.map((_, at) => {
      const x = TIME + (at + 0.5) * lane;
      return svg('line', { class: 'lane', x1: x, x2: x, y1: 0, y2: (last - first) * ROW });
    });
    const rows = shown.slice(first, last).flatMap((trace, at) => drawRow(trace, {
      model: this.#model,
      at: first + at,
      y: at * ROW,
      lane,
      width,
      id: `${this.#id}-${first + at}`,
      isSelected: trace === this.#selected,
      nameOf: (name) => this.#nameOf(name),
    }));
    this.#svg.replaceChildren(...lines, ...rows);
    this.#showActive();
  }

  /** @param {number} lane @param {number} width */
  #drawHead(lane, width) {
    this.#head.style.width = `${width}px`;
    this.#head.replaceChildren(...this.#model.lanes.map((name, at) => {
      const label = make('span', '', this.#nameOf(name));
      label.style.left = `${TIME + at * lane}px`;
      label.style.width = `${lane}px`;
      return label;
    }));
  }

  /** @param {import('./lanes.js').Lane} lane */
  #nameOf(lane) {
    if (lane === 'me' || lane === 'server') {
      return this.#options.t(`signals.${lane}`);
    }
    return this.#model.nameOf(lane.slice(1));
  }

  #showActive() {
    const at = this.#selected ? this.#model.shown.indexOf(this.#selected) : -1;
    const id = `${this.#id}-${at}`;
    if (at >= 0 && document.getElementById(id)) {
      this.element.setAttribute('aria-activedescendant', id);
    } else {
      this.element.removeAttribute('aria-activedescendant');
    }
  }

  /** @param {MouseEvent} event */
  #onClick({ clientY }) {
    const at = Math.floor((clientY - this.#space.getBoundingClientRect().top) / ROW);
    const trace = this.#model.shown[at];
    if (at >= 0 && trace) {
      this.select(trace === this.#selected ? null : trace);
    }
  }

  /** @param {KeyboardEvent} event */
  #onKey(event) {
    const { shown } = this.#model;
    const key = KEYS.indexOf(event.key);
    if (event.key === 'Escape' && this.#selected) {
      event.stopPropagation();
      this.select(null);
    } else if (key >= 0 && shown.length && !event.ctrlKey && !event.metaKey && !event.altKey) {
      event.preventDefault();
      const now = this.#selected ? shown.indexOf(this.#selected) : shown.length;
      const page = Math.floor(this.element.clientHeight / ROW) - 1;
      const to = [now - 1, now + 1, now - page, now + page, 0, shown.length - 1][key];
      const at = Math.min(shown.length - 1, Math.max(0, to));
      this.select(shown[at]);
    }
  }

  /** @param {number} at */
  #reveal(at) {
    const head = this.#head.offsetHeight;
    const { scrollTop, clientHeight } = this.element;
    if (at * ROW < scrollTop) {
      this.element.scrollTop = at * ROW;
    } else if ((at + 1) * ROW + head > scrollTop + clientHeight) {
      this.element.scrollTop = (at + 1) * ROW + head - clientHeight;
    }
  }
}
