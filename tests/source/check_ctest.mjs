// Every test has a time limit, and a label by which it can be asked for.
import { execFileSync } from 'node:child_process';
import { build, fault } from './tree.mjs';

const labels = ['unit', 'source', 'integration', 'browser', 'fuzz', 'guards'];
const shown = execFileSync('ctest', ['--test-dir', build, '--show-only=json-v1'], {
  encoding: 'utf8',
  maxBuffer: 64 << 20,
});
const { tests } = JSON.parse(shown);

if (!tests.length) fault('ctest', 'knows no test');
for (const { name, properties } of tests) {
  const property = (key) => properties.find((p) => p.name === key)?.value;

  if (!(property('TIMEOUT') > 0 && property('TIMEOUT') <= 1800)) fault(name, 'has no TIMEOUT, or a very long one');
  if (!property('LABELS')?.every((label) => labels.includes(label))) fault(name, `has none of the labels ${labels}`);
}
