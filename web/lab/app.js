/*
 * The lab: joins the fields and buttons of lab.html to the line, the call and the views. What
 * happens on the wire is in line.js, socket.js and signaling.js, the negotiation in call.js and
 * peer.js.
 */

import { Address } from './address.js';
import { Call } from './call.js';
import { Chat } from './chat.js';
import { byId } from './dom.js';
import { say, startLanguages } from './i18n.js';
import { Line } from './line.js';
import { Log } from './log.js';
import { openMedia } from './media.js';
import { Notices } from './notices.js';
import { showStates } from './states.js';
import { Videos } from './videos.js';

/** @typedef {import('./i18n.js').Key} Key */
/** @typedef {import('./i18n.js').Params} Params */
/** @typedef {import('./signaling.js').Message} Message */

const ASKING_MS = 8000; // so long may the browser's question stay unanswered without a word
const HAS_RTC = typeof RTCPeerConnection !== 'undefined';

/** Notes that also deserve a notice. @type {Partial<Record<Key, Key>>} */
const NOTICES = {
  'note.third': 'notice.third',
  'note.busy': 'notice.busy',
  'note.echo': 'notice.echo',
};

startLanguages(byId('language', HTMLSelectElement));
const prepareButton = byId('prepare', HTMLButtonElement);
const connectButton = byId('connect', HTMLButtonElement);
const hangUpButton = byId('hang-up', HTMLButtonElement);
const notices = new Notices(byId('notices', HTMLElement));
const log = new Log(byId('log', HTMLElement), byId('log-empty', HTMLElement));
const videos = new Videos();
const address = new Address(open);
const chat = new Chat((direction, frame) => {
  log.frame(direction, frame, { type: 'chat', message: null });
});
const line = new Line(log, notices, {
  message: (message) => HAS_RTC && call.handle(message),
  change: show,
  back: () => call.repeat(),
});
const call = new Call({ send: (message) => line.send(message), change: show, note });

/** @type {MediaStream | null} */
let media = null;
let isAsking = false;

/** @param {Key} key @param {Params} [params] */
function note(key, params) {
  log.note(key, params);
  const notice = NOTICES[key];
  if (notice) {
    notices.show('peer', 'warn', notice);
  }
}

function show() {
  const { peer } = call;
  const isPrepared = Boolean(media);
  showStates(line.state, peer, isPrepared);
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
  notices.hide('peer');
  notices.hide('address');
  try {
    if (urls) {
      line.open(urls.signal);
      chat.open(urls.chat);
      return;
    }
    notices.show('address', 'bad', 'notice.badUrl', { url: address.server });
  } catch {
    notices.show('address', 'bad', 'notice.mixed', { url: address.server });
  }
  line.close();
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
