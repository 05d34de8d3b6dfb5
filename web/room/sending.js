/*
 * The sending side of a file: offers it, and sends it as fast as the channel takes it.
 */

import { PREFIX, Transfer } from './transfer.js';

/** @typedef {import('../client.js').Peer} Peer */

const CHUNK = 64 * 1024;
const BLOCK = 1024 * 1024; // read from the disk at once
const HIGH = 1024 * 1024; // so much may wait in the channel
const LOW = 256 * 1024;

export class Sending extends Transfer {
  #file;
  #chunk;

  /** @param {Peer} peer @param {File} file */
  constructor(peer, file) {
    super(peer, peer.channel(PREFIX + crypto.getRandomValues(new Uint32Array(2)).join('-')));
    this.#file = file;
    this.#chunk = Math.min(CHUNK, peer.pc?.sctp?.maxMessageSize || CHUNK);
    this.name = file.name;
    this.size = file.size;
    this.channel.bufferedAmountLowThreshold = LOW;
    const offer = () => this.say({ type: 'offer', name: file.name, size: file.size });
    if (this.channel.readyState === 'open') {
      offer();
    } else {
      this.channel.addEventListener('open', offer);
    }
  }

  /** @override @param {{ type: string }} message */
  onText(message) {
    super.onText(message);
    if (message.type === 'accept' && this.state === 'waiting') {
      this.to('running');
      // A file that cannot be read any more ends it too.
      this.#send().catch(() => this.cancel());
    } else if (message.type === 'decline') {
      this.end('declined');
    } else if (message.type === 'ok' && this.state === 'checking') {
      this.end('done');
    } else if (message.type === 'bad') {
      this.end('broken');
    }
  }

  async #send() {
    for (let at = 0; at < this.size && !this.isOver; at += BLOCK) {
      const block = new Uint8Array(await this.#file.slice(at, at + BLOCK).arrayBuffer());
      this.hash.update(block);
      for (let from = 0; from < block.length; from += this.#chunk) {
        await this.#room();
        if (this.isOver) {
          return;
        }
        const bytes = block.subarray(from, from + this.#chunk);
        this.channel.send(bytes);
        this.moved += bytes.length;
      }
      this.dispatchEvent(new Event('change'));
    }
    this.to('checking');
    this.say({ type: 'end', sha256: this.hash.hex() });
  }

  /** Resolves when the channel takes more. */
  async #room() {
    const { channel } = this;
    if (channel.bufferedAmount > HIGH && channel.readyState === 'open') {
      await new Promise((resolve) => {
        channel.addEventListener('bufferedamountlow', resolve, { once: true });
        channel.addEventListener('close', resolve, { once: true });
      });
    }
  }
}
