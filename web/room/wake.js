/*
 * Keeps the screen awake while there is something to look at, where the browser allows it.
 */

/** @param {AbortSignal} signal ends it */
export function stayAwake(signal) {
  /** @type {WakeLockSentinel | null} */
  let lock = null;
  // The browser takes it back from a page that is not seen.
  const ask = async () => {
    if (!document.hidden && !signal.aborted && 'wakeLock' in navigator) {
      lock = await navigator.wakeLock.request('screen').catch(() => null);
    }
    if (signal.aborted) {
      lock?.release();
    }
  };
  document.addEventListener('visibilitychange', ask, { signal });
  signal.addEventListener('abort', () => lock?.release());
  ask();
}
