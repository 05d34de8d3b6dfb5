// A client of nakodo.v1 that keeps the protocol to the letter and sees that the server does: it counts,
// acknowledges, keeps what is not acknowledged, resumes, and throws when a message is lost, doubled or
// not as it must be. It does not come back by itself: when to resume is the test's decision.
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import WebSocket from 'ws';
import { Refused } from './client.mjs';
import { open, within } from './raw.mjs';
import { isNumbered, isRelayed, parse } from './v1-rules.mjs';

const ACK_AFTER = 16; // messages
const ACK_WITHIN = 1000; // ms

/** A random number of 128 bits, as a client's nonce and a server's session are. */
export const random128 = () => randomBytes(16).toString('base64url');

/** The connection ended, with or without a close frame (1006), before what was waited for. */
export class Ended extends Error {
  constructor(url, code, reason) {
    super(`${url} was closed with ${code} ${reason}`.trimEnd());
    Object.assign(this, { code, reason });
  }
}

/** The path with its query; what is undefined is left out. */
export function pathOf(room, query = {}) {
  const pairs = Object.entries(query).filter(([, value]) => value !== undefined)
    .map(([name, value]) => `${name}=${encodeURIComponent(value)}`);
  return `/v1/${encodeURIComponent(room)}${pairs.length ? '?' : ''}${pairs.join('&')}`;
}

export class Session {
  sent = 0; // numbered messages
  tries = 0; // to connect, with its nonce
  acked = 0; // of them, what the server has said that it has
  received = 0; // numbered messages of the server
  peers = new Map();
  /** The first message of the newest connection. */
  first;
  #kept = []; // [number, data], from acked + 1 to sent
  #told = []; // [sent, n]: when so many were sent we acknowledged n
  #unacknowledged = 0;
  #timer;
  #messages = [];
  #waiting = [];
  #watching = new Set();
  #mark; // what the pong will say that we wait for

  /**
   * @param {string} base such as ws://127.0.0.1:3000
   * @param {string} room
   * @param {object} [o] options of `ws`, and
   * @param {string} [o.name]
   * @param {string} [o.nonce] null: none
   * @param {string} [o.replaces] a session
   * @param {() => string} [o.token] asked whenever the server asks for one
   * @param {boolean} [o.acks] send them; default yes
   * @param {boolean} [o.queue] keep what comes for next(); default yes
   * @param {(message: object) => void} [o.onfirst] told of each connection's first message
   * @param {(message: object) => void} [o.onmessage] told of each numbered message
   * @param {(fault: Error) => void} [o.onfault] told instead of throwing into the event loop
   */
  constructor(base, room, { name, nonce = random128(), replaces, token, acks = true, queue = true, onfirst, onmessage, onfault, ...socket } = {}) {
    Object.assign(this, { base, room, name, nonce: nonce ?? undefined, replaces, token, acks, queue, onfirst, onmessage, onfault, socket });
  }

  /** A session whose first connection stands. */
  static async join(base, room, options) {
    const session = new Session(base, room, options);
    await session.connect();
    return session;
  }

  /** How many of ours the server has not acknowledged. */
  get pending() {
    return this.#kept.length;
  }

  /**
   * Connect: resume if there is a session, else join. The first message; an Ended or a Refused when
   * there is none. A connection that stands is left to itself, so its end has to be asked for before.
   */
  connect({ session = this.session, n = this.received, room = this.room } = {}) {
    const { name, nonce, replaces } = this;
    // The nonce with each: also the welcome after a session that is lost or replaced may get lost.
    const attempt = nonce && ++this.tries;
    const query = session ? { name, nonce, try: attempt, session, n: n ?? undefined, acked: this.acked } : { name, nonce, try: attempt, replaces };
    const url = this.base + pathOf(room, query);
    const ws = new WebSocket(url, ['nakodo.v1'], { perMessageDeflate: false, rejectUnauthorized: false, ...this.socket });
    const presented = session;
    this.#stopAcks();
    Object.assign(this, { ws, url, open: false });
    this.closed = new Promise((done) => ws.on('close', (code, reason) => done({ code, reason: String(reason) })));
    const first = new Promise((done, fail) => {
      ws.on('message', (data, binary) => {
        if (this.ws !== ws) return; // what a connection still says after we gave it up
        try {
          const message = this.#take(data, binary, presented);
          if (message) done(message);
        } catch (error) {
          fail(error);
          this.#fault(error);
        }
      });
      ws.on('error', fail); // one after opening is told by `closed`
      ws.on('close', (code, reason) => {
        const end = new Ended(url, code, reason);
        fail(end);
        if (this.ws !== ws) return;
        this.open = false;
        this.over = end;
        this.#stopAcks();
        for (const { fail: tell } of this.#waiting.splice(0)) tell(end);
      });
      ws.on('unexpected-response', (request, response) => {
        let body = '';
        response.setEncoding('utf8').on('data', (text) => { body += text; });
        response.on('end', () => {
          fail(new Refused(url, response.statusCode, response.headers, body));
          request.destroy();
        });
      });
    });
    delete this.over;
    return within(first, `the first message of ${url}`, 20000);
  }

  #fault(error) {
    error.message += `\n(${this.id} in ${this.room}, received ${this.received}, sent ${this.sent}, acknowledged ${this.acked})`;
    this.ws.terminate();
    if (!this.onfault) throw error;
    this.onfault(error);
  }

  /** How many of the server's messages it must know that we have. */
  get surelyAcknowledged() {
    return this.#told.length && this.#told[0][0] < this.acked ? this.#told[0][1] : this.known;
  }

  /** One message of the server; it is given back when it is a connection's first. */
  #take(data, binary, presented) {
    assert.ok(!binary, 'a binary frame');
    const message = parse(data.toString());
    if (message.type === 'token' && message.seconds === undefined && this.token) {
      this.ws.send(JSON.stringify({ type: 'token', token: this.token() }));
      return undefined;
    }
    if (!this.open) return this.#begin(message, presented);
    assert.ok(!['welcome', 'resumed'].includes(message.type), `a second first message: ${message.raw}`);
    if (message.type === 'ack') this.#acknowledged(message.n);
    if (!isNumbered(message)) {
      if (message.type === 'pong' && message.t === this.#mark) this.#mark = undefined;
      else if (message.type !== 'ack') this.#deliver(message);
      this.#look();
      return undefined;
    }
    this.received++;
    this.#account(message);
    this.#owe();
    this.onmessage?.(message);
    this.#deliver(message);
    this.#look();
    return undefined;
  }

  #begin(message, presented) {
    if (message.type === 'error') { // a refusal; the close follows
      this.#deliver(message);
      return undefined;
    }
    this.first = message;
    this.#told = [];
    this.known = this.received; // by what we presented, or because it is 0
    if (message.type === 'welcome') this.#welcome(message, presented);
    else this.#resumed(message, presented);
    this.session = message.session;
    this.open = true;
    this.onfirst?.(message);
    this.#ack();
    for (const [, kept] of this.#kept) this.ws.send(kept);
    this.#look();
    return message;
  }

  #welcome(message, presented) {
    assert.equal('recovered' in message, presented !== undefined, `recovered in ${message.raw}`);
    assert.notEqual(message.id, presented && this.id, 'the old id after a session that was not recovered');
    this.id = message.id;
    this.peers = new Map(message.peers.map((peer) => [peer.id, { ...peer }]));
    assert.equal(this.peers.size, message.peers.length, 'a peer stands twice in welcome');
    assert.ok(!this.peers.has(this.id), 'we are our own peer');
    if (presented) {
      Object.assign(this, { sent: 0, acked: 0 });
      this.#kept = [];
    }
    this.received = this.known = 0;
    delete this.replaces;
  }

  #resumed(message, presented) {
    assert.ok(presented, 'resumed, but no session was presented');
    assert.equal(message.id, this.id, 'resumed as another');
    assert.notEqual(message.session, presented, 'resumed with the same session');
    this.#acknowledged(message.n, true);
  }

  #acknowledged(n, again = false) {
    const least = again ? this.acked : this.acked + 1;
    assert.ok(n >= least && n <= this.sent, `${n} acknowledged, after ${this.acked} of ${this.sent}`);
    this.acked = n;
    this.#told.splice(0, this.#told.findLastIndex(([sent]) => sent < n));
    this.#kept.splice(0, this.#kept.findLastIndex(([number]) => number <= n) + 1);
  }

  /** Who is here, and what may be said of whom. */
  #account(message) {
    const { type, id = message.peer?.id ?? message.from } = message;
    const peer = this.peers.get(id);
    if (id === this.id && type === 'peer-updated') return; // so an update was taken
    assert.notEqual(id, this.id, `about ourselves: ${message.raw}`);
    if (type === 'peer-joined') {
      assert.ok(!peer, `came twice: ${message.raw}`);
      this.peers.set(id, { ...message.peer });
    } else if (isRelayed(message) || type.startsWith('peer-')) {
      assert.ok(peer, `nobody told us of ${id}: ${message.raw}`);
    }
    if (type === 'peer-left') this.peers.delete(id);
    if (type === 'peer-away') assert.ok(!peer.away, `away twice: ${message.raw}`);
    if (type === 'peer-back') assert.ok(peer.away, `back, but was not away: ${message.raw}`);
    if (type === 'peer-away' || type === 'peer-back') peer.away = type === 'peer-away';
    if (type === 'peer-updated') {
      delete peer.name;
      delete peer.meta;
      Object.assign(peer, message.peer);
    }
  }

  #owe() {
    if (++this.#unacknowledged >= ACK_AFTER) this.#ack();
    else this.#timer ??= setTimeout(() => this.#ack(), ACK_WITHIN);
  }

  #stopAcks() {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#unacknowledged = 0;
  }

  #ack() {
    this.#stopAcks();
    if (!this.acks || !this.open) return;
    this.ws.send(`{"type":"ack","n":${this.received}}`);
    this.#told.push([this.sent, this.received]);
  }

  #deliver(message) {
    const waiter = this.#waiting.shift();
    if (waiter) waiter.done(message);
    else if (this.queue) this.#messages.push(message);
  }

  #look() {
    for (const watcher of [...this.#watching]) watcher();
  }

  /** Send a numbered message: an object, a string as it is, or a Buffer as binary. Without a connection it waits. */
  send(message) {
    const data = typeof message === 'string' || Buffer.isBuffer(message) ? message : JSON.stringify(message);
    this.#kept.push([++this.sent, data]);
    if (this.open) this.ws.send(data);
    return this;
  }

  /** Send what is not numbered: a ping, or an ack of one's own. */
  say(message) {
    this.ws.send(JSON.stringify(message));
    return this;
  }

  /** The next message except `ack`; it has `raw`, its text. */
  next() {
    if (this.#messages.length) return Promise.resolve(this.#messages.shift());
    if (this.over) return Promise.reject(this.over);
    return within(new Promise((done, fail) => this.#waiting.push({ done, fail })), `a message on ${this.url}`);
  }

  /** The next message of that type; what else there is before is passed over. */
  async find(type) {
    for (;;) {
      const message = await this.next();
      if (message.type === type) return message;
    }
  }

  /** Wait until this is true; it is asked after each message of the server. */
  until(test, what = String(test), patience = 20000) {
    let look;
    return within(new Promise((done) => {
      look = () => test() && done();
      this.#watching.add(look);
      look();
    }), `${this.id} in ${this.room}: ${what}`, patience).finally(() => this.#watching.delete(look));
  }

  /** Nothing has come: the next that arrives is the answer to what we ask now. */
  async silent() {
    const t = random128();
    this.say({ type: 'ping', t });
    assert.deepEqual(await this.next(), { type: 'pong', t });
  }

  /** The server has taken all that was sent so far. */
  taken() {
    this.#mark = random128();
    this.say({ type: 'ping', t: this.#mark });
    return this.until(() => !this.#mark, 'a pong');
  }

  /** End the connection without a close frame, as a broken network does. */
  cut() {
    const socket = this.ws._socket;
    if (socket && !socket.encrypted) socket.resetAndDestroy();
    else this.ws.terminate();
    return this.closed;
  }

  /** Close with a code, undefined for none. How it ended. */
  close(code) {
    this.ws.close(code);
    return within(this.closed, `the end of ${this.url}`);
  }

  /** Leave by saying so. */
  async bye() {
    this.ws.send('{"type":"bye"}');
    assert.equal((await within(this.closed, 'the end after bye')).code, 1000);
  }
}

/** Connect to what must be refused with an error message: { code, close } */
export async function refusal(base, path, options) {
  const ws = new WebSocket(base + path, [], { perMessageDeflate: false, rejectUnauthorized: false, ...options });
  const said = [];
  ws.on('message', (data) => said.push(parse(data.toString())));
  ws.on('error', () => {});
  const close = await within(new Promise((done) => ws.on('close', done)), `the end of ${path}`);
  assert.deepEqual(said.map((message) => message.type), ['error'], path);
  return { code: said[0].code, close };
}

/** Join on a bare socket: { peer, welcome }. Nothing is acknowledged or answered. */
export async function enter(daemon, room, query, options) {
  const peer = await open(daemon, pathOf(room, query), options);
  const text = (await peer.says('welcome')).replace(/^text /, '');
  return { peer, welcome: parse(text) };
}

/** The next message on a bare socket. */
export async function hear(peer) {
  const said = await peer.says();
  assert.match(said, /^text /);
  return parse(said.slice(5));
}
