/*
 * The stage: all tiles, which of them is shown large, and where they stand. In a call of two one's own
 * picture is small in the corner of the other's; it can be hidden while somebody else is there. One's
 * own screen, which is before one's eyes already, is small beside it.
 */

import { byId } from '../lib/dom.js';
import { arrange, beside, extent, inset } from './layout.js';
import { Tile } from './tile.js';

/** @typedef {import('./layout.js').Box} Box */

const INVITATION_TOP = 16; // px below the edge of one's own picture

export class Stage {
  #box = byId('stage', HTMLElement);
  /** As large as all tiles take, which may be more than the stage. */
  #tilesBox = byId('tiles', HTMLElement);
  #alone = byId('alone', HTMLElement);
  /** In order of appearance. @type {Map<string, Tile>} */
  #tiles = new Map();
  /** @type {string | null} */
  #large = null;
  #isSelfHidden = false;

  /** @param {AbortSignal} signal ends it */
  constructor(signal) {
    const watcher = new ResizeObserver(() => this.#arrange());
    watcher.observe(this.#box);
    signal.addEventListener('abort', () => {
      watcher.disconnect();
      [...this.#tiles.keys()].forEach((key) => this.remove(key));
    });
  }

  /** @param {string} key */
  get(key) {
    return this.#tiles.get(key);
  }

  get all() {
    return [...this.#tiles.values()];
  }

  /** Whom one looks at: who is large, else the first with a picture; not oneself. */
  get seen() {
    const others = this.all.filter(({ kind, video }) => !kind.startsWith('self') && !video.hidden);
    return others.find((tile) => tile === this.#tiles.get(this.#large ?? '')) ?? others[0];
  }

  /**
   * @param {string} key
   * @param {ConstructorParameters<typeof Tile>[0]} kind
   */
  add(key, kind) {
    const tile = new Tile(kind, () => this.enlarge(this.#large === key ? null : key));
    this.#tilesBox.insertBefore(tile.element, this.#tiles.get('self')?.element ?? null);
    this.#tiles.set(key, tile);
    this.#selfLast();
    if (kind === 'screen') {
      this.enlarge(key);
    }
    this.#arrange();
    return tile;
  }

  #selfLast() {
    const self = this.#tiles.get('self');
    if (self) {
      this.#tiles.delete('self');
      this.#tiles.set('self', self);
    }
  }

  /** @param {string} key */
  remove(key) {
    this.#tiles.get(key)?.close();
    this.#tiles.delete(key);
    if (this.#large === key) {
      this.enlarge([...this.#tiles.keys()].find((other) => this.#tiles.get(other)?.kind === 'screen') ?? null);
    }
    this.#arrange();
  }

  /** @param {string | null} key null: all alike */
  enlarge(key) {
    this.#large = key;
    this.#tiles.forEach((tile, other) => tile.setLarge(other === key));
    this.#arrange();
  }

  /** @param {boolean} isHidden */
  hideSelf(isHidden) {
    this.#isSelfHidden = isHidden;
    this.#arrange();
  }

  /** @param {[string, Tile][]} shown @returns {[Box[], Tile | null]} where they stand, and the small one */
  #place(shown) {
    const { offsetWidth: width, offsetHeight: height } = this.#box; // with or without scrollbar
    const large = shown.findIndex(([key]) => key === this.#large);
    const isPair = shown.length === 2 && shown[0][1].kind === 'peer' && shown[1][0] === 'self';
    if (!isPair) {
      return [arrange(shown.length, large, width, height), null];
    }
    const boxes = inset(width, height);
    return large === 1 ? [boxes.reverse(), shown[0][1]] : [boxes, shown[1][1]];
  }

  #arrange() {
    const own = this.#tiles.get('self-screen');
    const people = this.#tiles.size - Number(Boolean(own));
    this.#alone.hidden = people !== 1;
    const isSelfHidden = this.#isSelfHidden && people > 1;
    this.#tiles.get('self')?.element.toggleAttribute('hidden', isSelfHidden);
    if (!this.#tiles.size || !this.#box.offsetWidth) {
      return;
    }
    // In the row below who is large, it is as small as all.
    const isBeside = own && !(this.#large && people > 2) && this.#large !== 'self-screen';
    const shown = [...this.#tiles].filter(([key, tile]) => !(key === 'self' && isSelfHidden) && !(isBeside && tile === own));
    const [boxes, small] = this.#place(shown);
    boxes.forEach((box, i) => put(shown[i][1], box, shown[i][1] === small));
    this.#makeRoom(extent(boxes));
    if (isBeside) {
      const at = shown.findIndex(([key]) => key === 'self');
      const isSmall = shown[at]?.[1] === small;
      put(own, beside(boxes[at] ?? null, isSmall, this.#box.offsetWidth, this.#box.offsetHeight), true);
    }
    this.#alone.style.top = `${boxes[0].y + INVITATION_TOP}px`;
  }

  /** What does not fit is scrolled; the large tile stays. @param {{ width: number, height: number }} all */
  #makeRoom({ width, height }) {
    const [isWide, isHigh] = [width > this.#box.offsetWidth, height > this.#box.offsetHeight];
    this.#box.dataset.scroll = isWide ? 'x' : isHigh ? 'y' : 'no';
    this.#tilesBox.style.width = isWide ? `${width}px` : '';
    this.#tilesBox.style.height = isHigh ? `${height}px` : '';
  }
}

/** @param {Tile} tile @param {Box} box @param {boolean} isInset above another one */
function put({ element }, { x, y, width, height }, isInset) {
  const { classList, style } = element;
  classList.toggle('inset', isInset);
  style.left = `${x}px`;
  style.top = `${y}px`;
  style.width = `${width}px`;
  style.height = `${height}px`;
}
