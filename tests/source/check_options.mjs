// Every option of --help stands in the man page and in the tables of both READMEs, and no other.
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { build, fault, lines } from './tree.mjs';

const run = (...args) => execFileSync(join(build, 'nakodo'), args, { encoding: 'utf8' });
const help = run('--help').split('\nConfiguration:\n')[0].split('\n');
const actions = help.indexOf('On the command line only:');
const names = (text, pattern) => text.map((line) => pattern.exec(line)?.[1]).filter(Boolean);
const all = names(help, /^ {2}--([a-z-]+)/);
const options = names(help.slice(0, actions), /^ {2}--([a-z-]+)/);

function compare(where, found, expected) {
  if (new Set(found).size !== found.length) fault(where, 'has an option twice');
  for (const name of expected) if (!found.includes(name)) fault(where, `lacks ${name}`);
  for (const name of found) if (!expected.includes(name)) fault(where, `has ${name}, which --help lacks`);
  if (found.filter((n) => expected.includes(n)).join() !== expected.filter((n) => found.includes(n)).join()) {
    fault(where, 'has its options in another order than --help');
  }
}

if (actions < 0 || options.length < 20) fault('--help', 'is not understood by this check');

const man = run('--man');
compare('the man page', names(man.replaceAll('\\-', '-').split('\n'), /^\\fB--([a-z-]+)(?:, -[a-zA-Z])?\\fR/), all);
if (man !== readFileSync(join(build, 'nakodo.8'), 'utf8')) fault('nakodo.8', 'is not what --man says');

for (const readme of ['README.md', 'README.ja.md']) {
  compare(readme, names(lines(readme), /^\| `([a-z][a-z-]*)` \|/), options);
}
