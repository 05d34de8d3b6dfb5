/*
 * The few facts that the lab reads out of a session description (RFC 8866) and a candidate
 * (RFC 8839, 5.1).
 */

/** The session number of the `o=` line, '' if there is none. @param {string | undefined} sdp */
export function sessionOf(sdp) {
  return /^o=\S+ (\d+) /m.exec(sdp ?? '')?.[1] ?? '';
}

/** The session with its version: differs in every new offer or answer. @param {string} sdp */
export function versionOf(sdp) {
  return /^o=\S+ (\d+ \d+) /m.exec(sdp)?.[1] ?? '';
}

/** @param {string} sdp @param {string} ufrag does a media section go by that name? */
export function hasUfrag(sdp, ufrag) {
  return sdp.split(/\r?\n/).includes(`a=ice-ufrag:${ufrag}`);
}

/** @param {string} sdp */
export function countCandidates(sdp) {
  return sdp.match(/^a=candidate:/gm)?.length ?? 0;
}

/** "audio video · 3 × candidate" for the log. @param {string} sdp */
export function describeSdp(sdp) {
  const kinds = Array.from(sdp.matchAll(/^m=(\w+)/gm), (match) => match[1]).join(' ');
  const count = countCandidates(sdp);
  return count ? `${kinds} · ${count} × candidate` : kinds;
}

/** "host udp 192.0.2.1:50000" for the log; '' stands for the end. @param {string} candidate */
export function describeCandidate(candidate) {
  if (!candidate) {
    return 'end-of-candidates';
  }
  const [, , protocol, , address, port, , kind] = candidate.split(' ');
  return kind ? `${kind} ${protocol.toLowerCase()} ${address}:${port}` : '';
}
