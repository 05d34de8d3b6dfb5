/*
 * The microphone and the camera of this page: opened, switched and stopped, one step after the
 * other. Off means for the microphone a muted track, at hand at once, and for the camera no track
 * at all: its light is off. Event `change` after each step.
 */

import { choices, remember } from './choices.js';
import { knownProblem, openMedia, sizeOf, SMALL } from './media.js';

/** @typedef {import('./media.js').Kind} Kind */
/** @typedef {import('./media.js').Note} Note */
/** @typedef {import('./media.js').Problem} Problem */

const ASKING_MS = 8000; // so long may the browser's question stay unanswered without a word

export class OwnMedia extends EventTarget {
  /** @type {Record<Kind, MediaStreamTrack | null>} */
  tracks = { mic: null, cam: null };
  /** What the person wants. @type {Record<Kind, boolean>} */
  isOn = { mic: choices.micOn, cam: choices.camOn };
  /** @type {Problem | null} */
  problem = knownProblem();
  /** @type {Note | null} */
  note = null;
  isAsking = false;

  /** @type {Promise<void>} */
  #last = Promise.resolve();
  /** @type {import('./media.js').Side | null} asked for instead of a device */
  #side = null;
  #lines = SMALL;

  constructor() {
    super();
    navigator.mediaDevices?.addEventListener('devicechange', () => this.#retry());
  }

  /** Open whatever is wanted and not there. Resolves when the browser has answered. */
  start() {
    return this.#then(() => this.#open(['mic', 'cam'].filter((kind) => this.isOn[/** @type {Kind} */ (kind)])));
  }

  /** @param {Kind} kind @param {boolean} isOn */
  turn(kind, isOn) {
    this.isOn[kind] = isOn;
    remember(kind === 'mic' ? { micOn: isOn } : { camOn: isOn });
    const track = this.tracks.mic;
    if (kind === 'mic' && track) {
      track.enabled = isOn; // Silence waits for nothing.
    }
    this.#changed();
    return this.#then(async () => {
      if (this.isOn[kind]) {
        await this.#open([kind]);
      } else if (kind === 'cam') {
        this.#drop('cam');
      }
    });
  }

  /** Take another device; the old one is let go first, since phones open only one at a time. */
  choose(/** @type {Kind} */ kind, /** @type {import('./choices.js').Device | null} */ device) {
    remember({ [kind]: device });
    this.#side = kind === 'cam' ? null : this.#side;
    return this.#then(() => this.#openAgain(kind));
  }

  /** The side of a phone that the camera is on: `user`, `environment`; elsewhere there is none. */
  get side() {
    return this.tracks.cam?.getSettings().facingMode;
  }

  /** Take the camera on the other side of a phone. */
  turnAround() {
    this.#side = { facing: this.side === 'environment' ? 'user' : 'environment' };
    return this.#then(() => this.#openAgain('cam'));
  }

  /** How large the picture is to be, in lines. @param {number} lines */
  setLines(lines) {
    if (lines !== this.#lines) {
      this.#lines = lines;
      this.#resize();
    }
  }

  #resize() {
    this.tracks.cam?.applyConstraints(sizeOf(this.#lines)).catch(() => {}); // as large as it was
  }

  /** @param {Kind} kind */
  async #openAgain(kind) {
    this.#drop(kind);
    await (this.isOn[kind] ? this.#open([kind]) : undefined);
  }

  /** Something was plugged in or out: what is missing may be there now. */
  #retry() {
    if (this.note || this.problem?.key === 'problem.missing') {
      this.start();
    }
  }

  /** Nothing is captured any more, and nothing is wanted. */
  stop() {
    this.isOn = { mic: false, cam: false };
    this.problem = knownProblem();
    this.note = null;
    const drop = () => {
      this.#drop('mic');
      this.#drop('cam');
    };
    drop();
    return this.#then(drop); // also what is being opened now
  }

  /** @param {() => Promise<void> | void} step */
  #then(step) {
    this.#last = this.#last.then(step).then(() => this.#changed());
    return this.#last;
  }

  #changed() {
    this.dispatchEvent(new Event('change'));
  }

  /** @param {Kind} kind */
  #drop(kind) {
    const track = this.tracks[kind];
    this.tracks[kind] = null;
    if (track) {
      track.onended = null;
      track.stop();
    }
  }

  /** @param {string[]} kinds */
  async #open(kinds) {
    const missing = /** @type {Kind[]} */ (kinds).filter((kind) => !this.tracks[kind]);
    if (!missing.length) {
      return;
    }
    this.isAsking = true;
    this.#changed();
    const timer = setTimeout(() => {
      this.problem = { key: 'problem.asking', action: 'without', error: `${ASKING_MS / 1000} s` };
      this.#changed();
    }, ASKING_MS);
    const got = await openMedia(Object.fromEntries(missing.map((kind) => (
      [kind, (kind === 'cam' && this.#side) || choices[kind]]))));
    clearTimeout(timer);
    this.isAsking = false;
    this.#tell(missing, got);
    missing.forEach((kind) => this.#take(kind, got[kind]));
  }

  /** @param {Kind[]} missing @param {import('./media.js').Got} got */
  #tell([kind, more], got) {
    const problem = got.problem ?? null;
    const hasOther = !more && (kind === 'cam' ? this.tracks.mic : this.tracks.cam);
    if (problem && hasOther && problem.key !== 'problem.refused') {
      this.problem = null;
      this.note = { key: kind === 'cam' ? 'note.noCam' : 'note.noMic', error: problem.error };
    } else {
      this.problem = problem;
      this.note = got.note ?? null;
    }
  }

  /** @param {Kind} kind @param {MediaStreamTrack | undefined} track */
  #take(kind, track) {
    this.tracks[kind] = track ?? null;
    if (!track) {
      return;
    }
    if (!this.isOn[kind] && kind === 'cam') {
      this.#drop('cam'); // Turned off while the browser was asking.
      return;
    }
    track.enabled = this.isOn[kind];
    track.contentHint = kind === 'cam' ? 'motion' : 'speech';
    if (kind === 'cam' && this.#lines !== SMALL) {
      this.#resize();
    }
    // Unplugged, or taken away by the system: another device may do.
    track.onended = () => {
      this.#drop(kind);
      this.#changed();
      this.#then(() => (this.isOn[kind] ? this.#open([kind]) : undefined));
    };
  }
}
