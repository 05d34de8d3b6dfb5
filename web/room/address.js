/*
 * Which room an address means, and which addresses mean a room. Rules for names: nakodo.v1.
 */

import { tokenOfPage } from '../lib/token.js';

const SYLLABLES = 'ka ki ku ko sa su se so ta te to na ni no ha hi ho ma mi mo ya yu yo ra ri ro'.split(' ');

/** @param {number} below */
function random(below) {
  // crypto.getRandomValues is there on plain http too.
  return crypto.getRandomValues(new Uint32Array(1))[0] % below;
}

/** A name to say on the telephone, too long to be guessed: kasimo-tanoyu-4821 */
export function randomName() {
  const word = () => Array.from({ length: 3 }, () => SYLLABLES[random(SYLLABLES.length)]).join('');
  return `${word()}-${word()}-${1000 + random(9000)}`;
}

/** @param {string} name */
export function isRoomName(name) {
  const bytes = new TextEncoder().encode(name).length;
  // No URL can say `.` and `..`; half of a surrogate pair has no UTF-8.
  return bytes >= 1 && bytes <= 128 && !/[/\p{Cc}\p{Cs}]|^\.\.?$/u.test(name);
}

/** The room that this page was opened for, if any. */
export function roomOfPage() {
  const [, encoded] = /^\/r\/([^/]+)\/?$/.exec(location.pathname) ?? [];
  if (!encoded) {
    return null;
  }
  try {
    const name = decodeURIComponent(encoded);
    return isRoomName(name) ? name : null;
  } catch {
    return null; // a broken percent sign
  }
}

/** @param {string} room @param {string} [base] */
export function linkTo(room, base = location.origin) {
  return new URL(`/r/${encodeURIComponent(room)}`, base).href;
}

/** Only this machine understands this page's host. */
export const isLoopback = /^(localhost|.*\.localhost|127\.[\d.]+|\[::1\])$/.test(location.hostname);

/** Only the same network understands it. */
export const isPrivate = isLoopback
  || /^(10\.|192\.168\.|172\.(1[6-9]|2\d|3[01])\.|169\.254\.|\[f[cde]|[^.]+$|.*\.local$)/.test(location.hostname);

/** @type {Promise<string[]> | null} */
let asked = null;

/** The https addresses of this server in the local network; none if it does not say. */
export function lanUrls() {
  asked ??= fetch('/lan.json')
    .then((answer) => (answer.ok ? answer.json() : { urls: [] }))
    .then(({ urls }) => urls.filter((/** @type {unknown} */ url) => typeof url === 'string'))
    .catch(() => []);
  return asked;
}

/** Where the same page has a secure context; null if the server has no https. */
export async function httpsUrl() {
  const urls = await lanUrls();
  const same = urls.find((url) => new URL(url).hostname === location.hostname);
  const base = same ?? urls[0];
  const token = tokenOfPage();
  const hash = token ? `#${new URLSearchParams({ t: token })}` : location.hash;
  return base ? new URL(location.pathname + location.search + hash, base).href : null;
}

/**
 * Show the QR code of an address, if the server draws one.
 * @param {HTMLImageElement} image
 * @param {string} text
 */
export async function showQr(image, text) {
  const source = `/qr.svg?text=${encodeURIComponent(text)}`;
  // An image that fails would be an error on the page; a server without QR codes is none.
  const answer = await fetch(source).catch(() => null);
  image.hidden = !answer?.ok;
  if (answer?.ok) {
    image.src = source;
  }
  return !image.hidden;
}
