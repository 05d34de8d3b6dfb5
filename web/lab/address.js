/*
 * Where the page signals: the fields for server and room, the addresses that follow from them,
 * and the page's own address, so that a reload or a second page meets in the same place.
 */

import { byId } from '../lib/dom.js';

/** The server that this page came from; for a page opened from disk, a nakodo as it starts. */
export function homeServer() {
  if (!location.host) {
    return 'ws://localhost:3000/';
  }
  return `${location.protocol === 'https:' ? 'wss:' : 'ws:'}//${location.host}/`;
}

export class Address {
  #server = byId('server', HTMLInputElement);
  #room = byId('room', HTMLInputElement);
  #second = byId('second', HTMLAnchorElement);

  /** The link that was followed names another server than this page's, and the reader none since. */
  isForeign = false;

  /** @param {() => void} changed the reader has chosen another server or room */
  constructor(changed) {
    const query = new URLSearchParams(location.search);
    this.#server.value = query.get('server') ?? homeServer();
    this.#room.value = query.get('room') ?? '';
    this.isForeign = URL.canParse(this.server) && new URL(this.server).host !== new URL(homeServer()).host;
    this.#server.addEventListener('change', () => {
      this.isForeign = false;
      changed();
    });
    this.#room.addEventListener('change', () => this.isForeign || changed());
  }

  /** What is in the field, for messages about it. */
  get server() {
    return this.#server.value.trim();
  }

  /** @returns {{ signal: string, chat: string } | null} null: no WebSocket address */
  read() {
    const isUrl = URL.canParse(this.server) && /^wss?:$/.test(new URL(this.server).protocol);
    this.#server.setAttribute('aria-invalid', String(!isUrl));
    if (!isUrl) {
      return null;
    }
    const signal = new URL(this.server);
    const chat = new URL('/chat', signal);
    signal.hash = '';
    const token = signal.searchParams.get('token');
    if (token) {
      chat.searchParams.set('token', token);
    }
    for (const url of this.#room.value ? [signal, chat] : []) {
      url.searchParams.set('room', this.#room.value);
    }
    this.#keep();
    return { signal: signal.href, chat: chat.href };
  }

  #keep() {
    const page = new URL(location.href);
    const keep = (/** @type {string} */ name, /** @type {string} */ value) => {
      value ? page.searchParams.set(name, value) : page.searchParams.delete(name);
    };
    const server = new URL(this.server);
    server.searchParams.delete('token'); // which is for nobody's history
    keep('server', server.href === homeServer() ? '' : server.href);
    keep('room', this.#room.value);
    history.replaceState(null, '', page);
    this.#second.href = page.href;
  }
}
