/*
 * The tab with both peers in one page: every arrow between them in the signals view, all at once
 * or step by step.
 */

import { byId } from '../lib/dom.js';
import { say, t } from '../lib/i18n.js';
import { SignalsView } from '../signals/view.js';
import { paint } from './picture.js';
import { TwoPeers } from './two-peers.js';
import { showStream } from './videos.js';

export class TwoTab {
  #next = byId('two-next', HTMLButtonElement);
  #says = byId('two-says', HTMLElement);
  #stepwise = byId('two-stepwise', HTMLInputElement);
  #hello = byId('two-hello', HTMLButtonElement);
  #picture = byId('two-picture', HTMLButtonElement);
  #restart = byId('two-restart', HTMLButtonElement);
  #video = byId('two-video', HTMLVideoElement);
  #isBusy = false;
  /** @type {(() => void) | null} ends the picture that is being painted */
  #stopPaint = null;
  /** @type {TwoPeers} */
  #two;
  #view;

  constructor() {
    this.#two = this.#open();
    const place = byId('two-signals', HTMLElement);
    this.#view = new SignalsView(place, { room: this, t, observed: true });
    this.#next.addEventListener('click', () => this.#step());
    this.#stepwise.addEventListener('change', () => this.#show());
    this.#hello.addEventListener('click', () => this.#two.greet(t('two.helloText')));
    this.#restart.addEventListener('click', () => this.#two.restartIce());
    this.#picture.addEventListener('click', () => this.#addPicture());
    byId('two-again', HTMLButtonElement).addEventListener('click', () => {
      this.#two.close();
      this.#view.clear();
      this.#stopPaint?.();
      this.#stopPaint = null;
      showStream(this.#video, null);
      this.#two = this.#open();
      this.#isBusy = false; // What the old ones are still at is nobody's business.
      this.#show();
    });
    this.#show();
  }

  /** What the view asks about the connections: it takes this for a room. */
  get peers() {
    return this.#two.peers;
  }

  #open() {
    /** @type {TwoPeers} */
    const two = new TwoPeers({
      trace: (trace) => two === this.#two && this.#view.add(trace),
      change: () => two === this.#two && this.#show(),
      picture: (stream) => {
        showStream(this.#video, stream);
        this.#show();
      },
    });
    return two;
  }

  #addPicture() {
    const { track, stop } = paint();
    this.#stopPaint = stop;
    this.#two.addTrack(track);
    this.#show();
  }

  async #step() {
    this.#isBusy = true;
    const two = this.#two;
    try {
      await two.step();
    } catch (error) {
      if (two === this.#two) {
        say(this.#says, 'manual.failed', { error: String(error) });
      }
    }
    if (two === this.#two) {
      this.#isBusy = false;
      this.#show();
    }
  }

  #show() {
    const { next, isOpen } = this.#two;
    const isBegun = this.#two.peers.size > 0;
    this.#next.disabled = !next || this.#isBusy;
    this.#hello.disabled = !isOpen;
    this.#restart.disabled = !isOpen;
    this.#picture.disabled = !isOpen || Boolean(this.#stopPaint);
    this.#video.hidden = !this.#video.srcObject;
    if (next) {
      say(this.#says, next.key, next.params);
    } else {
      say(this.#says, isOpen ? 'two.open' : 'two.waiting');
    }
    say(this.#next, isBegun || this.#stepwise.checked ? 'two.next' : 'two.start');
    if (isBegun && next && !this.#stepwise.checked && !this.#isBusy) {
      this.#step();
    }
  }
}
