/*
 * Session descriptions (RFC 8866) and candidates (RFC 8839, 5.1) for reading: sections that can be
 * folded, the difference to the description before, candidates as table rows. No DOM.
 */

/**
 * @typedef {object} Section
 * @property {string} key `session`, or the m-line's mid: what stays the same in a renegotiation
 * @property {string} title
 * @property {string[]} lines
 */
/** @typedef {{ mark: ' ' | '+' | '-', text: string }} DiffLine */
/** @typedef {{ title: string, changes: number, lines: DiffLine[] }} SectionDiff */
/**
 * @typedef {object} Candidate
 * @property {string} type host, srflx, prflx, relay
 * @property {string} protocol
 * @property {string} address
 * @property {string} port
 * @property {boolean} hidden the browser gave a .local name in place of its address
 */

const DIFF_MAX = 4_000_000; // cells of the table that finds the longest common lines
const DIRECTIONS = /^a=(sendrecv|sendonly|recvonly|inactive)$/;

/** @param {string[]} lines */
function titleOf(lines) {
  const [kind = '', port] = lines[0].slice(2).split(' ');
  const mid = lines.find((line) => line.startsWith('a=mid:'))?.slice(6);
  const direction = lines.map((line) => DIRECTIONS.exec(line)?.[1]).find(Boolean);
  const parts = [kind, mid === undefined ? '' : `mid ${mid}`, direction];
  return [...parts, port === '0' ? 'rejected' : ''].filter(Boolean).join(' · ');
}

/** @param {string} sdp @returns {Section[]} the session's lines, then one for each m-line */
export function sections(sdp) {
  /** @type {string[][]} */
  const parts = [[]];
  for (const line of sdp.split(/\r\n|\n|\r/).filter(Boolean)) {
    if (line.startsWith('m=')) {
      parts.push([]);
    }
    parts[parts.length - 1].push(line);
  }
  return parts.map((lines, at) => {
    if (at === 0) {
      return { key: 'session', title: 'session', lines };
    }
    const mid = lines.find((line) => line.startsWith('a=mid:'));
    return { key: mid ?? `m${at}`, title: titleOf(lines), lines };
  });
}

/** @param {DiffLine['mark']} mark @returns {(text: string) => DiffLine} */
const marked = (mark) => (text) => ({ mark, text });

/** @param {string[]} before @param {string[]} after @returns {DiffLine[]} */
function roughDiff(before, after) {
  const old = new Set(before);
  const fresh = new Set(after);
  const gone = before.filter((text) => !fresh.has(text)).map(marked('-'));
  return [...gone, ...after.map((text) => marked(old.has(text) ? ' ' : '+')(text))];
}

/** Keep the longest common lines. @param {string[]} before @param {string[]} after */
export function diffLines(before, after) {
  const width = after.length + 1;
  if ((before.length + 1) * width > DIFF_MAX) {
    return roughDiff(before, after);
  }
  const common = new Uint32Array((before.length + 1) * width);
  for (let i = before.length - 1; i >= 0; i--) {
    for (let j = after.length - 1; j >= 0; j--) {
      const at = i * width + j;
      common[at] = before[i] === after[j]
        ? common[at + width + 1] + 1
        : Math.max(common[at + width], common[at + 1]);
    }
  }
  /** @type {DiffLine[]} */
  const lines = [];
  for (let i = 0, j = 0; i < before.length || j < after.length;) {
    const at = i * width + j;
    if (i < before.length && j < after.length && before[i] === after[j]) {
      lines.push({ mark: ' ', text: after[j] });
      i++;
      j++;
    } else if (j === after.length || (i < before.length && common[at + width] >= common[at + 1])) {
      lines.push({ mark: '-', text: before[i++] });
    } else {
      lines.push({ mark: '+', text: after[j++] });
    }
  }
  return lines;
}

/**
 * Section by section; a section that is gone stands at the end.
 * @param {string} before '' if there was none
 * @param {string} after
 * @returns {SectionDiff[]}
 */
export function diff(before, after) {
  const old = new Map(sections(before).map((section) => [section.key, section]));
  const found = sections(after).map(({ key, title, lines }) => {
    const previous = old.get(key)?.lines ?? [];
    old.delete(key);
    return { title, lines: diffLines(previous, lines) };
  });
  const gone = Array.from(old.values(), ({ title, lines }) => (
    { title, lines: diffLines(lines, []) }
  ));
  return [...found, ...gone].map((section) => (
    { ...section, changes: section.lines.filter(({ mark }) => mark !== ' ').length }
  ));
}

/** The candidates inside a description, without their `a=`. @param {string} sdp */
export function candidatesOf(sdp) {
  return Array.from(sdp.matchAll(/^a=(candidate:.*?)\r?$/gm), (match) => match[1]);
}

/** @param {string} text `candidate:…` @returns {Candidate | null} null: the end, or none */
export function readCandidate(text) {
  const [head, , protocol, , address, port, word, type] = text.trim().split(/\s+/);
  if (!head?.startsWith('candidate:') || word !== 'typ' || !type) {
    return null;
  }
  return {
    type, protocol: protocol.toLowerCase(), address, port, hidden: /\.local$/i.test(address),
  };
}

/** @param {Candidate} candidate */
export function placeOf({ address, port }) {
  return address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`;
}

/** What a description is about, in a few words. @param {string} sdp */
export function glance(sdp) {
  const kinds = sections(sdp).slice(1).map(({ lines }) => lines[0].slice(2).split(' ')[0]);
  const count = candidatesOf(sdp).length;
  return [kinds.join(' '), count ? `${count} candidates` : ''].filter(Boolean).join(' · ');
}
