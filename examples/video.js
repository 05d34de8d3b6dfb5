// Everybody who opens video.html#ROOM sees everybody else. It lies beside client.js.
import { connect } from './client.js';

const videos = document.querySelector('#videos');
const button = document.querySelector('#join');
const status = document.querySelector('#status');

/** By peer, whose id may change. @type {Map<unknown, HTMLVideoElement>} */
const shown = new Map();

/** @param {unknown} whose @param {MediaStream} stream */
function show(whose, stream, muted = false) {
  const video = shown.get(whose) ?? document.createElement('video');
  Object.assign(video, { muted, autoplay: true, playsInline: true, width: 320 });
  if (video.srcObject !== stream) video.srcObject = stream;
  shown.set(whose, video);
  videos?.append(video);
}

button?.addEventListener('click', async () => { // a click, or browsers play no sound
  button.remove();
  const stream = await navigator.mediaDevices.getUserMedia({ video: true, audio: true });
  show('me', stream, true);
  const room = await connect().join(decodeURIComponent(location.hash.slice(1)) || 'lobby', { stream });
  room.on('track', ({ peer, stream }) => show(peer, stream));
  room.on('leave', ({ peer }) => shown.get(peer)?.remove());
  room.on('state', ({ state }) => { if (status) status.textContent = state; });
});
