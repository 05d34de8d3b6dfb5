// Goal: nothing that is sent to the port, however wrong, is let in, harms those who are in, or keeps the daemon busy.
import assert from 'node:assert/strict';
import { createCipheriv, createHmac, randomBytes, randomInt } from 'node:crypto';
import { once } from 'node:events';
import { after, afterEach, before, beforeEach, describe, it } from 'node:test';
import tls from 'node:tls';
import { startDaemon } from '../lib/daemon.mjs';
import { descriptors, isIdle, settles } from '../lib/process.mjs';
import { BINARY, CLOSE, closing, connect, frame, handshake, open, PING, TEXT, Wire, within } from '../lib/raw.mjs';

const get = 'GET / HTTP/1.1\r\nHost: localhost\r\n';
const lines = (n, line) => Array.from({ length: n }, (_, i) => line(i)).join('');

/** Nothing of this is a WebSocket handshake that may succeed. */
const wrong = {
  'nothing but line ends': '\r\n\r\n\r\n',
  'one null byte': '\0',
  'null bytes': Buffer.alloc(10000),
  'every byte': Buffer.from(Array.from({ length: 256 }, (_, i) => i)),
  'half a method': 'GE',
  'a method and no more': 'GET ',
  'a request line without end': `GET /${'x'.repeat(10000)}`,
  'HTTP/0.9': 'GET /echo\r\n\r\n',
  'no HTTP version': 'GET /echo\r\nHost: localhost\r\n\r\n',
  'another protocol': 'SSH-2.0-OpenSSH_9.2\r\n',
  'SMTP': 'HELO x\r\nMAIL FROM:<x>\r\n',
  'a TLS hello without TLS': Buffer.from('16030100c4010000c00303', 'hex'),
  'the HTTP/2 preface': 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0',
  'a WebSocket frame at once': frame(TEXT, 'hello'),
  'bare line feeds': handshake('/echo').replaceAll('\r\n', '\n').replace('13', '12'),
  'bare carriage returns': handshake('/echo').replaceAll('\r\n', '\r'),
  'a header without colon': `${get}Upgrade websocket\r\n\r\n`,
  'a header without name': `${get}: websocket\r\n\r\n`,
  'a folded header': `${get}Upgrade:\r\n websocket\r\n\r\n`,
  'a null byte in a header': handshake('/echo', { Origin: 'http://local\0host' }),
  'a null byte in the path': handshake('/echo\0'),
  'an encoded null byte in the path': handshake('/echo%00'),
  'an encoded null byte in the query': handshake('/echo?prefix=%00:'),
  'broken percent encoding': handshake('/echo?room=%zz'),
  'percent encoding cut off': handshake('/echo?room=%'),
  'a path above the root': handshake('/../../../etc/passwd'),
  'an encoded path above the root': handshake('/%2e%2e/%2e%2e/etc/passwd'),
  'a path of many dots': handshake(`/${'../'.repeat(500)}x`),
  'a path of many slashes': handshake(`${'/'.repeat(1000)}x`),
  'a long path': handshake(`/relay/${'x'.repeat(6000)}`),
  'an absolute URL': handshake('http://localhost/echo'),
  'an asterisk for a path': handshake('*'),
  'no path': 'GET  HTTP/1.1\r\nHost: localhost\r\n\r\n',
  'no Host': handshake('/echo', { Host: undefined }),
  'two Hosts': handshake('/echo', { Host: 'localhost\r\nHost: localhost' }),
  'a strange Host': handshake('/echo', { Host: 'localhost/echo' }),
  'no key': handshake('/echo', { 'Sec-WebSocket-Key': undefined }),
  'no version': handshake('/echo', { 'Sec-WebSocket-Version': undefined }),
  'version 8': handshake('/echo', { 'Sec-WebSocket-Version': '8' }),
  'version 13 said twice': handshake('/echo', { 'Sec-WebSocket-Version': '13\r\nSec-WebSocket-Version: 13' }),
  'POST': handshake('/echo', {}, { method: 'POST' }),
  'PUT': handshake('/echo', {}, { method: 'PUT' }),
  'DELETE': handshake('/echo', {}, { method: 'DELETE' }),
  'TRACE': handshake('/echo', {}, { method: 'TRACE' }),
  'HEAD': handshake('/echo', {}, { method: 'HEAD' }),
  'OPTIONS': handshake('/echo', {}, { method: 'OPTIONS' }),
  'a method nobody knows': handshake('/echo', {}, { method: 'BREW' }),
  'CONNECT': 'CONNECT localhost:22 HTTP/1.1\r\nHost: localhost\r\n\r\n',
  'an upgrade to something else': handshake('/echo', { Upgrade: 'foo' }),
  'an upgrade to h2c': handshake('/echo', { Upgrade: 'h2c', Connection: 'Upgrade, HTTP2-Settings', 'HTTP2-Settings': 'AAMAAABkAARAAAAAAAIAAAAA' }),
  'an empty Upgrade': handshake('/echo', { Upgrade: '' }),
  'a body': `${get}Content-Length: 5\r\n\r\nhello`,
  'a body without end': `${get}Content-Length: 99999999999\r\n\r\nhello`,
  'a negative length': `${get}Content-Length: -1\r\n\r\n`,
  'two lengths': `${get}Content-Length: 1\r\nContent-Length: 2\r\n\r\nx`,
  'chunks': `${get}Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n`,
  'a request behind a request': `${get}\r\n${get}\r\n`,
  'a body behind a request': `${get}\r\nPOST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n\r\nhello`,
  'an upgrade behind a request': `${get}\r\n${handshake('/echo')}`,
  'a thousand requests': `${get}\r\n`.repeat(1000),
  'a header that is too long': `${get}X-Long: ${'x'.repeat(100000)}\r\n\r\n`,
  'too many headers': `${get}${lines(5000, (i) => `X-${i}: ${i}\r\n`)}\r\n`,
  'too many known headers': `${get}${lines(500, (i) => `Accept: ${i}\r\n`)}\r\n`,
  'too many arguments': handshake(`/nowhere?${'a&'.repeat(500)}`),
  'a header that swallows the next': `${get}X-A: 1\r\n\r\n`,
  'an unknown subprotocol': handshake('/echo', { 'Sec-WebSocket-Protocol': 'a,b,,c' }),
  'a subprotocol nobody may know': handshake('/echo', { 'Sec-WebSocket-Protocol': '(none)' }),
  'many subprotocols': handshake('/echo', { 'Sec-WebSocket-Protocol': 'p, '.repeat(300) }),
  'a foreign origin': handshake('/echo', { Origin: 'https://evil.example' }),
  'a strange origin': handshake('/echo', { Origin: 'localhost' }),
  'frames behind a refusal': Buffer.concat([Buffer.from(handshake('/nowhere')), frame(TEXT, 'x'), frame(CLOSE, '')]),
};

/** What a client may send that has been let in, for the mutator to spoil. */
const right = [
  handshake('/echo'),
  handshake('/chat/room?frames=binary', { Origin: 'http://localhost', 'Sec-WebSocket-Protocol': 'one, two' }),
  handshake('/?room=a', { 'Sec-WebSocket-Extensions': 'permessage-deflate; client_max_window_bits' }),
  `${get}Accept: */*\r\nIf-None-Match: "x"\r\n\r\n`,
  `${get}Upgrade: h2c\r\nConnection: Upgrade, HTTP2-Settings\r\nHTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA\r\n\r\n`,
  `POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3\r\n\r\nabc${get}\r\n`,
  'CONNECT localhost:1 HTTP/1.1\r\nHost: localhost\r\n\r\n',
].map((text) => Buffer.from(text));

const frames = [
  frame(TEXT, '{"type":"offer"}'),
  frame(TEXT, 'frag', { fin: false }),
  frame(0, 'ment'),
  frame(BINARY, Buffer.alloc(300)),
  frame(PING, 'p'),
  frame(TEXT, 'long', { form: 64 }),
  frame(CLOSE, closing(1000, 'bye')),
];

/** To repeat a run, give it the SEED it printed; to look for more, FUZZ_SECONDS. */
const seed = Number(process.env.SEED ?? randomInt(2 ** 31));
const seconds = Number(process.env.FUZZ_SECONDS ?? 3);

/** Numbers that look random and are the same for the same seed (mulberry32). */
function generator(seed) {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return (((t ^ (t >>> 14)) >>> 0) / 4294967296 * below) | 0;
  };
}

/** One change to the bytes. */
function spoil(bytes, random) {
  const at = random(bytes.length + 1);
  const to = Math.min(bytes.length, at + 1 + random(20));
  const parts = (middle) => Buffer.concat([bytes.subarray(0, at), middle, bytes.subarray(to)]);
  const slice = bytes.subarray(at, to);
  const strange = ['\r\n', '\r\n\r\n', '\0', ': ', ' ', '%', '%00', '\xff', '/', '..', '&', ';', '-1', '99999999999', ',', 'Upgrade: foo\r\n', 'Content-Length: 1\r\n', 'Host: x\r\n'];
  switch (random(8)) {
    case 0:
      return parts(Buffer.from(Array.from(slice, (byte) => byte ^ (1 << random(8)))));
    case 1:
      return parts(Buffer.alloc(0));
    case 2:
      return parts(Buffer.concat([slice, slice]));
    case 3:
      return Buffer.concat([bytes.subarray(0, at), Buffer.from(strange[random(strange.length)], 'latin1'), bytes.subarray(at)]);
    case 4:
      return bytes.subarray(0, at);
    case 5:
      return Buffer.concat([bytes, right[random(right.length)]]);
    case 6:
      return parts(Buffer.from(Array.from({ length: random(40) }, () => random(256))));
    default:
      return Buffer.concat([bytes, ...Array.from({ length: random(5) }, () => frames[random(frames.length)])]);
  }
}

/** HKDF-Expand-Label of TLS 1.3 (RFC 8446 section 7.1) with SHA-256, for at most 32 bytes. */
function expandLabel(secret, name, length) {
  const label = Buffer.from(`tls13 ${name}`);
  const info = Buffer.concat([Buffer.from([0, length, label.length]), label, Buffer.from([0, 1])]);
  return createHmac('sha256', secret).update(info).digest().subarray(0, length);
}

/** Encrypts a client's records from its traffic secret; the record `sequence` is the next (section 5.2). */
class Sealer {
  constructor(secret, sequence) {
    Object.assign(this, { secret, sequence, key: expandLabel(secret, 'key', 16), iv: expandLabel(secret, 'iv', 12) });
  }

  seal(type, content) {
    const head = Buffer.from([23, 3, 3, 0, content.length + 17]);
    const nonce = Buffer.from(this.iv);
    nonce[11] ^= this.sequence++;
    const cipher = createCipheriv('aes-128-gcm', this.key, nonce).setAAD(head);
    return Buffer.concat([head, cipher.update(Buffer.concat([content, Buffer.from([type])])), cipher.final(), cipher.getAuthTag()]);
  }

  /** A key update that asks for none in return (section 4.6.3). */
  update() {
    const record = this.seal(22, Buffer.from([24, 0, 0, 1, 0]));
    Object.assign(this, new Sealer(expandLabel(this.secret, 'traffic upd', 32), 0));
    return record;
  }
}

describe('under attack', () => {
  let daemon;
  let pair;
  let sending;
  let sent;
  let baseline;

  before(async () => {
    daemon = await startDaemon({
      tls: true,
      args: ['--max-peers-per-address', '0', '--connect-rate', '0', '--handshake-timeout', '1', '--subprotocol', 'one', '--message-rate', '0', '--byte-rate', '0'],
    });
    pair = await Promise.all([open(daemon, '/relay/healthy'), open(daemon, '/relay/healthy', { secure: true })]);
  });

  after(() => daemon.stop());

  beforeEach(() => {
    baseline = descriptors(daemon);
    sent = 0;
    sending = setInterval(() => pair[0].text(String(sent++)), 10);
  });

  // Whatever has happened: the pair that was there all the time has missed nothing, and all is quiet.
  afterEach(async () => {
    clearInterval(sending);
    for (let i = 0; i < sent; i++) assert.equal(await pair[1].says(`message ${i} of ${sent} to the healthy peer`), `text ${i}`);
    await pair[1].text('and back');
    assert.equal(await pair[0].says(), 'text and back');
    await settles(daemon, baseline);
    await isIdle(daemon);
  });

  for (const secure of [false, true]) {
    const scheme = secure ? 'wss' : 'ws';

    it(`lets nobody in by a malformed handshake over ${scheme}`, async () => {
      await Promise.all(Object.entries(wrong).map(async ([what, bytes]) => {
        const wire = await connect(daemon, { secure });
        await wire.write(bytes);
        await within(wire.ended, `the end of ${what}`);
        assert.doesNotMatch(wire.received.toString('latin1'), /^HTTP\/1\.\d 101 /, what);
      }));
    });

    it(`minds no malformed handshake that comes byte by byte or breaks off over ${scheme}`, async () => {
      await Promise.all(Object.entries(wrong).map(async ([what, text]) => {
        const bytes = Buffer.from(text);
        const slow = await connect(daemon, { secure });
        await slow.writeBytewise(bytes.subarray(0, 300));
        await slow.write(bytes.subarray(300));
        const reset = await connect(daemon, { secure });
        await reset.write(bytes.subarray(0, bytes.length / 2));
        await reset.reset();
        const half = await connect(daemon, { secure });
        half.socket.end(bytes);
        await Promise.all([slow, half].map((wire) => within(wire.ended, `the end of ${what}`)));
        assert.doesNotMatch(slow.received.toString('latin1'), /^HTTP\/1\.\d 101 /, what);
      }));
    });

    it(`minds no random change to what is right over ${scheme}`, async (t) => {
      const random = generator(seed);
      const stop = Date.now() + seconds * 1000;
      let count = 0;
      const attack = async () => {
        while (Date.now() < stop) {
          let bytes = Buffer.concat([right[random(right.length)], ...Array.from({ length: random(4) }, () => frames[random(frames.length)])]);
          for (let n = random(4); n >= 0; n--) bytes = spoil(bytes, random);
          const wire = await connect(daemon, { secure });
          const cut = random(bytes.length + 1);
          await wire.write(bytes.subarray(0, cut));
          await wire.write(bytes.subarray(cut));
          const wait = random(4);
          if (wait) await Promise.race([wire.ended, new Promise((done) => setTimeout(done, wait * 30))]);
          if (random(2)) wire.reset();
          else wire.socket.destroy();
          count++;
        }
      };
      await Promise.all(Array.from({ length: 12 }, attack));
      t.diagnostic(`SEED=${seed} FUZZ_SECONDS=${seconds}: ${count} connections`);
    });

    it(`minds no random change behind a good handshake over ${scheme}`, async (t) => {
      const random = generator(seed);
      const stop = Date.now() + seconds * 1000;
      let count = 0;
      const paths = ['/', '/chat/attack', '/echo?prefix=x', '/relay/attack?frames=text', '/video_chat/signaling'];
      const attack = async () => {
        while (Date.now() < stop) {
          const peer = await open(daemon, paths[random(paths.length)], { secure });
          let bytes = Buffer.concat(Array.from({ length: 1 + random(8) }, () => frames[random(frames.length)]));
          for (let n = random(5); n >= 0; n--) bytes = spoil(bytes, random);
          await peer.wire.write(bytes);
          const wait = random(4);
          if (wait) await Promise.race([peer.ended, new Promise((done) => setTimeout(done, wait * 30))]);
          peer.wire.socket.destroy();
          count++;
        }
      };
      await Promise.all(Array.from({ length: 12 }, attack));
      t.diagnostic(`SEED=${seed} FUZZ_SECONDS=${seconds}: ${count} connections`);
    });
  }

  it('minds no garbage where TLS is spoken', async () => {
    const hello = await new Promise((done) => {
      // A real one, as our own client writes it.
      import('node:net').then(({ default: net }) => {
        const server = net.createServer((socket) => socket.once('data', (bytes) => {
          done(bytes);
          socket.destroy();
          server.close();
        }));
        server.listen(0, '127.0.0.1', () => connect({ tlsPort: server.address().port }, { secure: true }).catch(() => {}));
      });
    });
    const random = generator(seed);
    const spoiled = Array.from({ length: 100 }, () => spoil(spoil(hello, random), random));
    const rows = [handshake('/echo'), randomBytes(5000), Buffer.alloc(5000), hello.subarray(0, 5), hello, Buffer.concat([hello, hello]), ...spoiled];
    await Promise.all(rows.map(async (bytes) => {
      const wire = await connect(daemon, { port: daemon.tlsPort });
      await wire.write(bytes);
      await within(wire.ended, 'the end');
    }));
  });

  it('ends a connection that floods it with key updates of TLS, and not for a few', async () => {
    const other = await open(daemon, '/echo');
    const wire = await connect(daemon, { port: daemon.tlsPort });
    const socket = tls.connect({ socket: wire.socket, rejectUnauthorized: false, ciphers: 'TLS_AES_128_GCM_SHA256', minVersion: 'TLSv1.3' });
    const inside = new Wire(socket);
    const lines = [];
    socket.on('keylog', (line) => lines.push(line.toString()));
    await within(once(socket, 'secureConnect'), 'the TLS handshake');
    const secret = lines.join('').match(/CLIENT_TRAFFIC_SECRET_0 \S+ (\S+)/)[1];
    await inside.write(handshake('/echo'));
    await inside.response();
    const sealer = new Sealer(Buffer.from(secret, 'hex'), 1);
    const before = (await daemon.meters()).tls_messages;
    const some = Array.from({ length: 8 }, () => sealer.update());
    wire.socket.write(Buffer.concat([...some, sealer.seal(23, frame(TEXT, 'through'))]));
    await inside.until(() => inside.received.includes('through'), 'the echo behind a few');
    wire.socket.write(Buffer.concat(Array.from({ length: 5000 }, () => sealer.update())));
    await within(wire.ended, 'the end');
    await other.text('still here');
    assert.equal(await other.says(), 'text still here');
    assert.equal((await daemon.meters()).tls_messages, before + 1);
    socket.destroy();
    wire.socket.destroy();
    other.wire.socket.destroy();
  });

  it('closes who begins to speak before he is let in, or takes what he says as WebSocket frames', async () => {
    const wire = await connect(daemon);
    await wire.write(Buffer.concat([Buffer.from(handshake('/echo')), frame(TEXT, 'early'), frame(CLOSE, closing(1000))]));
    await within(wire.ended, 'the end');
    assert.match(wire.received.toString('latin1'), /^HTTP\/1\.1 101 /);
  });
});
