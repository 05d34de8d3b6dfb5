/*
 * The screen before the room: what the others will see and hear, under which name, and the problems
 * of getting there. Nothing is sent before Join.
 */

import { byId, setIcon } from '../lib/dom.js';
import { plainName, plainText } from '../lib/foreign.js';
import { say, sayIn } from '../lib/i18n.js';
import { choices, remember } from './choices.js';
import { DevicePicker } from './devices.js';
import { watchInside } from './inside.js';
import { showProblem } from './problem.js';

/** @typedef {import('./media.js').Kind} Kind */
/** @typedef {import('./own-media.js').OwnMedia} OwnMedia */

const screen = byId('prejoin', HTMLElement);
const video = byId('preview-video', HTMLVideoElement);
const off = byId('preview-off', HTMLElement);
const note = byId('join-note', HTMLElement);
const error = byId('join-error', HTMLElement);
const nameField = byId('join-name', HTMLInputElement);
const joinButton = byId('join', HTMLButtonElement);
const watchButton = byId('join-watch', HTMLButtonElement);
const cancelButton = byId('join-cancel', HTMLButtonElement);

/** What pressing the button would do; with the keys that are there in the room. */
export const TITLES = {
  mic: { on: 'mic.on', off: 'mic.off' },
  cam: { on: 'cam.on', off: 'cam.off' },
};
export const KEY_TITLES = {
  mic: { on: 'mic.onKey', off: 'mic.offKey' },
  cam: { on: 'cam.onKey', off: 'cam.offKey' },
};

/**
 * Show whether a kind is on, on its button.
 * @param {HTMLButtonElement} button
 * @param {Kind} kind
 * @param {OwnMedia} own
 * @param {typeof TITLES} titles
 */
export function showToggle(button, kind, own, titles = TITLES) {
  const isOn = own.isOn[kind] && Boolean(own.tracks[kind]);
  button.setAttribute('aria-pressed', String(isOn));
  sayIn(button, 'title', titles[kind][isOn ? 'off' : 'on']);
  const [svg] = button.getElementsByTagName('svg');
  setIcon(svg, isOn ? kind : `${kind}-off`);
}

export class PreJoin {
  #own;
  #end = new AbortController();
  #join;

  /**
   * @param {OwnMedia} own
   * @param {string} room
   * @param {(name: string) => void} join
   */
  constructor(own, room, join) {
    this.#own = own;
    const { signal } = this.#end;
    byId('join-room', HTMLElement).textContent = plainText(room);
    nameField.value = choices.name;
    new DevicePicker(byId('join-devices', HTMLElement), own, signal);
    own.addEventListener('change', () => this.#show(), { signal });
    for (const kind of /** @type {Kind[]} */ (['mic', 'cam'])) {
      byId(`preview-${kind}`, HTMLButtonElement).addEventListener('click', () => {
        own.turn(kind, !(own.isOn[kind] && own.tracks[kind]));
      }, { signal });
    }
    this.#join = () => {
      remember({ name: plainName(nameField.value).replaceAll('/', '／') }); // the wire has no slash
      join(choices.name);
    };
    byId('join-form', HTMLFormElement).addEventListener('submit', (event) => {
      event.preventDefault();
      this.#join();
    }, { signal });
    watchButton.addEventListener('click', () => {
      own.stop();
      this.#join();
    }, { signal });
    watchInside(room, signal);
    screen.hidden = false;
    this.busy(null);
    (nameField.value ? joinButton : nameField).focus({ preventScroll: true });
  }

  /** @param {boolean} isBack from a reload: joins when the browser has answered */
  async start(isBack) {
    const started = this.#own.problem ? null : this.#own.start();
    this.#show();
    await started;
    if (isBack && !this.#end.signal.aborted && !joinButton.disabled) {
      this.#join();
    }
  }

  /** @param {(() => void) | null} cancel the join that is under way; null: none is */
  busy(cancel) {
    const isPressed = [joinButton, watchButton, cancelButton].some((one) => one === document.activeElement);
    joinButton.disabled = watchButton.disabled = watchButton.hidden = Boolean(cancel);
    cancelButton.hidden = !cancel;
    cancelButton.onclick = cancel;
    say(joinButton, cancel ? 'join.joining' : 'join.join');
    error.hidden = true;
    if (isPressed) { // it may be gone, or disabled
      (cancel ? cancelButton : joinButton).focus({ preventScroll: true });
    }
  }

  /** Why the room is not entered. @param {string} key @param {import('../lib/i18n.js').Params} [params] */
  tell(key, params) {
    say(error, key, params);
    error.hidden = false;
  }

  close() {
    this.#end.abort();
    video.srcObject = null;
    screen.hidden = true;
  }

  #show() {
    const { tracks, isOn, isAsking, problem } = this.#own;
    const { cam } = tracks;
    const shown = video.srcObject instanceof MediaStream ? video.srcObject.getTracks()[0] : null;
    if (cam !== shown) {
      video.srcObject = cam ? new MediaStream([cam]) : null;
    }
    video.hidden = !cam;
    video.classList.toggle('mirrored', this.#own.side !== 'environment');
    off.hidden = Boolean(cam || problem);
    say(off, isAsking && isOn.cam ? 'join.asking' : 'join.camOff');
    showToggle(byId('preview-mic', HTMLButtonElement), 'mic', this.#own);
    showToggle(byId('preview-cam', HTMLButtonElement), 'cam', this.#own);
    // With a picture to show, a problem with the rest is a note below it.
    showProblem(cam ? null : problem, (action) => {
      if (action === 'without') {
        watchButton.click();
      } else {
        this.#own.start();
      }
    });
    const told = this.#own.note ?? (cam ? problem : null);
    if (told) {
      say(note, told.key);
      note.title = told.error;
    } else {
      say(note, 'join.headphones');
    }
  }
}
