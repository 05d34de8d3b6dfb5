/*
 * The report: what a person sends to whoever runs the server. No DOM.
 */

/** @param {string} time @param {string[]} lines of the steps */
export function writeReport(time, lines) {
  return [
    `nakodo self-test, ${time}`,
    location.origin,
    navigator.userAgent,
    '',
    ...lines,
    '',
  ].join('\n');
}
