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
const STEPS = ['manual-offer', 'manual-answer', 'manual-accept'];

/** @typedef {() => boolean} IsMine false: the person has begun again meanwhile */
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
  /** Counts the tries: what an earlier one still waits for comes too late. */
  #run = 0;

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
    this.#run++;
    this.#free();
    STEPS.forEach((id) => { button(id).disabled = false; });
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

  #free() {
    this.#peer?.close();
    this.#peer = null;
    this.#media?.getTracks().forEach((track) => track.stop());
    this.#media = null;
  }

  /**
   * A connection of its own for each try: a description cannot be used twice.
   * @param {IsMine} isMine
   */
  async #open(isMine) {
    this.#free();
    const iceServers = await this.#servers;
    const { stream } = this.#camera.checked ? await openMedia() : { stream: null };
    if (!isMine()) {
      stream?.getTracks().forEach((track) => track.stop());
      return null;
    }
    this.#media = stream;
    const peer = new Vanilla(iceServers, stream, {
      change: () => peer === this.#peer && this.#show(),
      message: (text) => this.#line('', text),
    });
    this.#peer = peer;
    return peer;
  }

  /** Press, wait, and say what went wrong. @param {(isMine: IsMine) => Promise<void>} act */
  async #do(act) {
    const run = ++this.#run;
    const isMine = () => run === this.#run;
    STEPS.forEach((id) => { button(id).disabled = true; });
    try {
      await act(isMine);
    } catch (error) {
      if (isMine()) {
        this.#tell('manual.failed', { error: String(error) });
      }
    }
    if (isMine()) {
      STEPS.forEach((id) => { button(id).disabled = false; });
      this.#show();
    }
  }

  #offer() {
    return this.#do(async (isMine) => {
      this.#tell('manual.gathering');
      const peer = await this.#open(isMine);
      const code = await peer?.offer();
      if (code && isMine()) {
        area('manual-own-offer').value = code;
        this.#tell('manual.offerReady', { n: countCandidates(JSON.parse(code).sdp) });
      }
    });
  }

  #answer() {
    return this.#do(async (isMine) => {
      this.#tell('manual.gathering');
      const peer = await this.#open(isMine);
      if (!peer) {
        return;
      }
      const { sdp, problem } = peer.read(area('manual-their-offer').value, 'offer');
      if (problem) {
        this.#tell(problem);
        return;
      }
      const code = await peer.answer(sdp ?? '');
      if (isMine()) {
        area('manual-own-answer').value = code;
        this.#tell('manual.answerReady');
      }
    });
  }

  #accept() {
    return this.#do(async (isMine) => {
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
      if (isMine()) {
        this.#tell('manual.connecting');
      }
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
