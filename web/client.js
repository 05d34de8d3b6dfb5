// The way in: a server, and its rooms. client.d.ts says what all this promises.
import { mistaken, mustBeSelf, mustBeText } from './client/arguments.js';
import { Emitter } from './client/emitter.js';
import { SignalError } from './client/error.js';
import { Room } from './client/room.js';

export { SignalError };

/**
 * @typedef {import('./client.js').Client} ClientType
 * @typedef {import('./client.js').ClientEvents} ClientEvents
 * @typedef {import('./client.js').ConnectOptions} ConnectOptions
 * @typedef {import('./client.js').JoinOptions} JoinOptions
 */

/** No URL says the first, and the others end the connection before the server can say why. */
const NAMELESS = /^\.{0,2}$/;
const UNSPEAKABLE = /[\0-\x1f]|^.{129}/su;

/** @param {string | URL} [url] as people write it @returns {string} that of the protocol, without a / at its end */
function addressOf(url = '/') {
  const at = new URL(url, globalThis.location?.href);
  const path = at.pathname.replace(/\/$/, '') || '/v1';
  return `${at.protocol.replace('http', 'ws')}//${at.host}${path}`;
}

/**
 * @extends {Emitter<ClientEvents>}
 * @implements {ClientType}
 */
class Client extends Emitter {
  #setup;
  /** @type {Set<Room>} */
  #rooms = new Set();

  /** @param {string} url @param {import('./client/room.js').Setup} setup */
  constructor(url, setup) {
    super();
    this.url = url;
    this.#setup = setup;
  }

  /**
   * @template Message what the page takes its messages for; nobody checks it
   * @param {string} name
   * @param {JoinOptions} [options]
   * @returns {Promise<import('./client.js').Room<Message>>}
   */
  async join(name, options = {}) {
    mustBeText(name, 'join()', 'the name of a room');
    mustBeSelf(options, 'join()');
    this.#setup.signal?.throwIfAborted();
    options.signal?.throwIfAborted();
    if (NAMELESS.test(name) || UNSPEAKABLE.test(name) || UNSPEAKABLE.test(options.name ?? '')) {
      throw new SignalError('bad-room');
    }
    const room = await new Promise((/** @type {(room: Room) => void} */ resolve, reject) => {
      this.#open(name, options, resolve, reject);
    });
    return /** @type {any} */ (room);
  }

  async close() {
    await Promise.all([...this.#rooms].map((room) => room.leave()));
  }

  async [Symbol.asyncDispose]() {
    await this.close();
  }

  /**
   * @param {string} name
   * @param {JoinOptions} options
   * @param {(room: Room) => void} resolve
   * @param {(reason: unknown) => void} reject
   */
  #open(name, options, resolve, reject) {
    // A page takes the place of the one before it, never of itself.
    const isTwice = [...this.#rooms].some((other) => other.name === name);
    const setup = { ...this.#setup, storage: isTwice ? undefined : this.#setup.storage };
    const over = new AbortController();
    let isInside = false;
    const room = new Room(this.url, name, setup, options, {
      trace: (event) => this.emit('trace', { t: Date.now(), room: name, ...event }),
      entered() {
        isInside = true;
        resolve(room);
      },
      ended: (error) => {
        over.abort();
        this.#rooms.delete(room);
        reject(error ?? new SignalError('closed'));
      },
    });
    this.#rooms.add(room);
    for (const signal of [setup.signal, options.signal]) {
      signal?.addEventListener('abort', () => {
        reject(signal.reason);
        if (signal === setup.signal || !isInside) room.leave();
      }, { signal: over.signal });
    }
  }
}

/** @param {string | URL} [url] @param {ConnectOptions} [options] @returns {ClientType} */
export function connect(url, options) {
  const { WebSocket, RTCPeerConnection } = globalThis;
  const setup = { WebSocket, RTCPeerConnection, ...options };
  if (!setup.WebSocket) mistaken('connect()', 'a WebSocket, such as that of the package ws', setup.WebSocket);
  return new Client(addressOf(url), setup);
}
