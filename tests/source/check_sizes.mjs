// Nothing is longer than a reader can hold: functions, files, headers, lines.
import { fault, files, lines, sources } from './tree.mjs';

const FUNCTION = 50;
const FLAT_SWITCH = 100; // a function that is little more than one switch
const MAIN = 80;
const FILE = 500;
const HEADER = 150;
const LISTS = { 'src/base/options_table.c': 800, 'src/base/meter.c': 800, 'include/nakodo/base/meter_names.h': 300 }; // a row each
const COLUMNS = 100;
const TAB = 8;

function columns(line) {
  let at = 0;

  for (const character of line) at = character === '\t' ? (Math.floor(at / TAB) + 1) * TAB : at + 1;
  return at;
}

/** Nothing in its cases branches or loops, and outside of it there is no long function. */
function isFlatSwitch(body) {
  const begin = body.findIndex((line) => /^\tswitch \(/.test(line));
  const end = body.indexOf('\t}', begin);

  return begin >= 0 && end > begin && body.length - (end - begin) <= FUNCTION &&
    body.slice(begin + 1, end).every((line) => !/^\t+(if|for|while|do|switch)\b/.test(line));
}

function nameAbove(text, brace) {
  const signature = text.slice(text.lastIndexOf('', brace) + 1, brace).join(' ');

  return /(\w+)\(/.exec(signature)?.[1] ?? signature;
}

/** clang-format sees to it that a function's braces, and only those, stand alone at the margin. */
function checkFunctions(path, text) {
  let begin = -1;

  text.forEach((line, i) => {
    if (line === '{') begin = i;
    if (line !== '}' || begin < 0) return;
    const body = text.slice(begin + 1, i);
    const name = nameAbove(text, begin);
    const limit = name === 'main' ? MAIN : isFlatSwitch(body) ? FLAT_SWITCH : FUNCTION;

    if (body.length > limit) fault(`${path}:${begin + 1}`, `${name}() has ${body.length} lines, not ${limit}`);
    begin = -1;
  });
}

for (const path of sources()) {
  const text = lines(path);
  const most = LISTS[path] ?? (path.endsWith('.h') ? HEADER : FILE);

  if (text.length > most) fault(path, `has ${text.length} lines, not ${most}`);
  checkFunctions(path, text);
}

for (const path of files(/(\.[ch]|\.cmake|CMakeLists\.txt)$/)) {
  lines(path).forEach((line, i) => {
    if (columns(line) > COLUMNS) fault(`${path}:${i + 1}`, `has ${columns(line)} columns, not ${COLUMNS}`);
  });
}
