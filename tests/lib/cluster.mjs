// A real Redis for a test, and nodes of a cluster that meet by it.
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { scratch, spawnDaemon } from './daemon.mjs';
import { freePorts } from './ports.mjs';
import { eventually } from './prometheus.mjs';
import { gone, workersOf } from './workers.mjs';

const run = promisify(execFile);
const PATIENCE = 10000; // ms for a server to start

/** Does something listen there? */
const answers = (port, host) => new Promise((done) => {
  const socket = connect(port, host, () => {
    socket.destroy();
    done(true);
  });
  socket.on('error', () => done(false));
});

const servers = new Set();
process.on('exit', () => servers.forEach(({ child }) => child?.kill('SIGKILL')));

/** One redis-server, without files, that ends with the test. */
export class Redis {
  /** `first`: in place of what keeps it from writing files. */
  constructor(port, args = [], host = '127.0.0.1', first = ['--save', '', '--appendonly', 'no']) {
    Object.assign(this, { port, args, host, first });
    servers.add(this);
  }

  /** With the name of a cluster that has been there for long: nobody waits for others to say what they have. */
  static async start(t, args = [], { host, settled = 'nakodo', password } = {}) {
    const [free] = await freePorts(1);
    const redis = new Redis(free, args, host);
    redis.password = password;
    t.after(() => redis.stop());
    await redis.start();
    if (settled) await redis.settle(settled);
    return redis;
  }

  get url() {
    return `redis://${this.password ? `:${this.password}@` : ''}${this.host}:${this.port}`;
  }

  async start() {
    this.child = spawn('redis-server', [...this.first, '--port', String(this.port), '--bind', this.host, ...this.args],
      { stdio: 'ignore', cwd: scratch() });
    this.ended = once(this.child, 'exit');
    await eventually(() => answers(this.port, this.host), `Redis at ${this.port}`, PATIENCE);
  }

  settle(name) {
    return this.command('SET', `nk:{${name}}:begin`, '1');
  }

  /** What redis-cli prints. */
  async command(...words) {
    const login = this.password ? ['-a', this.password, '--no-auth-warning'] : [];
    const { stdout } = await run('redis-cli', ['-h', this.host, '-p', String(this.port), ...login, ...words.map(String)]);
    return stdout.trimEnd();
  }

  hang() {
    this.child.kill('SIGSTOP');
  }

  goOn() {
    this.child.kill('SIGCONT');
  }

  /** End it; all that it had is gone. */
  async stop() {
    if (this.child?.exitCode !== null || this.child.signalCode) return;
    this.child.kill('SIGKILL');
    await this.ended;
  }
}

/** A Sentinel that watches one master and makes its replica the master within seconds. */
export async function startSentinel(t, master) {
  const [port] = await freePorts(1);
  const file = join(scratch(), 'sentinel.conf');
  writeFileSync(file, `sentinel monitor mymaster ${master.host} ${master.port} 1\n` +
    'sentinel down-after-milliseconds mymaster 1000\nsentinel failover-timeout mymaster 3000\n');
  const sentinel = new Redis(port, [], '127.0.0.1', [file, '--sentinel']);
  t.after(() => sentinel.stop());
  await sentinel.start();
  return sentinel;
}

let sockets = 0;

/** Start a node and wait until the others know it. */
export async function startNode(t, url, args = [], options = {}) {
  const path = join(scratch(), `ctl${++sockets}`);
  const node = spawnDaemon({
    args: ['--cluster', url, '--ctl', path, '--max-peers-per-address', '0', '--connect-rate', '0', '--max-peers', '2000', ...args],
    tls: true,
    ...options,
  });
  t.after(() => node.killed || node.stop());
  await node.ready();
  await node.logged('cluster.there');
  return Object.assign(node, { ctl: path });
}

/** So many nodes. */
export function startNodes(t, url, count, args, options) {
  return Promise.all(Array.from({ length: count }, () => startNode(t, url, args, options)));
}

/** End a node as a crash does. */
export async function kill(node) {
  const workers = workersOf(node);
  node.killed = true;
  node.child.kill('SIGKILL');
  await node.exit();
  await gone(workers);
}
