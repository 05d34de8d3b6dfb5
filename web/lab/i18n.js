/*
 * The two languages of the pages: which one is shown, remembering the choice, and keeping what is
 * on the screen in step when it changes. An element owns its text by data-i18n (the key) and
 * data-i18n-params (JSON), so a change of language is one walk over the document.
 */

import { en, ja } from './texts.js';

/** @typedef {keyof typeof en} Key */
/** @typedef {Record<string, string | number>} Params */

const TABLES = { en, ja };
const REMEMBERED = 'nakodo.language';
/** @type {['placeholder', 'aria-label', 'title']} */
const ATTRIBUTES = ['placeholder', 'aria-label', 'title'];

/** @type {'en' | 'ja'} */
let language = 'en';

/** @param {string | null | undefined} tag @returns {tag is 'en' | 'ja'} */
function isLanguage(tag) {
  return tag === 'en' || tag === 'ja';
}

/** The choice made earlier, else the first of the browser's languages that we have. */
function wanted() {
  let remembered = null;
  try {
    remembered = localStorage.getItem(REMEMBERED);
  } catch {
    // Storage can be forbidden; then the browser's language decides each time.
  }
  const tags = navigator.languages.map((tag) => tag.toLowerCase().split('-')[0]);
  return isLanguage(remembered) ? remembered : (tags.find(isLanguage) ?? 'en');
}

/**
 * The sentence of that key in the language shown.
 * @param {Key} key
 * @param {Params} [params]
 */
export function t(key, params = {}) {
  return TABLES[language][key].replace(/\{(\w+)\}/g, (_, name) => String(params[name] ?? ''));
}

/**
 * Make the element show that sentence, now and after a change of language.
 * @param {Element} element
 * @param {Key} key
 * @param {Params} [params]
 */
export function say(element, key, params) {
  element.setAttribute('data-i18n', key);
  if (params) {
    element.setAttribute('data-i18n-params', JSON.stringify(params));
  } else {
    element.removeAttribute('data-i18n-params');
  }
  element.textContent = t(key, params);
}

/**
 * The same for an attribute that is read or shown.
 * @param {Element} element
 * @param {'placeholder' | 'aria-label' | 'title'} attribute
 * @param {Key} key
 */
export function sayIn(element, attribute, key) {
  element.setAttribute(`data-i18n-${attribute}`, key);
  element.setAttribute(attribute, t(key));
}

/** Write all texts of the document in the language shown. */
function render() {
  document.documentElement.lang = language;
  for (const element of document.querySelectorAll('[data-i18n]')) {
    const params = JSON.parse(element.getAttribute('data-i18n-params') ?? '{}');
    element.textContent = t(/** @type {Key} */ (element.getAttribute('data-i18n')), params);
  }
  for (const name of ATTRIBUTES) {
    for (const element of document.querySelectorAll(`[data-i18n-${name}]`)) {
      sayIn(element, name, /** @type {Key} */ (element.getAttribute(`data-i18n-${name}`)));
    }
  }
}

/**
 * Show the page in the reader's language and let the select change it.
 * @param {HTMLSelectElement} select with the options en and ja
 */
export function startLanguages(select) {
  language = wanted();
  select.value = language;
  render();
  select.addEventListener('change', () => {
    if (isLanguage(select.value)) {
      language = select.value;
      render();
      try {
        localStorage.setItem(REMEMBERED, language);
      } catch {
        // See wanted().
      }
    }
  });
}
