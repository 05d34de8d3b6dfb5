/*
 * The states of the connection as chips, by the names of the specification, and the one sentence
 * that says what they mean for the reader.
 */

import { say } from '../lib/i18n.js';
import { byId } from '../lib/dom.js';

/** @typedef {import('../lib/i18n.js').Key} Key */
/** @typedef {import('./peer.js').Peer} Peer */
/** @typedef {import('./socket.js').SocketState} SocketState */

/** @type {Record<string, string>} colour by state; what is not listed is under way */
const TONES = {
  '–': 'idle', new: 'idle', closed: 'idle',
  open: 'good', stable: 'good', complete: 'good', connected: 'good', completed: 'good',
  waiting: 'bad', failed: 'bad', disconnected: 'bad',
};

/**
 * @param {HTMLElement} chip to colour
 * @param {Element | null} value to write into
 * @param {string} state
 */
export function showState(chip, value, state) {
  if (value && value.textContent !== state) {
    value.textContent = state;
    chip.dataset.tone = TONES[state] ?? 'busy';
  }
}

/** @param {string} id @param {string} [state] */
export function showChip(id, state = '–') {
  const chip = byId(id, HTMLElement);
  showState(chip, chip.querySelector('dd'), state);
}

/**
 * @param {SocketState} socket
 * @param {Peer | null} peer
 * @param {boolean} isPrepared camera or microphone is on
 * @returns {Key}
 */
function hintFor(socket, peer, isPrepared) {
  switch (peer?.connection.connectionState) {
    case 'connected': {
      const senders = peer.connection.getSenders();
      return senders.some(({ track }) => track) ? 'hint.connected' : 'hint.receiving';
    }
    case 'disconnected':
      return 'hint.interrupted';
    case 'failed':
    case 'closed':
      return 'hint.failed';
  }
  if (socket === 'connecting') {
    return 'hint.connecting';
  } else if (socket === 'waiting' || (socket === 'closed' && peer)) {
    return 'hint.lost';
  } else if (peer?.isOffering) {
    return 'hint.offered';
  } else if (peer?.remoteSession) {
    return 'hint.answered';
  }
  return peer || isPrepared ? 'hint.ready' : 'hint.start';
}

/**
 * @param {SocketState} socket
 * @param {Peer | null} peer
 * @param {boolean} isPrepared camera or microphone is on
 */
export function showStates(socket, peer, isPrepared) {
  const pc = peer?.connection;
  showChip('state-socket', socket);
  showChip('state-signaling', pc?.signalingState);
  showChip('state-gathering', pc?.iceGatheringState);
  showChip('state-ice', pc?.iceConnectionState);
  showChip('state-connection', pc?.connectionState);
  const hint = byId('hint', HTMLElement);
  const key = hintFor(socket, peer, isPrepared);
  if (hint.getAttribute('data-i18n') !== key) {
    say(hint, key);
  }
}
