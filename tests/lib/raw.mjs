// A WebSocket client made of a bare socket, for tests that must have every byte in their own hands.
// It checks what the server sends as RFC 6455 demands; what it sends itself may be as wrong as it likes.
import { createCipheriv, createHash, randomBytes } from 'node:crypto';
import net from 'node:net';
import tls from 'node:tls';

export const CONTINUATION = 0;
export const TEXT = 1;
export const BINARY = 2;
export const CLOSE = 8;
export const PING = 9;
export const PONG = 10;

const PATIENCE = 10000; // ms for what must come at once; a test fails with a sentence, not by hanging

function lengthField(length, form) {
  const bytes = Buffer.alloc({ 7: 1, 16: 3, 64: 9 }[form]);
  if (form === 7) {
    bytes[0] = Number(length);
  } else if (form === 16) {
    bytes[0] = 126;
    bytes.writeUInt16BE(Number(length), 1);
  } else {
    bytes[0] = 127;
    bytes.writeBigUInt64BE(BigInt(length), 1);
  }
  return bytes;
}

function shortestForm(length) {
  if (length < 126) return 7;
  return length < 65536 ? 16 : 64;
}

/**
 * One frame.
 *
 * @param {number} opcode
 * @param {string|Uint8Array} [payload]
 * @param {object} [o]
 * @param {boolean} [o.fin]
 * @param {number} [o.rsv] the three reserved bits, 0 to 7
 * @param {boolean} [o.mask] as a client must
 * @param {number|bigint} [o.announce] a length other than the payload's
 * @param {7|16|64} [o.form] how many bits the length takes, default the shortest form
 */
export function frame(opcode, payload = '', { fin = true, rsv = 0, mask = true, announce, form } = {}) {
  const body = Buffer.from(payload);
  const length = announce ?? body.length;
  const field = lengthField(length, form ?? shortestForm(length));
  const head = [Buffer.from([(fin ? 0x80 : 0) | (rsv << 4) | opcode]), field];
  if (mask) {
    const key = randomBytes(4);
    field[0] |= 0x80;
    head.push(key);
    for (let i = 0; i < body.length; i++) body[i] ^= key[i & 3];
  }
  return Buffer.concat([...head, body]);
}

/** The payload of a close frame. */
export function closing(code, reason = '') {
  const text = Buffer.from(reason);
  const payload = Buffer.alloc(2 + text.length);
  payload.writeUInt16BE(code);
  text.copy(payload, 2);
  return payload;
}

/** Always the same bytes for one seed, and no others' bytes. */
export function noise(seed, length) {
  const key = createHash('sha256').update(String(seed)).digest().subarray(0, 16);
  return createCipheriv('aes-128-ctr', key, Buffer.alloc(16)).update(Buffer.alloc(length));
}

/** Seconds since this was called, from the function that it returns. */
export function stopwatch() {
  const begin = process.hrtime.bigint();
  return () => Number(process.hrtime.bigint() - begin) / 1e9;
}

/** The promise, or a failure that says what did not come in time. */
export function within(promise, what, patience = PATIENCE) {
  let timer;
  const late = new Promise((_, fail) => {
    timer = setTimeout(() => fail(new Error(`${what}: not within ${patience} ms`)), patience);
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

/** A TCP or TLS connection that keeps what it has received until somebody takes it. */
export class Wire {
  #pieces = []; // joined when somebody asks, or a large file would be copied for each of them
  /** Called when there is more of it, before those who wait are asked. */
  parse;
  #waiters = new Set();

  constructor(socket) {
    this.socket = socket;
    /** How the connection ended: 'end', or the code of the error. Never rejects. */
    this.ended = new Promise((done) => {
      let how;
      socket.on('error', (error) => {
        how ??= error.code ?? String(error);
      });
      socket.on('end', () => {
        how ??= 'end';
      });
      socket.on('close', () => {
        this.over = how ?? 'end';
        done(this.over);
        this.#look();
      });
    });
    socket.setNoDelay?.(true);
    socket.on('data', (bytes) => {
      this.#pieces.push(bytes);
      this.parse?.();
      this.#look();
    });
  }

  get received() {
    if (this.#pieces.length !== 1) this.#pieces = [Buffer.concat(this.#pieces)];
    return this.#pieces[0];
  }

  set received(bytes) {
    this.#pieces = [bytes];
  }

  #look() {
    for (const waiter of [...this.#waiters]) waiter();
  }

  /** Wait until `test()` returns something true of what was received. */
  until(test, what, patience = PATIENCE) {
    let look;
    const found = new Promise((done, fail) => {
      look = () => {
        const value = test();
        if (value) done(value);
        else if (this.over) fail(new Error(`${what}: the connection ended (${this.over})`));
      };
      this.#waiters.add(look);
      look();
    });
    return within(found, what, patience).finally(() => this.#waiters.delete(look));
  }

  /** Write; resolves when the kernel has taken it all, also when the connection ends meanwhile. */
  write(bytes) {
    return new Promise((done) => {
      if (this.socket.destroyed || this.socket.writableEnded) done();
      else this.socket.write(bytes, () => done());
    });
  }

  /** Every byte in a write of its own, so (without Nagle's delay) in a segment of its own. */
  async writeBytewise(bytes) {
    for (const byte of bytes) {
      await this.write(Buffer.from([byte]));
      await new Promise(setImmediate);
    }
  }

  take(length) {
    const bytes = this.received.subarray(0, length);
    this.received = this.received.subarray(length);
    return bytes;
  }

  /** One HTTP answer with its body; the body ends by its content-length. */
  async response(patience) {
    const end = await this.until(() => this.received.indexOf('\r\n\r\n') + 1, 'an HTTP answer', patience);
    const [line, ...lines] = this.take(end + 3).toString('latin1').trimEnd().split('\r\n');
    const headers = Object.fromEntries(lines.map((l) => [l.slice(0, l.indexOf(':')).toLowerCase(), l.slice(l.indexOf(':') + 1).trim()]));
    const length = Number(headers['content-length'] ?? 0);
    if (length) await this.until(() => this.received.length >= length, 'the body of an HTTP answer');
    return { status: Number(line.split(' ')[1]), line, headers, body: this.take(length).toString() };
  }

  /** End it at once, with a reset, as a machine that is switched off. */
  reset() {
    if (this.socket.resetAndDestroy && !this.socket.encrypted) this.socket.resetAndDestroy();
    else this.socket.destroy();
    return this.ended;
  }
}

/**
 * Connect to a daemon.
 *
 * @param {import('./daemon.mjs').Daemon} daemon
 * @param {object} [o]
 * @param {boolean} [o.secure] by TLS
 * @param {number} [o.port] other than the daemon's first
 * @param {string} [o.from] the address that it comes from
 * @param {string[]} [o.alpn]
 * @param {number} [o.patience] ms for connecting
 */
export async function connect(daemon, { secure = false, port, from, alpn, patience } = {}) {
  const where = { host: '127.0.0.1', localAddress: from, port: port ?? (secure ? daemon.tlsPort : daemon.port) };
  const socket = secure
    ? tls.connect({ ...where, rejectUnauthorized: false, ALPNProtocols: alpn })
    : net.connect(where);
  const wire = new Wire(socket);
  const ready = new Promise((done) => socket.once(secure ? 'secureConnect' : 'connect', () => done(true)));
  const ended = wire.ended.then((how) => {
    throw Object.assign(new Error(`cannot connect: ${how}`), { how });
  });
  ended.catch(() => {});
  await within(Promise.race([ready, ended]), 'connecting', patience);
  return wire;
}

/** A handshake as a browser would send it; a header given as undefined is left out. */
export function handshake(path, headers = {}, { method = 'GET', key = randomBytes(16).toString('base64') } = {}) {
  const all = {
    Host: 'localhost',
    Upgrade: 'websocket',
    Connection: 'Upgrade',
    'Sec-WebSocket-Key': key,
    'Sec-WebSocket-Version': '13',
    ...headers,
  };
  const lines = Object.entries(all).filter(([, value]) => value !== undefined);
  return `${method} ${path} HTTP/1.1\r\n${lines.map(([name, value]) => `${name}: ${value}\r\n`).join('')}\r\n`;
}

/** The client's end of an open WebSocket connection. */
export class RawPeer {
  frames = [];
  #parsed = 0; // bytes of the frame in front that are known to be missing

  constructor(wire, answerPings) {
    this.wire = wire;
    this.answerPings = answerPings;
    this.ended = wire.ended;
    wire.parse = () => this.#parse();
    this.#parse();
  }

  #parse() {
    for (;;) {
      const bytes = this.wire.received;
      if (bytes.length < Math.max(2, this.#parsed)) return;
      const long = bytes[1] & 0x7f;
      const head = long < 126 ? 2 : long === 126 ? 4 : 10;
      if (bytes.length < head) return;
      const length = long < 126 ? long : long === 126 ? bytes.readUInt16BE(2) : Number(bytes.readBigUInt64BE(2));
      this.#parsed = head + length;
      if (bytes.length < this.#parsed) return;
      this.#take({ first: bytes[0], masked: bytes[1] >> 7, form: head, length }, head);
    }
  }

  #take({ first, masked, form, length }, head) {
    const payload = Buffer.from(this.wire.take(head + length).subarray(head));
    const opcode = first & 0x0f;
    const shortest = { 7: 2, 16: 4, 64: 10 }[shortestForm(length)];
    this.#parsed = 0;
    if ((first & 0xf0) !== 0x80 || masked || form !== shortest || ![TEXT, BINARY, CLOSE, PING, PONG].includes(opcode) || (opcode >= CLOSE && length > 125)) {
      this.broken = `the server sent a wrong frame: ${first.toString(16)}, masked ${masked}, length ${length} in ${form} bytes`;
    }
    if (opcode === PING && this.answerPings) {
      this.pings = (this.pings ?? 0) + 1;
      this.send(PONG, payload);
    } else {
      this.frames.push({ opcode, payload });
    }
  }

  send(opcode, payload, options) {
    return this.wire.write(frame(opcode, payload, options));
  }

  text(payload, options) {
    return this.send(TEXT, payload, options);
  }

  binary(payload, options) {
    return this.send(BINARY, payload, options);
  }

  /** The next frame that is not a ping that was answered: { opcode, payload }. */
  async next(what = 'a frame', patience = PATIENCE) {
    await this.wire.until(() => this.broken || this.frames.length, what, patience);
    if (this.broken) throw new Error(this.broken);
    return this.frames.shift();
  }

  /** The next frame as words: 'text hello', 'binary 00ff', 'close 1000 bye', 'pong …', 'ping …'. */
  async says(what, patience) {
    return describe(await this.next(what, patience));
  }

  /** The server's close frame and the end of the connection: { code, reason }. Answers it. */
  async closed(patience = PATIENCE) {
    const { opcode, payload } = await this.next('a close frame', patience);
    if (opcode !== CLOSE) throw new Error(`a close frame was due, not ${describe({ opcode, payload })}`);
    await this.send(CLOSE, payload);
    await within(this.ended, 'the end of the connection');
    return payload.length ? { code: payload.readUInt16BE(), reason: payload.subarray(2).toString() } : { code: 1005, reason: '' };
  }

  /** Leave in order: our close frame, the server's echo, the end of the connection. */
  async leave(code = 1000) {
    await this.send(CLOSE, closing(code));
    const { opcode, payload } = await this.next('the echo of a close frame');
    if (opcode !== CLOSE || payload.readUInt16BE() !== code) {
      throw new Error(`the echo of close ${code} was due, not ${describe({ opcode, payload })}`);
    }
    await within(this.ended, 'the end of the connection');
  }
}

function describe({ opcode, payload }) {
  switch (opcode) {
    case TEXT:
      return `text ${payload}`;
    case BINARY:
      return `binary ${payload.toString('hex')}`;
    case CLOSE:
      return payload.length ? `close ${payload.readUInt16BE()} ${payload.subarray(2)}`.trimEnd() : 'close';
    default:
      return `${opcode === PING ? 'ping' : 'pong'} ${payload}`.trimEnd();
  }
}

/**
 * Open a WebSocket at `path`.
 *
 * @param {object} [o] as for connect(), and:
 * @param {Record<string,string>} [o.headers]
 * @param {boolean} [o.answerPings] answer the server's pings and keep them out of next(); default yes
 */
export async function open(daemon, path, { headers, answerPings = true, ...o } = {}) {
  const key = randomBytes(16).toString('base64');
  const wire = await connect(daemon, o);
  await wire.write(handshake(path, headers, { key }));
  const response = await wire.response(o.patience);
  const accept = createHash('sha1').update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64');
  if (response.status !== 101 || response.headers['sec-websocket-accept'] !== accept) {
    wire.socket.destroy();
    throw Object.assign(new Error(`no upgrade at ${path}: ${response.line} ${response.body}`), { response });
  }
  const peer = new RawPeer(wire, answerPings);
  peer.response = response;
  return peer;
}
