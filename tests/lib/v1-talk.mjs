// Participants of nakodo.v1 who talk in their rooms, number what they say, and come back when and as
// they are told. What is lost, doubled or out of order is a fault; so is a connect that is refused.
import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { Session } from './v1.mjs';

/** Numbers from 0 to 1, the same for the same seed (mulberry32). */
export function random(seed) {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

export class Talker {
  said = 0;
  /** The number that each other one said last. */
  heard = new Map();
  /** How long each absence took, in ms. */
  absences = [];
  faults = [];
  #closing;

  constructor(base, room, chance) {
    this.chance = chance;
    this.session = new Session(base, room, {
      queue: false,
      onmessage: (message) => this.#hear(message),
      onfault: (fault) => this.faults.push(fault),
      onfirst: () => this.session.ws.on('message', (data) => {
        if (String(data).startsWith('{"type":"closing"')) this.#closing = JSON.parse(String(data));
      }),
    });
  }

  async join() {
    await this.session.connect();
    this.#stay();
  }

  #hear({ type, from, i, code }) {
    if (type === 'error') this.faults.push(new Error(`error ${code}`));
    if (type !== 'talk') return;
    const last = this.heard.get(from) ?? 0;
    if (i !== last + 1) this.faults.push(new Error(`${i} of ${from} after ${last}`));
    this.heard.set(from, i);
  }

  /** For as long as it talks: come back after each end of the connection. */
  async #stay() {
    for (;;) {
      const { code } = await this.session.closed;
      const began = Date.now();
      if (this.over) return;
      if (code !== 1001 || !this.#closing) this.faults.push(new Error(`closed with ${code}, and was told ${JSON.stringify(this.#closing)}`));
      await sleep((this.#closing?.retryAfter ?? 0) * 1000);
      this.#closing = undefined;
      try {
        const first = await this.session.connect();
        if (first.type !== 'resumed') this.faults.push(new Error(`came back to ${first.raw}`));
      } catch (error) {
        this.faults.push(error);
        return;
      }
      this.absences.push(Date.now() - began);
    }
  }

  /** Say something now and then, until stop(). */
  async talk(every) {
    while (!this.over && !this.quiet) {
      await sleep(every * 2 * this.chance());
      this.session.send({ type: 'talk', i: ++this.said });
    }
  }

  /** All that the others said has been heard, and all of its own is acknowledged. */
  async caughtUp(others) {
    await this.session.until(() => others.every((o) => o === this || (this.heard.get(o.session.id) ?? 0) === o.said) && !this.session.pending,
      'all that was said', 30000);
  }

  leave() {
    this.over = true;
    return this.session.bye();
  }
}

/** So many participants, `size` in each room, that talk. */
export async function crowd(base, count, size, seed) {
  const chance = random(seed);
  const all = Array.from({ length: count }, (_, i) => new Talker(base, `room ${Math.floor(i / size)}`, chance));
  for (let i = 0; i < count; i += 100) await Promise.all(all.slice(i, i + 100).map((talker) => talker.join()));
  return all;
}

/** They fall silent; then nothing is missing anywhere. */
export async function settle(all) {
  for (const talker of all) talker.quiet = true;
  const inRoomOf = ({ session }) => all.filter((other) => other.session.room === session.room);
  try {
    await Promise.all(all.map((talker) => talker.caughtUp(inRoomOf(talker))));
  } finally {
    const faults = all.flatMap((talker) => talker.faults);
    assert.deepEqual(faults.map(String).slice(0, 5), [], `${faults.length} faults`);
  }
}
