/*
 * A problem with camera and microphone, in place of the preview: one sentence, one way out, and the
 * error's name for whoever wants to know.
 */

import { byId } from '../lib/dom.js';
import { say } from '../lib/i18n.js';
import { httpsUrl } from './address.js';

/** @typedef {import('./media.js').Problem} Problem */

const box = byId('problem', HTMLElement);
const text = byId('problem-text', HTMLElement);
const link = byId('problem-link', HTMLAnchorElement);
const button = byId('problem-button', HTMLButtonElement);
const details = byId('problem-details', HTMLDetailsElement);
const name = byId('problem-name', HTMLElement);

/** @type {Problem | null} */
let shown = null;

/** @param {Problem} problem */
async function linkOf({ action }) {
  const target = action === 'https' ? await httpsUrl() : '/check.html';
  if (shown?.action !== action) {
    return;
  }
  link.hidden = !target;
  if (target) {
    link.href = target;
    say(link, action === 'https' ? 'problem.openHttps' : 'home.check');
  }
}

/**
 * @param {Problem | null} problem
 * @param {(action: Problem['action']) => void} act when the button is pressed
 */
export function showProblem(problem, act) {
  if (problem?.key === shown?.key && problem?.error === shown?.error) {
    return;
  }
  shown = problem;
  box.hidden = !problem;
  if (!problem) {
    return;
  }
  const isLink = problem.action === 'https' || problem.action === 'check';
  say(text, problem.key);
  name.textContent = problem.error;
  details.open = false;
  link.hidden = true;
  button.hidden = isLink;
  if (isLink) {
    linkOf(problem);
  } else {
    say(button, problem.action === 'again' ? 'problem.again' : 'problem.without');
    button.onclick = () => act(problem.action);
  }
}
