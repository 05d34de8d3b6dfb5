/*
 * The table of the largest rooms.
 */

import { byId, make } from '../lib/dom.js';
import { plainText } from '../lib/foreign.js';
import { count } from './numbers.js';

/** @typedef {import('./history.js').Status} Status */

export class Largest {
  #table = byId('status-largest', HTMLTableElement);
  #unnamed = byId('status-unnamed', HTMLElement);
  #none = byId('status-no-rooms', HTMLElement);

  /** @param {unknown} _span @param {unknown} _history @param {Status} status */
  show(_span, _history, { largest, named }) {
    this.#table.hidden = !largest.length;
    this.#none.hidden = largest.length > 0;
    this.#unnamed.hidden = named || !largest.length;
    this.#table.tBodies[0].replaceChildren(...largest.map(({ mount, room, members }) => {
      const row = make('tr');
      const name = make('th');
      name.scope = 'row';
      name.append(make('bdi', '', room === undefined ? '–' : plainText(room)));
      const place = make('td');
      place.append(make('code', '', mount));
      row.append(name, place, make('td', 'number', count(members)));
      return row;
    }));
  }
}
