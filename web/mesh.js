// @ts-nocheck The RTCPeerConnections with one peer, one after the other, each a generation `g`. The
// owner, who came later, makes all offers and repairs; the other side asks it to. None cross: in
// Firefox a rollback may stop a picture for good.
import { SignalError } from './signaling.js';

const HELD = 100; // messages; a connection has fewer candidates

const groupOf = (as) => (as === 'screen' ? as : 'cam');
const has = (names, as) => [...names].some((name) => groupOf(name) === groupOf(as));
const kindOf = (as) => (as === 'mic' ? 'audio' : 'video');

/** What is well said in an object that a peer sent, which may be anything. */
const entriesOf = (object, isGood) => Object.entries(object ?? {}).filter((entry) => isGood(...entry));
const isSource = (as) => ['mic', 'cam', 'screen'].includes(as);

/**
 * Makes of the object `peer` what client.d.ts says.
 * room: { RTC, config(), isVanilla, isOpen(), peers, sources, groups }, the same for all peers
 */
export function createPair(peer, isOwner, room, { send: sendOn, emit, note }) {
  let pc = null, control, data, slots, mids, isMaking, isWanted, isHeard, isClosed, timer;
  let next = [], waiter, made = 0; // of the generation to come; how many were built since one was connected
  let isRepairing; // the timer waits for what was done, and no state hurries it
  let g = 0, tries = 0, acted = 0;
  let chain = Promise.resolve(), sending = chain, waiting = [], before = [];

  const send = (type, members) => sendOn({ type, g, ...members });
  const isUp = () => pc?.connectionState === 'connected' && control.readyState !== 'closed';
  const release = () => waiting.splice(0).forEach((go) => go());

  function setState(state) {
    if (state === peer.state) return;
    peer.state = state;
    emit('state', { state });
  }

  function later(what, owner, other = owner) {
    clearTimeout(timer);
    timer = setTimeout(act, isOwner ? owner : other, what);
  }

  const pause = () => Math.min(tries || 1, 4);

  /** What the state asks for: when the owner does it, and when the other asks for it. */
  function watch() {
    const { connectionState: state } = pc;
    if (isUp()) {
      tries = 0;
      made = Math.min(made, 1);
      isRepairing = false;
      clearTimeout(timer);
      limit();
      return setState('connected');
    }
    if (peer.state === 'connected') setState('interrupted');
    if (isRepairing) return;
    if (control.readyState === 'closed') later('rebuild', 500);
    else if (state === 'disconnected') later('restart', 3e3, 5e3);
    else if (state === 'failed') later('restart', 0, 1500);
    else later('rebuild', 8e3 * pause(), 11e3 * pause());
  }

  function act(what) {
    isRepairing = false;
    if (isUp()) return;
    // Who never answered has no WebRTC, or is away: the offer waits there.
    if (room.isOpen() && isHeard) repair(what);
    else later(what, 1000);
  }

  /** What throws is tried again: the timer is set first. */
  function repair(what) {
    if (isClosed || !room.RTC) return;
    note('recovery', what);
    later('rebuild', 8e3 * pause());
    isRepairing = true;
    try {
      mend(what);
    } catch {}
  }

  function mend(what) {
    const early = acted + 1000 * tries - Date.now(); // what fails at once must not spin
    if (!isOwner) {
      send('need', { what });
    } else if (what === 'restart' && pc?.signalingState === 'stable' && control.readyState !== 'closed') {
      acted = Date.now();
      pc.setConfiguration?.(room.config());
      pc.restartIce();
    } else if (early > 0) {
      later(what, early);
    } else {
      tries++;
      chain = Promise.resolve(); // of a closed connection no call ends
      build(g + 1);
    }
  }

  function build(generation) {
    pc?.close();
    peer.pc = pc = null;
    g = generation;
    const p = peer.pc = pc = new room.RTC(room.config());
    const mine = (act) => (event) => p === pc && act(event);
    acted = Date.now();
    isMaking = isWanted = isRepairing = false;
    before = [];
    slots = new Map();
    mids = new Map();
    peer.sources = {};
    peer.streams = {};
    for (const name of ['signaling', 'iceGathering', 'iceConnection', 'connection']) {
      p[`on${name.toLowerCase()}statechange`] = mine(() => {
        note({ iceGathering: 'gathering', iceConnection: 'ice' }[name] ?? name, p[`${name}State`]);
        if (name === 'connection') watch();
        else if (isUp()) limit();
      });
    }
    p.onnegotiationneeded = mine(negotiate);
    p.onicecandidate = mine(({ candidate }) => room.isVanilla || send('candidate', { candidate }));
    p.ondatachannel = mine(({ channel }) => emit('channel', { channel }));
    p.ontrack = mine(({ track, streams: [stream = new MediaStream([track])], transceiver }) => {
      const as = track.kind === 'audio' ? 'mic' : mids.get(transceiver.mid) ?? 'cam';
      peer.streams[groupOf(as)] = stream;
      emit('track', { track, stream, as });
    });
    // It closes within milliseconds when the other page is gone; the states need seconds.
    control = p.createDataChannel('control', { negotiated: true, id: 0 });
    data = p.createDataChannel('data', { negotiated: true, id: 1 });
    data.binaryType = 'arraybuffer';
    data.bufferedAmountLowThreshold = 1 << 18;
    data.onmessage = mine((event) => emit('data', { data: event.data }));
    data.onopen = data.onbufferedamountlow = release;
    control.onclose = mine(() => {
      isRepairing = false; // this one is beyond it
      watch();
    });
    if (isOwner) applyAll();
    watch();
  }

  const transceivers = (as) => pc.getTransceivers().filter((t) => t.receiver.track.kind === kindOf(as));

  /** Of a connection that is closed meanwhile the next one has all sources. */
  const applyAll = () => [...room.sources.keys()].forEach((as) => apply(as)?.catch(() => {}));

  /** A source is new, has another track or none, or is gone. */
  function apply(as) {
    const source = room.sources.get(as);
    let slot = slots?.get(as);
    if (!pc || !source && !slot) return;
    if (!source) {
      slots.delete(as);
      slot.direction = 'recvonly';
      // A stream that ended does not begin again: only a new one makes a track event.
      if (!has(room.sources.keys(), as)) delete room.groups[groupOf(as)];
    } else if (!slot) {
      const used = [...slots.values()];
      slot = transceivers(as).find((t) => !used.includes(t));
      if (!slot && !isOwner) return negotiate();
      slot ??= pc.addTransceiver(kindOf(as));
      slot.direction = 'sendrecv';
      slot.sender.setStreams?.(room.groups[groupOf(as)] ??= new MediaStream());
      slots.set(as, slot);
    }
    if (pc.signalingState === 'stable' && pc.remoteDescription) tell();
    return slot.sender.replaceTrack(source?.track ?? null);
  }

  /** Which of our transceivers carries what, and what is switched off. */
  function tell() {
    const meta = { mids: {}, sources: {} };
    for (const [as, { mid }] of slots) {
      meta.mids[mid] = as;
      meta.sources[as] = !!room.sources.get(as)?.track;
    }
    send('meta', meta);
  }

  function learn(meta) {
    mids = new Map(entriesOf(meta.mids, (mid, as) => isSource(as) && as !== 'mic'));
    peer.sources = Object.fromEntries(
      entriesOf(meta.sources, (as, isOn) => isSource(as) && typeof isOn === 'boolean'),
    );
    for (const as in peer.streams) {
      if (!has(Object.keys(peer.sources), as)) delete peer.streams[as];
    }
    emit('update');
  }

  function limit() {
    for (const [as, { sender }] of slots ?? []) {
      const parameters = sender.getParameters();
      if (as === 'mic' || !parameters.encodings?.[0]) continue;
      parameters.encodings[0].maxBitrate = Math.min(12e5, 25e5 / room.peers.size);
      sender.setParameters(parameters).catch(() => {});
    }
  }

  /** What fails is repaired by a new generation, unless there is one already. */
  async function attempt(work) {
    const p = pc;
    try {
      await work(p);
    } catch {
      if (p === pc) repair('rebuild');
    }
  }

  const negotiate = () => attempt(async (p) => {
    // The first comes unasked.
    if (!isOwner && p.remoteDescription) send('need', { what: 'offer', sources: [...room.sources.keys()] });
    if (!isOwner) return;
    isWanted = isMaking || p.signalingState !== 'stable';
    if (isWanted) return;
    isMaking = true;
    await p.setLocalDescription();
    isMaking &&= p !== pc;
    await describe(p);
  });

  /** Offer a transceiver for each of the other side's sources. */
  function admit(sources) {
    const left = { audio: transceivers('mic').length, video: transceivers('cam').length };
    for (const kind of [...new Set(sources)].filter(isSource).map(kindOf)) {
      if (left[kind]-- < 1) pc.addTransceiver(kind, { direction: 'recvonly' });
    }
    return negotiate();
  }

  async function describe(p) {
    const { type } = p.localDescription;
    if (room.isVanilla) {
      await new Promise((resolve) => {
        setTimeout(resolve, 2000); // a dead STUN server would hold it up for a minute
        // Of a restart the state tells a task later.
        const look = () => p.iceGatheringState === 'complete' && /=cand/.test(p.localDescription.sdp) && resolve();
        p.addEventListener('icegatheringstatechange', look);
        look();
      });
    }
    if (p !== pc || p.localDescription.type !== type) return;
    tell();
    send(type, { sdp: p.localDescription.sdp });
  }

  const take = (message) => attempt(async (p) => {
    const { type, sdp, candidate } = message;
    const isStable = p.signalingState === 'stable';
    if (type === 'meta') return learn(message);
    // A name that nobody resolves does no harm.
    if (type === 'candidate') return p.addIceCandidate(candidate).catch(() => {});
    if (typeof sdp !== 'string') return;
    if (isOwner !== (type === 'answer') || isOwner === isStable) return;
    await p.setRemoteDescription({ type, sdp });
    if (isOwner && isWanted) negotiate();
    if (p !== pc || isOwner) return;
    applyAll();
    await p.setLocalDescription();
    await describe(p);
  });

  /**
   * Of the next generation: it is built for an offer alone, and no faster than the owner builds, who
   * might be anybody. The newest one counts.
   */
  function hold(message) {
    if (!next.length || message.g > next[0].g) next = [];
    else if (message.g < next[0].g || next.length >= HELD) return;
    next.push(message);
    if (!next.some(({ type, sdp }) => type === 'offer' && typeof sdp === 'string')) return;
    clearTimeout(waiter);
    const early = acted + 1000 * (made - 1) - Date.now();
    if (early <= 0) return begin();
    waiter = setTimeout(() => { chain = chain.then(begin).catch(rebuildLater); }, early);
  }

  async function begin() {
    const [held] = [next, next = []];
    if (isClosed || !held.length) return;
    made++;
    build(held[0].g);
    for (const message of held) await take(message);
  }

  const rebuildLater = () => isClosed || later('rebuild', 1000);

  function handle(message) {
    const { type, what } = message;
    if (!/^(offer|answer|candidate|meta|need)$/.test(type) || !Number.isSafeInteger(message.g)) return;
    isHeard = true;
    chain = chain.then(() => {
      if (message.g > g && !isOwner && room.RTC && !isClosed) return hold(message);
      if (message.g !== g || !pc) return;
      if (type !== 'need') return take(message);
      if (!isOwner) return;
      if (what === 'offer' && Array.isArray(message.sources)) return admit(message.sources);
      if (what === 'rebuild' || what === 'restart' && (isUp() || Date.now() - acted > 3000)) repair(what);
    }).catch(rebuildLater);
  }

  function close() {
    isClosed = true;
    clearTimeout(timer);
    clearTimeout(waiter);
    pc?.close();
    peer.pc = pc = data = null;
    release();
    setState('gone');
  }

  async function push(message) {
    while (data?.readyState !== 'open' || data.bufferedAmount > 1 << 20) {
      if (isClosed) throw new SignalError('closed');
      await new Promise((go) => waiting.push(go));
    }
    data.send(message);
  }

  async function stats() {
    const p = pc;
    if (!p) throw new SignalError('closed');
    // Firefox leaves the question without an answer if the connection is closed meanwhile.
    const all = await Promise.race([p.getStats(), new Promise((_, no) => setTimeout(no, 2000, new SignalError('closed')))])
      .then((report) => [...report.values()]);
    const find = (name, value) => all.find((r) => r[name] === value) ?? {};
    const sum = (name) => all.reduce((n, r) => n + (r.type === 'inbound-rtp' && r[name] || 0), 0);
    const pair = find('id', find('type', 'transport').selectedCandidatePairId);
    const now = [
      Date.now() / 1000, pair.bytesReceived, pair.bytesSent, sum('framesDecoded'),
      sum('packetsLost'), sum('packetsReceived'),
    ];
    const [seconds, bytesIn, bytesOut, frames, lost, got] = now.map((n, i) => Math.max(0, n - before[i]) || 0);
    if (p === pc) before = now;
    const orNull = (n) => (Number.isFinite(n) ? n : null);
    return {
      rttMs: orNull(pair.currentRoundTripTime * 1000),
      lossPct: orNull(100 * lost / (lost + got)),
      kbpsIn: bytesIn / 125 / seconds || 0,
      kbpsOut: bytesOut / 125 / seconds || 0,
      path: find('id', pair.localCandidateId).candidateType ?? null,
      fps: frames / seconds || 0,
    };
  }

  Object.assign(peer, {
    state: 'connecting', pc, streams: {}, sources: {}, stats,
    restart: () => repair('restart'),
    rebuild: () => repair('rebuild'),
    channel(label, init) {
      if (!pc) throw new SignalError('closed');
      return pc.createDataChannel(label, init);
    },
    send(message) {
      const sent = sending.then(() => push(message));
      sending = sent.catch(() => {});
      return sent;
    },
  });
  if (isOwner && room.RTC) build(1);
  return {
    handle, apply, limit, close,
    /** Signaling is back. */
    kick: () => pc && later('restart', 300, 2500),
  };
}
