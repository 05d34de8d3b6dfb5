/*
 * The first page: a room's name, and the way there.
 */

import { byId } from '../lib/dom.js';
import { isLoopback, isRoomName, lanUrls, linkTo, randomName, showQr } from './address.js';

/** Offer to open this page on a phone, which needs an address that it can reach. */
async function offerPhone() {
  const figure = byId('home-phone', HTMLElement);
  const base = isLoopback ? (await lanUrls())[0] : location.origin;
  const image = figure.querySelector('img');
  if (base && image && await showQr(image, base)) {
    const code = figure.querySelector('code');
    code?.replaceChildren(new URL(base).host);
    figure.hidden = false;
  }
}

/** A server that asks for tokens lets in nobody who comes from here. */
async function tellInvited() {
  const answer = await fetch(`/v1/${randomName()}/peers`).catch(() => null);
  byId('home-invited', HTMLElement).hidden = answer?.status !== 401;
}

export function startHome() {
  const room = byId('home-room', HTMLInputElement);
  const error = byId('home-error', HTMLElement);
  byId('home', HTMLElement).hidden = false;
  room.value = randomName();
  room.focus({ preventScroll: true });
  byId('home-new', HTMLElement).addEventListener('click', () => {
    room.value = randomName();
    error.hidden = true;
    room.focus();
  });
  byId('home-form', HTMLFormElement).addEventListener('submit', (event) => {
    event.preventDefault();
    const name = room.value.trim();
    error.hidden = isRoomName(name);
    room.setAttribute('aria-invalid', String(!error.hidden));
    if (error.hidden) {
      location.assign(linkTo(name));
    }
  });
  offerPhone();
  tellInvited();
}
