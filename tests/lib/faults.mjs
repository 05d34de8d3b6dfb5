// A daemon with tests/faults/faults.c in it: what fails there is said here, through a file that both share.
import assert from 'node:assert/strict';
import { closeSync, openSync, readSync, writeSync } from 'node:fs';
import { constants } from 'node:os';
import { join } from 'node:path';
import { open } from './client.mjs';
import { root, scratch, spawnDaemon } from './daemon.mjs';

const FIELDS = ['countdown', 'allocations', 'most', 'failed', 'lost', 'ahead', 'later', 'refused', 'error', 'port'];

/** What faults.c reads and writes. */
export class Faults {
  #fd;

  constructor() {
    this.path = join(scratch(), 'faults');
    this.#fd = openSync(this.path, 'w+');
    writeSync(this.#fd, Buffer.alloc(8 * FIELDS.length));
  }

  #get(field) {
    const bytes = Buffer.alloc(8);
    readSync(this.#fd, bytes, 0, 8, 8 * FIELDS.indexOf(field));
    return Number(bytes.readBigInt64LE());
  }

  #set(field, value) {
    const bytes = Buffer.alloc(8);
    bytes.writeBigInt64LE(BigInt(value));
    writeSync(this.#fd, bytes, 0, 8, 8 * FIELDS.indexOf(field));
  }

  /** Let the n-th allocation from now on fail; 0: none. */
  arm(n) {
    this.#set('countdown', n);
  }

  get allocations() {
    return this.#get('allocations');
  }

  get failed() {
    return this.#get('failed');
  }

  /** Let a socket take so many bytes at a time; 0: as many as it likes. */
  narrow(bytes) {
    this.#set('most', bytes);
  }

  /** Let so many of 100 writes to sockets fail, with that error; of one client's alone if it is given. */
  refuse(percent, error = 'EAGAIN', client) {
    this.#set('error', constants.errno[error]);
    this.#set('port', client?._socket.localPort ?? 0);
    this.#set('refused', percent);
  }

  /** Set the wall clock ahead of the machine's, or back: s. */
  setClock(seconds) {
    this.#set('ahead', seconds);
  }

  /** Let the monotonic clock be so many seconds ahead of the machine's. It must not go back. */
  setMonotonic(seconds) {
    this.#set('later', seconds);
  }

  /** Let so many bytes be counted in memory_frames that nobody holds. */
  lose(bytes) {
    this.#set('lost', bytes);
  }

  close() {
    closeSync(this.#fd);
  }
}

/** Options for spawnDaemon(): the daemon of these faults, with limits out of the way. */
export function faulty(faults, ...args) {
  return {
    tls: true,
    args: ['--max-peers-per-address', '0', '--message-rate', '0', '--byte-rate', '0', '--connect-rate', '0', ...args],
    env: {
      FAULTS: faults.path,
      // By frame pointers a stack ends in the first library without them, and then says nobody's name.
      ASAN_OPTIONS: 'fast_unwind_on_malloc=0',
      LSAN_OPTIONS: `suppressions=${join(root, 'tests/faults/suppressions')}:print_suppressions=0`,
    },
  };
}

/** A daemon for one test. */
export async function faultyDaemon(t, faults, ...args) {
  const daemon = spawnDaemon(faulty(faults, ...args));
  t.after(() => daemon.stop());
  await daemon.ready();
  return daemon;
}

/** Those who were there all the time: what each says comes to the other, once and in order. */
export class Healthy {
  #count = 0;

  static async join(daemon) {
    const healthy = new Healthy();
    healthy.pair = await Promise.all([daemon.ws, daemon.wss].map((base) => open(`${base}/relay/healthy`)));
    return healthy;
  }

  async talk() {
    for (const [one, other] of [this.pair, [...this.pair].reverse()]) {
      const text = `number ${this.#count++}`;
      one.send(text);
      assert.equal(await other.next(), text);
    }
  }

  leave() {
    return Promise.all(this.pair.map((client) => client.close()));
  }
}
