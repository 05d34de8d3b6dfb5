// The TURN server that people run beside nakodo, on loopback.
import { spawn } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { join } from 'node:path';
import { scratch } from './daemon.mjs';

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
    '-n', '--no-cli', '--no-tls', '--no-dtls', ...(tcp ? [] : ['--no-tcp']), '--no-multicast-peers', '--allow-loopback-peers',
    '--listening-ip', '127.0.0.1', '--relay-ip', '127.0.0.1', '--listening-port', String(port),
    '--realm', 'lab.example',
    ...(shared ? ['--verbose', '--use-auth-secret', '--static-auth-secret', shared] : ['--lt-cred-mech', '--user', 'user:secret']),
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

/** May these credentials relay something there? A call to oneself, of one small message. */
export async function mayRelay({ port }, { username, credential }) {
  const child = spawn('turnutils_uclient', ['-y', '-c', '-n', '1', '-m', '1', '-l', '64', '-u', username, '-w', credential,
    '-p', String(port), '127.0.0.1'], { stdio: ['ignore', 'pipe', 'pipe'] });
  let said = '';
  for (const from of [child.stdout, child.stderr]) from.setEncoding('utf8').on('data', (text) => { said += text; });
  const [status] = await once(child, 'close');
  const isRefused = said.includes('Cannot complete Allocation');
  if (isRefused === (status === 0)) throw new Error(`turnutils_uclient ended with ${status}:\n${said}`);
  return !isRefused;
}
