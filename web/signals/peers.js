/*
 * The peers above the diagram: four state chips each; opened, the timeline of the states, the
 * buttons that repair on purpose and the candidates.
 */

import { make } from '../lib/dom.js';
import { say, t } from '../lib/i18n.js';
import { candidateRows, drawCandidates, pairStates } from './candidates.js';
import { KINDS, toneOf } from './states.js';
import { drawTimeline } from './timeline.js';

/** @typedef {import('./model.js').Model} Model */
/**
 * What the view needs of a peer of a room; those of the lab have no buttons.
 * @typedef {{ pc: RTCPeerConnection | null, restart?: () => void, rebuild?: () => void }} LivePeer
 */
/** @typedef {(id: string) => LivePeer | undefined} FindPeer */

const STATS_MS = 2000;

class PeerRow {
  element = make('details', 'signals-peer');
  #name = make('strong');
  #chips = KINDS.map((kind) => {
    const chip = make('span', 'signals-chip');
    const name = make('span', 'kind');
    say(name, `signals.kind.${kind}`);
    chip.append(name, make('span', 'state', '–'));
    return chip;
  });
  #timeline = make('div', 'signals-states');
  #kinds = make('div', 'signals-kinds');
  #table = make('div');
  #buttons = make('div', 'signals-buttons');
  #id;
  #find;

  /** @param {string} id @param {FindPeer} find */
  constructor(id, find) {
    this.#id = id;
    this.#find = find;
    const summary = make('summary');
    const chips = make('span', 'signals-chips');
    chips.append(...this.#chips);
    summary.append(this.#name, chips);
    for (const action of /** @type {const} */ (['restart', 'rebuild'])) {
      const button = make('button', 'quiet');
      say(button, `signals.${action}`);
      button.addEventListener('click', () => find(id)?.[action]?.());
      this.#buttons.append(button);
    }
    this.#kinds.append(...KINDS.map((kind) => {
      const label = make('span');
      say(label, `signals.kind.${kind}`);
      return label;
    }));
    this.element.append(summary, this.#timeline, this.#buttons, this.#table);
  }

  /** @param {Model} model */
  draw(model) {
    const states = model.states.of(this.#id);
    const name = model.nameOf(this.#id);
    if (this.#name.textContent !== name) {
      this.#name.textContent = name;
    }
    KINDS.forEach((kind, at) => {
      const state = states?.[kind].at(-1)?.state ?? '–';
      const value = this.#chips[at].lastElementChild;
      if (value && value.textContent !== state) {
        value.textContent = state;
        this.#chips[at].dataset.tone = state === '–' ? 'idle' : toneOf(state);
        this.#chips[at].dataset.kind = kind;
      }
    });
    this.#buttons.hidden = !this.#find(this.#id)?.restart;
  }

  /** What is only in sight when it is open. @param {Model} model */
  async drawOpen(model) {
    if (!this.element.open) {
      return;
    }
    const { begin, end } = model.states;
    const states = model.states.of(this.#id);
    const label = t('signals.timeline', { peer: model.nameOf(this.#id) });
    this.#timeline.replaceChildren(...states ? [this.#kinds, drawTimeline(states, begin, end, label)] : []);
    const pairs = await pairStates(this.#find(this.#id)?.pc);
    this.#table.replaceChildren(drawCandidates(candidateRows(model, this.#id), pairs));
  }
}

export class Peers {
  element = make('div', 'signals-peers');
  #model;
  #find;
  /** @type {Map<string, PeerRow>} */
  #rows = new Map();
  #timer = setInterval(() => this.#drawOpen(), STATS_MS);

  /** @param {Model} model @param {FindPeer} find */
  constructor(model, find) {
    this.#model = model;
    this.#find = find;
  }

  /** @param {Model} model @param {FindPeer} find */
  show(model, find) {
    this.#model = model;
    this.#find = find;
    this.#rows.clear();
    this.element.replaceChildren();
    this.draw();
  }

  draw() {
    for (const id of this.#model.peers) {
      let row = this.#rows.get(id);
      if (!row) {
        row = new PeerRow(id, this.#find);
        row.element.addEventListener('toggle', () => this.#drawOpen());
        this.#rows.set(id, row);
        this.element.append(row.element);
      }
      row.draw(this.#model);
    }
  }

  close() {
    clearInterval(this.#timer);
  }

  #drawOpen() {
    if (this.element.clientHeight) {
      this.#rows.forEach((row) => row.drawOpen(this.#model));
    }
  }
}
