/*
 * A WebSocket that comes back: it opens, reopens with growing pauses when it is lost, and hands
 * out every message as text, whether it came in a text or in a binary frame. What the messages
 * mean is left to signaling.js and chat.js.
 */

/** @typedef {'closed' | 'connecting' | 'open' | 'waiting'} SocketState */
/** @typedef {{ code: number, reason: string, opened: boolean }} Loss `opened`: it had been open */
/**
 * @typedef {object} Frame
 * @property {string | null} text null if it is not UTF-8
 * @property {string} raw for the eyes: the text, else the bytes in hex
 * @property {number} bytes
 * @property {boolean} binary
 */
/**
 * @typedef {object} SocketEvents
 * @property {(state: SocketState, loss?: Loss) => void} state
 * @property {(frame: Frame) => void} message
 */

const OPEN_MS = 5000; // a dial that takes longer is given up
const FIRST_MS = 250; // first pause, doubled up to the last one
const LAST_MS = 5000;
const STEADY_MS = 5000; // a connection this old was a good one: pauses start small again

/** @param {string | ArrayBuffer} data @returns {Frame} */
export function readFrame(data) {
  if (typeof data === 'string') {
    return { text: data, bytes: new TextEncoder().encode(data).length, binary: false, raw: data };
  }
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(data);
    return { text, bytes: data.byteLength, binary: true, raw: text };
  } catch {
    const hex = Array.from(new Uint8Array(data), (byte) => byte.toString(16).padStart(2, '0'));
    return { text: null, bytes: data.byteLength, binary: true, raw: hex.join(' ') };
  }
}

export class Socket {
  #events;
  /** @type {WebSocket | null} */
  #socket = null;
  #url = '';
  #failures = 0;
  #openedAt = 0; // 0: has not been open
  #timer = 0;

  /** @param {SocketEvents} events */
  constructor(events) {
    this.#events = events;
    addEventListener('online', () => this.#hurry());
    document.addEventListener('visibilitychange', () => this.#hurry());
  }

  /**
   * Leave the present server, if any, and stay with this one until close() or the next open().
   * @param {string} url
   * @throws {DOMException} SyntaxError for an address that is none, SecurityError for ws: on https
   */
  open(url) {
    this.close();
    this.#url = url;
    this.#failures = 0;
    this.#dial();
  }

  /** @param {string} text @returns {Frame | null} what was sent; null: not open, nothing was */
  send(text) {
    if (this.#socket?.readyState !== WebSocket.OPEN) {
      return null;
    }
    this.#socket.send(text);
    return readFrame(text);
  }

  close() {
    this.#drop();
    this.#events.state('closed');
  }

  #dial() {
    const socket = new WebSocket(this.#url);
    socket.binaryType = 'arraybuffer';
    this.#socket = socket;
    this.#openedAt = 0;
    this.#timer = setTimeout(() => this.#lost(1006, ''), OPEN_MS);
    socket.onopen = () => {
      clearTimeout(this.#timer);
      this.#openedAt = Date.now();
      this.#events.state('open');
    };
    socket.onmessage = ({ data }) => this.#events.message(readFrame(data));
    socket.onclose = ({ code, reason }) => this.#lost(code, reason);
    this.#events.state('connecting');
  }

  /** Forget the socket at once: the closing handshake of a dead line takes minutes. */
  #drop() {
    clearTimeout(this.#timer);
    if (this.#socket) {
      this.#socket.onopen = this.#socket.onmessage = this.#socket.onclose = null;
      this.#socket.close();
      this.#socket = null;
    }
  }

  /** @param {number} code @param {string} reason */
  #lost(code, reason) {
    const opened = this.#openedAt > 0;
    if (opened && Date.now() - this.#openedAt > STEADY_MS) {
      this.#failures = 0;
    }
    this.#drop();
    // The jitter keeps a crowd of pages from coming back in one instant.
    const pause = Math.min(LAST_MS, FIRST_MS * 2 ** this.#failures++) * (0.7 + 0.6 * Math.random());
    this.#timer = setTimeout(() => this.#dial(), pause);
    this.#events.state('waiting', { code, reason, opened });
  }

  /** The network or the reader is back: do not sit out the pause. */
  #hurry() {
    if (!this.#socket && this.#failures > 0 && !document.hidden) {
      clearTimeout(this.#timer);
      this.#dial();
    }
  }
}
