/*
 * One picture of the stage: a person, or a screen that somebody shows, with everything that is
 * written on it.
 */

import { icon, make } from '../lib/dom.js';
import { say, sayIn, t } from '../lib/i18n.js';
import { useSpeaker } from './speaker.js';

/** @typedef {import('./names.js').Name} Name */
/** @typedef {import('./quality.js').Grade} Grade */

/** @param {string} text @returns {number} a hue of the color circle, the same for the same text */
function hueOf(text) {
  return [...text].reduce((hue, character) => (hue * 31 + (character.codePointAt(0) ?? 0)) % 360, 7);
}

/** A round letter in place of a picture. @param {string} name */
export function avatar(name) {
  const box = make('div', 'avatar');
  const letter = make('span', '', [...name][0]?.toUpperCase() ?? '?');
  letter.style.setProperty('--hue', String(hueOf(name)));
  box.setAttribute('aria-hidden', 'true');
  box.append(letter);
  return box;
}

/** What stands in place of one's own name where there is no room for it. */
function shortName() {
  const box = make('span', 'short-name');
  say(box, 'room.youAlone');
  return box;
}

export class Tile {
  element = make('figure', 'tile');
  video = make('video');
  #avatar = avatar('?');
  #veil = make('p', 'veil');
  #enlarge = make('button', 'enlarge');
  #name = make('span', 'name');
  #muted = make('span');
  #hand = make('span', 'hand');
  #dot = make('span', 'dot');
  #shownName = '\n'; // no name

  /**
   * @param {'self' | 'self-screen' | 'peer' | 'screen'} kind
   * @param {() => void} enlarge when it is clicked
   */
  constructor(kind, enlarge) {
    const isOwn = kind.startsWith('self');
    this.kind = kind;
    this.isScreen = kind.endsWith('screen');
    this.video.autoplay = true;
    this.video.playsInline = true;
    this.video.muted = isOwn;
    this.video.hidden = true;
    this.mirror(kind === 'self');
    this.element.classList.toggle('screen', this.isScreen);
    this.#veil.hidden = true;
    this.#enlarge.setAttribute('aria-pressed', 'false');
    this.#enlarge.addEventListener('click', enlarge);
    // Of a tile that is seen by half, a browser would scroll nothing.
    this.#enlarge.addEventListener('focus', () => this.element.scrollIntoView({ block: 'nearest', inline: 'nearest' }));
    this.#muted.append(icon('mic-off'), make('span', 'unseen'));
    say(/** @type {Element} */ (this.#muted.lastChild), 'tile.muted');
    this.#muted.hidden = true;
    this.#hand.append(icon('hand'), make('span', 'unseen'));
    say(/** @type {Element} */ (this.#hand.lastChild), 'hand.up');
    this.#hand.hidden = true;
    this.#dot.setAttribute('role', 'img');
    this.#dot.hidden = isOwn || this.isScreen;
    this.video.addEventListener('loadeddata', () => this.#settle());
    const caption = make('figcaption');
    if (kind === 'self') {
      caption.append(shortName());
    }
    caption.append(this.#dot, this.#name, this.#muted, this.#hand);
    this.element.append(this.video, this.#avatar, this.#veil, this.#enlarge, caption);
    useSpeaker(this.video);
  }

  /** @param {boolean} isMirrored as one knows oneself */
  mirror(isMirrored) {
    this.video.classList.toggle('mirrored', isMirrored);
  }

  /** @param {Name} name */
  setName(name) {
    if (name.plain === this.#shownName) {
      return;
    }
    this.#shownName = name.plain;
    say(this.#name, name.key, name.params);
    const label = this.kind === 'self-screen' ? 'screen.enlarge' : 'tile.focus';
    sayIn(this.#enlarge, 'aria-label', label, { name: t(name.key, name.params) });
    const next = avatar(name.plain);
    next.hidden = this.#avatar.hidden;
    this.#avatar.replaceWith(next);
    this.#avatar = next;
  }

  /**
   * @param {MediaStream | null} stream
   * @returns {Promise<boolean>} false: the browser wants a tap before it makes sound
   */
  async play(stream = /** @type {MediaStream | null} */ (this.video.srcObject)) {
    // Assigned again, it would start again.
    if (this.video.srcObject !== stream) {
      this.video.srcObject = stream;
    }
    try {
      await (stream ? this.video.play() : undefined);
      return true;
    } catch (error) {
      return !(error instanceof DOMException && error.name === 'NotAllowedError');
    }
  }

  /** What is shown now. */
  get track() {
    const { srcObject } = this.video;
    return srcObject instanceof MediaStream ? srcObject.getVideoTracks()[0] : undefined;
  }

  /** @param {boolean} hasPicture */
  showPicture(hasPicture) {
    this.video.hidden = !hasPicture;
    this.#settle();
  }

  /** The letter stays until there is a picture to see. */
  #settle() {
    this.#avatar.hidden = !this.video.hidden && this.video.readyState >= HTMLMediaElement.HAVE_CURRENT_DATA;
  }

  /** @param {boolean} isMuted */
  setMuted(isMuted) {
    this.#muted.hidden = !isMuted;
  }

  /** @param {boolean} isRaised */
  setHand(isRaised) {
    this.#hand.hidden = !isRaised;
  }

  /** @param {boolean} isSpeaking */
  setSpeaking(isSpeaking) {
    this.element.toggleAttribute('data-speaking', isSpeaking);
  }

  /** @param {boolean} isLarge */
  setLarge(isLarge) {
    this.element.classList.toggle('held', isLarge);
    this.#enlarge.setAttribute('aria-pressed', String(isLarge));
  }

  /** @param {string | null} key what keeps the picture away @param {number} [seconds] since when */
  setVeil(key, seconds = 0) {
    this.#veil.hidden = !key;
    if (key) {
      say(this.#veil, key, { seconds });
    }
  }

  /** @param {Grade} grade @param {import('../client.js').PeerStats | null} stats */
  setQuality(grade, stats) {
    const words = t(`quality.${grade}`);
    const told = stats ? t('quality.numbers', {
      grade: words,
      rtt: stats.rttMs === null ? '–' : Math.round(stats.rttMs),
      loss: Math.round((stats.lossPct ?? 0) * 10) / 10,
      kbps: Math.round(stats.kbpsIn),
      path: stats.path ?? '–',
    }) : words;
    this.#dot.dataset.grade = grade;
    this.#dot.title = told;
    this.#dot.setAttribute('aria-label', told);
  }

  close() {
    this.video.srcObject = null;
    this.element.remove();
  }
}
