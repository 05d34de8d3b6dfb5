/*
 * The messages of the wire, and nothing else: JSON objects with a `type`, which the server passes
 * byte for byte to everyone else in the room. Reads the shapes of the usual tutorials as well.
 *
 *   {"type":"offer","sdp":"…"}  {"type":"answer","sdp":"…"}
 *   {"type":"candidate","ice":{"candidate":"…","sdpMid":"0",…}}   ice null or "": the last one
 *   {"type":"bye","from":"…"}   the sender hung up
 *   {"type":"busy","to":"…"}    that page came third and is not answered
 *   {"type":"error","code":"…","message":"…"}   from the server, about a message of ours
 *
 * `from` and `to` are sessions: the number in the `o=` line of a page's SDP (RFC 8866, 5.2), which
 * lasts as long as its RTCPeerConnection. An offer or answer that is meant for one page alone has
 * a `to` as well; others leave it out, and so do the tutorials.
 */

/** @typedef {{ type: 'offer' | 'answer', sdp: string, to: string }} Description to: '' for all */
/**
 * @typedef {Description
 *   | { type: 'candidate', ice: RTCIceCandidateInit | null }
 *   | { type: 'bye', from: string }
 *   | { type: 'busy', to: string }
 *   | { type: 'error', code: string, message: string }} Message
 */
/** @typedef {{ message: Message | null, type: string }} Reading type: '' if it is no message */

/** @param {unknown} value @returns {string} */
function text(value) {
  return typeof value === 'string' ? value : '';
}

/** @param {Record<string, unknown>} json @returns {RTCIceCandidateInit | null | undefined} */
function readCandidate(json) {
  const ice = 'ice' in json ? json.ice : json.candidate;
  if (ice === null || ice === '') {
    return null;
  }
  if (typeof ice === 'string') {
    return { ...json, candidate: ice };
  }
  return typeof ice === 'object' && !Array.isArray(ice) ? ice : undefined;
}

/** @param {Record<string, unknown>} json @returns {Message | null} */
function readMessage(json) {
  switch (json.type) {
    case 'offer':
    case 'answer':
      return json.sdp ? { type: json.type, sdp: text(json.sdp), to: text(json.to) } : null;
    case 'candidate': {
      const ice = readCandidate(json);
      return ice === undefined ? null : { type: 'candidate', ice };
    }
    case 'bye':
      return { type: 'bye', from: text(json.from) };
    case 'busy':
      return { type: 'busy', to: text(json.to) };
    case 'error':
      return { type: 'error', code: text(json.code), message: text(json.message) };
    default:
      return null;
  }
}

/**
 * What a received text says; `message` is null for what this page has no use for.
 * @param {string | null} received
 * @returns {Reading}
 */
export function read(received) {
  let json;
  try {
    json = JSON.parse(received ?? '');
  } catch {
    return { message: null, type: '' };
  }
  if (typeof json?.type !== 'string') {
    return { message: null, type: '' };
  }
  return { message: readMessage(json), type: json.type };
}

/** @param {Message} message */
export function write(message) {
  return JSON.stringify(message, (name, value) => (name === 'to' && !value ? undefined : value));
}
