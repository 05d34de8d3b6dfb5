/*
 * The selects for microphone, camera and loudspeaker, before and during the call, kept in step with
 * what is plugged in. The speaker is a wish of this page's; the other two are asked of OwnMedia.
 */

import { icon, make } from '../lib/dom.js';
import { say, sayIn } from '../lib/i18n.js';
import { choices, remember } from './choices.js';
import { watchLevel } from './meter.js';
import { CAN_CHOOSE_SPEAKER, playNotes, useSpeaker } from './speaker.js';

/** @typedef {import('./choices.js').Device} Device */
/** @typedef {'mic' | 'cam' | 'speaker'} Role */

/** @type {Record<Role, MediaDeviceKind>} */
const KINDS = { mic: 'audioinput', cam: 'videoinput', speaker: 'audiooutput' };
const TEST_HZ = [523, 659, 784, 1047];

/** A button that lets one hear the loudspeaker. */
function testButton() {
  const button = make('button', 'square');
  button.type = 'button';
  button.append(icon('sound'));
  sayIn(button, 'aria-label', 'device.test');
  sayIn(button, 'title', 'device.test');
  button.addEventListener('click', async () => {
    button.disabled = true;
    await playNotes(...TEST_HZ);
    button.disabled = false;
  });
  return button;
}

export class DevicePicker {
  #own;
  /** @type {Partial<Record<Role, HTMLSelectElement>>} */
  #selects = {};
  #meter = make('meter', 'level');
  /** @type {MediaStreamTrack | null} */
  #measured = null;
  #stopMeter = () => {};

  /**
   * @param {HTMLElement} box
   * @param {import('./own-media.js').OwnMedia} own
   * @param {AbortSignal} signal ends it
   */
  constructor(box, own, signal) {
    this.#own = own;
    box.replaceChildren();
    if (!navigator.mediaDevices) {
      return;
    }
    for (const role of /** @type {Role[]} */ (['mic', 'cam', 'speaker'])) {
      this.#addSelect(box, role);
    }
    own.addEventListener('change', () => this.#show(), { signal });
    navigator.mediaDevices.addEventListener('devicechange', () => this.#show(), { signal });
    signal.addEventListener('abort', () => this.#stopMeter());
    this.#show();
  }

  /** @param {HTMLElement} box @param {Role} role */
  #addSelect(box, role) {
    const label = make('label', 'field');
    const select = make('select');
    say(label.appendChild(make('span')), `device.${role}`);
    label.append(select);
    if (role === 'mic') {
      sayIn(this.#meter, 'aria-label', 'device.level');
      label.append(this.#meter);
    }
    box.append(label);
    if (role === 'speaker') {
      const row = make('div', 'speaker');
      label.replaceWith(row);
      row.append(label, testButton());
    }
    this.#selects[role] = select;
    select.addEventListener('change', () => {
      const [option] = select.selectedOptions;
      const device = option.value ? { id: option.value, label: option.label } : null;
      if (role === 'speaker') {
        remember({ speaker: device });
        document.querySelectorAll('video').forEach(useSpeaker);
      } else {
        this.#own.choose(role, device);
      }
    });
  }

  async #show() {
    this.#measure();
    const devices = await navigator.mediaDevices.enumerateDevices().catch(() => []);
    for (const [role, select] of Object.entries(this.#selects)) {
      const kind = KINDS[/** @type {Role} */ (role)];
      // Without a permission they have neither id nor label.
      const known = devices.filter((device) => device.kind === kind && device.deviceId && device.label
        && device.deviceId !== 'default' && device.deviceId !== 'communications');
      this.#fill(select, known, /** @type {Role} */ (role));
    }
  }

  /** @param {HTMLSelectElement} select @param {MediaDeviceInfo[]} devices @param {Role} role */
  #fill(select, devices, role) {
    const chosen = choices[role];
    const track = role === 'speaker' ? null : this.#own.tracks[role];
    // What is really used may not be what was asked for.
    const used = track?.getSettings().deviceId ?? chosen?.id ?? '';
    const same = devices.find(({ deviceId }) => deviceId === used)
      ?? devices.find(({ label }) => label === chosen?.label);
    const first = make('option');
    say(first, devices.length ? 'device.default' : 'device.none');
    first.value = '';
    const options = devices.map(({ deviceId, label }) => {
      const option = make('option', '', label);
      option.value = deviceId;
      return option;
    });
    select.replaceChildren(first, ...options);
    select.disabled = !devices.length;
    // Some browsers choose the loudspeaker in a window of their own.
    select.hidden = role === 'speaker' && !(devices.length && CAN_CHOOSE_SPEAKER);
    select.value = same?.deviceId ?? '';
  }

  #measure() {
    const track = this.#own.tracks.mic;
    if (track === this.#measured) {
      return;
    }
    this.#stopMeter();
    this.#measured = track;
    this.#meter.value = 0;
    this.#stopMeter = track ? watchLevel(track, (level) => { this.#meter.value = level; }) : () => {};
  }
}
