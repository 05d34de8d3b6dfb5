/*
 * Two RTCPeerConnections in one page, A and B, and everything that has to happen between them cut
 * into steps: each is one call of the API or one message carried over. No DOM; whoever holds this
 * says when the next step is taken.
 */

/** @typedef {import('../client.js').Trace} Trace */
/** @typedef {'A' | 'B'} Name */
/**
 * @typedef {object} Step
 * @property {string} key the sentence that says what comes
 * @property {Record<string, string>} params
 * @property {() => Promise<void> | void} run
 */
/**
 * @typedef {object} TwoEvents
 * @property {(trace: Trace) => void} trace
 * @property {() => void} change there are more steps, or fewer, or a state is another
 * @property {(stream: MediaStream) => void} picture B sees this
 */

/** @param {Name} name @returns {Name} */
const otherThan = (name) => (name === 'A' ? 'B' : 'A');

export class TwoPeers {
  #events;
  /** @type {Step[]} */
  #steps = [];
  /** @type {RTCDataChannel | null} */
  #channel = null;
  /** @type {Map<Name, RTCPeerConnection>} */
  #pcs = new Map();
  #isClosed = false;

  /** @param {TwoEvents} events */
  constructor(events) {
    this.#events = events;
    this.#steps.push({ key: 'two.step.create', params: {}, run: () => this.#create() });
  }

  /** @returns {Step | undefined} what comes next */
  get next() {
    return this.#steps[0];
  }

  /** The views look at the connections by it, as at those of a room. */
  get peers() {
    return new Map(Array.from(this.#pcs, ([name, pc]) => [name, { pc }]));
  }

  get isOpen() {
    return this.#channel?.readyState === 'open';
  }

  /** Take the next step. */
  async step() {
    const step = this.#steps.shift();
    await step?.run();
    this.#events.change();
  }

  /** A adds a picture: that needs a second offer and answer. @param {MediaStreamTrack} track */
  addTrack(track) {
    this.#pcs.get('A')?.addTrack(track, new MediaStream([track]));
  }

  restartIce() {
    this.#pcs.get('A')?.restartIce();
  }

  /** Over the data channel, past all signaling. @param {string} text */
  greet(text) {
    this.#channel?.send(text);
  }

  close() {
    this.#isClosed = true;
    this.#steps = [];
    this.#pcs.forEach((pc) => pc.close());
  }

  /** @param {string} key @param {Record<string, string>} params @param {Step['run']} run */
  #plan(key, params, run) {
    if (!this.#isClosed) {
      this.#steps.push({ key, params, run });
      this.#events.change();
    }
  }

  /** @param {Omit<Trace, 't' | 'room'>} event */
  #trace(event) {
    this.#events.trace({ t: Date.now(), room: 'lab', ...event });
  }

  #create() {
    for (const name of /** @type {Name[]} */ (['A', 'B'])) {
      this.#pcs.set(name, this.#connection(name));
    }
    const channel = this.#pcs.get('A')?.createDataChannel('hello') ?? null;
    this.#channel = channel;
    channel?.addEventListener('open', () => this.#events.change());
  }

  /** @param {Name} name */
  #connection(name) {
    const pc = new RTCPeerConnection({ bundlePolicy: 'max-bundle' });
    /** @type {[string, string, () => string][]} */
    const states = [
      ['signaling', 'signalingstatechange', () => pc.signalingState],
      ['gathering', 'icegatheringstatechange', () => pc.iceGatheringState],
      ['ice', 'iceconnectionstatechange', () => pc.iceConnectionState],
      ['connection', 'connectionstatechange', () => pc.connectionState],
    ];
    for (const [type, event, read] of states) {
      pc.addEventListener(event, () => {
        this.#trace({ dir: 'state', type, from: name, summary: read() });
      });
    }
    pc.addEventListener('negotiationneeded', () => {
      if (name === 'A') {
        this.#plan('two.step.offer', {}, () => this.#describe('A'));
      }
    });
    pc.addEventListener('icecandidate', ({ candidate }) => {
      if (candidate?.candidate) {
        this.#plan('two.step.candidate', { from: name, to: otherThan(name) }, () => (
          this.#carryCandidate(name, candidate)
        ));
      }
    });
    pc.addEventListener('track', ({ track }) => this.#events.picture(new MediaStream([track])));
    pc.addEventListener('datachannel', ({ channel }) => {
      channel.addEventListener('message', ({ data }) => {
        this.#trace({ dir: 'state', type: 'data', from: name, summary: String(data) });
      });
    });
    return pc;
  }

  /** @param {Name} name */
  async #describe(name) {
    const pc = this.#pcs.get(name);
    await pc?.setLocalDescription();
    const { type = '', sdp = '' } = pc?.localDescription ?? {};
    const to = otherThan(name);
    this.#plan(`two.step.carry.${type}`, { from: name, to }, async () => {
      this.#message(name, { type, sdp });
      const other = this.#pcs.get(to);
      await other?.setRemoteDescription({ type: type === 'offer' ? type : 'answer', sdp });
      if (type === 'offer') {
        this.#plan('two.step.answer', {}, () => this.#describe(to));
      }
    });
  }

  /** @param {Name} from @param {RTCIceCandidate} candidate */
  async #carryCandidate(from, candidate) {
    const other = this.#pcs.get(otherThan(from));
    if (!other?.remoteDescription) {
      // It belongs to a description that is still on its way.
      this.#plan('two.step.candidate', { from, to: otherThan(from) }, () => (
        this.#carryCandidate(from, candidate)
      ));
      return;
    }
    this.#message(from, { type: 'candidate', ice: candidate.toJSON() });
    await other.addIceCandidate(candidate);
  }

  /** @param {Name} from @param {{ type: string } & Record<string, unknown>} message */
  #message(from, message) {
    const raw = JSON.stringify(message);
    const { type } = message;
    const to = otherThan(from);
    this.#trace({ dir: 'out', type, from, to, bytes: raw.length, summary: type, raw });
  }
}
