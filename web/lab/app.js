/*
 * The lab: joins the fields and buttons of lab.html to the socket, the call and the views. What
 * happens on the wire is in socket.js and signaling.js, the negotiation in call.js and peer.js.
 */

import { Address } from './address.js';
import { Call } from './call.js';
import { Chat } from './chat.js';
import { Description } from './descriptions.js';
import { byId } from './dom.js';
import { say, startLanguages } from './i18n.js';
import { Log } from './log.js';
import { openMedia } from './media.js';
import { Notices } from './notices.js';
import { read, write } from './signaling.js';
import { Socket } from './socket.js';
import { showStates } from './states.js';
import { Videos } from './videos.js';

/** @typedef {import('./i18n.js').Key} Key */
/** @typedef {import('./i18n.js').Params} Params */
/** @typedef {import('./signaling.js').Message} Message */
/** @typedef {import('./socket.js').SocketState} SocketState */
/** @typedef {import('./socket.js').Loss} Loss */

const ASKING_MS = 8000; // so long may the browser's question stay unanswered without a word
const TOO_LARGE = 1009; // RFC 6455, 7.4.1
const HAS_RTC = typeof RTCPeerConnection !== 'undefined';

/** Notes that also deserve a notice. @type {Partial<Record<Key, Key>>} */
const NOTICES = {
  'note.third': 'notice.third',
  'note.busy': 'notice.busy',
  'note.echo': 'notice.echo',
};

const prepareButton = byId('prepare', HTMLButtonElement);
const connectButton = byId('connect', HTMLButtonElement);
const hangUpButton = byId('hang-up', HTMLButtonElement);

startLanguages(byId('language', HTMLSelectElement));
const notices = new Notices(byId('notices', HTMLElement));
const log = new Log(byId('log', HTMLElement), byId('log-empty', HTMLElement));
const videos = new Videos();
const copyFailed = () => notices.show('copy', 'warn', 'notice.noCopy');
const sent = new Description('sdp-sent', copyFailed);
const received = new Description('sdp-received', copyFailed);
const chat = new Chat((direction, frame) => log.frame(direction, frame, { type: 'chat', message: null }));
const call = new Call({ send, change: show, note });
const socket = new Socket({ state: onSocket, message: onFrame });
const address = new Address(open);

/** @type {SocketState} */
let socketState = 'closed';
let url = '';
let wasOpen = false; // at this url
let isTooLarge = false; // our last message was, and its repetition would be
let isAsking = false;
/** @type {MediaStream | null} */
let media = null;

/** @param {Key} key @param {Params} [params] */
function note(key, params) {
  log.note(key, params);
  const notice = NOTICES[key];
  if (notice) {
    notices.show('peer', 'warn', notice);
  }
}

/** @param {Message} message */
function send(message) {
  const frame = socket.send(write(message));
  if (!frame) {
    log.note('note.unsent', { type: message.type });
    return;
  }
  log.frame('sent', frame, { type: message.type, message });
  if (message.type === 'offer' || message.type === 'answer') {
    sent.show(message.type, message.sdp);
  }
}

/** @param {import('./socket.js').Frame} frame */
function onFrame(frame) {
  const reading = read(frame.text);
  const { message } = reading;
  log.frame('received', frame, reading);
  if (!message) {
    log.note(reading.type ? 'note.unknown' : 'note.unreadable');
  } else if (message.type === 'error') {
    notices.show('refused', 'bad', 'notice.refused', message);
  } else if (HAS_RTC) {
    if (message.type === 'offer' || message.type === 'answer') {
      received.show(message.type, message.sdp);
    }
    call.handle(message);
  }
}

/** @param {SocketState} state @param {Loss} [loss] */
function onSocket(state, loss) {
  socketState = state;
  const end = { code: loss?.code ?? 0, reason: loss?.reason ? ` ${loss.reason}` : '' };
  if (state === 'open') {
    wasOpen = true;
    notices.hide('socket');
    log.note('note.opened', { url });
    if (!isTooLarge) {
      call.repeat();
    }
    isTooLarge = false;
  } else if (loss?.opened) {
    isTooLarge = loss.code === TOO_LARGE;
    log.note('note.closed', end);
    notices.show('socket', 'bad', 'notice.lost', end);
  } else if (loss && !wasOpen) {
    notices.show('socket', 'bad', 'notice.unreachable', { url });
  }
  show();
}

function show() {
  const { peer } = call;
  const isPrepared = Boolean(media);
  showStates(socketState, peer, isPrepared);
  videos.showLocal(media);
  videos.showRemote(peer);
  prepareButton.disabled = !HAS_RTC || isAsking || isPrepared;
  connectButton.disabled = !HAS_RTC || Boolean(peer?.isAlive);
  hangUpButton.disabled = !peer && !isPrepared;
  prepareButton.classList.toggle('primary', !peer && !isPrepared);
  connectButton.classList.toggle('primary', Boolean(peer ?? media));
}

/** Go to the server and room of the fields. */
function open() {
  const urls = address.read();
  wasOpen = false;
  for (const matter of ['socket', 'address', 'peer', 'refused']) {
    notices.hide(matter);
  }
  try {
    url = urls?.signal ?? '';
    if (urls) {
      socket.open(urls.signal);
      chat.open(urls.chat);
      return;
    }
    notices.show('address', 'bad', 'notice.badUrl', { url: address.server });
  } catch {
    notices.show('address', 'bad', 'notice.mixed', { url });
  }
  socket.close();
  chat.close();
}

async function prepare() {
  isAsking = true;
  show();
  const timer = setTimeout(() => notices.show('media', 'warn', 'media.asking'), ASKING_MS);
  const { stream, problem } = await openMedia();
  clearTimeout(timer);
  isAsking = false;
  media = stream;
  if (problem) {
    notices.show('media', 'warn', problem.key, problem.params);
  } else {
    notices.hide('media');
  }
  await call.prepare(media);
  show();
}

function connect() {
  notices.hide('peer');
  call.connect();
}

function hangUp() {
  notices.hide('peer');
  media?.getTracks().forEach((track) => track.stop());
  media = null;
  call.hangUp();
  show();
}

/** @param {Event} event */
function chooseMode({ target }) {
  if (target instanceof HTMLInputElement) {
    call.trickle = target.value === 'trickle';
    say(byId('mode-text', HTMLElement), call.trickle ? 'mode.trickleText' : 'mode.vanillaText');
  }
}

async function loadIceServers() {
  try {
    const answer = await fetch('ice.json');
    call.iceServers = answer.ok ? (await answer.json()).iceServers : [];
  } catch {
    // From disk or from another web server there is none: then only the local network is tried.
  }
}

prepareButton.addEventListener('click', prepare);
connectButton.addEventListener('click', connect);
hangUpButton.addEventListener('click', hangUp);
byId('log-clear', HTMLButtonElement).addEventListener('click', () => log.clear());
for (const choice of document.querySelectorAll('input[name="mode"]')) {
  choice.addEventListener('change', chooseMode);
}
// The other page need not wait for ICE to find out.
addEventListener('pagehide', () => call.sayBye());

if (!HAS_RTC) {
  notices.show('rtc', 'bad', 'notice.noRtc');
} else if (!isSecureContext) {
  notices.show('insecure', 'warn', 'notice.insecure', { host: location.host });
}
show();
await loadIceServers();
open();
