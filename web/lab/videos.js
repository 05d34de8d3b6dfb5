/*
 * The two pictures: this page's camera, and what the other page sends together with the proof
 * that it moves.
 */

import { say } from '../lib/i18n.js';
import { byId } from '../lib/dom.js';

/** @typedef {import('./peer.js').Peer} Peer */

const STATS_MS = 500;

/** @param {HTMLVideoElement} video @param {MediaStream | null} stream */
export function showStream(video, stream) {
  if (video.srcObject !== stream) {
    video.srcObject = stream;
  }
  // Of itself a video below the edge of the window does not start. A second track starts the
  // loading again, which ends the first play() with an AbortError.
  if (stream) {
    video.play().catch(() => {});
  }
}

/** @param {MediaStream | null} stream */
function hasVideo(stream) {
  return Boolean(stream?.getVideoTracks().length);
}

export class Videos {
  #local = byId('local', HTMLVideoElement);
  #remote = byId('remote', HTMLVideoElement);
  #localEmpty = byId('local-empty', HTMLElement);
  #remoteEmpty = byId('remote-empty', HTMLElement);
  #sound = byId('sound', HTMLButtonElement);
  #stats = byId('remote-stats', HTMLElement);
  /** @type {Peer | null} */
  #peer = null;

  constructor() {
    // It starts silent: two pages on one machine would howl, and browsers let silent video play
    // on a page that nobody has touched yet.
    this.#sound.addEventListener('click', () => {
      this.#remote.muted = !this.#remote.muted;
      say(this.#sound, this.#remote.muted ? 'video.soundOn' : 'video.soundOff');
    });
    setInterval(() => this.#showStats(), STATS_MS);
  }

  /** @param {MediaStream | null} stream */
  showLocal(stream) {
    showStream(this.#local, stream);
    this.#localEmpty.hidden = hasVideo(stream);
  }

  /** @param {Peer | null} peer */
  showRemote(peer) {
    this.#peer = peer;
    const stream = peer?.remoteStream ?? null;
    const isConnected = peer?.connection.connectionState === 'connected';
    showStream(this.#remote, stream);
    this.#sound.hidden = !stream?.getAudioTracks().length;
    this.#remoteEmpty.hidden = hasVideo(stream);
    say(this.#remoteEmpty, isConnected ? 'video.remoteEmpty' : 'video.remoteOff');
    this.#stats.hidden = !hasVideo(stream);
  }

  async #showStats() {
    const peer = this.#peer;
    if (!hasVideo(peer?.remoteStream ?? null)) {
      return;
    }
    const report = await peer?.connection.getStats();
    report?.forEach((entry) => {
      if (entry.type === 'inbound-rtp' && entry.kind === 'video' && peer === this.#peer) {
        say(this.#stats, 'video.stats', {
          width: this.#remote.videoWidth,
          height: this.#remote.videoHeight,
          fps: Math.round(entry.framesPerSecond ?? 0),
          frames: entry.framesDecoded ?? 0,
        });
      }
    });
  }
}
