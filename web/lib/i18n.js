/*
 * The two languages of the pages: which one is shown, remembering the choice, and keeping what is
 * on the screen in step when it changes. Each page brings its sentences with addTexts(). An element
 * owns its text by data-i18n (the key) and data-i18n-params (JSON), so a change of language is one
 * walk over the document.
 */

import { insert } from './foreign.js';

/** @typedef {string} Key tests/source/check_texts.mjs sees to it that each is in both tables */
/** @typedef {Record<string, string | number>} Params */
/** @typedef {Record<Key, string>} Table */
/** @typedef {'en' | 'ja'} Language */
/** @typedef {'placeholder' | 'aria-label' | 'title' | 'alt'} Attribute that is read out or shown */

const REMEMBERED = 'nakodo.language';
/** @type {Attribute[]} */
const ATTRIBUTES = ['placeholder', 'aria-label', 'title', 'alt'];

/** What every page has. @type {Record<Language, Table>} */
const tables = { en: { language: 'Language' }, ja: { language: '言語' } };

/** @type {Language} */
let language = 'en';

/** @param {string | null | undefined} tag @returns {tag is Language} */
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
 * Add the sentences of a page, or of a part that is loaded later. {name} is filled in by t(), as
 * what a stranger may have written.
 * @param {Record<Language, Table>} texts
 */
export function addTexts({ en, ja }) {
  Object.assign(tables.en, en);
  Object.assign(tables.ja, ja);
}

/** The language shown, as `Intl` takes it. */
export function shownLanguage() {
  return language;
}

/**
 * The sentence of that key in the language shown.
 * @param {Key} key
 * @param {Params} [params]
 */
export function t(key, params = {}) {
  const text = tables[language][key] ?? key;
  return text.replace(/\{(\w+)\}/g, (_, name) => insert(String(params[name] ?? '')));
}

/** @param {Element} element @param {string} attribute @param {Params} [params] */
function keepParams(element, attribute, params) {
  if (params) {
    element.setAttribute(attribute, JSON.stringify(params));
  } else {
    element.removeAttribute(attribute);
  }
}

/**
 * Make the element show that sentence, now and after a change of language.
 * @param {Element} element
 * @param {Key} key
 * @param {Params} [params]
 */
export function say(element, key, params) {
  element.setAttribute('data-i18n', key);
  keepParams(element, 'data-i18n-params', params);
  const text = t(key, params);
  // Written anew it would be read out again.
  if (element.textContent !== text) {
    element.textContent = text;
  }
}

/**
 * The same for an attribute.
 * @param {Element} element
 * @param {Attribute} attribute
 * @param {Key} key
 * @param {Params} [params]
 */
export function sayIn(element, attribute, key, params) {
  element.setAttribute(`data-i18n-${attribute}`, key);
  keepParams(element, `data-i18n-${attribute}-params`, params);
  element.setAttribute(attribute, t(key, params));
}

/** Write all texts of the document in the language shown. */
function render() {
  document.documentElement.lang = language;
  for (const element of document.querySelectorAll('[data-i18n]')) {
    const params = element.getAttribute('data-i18n-params');
    const text = t(element.getAttribute('data-i18n') ?? '', params ? JSON.parse(params) : {});
    element.textContent = text;
  }
  for (const name of ATTRIBUTES) {
    for (const element of document.querySelectorAll(`[data-i18n-${name}]`)) {
      const params = element.getAttribute(`data-i18n-${name}-params`);
      const key = element.getAttribute(`data-i18n-${name}`) ?? '';
      element.setAttribute(name, t(key, params ? JSON.parse(params) : {}));
    }
  }
}

/**
 * Show the page in the reader's language and let the selects change it.
 * @param {HTMLSelectElement[]} selects each with the options en and ja
 */
export function startLanguages(...selects) {
  /** @param {Language} chosen */
  const show = (chosen) => {
    language = chosen;
    selects.forEach((select) => { select.value = chosen; });
    render();
  };
  show(wanted());
  for (const select of selects) {
    select.addEventListener('change', () => {
      if (isLanguage(select.value)) {
        show(select.value);
        try {
          localStorage.setItem(REMEMBERED, language);
        } catch {
          // See wanted().
        }
      }
    });
  }
}
