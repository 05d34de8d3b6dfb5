/*
 * Camera and microphone: asking for them, and what to tell the reader when they do not come. No
 * DOM. Whatever happens the page goes on, with what it got or with nothing.
 */

/** @typedef {import('../lib/i18n.js').Key} Key */
/** @typedef {{ key: Key, params?: Record<string, string> }} Problem a sentence for the reader */
/** @typedef {{ stream: MediaStream | null, problem: Problem | null }} Media */

const VIDEO = { width: { ideal: 640 }, height: { ideal: 360 }, frameRate: { ideal: 24 } };
const AUDIO = { echoCancellation: true, noiseSuppression: true, autoGainControl: true };

/** @type {Record<string, Key>} */
const PROBLEMS = {
  NotAllowedError: 'media.refused',
  NotFoundError: 'media.missing',
  NotReadableError: 'media.busy',
};

/** @param {unknown} error */
function nameOf(error) {
  return error instanceof Error || error instanceof DOMException ? error.name : String(error);
}

/** @param {Key} key @param {MediaStreamConstraints} constraints @param {string} name */
async function openOne(key, constraints, name) {
  try {
    const stream = await navigator.mediaDevices.getUserMedia(constraints);
    return { stream, problem: { key, params: { name } } };
  } catch {
    return null; // The first error, about both, says more.
  }
}

/**
 * Both, else the camera alone, else the microphone alone, else nothing.
 * @returns {Promise<Media>}
 */
export async function openMedia() {
  // Not there at all on plain http; the page says so when it opens.
  if (!navigator.mediaDevices) {
    return { stream: null, problem: null };
  }
  try {
    const both = { video: VIDEO, audio: AUDIO };
    return { stream: await navigator.mediaDevices.getUserMedia(both), problem: null };
  } catch (error) {
    const name = nameOf(error);
    const problem = { key: PROBLEMS[name] ?? 'media.failed', params: { name } };
    const nothing = { stream: null, problem };
    // A no is a no: asking again for less would nag.
    if (name === 'NotAllowedError') {
      return nothing;
    }
    return (await openOne('media.videoOnly', { video: VIDEO }, name))
      ?? (await openOne('media.audioOnly', { audio: AUDIO }, name))
      ?? nothing;
  }
}
