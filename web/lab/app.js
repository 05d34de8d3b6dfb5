/*
 * The lab: its language and its tabs. All modules are here when the page is, and so are the ICE
 * servers: the tabs that need no server go on when it is stopped.
 */

import { byId } from '../lib/dom.js';
import { addTexts, startLanguages } from '../lib/i18n.js';
import { ManualTab } from './manual-tab.js';
import { RawTab } from './raw-tab.js';
import { SignalingTab } from './signaling-tab.js';
import { startTabs } from './tabs.js';
import * as texts from './texts.js';
import { TwoTab } from './two-tab.js';

/** @returns {Promise<RTCIceServer[]>} */
async function loadIceServers() {
  try {
    const answer = await fetch('ice.json');
    return answer.ok ? (await answer.json()).iceServers : [];
  } catch {
    return []; // From disk or from another web server: then only the local network is tried.
  }
}

addTexts(texts);
startLanguages(byId('language', HTMLSelectElement));
const iceServers = loadIceServers();
startTabs({
  signaling: () => new SignalingTab(iceServers),
  manual: () => new ManualTab(iceServers),
  two: () => new TwoTab(),
  raw: () => new RawTab(),
});
