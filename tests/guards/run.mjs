// Goal: the test of a guard fails when the guard is taken out of a copy of the sources.
// Usage: node run.mjs MUTANT FOLDER [CMAKE-OPTION]... ; FOLDER keeps the copy and its objects for the next mutant.
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { mutants } from './mutants.mjs';

const PATIENCE = 90000; // ms for a test that hangs, as some of the faults make it do
const root = resolve(dirname(fileURLToPath(import.meta.url)), '../..');
const [name, folder, ...options] = process.argv.slice(2);

function fail(text) {
  console.error(`${name}: ${text}`);
  process.exit(1);
}

/** The file as the mutant has it. */
function mutated(path, edits) {
  return edits.filter(({ file }) => file === path).reduce((text, { from, to }) => {
    if (text.split(from).length !== 2) fail(`${path} does not contain exactly once:\n${from}`);
    return text.replace(from, () => to);
  }, readFileSync(join(root, path), 'utf8'));
}

/** Make the copy what it is to be; files that are so already keep their time, so little is compiled. */
function copy(source, edits) {
  const wanted = ['src', 'include'].flatMap((top) => readdirSync(join(root, top), { recursive: true })
    .map((entry) => join(top, entry))
    .filter((path) => statSync(join(root, path)).isFile()));
  for (const path of wanted) {
    const text = mutated(path, edits);
    const target = join(source, path);
    mkdirSync(dirname(target), { recursive: true });
    if (!existsSync(target) || readFileSync(target, 'utf8') !== text) writeFileSync(target, text);
  }
  for (const top of ['src', 'include']) {
    for (const entry of readdirSync(join(source, top), { recursive: true })) {
      if (!existsSync(join(root, top, entry))) rmSync(join(source, top, entry), { recursive: true });
    }
  }
  for (const entry of readdirSync(root)) {
    const target = join(source, entry);
    if (!['build', '.git', 'src', 'include'].includes(entry) && !existsSync(target)) symlinkSync(join(root, entry), target);
  }
}

function cmake(...args) {
  const { status, stdout, stderr } = spawnSync('cmake', args, { encoding: 'utf8' });
  if (status !== 0) fail(`cmake ${args.join(' ')}\n${stdout}\n${stderr}`);
}

/** Run the guard's test against the mutant; what it printed, and its status, null if it hung. */
function runTest(test, binary) {
  return new Promise((done) => {
    const script = join(root, 'tests/integration/guards.test.mjs');
    const child = spawn(process.execPath, ['--test', '--test-reporter=tap', '--test-name-pattern', `\\b${test}: `, script], {
      env: { ...process.env, NAKODO: binary },
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: true, // a group of its own: a mutant that spins is ended with it
    });
    let output = '';
    for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (text) => { output += text; });
    const late = setTimeout(() => process.kill(-child.pid, 'SIGKILL'), PATIENCE);
    child.on('close', (status) => {
      clearTimeout(late);
      done({ status, output });
    });
  });
}

/** What `shows` says for the libwebsockets that is here. */
function shown(shows) {
  if (shows === null || shows instanceof RegExp) return shows;
  const here = execFileSync('pkg-config', ['--modversion', 'libwebsockets'], { encoding: 'utf8' }).split('.').map(Number);
  const since = Object.keys(shows).filter((version) => {
    const [major, minor] = version.split('.').map(Number);
    return here[0] > major || (here[0] === major && here[1] >= minor);
  });
  return shows[since.at(-1)];
}

const mutant = mutants[name] ?? fail(`there are: ${Object.keys(mutants).join(', ')}`);
const source = join(folder, 'source');
const objects = join(folder, 'objects');
copy(source, mutant.edits);
if (!existsSync(join(objects, 'CMakeCache.txt'))) cmake('-S', source, '-B', objects, '-DBUILD_TESTING=OFF', ...options);
cmake('--build', objects, '--target', 'nakodo');
const { status, output } = await runTest(mutant.test, join(objects, 'nakodo'));
const shows = shown(mutant.shows);
if (!shows) {
  if (status !== 0) fail(`the fault is said to be none here, and the test \`${mutant.test}\` fails without the guard\n${output}`);
  console.log(`${name}: no fault of this version of libwebsockets`);
  process.exit();
}
if (status === 0) fail(`the test \`${mutant.test}\` passes without the guard\n${output}`);
const said = output.split('\n').filter((line) => !/^ *(not ok|ok|# Subtest)/.test(line)).join('\n'); // without names
if (!shows.test(said)) fail(`the test \`${mutant.test}\` fails for another reason than ${shows}\n${output}`);
console.log(`${name}: without the guard its test ${status === null ? 'hangs' : 'fails'}:`);
console.log(output.split('\n').filter((line) => /^ *(not ok|error:)/.test(line)).join('\n'));
