// What a server's message of nakodo.v1 must look like: every member is known, and none is missing.
import assert from 'node:assert/strict';

const ID = /^[A-Za-z0-9_-]{4,64}$/;
const SESSION = /^[A-Za-z0-9_-]{22}$/; // 128 bits

const isText = (value) => typeof value === 'string';
const isFlag = (value) => typeof value === 'boolean';
const isCount = (value) => Number.isSafeInteger(value) && value >= 0;
const isId = (value) => isText(value) && ID.test(value);
const isObject = (value) => typeof value === 'object' && value !== null && !Array.isArray(value);
const isAny = () => true;
const isOneOf = (...values) => (value) => values.includes(value);
const isList = (test) => (value) => Array.isArray(value) && value.every(test);
const isMade = (shape) => (value) => isObject(value) && !wrong(value, shape);

/** A shape is the members and their tests; a name with a question mark may be missing. */
function wrong(object, shape) {
  const left = new Set(Object.keys(object));
  for (const [entry, test] of Object.entries(shape)) {
    const name = entry.replace('?', '');
    const there = left.delete(name);
    if (!there && name === entry) return `${name} is missing`;
    if (there && !test(object[name])) return `${name} is ${JSON.stringify(object[name])}`;
  }
  return left.size ? `${[...left].join(', ')} is not known` : '';
}

const who = { 'name?': isText, 'meta?': isObject, 'user?': isText };
const iceServers = isList(isMade({ urls: isAny, 'username?': isText, 'credential?': isText }));
const may = { locked: isFlag, can: isList(isOneOf('lock', 'kick')) };
const line = { from: isId, 'name?': isText, at: isCount, text: isText };

const shapes = {
  welcome: {
    id: isId, room: isText, session: (s) => isText(s) && SESSION.test(s),
    peers: isList(isMade({ id: isId, ...who, 'away?': isOneOf(true), owner: isFlag })),
    history: isList(isMade(line)), iceServers, resumeSeconds: isCount,
    limits: isMade({ message: isCount, peers: isCount }), 'recovered?': isOneOf(false), ...may,
  },
  resumed: { id: isId, session: (s) => isText(s) && SESSION.test(s), n: isCount, iceServers, ...may },
  'peer-joined': { peer: isMade({ id: isId, ...who, owner: isFlag }) },
  'peer-left': { id: isId, reason: isOneOf('bye', 'gone', 'kicked') },
  'peer-away': { id: isId },
  'peer-back': { id: isId },
  'peer-updated': { peer: isMade({ id: isId, ...who }) },
  ice: { iceServers },
  error: { code: isText, message: (text) => isText(text) && /^[A-Z].*\.$/.test(text), 'n?': isCount, 'to?': isText },
  ack: { n: isCount },
  pong: { 't?': isAny },
  lock: { locked: isFlag, 'by?': isId },
  token: { 'seconds?': isCount, 'locked?': isFlag, 'can?': may.can },
  closing: { reason: isText, retryAfter: (s) => typeof s === 'number' && s >= 0 },
};

/** Those that are not counted. */
const unnumbered = new Set(['welcome', 'resumed', 'ack', 'pong', 'closing', 'token', 'lock']);

export const isNumbered = (message) => !unnumbered.has(message.type);

/** Those of the server's own making; everything else was relayed. */
export const isRelayed = (message) => !(message.type in shapes);

/** The message, taken apart; throws when the server may not say this. */
export function parse(text) {
  const message = JSON.parse(text);
  const shape = shapes[message.type];
  if (shape) {
    const { type, ...members } = message;
    assert.equal(wrong(members, shape), '', `${type}: ${text}`);
  } else {
    assert.ok(isText(message.type) && isId(message.from), text);
    assert.ok(text.startsWith(`{"from":"${message.from}",`), `from is not in front: ${text}`);
  }
  Object.defineProperty(message, 'raw', { value: text });
  return message;
}
