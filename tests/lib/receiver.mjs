// A receiver of webhooks for tests: a real HTTP server that checks each signature and keeps what it was told.
import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import http from 'node:http';
import https from 'node:https';
import { join } from 'node:path';
import { scratch } from './daemon.mjs';

export const SECRET = 'a secret of the tests';

/** A file that holds the secrets, one in each line. */
export function secretFile(...secrets) {
  const path = join(scratch(), 'secret');
  writeFileSync(path, (secrets.length ? secrets : [SECRET]).join('\n'), { mode: 0o600 });
  return path;
}

export class Receiver {
  /** Each request that was signed well: { headers, method, url, body, said, events }, in the order of their arrival. */
  requests = [];
  /** All events of requests that were answered with 2xx. */
  events = [];
  /** Takes (request, response, said) when the body is there; what it does not answer hangs. */
  answer = (request, response) => response.writeHead(204).end();
  secret = SECRET;
  #waiters = new Set();

  /** @param {object} [o] @param {{key, cert}} [o.tls] @param {number} [o.port] */
  static async start(t, { tls, port = 0 } = {}) {
    const receiver = new Receiver();
    receiver.server = tls ? https.createServer(tls) : http.createServer();
    receiver.server.on('request', (request, response) => receiver.#take(request, response));
    receiver.server.listen(port, '127.0.0.1');
    await once(receiver.server, 'listening');
    receiver.port = receiver.server.address().port;
    receiver.url = `${tls ? 'https' : 'http'}://localhost:${receiver.port}/hook`;
    t.after(() => receiver.stop());
    return receiver;
  }

  stop() {
    this.server.close();
    this.server.closeAllConnections();
  }

  async #take(request, response) {
    const chunks = [];
    try {
      for await (const chunk of request) chunks.push(chunk);
    } catch {
      return; // it was broken off
    }
    const body = Buffer.concat(chunks);
    const { 'webhook-id': id, 'webhook-timestamp': time, 'webhook-signature': signature } = request.headers;
    const right = createHmac('sha256', this.secret).update(`${id}.${time}.`).update(body).digest('base64');
    if (signature !== `v1,${right}` || Math.abs(Date.now() / 1000 - Number(time)) > 300) {
      response.writeHead(401).end();
      return;
    }
    const said = JSON.parse(body);
    const { events = [] } = said; // a question has none
    this.requests.push({ headers: request.headers, method: request.method, url: request.url, body, said, events });
    response.on('finish', () => {
      if (response.statusCode < 300) this.events.push(...events);
      this.#look();
    });
    this.#look();
    this.answer(request, response, said);
  }

  #look() {
    for (const waiter of this.#waiters) waiter();
  }

  /** Wait until `test()` is true. */
  until(test, timeout = 20000) {
    return new Promise((done, fail) => {
      const timer = setTimeout(() => {
        this.#waiters.delete(look);
        fail(new Error(`not ${test} within ${timeout} ms: ${JSON.stringify(this.events, null, 1).slice(-4000)}`));
      }, timeout);
      const look = () => {
        const value = test();
        if (!value) return;
        clearTimeout(timer);
        this.#waiters.delete(look);
        done(value);
      };
      this.#waiters.add(look);
      look();
    });
  }

  /** Wait for so many events of that type (all types: '') in a room (all rooms: undefined). */
  heard(count, type = '', room = undefined) {
    const matching = () => this.events.filter((event) => (!type || event.type === type) && (room === undefined || event.room === room));
    return this.until(() => matching().length >= count && matching());
  }

  /** What was told of a room, in short: 'joined ID', 'left ID REASON CODE', … */
  story(room) {
    return this.events.filter((event) => event.room === room)
      .map(({ type, peer, reason, code }) => [type, peer, reason, code].filter((word) => word !== undefined).join(' '));
  }
}

/** Fails unless every event came once and in the order of its making, of each worker, and rooms and peers are paired. */
export function assertOrdered(events) {
  const rooms = new Map();
  const last = {};
  for (const { number, worker, type, dialect, mount, room, peer } of events) {
    assert.ok(number > (last[worker] ?? 0), `event ${number} after ${last[worker]}`);
    last[worker] = number;
    if (room === undefined) continue;
    const key = JSON.stringify([mount, dialect, room]);
    const peers = rooms.get(key);
    if (type === 'opened') assert.ok(!rooms.has(key) && rooms.set(key, new Set()), `${key} opened twice`);
    else assert.ok(peers, `${type} in ${key}, which is not open`);
    if (type === 'joined') assert.ok(!peers.has(peer) && peers.add(peer), `${peer} joined ${key} twice`);
    if (type === 'left') assert.ok(peers.delete(peer), `${peer} left ${key} and was not there`);
    if (type === 'closed') assert.ok(!peers.size && rooms.delete(key), `${key} closed with ${peers.size} in it`);
  }
  return rooms;
}
