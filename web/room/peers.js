/*
 * The tiles of the others: their picture and their screen, what keeps it away, how well it comes,
 * and who of them speaks.
 */

import { isRaised } from './hands.js';
import { keyOf, nameOf, wordsOf } from './names.js';
import { watchQuality } from './quality.js';
import { watchSpeaking } from './speaking.js';
import { clearStrip, showStrip } from './strip.js';

/** @typedef {import('../client.js').Peer} Peer */
/** @typedef {import('../client.js').Room} Room */

const HAS_RTC = typeof RTCPeerConnection !== 'undefined';
const PATIENCE_S = 1; // a repair that is quicker needs no words

/** @param {Peer} peer */
const screenOf = (peer) => `${keyOf(peer)} screen`;

export class PeerTiles {
  #room;
  #stage;
  #look;
  /** When its connection was lost, or begun. @type {Map<string, number>} */
  #since = new Map();

  /**
   * @param {Room} room
   * @param {import('./stage.js').Stage} stage
   * @param {import('./own-media.js').OwnMedia} own
   * @param {AbortSignal} signal ends it
   */
  constructor(room, stage, own, signal) {
    this.#room = room;
    this.#stage = stage;
    const all = () => room.peers.values();
    room.on('track', ({ peer }) => this.#play(peer), { signal });
    this.#look = watchQuality(all, (peer, grade, stats) => stage.get(keyOf(peer))?.setQuality(grade, stats), signal);
    watchSpeaking(all, own, (key, isSpeaking) => stage.get(key)?.setSpeaking(isSpeaking), signal);
    const timer = setInterval(() => [...all()].forEach((peer) => this.#veil(peer)), 1000);
    signal.addEventListener('abort', () => clearInterval(timer));
  }

  /** @param {Peer} peer */
  add(peer) {
    const tile = this.#stage.add(keyOf(peer), 'peer');
    tile.setName(nameOf(peer));
    tile.setQuality('new', null);
    this.#since.set(keyOf(peer), performance.now());
    peer.on('state', () => {
      this.#since.set(keyOf(peer), performance.now());
      this.#veil(peer);
      this.#look(peer);
    });
    this.#play(peer);
  }

  /** @param {Peer} peer */
  remove(peer) {
    this.#stage.remove(keyOf(peer));
    this.#stage.remove(screenOf(peer));
    this.#since.delete(keyOf(peer));
  }

  /** Bring all tiles in step with what the peers say of themselves. */
  show() {
    for (const peer of this.#room.peers.values()) {
      const tile = this.#stage.get(keyOf(peer));
      tile?.setName(nameOf(peer));
      tile?.setMuted(!peer.sources.mic);
      tile?.setHand(isRaised(peer));
      tile?.showPicture(Boolean(peer.sources.cam && peer.streams.cam?.getVideoTracks().length));
      this.#showScreen(peer);
    }
  }

  /** @param {Peer} peer */
  #showScreen(peer) {
    const key = screenOf(peer);
    const { screen } = peer.streams;
    if (!screen || !peer.sources.screen) {
      this.#stage.remove(key);
      return;
    }
    if (!this.#stage.get(key)) {
      this.#stage.add(key, 'screen').showPicture(true);
    }
    const { plain } = nameOf(peer);
    this.#stage.get(key)?.setName({ key: 'tile.screen', params: { name: wordsOf(nameOf(peer)) }, plain });
  }

  /** @param {Peer} peer */
  #play(peer) {
    this.show();
    this.#playTile(keyOf(peer), peer.streams.cam);
    this.#playTile(screenOf(peer), peer.streams.screen);
  }

  /** @param {string} key @param {MediaStream} [stream] */
  async #playTile(key, stream) {
    const isAllowed = await this.#stage.get(key)?.play(stream ?? null);
    if (isAllowed === false) {
      showStrip('hear', 'strip.hear', { way: { key: 'strip.hearButton', act: () => this.#hear() } });
    } else if (this.#stage.all.every(({ video }) => !video.srcObject || !video.paused)) {
      clearStrip('hear');
    }
  }

  #hear() {
    [...this.#room.peers.values()].forEach((peer) => this.#play(peer));
  }

  /** @param {Peer} peer */
  #veil(peer) {
    const tile = this.#stage.get(keyOf(peer));
    const seconds = Math.floor((performance.now() - (this.#since.get(keyOf(peer)) ?? 0)) / 1000);
    const isWaiting = peer.state === 'connecting' || peer.state === 'interrupted';
    if (!HAS_RTC || peer.meta?.rtc === false) {
      tile?.setVeil('tile.noRtc');
    } else if (isWaiting && seconds >= PATIENCE_S) {
      tile?.setVeil(`tile.${peer.state}`, seconds);
    } else {
      tile?.setVeil(null);
    }
  }
}
