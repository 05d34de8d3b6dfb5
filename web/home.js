/*
 * The first page: its language, and the terminal command for the server that it came from.
 */

import { byId } from './lab/dom.js';
import { startLanguages } from './lab/i18n.js';

startLanguages(byId('language', HTMLSelectElement));
if (location.host) {
  // --no-check: a certificate that nakodo made for itself is known to nobody.
  const command = location.protocol === 'https:' ? 'wscat --no-check -c wss:' : 'wscat -c ws:';
  byId('wscat', HTMLElement).textContent = `${command}//${location.host}/`;
}
