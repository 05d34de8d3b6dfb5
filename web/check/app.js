/*
 * The self-test: runs one step after the other, each with what those before have found, and makes
 * a report of it.
 */

import { copyOnClick } from '../lab/copy.js';
import { byId } from '../lib/dom.js';
import { addTexts, say, startLanguages } from '../lib/i18n.js';
import { StepList } from './list.js';
import { writeReport } from './report.js';
import { STEPS } from './steps.js';
import * as texts from './texts.js';

/** @typedef {import('./steps.js').Found} Found */

addTexts(texts);
startLanguages(byId('language', HTMLSelectElement));

const start = byId('check-start', HTMLButtonElement);
const status = byId('check-status', HTMLElement);
const report = byId('check-report', HTMLElement);
const text = byId('check-text', HTMLTextAreaElement);
const list = new StepList(byId('check-steps', HTMLOListElement), STEPS.map(({ name }) => name));

let doneAt = '';

function showReport() {
  text.value = writeReport(doneAt, list.lines());
}

/** @param {Found} found */
async function runSteps(found) {
  for (const { name, run } of STEPS) {
    list.begin(name);
    found.tell = (key, params) => list.tell(name, key, params);
    try {
      list.end(name, await run(found));
    } catch (error) {
      list.end(name, { mark: 'bad', key: 'check.broken', params: { error: String(error) } });
    }
  }
}

start.addEventListener('click', async () => {
  /** @type {Found} */
  const found = { iceServers: [], usable: [], stream: null, pair: null, tell: () => {} };
  start.disabled = true;
  report.hidden = true;
  list.reset();
  say(status, 'check.running');
  await runSteps(found);
  found.pair?.close();
  found.stream?.getTracks().forEach((track) => track.stop());
  doneAt = new Date().toISOString();
  showReport();
  report.hidden = false;
  start.disabled = false;
  say(start, 'check.again');
  const { bad, warned } = list;
  say(status, bad ? 'check.doneBad' : warned ? 'check.doneWarn' : 'check.doneGood', { n: bad || warned });
});

copyOnClick(byId('check-copy', HTMLButtonElement), text, () => say(status, 'check.noCopy'));
// The report is written in the language that is shown.
new MutationObserver(showReport).observe(document.documentElement, { attributeFilter: ['lang'] });
