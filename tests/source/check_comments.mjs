// Every source file begins by saying what it is for.
import { fault, files, lines } from './tree.mjs';

const openings = [
  [/\.[ch]$/, /^\/\*/],
  [/\.m?js$/, /^\/[/*]/],
  [/\.css$/, /^\/\*/],
  [/(\.cmake|\.sh|^script\/\w+)$/, /^#/],
];

for (const path of files(/^(src|include|tests|bench|web|cmake|script)\//)) {
  const [, begin] = openings.find(([name]) => name.test(path)) ?? [];
  const first = lines(path).find((line) => line && !line.startsWith('#!'));

  if (begin && !begin.test(first ?? '')) fault(path, 'does not begin with a comment');
}
