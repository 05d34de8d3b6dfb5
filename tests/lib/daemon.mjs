// The real daemon for tests: started on free ports, watched for sanitizer reports, and gone when the
// test is. Which binary: NAKODO, default build/asan/nakodo.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = resolve(fileURLToPath(import.meta.url), '../../..');
export const binary = process.env.NAKODO ?? join(root, 'build/asan/nakodo');

/** The pages as they ship: what was bundled beside the binary. */
export const pages = join(binary, '../web');

/** The same, or the pages as they are written where nothing was bundled. */
export const shipped = () => existsSync(pages) ? pages : asWritten[1];

/** The arguments for the pages as they are written: a test of one module loads it by its address. */
export const asWritten = ['--web-root', join(root, 'web')];

/** A directory for one test, removed when the process ends. */
export function scratch() {
  const path = mkdtempSync(join(tmpdir(), 'nakodo-'));
  process.on('exit', () => rmSync(path, { recursive: true, force: true }));
  return path;
}

let certificates;
/** Where all daemons of this test process keep their self-signed certificate. */
export function certificateDirectory() {
  certificates ??= scratch();
  return certificates;
}

const { WORKERS, NODES } = process.env;
/** With so many each connection by TLS takes more descriptors; a container may have few. */
const ofWorkers = WORKERS ? { workers: WORKERS, 'max-peers': '8000' } : {};
/** How many processes speak to clients. */
export const workers = Number(WORKERS || 1);
/** For a test that looks at one process. */
export const alone = workers > 1 || NODES ? { skip: 'it is about a single process' } : {};

/** What the file says that the daemon is given, if it is. */
function fileOf(args, cwd) {
  const [name] = args.filter((_, i) => args[i - 1] === '--config');
  try {
    return name ? readFileSync(resolve(cwd, name), 'utf8') : '';
  } catch {
    return ''; // the daemon will say why
  }
}

/** Our own environment without options for the daemon that happen to be in it. */
const ownEnvironment = () => Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('NAKODO_')));

/** What WORKERS sets, but for what a file says, which the environment would overrule. */
function environmentOfWorkers(file) {
  return Object.fromEntries(Object.entries(ofWorkers)
    .filter(([option]) => !new RegExp(`^${option} *=`, 'm').test(file))
    .map(([option, value]) => [`NAKODO_${option.toUpperCase().replaceAll('-', '_')}`, value]));
}

/** Start the daemon and wait until it says that it is ready. Parameters: spawnDaemon(). */
export async function startDaemon(options) {
  if (NODES) return (await import('./nodes.mjs')).startAsNodes(Number(NODES), options);
  const daemon = spawnDaemon(options);
  await daemon.ready();
  return daemon;
}

/** startDaemon() for one test, which also sees that it ends well. */
export async function testDaemon(t, options) {
  if (NODES) {
    const daemon = await startDaemon(options);
    t.after(() => daemon.stop());
    return daemon;
  }
  const daemon = spawnDaemon(options);
  t.after(() => daemon.stop());
  await daemon.ready();
  return daemon;
}

/**
 * Start the daemon.
 *
 * @param {object} [o]
 * @param {string[]} [o.args] more arguments; a `--listen` among them replaces the default
 *   `127.0.0.1:0` (and, with `tls`, `tls:127.0.0.1:0`)
 * @param {boolean} [o.bare] give it the arguments alone: no default, and no --web-root
 * @param {boolean} [o.tls] listen for TLS as well, with a self-signed certificate
 * @param {Record<string,string>} [o.env]
 * @param {string} [o.cwd]
 * @param {string[]} [o.wrap] a command that runs it, such as ['prlimit', '--nofile=64']
 * @param {number[]} [o.fds] descriptors that it inherits from us as 3, 4, …
 */
export function spawnDaemon({ args = [], bare = false, tls = false, env = {}, cwd = root, wrap = [], fds = [] } = {}) {
  const all = bare ? [...args] : ['--web-root', shipped(), ...args];
  if (!bare && !args.some((a) => a === '--listen' || a.startsWith('--listen='))) {
    all.push('--listen', '127.0.0.1:0');
    if (tls) all.push('--listen', 'tls:127.0.0.1:0');
  }
  if (tls) all.push('--tls-self-signed', certificateDirectory());
  const command = [...wrap, binary, ...all];
  const child = spawn(command[0], command.slice(1), {
    cwd,
    env: { ...ownEnvironment(), ...environmentOfWorkers(fileOf(all, cwd)), ...env },
    stdio: ['ignore', 'pipe', 'pipe', ...fds],
  });
  return new Daemon(child);
}

/** Run the daemon to its end, as with --check or a configuration that is wrong. */
export async function runDaemon(args, { env = {}, cwd = root, wrap = [] } = {}) {
  if (!existsSync(binary)) throw new Error(`no daemon at ${binary}`);
  const command = [...wrap, binary, ...args];
  const child = spawn(command[0], command.slice(1), {
    cwd,
    env: { ...ownEnvironment(), ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const daemon = new Daemon(child);
  const status = await daemon.exit();
  daemon.checkSanitizers();
  return { status, stdout: daemon.stdout, stderr: daemon.stderr };
}

export class Daemon {
  stdout = '';
  stderr = '';
  urls = [];
  #waiters = new Set();

  constructor(child) {
    this.child = child;
    this.pid = child.pid;
    this.ended = once(child, 'close').then(([status, signal]) => {
      this.status = status ?? signal;
      this.#look();
      return this.status;
    });
    for (const name of ['stdout', 'stderr']) {
      child[name].setEncoding('utf8').on('data', (text) => {
        this[name] += text;
        this.#look();
      });
    }
    this.killer = () => this.#signal('SIGKILL');
    process.on('exit', this.killer);
  }

  /** The ids of its processes: the first one, and its workers if it has some. */
  processes() {
    let children = '';
    try {
      children = readFileSync(`/proc/${this.pid}/task/${this.pid}/children`, 'utf8');
    } catch {
      // it has ended
    }
    return [this.pid, ...children.split(' ').filter(Boolean).map(Number)];
  }

  #signal(name) {
    if (this.status !== undefined) return;
    for (const pid of this.processes()) {
      try {
        process.kill(pid, name);
      } catch {
        // it has just ended
      }
    }
  }

  /** Stop all of it where it is, until goOn() or kill(). It stands still when this returns: on a busy machine a signal to go
   * on may come before it has noticed the other, which is then forgotten. */
  halt() {
    this.#signal('SIGSTOP');
    const stands = (pid) => / [TtZX] /.test(readFileSync(`/proc/${pid}/stat`, 'utf8').split(')').at(-1).slice(0, 3));
    for (const pid of this.status === undefined ? this.processes() : []) {
      while (!stands(pid)) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1); // nothing tells of it
    }
  }

  goOn() {
    this.#signal('SIGCONT');
  }

  /** End all of it as by a fault: a worker that is halted would not see the end of the first process. */
  async kill() {
    this.#signal('SIGKILL');
    return this.exit();
  }

  #look() {
    for (const waiter of this.#waiters) waiter();
  }

  /** Wait until `test()` is true of the output so far; fails when the daemon ends before. */
  until(test, what = String(test), timeout = 20000) {
    return new Promise((done, fail) => {
      const finish = (how, value) => {
        clearTimeout(timer);
        this.#waiters.delete(look);
        how(value);
      };
      const look = () => {
        const value = test();
        if (value) finish(done, value);
        else if (this.status !== undefined) finish(fail, new Error(`the daemon ended (${this.status}) before ${what}\n${this.stderr}`));
      };
      const timer = setTimeout(() => finish(fail, new Error(`no ${what} within ${timeout} ms\n${this.stdout}\n${this.stderr}`)), timeout);
      this.#waiters.add(look);
      look();
    });
  }

  /** The lines of the log so far that have all the words. */
  lines(...words) {
    return this.stderr.split('\n').filter((line) => words.every((w) => line.includes(w)));
  }

  /** Wait for a line of the log that has all the words. */
  logged(...words) {
    return this.until(() => this.lines(...words)[0], `log line with ${words.join(', ')}`);
  }

  /** Make it read its options anew (SIGHUP): the line of the log that says how that went. */
  reload() {
    const ends = () => this.stderr.split('\n').filter((line) => / reload\.(done|failed) /.test(line));
    const before = ends().length;
    this.child.kill('SIGHUP');
    return this.until(() => ends()[before], 'the end of the reload');
  }

  async ready() {
    await this.until(() => this.stdout.includes(' is ready:\n'), 'that it is ready');
    this.urls = [...this.stdout.matchAll(/^ {2}(\S+)$/gm)].map((m) => m[1]);
    const port = (scheme) => {
      const url = this.urls.find((u) => u.startsWith(`${scheme}://`));
      return url ? Number(new URL(url).port) : undefined;
    };
    /** The ports of all printed URLs, in the order of the listeners. */
    this.ports = this.urls.map((url) => Number(new URL(url).port));
    this.port = port('http');
    this.tlsPort = port('https');
    this.url = this.port && `http://localhost:${this.port}`;
    this.ws = this.port && `ws://127.0.0.1:${this.port}`;
    this.wss = this.tlsPort && `wss://127.0.0.1:${this.tlsPort}`;
  }

  /** The exit status, or the name of the signal that ended it. */
  async exit() {
    const status = await this.ended;
    process.off('exit', this.killer);
    return status;
  }

  /** Stop it at once and see that it ended in order: status 0, no sanitizer report, no leak. */
  async stop() {
    if (this.status === undefined) {
      this.goOn(); // first: later it could take away the SIGSTOP of the leak check
      this.child.kill('SIGTERM');
      const again = setTimeout(() => this.child.kill('SIGTERM'), 100);
      this.ended.then(() => clearTimeout(again));
    }
    await this.endedWell();
  }

  /** Wait for its end, which must be in order. */
  async endedWell() {
    const late = setTimeout(() => {
      this.stderr += 'it did not end within 30 s\n';
      this.child.kill('SIGKILL');
    }, 30000);
    const status = await this.exit();
    clearTimeout(late);
    this.checkSanitizers();
    if (status !== 0) throw new Error(`the daemon ended with ${status}\n${this.stderr}`);
  }

  checkSanitizers() {
    if (/AddressSanitizer|LeakSanitizer|runtime error:/.test(this.stderr)) {
      throw new Error(`a sanitizer has spoken\n${this.stderr}`);
    }
  }

  /** All meters as they are now (SIGUSR1): { accepted: 3, … }. */
  async meters() {
    const from = this.stderr.length;
    const fresh = () => this.stderr.slice(from);
    this.child.kill('SIGUSR1');
    await this.until(() => /\bmeters count=/.test(fresh()), 'the meters');
    return Object.fromEntries([...fresh().matchAll(/\bmeter name=(\w+) value=(\d+)/g)].map(([, name, value]) => [name, Number(value)]));
  }

  /** Resident memory in bytes, of all its processes, or of one of them. */
  async rss(...pids) {
    const of = (pid) => Number(/^Rss:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8'))[1]) * 1024;
    return (pids.length ? pids : this.processes()).reduce((sum, pid) => sum + of(pid), 0);
  }

  /** Processor time used so far, in seconds, by all its processes. */
  async cpu() {
    const of = (pid) => {
      const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1].split(' ');
      return (Number(fields[11]) + Number(fields[12])) / 100;
    };
    return this.processes().reduce((sum, pid) => sum + of(pid), 0);
  }
}
