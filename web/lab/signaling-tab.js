/*
 * The tab for two pages with the server in between: joins its fields and buttons to the line, the
 * call and the views. What happens on the wire is in line.js, socket.js and signaling.js, the
 * negotiation in call.js and peer.js.
 */

import { byId } from '../lib/dom.js';
import { say } from '../lib/i18n.js';
import { Address } from './address.js';
import { Call } from './call.js';
import { Chat } from './chat.js';
import { Line } from './line.js';
import { Log } from './log.js';
import { openMedia } from './media.js';
import { Notices } from './notices.js';
import { showStates } from './states.js';
import { Videos } from './videos.js';

/** @typedef {import('../lib/i18n.js').Key} Key */
/** @typedef {import('../lib/i18n.js').Params} Params */

const ASKING_MS = 8000; // so long may the browser's question stay unanswered without a word
const HAS_RTC = typeof RTCPeerConnection !== 'undefined';

/** Notes that also deserve a notice. @type {Partial<Record<Key, Key>>} */
const NOTICES = {
  'note.third': 'notice.third',
  'note.busy': 'notice.busy',
  'note.echo': 'notice.echo',
};

export class SignalingTab {
  #prepare = byId('prepare', HTMLButtonElement);
  #connect = byId('connect', HTMLButtonElement);
  #hangUp = byId('hang-up', HTMLButtonElement);
  #notices = new Notices(byId('notices', HTMLElement));
  #log = new Log(byId('log', HTMLElement), byId('log-empty', HTMLElement));
  #videos = new Videos();
  #address = new Address(() => this.#open());
  #chat = new Chat((direction, frame) => {
    this.#log.frame(direction, frame, { type: 'chat', message: null });
  });
  #call = new Call({
    send: (message) => this.#line.send(message),
    change: () => this.#show(),
    note: (key, params) => this.#note(key, params),
  });
  #line = new Line(this.#log, this.#notices, {
    message: (message) => HAS_RTC && this.#call.handle(message),
    change: () => this.#show(),
    back: () => this.#call.repeat(),
  });
  /** @type {MediaStream | null} */
  #media = null;
  #isAsking = false;

  /** @param {Promise<RTCIceServer[]>} iceServers */
  constructor(iceServers) {
    this.#prepare.addEventListener('click', () => this.#onPrepare());
    this.#connect.addEventListener('click', () => this.#onConnect());
    this.#hangUp.addEventListener('click', () => this.#onHangUp());
    for (const choice of document.querySelectorAll('input[name="mode"]')) {
      choice.addEventListener('change', (event) => this.#onMode(event));
    }
    // The other page need not wait for ICE to find out.
    addEventListener('pagehide', () => this.#call.sayBye());
    if (!HAS_RTC) {
      this.#notices.show('rtc', 'bad', 'notice.noRtc');
    } else if (!isSecureContext) {
      this.#notices.show('insecure', 'warn', 'notice.insecure', { host: location.host });
    }
    this.#show();
    iceServers.then((servers) => {
      this.#call.iceServers = servers;
      if (this.#address.isForeign) {
        // It would learn this machine's addresses: a link alone does not send anybody there.
        this.#notices.show('foreign', 'warn', 'notice.foreign', { url: this.#address.server });
      } else {
        this.#open();
      }
    });
  }

  /** @param {Key} key @param {Params} [params] */
  #note(key, params) {
    this.#log.note(key, params);
    const notice = NOTICES[key];
    if (notice) {
      this.#notices.show('peer', 'warn', notice);
    }
  }

  #show() {
    const { peer } = this.#call;
    const isPrepared = Boolean(this.#media);
    showStates(this.#line.state, peer, isPrepared);
    this.#videos.showLocal(this.#media);
    this.#videos.showRemote(peer);
    this.#prepare.disabled = !HAS_RTC || this.#isAsking || isPrepared;
    this.#connect.disabled = !HAS_RTC || Boolean(peer?.isAlive);
    this.#hangUp.disabled = !peer && !isPrepared;
    this.#prepare.classList.toggle('primary', !peer && !isPrepared);
    this.#connect.classList.toggle('primary', Boolean(peer ?? this.#media));
  }

  /** Go to the server and room of the fields. */
  #open() {
    this.#address.isForeign = false;
    this.#notices.hide('foreign');
    const urls = this.#address.read();
    this.#notices.hide('peer');
    this.#notices.hide('address');
    try {
      if (urls) {
        this.#line.open(urls.signal);
        this.#chat.open(urls.chat);
        return;
      }
      this.#notices.show('address', 'bad', 'notice.badUrl', { url: this.#address.server });
    } catch {
      this.#notices.show('address', 'bad', 'notice.mixed', { url: this.#address.server });
    }
    this.#line.close();
    this.#chat.close();
  }

  async #onPrepare() {
    this.#isAsking = true;
    this.#show();
    const asking = () => this.#notices.show('media', 'warn', 'media.asking');
    const timer = setTimeout(asking, ASKING_MS);
    const { stream, problem } = await openMedia();
    clearTimeout(timer);
    this.#isAsking = false;
    this.#media = stream;
    if (problem) {
      this.#notices.show('media', 'warn', problem.key, problem.params);
    } else {
      this.#notices.hide('media');
    }
    await this.#call.prepare(stream);
    this.#show();
  }

  #onConnect() {
    this.#notices.hide('peer');
    if (this.#address.isForeign) {
      this.#open();
    }
    this.#call.connect();
  }

  #onHangUp() {
    this.#notices.hide('peer');
    this.#media?.getTracks().forEach((track) => track.stop());
    this.#media = null;
    this.#call.hangUp();
    this.#show();
  }

  /** @param {Event} event */
  #onMode({ target }) {
    if (target instanceof HTMLInputElement) {
      this.#call.trickle = target.value === 'trickle';
      const key = this.#call.trickle ? 'mode.trickleText' : 'mode.vanillaText';
      say(byId('mode-text', HTMLElement), key);
    }
  }
}
