// What npm installs comes from where everybody can get it, and is what it was when it was chosen.
import { dirname } from 'node:path';
import { fault, files, lines, read } from './tree.mjs';

for (const path of files(/(^|\/)package-lock\.json$/)) {
  for (const [name, entry] of Object.entries(JSON.parse(read(path)).packages)) {
    if (!name) continue; // the project itself
    // Without an address it comes from whatever registry npm is told to use.
    if (!/^(https:\/\/registry\.npmjs\.org\/|$)/.test(entry.resolved ?? '')) fault(path, `${name} is from ${entry.resolved}`);
    if (!/^sha512-/.test(entry.integrity)) fault(path, `${name} has no sha512`);
  }
}

for (const path of files(/(^|\/)package\.json$/)) {
  const { dependencies, devDependencies } = JSON.parse(read(path));
  if (!dependencies && !devDependencies) continue;
  if (!files(/package-lock\.json$/).includes(`${dirname(path)}/package-lock.json`)) fault(path, 'has no lock file');
}

for (const path of files(/./).filter((p) => /(^|\/)\.npmrc$/.test(p))) {
  if (lines(path).some((line) => /registry/.test(line))) fault(path, 'names a registry of its own');
}
