/*
 * Asking for camera and microphone, and what to tell the reader when they do not come. No DOM.
 * Whatever happens the page goes on, with what it got or with nothing.
 */

/** @typedef {import('./choices.js').Device} Device */
/** @typedef {'mic' | 'cam'} Kind */
/** @typedef {{ facing: string }} Side of a phone, as VideoFacingModeEnum has it */
/** @typedef {Partial<Record<Kind, Device | Side | null>>} Wanted which kinds, and which device of each */
/**
 * Why there is nothing: a sentence and the way out of it.
 * @typedef {{ key: string, action: 'again' | 'https' | 'without' | 'check', error: string }} Problem
 */
/** What the reader should know although it goes on. @typedef {{ key: string, error: string }} Note */
/** @typedef {{ mic?: MediaStreamTrack, cam?: MediaStreamTrack, problem?: Problem, note?: Note }} Got */

export const SMALL = 360; // lines
const MIC = { echoCancellation: true, noiseSuppression: true, autoGainControl: true };

/** @type {Record<string, string>} by the name of the error */
const PROBLEMS = {
  NotAllowedError: 'problem.refused',
  NotFoundError: 'problem.missing',
  NotReadableError: 'problem.busy',
};

/** @param {unknown} error */
function describe(error) {
  const { name, message } = error instanceof Error || error instanceof DOMException
    ? error : { name: 'Error', message: String(error) };
  return { name, text: message ? `${name}: ${message}` : name };
}

/** What is known before asking: there is no way to a camera here. @returns {Problem | null} */
export function knownProblem() {
  if (typeof RTCPeerConnection === 'undefined') {
    return { key: 'problem.noRtc', action: 'check', error: 'RTCPeerConnection is undefined' };
  }
  if (!navigator.mediaDevices) {
    return isSecureContext
      ? { key: 'problem.failed', action: 'check', error: 'navigator.mediaDevices is undefined' }
      : { key: 'problem.insecure', action: 'https', error: 'isSecureContext is false' };
  }
  return null;
}

/** What to ask of a camera. @param {number} lines */
export function sizeOf(lines) {
  return { width: { ideal: (lines * 16) / 9 }, height: { ideal: lines }, frameRate: { ideal: 24 } };
}

/** @param {Device | Side | null | undefined} device @returns {MediaTrackConstraints} */
function which(device) {
  if (!device) {
    return {};
  }
  return 'facing' in device ? { facingMode: device.facing } : { deviceId: { exact: device.id } };
}

/** @param {Wanted} wanted */
async function ask(wanted) {
  const stream = await navigator.mediaDevices.getUserMedia({
    ...('cam' in wanted && { video: { ...sizeOf(SMALL), ...which(wanted.cam) } }),
    ...('mic' in wanted && { audio: { ...MIC, ...which(wanted.mic) } }),
  });
  const [mic] = stream.getAudioTracks();
  const [cam] = stream.getVideoTracks();
  return { ...(mic && { mic }), ...(cam && { cam }) };
}

/** @param {Wanted} wanted @returns {Wanted} the same kinds, of whatever device */
function anyOf(wanted) {
  return Object.fromEntries(Object.keys(wanted).map((kind) => [kind, null]));
}

/** @param {Wanted} wanted @param {unknown} error why both did not come @returns {Promise<Got>} */
async function askLess(wanted, error) {
  const { name, text } = describe(error);
  if ('cam' in wanted && 'mic' in wanted) {
    for (const [only, key] of [['cam', 'note.noMic'], ['mic', 'note.noCam']]) {
      try {
        return { ...await ask({ [only]: wanted[/** @type {Kind} */ (only)] }), note: { key, error: text } };
      } catch {
        // The first error, about both, says more.
      }
    }
  }
  return { problem: { key: PROBLEMS[name] ?? 'problem.failed', action: 'again', error: text } };
}

/**
 * Both in one question (two questions confuse phones), else the camera alone, else the microphone
 * alone, else a problem.
 * @param {Wanted} wanted
 * @returns {Promise<Got>}
 */
export async function openMedia(wanted) {
  const known = knownProblem();
  if (known) {
    return { problem: known };
  }
  try {
    return await ask(wanted);
  } catch (error) {
    const { name, text } = describe(error);
    if (name === 'OverconstrainedError' && (wanted.mic || wanted.cam)) {
      const got = await openMedia(anyOf(wanted));
      return got.problem ? got : { ...got, note: { key: 'note.otherDevice', error: text } };
    }
    // A no is a no: asking again for less would nag.
    return name === 'NotAllowedError'
      ? { problem: { key: PROBLEMS[name], action: 'again', error: text } }
      : askLess(wanted, error);
  }
}
