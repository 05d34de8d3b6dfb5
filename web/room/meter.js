/*
 * How loud a microphone is, many times a second, from 0 to 1.
 */

/** The loudness (RMS) of a voice close to the microphone. */
export const FULL = 0.25;

/**
 * @param {MediaStreamTrack} track
 * @param {(level: number) => void} hear
 * @param {number} [everyMs]
 * @returns {() => void} stops it
 */
export function watchLevel(track, hear, everyMs = 100) {
  const audio = new AudioContext();
  const analyser = audio.createAnalyser();
  // All that was said since the last look, in a power of two (Web Audio API, AnalyserNode).
  const samplesMin = (audio.sampleRate * everyMs) / 1000;
  analyser.fftSize = Math.min(32768, 2 ** Math.ceil(Math.log2(samplesMin)));
  audio.createMediaStreamSource(new MediaStream([track])).connect(analyser);
  const samples = new Float32Array(analyser.fftSize);
  const timer = setInterval(() => {
    // Before the first click on the page a browser may keep it asleep.
    if (audio.state === 'suspended') {
      audio.resume().catch(() => {});
    }
    analyser.getFloatTimeDomainData(samples);
    const power = samples.reduce((sum, sample) => sum + sample * sample, 0) / samples.length;
    hear(Math.min(1, Math.sqrt(power) / FULL));
  }, everyMs);
  return () => {
    clearInterval(timer);
    audio.close().catch(() => {});
  };
}
