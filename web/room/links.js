/*
 * Addresses in what somebody wrote: which parts of a text are a link, and to where. No DOM.
 */

const MOST = 50; // of one text; what comes behind stays text

/**
 * Of what RFC 3986 knows only: so the text of a link ends before other letters, as Japanese goes on
 * without a space, and holds nothing that hides, looks like something else or turns around.
 */
const ADDRESS = /\bhttps?:\/\/[\w\-.~:/?#[\]@!$&'()*+,;=%]+/gi;
const TRAILING = /[.,;:!?'*]$/;
const BRACKETS = /** @type {[string, string][]} */ ([['(', ')'], ['[', ']']]);
/** A host and a port, without a user, who would be read as the host. */
const AUTHORITY = /^https?:\/\/([a-z\d-]+(\.[a-z\d-]+)*|\[[a-f\d:.]+\])(:\d+)?(?=$|[/?#])/i;

/** What of it belongs to the sentence around it: a full stop, a bracket that was opened outside. */
function trim(/** @type {string} */ address) {
  const count = (/** @type {string} */ char) => address.split(char).length - 1;
  const open = new Map(BRACKETS.map(([left, right]) => [right, count(right) - count(left)]));
  let end = address.length;
  for (;;) {
    const last = address[end - 1];
    const excess = open.get(last) ?? 0;
    if (excess > 0) {
      open.set(last, excess - 1);
    } else if (!TRAILING.test(last)) {
      return address.slice(0, end);
    }
    end--;
  }
}

/** Safari before 17 cannot be asked; there a port that cannot be leads nowhere. */
const canParse = (/** @type {string} */ address) => URL.canParse?.(address) ?? true;

/**
 * Cut the text into parts; joined they are the text again.
 * @param {string} text
 * @returns {{ text: string, isLink: boolean }[]}
 */
export function partsOf(text) {
  const parts = [];
  let end = 0;
  let links = 0;
  for (const { 0: found, index } of text.matchAll(ADDRESS)) {
    const address = trim(found);
    if (links < MOST && AUTHORITY.test(address) && canParse(address)) {
      links++;
      parts.push({ text: text.slice(end, index), isLink: false }, { text: address, isLink: true });
      end = index + address.length;
    }
  }
  return [...parts, { text: text.slice(end), isLink: false }].filter((part) => part.text);
}
