// Another member of the room, as client.d.ts shows it; its connection is the pair's affair.
import { mistaken } from './arguments.js';
import { Emitter } from './emitter.js';
import { SignalError } from './error.js';

/**
 * @typedef {import('../client.js').Json} Json
 * @typedef {import('../client.js').Peer} Peer
 * @typedef {import('../client.js').PeerEvents} PeerEvents
 * @typedef {import('../client.js').PeerState} PeerState
 * @typedef {import('../client.js').Source} Source
 * @typedef {import('./connection.js').Connection} Connection
 * @typedef {import('./wire.js').Info} Info
 *
 * @typedef {object} Handle what a peer may ask of its pair
 * @property {Connection | null} connection
 * @property {import('./data.js').DataQueue} data
 * @property {(what: 'restart' | 'rebuild') => void} repair
 */

/**
 * @extends {Emitter<PeerEvents>}
 * @implements {Peer}
 */
export class RemotePeer extends Emitter {
  id = '';
  /** @type {string | undefined} */
  name;
  /** @type {{ [name: string]: Json } | undefined} */
  meta;
  away = false;
  /** @type {PeerState} */
  state = 'connecting';
  /** @type {Partial<Record<string, MediaStream>>} */
  streams = {};
  /** @type {Partial<Record<Source, boolean>>} */
  sources = {};
  #pair;

  /** @param {Info} info @param {Handle} pair */
  constructor(info, pair) {
    super();
    this.#pair = pair;
    Object.assign(this, info);
  }

  get pc() {
    return this.#pair.connection?.pc ?? null;
  }

  /** @param {string} label @param {RTCDataChannelInit} [init] */
  channel(label, init) {
    return this.#connection().pc.createDataChannel(label, init);
  }

  /** @param {import('./data.js').Data} data */
  async send(data) {
    const isData = typeof data === 'string' || data instanceof ArrayBuffer || ArrayBuffer.isView(data);
    if (!isData) mistaken('peer.send()', 'a string, an ArrayBuffer or a view of one', data);
    await this.#pair.data.send(data);
  }

  async stats() {
    const { stats, pc } = this.#connection();
    return stats.read(pc);
  }

  restart() {
    this.#pair.repair('restart');
  }

  rebuild() {
    this.#pair.repair('rebuild');
  }

  #connection() {
    const { connection } = this.#pair;
    if (!connection) throw new SignalError('closed');
    return connection;
  }
}
