/*
 * The dialog that brings others here: the link, its QR code, copying and sharing.
 */

import { byId } from '../lib/dom.js';
import { say, sayIn } from '../lib/i18n.js';
import { isLoopback, isPrivate, lanUrls, linkTo, showQr } from './address.js';
import { tokenOfPage } from '../lib/token.js';

const COPIED_MS = 2000;
const dialog = byId('invite', HTMLDialogElement);
const link = byId('invite-link', HTMLInputElement);
const copyButton = byId('invite-copy', HTMLButtonElement);
const shareButton = byId('invite-share', HTMLButtonElement);

async function copy() {
  try {
    await navigator.clipboard.writeText(link.value);
  } catch {
    // On plain http there is no clipboard, only this.
    link.select();
    document.execCommand('copy');
  }
  say(copyButton, 'invite.copied');
  setTimeout(() => say(copyButton, 'invite.copy'), COPIED_MS);
}

/** @param {string} room */
export async function openInvite(room) {
  const image = byId('invite-qr', HTMLImageElement);
  // A phone that is told `localhost` looks at itself.
  const [lan] = isLoopback ? await lanUrls() : [];
  link.value = linkTo(room, lan);
  say(byId('invite-who', HTMLElement), tokenOfPage() ? 'invite.needed' : 'invite.link');
  say(byId('invite-note', HTMLElement), isLoopback && !lan ? 'invite.local' : 'invite.lan');
  byId('invite-note', HTMLElement).hidden = !isPrivate;
  byId('invite-trust', HTMLElement).hidden = !isPrivate || !link.value.startsWith('https:');
  const isShown = !isLoopback || Boolean(lan);
  image.hidden = !isShown; // what stands below it does not move when it comes
  sayIn(image, 'alt', 'invite.qr');
  shareButton.hidden = !('share' in navigator);
  copyButton.onclick = copy;
  shareButton.onclick = () => navigator.share({ url: link.value }).catch(() => {}); // given up
  dialog.showModal();
  copyButton.focus();
  if (isShown) {
    await showQr(image, link.value);
  }
}
