/*
 * A moving picture without a camera.
 */

const SIZE = { width: 320, height: 180 };
const FRAME_MS = 100;

/** @returns {{ track: MediaStreamTrack, stop: () => void }} */
export function paint() {
  const canvas = document.createElement('canvas');
  Object.assign(canvas, SIZE);
  const context = canvas.getContext('2d');
  let angle = 0;
  const timer = setInterval(() => {
    angle += 0.15;
    if (context) {
      context.fillStyle = '#4053d3';
      context.fillRect(0, 0, SIZE.width, SIZE.height);
      context.fillStyle = '#fff';
      context.beginPath();
      context.arc(160 + 90 * Math.cos(angle), 90 + 50 * Math.sin(angle), 24, 0, 7);
      context.fill();
    }
  }, FRAME_MS);
  const [track] = canvas.captureStream().getVideoTracks();
  return {
    track,
    stop: () => {
      clearInterval(timer);
      track.stop();
    },
  };
}
