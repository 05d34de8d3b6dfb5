/*
 * How the server is, for an administrator: asks it each two seconds and draws what it says. Whatever comes
 * from it, also the names of rooms, reaches the page as text only.
 */

import { byId } from '../lib/dom.js';
import { addTexts, say, startLanguages } from '../lib/i18n.js';
import { forgetToken, keepToken, tokenOfPage } from '../lib/token.js';
import { Asking } from './asking.js';
import { Charts } from './charts.js';
import { Facts } from './facts.js';
import { History } from './history.js';
import { Largest } from './largest.js';
import { Reasons } from './reasons.js';
import * as texts from './texts.js';

/** @typedef {import('./history.js').Status} Status */
/** @typedef {import('./asking.js').Refusal} Refusal */

addTexts(texts);
startLanguages(byId('language', HTMLSelectElement));

const says = byId('status-says', HTMLElement);
const form = byId('status-form', HTMLFormElement);
const field = byId('status-token', HTMLInputElement);
const all = byId('status-all', HTMLElement);
const pause = byId('status-pause', HTMLButtonElement);
const forget = byId('status-forget', HTMLButtonElement);

const history = new History();
const parts = [
  new Facts(), new Charts(byId('status-charts', HTMLElement)), new Largest(),
  new Reasons(byId('status-reasons', HTMLElement)),
];
/** @type {Status | undefined} the last answer */
let last;
let lastAt = 0;
/** Where storage is forbidden, the token lives as long as the page. @type {string | undefined} */
let token = tokenOfPage();

function draw() {
  if (last) {
    const status = last;
    const span = history.span();
    parts.forEach((part) => part.show(span, history, status));
  }
}

/** @param {string} [key] nothing: all is well @param {import('../lib/i18n.js').Params} [params] */
function tell(key, params) {
  if (key) {
    say(says, key, params);
  } else {
    says.removeAttribute('data-i18n');
    says.textContent = '';
  }
}

/** What to do about it. @param {Refusal} refusal */
function tellRefusal({ code, message }) {
  switch (code) {
    case 'no-token': return tell('status.noToken');
    case 'bad-token': return tell('status.badToken', { message });
    case 'not-granted': return tell('status.notGranted');
    case 'not-found': return tell('status.notFound');
    default: return tell('status.refused', { code });
  }
}

const asking = new Asking({
  token: () => token,
  onStatus: (status) => {
    last = status;
    lastAt = Date.now();
    history.add(lastAt, status);
    all.hidden = false;
    form.hidden = true;
    forget.hidden = !token;
    tell();
    draw();
  },
  onRefusal: (refusal) => {
    tellRefusal(refusal);
    form.hidden = !refusal.final || refusal.code === 'not-found';
  },
  onSilence: () => tell(last ? 'status.gone' : 'status.never', { s: last ? Math.round((Date.now() - lastAt) / 1000) : 0 }),
});

/** @param {string | undefined} another */
function useToken(another) {
  token = another;
  asking.again();
}

form.addEventListener('submit', (event) => {
  const shown = field.value.trim();
  event.preventDefault();
  field.value = '';
  try {
    keepToken(shown);
  } catch {
    // See `token`.
  }
  useToken(shown);
});

forget.addEventListener('click', () => {
  try {
    forgetToken();
  } catch {
    // Then there is none.
  }
  location.reload();
});

pause.addEventListener('click', () => {
  const paused = pause.getAttribute('aria-pressed') !== 'true';
  pause.setAttribute('aria-pressed', String(paused));
  asking.pause(paused);
});

// A link with a token that is opened in this tab.
addEventListener('hashchange', () => useToken(tokenOfPage() ?? token));
// Numbers are written in the language that is shown.
new MutationObserver(draw).observe(document.documentElement, { attributeFilter: ['lang'] });
