/*
 * What others wrote, where it stands beside words of ours: it must not turn them around, and a name
 * must be something to be seen. No DOM.
 */

/** A joiner inside an emoji, which stays, or a character without a shape of its own. */
const FORMAT = /([\p{Extended_Pictographic}\p{Emoji_Modifier}\uFE0F]\u200D(?=\p{Extended_Pictographic}))|\p{Cf}/gu;
/** Written from right to left: what follows in the sentence would go along. */
const RIGHT_TO_LEFT = /[\u0590-\u08FF\uFB1D-\uFDFF\uFE70-\uFEFC\u{10800}-\u{10FFF}\u{1E800}-\u{1EFFF}]/u;
const GAPS = /[\p{Cc}\p{Co}\p{Cs}\p{Zl}\p{Zp}\s]+/gu;
const UNSEEN = /^[\p{Z}\p{M}\p{Default_Ignorable_Code_Point}\u2800]*$/u;

/** The text without what turns the direction of writing or hides. @param {string} text */
export function plainText(text) {
  return text.replace(FORMAT, '$1');
}

/** The same for the middle of a sentence: its direction ends with it. @param {string} text */
export function insert(text) {
  const plain = plainText(text);
  return RIGHT_TO_LEFT.test(plain) ? `\u2068${plain}\u2069` : plain;
}

/** A name as one line; '' if nothing of it could be seen. @param {string} name */
export function plainName(name) {
  const plain = plainText(name).replace(GAPS, ' ').trim();
  return UNSEEN.test(plain) ? '' : plain;
}
