// The JavaScript client is small, there is no `any` in what it promises, no DOM in its lower modules, and
// the examples fit client.d.ts.
import { spawnSync } from 'node:child_process';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { fault, files, read } from './tree.mjs';

const packages = createRequire(import.meta.url);
const { buildSync } = packages('esbuild');
const MODULES = ['web/client.js', 'web/mesh.js', 'web/signaling.js', ...files(/^web\/client\/.*\.js$/)];
const SMALL = 12 * 1024; // bytes of what ships, minified and gzipped, as libraries are compared
const DOM = /\b(document|window|navigator|location|localStorage|sessionStorage|HTML\w*Element)\b/;

const texts = MODULES.map(read);
const entryPoints = [fileURLToPath(new URL('../../web/client.js', import.meta.url))];
const { outputFiles: [{ contents }] } = buildSync({ entryPoints, bundle: true, minify: true, format: 'esm', write: false });
const small = gzipSync(contents, { level: 9 }).length;
console.log(`the client has ${small} bytes minified and gzipped, in ${MODULES.length} modules`);
if (small > SMALL) fault(MODULES.join(), `have ${small} bytes minified and gzipped, not ${SMALL}`);

texts.forEach((text, i) => {
  if (text.includes('@ts-nocheck')) fault(MODULES[i], 'is not checked');
});

for (const path of MODULES.filter((name) => !/client(\/room)?\.js$/.test(name))) {
  read(path).split('\n').forEach((line, i) => {
    const [name] = DOM.exec(line) ?? [];
    if (name) fault(`${path}:${i + 1}`, `knows ${name}`);
  });
}

read('web/client.d.ts').split('\n').forEach((line, i) => {
  if (/\bany\b(?!.*\*\/)/.test(line.replace(/\/\*.*?\*\/|^\s*\*.*|\/\/.*/g, ''))) fault(`web/client.d.ts:${i + 1}`, '`any`');
});

const paper = JSON.parse(read('web/package.json'));
const [, version] = /project\(nakodo VERSION (\S+)/.exec(read('CMakeLists.txt'));
if (paper.version !== version) fault('web/package.json', `is of version ${paper.version}, not ${version}`);

if (read('web/LICENSE') !== read('LICENSE')) fault('web/LICENSE', 'is not the licence of the project');

const tsc = packages.resolve('typescript/bin/tsc');
const { status, stdout } = spawnSync(process.execPath, [tsc, '--project', fileURLToPath(new URL('client.tsconfig.json', import.meta.url))], { encoding: 'utf8' });
if (status !== 0) fault('examples', `do not fit client.d.ts:\n${stdout}`);
