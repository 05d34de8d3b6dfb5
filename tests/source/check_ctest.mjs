// Every test has a time limit, and a label by which it can be asked for.
import { execFileSync } from 'node:child_process';
import { build, fault } from './tree.mjs';

const longest = { unit: 1800, source: 1800, integration: 1800, browser: 1800, fuzz: 1800, soak: 1800, guards: 1800, package: 7200 };
const shown = execFileSync('ctest', ['--test-dir', build, '-C', 'package', '--show-only=json-v1'], {
  encoding: 'utf8',
  maxBuffer: 64 << 20,
});
const { tests } = JSON.parse(shown);

if (!tests.length) fault('ctest', 'knows no test');
for (const { name, properties } of tests) {
  const property = (key) => properties.find((p) => p.name === key)?.value;

  const bounds = property('LABELS')?.map((label) => longest[label]) ?? [];

  if (!bounds.length || bounds.includes(undefined)) fault(name, `has other labels than ${Object.keys(longest)}, or none`);
  else if (!(property('TIMEOUT') > 0 && property('TIMEOUT') <= Math.min(...bounds))) fault(name, 'has no TIMEOUT, or a very long one');
}
