// The JavaScript client in Node, also in versions that have no WebSocket of their own.
import { webcrypto } from 'node:crypto';
import Ws from 'ws';

globalThis.crypto ??= webcrypto; // Node 18 has neither
globalThis.CustomEvent ??= class extends Event {
  constructor(type, { detail }) {
    super(type);
    this.detail = detail;
  }
};

const { connect: connectWith, SignalError } = await import('../../web/client.js');

export { SignalError, Ws as WebSocket };

export const connect = (url, options) => connectWith(url, { WebSocket: Ws, ...options });

/** The next event of that type, as its detail. */
export function next(target, type, what = () => true) {
  return new Promise((resolve, reject) => {
    const late = setTimeout(reject, 20000, new Error(`no ${type}`));
    const off = target.on(type, (detail) => {
      if (!what(detail)) return;
      clearTimeout(late);
      off();
      resolve(detail);
    });
  });
}

/** All of them, as they come. */
export function events(target, type) {
  const all = [];
  target.on(type, (detail) => all.push(detail));
  return all;
}
