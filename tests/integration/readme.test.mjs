// The wscat transcript in both READMEs is what really happens.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { root, startDaemon } from '../lib/daemon.mjs';

const wscat = join(root, 'tests/node_modules/.bin/wscat');

/** The lines of the first ```wscat block, as [who, sign, text]. */
function transcript(file) {
  const block = /^```wscat\n(.*?)^```/ms.exec(readFileSync(join(root, file), 'utf8'));
  assert.ok(block, `${file} has a transcript`);
  return block[1].trimEnd().split('\n').map((line) => {
    const parts = /^([A-Z])([$<>]) (.*)$/.exec(line);
    assert.ok(parts, `a line of the transcript: ${line}`);
    return parts.slice(1);
  });
}

/** A terminal with wscat in it: what it prints is waited for. */
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
    this.child.stdin.write('\x03');
    await this.ended;
  }

  /** Wait until the text has been printed; what stands before it is not looked at again. */
  prints(text) {
    return new Promise((done, fail) => {
      const timer = setTimeout(() => fail(new Error(`no «${text}» in:\n${this.#output}`)), 10000);
      this.#look = () => {
        const at = this.#output.indexOf(text);
        if (at < 0) return;
        clearTimeout(timer);
        this.#output = this.#output.slice(at + text.length);
        this.#look = () => {};
        done();
      };
      this.#look();
    });
  }
}

for (const file of ['README.md', 'README.ja.md']) {
  test(`the transcript in ${file} happens as it is written`, async () => {
    const daemon = await startDaemon();
    const terminals = {};
    try {
      for (const [who, sign, text] of transcript(file)) {
        if (sign === '$') {
          const command = text.replace('wscat', wscat).replace('ws://localhost:3000', daemon.ws);
          assert.notEqual(command, text);
          terminals[who] = new Terminal(command);
          await terminals[who].prints('Connected');
        } else if (sign === '>') {
          terminals[who].type(text);
        } else {
          await terminals[who].prints(`< ${text}`);
        }
      }
    } finally {
      await Promise.all(Object.values(terminals).map((terminal) => terminal.end()));
      await daemon.stop();
    }
  });
}
