/*
 * The settings during a call: the name, the devices, sounds.
 */

import { byId } from '../lib/dom.js';
import { plainName } from '../lib/foreign.js';
import { choices, remember } from './choices.js';
import { DevicePicker } from './devices.js';

const dialog = byId('settings', HTMLDialogElement);
const nameField = byId('settings-name', HTMLInputElement);
const sounds = byId('settings-sounds', HTMLInputElement);

export class Settings {
  #room;
  #own;
  #signal;

  /**
   * @param {import('../client.js').Room} room
   * @param {import('./own-media.js').OwnMedia} own
   * @param {AbortSignal} signal ends it
   */
  constructor(room, own, signal) {
    this.#room = room;
    this.#own = own;
    this.#signal = signal;
    byId('settings-form', HTMLFormElement).addEventListener('submit', () => this.#rename(), { signal });
    sounds.addEventListener('change', () => remember({ sounds: sounds.checked }), { signal });
    signal.addEventListener('abort', () => dialog.close());
  }

  /** Open them at the name. */
  rename() {
    this.open();
    nameField.select();
  }

  open() {
    const end = new AbortController();
    new DevicePicker(byId('settings-devices', HTMLElement), this.#own, end.signal);
    this.#signal.addEventListener('abort', () => end.abort(), { signal: end.signal });
    dialog.addEventListener('close', () => end.abort(), { once: true });
    nameField.value = this.#room.self.name ?? '';
    sounds.checked = choices.sounds;
    dialog.showModal();
  }

  /** A refusal is told as that of any other message. */
  #rename() {
    const name = plainName(nameField.value).replaceAll('/', '／');
    if (name && name !== this.#room.self.name) {
      remember({ name });
      this.#room.update({ name }).catch(() => {});
    }
  }
}
