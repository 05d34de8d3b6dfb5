/*
 * Which of the page's systems the reader most likely sits at.
 */

/** @typedef {'android' | 'ios' | 'macos' | 'windows' | 'firefox' | 'linux'} System */

/**
 * @param {Pick<Navigator, 'userAgent' | 'maxTouchPoints'>} navigator
 * @returns {System | null} null: none of them
 */
export function systemOf({ userAgent, maxTouchPoints }) {
  if (/Android/.test(userAgent)) {
    return 'android';
  }
  // An iPad says that it is a Mac, but no Mac can be touched.
  if (/iPhone|iPad|iPod/.test(userAgent) || (/Macintosh/.test(userAgent) && maxTouchPoints > 1)) {
    return 'ios';
  }
  // Elsewhere Firefox has a list of its own and does not ask the system's.
  if (/Firefox\//.test(userAgent)) {
    return 'firefox';
  }
  if (/Macintosh/.test(userAgent)) {
    return 'macos';
  }
  if (/Windows/.test(userAgent)) {
    return 'windows';
  }
  return /Linux|X11|CrOS/.test(userAgent) ? 'linux' : null;
}
