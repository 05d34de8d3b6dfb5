// The messages of nakodo.v1 as types (docs/protocols/nakodo.v1.md); there is nothing to run here.

/**
 * @typedef {import('../client.js').Json} Json
 * @typedef {import('../client.js').Chat} Chat
 *
 * @typedef {object} Info what the server says of a member
 * @property {string} id
 * @property {string} [name]
 * @property {string} [user]
 * @property {{ [name: string]: Json }} [meta]
 *
 * @typedef {Info & { owner: boolean, away?: boolean }} Newcomer owner: whether we are it
 *
 * @typedef {object} Welcome
 * @property {'welcome'} type
 * @property {undefined} [from]
 * @property {string} id
 * @property {string} session
 * @property {Newcomer[]} peers
 * @property {Chat[]} history
 * @property {RTCIceServer[]} [iceServers]
 * @property {{ message: number, peers: number }} limits
 * @property {boolean} [locked]
 * @property {readonly import('../client.js').Right[]} [can]
 *
 * @typedef {object} Resumed
 * @property {'resumed'} type
 * @property {undefined} [from]
 * @property {string} id
 * @property {string} session
 * @property {number} n how many of our numbered messages the server has
 * @property {RTCIceServer[]} [iceServers]
 * @property {boolean} [locked]
 * @property {readonly import('../client.js').Right[]} [can]
 *
 * @typedef {{ locked?: boolean, by?: string, can?: readonly import('../client.js').Right[] }} Locking
 *
 * @typedef {object} Refusal
 * @property {'error'} type
 * @property {undefined} [from]
 * @property {import('../client.js').SignalErrorCode} code
 * @property {string} message
 * @property {number} [n] which of our numbered messages it is about
 * @property {string} [to]
 *
 * @typedef {(
 *   { type: 'peer-joined', peer: Newcomer } |
 *   { type: 'peer-left', id: string, reason: 'bye' | 'gone' | 'kicked' } |
 *   { type: 'peer-away' | 'peer-back', id: string } |
 *   { type: 'peer-updated', peer: Info } |
 *   { type: 'ice', iceServers: RTCIceServer[] } |
 *   { type: 'ack', n: number } |
 *   { type: 'pong', t: number } |
 *   ({ type: 'token', seconds?: number } & Locking) |
 *   { type: 'closing', reason: string, retryAfter: number } |
 *   { type: 'lock', locked: boolean, by?: string }
 * ) & { from?: undefined }} News
 *
 * @typedef {Welcome | Resumed | Refusal | News} ServerMessage
 *
 * @typedef {{ type: string, from: string, [member: string]: unknown }} PeerMessage relayed: a peer may
 *   say anything in it, but who it is from says the server
 *
 * @typedef {{ type: string, to?: string, [member: string]: unknown }} OwnMessage
 */

export {};
