// Everybody who opens video.html#ROOM sees everybody else. It lies beside client.js.
import { connect } from './client.js';

const videos = document.querySelector('#videos');
const button = document.querySelector('#join');
const status = document.querySelector('#status');

/** @param {string} id @param {MediaStream} stream */
function show(id, stream, muted = false) {
  const known = document.getElementById(id);
  const video = known instanceof HTMLVideoElement ? known : document.createElement('video');
  Object.assign(video, { id, muted, autoplay: true, playsInline: true, width: 320 });
  if (video.srcObject !== stream) video.srcObject = stream;
  videos?.append(video);
}

button?.addEventListener('click', async () => { // a click, or browsers play no sound
  button.remove();
  const stream = await navigator.mediaDevices.getUserMedia({ video: true, audio: true });
  show('me', stream, true);
  const room = await connect().join(decodeURIComponent(location.hash.slice(1)) || 'lobby', { stream });
  room.on('track', ({ peer, stream }) => show(peer.id, stream));
  room.on('leave', ({ peer }) => document.getElementById(peer.id)?.remove());
  room.on('state', ({ state }) => { if (status) status.textContent = state; });
});
