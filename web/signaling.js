// The wire: one link is one participant of one room, over one WebSocket after the other, and loses and
// doubles nothing. It knows neither the DOM nor WebRTC.
import { SignalError } from './client/error.js';
import { Outbox } from './client/outbox.js';
import { Receipts } from './client/receipts.js';
import { randomSecret } from './client/secret.js';

export { SignalError };

/**
 * @typedef {import('./client/wire.js').ServerMessage} ServerMessage
 * @typedef {import('./client/wire.js').PeerMessage} PeerMessage
 * @typedef {import('./client/wire.js').OwnMessage} OwnMessage
 * @typedef {import('./client/wire.js').Welcome} Welcome
 * @typedef {import('./client/wire.js').Resumed} Resumed
 * @typedef {import('./client/wire.js').Refusal} Refusal
 *
 * @typedef {Omit<import('./client.js').Trace, 't' | 'room'>} Traced
 *
 * @typedef {object} LinkSetup
 * @property {typeof globalThis.WebSocket} WebSocket
 * @property {() => string | undefined} name asked in each try
 * @property {import('./client.js').Token} [token]
 * @property {string | null} [replaces] the session of a page before this one
 *
 * @typedef {object} LinkEvents
 * @property {(message: ServerMessage | PeerMessage) => void} message
 * @property {() => void} lost
 * @property {(error: unknown, isGone: boolean) => void} end isGone: the server knows that we left, or
 *   has thrown us out
 * @property {(event: Traced) => void} trace
 *
 * @typedef {'waiting' | 'probing' | 'connecting' | 'open' | 'over'} Phase
 *   waiting: for the time of the next try; probing: asks by HTTP whether there is a way; connecting: a
 *   WebSocket without a welcome
 * @typedef {'clear' | 'silent' | 'missing'} Way what an answer by HTTP tells of the path to the room
 */

const TRY_MS = 5000;
const FIRST_PAUSE_MS = 250;
const LONGEST_PAUSE_MS = 5000;
const PING_MS = 4000;
const SILENT_MS = 7000; // after a ping, and the connection is dead
const SILENT_HIDDEN_MS = 56000; // timers of a hidden page may run once a minute
const GOODBYE_MS = 1000;
const UNSENT_MAX = 1000; // messages that wait for the server
const MISSING_MAX = 2; // times that nothing is there, and it is the wrong address

/** Close codes after which nobody comes back. */
const FINAL = new Set([1000, 1007, 1009, 4400, 4401, 4403, 4409, 4413]);
/** What they mean where no error has said it. @type {Record<number, import('./client.js').SignalErrorCode>} */
const REASONS = { 1009: 'too-large', 4409: 'replaced' };

/** @param {string} text */
const sizeOf = (text) => new TextEncoder().encode(text).length;

export class Link {
  #url;
  #setup;
  #on;
  /** @type {Phase} */
  #phase = 'waiting';
  /** That of the present try. @type {WebSocket | null} */
  #socket = null;
  #attempt = 0; // which try it is, for those who come back late to it
  #tries = 0; // since the server was last there
  #pause = 0; // ms that the server wants us to stay away
  #isDoubtful = false; // the last connection fell silent
  #missing = 0; // times that there was nothing at this address
  #isHidden = false;
  /** Of the next try, or of what must happen in this one. @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;
  #ticker;
  /** The same in each try: a welcome that got lost leaves no ghost. */
  #nonce = randomSecret();
  #session = '';
  /** What came just now and may be why the connection ends. @type {Refusal | null} */
  #fault = null;
  #limit = Infinity; // bytes of a message
  /** The end of the socket, once it is over. @type {Promise<unknown> | undefined} */
  #goodbye;
  #pinged = 0; // when the oldest ping without an answer went out
  #outbox = new Outbox();
  #receipts = new Receipts((n) => this.#write(`{"type":"ack","n":${n}}`));

  /**
   * @param {string} url of the room, without a query
   * @param {LinkSetup} setup
   * @param {LinkEvents} on
   */
  constructor(url, setup, on) {
    this.#url = url;
    this.#setup = setup;
    this.#on = on;
    this.#ticker = setInterval(() => this.#tick(), PING_MS);
    this.#connect();
  }

  get isOpen() {
    return this.#phase === 'open';
  }

  /**
   * Also while there is no connection: then it waits. Throws what is known at once.
   * @param {OwnMessage} message
   * @returns {Promise<void>} whether the server has taken it; nobody must wait for it
   */
  send(message) {
    const raw = JSON.stringify(message);
    this.#mustTake(sizeOf(raw));
    const taken = this.#outbox.add({
      raw,
      isUnsaid: !this.isOpen && !message.to,
      isOfSelf: message.type === 'update',
    });
    if (this.isOpen) this.#write(raw);
    return taken;
  }

  /** Try now, but not if the page hides: it may be ending. @param {boolean} [isHidden] if that changes */
  wake(isHidden) {
    this.#isHidden = isHidden ?? this.#isHidden;
    this.#tries = 0;
    this.#tick();
    if (isHidden || this.#phase !== 'waiting') return;
    clearTimeout(this.#timer);
    this.#connect();
  }

  /** Do not wait for its close handshake: on a dead link it never finishes. */
  drop() {
    const old = this.#socket;
    if (this.#phase === 'waiting' || this.#phase === 'over') return;
    this.#isDoubtful = true;
    this.#tries = 0; // it took its time already
    this.#detach();
    this.#retry();
    old?.close(4408);
  }

  /** @param {unknown} [error] why, if it was no wish @returns {Promise<unknown> | undefined} the end of the socket */
  leave(error) {
    const old = this.#socket;
    const isTold = this.isOpen;
    if (this.#phase === 'over') return this.#goodbye;
    if (isTold) this.#write('{"type":"bye"}');
    this.#detach();
    this.#end(error, isTold);
    this.#goodbye = old ? new Promise((resolve) => {
      setTimeout(resolve, GOODBYE_MS);
      old.onclose = resolve;
      old.close(1000);
    }) : undefined;
    return this.#goodbye;
  }

  /** @param {number} size of a message, in bytes */
  #mustTake(size) {
    if (this.#phase === 'over') throw new SignalError('closed');
    if (size > this.#limit) {
      throw new SignalError('message-too-large', `The message has ${size} bytes, this server takes ${this.#limit}.`);
    }
    if (!this.isOpen && this.#outbox.size >= UNSENT_MAX) {
      throw new SignalError('unreachable', `${UNSENT_MAX} messages wait already for the server to come back.`);
    }
  }

  /** One try. What cannot even be tried, such as an address that is none, ends the link. */
  async #connect() {
    const attempt = ++this.#attempt;
    try {
      if (this.#isDoubtful || (!this.#session && this.#tries)) {
        this.#phase = 'probing';
        const way = await this.#probe();
        if (attempt !== this.#attempt) return;
        if (way === 'silent') return this.drop();
        this.#mustBeThere(way);
      }
      this.#phase = 'connecting';
      this.#open();
    } catch (error) {
      await undefined; // the link is known by then to those who are told
      if (attempt === this.#attempt) this.#end(error);
    }
  }

  /**
   * Is there a way at all? A WebSocket that is given up too early may still join, as a ghost; and why one
   * failed no page is told.
   * @returns {Promise<Way>}
   */
  async #probe() {
    const signal = AbortSignal.timeout(TRY_MS);
    const url = this.#url.replace('ws', 'http');
    const answer = await fetch(url, { method: 'HEAD', mode: 'no-cors', cache: 'no-store', signal }).catch(() => null);
    if (signal.aborted) return 'silent';
    return answer?.status === 404 ? 'missing' : 'clear'; // of another site's answer the status is hidden
  }

  /** Throws if this server, which never let us in, has no rooms here. @param {Way} way */
  #mustBeThere(way) {
    this.#missing = way === 'missing' ? this.#missing + 1 : 0;
    if (this.#session || this.#missing < MISSING_MAX) return;
    throw new SignalError('not-found', `There are no rooms at ${this.#url} (404): is the path right?`);
  }

  #open() {
    const { WebSocket, name, replaces } = this.#setup;
    const search = new URLSearchParams({ nonce: this.#nonce, try: `${this.#attempt}` });
    if (name()) search.set('name', String(name()));
    const protocols = ['nakodo.v1'];
    if (this.#session) {
      search.set('n', `${this.#receipts.count}`);
      search.set('acked', `${this.#outbox.taken}`);
      protocols.push(`nakodo.session.${this.#session}`);
    } else if (replaces) {
      protocols.push(`nakodo.replaces.${replaces}`);
    }
    const socket = new WebSocket(`${this.#url}?${search}`.replaceAll('+', '%20'), protocols);
    this.#socket = socket;
    // Once it is connected, the server may have to ask, and there be a crowd before us.
    this.#timer = setTimeout(() => {
      this.#timer = setTimeout(() => this.drop(), socket.readyState === 1 ? 2 * TRY_MS : 0);
    }, TRY_MS);
    socket.onmessage = ({ data }) => { if (socket === this.#socket) this.#receive(data); };
    socket.onclose = ({ code, reason }) => { if (socket === this.#socket) this.#lose(code, reason); };
    socket.onerror = () => {}; // the close comes as well
  }

  /** @param {string} raw */
  #receive(raw) {
    const message = this.#trace('in', raw);
    this.#pinged = 0;
    this.#fault = null;
    // What has `from` was said by a peer, whatever it calls itself; only the server can write that.
    if (message.from !== undefined) return this.#take(message);
    switch (message.type) {
      case 'ack': return this.#outbox.acknowledge(message.n);
      case 'welcome': return this.#begin(message);
      case 'resumed': return this.#resume(message);
      case 'token': return message.seconds === undefined ? this.#showToken() : this.#on.message(message);
      case 'pong': return this.#outbox.settle(); // what was said again came before it
      case 'closing':
        this.#pause = message.retryAfter * 1000;
        // falls through
      case 'lock': return this.#on.message(message);
      case 'error':
        if (!message.n) this.#fault = message; // of a numbered message nobody is closed
        this.#outbox.refuse(message.n, new SignalError(message.code, message.message));
        return this.#take(message);
      default: return this.#take(message);
    }
  }

  /**
   * The server asks for a token: at first, and in time before the one that it has expires. It goes in a
   * message, since URLs are logged.
   */
  async #showToken() {
    const socket = this.#socket;
    const { token } = this.#setup;
    clearTimeout(this.#timer); // the page may have to ask its own server
    try {
      const text = await (typeof token === 'function' ? token() : token);
      if (socket !== this.#socket) return;
      if (!text) throw new SignalError('unauthorized');
      this.#write(JSON.stringify({ type: 'token', token: text }));
    } catch (error) {
      // Inside, the old one is good for a while yet; who was inside tries again.
      if (socket !== this.#socket || this.isOpen) return;
      if (this.#session) this.#lose(4401, '');
      else this.leave(error);
      socket?.close();
    }
  }

  /** A numbered message. @param {ServerMessage | PeerMessage} message */
  #take(message) {
    if (!this.isOpen) return;
    this.#receipts.add();
    this.#on.message(message);
  }

  /** @param {Welcome | Resumed} message */
  #greet({ session }) {
    clearTimeout(this.#timer);
    this.#session = session;
    this.#phase = 'open';
    this.#isDoubtful = false;
    this.#tries = 0;
  }

  /** @param {Resumed} message */
  #resume(message) {
    this.#greet(message);
    this.#outbox.doubt(message.n);
    this.#receipts.tell();
    this.#outbox.say().forEach((raw) => this.#write(raw));
    this.#tick();
    this.#on.message(message);
  }

  /** @param {Welcome} message */
  #begin(message) {
    this.#greet(message);
    const again = this.#outbox.restart();
    this.#limit = message.limits.message;
    this.#receipts.restart();
    this.#receipts.tell();
    this.#on.message(message);
    if (this.#phase === 'over') return again.forEach(({ reject }) => reject(new SignalError('closed')));
    // What is changed of ourselves comes behind what was true before.
    for (const item of again) {
      this.#outbox.addAgain({ ...item, isUnsaid: item.isUnsaid && !this.isOpen });
      if (this.isOpen) this.#write(item.raw);
    }
  }

  /** The connection has ended. @param {number} code @param {string} reason */
  #lose(code, reason) {
    this.#detach();
    // A token that has expired is nobody's fault: with a fresh one we go on.
    if (!FINAL.has(code) || (code === 4401 && !this.#fault)) return this.#retry();
    const { code: told, message } = this.#fault ?? { code: REASONS[code] ?? 'refused', message: reason };
    return this.#end(new SignalError(told, message || undefined, code));
  }

  #retry() {
    const longest = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** this.#tries++);
    const delay = longest * (1 - 0.3 * Math.random());
    this.#timer = setTimeout(() => this.#connect(), Math.max(delay, this.#pause));
    this.#pause = 0;
    this.#on.lost();
  }

  /** What comes of the present try means nothing any more. */
  #detach() {
    clearTimeout(this.#timer);
    this.#receipts.pause();
    this.#socket = null;
    this.#attempt++;
    this.#pinged = 0;
    this.#phase = 'waiting';
  }

  /** @param {unknown} error @param {boolean} [isGone] */
  #end(error, isGone = true) {
    clearInterval(this.#ticker);
    this.#phase = 'over';
    this.#outbox.end(error ?? new SignalError('closed'));
    this.#on.end(error, isGone);
  }

  /** Only an unanswered ping tells that the server is gone: timers may be late. */
  #tick() {
    if (!this.isOpen) return;
    const silent = this.#isHidden ? SILENT_HIDDEN_MS : SILENT_MS;
    if (this.#pinged && Date.now() - this.#pinged > silent) return this.drop();
    this.#pinged ||= Date.now();
    this.#write(`{"type":"ping","t":${this.#pinged}}`);
  }

  /** @param {string} raw */
  #write(raw) {
    this.#trace('out', raw);
    this.#socket?.send(raw);
  }

  /** @param {'in' | 'out'} dir @param {string} raw @returns {ServerMessage | PeerMessage} */
  #trace(dir, raw) {
    const message = JSON.parse(raw);
    const { type, from, to } = message;
    // A peer may call anything `text` or `message`.
    const summary = [message.message, message.text].find((text) => typeof text === 'string') ?? type;
    this.#on.trace({ dir, type: String(type), from, to, bytes: sizeOf(raw), summary: String(summary), raw });
    return message;
  }
}
