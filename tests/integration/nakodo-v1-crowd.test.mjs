// Goal: 5 000 participants whose connections break at once come back at once, each into its seat, with
// the message that it missed, on a server that has no place for one more. After a restart all come back as well.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import net from 'node:net';
import { test } from 'node:test';
import { startDaemon, testDaemon } from '../lib/daemon.mjs';
import { frame, handshake, stopwatch, TEXT, within } from '../lib/raw.mjs';
import { pathOf } from '../lib/v1.mjs';

const ROOM = 10; // participants, and one who stays and talks
const SPARE = 500; // descriptors of this process and of the daemon that are no clients
const PATIENCE = 60000; // ms; the sanitizers' build takes long

const descriptors = Number(/^Max open files +\d+ +(\d+)/m.exec(readFileSync('/proc/self/limits', 'utf8'))[1]);
const ROOMS = Math.min(500, Math.floor((descriptors - SPARE) / (ROOM + 1)));
const COUNT = ROOM * ROOMS;

/** As much of a client as is needed: this process must not be what is slow. */
class Light {
  numbered = 0;
  missed = 0;
  #waiting = [];

  constructor(port, room, localAddress) {
    Object.assign(this, { port, room, localAddress });
  }

  /** The connection is lost, and whatever has been wrong with it. */
  lose() {
    this.socket.destroy();
    delete this.fault;
  }

  connect() {
    const query = this.session ? { session: this.session, n: this.numbered } : {};
    delete this.first;
    this.received = Buffer.alloc(0);
    this.upgraded = false;
    this.socket = net.connect({ host: '127.0.0.1', port: this.port, localAddress: this.localAddress });
    this.socket.on('error', (error) => { this.fault ??= error; });
    this.socket.on('data', (bytes) => this.#take(bytes));
    this.socket.write(handshake(pathOf(this.room, query)));
  }

  #take(bytes) {
    this.received = this.received.length ? Buffer.concat([this.received, bytes]) : bytes;
    if (!this.upgraded) {
      const end = this.received.indexOf('\r\n\r\n');
      if (end < 0) return;
      const line = this.received.toString('latin1', 0, this.received.indexOf('\r\n'));
      if (!line.includes(' 101 ')) this.fault ??= new Error(line);
      this.upgraded = true;
      this.received = this.received.subarray(end + 4);
    }
    while (this.received.length >= 2) {
      const short = this.received[1];
      const head = short < 126 ? 2 : 4;
      if (this.received.length < head) return;
      const length = short < 126 ? short : this.received.readUInt16BE(2);
      if (this.received.length < head + length) return;
      this.#hear(this.received[0] & 15, this.received.toString('utf8', head, head + length));
      this.received = this.received.subarray(head + length);
    }
  }

  #hear(opcode, text) {
    if (opcode !== TEXT) {
      this.fault ??= new Error(`opcode ${opcode}`);
    } else if (!this.first) {
      this.first = JSON.parse(text);
      this.session = this.first.session;
      this.say({ type: 'ack', n: this.numbered });
    } else if (!/^\{"type":"(ack|pong)"/.test(text)) {
      this.numbered++;
      if (text.includes('"type":"missed"')) this.missed++;
      if (text.startsWith('{"type":"peer-away"')) this.away = (this.away ?? 0) + 1;
    } else if (text.startsWith('{"type":"pong"')) {
      this.pong = true;
    }
    this.#waiting = this.#waiting.filter(({ test, done }) => !test() || done());
  }

  say(message) {
    this.socket.write(frame(TEXT, JSON.stringify(message)));
  }

  /** Wait until it is true of this client; asked after each message. */
  until(test) {
    return test() ? undefined : new Promise((done) => this.#waiting.push({ test, done }));
  }
}

const all = (clients, test, what) => within(Promise.all(clients.map((client) => client.until(() => test(client)))), what, PATIENCE);

test(`${COUNT} participants resume at once`, { timeout: 115000 }, async (t) => {
  const daemon = await testDaemon(t, {
    args: [
      ['--max-peers', String(COUNT + ROOMS)],
      ['--max-peers-per-address', '0'],
      ['--connect-rate', '0'],
      ['--resume-seconds', '120'],
      ['--handshake-timeout', '60'],
      ['--log-level', 'warn'],
    ].flat(),
  });
  const talkers = Array.from({ length: ROOMS }, (_, i) => new Light(daemon.port, `room ${i}`));
  const crowd = talkers.flatMap(({ room }) => Array.from({ length: ROOM }, () => new Light(daemon.port, room)));
  t.after(() => [...talkers, ...crowd].forEach(({ socket }) => socket?.destroy()));

  let clock = stopwatch();
  for (const client of talkers) client.connect();
  await all(talkers, ({ first }) => first, 'the talkers have joined');
  for (const client of crowd) client.connect();
  await all(crowd, ({ first }) => first, 'all have joined');
  const joining = clock();
  const cpuBefore = await daemon.cpu();

  for (const { socket } of crowd) socket.resetAndDestroy();
  await all(talkers, ({ away }) => away === ROOM, 'all are away');
  for (const talker of talkers) {
    talker.say({ type: 'missed' });
    talker.say({ type: 'ping', t: 0 });
  }
  await all(talkers, ({ pong }) => pong, 'the message has come');

  const ids = new Map(crowd.map((client) => [client, client.first.id]));
  clock = stopwatch();
  for (const client of crowd) client.connect();
  await all(crowd, ({ missed, fault }) => missed || fault, 'all have resumed and heard what they missed');
  const resuming = clock();
  t.diagnostic(`${COUNT} joined in ${joining.toFixed(1)} s and resumed in ${resuming.toFixed(1)} s, with ${(await daemon.cpu() - cpuBefore).toFixed(1)} s of the server's processor time for losing and resuming`);
  for (const client of [...crowd, ...talkers]) assert.equal(client.fault, undefined);
  for (const client of crowd) assert.deepEqual([client.first.type, client.first.id, client.missed], ['resumed', ids.get(client), 1]);
  assert.ok(resuming < 50, `${resuming} s`);
});

for (const [where, addresses, limits] of [
  ['one address that may have them', 1, ['--max-peers-per-address', '1500', '--connect-rate', '150']],
  ['ten addresses, as it comes', 10, []],
]) {
  test(`all come back to their rooms at once after a restart, from ${where}`, { timeout: 60000 }, async (t) => {
    const start = (port) => startDaemon({ args: ['--listen', `127.0.0.1:${port}`, '--log-level', 'warn', ...limits] });
    let daemon = await start(0);
    t.after(() => daemon.stop());
    const { port } = daemon;
    const crowd = Array.from({ length: 1500 }, (_, i) => new Light(port, `room ${i % 150}`, `127.0.${i % addresses}.1`));
    t.after(() => crowd.forEach(({ socket }) => socket?.destroy()));
    for (const client of crowd) client.connect();
    await all(crowd, ({ first, fault }) => first || fault, 'all have joined');
    await daemon.stop();
    for (const client of crowd) client.lose();
    const clock = stopwatch();
    daemon = await start(port);
    for (const client of crowd) client.connect();
    await all(crowd, ({ first, fault }) => first || fault, 'all are back');
    const taken = clock();
    for (const { first, fault } of crowd) assert.deepEqual([fault, first?.type, first?.recovered], [undefined, 'welcome', false]);
    // In each room of ten the first saw nobody and the last one nine.
    for (let seen = 0; seen < 10; seen++) assert.equal(crowd.filter(({ first }) => first.peers.length === seen).length, 150);
    assert.ok(taken < 10, `it took ${taken} s`);
    t.diagnostic(`${crowd.length} were back after ${taken.toFixed(1)} s`);
  });
}
