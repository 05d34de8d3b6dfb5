// @ts-nocheck The wire: one link is one participant of one room, and loses and doubles nothing.

export class SignalError extends Error {
  constructor(code, message = code, closeCode) {
    super(message);
    Object.assign(this, { code, closeCode });
  }
}

const FINAL = /^(1000|1007|1009|440[0139]|4413)$/;
const HARMLESS = /^(bad-json|bad-message|not-text|unknown-peer|peer-busy)$/; // errors that no close follows

const sizeOf = (text) => new TextEncoder().encode(text).length;

/** on: { message, lost, end(error, isGone), trace }; query() is asked in each try */
export function openLink(url, { WebSocket, query, replaces }, on) {
  // The same in each try: a welcome that got lost leaves no ghost.
  const nonce = Array.from(crypto.getRandomValues(new Uint8Array(22)), (n) => (n % 36).toString(36));
  let socket, session, timer, ackTimer, isReady, isDoubtful, isOver, isHidden;
  let fault = false; // the error that came just now and may be why the connection ends
  let tries = 0, pause = 0, limit = Infinity;
  let pinged = 0; // when the oldest ping without an answer went out
  let received = 0, told = 0; // numbered messages
  let kept = [], passed = 0; // ours without an ack, and how many have one

  function trace(dir, raw, message = JSON.parse(raw)) {
    const { type, from, to } = message;
    // A peer may call anything `text` or `message`.
    const summary = [message.message, message.text].find((text) => typeof text === 'string') ?? type;
    on.trace({ dir, type: String(type), from, to, bytes: sizeOf(raw), summary: String(summary), raw });
    return message;
  }

  function write(raw) {
    trace('out', raw);
    socket.send(raw);
  }

  function send(message) {
    const raw = JSON.stringify(message);
    if (isOver) throw new SignalError('closed');
    if (sizeOf(raw) > limit) throw new SignalError('message-too-large');
    if (!isReady && kept.length > 999) throw new SignalError('unreachable');
    kept.push({ raw, isNew: !isReady && !message.to, isAgain: message.type === 'update' });
    if (isReady) write(raw);
  }

  function acknowledge() {
    clearTimeout(ackTimer);
    ackTimer = 0;
    told = received;
    write(`{"type":"ack","n":${told}}`);
  }

  function forget(n) {
    kept.splice(0, n - passed);
    passed = n;
  }

  function sayAgain(items) {
    for (const item of items) {
      item.isNew = false;
      write(item.raw);
    }
  }

  function greet(message) {
    clearTimeout(timer);
    session = message.session;
    isReady = true;
    isDoubtful = false;
    tries = 0;
    if (message.type === 'resumed') {
      forget(message.n);
      acknowledge();
      sayAgain(kept);
      return on.message(message);
    }
    // What the lost session may have delivered, or was for one peer, is not said again; what one
    // says of itself is, behind what was true before.
    const again = kept.filter(({ isNew, isAgain }) => isNew || isAgain);
    kept = [];
    received = passed = 0;
    limit = message.limits.message;
    acknowledge();
    on.message(message);
    if (isOver) return;
    kept.push(...again);
    sayAgain(again);
  }

  function receive(raw) {
    const message = trace('in', raw);
    // What has `from` was said by a peer, whatever it calls itself; only the server can write that.
    const type = message.from === undefined && message.type;
    pinged = 0;
    fault = type === 'error' && !HARMLESS.test(message.code) && message;
    if (type === 'ack') return forget(message.n);
    if (type === 'closing') pause = message.retryAfter * 1000;
    else if (/^(welcome|resumed)$/.test(type)) return greet(message);
    else if (type === 'pong' || !isReady) return;
    else if (++received - told > 15) acknowledge();
    else ackTimer ||= setTimeout(acknowledge, 1000);
    on.message(message);
  }

  function detach() {
    clearTimeout(timer);
    clearTimeout(ackTimer);
    socket = isReady = pinged = ackTimer = 0;
  }

  /** isGone: the server knows that we left, or has thrown us out. */
  function end(error, isGone = true) {
    clearInterval(ticker);
    isOver = true;
    on.end(error, isGone);
  }

  function lose(code, reason) {
    detach();
    if (FINAL.test(code)) {
      const own = { 1009: 'too-large', 4409: 'replaced' }[code];
      const told = own || !fault ? { code: own ?? 'refused', message: reason || undefined } : fault;
      return end(new SignalError(told.code, told.message, code));
    }
    const delay = Math.min(5000, 250 * 2 ** tries++) * (1 - 0.3 * Math.random());
    timer = setTimeout(connect, Math.max(delay, pause));
    pause = 0;
    on.lost();
  }

  /** Do not wait for its close handshake: on a dead link it never finishes. */
  function drop() {
    const old = socket;
    if (!old) return;
    isDoubtful = true;
    tries = 0; // it took its time already
    lose();
    old.close(4408);
  }

  async function connect() {
    const mine = socket = { close() {} };
    if (isDoubtful) {
      // Is there a way at all? A WebSocket that is given up too early may still join, as a ghost.
      const signal = AbortSignal.timeout(5000);
      const request = { method: 'HEAD', mode: 'no-cors', cache: 'no-store', signal };
      await fetch(url.replace('ws', 'http'), request).catch(() => {});
      if (mine !== socket) return;
      if (signal.aborted) return drop();
    }
    const seat = session ? { session, n: received } : replaces && { replaces };
    const search = new URLSearchParams({ ...query(), ...seat, nonce: nonce.join('') });
    const ws = socket = new WebSocket(`${url}?${search}`.replaceAll('+', '%20'), 'nakodo.v1');
    timer = setTimeout(drop, 5000);
    ws.onmessage = ({ data }) => ws === socket && receive(data);
    ws.onclose = ({ code, reason }) => ws === socket && lose(code, reason);
    ws.onerror = () => {}; // the close comes as well
  }

  // Timers of a hidden page may run once a minute: only an unanswered ping counts.
  function tick() {
    if (!isReady) return;
    if (pinged && Date.now() - pinged > (isHidden ? 56e3 : 7e3)) return drop();
    pinged ||= Date.now();
    write(`{"type":"ping","t":${pinged}}`);
  }

  /** Try now, but not if the page hides: it may be ending. */
  function wake(hidden) {
    isHidden = hidden ?? isHidden;
    tries = 0;
    tick();
    if (hidden || socket || isOver) return;
    clearTimeout(timer);
    connect();
  }

  function leave(error) {
    const old = socket;
    const isTold = isReady;
    if (isOver) return;
    if (isTold) write('{"type":"bye"}');
    detach();
    end(error, isTold);
    return old && new Promise((resolve) => {
      setTimeout(resolve, 1000);
      old.onclose = resolve;
      old.close(1000);
    });
  }

  connect().catch(end); // such as an address that is none
  const ticker = setInterval(tick, 4000);
  return { send, wake, drop, leave, isReady: () => isReady };
}
