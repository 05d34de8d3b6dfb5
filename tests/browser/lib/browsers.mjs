// Debian's own Chromium and Firefox, with cameras that need no hardware and no question. The ICE
// settings let two pages meet even where the only network is loopback.
import puppeteer from 'puppeteer-core';

const START_MS = 60000; // on a machine that is busy

const CHROMIUM = [
  '--no-sandbox', // CI runs as root
  '--use-fake-device-for-media-stream=fps=10',
  '--allow-loopback-in-peer-connection',
  // The address bar's pages, two in each window, would take a sixth of the processor.
  '--disable-features=WebRtcHideLocalIpsWithMdns,WebUIOmniboxPopup,WebUIOmniboxAimPopup',
];
const GRANTED = '--use-fake-ui-for-media-stream';

const FIREFOX = {
  'media.navigator.streams.fake': true,
  'media.peerconnection.ice.loopback': true,
  'media.peerconnection.ice.obfuscate_host_addresses': false,
  'dom.ipc.processPrelaunch.enabled': false,
};
const GRANTED_FIREFOX = { 'media.navigator.permission.disabled': true };

/**
 * @param {object} [o]
 * @param {string[]} [o.args] instead of the granted camera, if given
 * @param {string} [o.language]
 * @param {boolean} [o.pipe] speak with it over a pipe, which works without any network
 */
export function launchChromium({ args = [GRANTED], language = 'en-US', pipe = false } = {}) {
  return puppeteer.launch({
    pipe,
    executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
    acceptInsecureCerts: true,
    timeout: START_MS,
    args: [...CHROMIUM, `--accept-lang=${language}`, ...args],
  });
}

/**
 * @param {object} [o]
 * @param {Record<string, unknown>} [o.prefs] instead of the granted camera, if given
 * @param {string} [o.language]
 */
export function launchFirefox({ prefs = GRANTED_FIREFOX, language = 'en-US' } = {}) {
  return puppeteer.launch({
    browser: 'firefox',
    executablePath: process.env.FIREFOX ?? '/usr/bin/firefox-esr',
    acceptInsecureCerts: true,
    timeout: START_MS,
    extraPrefsFirefox: { ...FIREFOX, 'intl.accept_languages': language, ...prefs },
  });
}
