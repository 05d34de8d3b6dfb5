/*
 * The tab for messages by hand: any address of the server, any text, everything that comes.
 */

import { byId, make } from '../lib/dom.js';
import { say } from '../lib/i18n.js';
import { homeServer } from './address.js';
import { Log } from './log.js';
import { read } from './signaling.js';
import { readFrame } from './socket.js';
import { showState } from './states.js';
import { Answers, TEMPLATES } from './templates.js';

/** What a close code means. @type {Record<number, string>} */
const MEANINGS = {
  1000: 'raw.close.normal', 1001: 'raw.close.away', 1006: 'raw.close.lost',
  1007: 'raw.close.utf8', 1009: 'raw.close.large', 1012: 'raw.close.away',
  4400: 'raw.close.room', 4401: 'raw.close.token', 4403: 'raw.close.forbidden',
  4408: 'raw.close.silent', 4409: 'raw.close.replaced', 4413: 'raw.close.full',
  4429: 'raw.close.rate', 4508: 'raw.close.slow',
};
const STATES = ['connecting', 'open', 'closing', 'closed'];

export class RawTab {
  #url = byId('raw-url', HTMLInputElement);
  #protocol = byId('raw-protocol', HTMLInputElement);
  #text = byId('raw-text', HTMLTextAreaElement);
  #binary = byId('raw-binary', HTMLInputElement);
  #template = byId('raw-template', HTMLSelectElement);
  #connect = byId('raw-connect', HTMLButtonElement);
  #send = byId('raw-send', HTMLButtonElement);
  #state = byId('raw-state', HTMLElement);
  #status = byId('raw-status', HTMLElement);
  #log = new Log(byId('raw-log', HTMLElement), byId('raw-empty', HTMLElement));
  #answers = new Answers();
  /** @type {WebSocket | null} */
  #socket = null;

  constructor() {
    this.#url.value = new URL('/v1/lab?name=Raw', homeServer()).href;
    for (const path of ['/v1/lab?name=Raw', '/', '/relay', '/chat', '/echo', '/signaling']) {
      const option = make('option');
      option.value = new URL(path, homeServer()).href;
      byId('raw-paths', HTMLDataListElement).append(option);
    }
    for (const { name, text } of TEMPLATES) {
      const option = make('option', '', name);
      option.value = text;
      this.#template.append(option);
    }
    this.#template.addEventListener('change', () => {
      this.#text.value = this.#answers.fill(this.#template.value);
      this.#template.value = '';
      this.#text.focus();
    });
    this.#text.addEventListener('keydown', (event) => {
      if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) {
        this.#onSend();
      }
    });
    byId('raw-form', HTMLFormElement).addEventListener('submit', (event) => {
      event.preventDefault();
      this.#socket ? this.#socket.close(1000) : this.#open();
    });
    this.#send.addEventListener('click', () => this.#onSend());
    byId('raw-clear', HTMLButtonElement).addEventListener('click', () => this.#log.clear());
    this.#show();
  }

  #open() {
    const protocol = this.#protocol.value.trim();
    let socket;
    try {
      socket = new WebSocket(this.#url.value.trim(), protocol ? [protocol] : []);
    } catch (error) {
      say(this.#status, 'raw.badUrl', { error: error instanceof Error ? error.message : '' });
      return;
    }
    this.#status.textContent = '';
    this.#socket = socket;
    this.#answers = new Answers();
    socket.binaryType = 'arraybuffer';
    socket.addEventListener('open', () => {
      this.#log.note('raw.opened', { url: socket.url, protocol: socket.protocol || '–' });
      this.#show();
    });
    socket.addEventListener('message', ({ data }) => {
      const frame = readFrame(data);
      this.#answers.note(frame.text);
      this.#log.frame('received', frame, read(frame.text));
    });
    socket.addEventListener('close', ({ code, reason }) => {
      this.#log.note('note.closed', { code, reason: reason ? ` ${reason}` : '' });
      this.#log.note(MEANINGS[code] ?? 'raw.close.other');
      this.#socket = null;
      this.#show();
    });
    this.#show();
  }

  #onSend() {
    if (this.#socket?.readyState !== WebSocket.OPEN) {
      return;
    }
    const bytes = new TextEncoder().encode(this.#text.value);
    const data = this.#binary.checked ? bytes.buffer : this.#text.value;
    this.#socket.send(data);
    const frame = readFrame(data);
    this.#log.frame('sent', frame, read(frame.text));
  }

  #show() {
    const state = STATES[this.#socket?.readyState ?? WebSocket.CLOSED];
    showState(this.#state, this.#state, state);
    say(this.#connect, this.#socket ? 'raw.disconnect' : 'raw.connect');
    this.#connect.classList.toggle('primary', !this.#socket);
    this.#send.disabled = state !== 'open';
  }
}
