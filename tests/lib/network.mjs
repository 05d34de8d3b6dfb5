// A network of its own for a test: a bridge, and namespaces that stand for machines at it.
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';

const IN_NAMESPACE = 'NAKODO_TEST_NETWORK';

/** Does this process run in a network of its own already? */
export const isInside = Boolean(process.env[IN_NAMESPACE]);

/** Run this file once more where it may make networks; what it prints, and its status. */
export async function runInside(file) {
  const { NODE_TEST_CONTEXT, ...env } = process.env;
  const command = ['--net', '--mount', process.execPath, file];
  const child = spawn('unshare', process.getuid() ? ['--map-root-user', ...command] : command, { env: { ...env, [IN_NAMESPACE]: '1' } });
  let said = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (text) => { said += text; });
  const [status] = await once(child, 'close');
  return { status, said };
}

const ip = (...words) => execFileSync('ip', words);

/** The bridge, with these addresses of 10.77.0.0/24; ends with the process. */
export function makeBridge(addresses) {
  execFileSync('mount', ['-t', 'tmpfs', 'tmpfs', '/run']); // of this process only: there `ip netns` has its names
  ip('link', 'set', 'lo', 'up');
  ip('link', 'add', 'br0', 'type', 'bridge');
  for (const address of addresses) ip('address', 'add', `${address}/24`, 'dev', 'br0');
  ip('link', 'set', 'br0', 'up');
}

/** A machine at the bridge, by its name of a few letters. */
export class Machine {
  constructor(name, address) {
    Object.assign(this, { name, address });
    ip('netns', 'add', name);
    ip('link', 'add', `v-${name}`, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', name);
    ip('link', 'set', `v-${name}`, 'master', 'br0', 'up');
    this.ip('address', 'add', `${address}/24`, 'dev', 'eth0');
    this.ip('link', 'set', 'lo', 'up');
    this.ip('link', 'set', 'eth0', 'up');
  }

  ip(...words) {
    return ip('-n', this.name, ...words);
  }

  /** What runs a command there. */
  get wrap() {
    return ['ip', 'netns', 'exec', this.name];
  }

  /** It reaches that address no more, or again. */
  cut(address) {
    this.ip('route', 'add', 'blackhole', address);
  }

  mend(address) {
    this.ip('route', 'del', 'blackhole', address);
  }

  /** The cable, out or in. */
  unplug() {
    ip('link', 'set', `v-${this.name}`, 'down');
  }

  plug() {
    ip('link', 'set', `v-${this.name}`, 'up');
  }
}
