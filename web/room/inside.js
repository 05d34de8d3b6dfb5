/*
 * Who is in the room, told before one is in it oneself: asked for at once, and now and then while
 * somebody looks. If the server does not say, nothing is told.
 */

import { byId } from '../lib/dom.js';
import { plainName } from '../lib/foreign.js';
import { say } from '../lib/i18n.js';
import { nameOf, wordsOf } from './names.js';
import { brief } from './status.js';
import { hasTokenEnded, mayModerate, tokenOfPage } from '../lib/token.js';

/** @typedef {{ peers: { name?: string, away?: boolean }[], count: number, full: boolean, locked: boolean }} Inside */

const EVERY_MS = 5000;

/** By the status of the answer: a browser does not tell why a WebSocket was refused. @type {Partial<Record<number, string>>} */
const REFUSALS = { 401: 'inside.noToken', 403: 'inside.otherRoom' };

const line = byId('inside', HTMLElement);
const hindrance = byId('inside-hindrance', HTMLElement);

/**
 * @param {string} room
 * @param {AbortSignal} signal
 * @returns {Promise<{ inside?: Inside | null, refusal?: string }>} neither: this time it was not told
 */
async function ask(room, signal) {
  const token = tokenOfPage();
  const headers = /** @type {Record<string, string>} */ (token ? { Authorization: `Bearer ${token}` } : {});
  const answer = await fetch(`/v1/${encodeURIComponent(room)}/peers`, { headers, signal }).catch(() => null);
  return answer?.ok
    ? { inside: await answer.json().catch(() => null) }
    : { refusal: answer?.status === 401 && hasTokenEnded() ? 'inside.ended' : REFUSALS[answer?.status ?? 0] };
}

/** @param {Inside} inside @returns {[string, import('../lib/i18n.js').Params]} the sentence */
function sentenceOf({ peers, count }) {
  const present = peers.filter(({ away }) => !away);
  const there = count - peers.length + present.length;
  const names = present.filter(({ name }) => plainName(name ?? '')).slice(0, 2)
    .map(({ name }) => brief(wordsOf(nameOf({ id: '', name }))));
  const [first, second] = names;
  if (!there) {
    return ['inside.nobody', {}];
  }
  if (there === names.length) {
    return second ? ['inside.two', { first, second }] : ['inside.one', { first }];
  }
  const more = there - names.length;
  return first ? [second ? 'inside.twoMore' : 'inside.oneMore', { first, second, more }] : ['inside.count', { more }];
}

/** Why one would not be let in. @param {Inside} inside @returns {string | undefined} */
function hindranceOf(inside) {
  if (inside.full) {
    return sentenceOf(inside)[0] === 'inside.nobody' ? 'inside.kept' : 'join.full';
  }
  if (inside.locked) {
    return mayModerate() ? 'inside.lockedForOthers' : 'join.locked';
  }
  return undefined;
}

/** @param {Awaited<ReturnType<typeof ask>>} told */
function show({ inside, refusal }) {
  const key = inside ? hindranceOf(inside) : refusal;
  line.hidden = !inside || key === 'inside.kept';
  hindrance.hidden = !key;
  if (inside) {
    say(line, ...sentenceOf(inside));
  }
  if (key) {
    say(hindrance, key);
  }
}

/** @param {string} room @param {AbortSignal} signal ends it */
export function watchInside(room, signal) {
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer;
  let isAsking = false;

  const look = async () => {
    if (isAsking || document.hidden) {
      return;
    }
    isAsking = true;
    clearTimeout(timer);
    const told = await ask(room, signal);
    isAsking = false;
    if (signal.aborted) {
      return;
    }
    show(told);
    if (!told.refusal) { // it would be refused again
      timer = setTimeout(look, EVERY_MS);
    }
  };
  document.addEventListener('visibilitychange', look, { signal });
  addEventListener('hashchange', look, { signal }); // a link with another token loads nothing anew
  signal.addEventListener('abort', () => clearTimeout(timer));
  look();
}
