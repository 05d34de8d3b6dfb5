// A WebSocket client for tests: what comes in is waited for instead of slept for, and a connection
// that is refused is a value with status and body.
import WebSocket from 'ws';
import { within } from './raw.mjs';

/** The upgrade was answered with something else than 101. */
export class Refused extends Error {
  constructor(url, status, headers, body) {
    super(`${url} was refused with ${status}: ${body}`);
    Object.assign(this, { status, headers, body });
  }

  /** The body as JSON. */
  get json() {
    return JSON.parse(this.body);
  }
}

export class Client {
  #messages = [];
  #waiting = [];

  constructor(ws, url) {
    /** The `ws` object itself, for pause(), ping() and what a test needs beyond this. */
    this.ws = ws;
    this.url = url;
    /** {code, reason}, once the connection has ended; 1006 when there was no close frame. */
    this.closed = new Promise((done) => {
      ws.on('close', (code, reason) => {
        const end = { code, reason: reason.toString() };
        for (const { fail } of this.#waiting.splice(0)) fail(this.#ended(end));
        this.end = end;
        done(end);
      });
    });
    ws.on('message', (data, binary) => {
      const message = binary ? data : data.toString();
      const waiter = this.#waiting.shift();
      if (waiter) waiter.done(message);
      else this.#messages.push(message);
    });
  }

  #ended({ code, reason }) {
    return new Error(`${this.url} was closed with ${code} ${reason} before the message`);
  }

  get subprotocol() {
    return this.ws.protocol;
  }

  /** Send a string as text, a Buffer as binary. */
  send(data) {
    this.ws.send(data);
    return this;
  }

  /** The next message: a string, or a Buffer for a binary one. Fails when the connection ends. */
  next() {
    if (this.#messages.length) return Promise.resolve(this.#messages.shift());
    if (this.end) return Promise.reject(this.#ended(this.end));
    const next = new Promise((done, fail) => this.#waiting.push({ done, fail }));
    return within(next, `a message on ${this.url}`);
  }

  /** All messages that have come and were not taken yet. */
  rest() {
    return this.#messages.splice(0);
  }

  /** Close it and wait until it is. */
  close(code = 1000, reason = '') {
    this.ws.close(code, reason);
    return within(this.closed, `the end of ${this.url}`);
  }
}

/**
 * Connect, and wait until the WebSocket is open. Throws Refused when the server answers otherwise.
 *
 * @param {string} url
 * @param {object} [options] those of `ws` (origin, headers, …) and
 * @param {string|string[]} [options.protocols] subprotocols to offer
 * @returns {Promise<Client>}
 */
export function open(url, { protocols = [], ...options } = {}) {
  const ws = new WebSocket(url, protocols, {
    perMessageDeflate: false,
    rejectUnauthorized: false, // the daemon's own certificate
    ...options,
  });
  const client = new Client(ws, url);
  return within(new Promise((done, fail) => {
    ws.on('open', () => done(client));
    ws.on('error', fail); // stays: an error after opening is told by `closed`
    ws.on('unexpected-response', (request, response) => {
      let body = '';
      response.setEncoding('utf8').on('data', (text) => { body += text; });
      response.on('end', () => {
        fail(new Refused(url, response.statusCode, response.headers, body));
        request.destroy();
      });
    });
  }), `an answer from ${url}`);
}

/** Connect to what must not let us in; the refusal. */
export async function refused(url, options) {
  try {
    const client = await open(url, options);
    client.ws.terminate();
  } catch (error) {
    if (error instanceof Refused) return error;
    throw error;
  }
  throw new Error(`${url} let us in`);
}

/** Open `count` clients, `at` a time. */
export async function openMany(url, count, options, at = 50) {
  const clients = [];
  while (clients.length < count) {
    const batch = Math.min(at, count - clients.length);
    clients.push(...await Promise.all(Array.from({ length: batch }, () => open(url, options))));
  }
  return clients;
}
