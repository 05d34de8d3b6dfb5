// What must be true of clients of nakodo.v1 on a bad network. The model knows what each participant
// said and checks what each hears: nothing lost, doubled or out of order between any two, a session lost
// only when it may be, and every participant seen to leave once.
import assert from 'node:assert/strict';
import { Refused } from './client.mjs';
import { Ended, Session } from './v1.mjs';

const SETTLED = 1000; // ms after which a coming or going has been told to all who are connected

/** Random numbers that are the same for the same seed (mulberry32). */
export function dice(seed) {
  let state = seed >>> 0;
  const next = () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
  return {
    chance: (p) => next() < p,
    below: (n) => Math.floor(next() * n),
    pick: (list) => list[Math.floor(next() * list.length)],
  };
}

/** One participant from its welcome to its end. Messages to all have numbers, and so have those to each one. */
class Participant {
  said = 0; // to all
  saidTo = new Map(); // id → to that one
  log = []; // by the session's number: what had been said to all
  missed = new Map(); // id → how many numbers of that one were left out, to all or to us alone
  refused = new Map(); // id → how many of ours that one has missed: the server told us
  sure = 0; // of it, what the server has acknowledged
  heard = new Map(); // id → the next number to all that must come from that one
  heardFrom = new Map(); // id → the next number to us alone
  joined = new Map(); // id → what had been said to all when we were told of that one's coming
  leaving = false; // it wants to, or its session is known to be lost
  gone = false; // somebody was told that it left
  lostAt = undefined; // when its connection was lost, ms

  constructor(room, { id, peers }) {
    this.id = id;
    this.met = new Set(peers.map((peer) => peer.id)); // they were there before: what they said first is unknown
    this.begun = new Map(room.participants.map((other) => [other.id, other.said]));
  }

  /** How many messages of the other have not come. */
  lacks(other) {
    const all = other.said - (this.heard.get(other.id) ?? this.from(other) ?? 0);
    const alone = (other.saidTo.get(this.id) ?? 0) - (this.heardFrom.get(other.id) ?? 0);
    return all + alone + (this.missed.get(other.id) ?? 0);
  }

  /** How many of ours the server did not keep for the other while that was away. */
  refusedFor(other) {
    return this.refused.get(other.id) ?? 0;
  }

  /** From which number on it must hear the other; undefined: that is open. */
  from(other) {
    if (!this.met.has(other.id)) return 0;
    return other.joined.get(this.id);
  }
}

/** All who are and have been in one room of one daemon. */
export class Room {
  byId = new Map();
  left = 0;
  #events = []; // when somebody's coming, going or loss may have been told to the others

  /**
   * @param {{seconds: number, messages: number}} limits of a session that is away
   * @param {boolean} [isPatient] whoever is answered 503 tries again
   */
  constructor(name, limits, isPatient = false) {
    Object.assign(this, { name, limits, isPatient });
  }

  get participants() {
    return [...this.byId.values()];
  }

  happens() {
    this.#events.push(performance.now());
    if (this.#events.length > 4000) this.#events.splice(0, 2000);
  }

  /** At most how many messages the server kept for it while it was connected; what comes later has its share. */
  kept(one, session) {
    let count = session.received - session.surelyAcknowledged;
    count += 2 * this.#events.filter((at) => at > one.lostAt - SETTLED).length;
    for (const other of this.byId.values()) {
      if (other === one || (other.leaving && !session.peers.has(other.id))) continue;
      count += other.said - (one.heard.get(other.id) ?? one.begun.get(other.id) ?? 0);
      count += (other.saidTo.get(one.id) ?? 0) - (one.heardFrom.get(other.id) ?? 0);
    }
    for (const [id, sent] of one.saidTo) if (this.byId.get(id).gone) count += sent; // as many errors
    return count;
  }

  /** May the server have given it up? */
  mayBeGone(one) {
    if (one.leaving) return true;
    if (one.lostAt === undefined) return false;
    return performance.now() - one.lostAt > this.limits.seconds * 1000 - SETTLED ||
      this.kept(one, one.client.session) > this.limits.messages;
  }
}

/** One client behind its own bad network; it is one participant after the other. */
export class ModelClient {
  welcomes = 0;
  resumes = 0;
  lost = 0;
  heard = 0;
  spoken = 0;

  constructor({ name, room, base, proxy, random, fail }) {
    Object.assign(this, { name, room, proxy, random, fail, base });
    this.#begin();
  }

  #begin(replaces) {
    this.me = undefined;
    this.session = new Session(this.base, this.room.name, {
      name: this.name, replaces, queue: false, onfault: this.fail,
      onfirst: (message) => (message.type === 'welcome' ? this.#welcomed(message) : this.#resumed()),
      onmessage: (message) => this.#hear(message),
    });
  }

  /** Be connected, however many attempts it takes. */
  async connect() {
    const { room, session } = this;
    for (;;) {
      this.wasGone = this.me?.gone;
      room.happens();
      try {
        await session.connect();
        this.#watch(session, this.me);
        return;
      } catch (error) {
        room.happens();
        if (error instanceof Refused && error.status === 503 && room.isPatient) {
          await new Promise((done) => setTimeout(done, 100)); // the node that has the room is not there just now
          continue;
        }
        if (error instanceof Refused || (error instanceof Ended && !this.#isLoss(error.code))) throw error;
        if (!(error instanceof Ended) && !/ECONNRESET|EPIPE|socket hang up|disconnected before secure/.test(error.message)) throw error;
      }
    }
  }

  /** Is that how a connection is lost? In a cluster another node may have the room. */
  #isLoss(code) {
    return code === 1006 || (code === 1012 && this.room.isPatient);
  }

  /** How the connection ended is told to the model. */
  #watch(session, me) {
    session.closed.then(({ code }) => {
      me.lostAt ??= performance.now();
      this.room.happens();
      if (!this.#isLoss(code) && !(code === 1000 && me.leaving)) this.fail(new Error(`${me.id} was closed with ${code}`));
    });
  }

  #welcomed(first) {
    const { me, room } = this;
    if (me) {
      const away = performance.now() - me.lostAt;
      assert.ok(room.mayBeGone(me) || me.gone, `${me.id} was not recovered after ${away} ms`);
      me.leaving = true;
      this.lost++;
    }
    this.welcomes++;
    this.me = Object.assign(new Participant(room, first), { client: this });
    room.byId.set(first.id, this.me);
  }

  #resumed() {
    assert.ok(!this.wasGone, `${this.me.id} was seen to leave, and then resumed`);
    this.me.lostAt = undefined;
    this.resumes++;
  }

  #hear(message) {
    const { me, room } = this;
    const { type, from, i } = message;
    this.heard++;
    if (type === 'all') {
      const first = me.from(room.byId.get(from));
      if (me.heard.has(from)) this.#next(i, me.heard.get(from), from, 'to all');
      else if (first === 0 || i > first) this.#next(i, first, from, 'the first');
      me.heard.set(from, i + 1);
    } else if (type === 'one') {
      this.#next(i, me.heardFrom.get(from) ?? 0, from, 'to one');
      me.heardFrom.set(from, i + 1);
    } else if (type === 'peer-joined') {
      assert.ok(!message.peer.owner);
      me.joined.set(message.peer.id, me.said);
    } else if (type === 'peer-left') {
      this.#leaves(room.byId.get(message.id), message.reason);
    } else if (type === 'error' && message.code === 'peer-busy') {
      me.refused.set(message.to, (me.refused.get(message.to) ?? 0) + 1);
    } else if (type === 'error') {
      assert.equal(message.code, 'unknown-peer');
      assert.ok(room.byId.get(message.to).gone || room.mayBeGone(room.byId.get(message.to)), `${message.to} is there`);
    } else {
      assert.ok(['peer-away', 'peer-back'].includes(type));
    }
  }

  /** Nothing is doubled or out of order; what is left out was refused, which settle() sees. */
  #next(i, due, from, what) {
    const { me } = this;
    assert.ok(i >= due, `${what}, from ${from} to ${me.id}: ${i}, not ${due}`);
    if (i > due) me.missed.set(from, (me.missed.get(from) ?? 0) + i - due);
  }

  /** The other has left; what the server surely had of it must have come before. */
  #leaves(other, reason) {
    const { me, room } = this;
    if (!other) return; // its welcome never came, so it never spoke
    if (!other.gone) {
      assert.ok(room.mayBeGone(other), `${other.id} did not want to leave, and nothing forced it`);
      other.gone = true;
      room.left++;
      room.happens();
    }
    const sure = reason === 'bye' ? other.said : other.sure;
    const heard = me.heard.get(other.id) ?? me.from(other) ?? Infinity;
    assert.ok(heard + other.refusedFor(me) >= sure, `${me.id} has heard ${heard} of ${sure} that ${other.id} said`);
  }

  /** Say something, connected or not. */
  speak() {
    const { me, session, random } = this;
    this.spoken++;
    const x = 'x'.repeat(random.chance(0.05) ? random.below(3000) : random.below(40));
    const to = random.chance(0.4) ? random.pick([...session.peers.keys()]) : undefined;
    me.sure = me.log[session.acked] ?? me.sure;
    if (to && this.room.byId.has(to)) {
      const i = me.saidTo.get(to) ?? 0;
      me.saidTo.set(to, i + 1);
      session.send({ type: 'one', to, i, x });
    } else {
      session.send({ type: 'all', i: me.said++, x });
    }
    me.log[session.sent] = me.said;
  }

  /** Leave with bye, however often it gets lost, and come as somebody else. */
  async leave() {
    const { me, session } = this;
    me.leaving = true;
    for (;;) {
      this.room.happens();
      session.ws.send('{"type":"bye"}');
      if ((await session.closed).code === 1000) break;
      await this.connect();
      if (this.me !== me) return; // the bye had come, only its answer was lost
    }
    this.#begin();
    await this.connect();
  }

  /** Come as somebody else in place of the one there was, as a reloaded page does. */
  async reload() {
    const { me, session } = this;
    me.leaving = true;
    session.ws.terminate();
    this.#begin(session.session);
    await this.connect();
  }
}

/** Wait until everybody has heard everything of everybody who is there, and nobody else is there. */
export async function settle(clients) {
  const others = ({ me, room }) => clients.filter((other) => other.me !== me && other.room === room).map((other) => other.me);
  const missing = (client) => others(client).filter((other) => {
    const { me, session } = client;
    return !session.peers.has(other.id) || me.lacks(other) > other.refusedFor(me);
  });
  const isSettled = (client) => client.session.pending === 0 && client.session.peers.size === others(client).length && !missing(client).length;
  await Promise.all(clients.map(async (client) => {
    const { me, session } = client;
    await session.until(() => isSettled(client), 'everything of everybody', 40000).catch((error) => {
      const what = missing(client).map((other) => `${other.id}: ${me.heard.get(other.id)} of ${other.said}, alone ${me.heardFrom.get(other.id)} of ${other.saidTo.get(me.id)}, ${other.refusedFor(me)} refused`);
      throw new Error(`${error.message}; ${session.pending} not acknowledged, peers ${[...session.peers.keys()]}, missing ${what.join('; ')}`);
    });
  }));
}
