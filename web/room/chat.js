/*
 * The chat: what was said before and what is said now, and the field to say something.
 */

import { appendLine, byId, make } from '../lib/dom.js';
import { say, shownLanguage } from '../lib/i18n.js';
import { nameOf } from './names.js';
import { announce } from './status.js';

/** @typedef {import('../client.js').Room} Room */

const MOST_LINES = 500;
const log = byId('chat-log', HTMLElement);
const field = byId('chat-text', HTMLTextAreaElement);

/** Add something to the end of the talk. @param {HTMLElement} line */
export function addToChat(line) {
  byId('chat-empty', HTMLElement).hidden = true;
  appendLine(log, line, MOST_LINES);
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
  line.append(header, make('p', '', text));
  addToChat(line);
}

export class ChatView {
  #room;
  #onNew;

  /**
   * @param {Room} room
   * @param {() => boolean} onNew somebody said something; false: nobody looks at the chat
   * @param {AbortSignal} signal ends it
   */
  constructor(room, onNew, signal) {
    this.#room = room;
    this.#onNew = onNew;
    for (const { from, name, at, text } of room.history) {
      addLine(nameOf({ id: from, name }), at, text, false);
    }
    room.on('chat', (chat) => this.#hear(chat), { signal });
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

  /** @param {import('../client.js').Chat} chat */
  #hear({ from, name, at, text }) {
    const who = nameOf({ id: from, name: name ?? this.#room.peers.get(from)?.name });
    addLine(who, at, text, false);
    if (!this.#onNew()) {
      announce('chat.heard', { name: who.plain, text });
    }
  }

  #send() {
    const text = field.value.trim();
    if (!text) {
      return;
    }
    try {
      this.#room.chat(text);
    } catch {
      announce('chat.tooLong');
      return;
    }
    addLine({ key: 'chat.you', params: {}, plain: '' }, Date.now(), text, true);
    field.value = '';
    log.scrollTop = log.scrollHeight;
  }
}
