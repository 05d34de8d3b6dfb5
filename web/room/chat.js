/*
 * The chat: what was said before and what is said now, and the field to say something. Addresses of
 * pages can be pressed, all else that somebody wrote is text.
 */

import { appendLine, byId, make } from '../lib/dom.js';
import { say, shownLanguage } from '../lib/i18n.js';
import { partsOf } from './links.js';
import { nameOf, wordsOf } from './names.js';
import { announce } from './status.js';

/** @typedef {import('../client.js').Room} Room */

const MOST_LINES = 500;

/** By the code of a SignalError; all others: chat.failed. @type {Partial<Record<string, string>>} */
const REFUSALS = { 'message-too-large': 'chat.tooLong', 'unreachable': 'chat.tooMany' };

const log = byId('chat-log', HTMLElement);
const field = byId('chat-text', HTMLTextAreaElement);

/** What was said last is in sight when the talk is opened, and stays there when a keyboard takes its place. */
function followEnd() {
  let height = 0; // 0: nobody looks
  let isAtEnd = true;
  log.addEventListener('scroll', () => {
    if (log.clientHeight === height) { // the reader moved it
      isAtEnd = log.scrollTop + height >= log.scrollHeight - 8;
    }
  });
  new ResizeObserver(() => {
    if (isAtEnd || !height) {
      log.scrollTop = log.scrollHeight;
    }
    height = log.clientHeight;
  }).observe(log);
}
followEnd();

/** Add something to the end of the talk. @param {HTMLElement} line whole @param {boolean} isOwn */
export function addToChat(line, isOwn) {
  document.getElementById('chat-empty')?.remove();
  appendLine(log, line, MOST_LINES);
  if (isOwn) {
    log.scrollTop = log.scrollHeight;
  }
}

/** @param {string} text of anybody */
function paragraph(text) {
  const line = make('p');
  line.append(...partsOf(text).map((part) => {
    if (!part.isLink) {
      return part.text;
    }
    const link = make('a', '', part.text);
    link.href = part.text;
    link.target = '_blank';
    link.rel = 'noopener noreferrer nofollow';
    link.dir = 'ltr'; // nothing around it turns it around
    return link;
  }));
  return line;
}

/**
 * @param {import('./names.js').Name} who
 * @param {number} at ms since the epoch
 * @param {string} text
 * @param {boolean} isOwn
 */
function addLine(who, at, text, isOwn) {
  const line = make('article', isOwn ? 'line own' : 'line');
  const header = make('header');
  const when = new Date(at);
  const time = make('time', '', when.toLocaleTimeString(shownLanguage(), { timeStyle: 'short' }));
  time.dateTime = when.toISOString();
  say(header.appendChild(make('span')), who.key, who.params);
  header.append(time);
  line.append(header, paragraph(text));
  addToChat(line, isOwn);
  return line;
}

/** What a line is known by: the server's clock, which history has, is not ours. */
const keyOf = (/** @type {string} */ from, /** @type {string} */ text) => `${from} ${text}`;

export class ChatView {
  #room;
  #onNew;
  /** Every id that was our own: what those said is shown since it was said. @type {Set<string>} */
  #own = new Set();
  /** What the others said last, oldest first. @type {string[]} */
  #heard = [];

  /**
   * @param {Room} room
   * @param {() => boolean} onNew somebody said something; false: nobody looks at the chat
   * @param {AbortSignal} signal ends it
   */
  constructor(room, onNew, signal) {
    this.#room = room;
    this.#onNew = onNew;
    this.#catchUp();
    room.on('chat', (chat) => this.#hear(chat), { signal });
    room.on('state', ({ fresh }) => fresh && this.#catchUp().forEach(() => onNew()), { signal });
    byId('chat-form', HTMLFormElement).addEventListener('submit', (event) => {
      event.preventDefault();
      this.#send();
    }, { signal });
    field.addEventListener('keydown', (event) => {
      // While an input method composes, Enter chooses a word; Safari says so only by 229.
      const isComposing = event.isComposing || event.keyCode === 229;
      if (event.key === 'Enter' && !event.shiftKey && !isComposing) {
        event.preventDefault();
        this.#send();
      }
    }, { signal });
  }

  /** @param {import('./names.js').Name} who @param {import('../client.js').Chat} chat */
  #add(who, { from, at, text }) {
    this.#heard.push(keyOf(from, text));
    this.#heard.splice(0, this.#heard.length - MOST_LINES);
    addLine(who, at, text, false);
  }

  /** Show what the room's history has and this page has not: what was said before, or meanwhile. */
  #catchUp() {
    const { self, history } = this.#room;
    this.#own.add(self.id);
    const known = this.#heard.slice(-history.length);
    const missed = history.filter(({ from, text }) => {
      const at = known.indexOf(keyOf(from, text));
      return at < 0 ? !this.#own.has(from) : !known.splice(at, 1);
    });
    missed.forEach((chat) => this.#add(nameOf({ id: chat.from, name: chat.name }), chat));
    return missed;
  }

  /** @param {import('../client.js').Chat} chat */
  #hear(chat) {
    const { from, text } = chat;
    const who = nameOf({ id: from, name: chat.name ?? this.#room.peers.get(from)?.name });
    this.#add(who, chat);
    if (!this.#onNew()) {
      announce('chat.heard', { name: wordsOf(who), text });
    }
  }

  /** The server refused it, or was gone before it said that it has it. @param {HTMLElement} line @param {string} text */
  #doubt(line, text) {
    const isKept = this.#room.history.some((chat) => this.#own.has(chat.from) && chat.text === text);
    if (!isKept) {
      say(line.appendChild(make('p', 'unsent')), 'chat.unsent');
    }
  }

  #send() {
    const text = field.value.trim();
    if (!text) {
      return;
    }
    /** @type {Promise<void>} */
    let taken;
    try {
      taken = this.#room.chat(text);
    } catch (error) {
      const { code = String(error) } = /** @type {import('../client.js').SignalError} */ (error);
      announce(REFUSALS[code] ?? 'chat.failed', { code });
      return;
    }
    const line = addLine({ key: 'chat.you', params: {}, plain: '' }, Date.now(), text, true);
    taken.catch(() => this.#doubt(line, text));
    field.value = '';
  }
}
