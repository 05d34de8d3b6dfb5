/*
 * Files from person to person: which one, to whom, and what others offer. What a card shows is in
 * file-card.js.
 */

import { byId } from '../lib/dom.js';
import { watchDropping } from './dropping.js';
import { addOffered, addSent, sizeOf } from './file-card.js';
import { nameOf, wordsOf } from './names.js';
import { Receiving, isFileChannel } from './receiving.js';
import { Sending } from './sending.js';
import { announce } from './status.js';

/** @typedef {import('../client.js').Peer} Peer */
/** @typedef {import('../client.js').Room} Room */

const MOST_AT_ONCE = 10; // files of one choice
const MOST_WAITING = MOST_AT_ONCE; // offers of one peer; more are refused
const MOST_CHANNELS = 4 * MOST_WAITING; // of one peer, with an offer or not yet; more are closed

/** @param {Iterable<Peer>} peers */
const connected = (peers) => [...peers].filter(({ state }) => state === 'connected');

export class Files {
  #onSend;
  #onOffer;
  #signal;
  /** @type {Iterable<Peer>} for whom the files are that are being picked */
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
    const everybody = room.peers.values.bind(room.peers);
    const pick = byId('chat-pick', HTMLInputElement);
    pick.addEventListener('change', () => {
      // Who left, or was lost, while the files were chosen gets none.
      this.#send([...(pick.files ?? [])], connected(this.#receivers));
      pick.value = ''; // or the same file could not be chosen again
    }, { signal });
    byId('chat-file', HTMLElement).addEventListener('click', () => this.pick([...everybody()]), { signal });
    watchDropping((files) => this.#send(files, connected(everybody())), signal);
  }

  /** Ask which files. @param {Peer[]} peers who gets them */
  pick(peers) {
    this.#receivers = connected(peers);
    if (connected(peers).length) {
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
      if (!isFileChannel(channel) || waiting.size >= MOST_CHANNELS) {
        channel.close(); // nobody here knows what to do with it
        return;
      }
      const transfer = new Receiving(peer, channel);
      waiting.add(transfer);
      transfer.addEventListener('offer', () => {
        if (waiting.size > MOST_WAITING) {
          transfer.decline();
        } else {
          this.#show(transfer, wordsOf(nameOf(peer)));
        }
      });
      transfer.addEventListener('change', () => {
        if (transfer.state !== 'waiting') {
          waiting.delete(transfer);
        }
      });
    }, { signal: this.#signal });
  }

  /** @param {Receiving} transfer @param {string} name whose */
  #show(transfer, name) {
    addOffered(transfer, name, this.#signal);
    if (!this.#onOffer()) {
      announce('file.offered', { name, file: transfer.name, size: sizeOf(transfer.size) });
    }
  }

  /** @param {File[]} files @param {Peer[]} peers */
  #send(files, peers) {
    if (!files.length) {
      announce('file.none');
    } else if (files.length > MOST_AT_ONCE) {
      announce('file.many', { count: MOST_AT_ONCE });
    } else if (!peers.length) {
      announce('file.nobody');
    } else {
      for (const file of files) {
        addSent(file, peers.map((peer) => {
          const name = nameOf(peer);
          return { name, words: wordsOf(name), transfer: new Sending(peer, file) };
        }));
      }
      this.#onSend();
    }
  }
}
