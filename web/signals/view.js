/*
 * The signals of a room as they happen: peers with their states, the sequence diagram, an event
 * opened, and files. Fed with the `trace` events of the client; shows a saved trace as well.
 */

import { make } from '../lib/dom.js';
import { addTexts, say } from '../lib/i18n.js';
import { Detail } from './detail.js';
import { Diagram } from './diagram.js';
import { Files } from './files.js';
import { Filters } from './filters.js';
import { ends } from './lanes.js';
import { Model } from './model.js';
import { Peers } from './peers.js';
import * as texts from './texts.js';

/** @typedef {import('../client.js').Trace} Trace */
/** @typedef {import('./peers.js').LivePeer} LivePeer */
/**
 * @typedef {object} LiveRoom as the client's Room; the lab has one without buttons
 * @property {ReadonlyMap<string, LivePeer>} peers
 * @property {() => void} [dropSignaling]
 */
/**
 * @typedef {object} SignalsOptions
 * @property {LiveRoom | null} [room] whose connections may be asked and repaired
 * @property {(key: string, params?: import('../lib/i18n.js').Params) => string} t
 * @property {boolean} [observed] the events are seen from outside: see lanes.js
 */

addTexts(texts);

export class SignalsView {
  #root = make('div', 'signals');
  #saved = make('div', 'signals-saved');
  #main = make('div', 'signals-main');
  #status = make('p', 'signals-status small');
  #empty = make('p', 'signals-empty small');
  #drop = make('button', 'quiet');
  #options;
  #live;
  /** @type {Model} */
  #model;
  #frame = 0;
  #peers;
  #filters;
  #diagram;
  #detail;
  #files;
  // The diagram's words are no elements that know their key.
  #language = new MutationObserver(() => this.#diagram.draw());

  /** @param {HTMLElement} element @param {SignalsOptions} options */
  constructor(element, options) {
    this.#options = options;
    this.#live = this.#model = new Model({ observed: options.observed });
    this.#peers = new Peers(this.#model, (id) => this.#findPeer(id));
    this.#filters = new Filters(this.#model, () => this.#draw());
    this.#detail = new Detail(() => this.#diagram.select(null));
    this.#diagram = new Diagram(this.#model, {
      t: options.t,
      select: (trace) => this.#showDetail(trace),
    });
    this.#files = new Files({
      model: () => this.#model,
      open: (events, observed, name) => this.#open(events, observed, name),
      tell: (key, params) => say(this.#status, key, params),
    });
    this.#build();
    this.#language.observe(document.documentElement, { attributeFilter: ['lang'] });
    element.append(this.#root);
    this.#draw();
  }

  /** @param {Trace} trace */
  add(trace) {
    this.#live.add(trace);
    if (this.#model === this.#live) {
      this.#frame ||= requestAnimationFrame(() => this.#draw());
    }
  }

  /** Forget the events so far. */
  clear() {
    this.#live = new Model({ observed: this.#options.observed });
    this.#show(this.#live);
  }

  close() {
    cancelAnimationFrame(this.#frame);
    this.#language.disconnect();
    this.#peers.close();
    this.#diagram.close();
    this.#root.remove();
  }

  #build() {
    const bar = make('div', 'signals-bar');
    const back = make('button', 'quiet');
    say(this.#drop, 'signals.drop');
    this.#drop.addEventListener('click', () => this.#options.room?.dropSignaling?.());
    this.#drop.hidden = !this.#options.room?.dropSignaling;
    say(back, 'signals.back');
    back.addEventListener('click', () => this.#show(this.#live));
    this.#saved.append(make('span'), back);
    this.#status.setAttribute('role', 'status');
    this.#diagram.element.setAttribute('data-i18n-aria-label', 'signals.diagram');
    this.#diagram.element.setAttribute('aria-label', this.#options.t('signals.diagram'));
    say(this.#empty, 'signals.empty');
    bar.append(this.#filters.element, this.#drop);
    this.#main.append(this.#diagram.element, this.#empty, this.#detail.element);
    this.#root.append(
      this.#saved, bar, this.#peers.element, this.#main, this.#files.element, this.#status,
    );
  }

  #draw() {
    this.#frame = 0;
    const isEmpty = this.#model.shown.length === 0;
    this.#saved.hidden = this.#model === this.#live;
    this.#diagram.element.hidden = isEmpty;
    this.#empty.hidden = !isEmpty;
    this.#filters.draw();
    this.#peers.draw();
    this.#diagram.draw();
  }

  /** @param {Model} model */
  #show(model) {
    this.#model = model;
    this.#status.textContent = '';
    this.#filters.show(model);
    this.#peers.show(model, (id) => this.#findPeer(id));
    this.#diagram.model = model;
    this.#draw();
  }

  /** @param {Trace[]} events @param {boolean} observed @param {string} name */
  #open(events, observed, name) {
    const model = new Model({ observed });
    events.forEach((event) => model.add(event));
    this.#show(model);
    const text = this.#saved.firstElementChild;
    if (text) {
      say(text, 'signals.saved', { name, n: events.length });
    }
  }

  /** @param {string} id */
  #findPeer(id) {
    return this.#model === this.#live ? this.#options.room?.peers.get(id) : undefined;
  }

  /** @param {Trace | null} trace */
  #showDetail(trace) {
    this.#root.classList.toggle('has-detail', Boolean(trace));
    if (!trace) {
      this.#detail.hide();
      return;
    }
    const { from, to } = ends(trace, this.#model.observed);
    const name = (/** @type {import('./lanes.js').Lane} */ lane) => (
      lane === 'me' || lane === 'server'
        ? this.#options.t(`signals.${lane}`) : this.#model.nameOf(lane.slice(1))
    );
    const way = from === to ? name(from) : `${name(from)} → ${name(to)}`;
    this.#detail.show(trace, way, this.#model.previousDescription(trace));
    this.#main.scrollIntoView({ block: 'nearest' });
  }
}
