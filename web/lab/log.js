/*
 * The list of everything that went over the wire: when, which way, what type, how large. A line
 * opens to the message as it was.
 */

import { say, sayIn } from '../lib/i18n.js';
import { appendLine, make } from '../lib/dom.js';
import { describeCandidate, describeSdp } from './sdp.js';

/** @typedef {import('../lib/i18n.js').Key} Key */
/** @typedef {import('../lib/i18n.js').Params} Params */
/** @typedef {import('./signaling.js').Message} Message */
/** @typedef {import('./socket.js').Frame} Frame */
/** @typedef {'sent' | 'received' | 'note'} Direction */

const LINES_MAX = 1000;
const GLANCE = 80; // characters of an unopened message that are shown
const ARROWS = { sent: '↑', received: '↓', note: '·' };

function clock() {
  const now = new Date();
  const two = (/** @type {number} */ n) => String(n).padStart(2, '0');
  const ms = String(now.getMilliseconds()).padStart(3, '0');
  return `${two(now.getHours())}:${two(now.getMinutes())}:${two(now.getSeconds())}.${ms}`;
}

/** @param {Message | null} message @param {Frame} frame */
function describe(message, frame) {
  switch (message?.type) {
    case 'offer':
    case 'answer':
      return describeSdp(message.sdp);
    case 'candidate':
      return describeCandidate(message.ice?.candidate ?? '');
    default:
      return frame.raw.slice(0, GLANCE);
  }
}

export class Log {
  #list;
  #empty;

  /** @param {HTMLElement} list @param {HTMLElement} empty shown instead of no lines */
  constructor(list, empty) {
    this.#list = list;
    this.#empty = empty;
  }

  clear() {
    this.#list.replaceChildren();
    this.#empty.hidden = false;
  }

  /**
   * @param {'sent' | 'received'} direction
   * @param {Frame} frame
   * @param {{ type: string, message: Message | null }} reading
   */
  frame(direction, frame, { type, message }) {
    const line = this.#line(direction, type || '?');
    line.dataset.type = type;
    const details = make('details');
    const summary = make('summary');
    const size = make('span', 'size');
    say(size, 'log.bytes', { bytes: frame.bytes });
    summary.append(...line.childNodes, make('span', 'text', describe(message, frame)), size);
    if (frame.binary) {
      const binary = make('p', 'small');
      say(binary, 'log.binary');
      details.append(binary);
    }
    details.prepend(summary);
    details.append(make('pre', '', frame.raw));
    line.append(details);
    this.#add(line);
  }

  /** Something worth knowing that is no message. @param {Key} key @param {Params} [params] */
  note(key, params) {
    const line = this.#line('note', '');
    const text = make('span', 'text');
    say(text, key, params);
    line.append(text);
    this.#add(line);
  }

  /** @param {Direction} direction @param {string} type */
  #line(direction, type) {
    const line = make('li', direction);
    const arrow = make('span', 'arrow', ARROWS[direction]);
    arrow.setAttribute('role', 'img');
    sayIn(arrow, 'aria-label', `log.${direction}`);
    line.append(make('time', '', clock()), arrow);
    if (type) {
      line.append(make('code', 'type', type));
    }
    return line;
  }

  /** @param {HTMLElement} line */
  #add(line) {
    appendLine(this.#list, line, LINES_MAX);
    this.#empty.hidden = true;
  }
}
