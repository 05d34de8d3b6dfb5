/*
 * What the page remembers from one visit to the next: the name, the devices and whether they were
 * on. Storage can be forbidden; then nothing is remembered, and nothing fails.
 */

const KEY = 'nakodo.room';

/**
 * A device by its id, and by its label since ids change with permissions and profiles.
 * @typedef {{ id: string, label: string }} Device
 */

/**
 * @typedef {object} Choices
 * @property {string} name
 * @property {boolean} micOn
 * @property {boolean} camOn
 * @property {boolean} self one's own picture is shown
 * @property {boolean} sounds the page may be heard while nobody looks at it
 * @property {boolean} keys single keys do something
 * @property {Device | null} mic null: what the browser takes by itself
 * @property {Device | null} cam
 * @property {Device | null} speaker
 */

/** @type {Choices} */
const FRESH = {
  name: '', micOn: true, camOn: true, self: true, sounds: true, keys: true, mic: null, cam: null,
  speaker: null,
};

/** @returns {Choices} */
function load() {
  try {
    return { ...FRESH, ...JSON.parse(localStorage.getItem(KEY) ?? '{}') };
  } catch {
    return { ...FRESH };
  }
}

export const choices = load();

/** @param {Partial<Choices>} change */
export function remember(change) {
  Object.assign(choices, change);
  try {
    localStorage.setItem(KEY, JSON.stringify(choices));
  } catch {
    // Forbidden or full.
  }
}
