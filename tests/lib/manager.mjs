// A daemon under something like systemd (manager.py), which keeps its listening socket and what it leaves.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { asWritten, binary, pages, root, scratch, workers } from './daemon.mjs';

const NUMBERS = { SIGTERM: 15, SIGKILL: 9 };

/** Start the daemon with these arguments, behind `listen = systemd`, and wait until it is ready. */
export async function manage(t, args = []) {
  const python = spawn('python3', [join(root, 'tests/lib/manager.py'), join(scratch(), 'notify')], {
    env: { ...process.env, ...workers > 1 && { NAKODO_WORKERS: `${workers}` } },
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  const manager = new Manager(python, args);
  t.after(() => manager.end());
  manager.port = (await manager.event('port')).port;
  manager.ws = `ws://127.0.0.1:${manager.port}`;
  await manager.start();
  return manager;
}

class Manager {
  events = [];
  stderr = '';
  #taken = 0;

  constructor(python, args) {
    Object.assign(this, { python, args });
    this.lines = createInterface({ input: python.stdout });
    this.lines.on('line', (line) => this.events.push(JSON.parse(line)));
    python.stderr.setEncoding('utf8').on('data', (text) => { this.stderr += text; });
  }

  #say(command) {
    this.python.stdin.write(`${JSON.stringify(command)}\n`);
  }

  /** The next event that has the member; those before it are passed over. */
  async event(member, test = () => true) {
    for (;;) {
      while (this.#taken < this.events.length) {
        const event = this.events[this.#taken++];
        if (member in event && test(event[member])) return event;
        if ('exit' in event) throw new Error(`the daemon ended (${event.exit}) before ${member}\n${this.stderr}`);
      }
      await once(this.lines, 'line', { signal: AbortSignal.timeout(30000) });
    }
  }

  /** Start the next process, with more arguments, and wait until it is ready, or whatever `until` is. `wrap`: a command that runs it. */
  async start(more = [], until = () => this.event('notify', (text) => text.includes('READY=1')), wrap = []) {
    const web = existsSync(pages) ? pages : asWritten[1];
    this.#say({ start: [...wrap, binary, '--web-root', web, '--listen', 'systemd', ...this.args, ...more] });
    return until();
  }

  /** Have it end by that signal: { exit, stored }. */
  async stop(signal = 'SIGTERM') {
    this.#say({ signal: NUMBERS[signal] });
    return this.event('exit');
  }

  /** Be a `deaf` systemd or a `slow` one, as manager.py has it. */
  behave(manners) {
    this.#say({ manners });
  }

  /** As `systemctl restart` does. */
  async restart() {
    const { exit } = await this.stop();
    if (exit) throw new Error(`the daemon ended with ${exit}\n${this.stderr}`);
    await this.start();
  }

  async end() {
    const { exit } = await this.stop();
    this.python.stdin.end();
    await once(this.python, 'close');
    if (exit || /AddressSanitizer|LeakSanitizer|runtime error:/.test(this.stderr)) throw new Error(`the daemon ended with ${exit}\n${this.stderr}`);
  }
}
