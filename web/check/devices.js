/*
 * Microphone and camera. Asked for at once, since some phones ask only for the first of two
 * questions; each by itself when that fails. No DOM.
 */

/** @typedef {import('./steps.js').Found} Found */
/** @typedef {import('./steps.js').Result} Result */
/** @typedef {'audio' | 'video'} Kind */

const ASKING_MS = 8000; // so long may the browser's question stay unanswered without a word

/** What went wrong, by the name of the error. @type {Record<string, string>} */
const REASONS = {
  NotAllowedError: 'refused',
  NotFoundError: 'missing',
  NotReadableError: 'busy',
};

/** @type {Map<Kind, string>} the error's name, if there was one */
const errors = new Map();

/** @param {MediaStreamConstraints} constraints */
async function open(constraints) {
  try {
    return { stream: await navigator.mediaDevices.getUserMedia(constraints), name: '' };
  } catch (error) {
    return { stream: null, name: error instanceof Error ? error.name : String(error) };
  }
}

/** @param {Found} found */
async function openBoth(found) {
  errors.clear();
  const asking = setTimeout(() => found.tell('check.device.asking'), ASKING_MS);
  const both = await open({ audio: true, video: true });
  if (both.stream) {
    found.stream = both.stream;
  } else {
    found.stream = new MediaStream();
    for (const kind of /** @type {Kind[]} */ (['audio', 'video'])) {
      // A no is a no: asking again would nag.
      const one = both.name === 'NotAllowedError' ? both : await open({ [kind]: true });
      one.stream?.getTracks().forEach((track) => found.stream?.addTrack(track));
      errors.set(kind, one.name);
    }
  }
  clearTimeout(asking);
}

/** @param {Found} found @param {Kind} kind @returns {Promise<Result>} */
async function check(found, kind) {
  if (!navigator.mediaDevices) {
    return { mark: 'skip', key: 'check.device.insecure' };
  }
  if (!found.stream) {
    await openBoth(found);
  }
  const track = found.stream?.getTracks().find((one) => one.kind === kind);
  if (!track) {
    const name = errors.get(kind) ?? '';
    const reason = REASONS[name] ?? 'failed';
    return {
      mark: 'bad',
      key: `check.device.${reason}`,
      params: { name },
      advice: `check.device.${reason}Advice`,
    };
  }
  const { width, height } = track.getSettings();
  return {
    mark: track.muted ? 'warn' : 'good',
    key: track.muted ? 'check.device.muted' : 'check.device.good',
    params: { label: track.label },
    facts: width ? [{ key: 'check.device.size', params: { width, height: height ?? 0 } }] : [],
  };
}

/** @param {Found} found */
export function checkMicrophone(found) {
  return check(found, 'audio');
}

/** @param {Found} found */
export function checkCamera(found) {
  return check(found, 'video');
}
