// The server has come back and knows nobody, but connections between pages went on without it. Who is at
// their other ends under which new id, the two pages settle themselves. Each tells the other over the
// connection its new id and a secret, and shows the other's secret to that id through the server. Both must
// agree: the server sees no connection, and a peer only its own, so neither can put anybody at the place of
// somebody else.
import { randomSecret } from './secret.js';

/**
 * @typedef {import('../mesh.js').Pair} Pair
 * @typedef {import('./wire.js').Newcomer} Newcomer
 * @typedef {import('./wire.js').PeerMessage} PeerMessage
 *
 * @typedef {object} Kept
 * @property {string} secret that whoever is at its other end will show us
 * @property {boolean} isShown we have shown the other end's
 *
 * @typedef {object} Candidate a new member that may be at the other end of one
 * @property {Newcomer} newcomer
 * @property {PeerMessage[]} said what nobody has read yet
 * @property {number} since when, of #waited
 *
 * @typedef {object} SurvivorEvents
 * @property {() => boolean} isOpen whether the server is there
 * @property {(id: string) => boolean} isKnown whether it is a member that nobody waits for
 * @property {(id: string, secret: string) => void} show through the server
 * @property {(newcomer: Newcomer) => void} add it is somebody new
 * @property {(pair: Pair, newcomer: Newcomer) => void} adopt it is at the other end of this one
 * @property {(pair: Pair) => void} lose nobody is
 * @property {(message: PeerMessage) => void} hear what it has said since it came
 */

const TICK_MS = 250;
const CLAIM_MS = 1500; // within which a new member must have been recognised
const RETURN_MS = 15000; // for the other end to come back; between two tries are 5 s at most
const SAID_MAX = 100; // messages

export class Survivors {
  #on;
  /** Of which it is not known yet who is at the other end. @type {Map<Pair, Kept>} */
  #kept = new Map();
  /** @type {Map<string, Candidate>} */
  #candidates = new Map();
  #waited = 0; // ms, while the server was there
  /** @type {ReturnType<typeof setInterval> | undefined} */
  #ticker;

  /** @param {SurvivorEvents} on */
  constructor(on) {
    this.#on = on;
  }

  /** We are somebody new. @param {Pair[]} pairs whose connections are well @param {string} id our own */
  keep(pairs, id) {
    this.stop();
    for (const pair of pairs) {
      const secret = randomSecret();
      this.#kept.set(pair, { secret, isShown: false });
      pair.keep({ id, secret });
    }
    this.#waited = 0;
    if (pairs.length) this.#ticker = setInterval(() => this.#tick(), TICK_MS);
  }

  /** @param {Newcomer} newcomer @returns {boolean} whether it may be one of those who are missing */
  expect(newcomer) {
    if (!this.#kept.size) return false;
    this.#candidates.set(newcomer.id, { newcomer, said: [], since: this.#waited });
    this.#matchAll();
    return true;
  }

  /** What the server says of one that is waited for. @param {string} id */
  newcomer(id) {
    return this.#candidates.get(id)?.newcomer;
  }

  /** @param {PeerMessage} message @returns {boolean} whether it is for later, when it is known whose it is */
  hold(message) {
    const candidate = this.#candidates.get(message.from);
    if (!candidate) return false;
    candidate.said.push(message);
    if (message.type === 'again') this.#matchAll();
    // It has begun anew, or it talks too much.
    else if ((message.type === 'offer' && message.g) || candidate.said.length > SAID_MAX) this.#admit(candidate);
    return true;
  }

  /** Its other end has said who it is. @param {Pair} pair */
  match(pair) {
    const { claim } = pair;
    const kept = this.#kept.get(pair);
    if (!claim || !kept) return;
    const candidate = this.#candidates.get(claim.id);
    if (!candidate) {
      if (this.#on.isKnown(claim.id)) this.#on.lose(pair); // it has begun anew
      return;
    }
    if (!kept.isShown) this.#on.show(claim.id, claim.secret);
    kept.isShown = true;
    if (!candidate.said.some(({ type, secret }) => type === 'again' && secret === kept.secret)) return;
    this.#kept.delete(pair);
    this.#settle(candidate, () => this.#on.adopt(pair, candidate.newcomer));
    this.forget(pair);
  }

  /** It is not kept any more. @param {Pair} pair */
  forget(pair) {
    this.#kept.delete(pair);
    if (this.#kept.size) return;
    clearInterval(this.#ticker);
    for (const candidate of this.#candidates.values()) this.#admit(candidate);
  }

  /** What it said is heard, whoever it was. @param {string} id of a member that has left */
  left(id) {
    const candidate = this.#candidates.get(id);
    this.#candidates.delete(id);
    if (candidate?.said.some(({ type }) => type !== 'again')) this.#admit(candidate);
  }

  stop() {
    clearInterval(this.#ticker);
    this.#kept.clear();
    this.#candidates.clear();
  }

  #matchAll() {
    for (const pair of this.#kept.keys()) this.match(pair);
  }

  /** As somebody new. @param {Candidate} candidate */
  #admit(candidate) {
    this.#settle(candidate, () => this.#on.add(candidate.newcomer));
    this.#matchAll();
  }

  /** @param {Candidate} candidate @param {() => void} act */
  #settle({ newcomer, said }, act) {
    this.#candidates.delete(newcomer.id);
    act();
    for (const message of said) if (message.type !== 'again') this.#on.hear(message);
  }

  #tick() {
    if (!this.#on.isOpen()) return;
    this.#waited += TICK_MS;
    for (const candidate of this.#candidates.values()) {
      if (this.#waited - candidate.since >= CLAIM_MS) this.#admit(candidate);
    }
    if (this.#waited < RETURN_MS) return;
    for (const pair of this.#kept.keys()) this.#on.lose(pair);
  }
}
