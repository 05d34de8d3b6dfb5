// The TURN server that people run beside nakodo, on loopback, configured as docs/operations.md says.
import { spawn } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { scratch } from './daemon.mjs';
import { blocks, replaced } from './proxies.mjs';

/** What loopback needs beyond what the documentation says. */
const LOOPBACK = 'allow-loopback-peers\nallowed-peer-ip=127.0.0.1\n';

/** A file with the documentation's turnserver.conf, for that secret. */
function configuration(folder, shared) {
  const file = join(folder, 'turnserver.conf');
  const block = blocks('conf').find((text) => text.includes('/etc/turnserver.conf'));
  writeFileSync(file, replaced(block, { 'THE LINE IN /etc/nakodo/turn.secret': shared }) + LOOPBACK);
  return file;
}

/** A port of loopback that nobody has. */
async function freePort() {
  const socket = createSocket('udp4').bind(0, '127.0.0.1');
  await once(socket, 'listening');
  const { port } = socket.address();
  await new Promise((closed) => socket.close(closed));
  return port;
}

/**
 * Start coturn with one user, `user` with the password `secret`, or with a secret that it shares with
 * whoever gives out credentials, and wait until it answers.
 * @param {string} [shared]
 * @param {{ tcp?: boolean }} [options] by UDP only, or by TCP as well
 * @returns {Promise<{ port: number, url: string, hasRelayed: (username: string) => boolean, stop: () => Promise<void> }>}
 */
export async function startCoturn(shared, { tcp = false } = {}) {
  const [port, folder] = [await freePort(), scratch()];
  const child = spawn('turnserver', [
    '--no-cli', '--no-tls', '--no-dtls', ...(tcp ? [] : ['--no-tcp']),
    '--listening-ip', '127.0.0.1', '--relay-ip', '127.0.0.1', '--relay-ip', '::1', '--listening-port', String(port),
    ...(shared ? ['-c', configuration(folder, shared), '--verbose']
      : ['-n', '--no-multicast-peers', '--allow-loopback-peers', '--realm', 'lab.example', '--lt-cred-mech', '--user', 'user:secret']),
    '--userdb', join(folder, 'users'), '--pidfile', join(folder, 'pid'), '--log-file', 'stdout',
  ], { stdio: ['ignore', 'pipe', 'inherit'] });
  const ended = once(child, 'close');
  const stop = async () => {
    child.kill();
    await ended;
  };
  let said = '';
  const ready = new Promise((done) => {
    child.stdout.setEncoding('utf8').on('data', (text) => {
      said += text;
      if (said.includes('Total General servers')) done();
    });
  });
  await Promise.race([ready, ended.then(() => {
    throw new Error(`coturn has ended:\n${said}`);
  })]);
  /** Has it made an allocation for that user of a shared secret? */
  const hasRelayed = (username) => said.includes(`user <${username}>: incoming packet ALLOCATE processed, success`);
  return { port, url: `turn:127.0.0.1:${port}?transport=udp`, hasRelayed, stop };
}

/** coturn's client, which sends one small message, until it ends or has said what is like that: { status, said }. */
async function runClient({ port }, { username, credential }, args, enough = /$^/) {
  const child = spawn('turnutils_uclient', [...args, '-c', '-n', '1', '-m', '1', '-l', '64', '-u', username, '-w', credential,
    '-p', String(port), '127.0.0.1'], { stdio: ['ignore', 'pipe', 'pipe'] });
  let said = '';
  for (const from of [child.stdout, child.stderr]) {
    from.setEncoding('utf8').on('data', (text) => {
      said += text;
      if (enough.test(said)) child.kill();
    });
  }
  const [status] = await once(child, 'close');
  return { status, said };
}

/** May these credentials relay to that peer? */
export async function mayRelayTo(coturn, credentials, peer) {
  const [taken, forbidden] = [/cb response received: \n.*success/, /error 403 \(Forbidden IP\)/];
  const { said } = await runClient(coturn, credentials, ['-v', ...peer.includes(':') ? ['-x'] : [], '-e', peer, '-r', '9'],
    new RegExp(`${taken.source}|${forbidden.source}`));
  if (taken.test(said) === forbidden.test(said)) throw new Error(`turnutils_uclient said of ${peer}:\n${said}`);
  return taken.test(said);
}

/** May these credentials relay something there? A call to oneself. */
export async function mayRelay(coturn, credentials) {
  const { status, said } = await runClient(coturn, credentials, ['-y']);
  const isRefused = said.includes('Cannot complete Allocation');
  if (isRefused === (status === 0)) throw new Error(`turnutils_uclient ended with ${status}:\n${said}`);
  return !isRefused;
}
