// packaging/kubernetes.yaml is what Kubernetes takes: each manifest has the members of its kind, as the types of
// kubernetes-types say, and what it says to the daemon are options.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseAllDocuments } from 'yaml';
import { fault, read, root } from './tree.mjs';

const PATH = 'packaging/kubernetes.yaml';
const modules = join(root, 'tests/node_modules');

/** The module that has the type: v1 is core/v1, networking.k8s.io/v1 is networking/v1. */
const moduleOf = (apiVersion) => {
  const [group, version] = apiVersion.includes('/') ? apiVersion.split('/') : ['core', apiVersion];
  return `kubernetes-types/${group.split('.')[0]}/${version}`;
};

const documents = parseAllDocuments(read(PATH));
for (const { errors } of documents) for (const { message } of errors) fault(PATH, message);
const manifests = documents.map((document) => document.toJS());
if (manifests.length < 5) fault(PATH, 'has hardly any manifest');

const folder = mkdtempSync(join(tmpdir(), 'nakodo-'));
writeFileSync(join(folder, 'manifests.ts'), manifests.map(({ kind, apiVersion, ...rest }, i) =>
  `import type { ${kind} as Kind${i} } from '${moduleOf(apiVersion)}';\n` +
  `export const manifest${i}: Kind${i} = ${JSON.stringify({ apiVersion, kind, ...rest }, null, 2)};\n`).join(''));
writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify({
  compilerOptions: { strict: true, noEmit: true, skipLibCheck: true, module: 'es2022', moduleResolution: 'bundler', types: [], baseUrl: '.', paths: { 'kubernetes-types/*': [`${modules}/kubernetes-types/*`] } },
  files: ['manifests.ts'],
}));
const { status, stdout } = spawnSync(process.execPath, [join(modules, 'typescript/bin/tsc'), '--project', folder], { encoding: 'utf8' });
if (status !== 0) fault(PATH, stdout.replaceAll(folder, ''));
rmSync(folder, { recursive: true });

const options = new Set([...read('src/base/options_table.c').matchAll(/\.name = "([^"]+)"/g)].map(([, name]) => name));
for (const [, variable] of read(PATH).matchAll(/name: NAKODO_(\w+)/g)) {
  const option = variable.toLowerCase().replaceAll('_', '-');
  if (!options.has(option)) fault(PATH, `${option} is no option`);
}
