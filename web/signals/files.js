/*
 * Saving the trace as JSON or as a mermaid diagram, without secrets unless the reader wants them,
 * and opening one that was saved.
 */

import { make } from '../lib/dom.js';
import { say, t } from '../lib/i18n.js';
import { FILE_MAX, readTrace, writeTrace } from './file.js';
import { toMermaid } from './mermaid.js';
import { redact } from './redact.js';

/** @typedef {import('../client.js').Trace} Trace */
/**
 * @typedef {object} FilesOptions
 * @property {() => import('./model.js').Model} model what is to be saved
 * @property {(events: Trace[], observed: boolean, name: string) => void} open a file was read
 * @property {(key: string, params?: import('../lib/i18n.js').Params) => void} tell a sentence
 */

/** @param {string} name @param {string} text @param {string} type */
function download(name, text, type) {
  const url = URL.createObjectURL(new Blob([text], { type }));
  const link = make('a');
  link.href = url;
  link.download = name;
  link.click();
  // Firefox reads it only after the click has been handled.
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}

/** @param {string} ending */
function fileName(ending) {
  const time = new Date().toISOString().slice(0, 19).replace(/[:T]/g, '-');
  return `nakodo-signals-${time}.${ending}`;
}

/** @param {string} key @param {() => void} act */
function button(key, act) {
  const element = make('button', 'quiet');
  say(element, key);
  element.addEventListener('click', act);
  return element;
}

export class Files {
  element = make('div', 'signals-files');
  #redact = make('input');
  #file = make('input');
  #options;

  /** @param {FilesOptions} options */
  constructor(options) {
    this.#options = options;
    const label = make('label', 'signals-check');
    const text = make('span');
    this.#redact.type = 'checkbox';
    this.#redact.checked = true;
    say(text, 'signals.redact');
    label.append(this.#redact, text);
    this.#file.type = 'file';
    this.#file.accept = '.json,application/json';
    this.#file.hidden = true;
    this.#file.addEventListener('change', () => this.#read());
    const json = button('signals.json', () => {
      download(fileName('json'), writeTrace(this.#traces(), options.model().observed), 'application/json');
    });
    const mermaid = button('signals.mermaid', () => {
      const names = { me: t('signals.me'), server: t('signals.server') };
      download(fileName('mmd'), toMermaid(this.#traces(), names, options.model().observed), 'text/plain');
    });
    const open = button('signals.open', () => this.#file.click());
    this.element.append(json, mermaid, open, this.#file, label);
  }

  #traces() {
    const { events } = this.#options.model();
    return this.#redact.checked ? redact(events) : events;
  }

  async #read() {
    const [file] = this.#file.files ?? [];
    if (!file) {
      return;
    }
    const isTooLarge = file.size > FILE_MAX;
    const read = readTrace(isTooLarge ? '' : await file.text().catch(() => ''));
    this.#file.value = ''; // so that the same file may be chosen again
    if (isTooLarge) {
      this.#options.tell('signals.tooLarge', { most: FILE_MAX / 1024 / 1024 });
    } else if (read.events) {
      this.#options.open(read.events, read.observed, file.name);
    } else {
      this.#options.tell(read.problem.key, read.problem.params);
    }
  }
}
