/*
 * The loudspeaker that was chosen, and the few notes that the page itself plays by it.
 */

import { choices } from './choices.js';

export const CAN_CHOOSE_SPEAKER = 'setSinkId' in HTMLMediaElement.prototype;

const NOTE_S = 0.18;
const LOUDEST = 0.2;

/** @param {HTMLMediaElement} element sounds from the loudspeaker that was chosen */
export async function useSpeaker(element) {
  const id = choices.speaker?.id ?? ''; // '': the default
  if (CAN_CHOOSE_SPEAKER && element.sinkId !== id) {
    await element.setSinkId(id).catch(() => {}); // unplugged: what it was goes on
  }
}

/**
 * Play notes one after the other. Resolves when they are over, or when the browser does not let them.
 * @param {...number} notes in Hz
 */
export async function playNotes(...notes) {
  const audio = new AudioContext();
  const line = audio.createMediaStreamDestination();
  const element = new Audio();
  element.srcObject = line.stream;
  try {
    await useSpeaker(element);
    await Promise.all([element.play(), audio.resume()]);
    const begin = audio.currentTime + 0.1; // so long a loudspeaker may take to wake up
    const tones = notes.map((frequency, i) => {
      const at = begin + i * NOTE_S;
      const tone = new OscillatorNode(audio, { frequency });
      const gain = new GainNode(audio, { gain: 0 });
      gain.gain.setTargetAtTime(LOUDEST, at, 0.01);
      gain.gain.setTargetAtTime(0, at + 0.06, 0.06);
      tone.connect(gain).connect(line);
      tone.start(at);
      tone.stop(at + 3 * NOTE_S);
      return tone;
    });
    await new Promise((over) => { tones[tones.length - 1].onended = over; });
  } catch {
    // Before the first click on the page.
  }
  element.srcObject = null;
  await audio.close();
}
