/*
 * Taking out of a trace what must not leave the machine with it: ICE passwords and user fragments,
 * TURN credentials, whatever is called a password, a token or the like, and addresses. The same address or
 * fragment gets the same stand-in everywhere, so that what belongs together still can be seen. No DOM.
 */

import { tidy } from './message.js';

/** @typedef {import('../client.js').Trace} Trace */

const GONE = 'redacted';
const DEPTH = 100; // what is deeper is nothing that a room says
const SECRETS = 'session|nonce|replaces'
  + '|[\\w-]{0,32}(?:token|credentials?|password|passwd|pwd|secret|authorization|cookie|api_?key)';
const SECRET = new RegExp(`^(?:${SECRETS})$`, 'i');
const FRAGMENT = /^(?:usernameFragment|(?:ice)?ufrag)$/i;
/** Every machine has these; they tell nothing. */
const COMMON = new Set(['0.0.0.0', '127.0.0.1', '::', '::1']);

const IPV4 = /(?<![\w.])(?:\d{1,3}\.){3}\d{1,3}(?![\w]|\.\d)/g;
const GROUPS = '[0-9a-f]{1,4}(?::[0-9a-f]{1,4})';
const IPV6 = new RegExp(
  `(?<![\\w:.])(?:${GROUPS}{7}|(?:${GROUPS}{0,6})?::(?:${GROUPS}{0,6})?)(?![\\w:])`, 'gi',
);
// Of labels as long as DNS has them: without a bound a long word takes the square of its length.
const LOCAL = /(?<![\w-])(?:[\w-]{1,63}\.){1,8}local(?![\w-])/gi;
const SDP_LINES = /^(a=(?:ice-pwd|crypto|key-mgmt):).*?(\r?)$/gm;
const UFRAG_LINES = /^(a=ice-ufrag:)(.*?)(\r?)$/gm;
const UFRAG_WORDS = /(\bufrag )(\S+)/g;
const QUERY = new RegExp(`([?&](?:${SECRETS})=)[^&\\s"]+`, 'gi');
const HEADERS = /^((?:proxy-)?authorization:|(?:set-)?cookie:).*?(\r?)$/gim;
/** In a text that is no JSON, or a piece of it: each quote has as many backslashes as it is deep. */
const MEMBERS = new RegExp(
  `(?<!\\\\)((\\\\*)"(?:${SECRETS})\\2"\\s*:\\s*)`
  + `(?:(\\2")(?:(?!(?<!\\\\)\\2")[^])*|[^\\s"\\\\,{}[\\]]+)`, 'gi',
);

export class Redactor {
  /** @type {Map<string, string>} the stand-ins given so far */
  #known = new Map();
  /** @type {Record<string, number>} */
  #counts = {};

  /** @param {Trace} event @returns {Trace} */
  trace(event) {
    const trace = tidy(event);
    const summary = this.text(trace.summary);
    return trace.raw === undefined
      ? { ...trace, summary }
      : { ...trace, summary, raw: this.#raw(trace.raw, DEPTH) };
  }

  /** Addresses and what is known by its place in SDP, a candidate or a URL. @param {string} text */
  text(text) {
    return text
      .replace(SDP_LINES, `$1${GONE}$2`)
      .replace(UFRAG_LINES, (_, head, ufrag, end) => head + this.#standIn('ufrag', ufrag) + end)
      .replace(UFRAG_WORDS, (_, head, ufrag) => head + this.#standIn('ufrag', ufrag))
      .replace(QUERY, `$1${GONE}`)
      .replace(HEADERS, `$1 ${GONE}$2`)
      .replace(MEMBERS, (_, head, depth, quote) => (
        `${head}${depth}"${GONE}${quote ? '' : `${depth}"`}`))
      .replace(LOCAL, (name) => `${this.#standIn('hidden', name)}.local`)
      .replace(IPV6, (address) => this.#address(address))
      .replace(IPV4, (address) => this.#address(address));
  }

  /** A text that may be JSON, as messages are, and what lies in them. @param {string} raw @param {number} depth */
  #raw(raw, depth) {
    let json;
    try {
      json = JSON.parse(raw);
    } catch {
      return this.text(raw);
    }
    return JSON.stringify(this.#value(json, depth));
  }

  /** @param {unknown} value @param {number} depth @returns {unknown} */
  #value(value, depth) {
    if (depth === 0) {
      return GONE;
    }
    if (typeof value === 'string') {
      return /^\s*[[{"]/.test(value) ? this.#raw(value, depth - 1) : this.text(value);
    }
    if (Array.isArray(value)) {
      return value.map((inner) => this.#value(inner, depth - 1));
    }
    if (!value || typeof value !== 'object') {
      return value;
    }
    const isServer = Object.keys(value).some((name) => /^(urls?|credential)$/i.test(name));
    return Object.fromEntries(Object.entries(value).map(([name, inner]) => {
      if (SECRET.test(name) || (isServer && /^username$/i.test(name))) {
        return [name, GONE];
      }
      const isFragment = FRAGMENT.test(name) && typeof inner === 'string';
      return [name, isFragment ? this.#standIn('ufrag', inner) : this.#value(inner, depth - 1)];
    }));
  }

  /** @param {string} address */
  #address(address) {
    return COMMON.has(address) ? address : this.#standIn('address', address.toLowerCase());
  }

  /** @param {string} kind @param {string} text */
  #standIn(kind, text) {
    // What is redacted already, in a trace that was opened, stays as it is.
    if (new RegExp(`^${kind}-\\d+(\\.local)?$`).test(text)) {
      return text.replace('.local', '');
    }
    const key = `${kind} ${text}`;
    let known = this.#known.get(key);
    if (!known) {
      this.#counts[kind] = (this.#counts[kind] ?? 0) + 1;
      known = `${kind}-${this.#counts[kind]}`;
      this.#known.set(key, known);
    }
    return known;
  }
}

/** @param {Trace[]} traces */
export function redact(traces) {
  const redactor = new Redactor();
  return traces.map((trace) => redactor.trace(trace));
}
