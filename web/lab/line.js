/*
 * The line to the server as the reader sees it: every message in the log, descriptions in their
 * text areas, a notice when the server is lost, not there, or refuses something. What arrives and
 * means something to the call is handed on.
 */

import { Description } from './descriptions.js';
import { byId } from '../lib/dom.js';
import { read, write } from './signaling.js';
import { Socket } from './socket.js';

/** @typedef {import('./log.js').Log} Log */
/** @typedef {import('./notices.js').Notices} Notices */
/** @typedef {import('./signaling.js').Message} Message */
/** @typedef {import('./socket.js').Frame} Frame */
/** @typedef {import('./socket.js').Loss} Loss */
/** @typedef {import('./socket.js').SocketState} SocketState */
/**
 * @typedef {object} LineEvents
 * @property {(message: Message) => void} message
 * @property {() => void} change the state is another
 * @property {() => void} back open, and what was sent just before may have been lost
 */

const TOO_LARGE = 1009; // RFC 6455, 7.4.1

/** Why a WebSocket was refused no page is told; its own server can be asked. @param {string} url */
async function wantsToken(url) {
  const { host } = new URL(url);
  const answer = host === location.host ? await fetch('/v1/lab/peers').catch(() => null) : null;
  return answer?.status === 401;
}

export class Line {
  #log;
  #notices;
  #events;
  #sent;
  #received;
  #socket = new Socket({
    state: (state, loss) => this.#onState(state, loss),
    message: (frame) => this.#onFrame(frame),
  });
  #url = '';
  #wasOpen = false; // at this url
  #isTooLarge = false; // our last message was, and its repetition would be
  /** @type {SocketState} */
  state = 'closed';

  /** @param {Log} log @param {Notices} notices @param {LineEvents} events */
  constructor(log, notices, events) {
    this.#log = log;
    this.#notices = notices;
    this.#events = events;
    const copyFailed = () => notices.show('copy', 'warn', 'notice.noCopy');
    this.#sent = new Description('sdp-sent', copyFailed);
    this.#received = new Description('sdp-received', copyFailed);
    byId('log-clear', HTMLButtonElement).addEventListener('click', () => log.clear());
  }

  /**
   * @param {string} url
   * @throws {DOMException} SecurityError for ws: on a page that came over https
   */
  open(url) {
    this.#url = url;
    this.#wasOpen = false;
    this.#notices.hide('socket');
    this.#notices.hide('refused');
    this.#socket.open(url);
  }

  close() {
    this.#notices.hide('socket');
    this.#socket.close();
  }

  /** @param {Message} message */
  send(message) {
    const frame = this.#socket.send(write(message));
    if (!frame) {
      this.#log.note('note.unsent', { type: message.type });
      return;
    }
    this.#log.frame('sent', frame, { type: message.type, message });
    if (message.type === 'offer' || message.type === 'answer') {
      this.#sent.show(message.type, message.sdp);
    }
  }

  /** @param {Frame} frame */
  #onFrame(frame) {
    const reading = read(frame.text);
    const { message } = reading;
    this.#log.frame('received', frame, reading);
    if (!message) {
      this.#log.note(reading.type ? 'note.unknown' : 'note.unreadable');
    } else if (message.type === 'error') {
      this.#notices.show('refused', 'bad', 'notice.refused', message);
    } else {
      if (message.type === 'offer' || message.type === 'answer') {
        this.#received.show(message.type, message.sdp);
      }
      this.#events.message(message);
    }
  }

  /** @param {SocketState} state @param {Loss} [loss] */
  #onState(state, loss) {
    this.state = state;
    if (state === 'open') {
      this.#wasOpen = true;
      this.#notices.hide('socket');
      this.#log.note('note.opened', { url: this.#url });
      if (!this.#isTooLarge) {
        this.#events.back();
      }
      this.#isTooLarge = false;
    } else if (loss?.opened) {
      const end = { code: loss.code, reason: loss.reason ? ` ${loss.reason}` : '' };
      this.#isTooLarge = loss.code === TOO_LARGE;
      this.#log.note('note.closed', end);
      this.#notices.show('socket', 'bad', 'notice.lost', end);
    } else if (loss && !this.#wasOpen) {
      this.#tellUnreachable(this.#url);
    }
    this.#events.change();
  }

  /** @param {string} url */
  async #tellUnreachable(url) {
    const key = await wantsToken(url) ? 'notice.token' : 'notice.unreachable';
    if (url === this.#url && this.state !== 'open' && !this.#wasOpen) {
      this.#notices.show('socket', 'bad', key, { url });
    }
  }
}
