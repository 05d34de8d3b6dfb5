/*
 * The way to the server: a WebSocket in a room of its own, and how long a ping takes there and
 * back. No DOM.
 */

/** @typedef {import('./steps.js').Result} Result */

const OPEN_MS = 5000;
const PONG_MS = 3000;
const PINGS = 5;

/**
 * The next message of one of those types.
 * @param {WebSocket} socket
 * @param {string[]} types
 * @param {number} ms
 * @returns {Promise<{ type: string }>}
 */
function next(socket, types, ms) {
  return new Promise((resolve, reject) => {
    const done = new AbortController();
    const fail = (/** @type {number} */ code, /** @type {string} */ reason) => {
      done.abort();
      reject(Object.assign(new Error(reason), { code }));
    };
    const timer = setTimeout(() => fail(0, ''), ms);
    done.signal.addEventListener('abort', () => clearTimeout(timer));
    socket.addEventListener('message', ({ data }) => {
      const message = JSON.parse(data);
      if (types.includes(message.type)) {
        done.abort();
        resolve(message);
      }
    }, { signal: done.signal });
    socket.addEventListener('close', ({ code, reason }) => fail(code, reason), {
      signal: done.signal,
    });
  });
}

/** Does it answer at all? @returns {Promise<boolean>} */
async function hasHttp() {
  try {
    return (await fetch('/ice.json', { cache: 'no-store' })).ok;
  } catch {
    return false;
  }
}

/** @param {WebSocket} socket @returns {Promise<number[]>} ms, sorted */
async function ping(socket) {
  const times = [];
  for (let i = 0; i < PINGS; i++) {
    const begin = performance.now();
    const pong = next(socket, ['pong'], PONG_MS);
    socket.send(JSON.stringify({ type: 'ping', t: i }));
    await pong;
    times.push(performance.now() - begin);
  }
  return times.sort((a, b) => a - b);
}

/** @returns {Promise<Result>} */
export async function checkServer() {
  const room = `check-${Math.random().toString(36).slice(2)}`;
  const url = `${location.protocol === 'https:' ? 'wss:' : 'ws:'}//${location.host}/v1/${room}`;
  const begin = performance.now();
  const socket = new WebSocket(url);
  try {
    const { type } = await next(socket, ['welcome', 'token'], OPEN_MS);
    if (type === 'token') { // it is there, and says no more to who has none
      return { mark: 'warn', key: 'check.server.invited', advice: 'check.server.invitedAdvice' };
    }
    const opened = performance.now() - begin;
    const times = await ping(socket);
    socket.send('{"type":"bye"}');
    const ms = times[Math.floor(PINGS / 2)].toFixed(1);
    const spread = { least: times[0].toFixed(1), most: times[PINGS - 1].toFixed(1) };
    return {
      mark: 'good',
      key: 'check.server.good',
      params: { ms },
      facts: [
        { key: 'check.server.opened', params: { ms: opened.toFixed(0), host: location.host } },
        { key: 'check.server.pings', params: { n: PINGS, ...spread } },
      ],
    };
  } catch (error) {
    const { code = 0, message = '' } = /** @type {any} */ (error);
    const wasHttp = await hasHttp();
    return {
      mark: 'bad',
      key: wasHttp ? 'check.server.noSocket' : 'check.server.gone',
      params: { code, reason: message },
      advice: wasHttp && location.protocol === 'https:'
        ? 'check.server.trustAdvice' : 'check.server.advice',
    };
  } finally {
    socket.close();
  }
}
