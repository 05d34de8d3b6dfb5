// With NODES=3 in the environment each daemon of a test is so many nodes of a cluster, and each connection to it goes to
// the next of them: whatever a test shows of one daemon, it shows of a cluster.
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import net from 'node:net';
import { Redis } from './cluster.mjs';
import { spawnDaemon } from './daemon.mjs';
import { freePorts } from './ports.mjs';

let redis;

/** One for all daemons of this process, each of which has a name of its own in it. */
async function sharedRedis() {
  redis ??= freePorts(1).then(async ([port]) => {
    const server = new Redis(port);
    await server.start();
    server.child.unref();
    return server;
  });
  return redis;
}

/** What cannot be there twice. */
const unique = ['--state-dir', '--ctl', '--config', '--log-file'];
const isUnique = (arg, i, args) => unique.some((name) => arg.startsWith(name)) ||
  (args[i - 1] === '--listen' && !/:0(\?|$)/.test(arg));

/** In front of the nodes' ports at that place: each connection goes to the next. */
async function spread(nodes, place) {
  let next = 0;
  const server = net.createServer({ allowHalfOpen: true }, (client) => {
    const node = net.connect({ port: nodes[next++ % nodes.length].ports[place], host: '127.0.0.1', allowHalfOpen: true });
    client.unref();
    node.unref();
    for (const [from, to] of [[client, node], [node, client]]) {
      from.setNoDelay(true);
      from.pipe(to);
      from.on('error', () => to.destroy());
      from.on('close', () => to.destroySoon());
    }
  });
  server.listen(0, '127.0.0.1');
  server.unref();
  await once(server, 'listening');
  return server;
}

export async function startAsNodes(count, options = {}) {
  const server = await sharedRedis();
  const name = randomBytes(8).toString('hex');
  await server.settle(name);
  const single = options.bare || (options.args ?? []).some(isUnique);
  const args = [...(options.args ?? []), '--cluster', server.url, '--cluster-name', name];
  const nodes = Array.from({ length: single ? 1 : count }, () => spawnDaemon({ ...options, args }));
  const [first, ...others] = nodes;
  const stop = first.stop.bind(first);
  first.stop = () => Promise.all([stop(), ...others.map((node) => node.stop())]);
  const meters = nodes.map((node) => node.meters.bind(node));
  first.meters = async () => {
    const all = await Promise.all(meters.map((of) => of()));
    return Object.fromEntries(Object.keys(all[0]).map((key) => [key, all.reduce((sum, each) => sum + each[key], 0)]));
  };
  await Promise.all(nodes.map((node) => node.ready()));
  if (single) return first;
  const fronts = await Promise.all(first.ports.map((_, place) => spread(nodes, place)));
  const ports = fronts.map((front) => front.address().port);
  const portOf = (of) => ports[first.ports.indexOf(of)];
  const [port, tlsPort] = [portOf(first.port), portOf(first.tlsPort)];
  return Object.assign(first, {
    port, tlsPort, ports,
    url: port && `http://localhost:${port}`,
    ws: port && `ws://127.0.0.1:${port}`,
    wss: tlsPort && `wss://127.0.0.1:${tlsPort}`,
  });
}
