/*
 * Numbers as the reader's language writes them.
 */

import { shownLanguage, t } from '../lib/i18n.js';

/** @param {number} n @param {number} [digits] behind the point at most */
export function count(n, digits = 0) {
  return new Intl.NumberFormat(shownLanguage(), { maximumFractionDigits: digits }).format(n);
}

/** Small ones are not rounded away. @param {number} n */
export function rate(n) {
  return count(n, n < 10 ? 1 : 0);
}

/** @param {number} n */
export function bytes(n) {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
  let unit = 0;
  for (; n >= 1000 && unit < units.length - 1; n /= 1024) unit++;
  return `${unit ? rate(n) : count(n)} ${units[unit]}`;
}

/** How many are in sight. @param {import('./chart.js').Span} span */
export function minutes({ window }) {
  return count(window / 60000);
}

/** @param {number} s seconds */
export function duration(s) {
  const [d, h, m] = [Math.floor(s / 86400), Math.floor(s / 3600) % 24, Math.floor(s / 60) % 60];
  if (d) return t('status.days', { d, h });
  return h ? t('status.hours', { h, m }) : t('status.minutes', { m, s: s % 60 });
}
