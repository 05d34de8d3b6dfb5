// Goal: all clients of a restarted server come back by themselves within 2.5 s, and each of them is served.
import assert from 'node:assert/strict';
import net from 'node:net';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { startDaemon } from '../lib/daemon.mjs';
import { frame, handshake, TEXT, within } from '../lib/raw.mjs';

const ROOM = 5; // clients
const SPARE = 500; // descriptors of this process and of the daemon that are no clients
const MINUTE = 60000;

const descriptors = Number(/^Max open files +\d+ +(\d+)/m.exec(readFileSync('/proc/self/limits', 'utf8'))[1]);
const COUNT = Math.min(10000, descriptors - SPARE);

/** As much of a client as is needed: it comes again by the rule of the real one (lib0's websocket.js),
 * subscribes, announces itself, and is served when its own announcement comes back. */
class Light {
  served = 0;
  wrong = []; // attempts that were answered with something else

  constructor(crowd, number) {
    this.crowd = crowd;
    this.name = `"from":"${number}."`;
    const topic = `room-${Math.floor(number / ROOM)}`;
    const say = (message) => frame(TEXT, message);
    this.hello = Buffer.concat([
      say(`{"type":"subscribe","topics":["${topic}"]}`),
      say(`{"type":"publish","topic":"${topic}","data":{"type":"announce",${this.name}}}`),
    ]);
    this.failures = 0;
    this.connect();
  }

  connect() {
    let received = '';
    const socket = net.connect({ host: '127.0.0.1', port: this.crowd.port });
    this.socket = socket;
    socket.once('connect', () => socket.write(this.crowd.handshake));
    socket.on('error', () => {});
    socket.setEncoding('latin1').on('data', (text) => {
      const fresh = !received;
      received += text;
      if (fresh) {
        if (!received.startsWith('HTTP/1.1 101 ')) this.wrong.push(received.slice(0, 80));
        this.failures = 0;
        socket.write(this.hello);
      }
      if (!socket.done && received.includes(this.name)) {
        socket.done = true;
        this.served++;
        this.crowd.look();
      }
    });
    socket.on('close', () => {
      if (this.crowd.over) return;
      if (!received) this.failures++;
      setTimeout(() => this.connect(), Math.min(Math.log10(this.failures + 1) * 1200, 2500));
    });
  }
}

class Crowd {
  clients = [];
  handshake = handshake('/y-webrtc');
  look = () => {};

  constructor(port) {
    this.port = port;
  }

  /** Wait until each has been served that often. */
  all(times) {
    return within(new Promise((done) => {
      let left = this.clients.filter((client) => client.served < times).length;
      this.look = () => --left === 0 && done();
      if (!left) done();
    }), `${this.clients.length} clients served`, MINUTE);
  }

  async grow(count) {
    while (this.clients.length < count) {
      for (let i = 0; i < 500 && this.clients.length < count; i++) this.clients.push(new Light(this, this.clients.length));
      await this.all(1);
    }
  }

  end() {
    this.over = true;
    for (const { socket } of this.clients) socket.destroy();
  }
}

test(`${COUNT} clients that come back after a restart are all served`, { timeout: 110000 }, async (t) => {
  const start = (port) => startDaemon({
    args: [
      ['--listen', `127.0.0.1:${port}`],
      ['--max-peers', String(COUNT)],
      ['--max-peers-per-address', '0'],
      ['--connect-rate', '0'],
      ['--log-level', 'warn'],
    ].flat(),
  });
  const first = await start(0);
  const crowd = new Crowd(first.port);
  t.after(() => crowd.end());
  await crowd.grow(COUNT);
  await first.stop();

  const second = await start(crowd.port);
  const ready = performance.now();
  await crowd.all(2);
  const [took, cpu] = [Math.round(performance.now() - ready), await second.cpu()];
  t.diagnostic(`all ${COUNT} served ${took} ms after the server was back, with ${cpu} s of its processor time`);
  // How long it takes depends on what else this machine does, clients included; the server's part must
  // be less than the time in which they come.
  assert.ok(cpu < 2.5, `${cpu} s of processor time`);
  for (const client of crowd.clients) assert.deepEqual(client.wrong, []);
  for (const client of crowd.clients) assert.equal(client.served, 2, 'nobody had to come twice');
  crowd.end();
  await second.stop();
});
