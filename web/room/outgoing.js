/*
 * What this page sends: OwnMedia's microphone and camera, and the screen. A source that is switched
 * off keeps its place and sends nothing, so that switching needs no negotiation.
 */

/** @typedef {import('../client.js').Publication} Publication */
/** @typedef {import('../client.js').Room} Room */
/** @typedef {import('./media.js').Kind} Kind */
/** @typedef {import('./own-media.js').OwnMedia} OwnMedia */

const KINDS = /** @type {Kind[]} */ (['mic', 'cam']);
export const CAN_SHARE = Boolean(navigator.mediaDevices?.getDisplayMedia);

/** What a join publishes before its first offer. @param {OwnMedia} own */
export function streamOf({ tracks }) {
  return new MediaStream(KINDS.flatMap((kind) => tracks[kind] ?? []));
}

export class Outgoing extends EventTarget {
  #room;
  #own;
  #signal;
  #isPicking = false;
  /** @type {Partial<Record<Kind, Publication>>} */
  #sent = {};
  /** @type {Publication | null} */
  #screen = null;
  /** @type {MediaStream | null} what is shown on the screen's own tile */
  screen = null;

  /**
   * @param {Room} room
   * @param {OwnMedia} own
   * @param {AbortSignal} signal ends it
   */
  constructor(room, own, signal) {
    super();
    this.#room = room;
    this.#own = own;
    this.#signal = signal;
    own.addEventListener('change', () => this.#sync(), { signal });
    signal.addEventListener('abort', () => this.stopScreen());
    this.#sync();
  }

  #sync() {
    const { tracks, isOn } = this.#own;
    for (const kind of KINDS) {
      const track = tracks[kind];
      const wanted = isOn[kind] ? track : null;
      if (!this.#sent[kind] && track) {
        this.#sent[kind] = this.#room.publish(track, { as: kind });
      }
      const sent = this.#sent[kind];
      if (sent && sent.track !== wanted) {
        sent.replace(wanted).catch(() => {}); // its connection is being closed
      }
    }
  }

  /** Ask which screen or window, and show it to everybody. Rejects if nothing is chosen. */
  async shareScreen() {
    if (this.#isPicking) {
      return;
    }
    this.#isPicking = true;
    const stream = await navigator.mediaDevices.getDisplayMedia({ video: { frameRate: { max: 15 } } })
      .finally(() => { this.#isPicking = false; });
    this.screen = stream;
    if (this.#signal.aborted) { // left while the browser asked
      this.stopScreen();
      return;
    }
    const [track] = stream.getVideoTracks();
    track.contentHint = 'detail';
    track.onended = () => this.stopScreen(); // by the browser's own button
    this.#screen = this.#room.publish(track, { as: 'screen' });
    this.dispatchEvent(new Event('change'));
  }

  stopScreen() {
    this.#screen?.stop();
    this.#screen = null;
    this.screen?.getTracks().forEach((track) => track.stop());
    this.screen = null;
    this.dispatchEvent(new Event('change'));
  }
}
