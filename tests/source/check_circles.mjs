// No two files call each other, neither at once nor by way of others. Which file uses what another
// defines is read from the objects, so that a name in a comment or a namesake is no call.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build, fault, files, root } from './tree.mjs';

const circles = new Set();

/** `objects`: from the path of an object to that of its source. */
function look(objects) {
  const homes = new Map(); // from a symbol to the source that defines it
  const wanted = new Map([...objects.values()].map((source) => [source, new Set()]));

  // FILE: NAME TYPE …; type U is a name that the file uses and does not define.
  for (const line of execFileSync('nm', ['-gPA', ...objects.keys()], { encoding: 'utf8' }).split('\n')) {
    const [, object, symbol, type] = /^(.*): (\S+) (\S)/.exec(line) ?? [];

    if (type === 'U') wanted.get(objects.get(object)).add(symbol);
    else if (type) homes.set(symbol, objects.get(object));
  }
  const graph = new Map();

  for (const [source, uses] of wanted) {
    const others = new Map();

    for (const symbol of uses) {
      const home = homes.get(symbol);
      if (home && home !== source) others.set(home, [...(others.get(home) ?? []), symbol]);
    }
    graph.set(source, others);
  }

  const done = new Set();
  const visit = (source, way) => {
    if (way.includes(source)) {
      const round = [...way.slice(way.indexOf(source)), source];
      const names = round.slice(1).map((to, i) => `${to} (${graph.get(round[i]).get(to).join(', ')})`);
      const same = [...round.slice(1)].sort().join();

      if (!circles.has(same)) fault(source, `is in a circle: it uses ${names.join(', that uses ')}`);
      circles.add(same);
    } else if (!done.has(source)) {
      for (const other of graph.get(source).keys()) visit(other, [...way, source]);
    }
    done.add(source);
  };
  for (const source of graph.keys()) visit(source, []);
}

look(new Map(files(/^src\/.*\/.*\.c$/).map((source) =>
  [join(build, 'CMakeFiles/nakodo_core.dir', `${source}.o`), source])));

// The load generator is built by itself, and seldom.
const folder = mkdtempSync(join(tmpdir(), 'nakodo-circles-'));
try {
  const bench = files(/^bench\/[^/]*\.c$/);

  execFileSync('cc', ['-c', '-w', '-D_GNU_SOURCE', ...bench.map((source) => join(root, source))], { cwd: folder });
  look(new Map(bench.map((source) => [join(folder, source.replace(/^bench\/(.*)c$/, '$1o')), source])));
} finally {
  rmSync(folder, { recursive: true });
}
