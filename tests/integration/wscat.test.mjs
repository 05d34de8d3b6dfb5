// Goal: wscat in terminals works as a person expects who follows a tutorial with it.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { after, before, describe, it } from 'node:test';
import { join } from 'node:path';
import { root, startDaemon, testDaemon } from '../lib/daemon.mjs';
import { within } from '../lib/raw.mjs';

const wscat = join(root, 'tests/node_modules/.bin/wscat');

/** wscat in a terminal of its own. */
class Terminal {
  screen = '';
  #looks = new Set();

  constructor(t, args) {
    const command = [wscat, ...args].map((word) => `'${word}'`).join(' ');
    this.child = spawn('script', ['--quiet', '--flush', '--return', '--command', command, '/dev/null'], { stdio: ['pipe', 'pipe', 'inherit'] });
    this.child.stdout.setEncoding('utf8').on('data', (text) => {
      this.screen += text;
      for (const look of this.#looks) look();
    });
    this.ended = new Promise((done) => this.child.on('close', done));
    this.child.stdin.on('error', () => {}); // it may be gone when we leave
    t.after(() => this.leave());
  }

  /** What a person reads, without colours and cursor movements. */
  get text() {
    return this.screen.replace(/\x1b\[[0-9;?]*[A-Za-z]/g, '').replaceAll('\r', '\n');
  }

  /** Wait for a line; what was read so far does not count for the next call. */
  sees(line) {
    let look;
    return within(new Promise((done) => {
      look = () => {
        const lines = this.text.split('\n');
        const at = lines.findIndex((one) => one.trim() === line);
        if (at >= 0) {
          this.screen = lines.slice(at + 1).join('\n');
          done();
        }
      };
      this.#looks.add(look);
      look();
    }), `"${line}" in a terminal`).catch((error) => {
      throw new Error(`${error.message}\n${this.text}`);
    }).finally(() => this.#looks.delete(look));
  }

  type(line) {
    this.child.stdin.write(`${line}\n`);
  }

  /** CTRL+C; the exit status. */
  leave() {
    this.child.stdin.write('\x03');
    return within(this.ended, 'the end of wscat');
  }
}

async function terminal(t, ...args) {
  const it = new Terminal(t, args);
  await it.sees('Connected (press CTRL+C to quit)');
  return it;
}

describe('wscat', () => {
  let daemon;

  before(async () => {
    daemon = await startDaemon({ tls: true, args: ['--subprotocol', 'lesson.v1'] });
  });

  after(() => daemon.stop());

  it('relays between two terminals', async (t) => {
    const [a, b] = await Promise.all([terminal(t, '-c', `${daemon.ws}/relay`), terminal(t, '-c', `${daemon.ws}/relay`)]);
    a.type('hello from a');
    await b.sees('< hello from a');
    b.type('こんにちは');
    await a.sees('< こんにちは');
    a.type('last');
    await b.sees('< last');
    assert.doesNotMatch(a.text, /^< last/m, 'a sees what it sent itself');
  });

  it('relays between terminals on ws and on wss with --no-check', async (t) => {
    const [a, b] = await Promise.all([terminal(t, '-c', `${daemon.ws}/relay/mixed`), terminal(t, '--no-check', '-c', `${daemon.wss}/relay/mixed`)]);
    a.type('plain');
    await b.sees('< plain');
    b.type('secret');
    await a.sees('< secret');
  });

  it('does not trust the local authority without --no-check', async (t) => {
    const a = new Terminal(t, ['-c', `${daemon.wss}/relay`]);
    await a.sees('error: unable to verify the first certificate');
    assert.notEqual(await within(a.ended, 'the end of wscat'), 0);
  });

  it('shows a chat to everyone, the sender included, and an echo with its prefix', async (t) => {
    const [a, b] = await Promise.all([terminal(t, '-c', `${daemon.ws}/chat`), terminal(t, '-c', `${daemon.ws}/chat`)]);
    a.type('to all');
    await Promise.all([a.sees('< to all'), b.sees('< to all')]);
    const echo = await terminal(t, '-c', `${daemon.ws}/echo?prefix=echo:`);
    echo.type('me');
    await echo.sees('< echo:me');
  });

  it('signals at / and is told what a message lacks', async (t) => {
    const [a, b] = await Promise.all([terminal(t, '-c', daemon.ws), terminal(t, '-c', daemon.ws)]);
    a.type('hello');
    await a.sees('< {"type":"error","code":"bad-json","message":"The message is not one complete JSON value."}');
    a.type('{"type":"offer","sdp":"v=0"}');
    await b.sees('< {"type":"offer","sdp":"v=0"}');
    b.type('{"sdp":"v=0"}');
    await b.sees('< {"type":"error","code":"bad-message","message":"The message must be a JSON object with one member type, a string."}');
    b.type('{"type":"answer","sdp":"v=0"}');
    await a.sees('< {"type":"answer","sdp":"v=0"}');
  });

  it('sends pings and close frames with --slash', async (t) => {
    const a = await terminal(t, '--slash', '-P', '-c', `${daemon.ws}/relay/slash`);
    a.type('/ping there?');
    await a.sees('< Received pong (data: "there?")');
    a.type('/close 4000 goodbye');
    await a.sees('Disconnected (code: 4000, reason: "goodbye")');
    assert.equal(await within(a.ended, 'the end of wscat'), 0);
  });

  it('selects a subprotocol with -s', async (t) => {
    const a = await terminal(t, '-s', 'lesson.v1', '-c', `${daemon.ws}/echo`);
    a.type('x');
    await a.sees('< x');
    const refused = new Terminal(t, ['-s', 'unheard-of', '-c', `${daemon.ws}/echo`]);
    await refused.sees('error: Unexpected server response: 400');
  });

  it('says so where nothing is spoken', async (t) => {
    const a = new Terminal(t, ['-c', `${daemon.ws}/nowhere`]);
    await a.sees('error: Unexpected server response: 404');
  });

  it('runs one command and leaves, with -x', async () => {
    const child = spawn(wscat, ['-c', `${daemon.ws}/echo`, '-x', 'one shot', '-w', '0.5'], { stdio: ['pipe', 'pipe', 'inherit'] });
    let out = '';
    child.stdout.setEncoding('utf8').on('data', (text) => { out += text; });
    const status = await within(new Promise((done) => child.on('close', done)), 'the end of wscat');
    assert.deepEqual([status, out], [0, 'one shot\n']);
  });

  it('leaves with CTRL+C', async (t) => {
    const a = await terminal(t, '-c', `${daemon.ws}/relay/leave`);
    const leaves = daemon.lines('peer.leave').length;
    assert.equal(await a.leave(), 0);
    await daemon.until(() => daemon.lines('peer.leave').length > leaves, 'peer.leave');
  });

  it('is told that the server stops', async (t) => {
    const other = await testDaemon(t);
    const a = await terminal(t, '-c', `${other.ws}/relay`);
    await other.stop();
    await a.sees('Disconnected (code: 1001, reason: "the server is stopping")');
  });
});
