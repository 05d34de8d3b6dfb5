/*
 * The text chat on a WebSocket of its own: whatever is sent comes back to everyone in the room,
 * the sender included, as plain text; so a terminal can take part.
 */

import { say } from '../lib/i18n.js';
import { appendLine, byId, make } from '../lib/dom.js';
import { Socket } from './socket.js';
import { showState } from './states.js';

/** @typedef {import('./socket.js').Frame} Frame */
/** @typedef {(direction: 'sent' | 'received', frame: Frame) => void} LogFrame */

const LINES_MAX = 500;
const UNECHOED_MAX = 100;

export class Chat {
  #log;
  #lines = byId('chat-lines', HTMLOListElement);
  #empty = byId('chat-empty', HTMLElement);
  #text = byId('chat-text', HTMLInputElement);
  #state = byId('chat-state', HTMLElement);
  #send = byId('chat-send', HTMLButtonElement);
  /** @type {string[]} sent and not yet come back: how a line of our own is known */
  #unechoed = [];
  #socket = new Socket({
    state: (state) => this.#onState(state),
    message: (frame) => this.#onMessage(frame),
  });

  /** @param {LogFrame} log */
  constructor(log) {
    this.#log = log;
    byId('chat-form', HTMLFormElement).addEventListener('submit', (event) => {
      event.preventDefault();
      this.#onSend();
    });
    this.#text.addEventListener('keydown', (event) => {
      // Enter that ends the input of kanji is no Enter; Safari shows it only by key code 229.
      if (event.key === 'Enter' && (event.isComposing || event.keyCode === 229)) {
        event.preventDefault();
      }
    });
  }

  /** @param {string} url */
  open(url) {
    this.#unechoed = [];
    this.#socket.open(url);
  }

  close() {
    this.#socket.close();
  }

  #onSend() {
    const text = this.#text.value;
    const frame = text.trim() && this.#socket.send(text);
    if (frame) {
      this.#unechoed.push(text);
      this.#unechoed.splice(0, this.#unechoed.length - UNECHOED_MAX);
      this.#text.value = '';
      this.#log('sent', frame);
    }
  }

  /** @param {import('./socket.js').SocketState} state */
  #onState(state) {
    showState(this.#state, this.#state, state);
    this.#send.disabled = state !== 'open';
    if (state !== 'open') {
      this.#unechoed = [];
    }
  }

  /** @param {Frame} frame */
  #onMessage(frame) {
    const own = this.#unechoed.indexOf(frame.raw);
    if (own >= 0) {
      this.#unechoed.splice(own, 1);
    }
    const line = make('li', own >= 0 ? 'own' : '');
    const who = make('span', 'who');
    say(who, own >= 0 ? 'chat.you' : 'chat.other');
    line.append(who, make('span', 'said', frame.raw));
    appendLine(this.#lines, line, LINES_MAX);
    this.#empty.hidden = true;
    this.#log('received', frame);
  }
}
