// HTTP on a raw socket for tests: the bytes of the request are exactly those that the test says, and
// the answer is read strictly, to the last byte before the server closes.
import net from 'node:net';
import tls from 'node:tls';
import { Wire, within } from './raw.mjs';

/**
 * Connect, TLS handshake included.
 *
 * @param {object} target as for net.connect: {port} or {path}, perhaps host, localAddress; and
 * @param {boolean} [target.tls]
 * @returns {Promise<Wire>}
 */
export async function dial({ tls: secure = false, ...target }) {
  const where = target.path ? target : { host: '127.0.0.1', ...target };
  const socket = secure ? tls.connect({ rejectUnauthorized: false, ...where }) : net.connect(where);
  const wire = new Wire(socket);
  const ready = new Promise((done, fail) => {
    socket.once(secure ? 'secureConnect' : 'connect', () => done(wire));
    socket.once('error', fail);
  });
  return within(ready, `connecting to ${JSON.stringify(target)}`);
}

/** Everything that comes until the server ends the connection. */
export async function rest(wire) {
  await within(wire.ended, 'the end of the connection');
  return wire.received;
}

/** Write the bytes and read until the server ends the connection. @returns {Promise<Buffer>} */
export async function exchange(target, bytes) {
  const wire = await dial(target);
  wire.write(bytes);
  return rest(wire);
}

function fault(what, text) {
  throw new Error(`${what}: ${JSON.stringify(text.slice(0, 2000))}`);
}

/** One answer, taken apart; throws when the bytes are not exactly one (RFC 9112). */
export function parse(bytes, { head = false } = {}) {
  const text = bytes.toString('latin1');
  const [whole, status, lines] = /^HTTP\/1\.[01] (\d{3}) [^\r\n]*\r\n((?:[^\r\n]+\r\n)*)\r\n/.exec(text)
    ?? fault('no HTTP answer', text);
  const headers = {};
  for (const line of lines.split('\r\n').slice(0, -1)) {
    const [, name, value] = /^([\w-]+):[ \t]*(.*)$/.exec(line) ?? fault('no header', line);
    if (name.toLowerCase() in headers) fault('a doubled header', line);
    headers[name.toLowerCase()] = value;
  }
  const body = bytes.subarray(whole.length);
  const length = head || status === '204' || status === '304' ? 0 : Number(headers['content-length']);
  if (body.length !== length) fault(`${length} bytes of body announced, ${body.length} came`, text);
  return { status: Number(status), headers, body, text: body.toString() };
}

/** The bytes of a request; a header whose value is an array stands that often, null takes it out. */
export function request(path, { method = 'GET', headers = {} } = {}) {
  const all = Object.entries({ Host: 'localhost', ...headers }).filter(([, value]) => value !== null);
  const lines = all.flatMap(([name, value]) => [value].flat().map((v) => `${name}: ${v}\r\n`));
  return `${method} ${path} HTTP/1.1\r\n${lines.join('')}\r\n`;
}

/** Ask for one thing. The path is sent as it is. */
export async function ask(target, path, options) {
  return parse(await exchange(target, request(path, options)), { head: options?.method === 'HEAD' });
}
