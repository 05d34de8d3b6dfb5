// One RTCPeerConnection with a peer, its generation `g`: who offers, what is sent over which transceiver,
// and what the other side says of its own. Whether it is repaired or replaced is for mesh.js to say.
import { entriesOf, fits, isOld, isSource } from './sources.js';
import { Stats } from './stats.js';

/**
 * @typedef {import('./sources.js').Source} Source
 * @typedef {import('./wire.js').PeerMessage} PeerMessage
 *
 * @typedef {object} Mesh what is the same for all peers of a room
 * @property {typeof globalThis.RTCPeerConnection} [RTCPeerConnection]
 * @property {() => RTCConfiguration} config
 * @property {boolean} isVanilla candidates go inside the descriptions
 * @property {() => boolean} isOpen whether the server is there
 * @property {() => number} count of peers, who share what may be sent
 * @property {import('./sources.js').Sources} sources
 *
 * @typedef {object} ConnectionEvents none comes after close()
 * @property {(message: { type: string, g: number, [member: string]: unknown }) => void} send
 * @property {() => boolean} isReachable whether what is sent now reaches the other side
 * @property {(type: string, state: string) => void} note a state, for the trace
 * @property {() => void} change it may be up now, or not any more
 * @property {() => void} settled it is up, and both descriptions are known
 * @property {() => void} cut the other side has closed it
 * @property {() => void} fault it is beyond what it can do itself
 * @property {(track: MediaStreamTrack, stream: MediaStream, as: Source) => void} track
 * @property {(sources: Partial<Record<Source, boolean>>) => void} sources what the other side sends
 * @property {(claim: unknown) => void} claim what the other side says over the connection itself
 * @property {(data: string | ArrayBuffer) => void} data
 * @property {(channel: RTCDataChannel) => void} channel
 */

const VANILLA_MS = 2000; // a dead STUN server would hold it up for a minute
const PEER_BITRATE = 1_200_000; // of a picture, in bit/s, to one peer
const ALL_BITRATE = 2_500_000; // to all of them

/** The same codec? @param {string} a @param {string} b */
const isSame = (a, b) => a.toLowerCase() === b.toLowerCase();

export class Connection {
  stats = new Stats();
  #mesh;
  #isOwner;
  #on;
  #isClosed = false;
  /** Its end tells within milliseconds that the other page is gone; the states need seconds. */
  #control;
  /** Our transceivers, by what they carry. @type {Map<Source, RTCRtpTransceiver>} */
  #slots = new Map();
  /** What the other side's carry, by `mid`, as far as it said. @type {Map<string | null, Source>} */
  #mids = new Map();
  #isOffering = false;
  #takesAny = false; // the other side knows sources by any name
  /** What codecs are preferred there, as was asked for. @type {WeakMap<RTCRtpTransceiver, string>} */
  #preferred = new WeakMap();
  #isOfferDue = false; // when this one is answered, or the other side can be reached again

  /**
   * Throws what RTCPeerConnection throws. begin() is due when everybody knows it.
   * @param {number} g
   * @param {boolean} isOwner
   * @param {Mesh} mesh
   * @param {ConnectionEvents} on
   */
  constructor(g, isOwner, mesh, on) {
    const RTC = /** @type {typeof globalThis.RTCPeerConnection} */ (mesh.RTCPeerConnection);
    this.g = g;
    this.#isOwner = isOwner;
    this.#mesh = mesh;
    this.#on = on;
    this.pc = new RTC(mesh.config());
    this.#watch();
    this.#control = this.pc.createDataChannel('control', { negotiated: true, id: 0 });
    this.#control.onclose = () => this.#unlessClosed(on.cut);
    this.#control.onmessage = ({ data }) => this.#unlessClosed(() => on.claim(data));
    this.data = this.pc.createDataChannel('data', { negotiated: true, id: 1 });
    this.data.onmessage = ({ data }) => this.#unlessClosed(() => on.data(data));
  }

  /** The owner offers what there is. */
  begin() {
    if (this.#isOwner) this.#applyAll();
  }

  get isUp() {
    return this.pc.connectionState === 'connected' && !this.isCut;
  }

  /** The other page is gone, or has closed its end. */
  get isCut() {
    return this.#control.readyState === 'closed';
  }

  /** Up, and nothing of it is half done. */
  get isSound() {
    const isIdle = this.pc.signalingState === 'stable' && !this.#isOffering;
    return this.isUp && isIdle && this.#control.readyState === 'open';
  }

  get canRestart() {
    return this.pc.signalingState === 'stable' && !this.isCut;
  }

  /** Tell the other side over the connection itself. Only if it is sound. @param {string} text */
  claim(text) {
    try {
      this.#control.send(text);
    } catch {} // closing, or the other side takes nothing so long: then it is not recognised
  }

  /** It goes on as another generation, perhaps with the parts of the two sides exchanged. @param {number} g @param {boolean} isOwner */
  adopt(g, isOwner) {
    this.g = g;
    this.#isOwner = isOwner;
    this.#tell();
  }

  /** The other side can be reached again: what had to wait. */
  goOn() {
    if (!this.#isOfferDue) return;
    if (this.#isOwner) this.#applyAll();
    this.#negotiate();
  }

  restart() {
    this.pc.setConfiguration?.(this.#mesh.config());
    this.pc.restartIce();
  }

  close() {
    this.#isClosed = true;
    this.pc.close();
  }

  /**
   * A source is new, has another track or none, or is gone. Rejects if this connection cannot take it.
   * @param {Source} as
   * @returns {Promise<void> | undefined}
   */
  apply(as) {
    const sent = this.#mesh.sources.get(as);
    let slot = this.#slots.get(as);
    if (!sent) {
      if (!slot) return undefined;
      this.#slots.delete(as);
      slot.direction = 'recvonly';
    } else if (!slot) {
      if (!isOld(as) && !this.#takesAny) return undefined; // it would be taken for a camera
      slot = this.#findSlot(as, sent);
      if (!slot) return this.#negotiate();
    } else if (this.#prefer(slot, sent)) {
      this.#negotiate();
    }
    if (this.pc.signalingState === 'stable' && this.pc.remoteDescription) this.#tell();
    const replaced = slot.sender.replaceTrack(sent?.track ?? null);
    this.limit();
    return replaced;
  }

  /** Pictures to many are smaller, unless the page has said how large one may be, and by which codec. */
  limit() {
    const share = Math.floor(Math.min(PEER_BITRATE, ALL_BITRATE / this.#mesh.count()));
    for (const [as, { sender }] of this.#slots) {
      const { kind, codecs = [], maxBitrate = kind === 'video' ? share : undefined } = this.#mesh.sources.get(as) ?? {};
      const parameters = sender.getParameters();
      /** @type {RTCRtpEncodingParameters & { codec?: { mimeType: string } }} */
      const encoding = parameters.encodings?.[0];
      // Without this who answers sends what the other side prefers.
      const codec = codecs.map((name) => parameters.codecs?.find(({ mimeType }) => isSame(mimeType, name))).find(Boolean);
      if (!encoding || (encoding.maxBitrate === maxBitrate && encoding.codec?.mimeType === codec?.mimeType)) continue;
      if (maxBitrate) encoding.maxBitrate = maxBitrate;
      else delete encoding.maxBitrate;
      if (codec) encoding.codec = codec;
      else delete encoding.codec;
      sender.setParameters(parameters).catch(() => {}); // it is going, or asks for this again
    }
  }

  /** The other side wants to send as much: offer a transceiver for each. @param {unknown[]} kinds */
  admit(kinds) {
    for (const kind of /** @type {const} */ (['audio', 'video'])) {
      const wanted = kinds.filter((one) => one === kind).length;
      for (let n = this.#transceivers(kind).length; n < wanted; n++) this.pc.addTransceiver(kind, { direction: 'recvonly' });
    }
    return this.#negotiate();
  }

  /** What the other side says of this connection; one after the other. @param {PeerMessage} message */
  take(message) {
    return this.#attempt(async () => {
      const { type, sdp, candidate } = message;
      if (type === 'meta') return this.#learn(message);
      if (type === 'candidate') {
        // A name that nobody resolves does no harm.
        return this.pc.addIceCandidate(/** @type {RTCIceCandidateInit} */ (candidate)).catch(() => {});
      }
      if (typeof sdp !== 'string') return undefined;
      return this.#isOwner ? this.#takeAnswer(type, sdp) : this.#takeOffer(type, sdp);
    });
  }

  #watch() {
    const { pc } = this;
    const states = /** @type {const} */ ({
      signalingstatechange: ['signaling', 'signalingState'],
      icegatheringstatechange: ['gathering', 'iceGatheringState'],
      iceconnectionstatechange: ['ice', 'iceConnectionState'],
      connectionstatechange: ['connection', 'connectionState'],
    });
    for (const [event, [name, member]] of Object.entries(states)) {
      pc.addEventListener(event, () => this.#unlessClosed(() => {
        this.#on.note(name, pc[member]);
        if (name === 'connection') this.#on.change();
        else if (this.isUp) this.limit();
        if (this.isUp && this.canRestart) this.#on.settled();
      }));
    }
    pc.onnegotiationneeded = () => this.#unlessClosed(() => this.#negotiate());
    pc.onicecandidate = ({ candidate }) => this.#mesh.isVanilla || this.#send('candidate', { candidate });
    pc.ondatachannel = ({ channel }) => this.#unlessClosed(() => this.#on.channel(channel));
    pc.ontrack = (event) => this.#unlessClosed(() => this.#receive(event));
  }

  /** @param {() => void} act */
  #unlessClosed(act) {
    if (!this.#isClosed) act();
  }

  /** @param {string} type @param {object} members */
  #send(type, members) {
    if (!this.#isClosed) this.#on.send({ type, g: this.g, ...members });
  }

  /** What fails is repaired by a new generation, unless there is one already. @param {() => unknown} work */
  async #attempt(work) {
    try {
      await work();
    } catch {
      this.#unlessClosed(this.#on.fault);
    }
  }

  /** @param {RTCTrackEvent} event */
  #receive({ track, streams: [stream = new MediaStream([track])], transceiver }) {
    const told = this.#mids.get(transceiver.mid);
    const own = track.kind === 'audio' ? 'mic' : 'cam';
    this.#on.track(track, stream, told && fits(told, track.kind) ? told : own);
  }

  /** @param {string} kind */
  #transceivers(kind) {
    return this.pc.getTransceivers().filter(({ receiver }) => receiver.track.kind === kind);
  }

  /** If this one is closed meanwhile the next one begins with all sources. */
  #applyAll() {
    for (const as of this.#mesh.sources.names) this.apply(as)?.catch(() => {});
  }

  /** A transceiver for it; none: it must be asked for, or waited for. @param {Source} as @param {import('./sources.js').Sent} sent */
  #findSlot(as, sent) {
    const { sources } = this.#mesh;
    const used = new Set(this.#slots.values());
    const free = this.#transceivers(sent.kind).find((transceiver) => !used.has(transceiver));
    // Who is the owner when the other side can be reached again nobody knows yet.
    if (!free && !(this.#isOwner && this.#on.isReachable())) return undefined;
    const slot = free ?? this.pc.addTransceiver(sent.kind);
    slot.direction = 'sendrecv';
    slot.sender.setStreams?.(sources.streamOf(as));
    this.#prefer(slot, sent);
    this.#slots.set(as, slot);
    return slot;
  }

  /**
   * Codecs by name come first, all others after them, so that there is always one that both sides have.
   * @param {RTCRtpTransceiver} slot
   * @param {import('./sources.js').Sent} sent
   * @returns {boolean} whether that is news
   */
  #prefer(slot, { kind, codecs = [] }) {
    const all = globalThis.RTCRtpReceiver?.getCapabilities?.(kind)?.codecs;
    if (!all || !slot.setCodecPreferences || String(codecs) === (this.#preferred.get(slot) ?? '')) return false;
    this.#preferred.set(slot, String(codecs));
    const rank = (/** @type {{ mimeType: string }} */ { mimeType }) => {
      const at = codecs.findIndex((name) => isSame(mimeType, name));
      return at < 0 ? codecs.length : at;
    };
    slot.setCodecPreferences(codecs.length ? all.sort((a, b) => rank(a) - rank(b)) : []);
    return true;
  }

  /** Which of our transceivers carries what, and what is switched off. */
  #tell() {
    /** @type {Record<string, Source>} */
    const mids = {};
    /** @type {Partial<Record<Source, boolean>>} */
    const sources = {};
    for (const [as, { mid }] of this.#slots) {
      mids[String(mid)] = as;
      sources[as] = Boolean(this.#mesh.sources.get(as)?.track);
    }
    this.#send('meta', { mids, sources, any: true });
  }

  /** @param {PeerMessage} meta */
  #learn(meta) {
    this.#mids.clear();
    for (const [mid, as] of entriesOf(meta.mids)) {
      if (isSource(as)) this.#mids.set(mid, as);
    }
    /** @type {Partial<Record<Source, boolean>>} */
    const sources = {};
    for (const [as, isOn] of entriesOf(meta.sources)) {
      if (isSource(as) && typeof isOn === 'boolean') sources[as] = isOn;
    }
    if (meta.any === true && !this.#takesAny) {
      this.#takesAny = true;
      this.#applyAll();
    }
    this.#on.sources(sources);
  }

  /** The owner makes an offer, the other asks for one; nobody does what would get lost. */
  #negotiate() {
    return this.#attempt(async () => {
      this.#isOfferDue = !this.#on.isReachable();
      if (this.#isOfferDue) return;
      if (!this.#isOwner) {
        // The first comes unasked; another is due until it comes, and asked for again in goOn().
        const { names, kinds } = this.#mesh.sources;
        this.#isOfferDue = Boolean(this.pc.remoteDescription);
        if (this.#isOfferDue) this.#send('need', { what: 'offer', sources: names, kinds });
        return;
      }
      this.#isOfferDue = this.#isOffering || this.pc.signalingState !== 'stable';
      if (this.#isOfferDue) return;
      this.#isOffering = true;
      await this.pc.setLocalDescription();
      this.#isOffering = false;
      await this.#describe();
    });
  }

  /** @param {string} type @param {string} sdp */
  async #takeAnswer(type, sdp) {
    if (type !== 'answer' || this.pc.signalingState === 'stable') return;
    await this.pc.setRemoteDescription({ type, sdp });
    if (this.#isOfferDue) this.#negotiate();
  }

  /** @param {string} type @param {string} sdp */
  async #takeOffer(type, sdp) {
    if (type !== 'offer' || this.pc.signalingState !== 'stable') return;
    this.#isOfferDue = false;
    this.pc.setConfiguration?.(this.#mesh.config()); // it may restart ICE
    await this.pc.setRemoteDescription({ type, sdp });
    if (this.#isClosed) return;
    this.#applyAll();
    await this.pc.setLocalDescription();
    await this.#describe();
  }

  /** Send the description that was just set, if it is still the one. */
  async #describe() {
    const { type } = /** @type {RTCSessionDescription} */ (this.pc.localDescription);
    if (this.#mesh.isVanilla) await this.#gather();
    const now = this.pc.localDescription;
    if (this.#isClosed || now?.type !== type) return;
    this.#tell();
    this.#send(type, { sdp: now.sdp });
  }

  /** Wait for all candidates, but not for ever. */
  #gather() {
    const { pc } = this;
    return new Promise((/** @type {(value?: undefined) => void} */ resolve) => {
      setTimeout(resolve, VANILLA_MS);
      const look = () => {
        // Of a restart the state tells a task later.
        if (pc.iceGatheringState === 'complete' && /=cand/.test(pc.localDescription?.sdp ?? '')) resolve();
      };
      pc.addEventListener('icegatheringstatechange', look);
      look();
    });
  }
}
