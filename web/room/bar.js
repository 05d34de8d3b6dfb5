/*
 * The bar below the stage and its keys.
 */

import { byId } from '../lib/dom.js';
import { say, sayIn } from '../lib/i18n.js';
import { choices, remember } from './choices.js';
import { isRaised, turnHand } from './hands.js';
import { openInvite } from './invite.js';
import { watchMenu } from './menu.js';
import { CAN_SHARE } from './outgoing.js';
import { KEY_TITLES, TITLES, showToggle } from './prejoin.js';
import { watchKeys } from './shortcuts.js';
import { announce } from './status.js';
import { clearStrip, showStrip } from './strip.js';

/** @typedef {import('./media.js').Kind} Kind */
/** @typedef {import('./own-media.js').OwnMedia} OwnMedia */

/** @param {string} id */
const button = (id) => byId(id, HTMLButtonElement);
const menu = byId('menu', HTMLElement);

/** What tells its key besides the microphone, the camera and the hand, and how it is called. */
const KEYED = { 'share': 'screen', 'open-chat': 'chat', 'open-people': 'people' };

/** The picture of whom one looks at, in a window above all others. @param {import('./stage.js').Stage} stage */
async function toggleFloating(stage) {
  if (document.pictureInPictureElement) {
    await document.exitPictureInPicture();
  } else {
    await stage.seen?.video.requestPictureInPicture().catch(() => {}); // nothing has come of it yet
  }
}

async function toggleFullscreen() {
  await (document.fullscreenElement ? document.exitFullscreen() : document.documentElement.requestFullscreen())
    .catch(() => {}); // forbidden
}

export class Bar {
  #own;
  #outgoing;
  #stage;
  #room;
  #signal;
  /** @type {import('./media.js').Note | null} what is wrong with the devices */
  #told = null;

  /**
   * @param {{ own: OwnMedia, outgoing: import('./outgoing.js').Outgoing,
   *   stage: import('./stage.js').Stage, drawer: import('./drawer.js').Drawer,
   *   room: import('../client.js').Room, openSettings: () => void, leave: () => void }} parts
   * @param {AbortSignal} signal ends it
   */
  constructor({ own, outgoing, stage, drawer, room, openSettings, leave }, signal) {
    this.#own = own;
    this.#outgoing = outgoing;
    this.#stage = stage;
    this.#room = room;
    this.#signal = signal;
    const mic = () => this.#turn('mic');
    const cam = () => this.#turn('cam');
    const share = () => this.#share();
    const hand = () => turnHand(room);
    const help = () => byId('help', HTMLDialogElement).showModal();
    this.#onClick({ mic, cam, share, hand, leave, 'menu-hand': hand, 'menu-fullscreen': toggleFullscreen, 'menu-help': help });
    this.#onClick({
      'menu-settings': openSettings,
      'menu-signals': () => drawer.open('signals'),
      'menu-side': () => own.turnAround(),
      'menu-float': () => toggleFloating(stage),
      'menu-self': () => this.#showSelf(!choices.self),
      'people-invite': () => openInvite(room.name),
      'alone-invite': () => openInvite(room.name),
    });
    watchMenu(signal);
    menu.addEventListener('beforetoggle', () => this.#offer(), { signal });
    this.#showSelf(choices.self);
    this.#offerKeys();
    watchKeys({
      m: mic, v: cam, s: share, h: hand, '?': help, f: toggleFullscreen,
      c: () => drawer.toggle('chat'), p: () => drawer.toggle('people'), d: () => drawer.toggle('signals'),
    }, this.#talk(), signal);
    own.addEventListener('change', () => this.#show(), { signal });
    outgoing.addEventListener('change', () => this.#show(), { signal });
    room.on('self', () => this.#showHand(), { signal });
    button('share').hidden = !CAN_SHARE;
    this.#showKeys();
  }

  /** Who speaks to the machine, or presses keys by mistake, switches them off. */
  #offerKeys() {
    const box = byId('help-keys', HTMLInputElement);
    box.checked = choices.keys;
    box.addEventListener('change', () => {
      remember({ keys: box.checked });
      this.#showKeys();
    }, { signal: this.#signal });
  }

  /** No button promises a key that is switched off. */
  #showKeys() {
    for (const [id, key] of Object.entries(KEYED)) {
      sayIn(button(id), 'title', choices.keys ? `${key}.key` : key);
    }
    this.#showHand();
    this.#show();
  }

  /** @param {boolean} isShown one's own picture */
  #showSelf(isShown) {
    remember({ self: isShown });
    this.#stage.hideSelf(!isShown);
    say(button('menu-self'), isShown ? 'menu.hideSelf' : 'menu.showSelf');
  }

  /** What can be done at the moment. */
  #offer() {
    button('menu-side').hidden = !this.#own.side;
    button('menu-float').hidden = !document.pictureInPictureEnabled || !this.#stage.seen;
  }

  #showHand() {
    const isUp = isRaised(this.#room.self);
    button('hand').setAttribute('aria-pressed', String(isUp));
    const plain = isUp ? 'hand.lower' : 'hand';
    const keyed = isUp ? 'hand.lowerKey' : 'hand.key';
    sayIn(button('hand'), 'title', choices.keys ? keyed : plain);
    say(button('menu-hand'), plain);
  }

  /** Space: on while it is held, and then as before. */
  #talk() {
    let before = false;
    return {
      down: () => {
        before = this.#own.isOn.mic;
        this.#own.turn('mic', true);
      },
      up: () => this.#own.turn('mic', before),
    };
  }

  /** @param {Record<string, () => void>} acts by the button's id */
  #onClick(acts) {
    for (const [id, act] of Object.entries(acts)) {
      button(id).addEventListener('click', act, { signal: this.#signal });
    }
  }

  /** @param {Kind} kind */
  #turn(kind) {
    this.#own.turn(kind, !(this.#own.isOn[kind] && this.#own.tracks[kind]));
  }

  #share() {
    if (this.#outgoing.screen) {
      this.#outgoing.stopScreen();
    } else if (CAN_SHARE) {
      this.#outgoing.shareScreen().catch((error) => {
        // No window chosen is a choice.
        if (error?.name !== 'NotAllowedError') {
          announce('screen.failed');
        }
      });
    }
  }

  #show() {
    const { problem, note } = this.#own;
    const titles = choices.keys ? KEY_TITLES : TITLES;
    showToggle(button('mic'), 'mic', this.#own, titles);
    showToggle(button('cam'), 'cam', this.#own, titles);
    button('share').setAttribute('aria-pressed', String(Boolean(this.#outgoing.screen)));
    const told = problem ?? note;
    if (told !== this.#told) {
      this.#told = told;
      clearStrip('media');
      if (told) {
        const way = problem?.action === 'again'
          ? { key: 'problem.again', act: () => this.#own.start() }
          : { key: 'strip.dismiss', act: () => clearStrip('media') };
        // There is less room for it than before the room.
        showStrip('media', told.key === 'problem.refused' ? 'strip.blocked' : told.key, { way });
      }
    }
  }
}
