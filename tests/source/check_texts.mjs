// Japanese and English: the tables have the same keys and gaps, whatever a page asks for is there,
// and nothing is there that no page asks for.
import { fault, files, read } from './tree.mjs';

const load = (path) => import(`data:text/javascript,${encodeURIComponent(read(path))}`);
const SHARED = 'web/lib/i18n.js'; // what every page has
const shared = [...read(SHARED).matchAll(/\{ en: \{ '?(\w+)'?:/g)].map(([, key]) => key);
const gaps = (text) => [...new Set(text.match(/\{\w+\}/g))].sort().join();

/** The folder of a page's scripts, such as `web/room` for index.html. */
const folderOf = (page) => `web/${/<script type="module" src="\/?(\w+)\//.exec(read(page))?.[1]}`;

/** A key as it stands, or a template such as `tile.${state}` as what it can become. */
function pattern(text) {
  const [first, ...rest] = text.split(/\$\{[^}]*\}/).map((part) => part.replace(/\./g, '\\.'));
  return new RegExp(`^${[first, ...rest].join('[\\w-]+')}$`);
}

const pages = files(/^web\/\w+\.html$/);
const scripts = files(/^web\/.*\.js$/);

function checkTables(path, { en, ja }) {
  for (const [one, other, name] of [[en, ja, 'ja'], [ja, en, 'en']]) {
    for (const key of Object.keys(one)) if (!(key in other)) fault(path, `${name} lacks ${key}`);
  }
  for (const key of Object.keys(en).filter((name) => name in ja)) {
    if (gaps(en[key]) !== gaps(ja[key])) fault(path, `${key} fills in other values in ja`);
    if (!en[key].trim() || !ja[key].trim()) fault(path, `${key} says nothing`);
  }
}

/** The arguments of a call, as they are written; `at` is behind its opening bracket. */
function argumentsAt(text, at) {
  const found = [''];
  for (let depth = 0, quote = ''; at < text.length; at++) {
    const c = text[at];
    if (quote) quote = c === quote ? '' : quote;
    else if (/['"`]/.test(c)) quote = c;
    else if (/[([{]/.test(c)) depth++;
    else if (/[)\]}]/.test(c) && depth-- === 0) break;
    else if (c === ',' && !depth) {
      found.push('');
      continue;
    }
    found[found.length - 1] += c;
  }
  return found;
}

/** Which argument is the key. */
const KEY = { t: 0, say: 1, sayIn: 2 };

/** [key or template, path] of all that the folder's pages and scripts ask for by name. */
function* asked(folder) {
  for (const page of pages.filter((path) => folderOf(path) === folder)) {
    for (const [, attribute, key] of read(page).matchAll(/ data-i18n(-[\w-]+)?="([^"]*)"/g)) {
      if (!attribute?.endsWith('-params')) yield [key, page];
    }
  }
  for (const script of scripts.filter((path) => path.startsWith(`${folder}/`))) {
    const text = read(script);
    for (const call of text.matchAll(/(?<![.\w])(t|say|sayIn)\(/g)) {
      const argument = argumentsAt(text, call.index + call[0].length)[KEY[call[1]]] ?? '';
      // What something is compared with, and what picks from a table, is no key.
      const keys = argument.replace(/[=!]== '[^']*'|\w+\([^)]*\)|\[[^\]]*\]/g, '');
      for (const [, , key] of keys.matchAll(/(['`])((?:\$\{[^}]*\}|[^'`$])+)\1/g)) yield [key, script];
    }
  }
}

/** Quoted anywhere: also keys that are kept in tables and variables. */
const quoted = [...pages, ...scripts.filter((path) => !path.endsWith('/texts.js'))].flatMap((path) => (
  [...read(path).matchAll(/(['"`])(\w[\w.-]*(?:\$\{[^}]*\}[\w.-]*)*)\1/g)].map(([, , text]) => pattern(text))));

const tables = new Map();
for (const path of files(/^web\/\w+\/texts\.js$/)) tables.set(path.replace(/\/texts\.js$/, ''), await load(path));

/** A part of a page that is shown in another one must not rename what is there. */
function checkGuests(folder, { en, ja }) {
  const own = scripts.filter((path) => path.startsWith(`${folder}/`)).map(read).join();
  for (const [guest, other] of tables) {
    if (!own.includes(`'../${guest.slice('web/'.length)}/`)) continue;
    for (const key of Object.keys(other.en)) {
      const isSame = other.en[key] === en[key] && other.ja[key] === ja[key];
      if (key in en && !isSame) fault(`${guest}/texts.js`, `${key} is another text in ${folder}`);
    }
  }
}

for (const [folder, table] of tables) {
  const path = `${folder}/texts.js`;
  const { en } = table;
  const keys = Object.keys(en);

  checkTables(path, table);
  checkGuests(folder, table);
  for (const [key, where] of asked(folder)) {
    const all = pattern(key);
    if (![...keys, ...shared].some((known) => all.test(known))) fault(where, `no text is called ${key}`);
  }
  for (const key of keys) {
    if (!quoted.some((all) => all.test(key))) fault(path, `nobody asks for ${key}`);
  }
  for (const page of pages.filter((name) => folderOf(name) === folder)) {
    for (const [, key, text] of read(page).matchAll(/data-i18n="([\w.]+)"[^>]*>([^<]+)</g)) {
      if (key in en && text !== en[key]) fault(page, `${key} is not what the page says before its script runs`);
    }
  }
}
