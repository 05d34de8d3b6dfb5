// Reverse proxies from Debian, on loopback, with the configurations that docs/operations.md shows.
import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import { join } from 'node:path';
import { setTimeout as pass } from 'node:timers/promises';
import { root, scratch } from './daemon.mjs';
import { within } from './raw.mjs';

export const HOST = 'meet.example.org';

/** The fenced blocks of that language in the documentation, in order. */
export function blocks(language, file = 'docs/operations.md') {
  const text = readFileSync(join(root, file), 'utf8');
  const found = [...text.matchAll(/^```(\w+)\n([\s\S]*?)^```$/gm)].filter(([, name]) => name === language);
  return found.map(([,, block]) => block);
}

/** The text with each of these in place of what it is called in the documentation; each must be there. */
export function replaced(text, changes) {
  return Object.entries(changes).reduce((before, [from, to]) => {
    assert.ok(before.includes(from), `${from} is not in\n${before}`);
    return before.replaceAll(from, to);
  }, text);
}

/** A certificate for HOST, or those names: { cert, key, both } as files, in a folder as Let's Encrypt's client leaves them. */
export function certificate(folder = scratch(), days = 2, names = `DNS:${HOST}`) {
  const [cert, key, both] = ['fullchain.pem', 'privkey.pem', 'both.pem'].map((name) => join(folder, name));
  execFileSync('openssl', ['req', '-x509', '-nodes', '-days', String(days), '-subj', `/CN=${HOST}`, '-addext', `subjectAltName=${names}`,
    '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-keyout', key, '-out', cert], { stdio: 'ignore' });
  writeFileSync(both, readFileSync(cert, 'utf8') + readFileSync(key, 'utf8'), { mode: 0o600 });
  return { folder, cert, key, both };
}

async function accepts(port) {
  const socket = net.connect(port, '127.0.0.1');
  const isUp = await once(socket, 'connect').then(() => true, () => false);
  socket.destroy();
  return isUp;
}

/** A proxy with a file of its own, which can be started again, as its administrator would. */
export class Proxy {
  /** `command`: what runs it in the foreground; `ports`: [http, https] or fewer. */
  constructor(t, command, ports, environment = {}, file = undefined) {
    Object.assign(this, { command, ports, environment, file, said: '' });
    t.after(() => this.stop());
  }

  async start() {
    const [name, ...args] = this.command;
    this.child = spawn(name, args, { stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, ...this.environment } });
    this.ended = once(this.child, 'close');
    let over = false;
    this.ended.then(() => { over = true; });
    for (const from of [this.child.stdout, this.child.stderr]) from.setEncoding('utf8').on('data', (text) => { this.said += text; });
    // None of them says when it listens.
    for (const port of this.ports) {
      while (!over && !await accepts(port)) await pass(20);
    }
    assert.ok(!over, `${name} has ended:\n${this.said}`);
    return this;
  }

  async stop() {
    this.child?.kill('SIGTERM');
    await within(this.ended, `the end of ${this.command[0]}`);
  }

  get ws() { return `ws://127.0.0.1:${this.ports[0]}`; }

  get wss() { return `wss://127.0.0.1:${this.ports.at(-1)}`; }

  /** What it has written of requests: to its standard output, or to a file. */
  get log() { return this.file ? readFileSync(this.file, 'utf8') : this.said; }
}

/** nginx: `site` is what stands in a file of sites-available; where it logs to. */
export function startNginx(t, site, ports, log) {
  const folder = scratch();
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((name) => `${name}_temp_path ${join(folder, name)};`).join(' ');
  writeFileSync(join(folder, 'site.conf'), site);
  writeFileSync(join(folder, 'nginx.conf'), `
    daemon off; pid ${join(folder, 'pid')}; error_log stderr; worker_processes 1;
    events { worker_connections 256; }
    http { ${temporary} include /etc/nginx/mime.types; include ${join(folder, 'site.conf')}; }`);
  return new Proxy(t, ['nginx', '-e', 'stderr', '-p', folder, '-c', join(folder, 'nginx.conf')], ports, {}, log).start();
}

/** HAProxy: `parts` is what stands below the global and defaults of Debian's haproxy.cfg. */
export function startHaproxy(t, parts, ports) {
  const file = join(scratch(), 'haproxy.cfg');
  const defaults = 'log global\n\tmode http\n\toption dontlognull\n\ttimeout connect 5000\n\ttimeout client 50000\n\ttimeout server 50000\n';
  writeFileSync(file, `global\n\tlog stdout format raw daemon\ndefaults\n\t${defaults}\n${parts}`);
  return new Proxy(t, ['haproxy', '-W', '-f', file], ports).start();
}

/** Caddy: `sites` is its Caddyfile. */
export function startCaddy(t, sites, [http, https]) {
  const folder = scratch();
  mkdirSync(join(folder, 'data'));
  writeFileSync(join(folder, 'Caddyfile'), `{\n\tadmin off\n\thttp_port ${http}\n\thttps_port ${https}\n}\n${sites}`);
  return new Proxy(t, ['caddy', 'run', '--adapter', 'caddyfile', '--config', join(folder, 'Caddyfile')], [http, https],
    { XDG_DATA_HOME: join(folder, 'data'), XDG_CONFIG_HOME: folder, HOME: folder }).start();
}
