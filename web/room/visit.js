/*
 * A visit to a room, from Join on: the client, what it tells, and the call. It is loaded while the
 * person still looks at the pre-join.
 */

import { connect } from '../client.js';
import { Call } from './call.js';
import { streamOf } from './outgoing.js';
import { Signals } from './signals.js';
import { tokenOfPage } from '../lib/token.js';

const HAS_RTC = typeof RTCPeerConnection !== 'undefined';

/** Keeps the session over a reload, where storage is allowed. */
function storage() {
  try {
    return sessionStorage;
  } catch {
    return undefined;
  }
}

/**
 * Join the room.
 * @param {string} room
 * @param {string} name
 * @param {import('./own-media.js').OwnMedia} own
 * @param {AbortSignal} signal gives it up
 * @returns what shows the room
 */
export async function join(room, name, own, signal) {
  const client = connect(location.origin, { storage: storage() });
  const signals = new Signals(client);
  const joined = await client.join(room, {
    name: name || undefined,
    stream: HAS_RTC ? streamOf(own) : undefined,
    meta: HAS_RTC ? undefined : { rtc: false },
    signal,
    token: () => tokenOfPage() ?? '', // asked anew in time before it ends
  });
  return (/** @type {(error?: import('../client.js').SignalError) => void} */ onEnd) => {
    new Call(joined, own, signals, onEnd);
    signals.prepare();
  };
}
