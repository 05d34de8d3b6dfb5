/*
 * The page about trusting this server: one of its two languages, the reader's system first, and what
 * the server says about itself. It runs without TLS, so it uses nothing that needs a secure context,
 * and what it shows could come from anybody: the reader compares it with the server's terminal.
 */

import { systemOf } from './system.js';

const REMEMBERED = 'nakodo.language';

/** @returns {HTMLElement[]} */
function all(/** @type {string} */ selector) {
  return [...document.querySelectorAll(selector)].filter((e) => e instanceof HTMLElement);
}

/** The choice made earlier on any of our pages, else the browser's. */
function wantedLanguage() {
  try {
    const remembered = localStorage.getItem(REMEMBERED);
    if (remembered === 'en' || remembered === 'ja') {
      return remembered;
    }
  } catch {
    // Storage can be forbidden; then the browser's language decides each time.
  }
  const tags = navigator.languages.map((tag) => tag.toLowerCase().split('-')[0]);
  return tags.find((tag) => tag === 'en' || tag === 'ja') ?? 'en';
}

const select = all('#language').find((e) => e instanceof HTMLSelectElement);

function show(/** @type {string} */ language) {
  document.documentElement.lang = language;
  all('#language-label').forEach((label) => { label.textContent = language === 'ja' ? '言語' : 'Language'; });
  for (const main of all('main')) {
    main.hidden = main.lang !== language;
    if (!main.hidden) {
      document.title = main.dataset.title ?? '';
    }
  }
  if (select) {
    select.value = language;
  }
}

function choose(/** @type {string} */ language) {
  show(language);
  try {
    localStorage.setItem(REMEMBERED, language);
  } catch {
    // See wantedLanguage().
  }
}

/** The reader's own system stands first, and open. */
function openOwn() {
  for (const section of all(`details[data-system="${systemOf(navigator)}"]`)) {
    section.setAttribute('open', '');
    section.parentElement?.prepend(section);
  }
}

async function tell() {
  const answer = await fetch('/trust.json');
  const { fingerprint, tls, urls } = await answer.json();
  const url = tls ? `https://${location.host}/` : urls[0];

  for (const place of all('[data-fill="fingerprint"]')) {
    // A line ends between two bytes.
    const bytes = fingerprint?.match(/[^:]+:?/g) ?? [];
    place.replaceChildren(...bytes.flatMap((/** @type {string} */ byte) => [byte, document.createElement('wbr')]));
  }
  for (const link of document.querySelectorAll('a[data-fill="secure"]')) {
    if (link instanceof HTMLAnchorElement && url) {
      link.href = url;
      link.textContent = url;
    }
  }
  for (const part of all('[data-when]')) {
    const has = { authority: fingerprint !== null, none: fingerprint === null, url: Boolean(url) };
    part.hidden = !has[/** @type {keyof typeof has} */ (part.dataset.when)];
  }
}

show(wantedLanguage());
openOwn();
select?.addEventListener('change', () => choose(select.value));
tell().catch(() => {
  // The server has gone; the page says what it can without it.
});
