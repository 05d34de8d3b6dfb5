// Every dialect is in the hostile matrix (tests/integration/hostile.test.mjs), with every word that it looks for in
// messages.
import { dialects } from '../lib/hostile.mjs';
import { fault, files, read } from './tree.mjs';

const MATRIX = 'tests/lib/hostile.mjs';
const sources = files(/^src\/dialect\/\w+\.c$/);
const peer = { id: 'a', session: 's' };
const known = sources.flatMap((path) => [...read(path).matchAll(/^const struct dialect dialect_(\w+) = \{\s*\.name = "([^"]+)"/gm)]);

if (known.length < 10) fault('src/dialect', 'is not understood by this check');
for (const [, file, name] of known) {
  const entry = dialects[name];
  if (!entry) {
    fault(MATRIX, `has no entry for the dialect \`${name}\`: say there how it is spoken, and give a message of each of its types`);
    continue;
  }
  const messages = JSON.stringify([entry, ...Object.values(entry.roles ?? {})].map((role) =>
    [role.types(peer, peer, 'r'), role.greet?.('a', 'r'), role.first?.('a', 'r')]));
  for (const path of sources.filter((each) => new RegExp(`/${file}(_\\w+)?\\.c$`).test(each))) {
    for (const [, compared, row] of read(path).matchAll(/\bjson_equals\([^;"]*"([^"]+)"\)|^\t\{"(\w+)", \w+\},$/gm)) {
      const word = compared ?? row;
      if (!messages.includes(`"${word}"`)) fault(MATRIX, `no message of \`${name}\` has "${word}", which ${path} looks for`);
    }
  }
}
