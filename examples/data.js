// What is written goes straight from page to page, over data channels: the server sees none of it.
import { connect } from './client.js';

const line = /** @type {HTMLInputElement} */ (document.querySelector('#line'));
const lines = /** @type {HTMLElement} */ (document.querySelector('#lines'));

/** @param {string} text */
function show(text) {
  lines.append(Object.assign(document.createElement('li'), { textContent: text }));
}

/** @param {import('./client.js').Peer} peer */
function greet(peer) {
  peer.on('state', ({ state }) => show(`${peer.name}: ${state}`));
  peer.on('data', ({ data }) => show(`${peer.name}: ${data}`));
}

const room = await connect().join('data', { name: `guest ${Date.now() % 1000}` });
for (const peer of room.peers.values()) greet(peer);
room.on('peer', ({ peer }) => greet(peer));

line.addEventListener('change', () => {
  for (const peer of room.peers.values()) {
    peer.send(line.value).catch(() => show(`${peer.name} is gone`));
  }
  show(`me: ${line.value}`);
  line.value = '';
});
