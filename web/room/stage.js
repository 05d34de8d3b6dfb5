/*
 * The stage: all tiles, which of them is shown large, and where they stand.
 */

import { byId } from '../lib/dom.js';
import { arrange } from './layout.js';
import { Tile } from './tile.js';

export class Stage {
  #box = byId('stage', HTMLElement);
  #alone = byId('alone', HTMLElement);
  /** In order of appearance. @type {Map<string, Tile>} */
  #tiles = new Map();
  /** @type {string | null} */
  #large = null;

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

  /**
   * @param {string} key
   * @param {ConstructorParameters<typeof Tile>[0]} kind
   */
  add(key, kind) {
    const tile = new Tile(kind, () => this.enlarge(this.#large === key ? null : key));
    this.#box.insertBefore(tile.element, this.#tiles.get('self')?.element ?? null);
    this.#tiles.set(key, tile);
    this.#selfLast();
    // One's own screen is before one's eyes already.
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
      this.enlarge([...this.#tiles.keys()].find((other) => this.#tiles.get(other)?.isScreen) ?? null);
    }
    this.#arrange();
  }

  /** @param {string | null} key null: all alike */
  enlarge(key) {
    this.#large = key;
    this.#tiles.forEach((tile, other) => tile.setLarge(other === key));
    this.#arrange();
  }

  #arrange() {
    this.#alone.hidden = this.#tiles.size !== 1;
    const { clientWidth, clientHeight } = this.#box;
    if (!this.#tiles.size || !clientWidth) {
      return;
    }
    const keys = [...this.#tiles.keys()];
    const boxes = arrange(keys.length, keys.indexOf(this.#large ?? ''), clientWidth, clientHeight);
    boxes.forEach(({ x, y, width, height }, i) => {
      const { style } = /** @type {Tile} */ (this.#tiles.get(keys[i])).element;
      style.left = `${x}px`;
      style.top = `${y}px`;
      style.width = `${width}px`;
      style.height = `${height}px`;
    });
  }
}
