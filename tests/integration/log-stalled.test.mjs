// Whoever reads the log, or does not, cannot stop the service: what does not fit is left out and
// counted, and every line that is there is whole.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { closeSync, constants, mkdirSync, openSync, readFileSync, readSync, unlinkSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { it } from 'node:test';
import { open, openMany } from '../lib/client.mjs';
import { alone, scratch, testDaemon } from '../lib/daemon.mjs';
import { ask } from '../lib/http.mjs';
import { stopwatch } from '../lib/raw.mjs';

const directory = scratch();
const PEERS = 450;
const FULL = 65536 - 4096; // bytes in a pipe that leave room for a few lines

/** A pipe that is read only when asked to; read() gives all that ever came. */
function fifo(name) {
  const path = join(directory, name);
  execFileSync('mkfifo', [path]);
  const fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  const buffer = Buffer.alloc(1 << 16);
  let text = '';
  const read = () => {
    for (;;) {
      try {
        const got = readSync(fd, buffer);
        if (!got) return text;
        text += buffer.toString('latin1', 0, got);
      } catch (error) {
        if (error.code === 'EAGAIN') return text;
        throw error;
      }
    }
  };
  return { path, read, close: () => closeSync(fd) };
}

/** Options for a daemon whose stderr is the pipe, with room for a few lines and nobody to read them. */
function onto(pipe) {
  const script = `head -c ${FULL} /dev/zero | tr '\\000' '\\n' >"$0"; exec "$@" 2>"$0"`;
  return { wrap: ['sh', '-c', script, pipe.path] };
}

/** Fill the pipe to its last byte. */
function fill(pipe) {
  const fd = openSync(pipe.path, constants.O_WRONLY | constants.O_NONBLOCK);
  for (const size of [4096, 1]) {
    try {
      for (;;) writeSync(fd, Buffer.alloc(size, '\n'));
    } catch (error) {
      if (error.code !== 'EAGAIN') throw error;
    }
  }
  closeSync(fd);
}

it('450 connects with stderr on a pipe that nobody reads are served, and the log says what it lacks', alone, async (t) => {
  const pipe = fifo('stderr');
  const daemon = await testDaemon(t, { args: ['--max-peers-per-address', '1000'], ...onto(pipe) });
  const clients = await openMany(`${daemon.ws}/echo`, PEERS);
  assert.equal((await ask({ port: daemon.port }, '/healthz')).status, 200);
  assert.ok(!pipe.read().includes(' conn=449 '), 'the pipe has held everything');
  await Promise.all(clients.map((client) => client.close()));
  await daemon.stop();
  const lines = pipe.read().split('\n').filter(Boolean);
  pipe.close();
  for (const line of lines) assert.match(line, /^\S+Z (info|warn) [a-z.]+( [a-z-]+=\S+)*$/);
  const dropped = lines.map((line) => / warn log\.dropped count=(\d+)$/.exec(line)?.[1]).filter(Boolean);
  const written = lines.filter((line) => line.includes(' peer.')).length;
  assert.ok(dropped.length >= 1 && written < 2 * PEERS, `${written} written`);
  assert.equal(written + dropped.reduce((sum, n) => sum + Number(n), 0), 2 * PEERS);
});

it('a daemon whose log nobody reads answers as fast as when it is read', async (t) => {
  const pipe = fifo('paced');
  const daemon = await testDaemon(t, onto(pipe));
  /** Times in s that /healthz takes while there is much to log. */
  const time = async (read) => {
    const times = [];
    for (let i = 0; i < 50; i++) {
      if (i % 10 === 0) daemon.child.kill('SIGUSR1'); // some dozens of lines
      if (read) pipe.read();
      const taken = stopwatch();
      assert.equal((await ask({ port: daemon.port }, '/healthz')).status, 200);
      times.push(taken());
    }
    return times;
  };
  const p99 = (times) => times.sort((a, b) => a - b)[Math.ceil(times.length * 0.99) - 1];
  const rounds = [];
  do {
    const [quiet, stalled] = [[], []];
    // One process, in turns: two of them would not be given the processor alike on a busy machine.
    for (let turn = 0; turn < 5; turn++) {
      quiet.push(...await time(true));
      fill(pipe);
      stalled.push(...await time(false));
    }
    rounds.push([p99(quiet), p99(stalled)]);
  } while (rounds.length < 3 && rounds.at(-1)[1] > 2 * rounds.at(-1)[0]);
  assert.ok(rounds.at(-1)[1] <= 2 * rounds.at(-1)[0], `p99 in s, quiet and stalled: ${JSON.stringify(rounds)}`);
  await daemon.stop();
  assert.match(pipe.read(), / warn log\.dropped count=\d+\n/);
  pipe.close();
});

it('a pipe is a log-file as well, and may be as full', alone, async (t) => {
  const pipe = fifo('log-file');
  const daemon = await testDaemon(t, { args: ['--log-file', pipe.path] });
  for (let i = 0; i < 600; i++) await (await open(`${daemon.ws}/echo`)).close();
  pipe.read();
  await (await open(`${daemon.ws}/echo`)).close();
  await daemon.stop();
  const lines = pipe.read().split('\n').filter(Boolean);
  pipe.close();
  for (const line of lines) assert.match(line, /^\S+Z (info|warn) [a-z.]+( [a-z-]+=\S+)*$/);
  assert.match(lines[0], / server\.ready /);
  assert.match(lines.at(-1), / server\.stopped /);
  assert.ok(lines.some((line) => line.includes(' log.dropped count=')));
  assert.match(daemon.stderr, /^nakodo: cannot write log-file `[^`]*`: Resource temporarily unavailable; [^\n]*\n$/);
});

it('show-messages waits for no reader, and says how much it left out', async (t) => {
  const daemon = await testDaemon(t, { args: ['--show-messages', '--message-rate', '100000'] });
  const client = await open(`${daemon.ws}/echo`);
  const shown = () => daemon.stdout.split('\n').filter((line) => /^[#(]\d/.test(line));
  await daemon.until(() => shown().length === 1);
  const [peer] = /^#\d+/.exec(shown()[0]); // each worker has numbers of its own
  daemon.child.stdout.pause();
  const count = 4000;
  for (let i = 0; i < count; i++) {
    client.send('x'.repeat(200));
    if (i % 32 === 31) for (let back = 0; back < 32; back++) await client.next();
  }
  daemon.child.stdout.resume();
  let last = count;
  while (!shown().some((line) => line.endsWith(' lines left out)')) && last < 2 * count) {
    await client.send('last').next();
    last++;
  }
  const { show_dropped: dropped, log_dropped: logDropped } = await daemon.meters();
  assert.ok(dropped > 0);
  assert.equal(logDropped, 0);
  await daemon.until(() => shown().length === 1 + last - dropped + 1, 'all that was not left out');
  assert.ok(shown().includes(`(${dropped} lines left out)`));
  const whole = [`${peer} text 4 bytes: last`, `${peer} text 200 bytes: ${'x'.repeat(200)}`, `(${dropped} lines left out)`];
  assert.ok(shown().every((line) => whole.includes(line) || line.startsWith(`${peer} connected from `)));
});

it('a full disk costs lines and nothing else, and the log goes on when there is room', alone, async (t) => {
  const disk = join(directory, 'disk');
  mkdirSync(disk);
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=32k', 'nakodo-test', disk], { stdio: 'pipe' });
  } catch (error) {
    return t.skip(`no file system can be mounted here: ${error.stderr}`);
  }
  t.after(() => execFileSync('umount', ['-l', disk]));
  const path = join(disk, 'log');
  const daemon = await testDaemon(t, { args: ['--log-file', path, '--log-format', 'json'] });
  assert.throws(() => writeFileSync(join(disk, 'other'), Buffer.alloc(1 << 16)), { code: 'ENOSPC' });
  for (let i = 0; i < 60; i++) await (await open(`${daemon.ws}/echo`)).close();
  await daemon.until(() => daemon.stderr.includes('\n'));
  unlinkSync(join(disk, 'other'));
  await (await open(`${daemon.ws}/echo`)).close();
  await daemon.stop();
  assert.match(daemon.stderr, /^nakodo: cannot write log-file `[^`]*`: No space left on device; [^\n]*\n$/);
  const lines = readFileSync(path, 'utf8').split('\n').slice(0, -1).map((line) => JSON.parse(line));
  const [dropped] = lines.filter((line) => line.event === 'log.dropped');
  assert.equal(lines.length - 1 + dropped.count, 2 * 61 + 3); // and server.ready, .stop and .stopped
  assert.equal(lines.at(-1).event, 'server.stopped');
});
