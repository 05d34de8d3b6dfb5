/*
 * A card in the talk for a file on its way, with what can be done about it now: one that is offered to
 * us, or one that this page offers, to one person or to several.
 */

import { icon, make } from '../lib/dom.js';
import { say, shownLanguage } from '../lib/i18n.js';
import { addToChat } from './chat.js';

/** @typedef {import('./names.js').Name} Name */
/** @typedef {import('./receiving.js').Receiving} Receiving */
/** @typedef {import('./sending.js').Sending} Sending */
/** @typedef {import('./transfer.js').Transfer} Transfer */

const UNITS = ['byte', 'kilobyte', 'megabyte', 'gigabyte'];

/** @param {number} bytes */
export function sizeOf(bytes) {
  const power = bytes ? Math.min(UNITS.length - 1, Math.floor(Math.log(bytes) / Math.log(1000))) : 0;
  const unitDisplay = power ? 'short' : 'long'; // "5 byte" is no English
  const format = { style: 'unit', unit: UNITS[power], unitDisplay, maximumFractionDigits: 1 };
  return new Intl.NumberFormat(shownLanguage(), /** @type {Intl.NumberFormatOptions} */ (format))
    .format(bytes / 1000 ** power);
}

/** @param {string} key @param {() => void} act @param {string} [className] */
function action(key, act, className = '') {
  const button = make('button', className);
  say(button, key);
  button.addEventListener('click', act);
  return button;
}

/** @param {Blob} file @param {string} name @param {AbortSignal} signal lets go of the file */
function saveLink(file, name, signal) {
  const link = make('a', 'button');
  link.href = URL.createObjectURL(file);
  signal.addEventListener('abort', () => URL.revokeObjectURL(link.href));
  link.download = name;
  say(link, 'file.save');
  return link;
}

/** @param {Transfer} transfer */
const isMoving = ({ state }) => state === 'running' || state === 'checking';

/** @param {number} moved @param {number} size */
const shareOf = (moved, size) => (size ? moved / size : 1);

/** @param {Element} element @param {Transfer} transfer @param {Record<string, string>} words for states of this side */
function sayState(element, transfer, words) {
  const { state, moved, size } = transfer;
  if (state === 'running') {
    say(element, 'file.running', { percent: Math.floor(shareOf(moved, size) * 100) });
  } else {
    say(element, words[state] ?? `file.${state}`);
  }
}

class Card {
  title = make('p');
  #bar = make('progress');
  #buttons = make('div', 'row');
  #card = make('article', 'transfer');
  /** @type {string | undefined} whose buttons are shown */
  #shown;

  /** @param {HTMLElement} state where it says how far it is */
  constructor(state) {
    this.#card.append(icon('file'), this.title, this.#bar, state, this.#buttons);
  }

  /** Into the talk, once it has its text: it would grow out of sight. @param {boolean} isOwn */
  add(isOwn) {
    addToChat(this.#card, isOwn);
  }

  /** @param {string} state @param {number | null} share done; null: nothing moves @param {() => HTMLElement[]} buttons of that state */
  show(state, share, buttons) {
    this.#bar.hidden = share === null;
    this.#bar.value = share ?? 0;
    this.#card.dataset.state = state;
    // Made anew they would lose the focus.
    if (this.#shown !== state) {
      this.#shown = state;
      this.#buttons.replaceChildren(...buttons());
    }
  }
}

/** @param {Receiving} transfer @param {string} from @param {AbortSignal} signal ends it */
export function addOffered(transfer, from, signal) {
  const line = make('p', 'small');
  const card = new Card(line);
  say(card.title, 'file.offered', { name: from, file: transfer.name, size: sizeOf(transfer.size) });
  const buttons = () => {
    if (transfer.state === 'waiting') {
      return [action('file.accept', () => transfer.accept(), 'primary'), action('file.decline', () => transfer.decline())];
    }
    return isMoving(transfer) ? [action('file.cancel', () => transfer.cancel())]
      : transfer.file ? [saveLink(transfer.file, transfer.name, signal)] : [];
  };
  const show = () => {
    const { state, moved, size } = transfer;
    sayState(line, transfer, { waiting: 'file.yours', done: 'file.received', declined: 'file.refused' });
    card.show(state, isMoving(transfer) ? shareOf(moved, size) : null, buttons);
  };
  transfer.addEventListener('change', show);
  show();
  card.add(false);
}

/**
 * One card, however many get it.
 * @param {File} file
 * @param {{ name: Name, words: string, transfer: Sending }[]} receivers `words`: the name in the language shown
 */
export function addSent(file, receivers) {
  const all = receivers.map(({ transfer }) => transfer);
  const isOne = all.length === 1;
  const line = make(isOne ? 'p' : 'ul', 'small receivers');
  const card = new Card(line);
  const [{ words }] = receivers;
  const params = { file: file.name, size: sizeOf(file.size) };
  if (isOne) {
    say(card.title, 'file.offering', { ...params, name: words });
  } else {
    say(card.title, 'file.offeringAll', { ...params, count: all.length });
  }
  const states = receivers.map(({ name }) => {
    const row = isOne ? line : line.appendChild(make('li'));
    const state = make('span');
    if (!isOne) {
      say(row.appendChild(make('bdi')), name.key, name.params);
    }
    row.append(state);
    return state;
  });
  const cancel = () => [action('file.cancel', () => all.forEach((one) => one.isOver || one.cancel()))];
  const show = () => {
    all.forEach((transfer, i) => sayState(states[i], transfer, { done: 'file.sent' }));
    const moving = all.filter(isMoving);
    const moved = moving.reduce((sum, one) => sum + one.moved, 0);
    const [first] = [...moving, ...all.filter(({ isOver }) => !isOver), ...all];
    card.show(first.state, moving.length ? shareOf(moved, file.size * moving.length) : null, () => (
      first.isOver ? [] : cancel()));
  };
  all.forEach((transfer) => transfer.addEventListener('change', show));
  show();
  card.add(true);
}
