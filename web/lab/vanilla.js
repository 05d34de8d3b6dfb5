/*
 * A connection whose two descriptions are carried by hand, candidates inside (vanilla ICE): what
 * is copied and pasted is a line of JSON, `{"type":"offer","sdp":"…"}`. No DOM, no server.
 */

import { gathered } from './peer.js';

/** @typedef {'offer' | 'answer'} Kind */
/**
 * @typedef {object} VanillaEvents
 * @property {() => void} change a state, or what the other side sends
 * @property {(text: string) => void} message
 */

const GATHER_MS = 5000; // nothing can be sent later, so it waits longer than a page with a server

/**
 * What was pasted: our line, also when a mail has broken it, or bare SDP.
 * @param {string} text
 * @returns {{ type: string, sdp: string } | null}
 */
function readCode(text) {
  for (const candidate of [text, text.replace(/[\r\n]+/g, '')]) {
    try {
      const { type, sdp } = JSON.parse(candidate) ?? {};
      return typeof type === 'string' && typeof sdp === 'string' ? { type, sdp } : null;
    } catch {
      // Perhaps the other way.
    }
  }
  if (!text.startsWith('v=0')) {
    return null;
  }
  const sdp = `${text.split(/\r?\n/).filter(Boolean).join('\r\n')}\r\n`;
  return { type: sdp.includes('a=setup:actpass') ? 'offer' : 'answer', sdp };
}

/** @param {string} sdp */
const originOf = (sdp) => /^o=.*$/m.exec(sdp)?.[0];

export class Vanilla {
  #pc;
  /** @type {RTCDataChannel} the same on both sides, without negotiation */
  #channel;
  /** @type {MediaStream | null} */
  remoteStream = null;

  /**
   * @param {RTCIceServer[]} iceServers
   * @param {MediaStream | null} media to send
   * @param {VanillaEvents} events
   */
  constructor(iceServers, media, events) {
    this.#pc = new RTCPeerConnection({ iceServers, bundlePolicy: 'max-bundle' });
    for (const state of ['signaling', 'icegathering', 'iceconnection', 'connection']) {
      this.#pc.addEventListener(`${state}statechange`, () => events.change());
    }
    this.#pc.addEventListener('track', ({ track }) => {
      this.remoteStream ??= new MediaStream();
      this.remoteStream.addTrack(track);
      events.change();
    });
    this.#channel = this.#pc.createDataChannel('chat', { negotiated: true, id: 0 });
    this.#channel.addEventListener('message', ({ data }) => events.message(String(data)));
    for (const type of ['open', 'close']) {
      this.#channel.addEventListener(type, () => events.change());
    }
    for (const track of media?.getTracks() ?? []) {
      this.#pc.addTrack(track, media ?? new MediaStream());
    }
  }

  get connection() {
    return this.#pc;
  }

  get isOpen() {
    return this.#channel.readyState === 'open';
  }

  /** @returns {Promise<string>} to be carried to the other side */
  async offer() {
    for (const kind of ['audio', 'video']) {
      if (!this.#pc.getTransceivers().some(({ receiver }) => receiver.track.kind === kind)) {
        this.#pc.addTransceiver(kind, { direction: 'recvonly' });
      }
    }
    await this.#pc.setLocalDescription();
    return this.#code();
  }

  /**
   * What is wrong with a pasted text; the rest is setRemoteDescription's to say.
   * @param {string} pasted
   * @param {Kind} wanted
   * @returns {{ sdp: string, problem?: undefined } | { sdp?: undefined, problem: string }}
   */
  read(pasted, wanted) {
    const code = readCode(pasted.trim());
    if (!code) {
      return { problem: pasted.trim() ? 'manual.notCode' : 'manual.nothing' };
    }
    const own = this.#pc.localDescription;
    if (own && originOf(own.sdp) === originOf(code.sdp)) {
      return { problem: 'manual.own' };
    }
    if (code.type !== wanted) {
      return { problem: wanted === 'offer' ? 'manual.needsOffer' : 'manual.needsAnswer' };
    }
    return { sdp: code.sdp };
  }

  /** @param {string} sdp of their offer @returns {Promise<string>} the answer, to be carried back */
  async answer(sdp) {
    await this.#pc.setRemoteDescription({ type: 'offer', sdp });
    await this.#pc.setLocalDescription();
    return this.#code();
  }

  /** @param {string} sdp of their answer */
  accept(sdp) {
    return this.#pc.setRemoteDescription({ type: 'answer', sdp });
  }

  /** @param {string} text */
  send(text) {
    this.#channel.send(text);
  }

  close() {
    this.#pc.close();
  }

  async #code() {
    await gathered(this.#pc, GATHER_MS);
    const { type, sdp } = this.#pc.localDescription ?? {};
    return JSON.stringify({ type, sdp });
  }
}
