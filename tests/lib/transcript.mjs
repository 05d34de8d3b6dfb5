// Terminals with wscat in them, and transcripts of what is typed and printed there. In a transcript words in
// capitals stand for what the server makes up: the first time one is printed it gets its value.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from './daemon.mjs';
import { within } from './raw.mjs';

const wscat = join(root, 'tests/node_modules/.bin/wscat');
const WORD = /"([A-Z]{2,}\d*)"|\b(TICKET\d*|SESSION\d*)\b/g;

/** The lines of all ```wscat blocks of a file, as [terminal, sign, text]. */
export function transcript(file) {
  const blocks = [...readFileSync(join(root, file), 'utf8').matchAll(/^```wscat\n(.*?)^```/gms)];
  assert.ok(blocks.length, `${file} has a transcript`);
  return blocks.flatMap(([, block]) => block.trimEnd().split('\n')).map((line) => {
    const [, ...parts] = /^([A-Z])([$<>]|\^C)(?: (.*))?$/.exec(line) ?? assert.fail(`no line of a transcript: ${line}`);
    return parts;
  });
}

class Terminal {
  #output = '';
  #look = () => {};

  constructor(command) {
    this.child = spawn('script', ['-qefc', command, '/dev/null'], { stdio: ['pipe', 'pipe', 'inherit'] });
    this.ended = once(this.child, 'close');
    this.child.stdout.setEncoding('utf8').on('data', (text) => {
      this.#output += text;
      this.#look();
    });
  }

  type(text) {
    this.child.stdin.write(`${text}\r`);
  }

  /** Ctrl-C, and wait until it is gone. */
  async end() {
    if (this.child.exitCode === null && this.child.stdin.writable) this.child.stdin.write('\x03');
    await this.ended;
  }

  /** Wait until this has been printed; what stands before it is not looked at again. */
  prints(pattern) {
    const found = new Promise((done) => {
      this.#look = () => {
        const match = pattern.exec(this.#output);
        if (!match) return;
        this.#output = this.#output.slice(match.index + match[0].length);
        this.#look = () => {};
        done(match);
      };
      this.#look();
    });
    return within(found, `${pattern}`).catch((error) => {
      throw new Error(`${error.message} in:\n${this.#output}`);
    });
  }
}

const literal = (text) => text.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&');

/** Do what the transcript does, against that daemon. */
export async function replay(daemon, lines) {
  const values = new Map();
  const terminals = new Map();
  const told = (text) => text.replace(WORD, (all, quoted, bare) => all.replace(quoted ?? bare, values.get(quoted ?? bare) ?? (quoted ?? bare)));
  try {
    for (const [who, sign, text] of lines) {
      if (sign === '$') {
        const command = told(text).replace('wscat', wscat).replace('ws://localhost:3000', daemon.ws);
        assert.ok(command.includes(daemon.ws), command);
        terminals.set(who, new Terminal(command));
        await terminals.get(who).prints(/Connected/);
      } else if (sign === '>') {
        terminals.get(who).type(told(text));
      } else if (sign === '^C') {
        await terminals.get(who).end();
        terminals.delete(who);
      } else {
        const fresh = [];
        const pattern = literal(told(text)).replace(WORD, (all, quoted, bare) => {
          const word = quoted ?? bare;
          if (values.has(word)) return all;
          fresh.push(word);
          return all.replace(word, '([^"]+)');
        });
        const [, ...found] = await terminals.get(who).prints(new RegExp(`< ${pattern}`));
        fresh.forEach((word, i) => values.set(word, found[i]));
      }
    }
  } finally {
    await Promise.all([...terminals.values()].map((terminal) => terminal.end()));
  }
  return values;
}
