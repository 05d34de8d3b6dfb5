// @ts-nocheck The wire: one link is one participant of one room, and loses and doubles nothing.

export class SignalError extends Error {
  constructor(code, message = code, closeCode) {
    super(message);
    Object.assign(this, { code, closeCode });
  }
}

const FINAL = /^(1000|1007|1009|440[0139]|4413)$/;

const sizeOf = (text) => new TextEncoder().encode(text).length;

/** on: { message, lost, end(error), trace } */
export function openLink(url, { WebSocket, query, replaces }, on) {
  // The same in each try: a welcome that got lost leaves no ghost.
  const nonce = Array.from(crypto.getRandomValues(new Uint8Array(22)), (n) => (n % 36).toString(36));
  let socket, session, fault, timer, ackTimer, isReady, isOver, isHidden;
  let tries = 0, pause = 0, limit = Infinity;
  let pinged = 0; // when the oldest ping without an answer went out
  let received = 0, told = 0; // numbered messages
  let kept = [], passed = 0; // ours without an ack, and how many have one

  function trace(dir, raw, message = JSON.parse(raw)) {
    const { type, from, to, text = type } = message;
    on.trace({ dir, type, from, to, bytes: sizeOf(raw), summary: message.message ?? text, raw });
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
    kept.push({ raw, isNew: !isReady && !message.to });
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

  function greet({ type, n, limits }) {
    clearTimeout(timer);
    isReady = true;
    tries = 0;
    if (type === 'resumed') {
      forget(n);
    } else {
      received = passed = 0;
      limit = limits.message;
      // What the lost session may have delivered, or was for one peer, is not said again.
      kept = kept.filter(({ isNew }) => isNew);
    }
    acknowledge();
    for (const item of kept) {
      item.isNew = false;
      write(item.raw);
    }
  }

  function receive(raw) {
    const message = trace('in', raw);
    const { type } = message;
    pinged = 0;
    fault = type === 'error' && message;
    session = message.session ?? session;
    if (type === 'ack') return forget(message.n);
    if (type === 'closing') pause = message.retryAfter * 1000;
    else if (/^(welcome|resumed)$/.test(type)) greet(message);
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

  function end(error) {
    clearInterval(ticker);
    isOver = true;
    on.end(error);
  }

  function lose(code, reason) {
    detach();
    if (FINAL.test(code)) {
      const own = { 1009: 'too-large', 4409: 'replaced' }[code] ?? 'refused';
      return end(new SignalError(fault.code ?? own, fault.message ?? reason, code));
    }
    const delay = Math.min(5000, 250 * 2 ** tries++) * (1 - 0.3 * Math.random());
    timer = setTimeout(connect, Math.max(delay, pause));
    pause = 0;
    on.lost();
  }

  /** Do not wait for its close handshake: on a dead link it never finishes. */
  function drop() {
    const old = socket;
    if (old) lose();
    old?.close(4408);
  }

  function connect() {
    const seat = session ? { session, n: received } : replaces ? { replaces } : { nonce: nonce.join('') };
    const search = new URLSearchParams({ ...query, ...seat });
    const ws = socket = new WebSocket(`${url}?${search}`.replaceAll('+', '%20'), 'nakodo.v1');
    timer = setTimeout(drop, 5000);
    ws.onmessage = ({ data }) => ws === socket && receive(data);
    ws.onclose = ({ code, reason }) => ws === socket && lose(code, reason);
    ws.onerror = () => {}; // the close comes as well
  }

  // A hidden page's timers may run once a minute: only an unanswered ping tells of a dead link.
  function tick() {
    if (!isReady) return;
    if (pinged && Date.now() - pinged > (isHidden ? 56e3 : 7e3)) return drop();
    pinged ||= Date.now();
    write(`{"type":"ping","t":${pinged}}`);
  }

  /** The network or the reader is back: try now. */
  function wake(hidden = isHidden) {
    isHidden = hidden;
    tries = 0;
    tick();
    if (socket || isOver) return;
    clearTimeout(timer);
    connect();
  }

  function leave() {
    const old = socket;
    if (isOver) return;
    if (isReady) write('{"type":"bye"}');
    detach();
    end();
    return old && new Promise((resolve) => {
      setTimeout(resolve, 1000);
      old.onclose = resolve;
      old.close(1000);
    });
  }

  connect();
  const ticker = setInterval(tick, 4000);
  return { send, wake, drop, leave, isReady: () => isReady };
}
