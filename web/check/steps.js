/*
 * The steps of the self-test in their order, and what they hand on to each other. No DOM.
 */

import { checkBandwidth } from './bandwidth.js';
import { checkSecure, checkWebrtc } from './browser.js';
import { checkCamera, checkMicrophone } from './devices.js';
import { checkIce } from './ice.js';
import { checkLoopback } from './loopback.js';
import { checkServer } from './server.js';

/** @typedef {import('../lib/i18n.js').Params} Params */
/** @typedef {{ key: string, params?: Params }} Sentence */
/**
 * @typedef {object} Result
 * @property {'good' | 'warn' | 'bad' | 'skip'} mark
 * @property {string} key what was found
 * @property {Params} [params]
 * @property {string} [advice] what to do about it
 * @property {Sentence[]} [facts] for those who want to know more
 */
/**
 * @typedef {object} Found
 * @property {RTCIceServer[]} iceServers as the server names them
 * @property {RTCIceServer[]} usable the TURN servers among them that gave a relay
 * @property {MediaStream | null} stream
 * @property {import('./loopback.js').Pair | null} pair connected with itself
 * @property {(key: string, params?: Params) => void} tell what goes on meanwhile
 */
/** @typedef {{ name: string, run: (found: Found) => Promise<Result> | Result }} Step */

/** @type {Step[]} */
export const STEPS = [
  { name: 'secure', run: checkSecure },
  { name: 'webrtc', run: checkWebrtc },
  { name: 'server', run: checkServer },
  { name: 'microphone', run: checkMicrophone },
  { name: 'camera', run: checkCamera },
  { name: 'ice', run: checkIce },
  { name: 'loopback', run: checkLoopback },
  { name: 'bandwidth', run: checkBandwidth },
];
