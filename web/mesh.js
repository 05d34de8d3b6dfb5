// @ts-nocheck The RTCPeerConnections with one peer, one after the other, each a generation `g`. The
// owner, who came later, makes the first offer, is polite, and repairs; the other side asks it to.
import { SignalError } from './signaling.js';

const groupOf = (as) => (as === 'screen' ? as : 'cam');

function gathered(pc) {
  return new Promise((resolve) => {
    setTimeout(resolve, 2000); // a dead STUN server would hold it up for a minute
    const look = () => pc.iceGatheringState === 'complete' && resolve();
    pc.addEventListener('icegatheringstatechange', look);
    look();
  });
}

/**
 * Fills in what d.ts says of a Peer.
 * room: { RTC, config(), isVanilla, sources, groups, peers, isOpen() }, the same for all peers
 * on: { send(type, members), emit(type, detail), note(type, summary) }
 */
export function createPair(peer, isOwner, room, { send: sendOn, emit, note }) {
  let pc = null, control, data, slots, said, isMaking, isHeard, isClosed, timer;
  let g = 0, tries = 0, acted = 0;
  let chain = Promise.resolve(), sending = chain, waiting = [], before = {};

  const send = (type, members) => sendOn(type, { ...members, g });
  const isUp = () => pc?.connectionState === 'connected' && control.readyState !== 'closed';
  const release = () => waiting.splice(0).forEach((go) => go());

  function setState(state) {
    if (state === peer.state) return;
    peer.state = state;
    emit('state', { state });
  }

  function later(ms, what) {
    clearTimeout(timer);
    timer = setTimeout(act, ms, what);
  }

  /** What the state asks for, and when: [ms for the owner, ms for the other, what]. */
  function watch() {
    if (isUp()) {
      tries = 0;
      limit();
      return setState('connected');
    }
    if (peer.state === 'connected') setState('interrupted');
    const pause = Math.min(tries || 1, 4);
    const [mine, theirs, what] = control.readyState === 'closed' ? [500, 500, 'rebuild'] : {
      disconnected: [3e3, 5e3, 'restart'],
      failed: [0, 1500, 'restart'],
    }[pc.connectionState] ?? [8e3 * pause, 11e3 * pause, 'rebuild'];
    later(isOwner ? mine : theirs, what);
  }

  function act(what) {
    if (isUp()) return;
    // Who never answered has no WebRTC, or is away: the offer waits there.
    if (room.isOpen() && isHeard) repair(what);
    else later(1000, what);
  }

  function repair(what) {
    const early = acted + 1000 * tries - Date.now(); // what fails at once must not spin
    if (!isOwner) {
      send('need', { what });
    } else if (what === 'restart' && pc.signalingState === 'stable') {
      pc.setConfiguration?.(room.config());
      pc.restartIce();
      acted = Date.now();
    } else if (early > 0) {
      return later(early, what);
    } else {
      tries++;
      build(g + 1);
    }
    note('recovery', what);
    later(8e3 * Math.min(tries || 1, 4), 'rebuild');
  }

  function build(generation) {
    pc?.close();
    const p = peer.pc = pc = new room.RTC(room.config());
    const mine = (act) => (event) => p === pc && act(event);
    g = generation;
    acted = Date.now();
    isMaking = false;
    slots = new Map();
    said = peer.sources = {};
    peer.streams = {};
    for (const [type, name] of Object.entries({
      signaling: 'signaling', gathering: 'iceGathering', ice: 'iceConnection', connection: 'connection',
    })) {
      p[`on${name.toLowerCase()}statechange`] = mine(() => {
        note(type, p[`${name}State`]);
        if (type === 'connection') watch();
      });
    }
    p.onnegotiationneeded = mine(negotiate);
    p.onicecandidate = mine(({ candidate }) => room.isVanilla || send('candidate', { candidate }));
    p.ondatachannel = mine(({ channel }) => emit('channel', { channel }));
    p.ontrack = mine(({ track, streams: [stream], transceiver: { mid } }) => {
      const as = Object.keys(said).find((name) => said[name].mid === mid) ?? 'cam';
      peer.streams[groupOf(as)] = stream;
      emit('track', { track, stream, as });
    });
    // It closes within milliseconds when the other page is gone; the states need seconds.
    control = p.createDataChannel('control', { negotiated: true, id: 0 });
    data = p.createDataChannel('data', { negotiated: true, id: 1 });
    data.binaryType = 'arraybuffer';
    data.onmessage = mine((event) => emit('data', { data: event.data }));
    data.bufferedAmountLowThreshold = 1 << 18;
    data.onopen = data.onbufferedamountlow = control.onclose = mine(() => {
      release();
      watch();
    });
    if (isOwner) applyAll();
    watch();
  }

  const applyAll = () => [...room.sources.keys()].forEach(apply);

  /** A source is new, has another track or none, or is gone. */
  function apply(as) {
    const source = room.sources.get(as);
    const kind = as === 'mic' ? 'audio' : 'video';
    let slot = slots?.get(as);
    // A member's wait until they can share the transceivers of the first offer.
    if (!pc || !source && !slot || !isOwner && !pc.remoteDescription) return;
    if (!source) {
      slots.delete(as);
      slot.direction = 'recvonly';
    } else if (!slot) {
      const used = [...slots.values()];
      slot = pc.getTransceivers().find((t) => t.receiver.track.kind === kind && !used.includes(t))
        ?? pc.addTransceiver(kind);
      slot.direction = 'sendrecv';
      slot.sender.setStreams?.(room.groups[groupOf(as)] ??= new MediaStream());
      slots.set(as, slot);
    }
    if (pc.signalingState === 'stable' && pc.remoteDescription) tell();
    return slot.sender.replaceTrack(source?.track ?? null);
  }

  /** Which of our transceivers carries what, and what is switched off. */
  function tell() {
    const all = [...slots].map(([as, { mid }]) => [as, { mid, on: !!room.sources.get(as)?.track }]);
    send('meta', { sources: Object.fromEntries(all) });
  }

  function learn(sources) {
    said = sources;
    peer.sources = Object.fromEntries(Object.entries(said).map(([as, { on }]) => [as, on]));
    if (!said.screen) delete peer.streams.screen;
    if (!said.cam && !said.mic) delete peer.streams.cam;
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

  /** Do it unless another generation begins meanwhile; what fails is repaired by a new one. */
  async function attempt(work) {
    const p = pc;
    try {
      await work(p, () => p === pc);
    } catch (error) {
      if (p === pc) repair('rebuild');
    }
  }

  const negotiate = () => attempt(async (p) => {
    if (!isOwner && !p.remoteDescription) return;
    isMaking = true;
    await p.setLocalDescription();
    await describe(p);
    if (p === pc) isMaking = false;
  });

  async function describe(p) {
    const { type } = p.localDescription;
    if (room.isVanilla) await gathered(p);
    if (p !== pc || p.localDescription.type !== type) return;
    tell();
    send(type, { sdp: p.localDescription.sdp });
  }

  const take = ({ type, sdp, candidate, sources }) => attempt(async (p) => {
    if (type === 'meta') return learn(sources);
    // Those of an offer that was ignored, or with names that nobody resolves, do no harm.
    if (type === 'candidate') return p.addIceCandidate(candidate).catch(() => {});
    const isStable = p.signalingState === 'stable';
    if (type === 'answer' ? isStable : !isOwner && (isMaking || !isStable)) return;
    const isFirst = !p.remoteDescription;
    await p.setRemoteDescription({ type, sdp });
    if (p !== pc || type === 'answer') return;
    if (isFirst) applyAll();
    await p.setLocalDescription();
    await describe(p);
  });

  function handle(message) {
    isHeard = true;
    chain = chain.then(() => {
      const { type, what } = message;
      if (message.g > g && !isOwner && room.RTC && !isClosed) build(message.g);
      if (message.g !== g || !pc) return;
      if (type !== 'need') return take(message);
      if (what === 'rebuild' || isUp() || Date.now() - acted > 3000) repair(what);
    });
  }

  /** Signaling is back. */
  function kick() {
    if (pc && (pc.signalingState !== 'stable' || /dis|fail/.test(pc.connectionState))) {
      later(isOwner ? 300 : 2500, 'restart');
    }
  }

  function close() {
    isClosed = true;
    clearTimeout(timer);
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
    const all = pc ? [...(await pc.getStats()).values()] : [];
    const find = (name, value) => all.find((r) => r[name] === value);
    const sum = (name) => all.reduce((n, r) => n + (r.type === 'inbound-rtp' && r[name] || 0), 0);
    const pair = find('id', find('type', 'transport')?.selectedCandidatePairId) ?? find('selected', true);
    const now = [
      Date.now() / 1000, pair?.bytesReceived, pair?.bytesSent, sum('framesDecoded'),
      sum('packetsLost'), sum('packetsReceived'),
    ];
    const [seconds, bytesIn, bytesOut, frames, lost, got] = now.map((n, i) => n - before[i] || 0);
    before = now;
    return {
      rttMs: pair?.currentRoundTripTime * 1000 || null,
      lossPct: 100 * lost / (lost + got) || 0,
      kbpsIn: bytesIn / 125 / seconds || 0,
      kbpsOut: bytesOut / 125 / seconds || 0,
      path: find('id', pair?.localCandidateId)?.candidateType ?? null,
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
  return { handle, apply, limit, kick, close };
}
