// What a page gives us by mistake is told at once, in words.

/** @param {unknown} value as a reader of the sentence knows it */
function nameOf(value) {
  if (value === null || typeof value !== 'object') return String(value);
  return value.constructor?.name ?? 'an object';
}

/** @param {string} what was called @param {string} expected @param {unknown} value @returns {never} */
export function mistaken(what, expected, value) {
  throw new TypeError(`${what} takes ${expected}, not ${nameOf(value)}`);
}

/** @param {unknown} value @param {string} what @param {string} expected */
export function mustBeText(value, what, expected) {
  if (typeof value !== 'string') mistaken(what, expected, value);
}

/** @param {unknown} value @param {string} what @param {string} expected */
export function mayBeText(value, what, expected) {
  if (value !== undefined) mustBeText(value, what, expected);
}

/** @param {unknown} value @param {string} what @param {string} expected */
export function mustBeObject(value, what, expected) {
  if (value === null || typeof value !== 'object' || Array.isArray(value)) mistaken(what, expected, value);
}

/** @param {{ name?: unknown, meta?: unknown }} self what one says of oneself @param {string} what */
export function mustBeSelf(self, what) {
  mustBeObject(self, what, 'an object with name or meta');
  mayBeText(self.name, what, 'a name that is a string');
  if (self.meta !== undefined) mustBeObject(self.meta, what, 'a meta that is an object');
}

/** @param {{ to?: unknown }} options @param {string} what */
export function mustBeAddressed(options, what) {
  mustBeObject(options, what, 'an object with `to`, the id of a peer,');
  mayBeText(options.to, what, 'a `to` that is the id of a peer');
}
