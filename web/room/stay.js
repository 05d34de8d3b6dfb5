/*
 * A stay in a room outlives a reload of the page: what was on as it went, and nothing else, is on again.
 * Whoever comes by a link, or comes back later, sees the screen before the room.
 */

/** @typedef {{ room: string, mic: boolean, cam: boolean }} Stay */

const KEY = 'nakodo.stay';

/** The page goes, perhaps for good. @param {Stay} stay */
export function keepStay(stay) {
  try {
    sessionStorage.setItem(KEY, JSON.stringify(stay));
  } catch {
    // Forbidden: a reload asks again.
  }
}

/** What was kept, if this page is the reload of that one. @param {string} room @returns {Stay | null} */
export function takeStay(room) {
  try {
    const stay = JSON.parse(sessionStorage.getItem(KEY) ?? 'null');
    sessionStorage.removeItem(KEY);
    const [navigation] = performance.getEntriesByType('navigation');
    const isReload = /** @type {PerformanceNavigationTiming} */ (navigation)?.type === 'reload';
    return isReload && stay?.room === room ? stay : null;
  } catch {
    return null;
  }
}
