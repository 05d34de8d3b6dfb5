// A receiver that takes what the server sends at a pace of its own, as a slow line does: so many bytes a
// second, or none. What it takes is only hashed and counted.
import { createHash } from 'node:crypto';
import net from 'node:net';
import { handshake, within } from './raw.mjs';

const TICK = 10; // ms between two reads

export class Reader {
  taken = 0; // bytes after the handshake's answer
  #hash = createHash('sha256');
  #last = Buffer.alloc(0); // the last bytes, in which a close frame would be
  #waiters = new Set();
  #allowed = 0; // bytes
  #before; // when that was counted

  /** @param {number} pace bytes per second, on average; 0: it reads nothing once it is let in */
  static async open(daemon, path, pace) {
    const reader = new Reader(net.connect(daemon.port, '127.0.0.1'), pace);
    reader.socket.write(handshake(path));
    await within(reader.#answered(), 'an upgrade');
    return reader;
  }

  constructor(socket, pace) {
    this.socket = socket;
    this.pace = pace;
    this.ended = new Promise((done) => socket.on('close', done));
    socket.on('error', () => {});
  }

  #answered() {
    return new Promise((done, fail) => {
      const look = () => {
        const byte = () => this.socket.read(1);
        for (let b = byte(); b; b = byte()) {
          this.head = (this.head ?? '') + b.toString('latin1');
          if (!this.head.endsWith('\r\n\r\n')) continue;
          this.socket.off('readable', look);
          this.socket.on('readable', () => this.#take()); // what comes waits until it is read
          if (this.head.includes(' 101 ')) done(this.#begin());
          else fail(new Error(this.head));
          return;
        }
      };
      this.socket.on('readable', look);
    });
  }

  #begin() {
    this.#before = performance.now();
    if (!this.pace) return;
    this.timer = setInterval(() => this.#take(), TICK);
    this.ended.then(() => clearInterval(this.timer));
  }

  #take() {
    const now = performance.now();
    const more = (this.pace * (now - this.#before)) / 1000;
    // What it could not use it saves up, a second's worth: a busy machine keeps it waiting, too.
    this.#allowed = Math.min(this.#allowed + more, Math.max(more, this.pace));
    this.#before = now;
    while (this.#allowed >= 1) {
      const bytes = this.socket.read(Math.min(Math.floor(this.#allowed), this.socket.readableLength) || 1);
      if (!bytes) break;
      this.#allowed -= bytes.length;
      this.taken += bytes.length;
      this.#hash.update(bytes);
      this.#last = Buffer.concat([this.#last, bytes]).subarray(-64);
    }
    for (const look of this.#waiters) look();
  }

  /** Wait until it has taken so many bytes; fails when the connection ends before. */
  has(bytes, patience) {
    const done = new Promise((resolve, reject) => {
      this.#waiters.add(() => this.taken >= bytes && resolve());
      this.ended.then(() => reject(new Error(`the end after ${this.taken} of ${bytes} bytes: ${this.closing ?? 'no close frame'}`)));
    });
    return within(done, `${bytes} bytes at ${this.pace} a second`, patience);
  }

  get digest() {
    return this.#hash.copy().digest('hex');
  }

  /** The close frame at the end of what it has taken, as words. */
  get closing() {
    const at = this.#last.lastIndexOf(0x88);
    if (at < 0 || this.#last.length - at !== 2 + this.#last[at + 1]) return undefined;
    return `${this.#last.readUInt16BE(at + 2)} ${this.#last.subarray(at + 4)}`;
  }

  leave() {
    this.socket.destroy();
    return this.ended;
  }
}
