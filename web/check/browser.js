/*
 * What the browser itself can do: is the page a secure context, is there WebRTC. No DOM.
 */

/** @typedef {import('./steps.js').Result} Result */

export const HAS_RTC = typeof RTCPeerConnection !== 'undefined';

/** @returns {Result} */
export function checkSecure() {
  const { origin } = location;
  return isSecureContext
    ? { mark: 'good', key: 'check.secure.good', params: { origin } }
    : { mark: 'bad', key: 'check.secure.bad', params: { origin }, advice: 'check.secure.advice' };
}

/** @param {string} kind */
function codecs(kind) {
  const known = globalThis.RTCRtpReceiver?.getCapabilities?.(kind)?.codecs ?? [];
  const names = known.map(({ mimeType }) => mimeType.split('/')[1]);
  const helpers = /^(rtx|red|ulpfec|flexfec-03|cn|telephone-event)$/i;
  return [...new Set(names)].filter((name) => !helpers.test(name)).join(', ');
}

/** @returns {Result} */
export function checkWebrtc() {
  if (!HAS_RTC) {
    return { mark: 'bad', key: 'check.webrtc.bad', advice: 'check.webrtc.advice' };
  }
  return {
    mark: 'good',
    key: 'check.webrtc.good',
    facts: [
      { key: 'check.webrtc.video', params: { codecs: codecs('video') } },
      { key: 'check.webrtc.audio', params: { codecs: codecs('audio') } },
    ],
  };
}
