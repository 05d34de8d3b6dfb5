/*
 * What the browser finds of its own addresses, and whether each STUN and TURN server that the
 * daemon names gives what it is there for. No DOM.
 */

import { readCandidate } from '../signals/sdp.js';
import { HAS_RTC } from './browser.js';

/** @typedef {import('./steps.js').Found} Found */
/** @typedef {import('./steps.js').Result} Result */
/** @typedef {import('./steps.js').Sentence} Sentence */
/** @typedef {import('../signals/sdp.js').Candidate} Candidate */
/** @typedef {{ code: number, text: string }} IceError */
/** @typedef {{ candidates: Candidate[], ms: number, errors: IceError[] }} Gathered */

const GATHER_MS = 8000;
/** By error code. @type {Record<number, string>} */
const KEYS = { 401: 'check.ice.password', 701: 'check.ice.unreachable' };

/**
 * Collect candidates until there are no more, or one of the wanted type is there.
 * @param {RTCConfiguration} configuration
 * @param {string} [wanted]
 * @returns {Promise<Gathered>} ms: until the wanted one
 */
function gather(configuration, wanted) {
  const pc = new RTCPeerConnection(configuration);
  const begin = performance.now();
  /** @type {Gathered} */
  const found = { candidates: [], ms: 0, errors: [] };
  return new Promise((resolve) => {
    const end = () => {
      clearTimeout(timer);
      found.ms = performance.now() - begin;
      pc.close();
      resolve(found);
    };
    const timer = setTimeout(end, GATHER_MS);
    pc.addEventListener('icecandidate', ({ candidate }) => {
      const read = readCandidate(candidate?.candidate ?? '');
      if (read) {
        found.candidates.push(read);
      }
      if (!candidate || read?.type === wanted) {
        end();
      }
    });
    pc.addEventListener('icecandidateerror', ({ errorCode, errorText }) => {
      found.errors.push({ code: errorCode, text: errorText });
    });
    pc.createDataChannel('check');
    pc.setLocalDescription().catch(end);
  });
}

/** @param {RTCIceServer} server @returns {Promise<{ isGood: boolean, says: Sentence }>} */
async function checkOne(server) {
  const url = String(server.urls);
  const isTurn = /^turns?:/.test(url);
  const wanted = isTurn ? 'relay' : 'srflx';
  const policy = isTurn ? 'relay' : 'all';
  const found = await gather({ iceServers: [server], iceTransportPolicy: policy }, wanted);
  const isGood = found.candidates.some(({ type }) => type === wanted);
  if (isGood) {
    const params = { url, type: wanted, ms: found.ms.toFixed(0) };
    return { isGood, says: { key: 'check.ice.one', params } };
  }
  // 701 only says that one of the machine's addresses did not reach it; 401 says more.
  const error = found.errors.find(({ code }) => code !== 701) ?? found.errors[0];
  if (!error) {
    const key = isTurn ? 'check.ice.noRelay' : 'check.ice.same';
    return { isGood, says: { key, params: { url } } };
  }
  const key = KEYS[error.code] ?? 'check.ice.error';
  return { isGood, says: { key, params: { url, ...error } } };
}

/** @returns {Promise<RTCIceServer[]>} one for each URL */
async function loadServers() {
  const answer = await fetch('/ice.json', { cache: 'no-store' });
  const { iceServers } = await answer.json();
  return iceServers.flatMap((/** @type {RTCIceServer} */ server) => (
    [server.urls].flat().map((urls) => ({ ...server, urls }))
  ));
}

/** @param {Found} found @returns {Promise<Result>} */
export async function checkIce(found) {
  if (!HAS_RTC) {
    return { mark: 'skip', key: 'check.needsRtc' };
  }
  const own = (await gather({})).candidates;
  const hidden = own.filter((candidate) => candidate.hidden).length;
  /** @type {Sentence[]} */
  const facts = [{ key: 'check.ice.own', params: { n: own.length, hidden } }];
  if (!own.length) {
    return { mark: 'bad', key: 'check.ice.nothing', advice: 'check.ice.nothingAdvice' };
  }
  try {
    found.iceServers = await loadServers();
  } catch {
    return { mark: 'bad', key: 'check.ice.noList', advice: 'check.server.advice', facts };
  }
  let good = 0;
  for (const server of found.iceServers) {
    found.tell('check.ice.asking', { url: String(server.urls) });
    const { isGood, says } = await checkOne(server);
    good += isGood ? 1 : 0;
    facts.push(says);
    if (isGood && /^turns?:/.test(String(server.urls))) {
      found.usable.push(server);
    }
  }
  const all = found.iceServers.length;
  if (!all) {
    return { mark: 'warn', key: 'check.ice.none', advice: 'check.ice.noneAdvice', facts };
  }
  const params = { good, all };
  if (good === all) {
    return { mark: 'good', key: 'check.ice.good', params, facts };
  }
  const mark = good ? 'warn' : 'bad';
  return { mark, key: 'check.ice.good', params, advice: 'check.ice.advice', facts };
}
