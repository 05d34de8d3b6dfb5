/*
 * Files in the talk: a card for each transfer, with what can be done about it now.
 */

import { byId, icon, make } from '../lib/dom.js';
import { say, shownLanguage } from '../lib/i18n.js';
import { addToChat } from './chat.js';
import { nameOf, wordsOf } from './names.js';
import { Receiving, isFileChannel } from './receiving.js';
import { Sending } from './sending.js';
import { announce } from './status.js';

/** @typedef {import('../client.js').Peer} Peer */
/** @typedef {import('../client.js').Room} Room */

const MOST_WAITING = 3; // offers of one peer; more are refused
const UNITS = ['byte', 'kilobyte', 'megabyte', 'gigabyte'];

/** @param {number} bytes */
function sizeOf(bytes) {
  const power = bytes ? Math.min(UNITS.length - 1, Math.floor(Math.log(bytes) / Math.log(1000))) : 0;
  const format = { style: 'unit', unit: UNITS[power], maximumFractionDigits: 1 };
  return new Intl.NumberFormat(shownLanguage(), /** @type {Intl.NumberFormatOptions} */ (format))
    .format(bytes / 1000 ** power);
}

/** @param {string} key @param {() => void} act @param {string} [className] */
function action(key, act, className = '') {
  const button = make('button', className);
  say(button, key);
  button.addEventListener('click', act);
  return button;
}

/** @param {Blob} file @param {string} name @param {AbortSignal} signal lets go of the file */
function saveLink(file, name, signal) {
  const link = make('a', 'button');
  link.href = URL.createObjectURL(file);
  signal.addEventListener('abort', () => URL.revokeObjectURL(link.href));
  link.download = name;
  say(link, 'file.save');
  return link;
}

/** @param {Sending | Receiving} transfer @param {string} who @param {AbortSignal} signal ends it */
function addCard(transfer, who, signal) {
  const isSending = transfer instanceof Sending;
  const card = make('article', 'transfer');
  const title = make('p');
  const bar = make('progress');
  const state = make('p', 'small');
  const buttons = make('div', 'row');
  const file = { name: who, file: transfer.name, size: sizeOf(transfer.size) };
  say(title, isSending ? 'file.offering' : 'file.offered', file);
  card.append(icon('file'), title, bar, state, buttons);
  const cancel = action('file.cancel', () => transfer.cancel());
  const waiting = isSending ? [cancel] : [
    action('file.accept', () => transfer.accept(), 'primary'),
    action('file.decline', () => transfer.decline()),
  ];
  /** @type {string | null} */
  let shown = null;
  const show = () => {
    const isMoving = transfer.state === 'running' || transfer.state === 'checking';
    bar.hidden = !isMoving;
    bar.value = transfer.size ? transfer.moved / transfer.size : 1;
    card.dataset.state = transfer.state;
    if (transfer.state === 'running') {
      say(state, 'file.running', { percent: Math.floor(bar.value * 100) });
    } else if (transfer.state === 'done') {
      say(state, isSending ? 'file.sent' : 'file.received');
    } else {
      say(state, transfer.state === 'waiting' && !isSending ? 'file.yours' : `file.${transfer.state}`);
    }
    if (shown !== transfer.state) {
      shown = transfer.state;
      const save = transfer instanceof Receiving && transfer.file;
      buttons.replaceChildren(...(transfer.state === 'waiting' ? waiting : isMoving ? [cancel] : []),
        ...(save ? [saveLink(save, transfer.name, signal)] : []));
    }
  };
  transfer.addEventListener('change', show);
  show();
  addToChat(card);
}

export class Files {
  #onSend;
  #onOffer;
  #signal;
  /** @type {Peer[]} for whom the file is that is being picked */
  #receivers = [];

  /**
   * @param {Room} room
   * @param {() => void} onSend this page offers one
   * @param {() => boolean} onOffer somebody offers one; false: nobody looks at the chat
   * @param {AbortSignal} signal ends it
   */
  constructor(room, onSend, onOffer, signal) {
    this.#onSend = onSend;
    this.#onOffer = onOffer;
    this.#signal = signal;
    const pick = byId('chat-pick', HTMLInputElement);
    pick.addEventListener('change', () => {
      this.#send([...(pick.files ?? [])]);
      pick.value = ''; // or the same file could not be chosen again
    }, { signal });
    byId('chat-file', HTMLElement).addEventListener('click', () => this.pick([...room.peers.values()]), { signal });
  }

  /** Ask which file. @param {Peer[]} peers who gets it */
  pick(peers) {
    this.#receivers = peers.filter(({ state }) => state === 'connected');
    if (this.#receivers.length) {
      byId('chat-pick', HTMLInputElement).click();
    } else {
      announce('file.nobody');
    }
  }

  /** Let this peer offer files. @param {Peer} peer */
  watch(peer) {
    /** @type {Set<Receiving>} */
    const waiting = new Set();
    peer.on('channel', ({ channel }) => {
      if (isFileChannel(channel)) {
        const transfer = new Receiving(peer, channel);
        transfer.addEventListener('offer', () => {
          if (waiting.size >= MOST_WAITING) {
            transfer.decline();
          } else {
            this.#show(transfer, wordsOf(nameOf(peer)));
          }
        });
        transfer.addEventListener('change', () => {
          waiting[transfer.isOffered && transfer.state === 'waiting' ? 'add' : 'delete'](transfer);
        });
      }
    }, { signal: this.#signal });
  }

  /** @param {Receiving} transfer @param {string} name whose */
  #show(transfer, name) {
    addCard(transfer, name, this.#signal);
    if (!this.#onOffer()) {
      announce('file.offered', { name, file: transfer.name, size: sizeOf(transfer.size) });
    }
  }

  /** @param {File[]} files */
  #send(files) {
    for (const file of files) {
      // Who left, or was lost, while the file was chosen gets none.
      for (const peer of this.#receivers.filter(({ state }) => state === 'connected')) {
        addCard(new Sending(peer, file), wordsOf(nameOf(peer)), this.#signal);
      }
    }
    this.#onSend();
  }
}
