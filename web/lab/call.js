/*
 * The call between two pages: who offers, who answers, who is not meant. No DOM, no WebSocket:
 * messages come in by handle() and leave by the `send` event; the work is done in peer.js.
 *
 * The server gives no roles, so this is the perfect negotiation of the WebRTC specification
 * (10.7) with one change: of two first offers that meet, the one with the higher session number
 * stands, and the page that gives way starts over with a fresh RTCPeerConnection, because
 * Chromium sometimes finds no candidates after rolling a first offer back.
 */

import { sessionOf, versionOf } from './sdp.js';
import { Peer } from './peer.js';

/** @typedef {import('./signaling.js').Description} Description */
/** @typedef {import('./signaling.js').Message} Message */
/** @typedef {Omit<import('./peer.js').PeerEvents, 'negotiate'>} CallEvents */

export class Call {
  #events;
  /** @type {Peer | null} */
  #peer = null;
  /** @type {MediaStream | null} */
  #media = null;
  /** One step at a time: no offer, answer or candidate ever meets a half-done one. */
  #queue = Promise.resolve();
  /** Read whenever a description or a candidate is to be sent. */
  trickle = true;
  /** @type {RTCIceServer[]} for the next RTCPeerConnection */
  iceServers = [];

  /** @param {CallEvents} events */
  constructor(events) {
    this.#events = events;
  }

  /** @returns {Peer | null} for looking at */
  get peer() {
    return this.#peer;
  }

  /** Have a connection, and send this stream on it. @param {MediaStream | null} media */
  prepare(media) {
    return this.#step(async () => {
      this.#media = media;
      (this.#peer ?? this.#renew()).addTracks(media);
      this.#events.change();
    });
  }

  /** Make the offer. Pressed again, an unanswered one is repeated and a broken call begun anew. */
  connect() {
    return this.#step(async () => {
      if (this.#peer?.isOffering) {
        await this.#peer.describe();
      } else if (!this.#peer?.isAlive) {
        const fresh = this.#peer && !this.#peer.remoteSession ? this.#peer : this.#renew();
        await fresh.offer();
      }
    });
  }

  /** The server is back: say again what may have been lost on the way. */
  repeat() {
    return this.#step(async () => {
      const state = this.#peer?.connection.connectionState;
      if (state === 'new' || state === 'connecting') {
        await this.#peer?.describe();
      }
    });
  }

  /** End the call and tell the other page. */
  hangUp() {
    return this.#step(async () => {
      this.sayBye();
      this.#media = null;
      this.#close();
    });
  }

  /** Only tell it: for a page that is about to go. */
  sayBye() {
    if (this.#peer?.session) {
      this.#events.send({ type: 'bye', from: this.#peer.session });
    }
  }

  /** @param {Message} message */
  handle(message) {
    return this.#step(async () => {
      switch (message.type) {
        case 'offer':
          return this.#onOffer(message);
        case 'answer':
          return this.#onAnswer(message);
        case 'candidate':
          return this.#peer?.addCandidate(message.ice);
        case 'bye':
          return this.#onBye(message.from);
        case 'busy':
          return this.#onBusy(message.to);
      }
    });
  }

  /** @param {() => Promise<void>} step */
  #step(step) {
    this.#queue = this.#queue.then(step).catch((error) => {
      this.#events.note('note.failed', { error: String(error) });
    });
    return this.#queue;
  }

  #close() {
    this.#peer?.close();
    this.#peer = null;
    this.#events.change();
  }

  #renew() {
    this.#close();
    const options = { iceServers: this.iceServers, trickle: () => this.trickle };
    const peer = new Peer(options, {
      ...this.#events,
      // The first offer waits for Connect; later ones (a camera that came late) go by themselves.
      negotiate: () => this.#step(async () => {
        if (peer === this.#peer && peer.isAlive && peer.connection.signalingState === 'stable') {
          await peer.offer();
        }
      }),
    });
    this.#peer = peer;
    peer.addTracks(this.#media);
    return peer;
  }

  /** @param {Description} offer */
  async #onOffer({ sdp, to }) {
    const peer = this.#peer;
    const theirs = sessionOf(sdp);
    if (theirs && theirs === peer?.session) {
      this.#events.note('note.echo');
    } else if (to && to !== peer?.session) {
      this.#events.note('note.otherOffer');
    } else if (!peer || (peer.remoteSession && peer.remoteSession !== theirs)) {
      // A call that is alive is left only for an offer to this very page.
      await (peer?.isAlive && !to ? this.#refuse(theirs) : this.#renew().answer(sdp));
    } else if (peer.isOffering) {
      await this.#onGlare(peer, sdp);
    } else if (isRepeated(peer, sdp)) {
      this.#events.note('note.repeated');
      await peer.describe();
    } else {
      await peer.answer(sdp);
    }
  }

  /**
   * Two offers have met, or ours was made when nobody was there.
   * @param {Peer} peer
   * @param {string} sdp
   */
  async #onGlare(peer, sdp) {
    if (BigInt(peer.session || 0) > BigInt(sessionOf(sdp) || 0)) {
      this.#events.note('note.glareWon');
      await peer.describe();
    } else {
      this.#events.note('note.glareLost');
      await (peer.remoteSession ? peer : this.#renew()).answer(sdp);
    }
  }

  /**
   * Everyone in the room sees every answer; only the page that made the offer takes or refuses it.
   * @param {Description} answer
   */
  async #onAnswer({ sdp, to }) {
    const peer = this.#peer;
    const theirs = sessionOf(sdp);
    const own = peer?.connection.localDescription;
    if (!peer || own?.type !== 'offer' || (to && to !== peer.session)) {
      this.#events.note('note.otherAnswer');
    } else if (peer.remoteSession && peer.remoteSession !== theirs) {
      this.#refuse(theirs);
      if (peer.connection.connectionState !== 'connected') {
        await this.#startOver(peer);
      }
    } else if (peer.isOffering) {
      await peer.accept(sdp);
    }
  }

  /**
   * Two pages have taken up the first offer, and now both knock with its ICE password and its
   * DTLS, which ends in a connection with neither: offer anew to the one that was first.
   * @param {Peer} peer
   */
  async #startOver({ session, remoteSession }) {
    await this.#renew().offer(remoteSession);
    this.#events.send({ type: 'bye', from: session });
  }

  /** There is a third page, and this call has no place for it. @param {string} session */
  #refuse(session) {
    this.#events.note('note.third');
    this.#events.send({ type: 'busy', to: session });
  }

  /** @param {string} session */
  #onBye(session) {
    if (this.#peer?.remoteSession && (!session || session === this.#peer.remoteSession)) {
      this.#events.note('note.bye');
      this.#close();
    }
  }

  /** @param {string} session */
  #onBusy(session) {
    if (session && session === this.#peer?.session) {
      this.#events.note('note.busy');
      this.#close();
    }
  }
}

/** The very offer that we answered already. @param {Peer} peer @param {string} sdp */
function isRepeated(peer, sdp) {
  const known = peer.connection.remoteDescription;
  return known?.type === 'offer' && versionOf(known.sdp) === versionOf(sdp);
}
