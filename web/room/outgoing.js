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

/** A screen, and what a tab sounds like; not all that the machine plays, in which this call is heard. */
const WANTED = {
  video: { frameRate: { max: 15 } },
  audio: { echoCancellation: false, noiseSuppression: false, autoGainControl: false },
  systemAudio: 'exclude',
};

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
  /** The screen, and its sound if there is any. @type {Publication[]} */
  #screen = [];
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
    const stream = await navigator.mediaDevices.getDisplayMedia(WANTED)
      .finally(() => { this.#isPicking = false; });
    this.screen = stream;
    if (this.#signal.aborted) { // left while the browser asked
      this.stopScreen();
      return;
    }
    const [track] = stream.getVideoTracks();
    track.contentHint = 'detail';
    track.onended = () => this.stopScreen(); // by the browser's own button
    this.#screen.push(this.#room.publish(track, { as: 'screen' }));
    for (const sound of stream.getAudioTracks()) {
      sound.contentHint = 'music';
      this.#screen.push(this.#room.publish(sound, { as: 'screen-audio' }));
    }
    this.dispatchEvent(new Event('change'));
  }

  stopScreen() {
    this.#screen.splice(0).forEach((sent) => sent.stop());
    this.screen?.getTracks().forEach((track) => track.stop());
    this.screen = null;
    this.dispatchEvent(new Event('change'));
  }
}
