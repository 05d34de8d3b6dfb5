/*
 * Which events are shown: those of one peer or of all, and by type.
 */

import { make } from '../lib/dom.js';
import { say, sayIn, t } from '../lib/i18n.js';

/** @typedef {import('./model.js').Model} Model */

export class Filters {
  element = make('div', 'signals-filters');
  #peer = make('select');
  #all = make('option');
  #types = make('details', 'signals-types');
  #list = make('div', 'signals-list');
  #model;
  #changed;
  /** @type {Map<string, HTMLElement>} where the count of a type stands */
  #counts = new Map();
  /** @type {Map<string, HTMLOptionElement>} */
  #options = new Map();

  /** @param {Model} model @param {() => void} changed */
  constructor(model, changed) {
    this.#model = model;
    this.#changed = changed;
    this.#all.value = '';
    say(this.#all, 'signals.everyone');
    sayIn(this.#peer, 'aria-label', 'signals.filterPeer');
    this.#peer.append(this.#all);
    this.#peer.addEventListener('change', () => {
      this.#model.peer = this.#peer.value;
      this.#refilter();
    });
    const summary = make('summary');
    say(summary, 'signals.types');
    this.#types.append(summary, this.#list);
    // Like any menu it closes by Escape, and when the focus goes elsewhere.
    this.#types.addEventListener('keydown', (event) => {
      if (event.key === 'Escape' && this.#types.open) {
        event.stopPropagation();
        this.#types.open = false;
        summary.focus();
      }
    });
    this.#types.addEventListener('focusout', ({ relatedTarget }) => {
      if (relatedTarget instanceof Node && !this.#types.contains(relatedTarget)) {
        this.#types.open = false;
      }
    });
    this.element.append(this.#peer, this.#types);
  }

  /** @param {Model} model to filter instead */
  show(model) {
    this.#model = model;
    this.#peer.replaceChildren(this.#all);
    this.#list.replaceChildren();
    this.#options.clear();
    this.#counts.clear();
    this.draw();
  }

  draw() {
    for (const id of this.#model.peers) {
      const option = this.#options.get(id) ?? make('option');
      if (!this.#options.has(id)) {
        option.value = id;
        this.#options.set(id, option);
        this.#peer.append(option);
      }
      if (option.textContent !== this.#model.nameOf(id)) {
        option.textContent = this.#model.nameOf(id);
      }
    }
    this.#peer.value = this.#model.peer;
    for (const [type, n] of this.#model.types) {
      const count = this.#counts.get(type) ?? this.#addType(type);
      count.textContent = String(n);
    }
  }

  /** @param {string} type */
  #addType(type) {
    const label = make('label');
    const box = make('input');
    const count = make('span', 'count');
    const state = type.startsWith('state ') ? type.slice(6) : '';
    box.type = 'checkbox';
    box.checked = !this.#model.hidden.has(type);
    box.dataset.filter = type;
    box.addEventListener('change', () => {
      this.#model.hidden[box.checked ? 'delete' : 'add'](type);
      this.#refilter();
    });
    label.append(box, make('span', '', state ? `${t('signals.state')}: ${state}` : type), count);
    this.#list.append(label);
    this.#counts.set(type, count);
    return count;
  }

  #refilter() {
    this.#model.refilter();
    this.#changed();
  }
}
