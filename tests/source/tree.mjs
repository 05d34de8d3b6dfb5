// What the checks share: the files of the project, and how a fault is told.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** The project's folder and the build's, as ctest gives them. */
export const [root, build] = process.argv.slice(2);

const foreign = new Set(['.git', 'build', 'certs', 'node_modules']);

function* walk(folder) {
  for (const entry of readdirSync(join(root, folder), { withFileTypes: true })) {
    const path = folder ? `${folder}/${entry.name}` : entry.name;
    if (foreign.has(entry.name)) continue;
    if (entry.isDirectory()) yield* walk(path);
    else if (entry.isFile()) yield path;
  }
}

/** Paths from the project's folder that match; that there are none must be a mistake. */
export function files(pattern) {
  const found = [...walk('')].filter((path) => pattern.test(path)).sort();
  if (!found.length) throw new Error(`no file is like ${pattern}`);
  return found;
}

export const read = (path) => readFileSync(join(root, path), 'utf8');

/** The lines of a file, without what is behind the last newline. */
export const lines = (path) => read(path).replace(/\n$/, '').split('\n');

/** Our own C. */
export const sources = () => files(/^(src|include|tests|bench)\/.*\.[ch]$/);

/** C without comments and the contents of strings; the lines stay where they are. */
export const code = (path) =>
  read(path).replace(/\/\*[^]*?\*\/|\/\/.*|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'/g, (match) =>
    match.startsWith('/') ? match.replace(/[^\n]/g, '') : match[0] + match[0]);

let faults = 0;

/** Something is not as it must be; `where` is PATH or PATH:LINE. */
export function fault(where, what) {
  console.log(`${where}: ${what}`);
  faults++;
}

process.on('exit', () => {
  if (faults) process.exitCode = 1;
});
