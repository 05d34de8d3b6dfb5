/*
 * The tab for signaling by hand: one step after the other, for the side that begins and for the
 * side that was sent an offer. The server is not asked for anything.
 */

import { appendLine, byId, make } from '../lib/dom.js';
import { say } from '../lib/i18n.js';
import { copyOnClick } from './copy.js';
import { openMedia } from './media.js';
import { countCandidates } from './sdp.js';
import { showChip } from './states.js';
import { Vanilla } from './vanilla.js';
import { showStream } from './videos.js';

const LINES_MAX = 200;

/** @typedef {'begin' | 'reply'} Side */

/** @param {string} id */
const button = (id) => byId(id, HTMLButtonElement);
/** @param {string} id */
const area = (id) => byId(id, HTMLTextAreaElement);

export class ManualTab {
  #servers;
  #camera = byId('manual-camera', HTMLInputElement);
  #status = byId('manual-status', HTMLElement);
  #video = byId('manual-video', HTMLVideoElement);
  #text = byId('manual-text', HTMLInputElement);
  #lines = byId('manual-lines', HTMLOListElement);
  /** @type {Vanilla | null} */
  #peer = null;
  /** @type {MediaStream | null} */
  #media = null;

  /** @param {Promise<RTCIceServer[]>} iceServers */
  constructor(iceServers) {
    this.#servers = iceServers;
    for (const side of document.querySelectorAll('input[name="side"]')) {
      side.addEventListener('change', () => this.#restart());
    }
    button('manual-offer').addEventListener('click', () => this.#offer());
    button('manual-answer').addEventListener('click', () => this.#answer());
    button('manual-accept').addEventListener('click', () => this.#accept());
    button('manual-again').addEventListener('click', () => this.#restart());
    for (const id of ['manual-own-offer', 'manual-own-answer']) {
      copyOnClick(button(`${id}-copy`), area(id), () => this.#tell('notice.noCopy'));
    }
    byId('manual-chat', HTMLFormElement).addEventListener('submit', (event) => {
      event.preventDefault();
      this.#say();
    });
    this.#restart();
  }

  /** @returns {Side} */
  get #side() {
    const checked = document.querySelector('input[name="side"]:checked');
    return checked instanceof HTMLInputElement && checked.value === 'reply' ? 'reply' : 'begin';
  }

  #restart() {
    this.#peer?.close();
    this.#peer = null;
    this.#media?.getTracks().forEach((track) => track.stop());
    this.#media = null;
    for (const side of ['begin', 'reply']) {
      byId(`manual-${side}`, HTMLElement).hidden = side !== this.#side;
    }
    for (const field of document.querySelectorAll('#panel-manual textarea')) {
      if (field instanceof HTMLTextAreaElement) {
        field.value = '';
      }
    }
    this.#lines.replaceChildren();
    this.#tell(typeof RTCPeerConnection === 'undefined' ? 'notice.noRtc' : 'manual.start');
    this.#show();
  }

  /** @param {string} key @param {import('../lib/i18n.js').Params} [params] */
  #tell(key, params) {
    say(this.#status, key, params);
  }

  /** A connection of its own for each try: a description cannot be used twice. */
  async #open() {
    this.#peer?.close();
    this.#media?.getTracks().forEach((track) => track.stop());
    const { stream } = this.#camera.checked ? await openMedia() : { stream: null };
    this.#media = stream;
    const peer = new Vanilla(await this.#servers, stream, {
      change: () => peer === this.#peer && this.#show(),
      message: (text) => this.#line('', text),
    });
    this.#peer = peer;
    return peer;
  }

  /** Press, wait, and say what went wrong. @param {() => Promise<void>} act */
  async #do(act) {
    const buttons = ['manual-offer', 'manual-answer', 'manual-accept'].map(button);
    buttons.forEach((one) => { one.disabled = true; });
    try {
      await act();
    } catch (error) {
      this.#tell('manual.failed', { error: String(error) });
    }
    buttons.forEach((one) => { one.disabled = false; });
    this.#show();
  }

  #offer() {
    return this.#do(async () => {
      this.#tell('manual.gathering');
      const peer = await this.#open();
      const code = await peer.offer();
      area('manual-own-offer').value = code;
      this.#tell('manual.offerReady', { n: countCandidates(JSON.parse(code).sdp) });
    });
  }

  #answer() {
    return this.#do(async () => {
      this.#tell('manual.gathering');
      const peer = await this.#open();
      const { sdp, problem } = peer.read(area('manual-their-offer').value, 'offer');
      if (problem) {
        this.#tell(problem);
        return;
      }
      area('manual-own-answer').value = await peer.answer(sdp ?? '');
      this.#tell('manual.answerReady');
    });
  }

  #accept() {
    return this.#do(async () => {
      const peer = this.#peer;
      if (peer?.connection.signalingState !== 'have-local-offer') {
        this.#tell('manual.offerFirst');
        return;
      }
      const { sdp, problem } = peer.read(area('manual-their-answer').value, 'answer');
      if (problem) {
        this.#tell(problem);
        return;
      }
      await peer.accept(sdp ?? '');
      this.#tell('manual.connecting');
    });
  }

  #show() {
    const pc = this.#peer?.connection;
    showChip('manual-signaling', pc?.signalingState);
    showChip('manual-gathering', pc?.iceGatheringState);
    showChip('manual-ice', pc?.iceConnectionState);
    showChip('manual-connection', pc?.connectionState);
    const stream = this.#peer?.remoteStream ?? null;
    this.#video.hidden = !this.#peer?.isOpen || !stream?.getVideoTracks().some((t) => !t.muted);
    showStream(this.#video, stream);
    this.#text.disabled = button('manual-send').disabled = !this.#peer?.isOpen;
    if (pc?.connectionState === 'connected') {
      this.#tell('manual.connected');
    } else if (pc?.connectionState === 'failed') {
      this.#tell('manual.noWay');
    }
  }

  #say() {
    const text = this.#text.value.trim();
    if (text && this.#peer?.isOpen) {
      this.#peer.send(text);
      this.#line('own', text);
      this.#text.value = '';
    }
  }

  /** @param {'own' | ''} whose @param {string} text */
  #line(whose, text) {
    const line = make('li', whose);
    line.append(make('span', 'said', text));
    appendLine(this.#lines, line, LINES_MAX);
  }
}
