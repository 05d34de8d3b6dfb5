// Goal: what a process has left is read by the next one without being in memory twice, and ends no more than one start.
import assert from 'node:assert/strict';
import { existsSync, readFileSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { alone, scratch, spawnDaemon, startDaemon, testDaemon } from '../lib/daemon.mjs';
import { manage } from '../lib/manager.mjs';
import { Session } from '../lib/v1.mjs';

const MIB = 1 << 20;
const args = ['--max-message', '4MiB', '--send-queue', '8MiB', '--resume-bytes', '128MiB', '--max-memory', '1GiB', '--byte-rate', '0'];
/** The allocator as it may be set: with more than so many MiB at once the process ends, or, if `gently`, there are none. */
const bounded = (mib, gently) => ({ ASAN_OPTIONS: `max_allocation_size_mb=${mib}:allocator_may_return_null=${Number(gently)}` });

/** Two of a room, one of whom is away, and six messages of 3 MiB wait for it. */
async function prepare(ws) {
  const [away, session] = [await Session.join(ws, 'r'), await Session.join(ws, 'r')];
  away.ws.close(4000);
  await away.closed;
  for (let i = 0; i < 6; i++) session.send({ type: 'x', text: `${i}`.repeat(3 * MIB) });
  await session.until(() => !session.pending, 'that all is taken', 20000);
  return { away, session };
}

async function leaveInFolder() {
  const folder = join(scratch(), 'state');
  const all = ['--state-dir', folder, ...args];
  const daemon = await startDaemon({ args: all });
  const { away, session } = await prepare(daemon.ws);
  daemon.child.kill('SIGTERM');
  await daemon.endedWell();
  await session.closed;
  return { folder, args: all, away, session };
}

test('what is larger than what may be allocated at once is taken over', { timeout: 60000 }, async (t) => {
  const left = await leaveInFolder();
  const { size } = statSync(join(left.folder, 'nakodo.sessions'));
  assert.ok(size > 16 * MIB, `${size} bytes`);
  const daemon = await testDaemon(t, { args: left.args, env: bounded(8, true) });
  await daemon.logged('restart.restored', 'sessions=2');
  assert.equal(daemon.lines(' warn ').length, 0, daemon.stderr);
  left.away.base = daemon.ws;
  assert.equal((await left.away.connect()).type, 'resumed');
  for (let i = 0; i < 6; i++) assert.ok((await left.away.find('x')).text === `${i}`.repeat(3 * MIB), `message ${i}`);
  await left.away.bye();
});

// With workers it is they who read it, and the first process goes on: that is the test after it.
test('a start that ends while it reads the file is the last that does, and the file is kept', { ...alone, timeout: 60000 }, async (t) => {
  const left = await leaveInFolder();
  const bytes = readFileSync(join(left.folder, 'nakodo.sessions'));
  const crashed = spawnDaemon({ args: left.args, env: bounded(2, false) });
  assert.notEqual(await crashed.exit(), 0);
  assert.match(crashed.stderr, /allocation-size-too-big|exceeds maximum/);
  const daemon = await testDaemon(t, { args: left.args, env: bounded(2, false) });
  assert.equal(daemon.lines(' warn ').length, 1, daemon.stderr);
  assert.equal(daemon.lines('restart.refused', 'the start before this one ended while it read it').length, 1, daemon.stderr);
  left.session.base = daemon.ws;
  assert.equal((await left.session.connect()).type, 'welcome');
  await left.session.bye();
  assert.deepEqual(readdirSync(left.folder), ['nakodo.sessions.failed']);
  assert.ok(bytes.equals(readFileSync(join(left.folder, 'nakodo.sessions.failed'))));
  assert.ok(!existsSync(join(left.folder, 'nakodo.sessions')));
});

test('workers that end while they read it cost the sessions of their rooms, once, and the file is kept', { timeout: 60000 }, async (t) => {
  const left = await leaveInFolder();
  const bytes = readFileSync(join(left.folder, 'nakodo.sessions'));
  const several = { args: [...left.args, '--workers', '2'], env: bounded(2, false) };
  const daemon = spawnDaemon(several);
  t.after(() => daemon.child.kill('SIGKILL'));
  await daemon.ready();
  assert.equal(daemon.lines('worker.ended').length, 2, daemon.stderr); // each reads all messages
  assert.equal(daemon.lines('restart.refused', 'it ended while it read it').length, 2, daemon.stderr);
  left.session.base = daemon.ws;
  assert.equal((await left.session.connect()).type, 'welcome');
  await left.session.bye();
  assert.deepEqual(readdirSync(left.folder), ['nakodo.sessions.failed']);
  assert.ok(bytes.equals(readFileSync(join(left.folder, 'nakodo.sessions.failed'))));
  daemon.child.kill('SIGTERM');
  assert.equal(await daemon.exit(), 0);
});

test('a start that ends while it reads what systemd keeps is the last that does', { ...alone, timeout: 60000 }, async (t) => {
  const manager = await manage(t, args);
  const { session } = await prepare(manager.ws);
  assert.deepEqual(await manager.stop(), { exit: 0, stored: 1 });
  const wrap = ['env', `ASAN_OPTIONS=${bounded(2, false).ASAN_OPTIONS}`];
  const { exit, stored } = await manager.start([], () => manager.event('exit'), wrap);
  assert.notEqual(exit, 0);
  assert.equal(stored, 2, 'the sessions and the mark');
  const crash = manager.stderr;
  manager.stderr = '';
  assert.match(crash, /allocation-size-too-big|exceeds maximum/);
  await manager.start([], undefined, wrap);
  await session.closed;
  assert.equal((await session.connect()).type, 'welcome');
  await session.bye();
  assert.equal(manager.stderr.match(/ warn /g).length, 1, manager.stderr);
  assert.match(manager.stderr, /restart\.refused .*the start before this one ended while it read it/);
  assert.deepEqual(await manager.stop(), { exit: 0, stored: 0 });
  await manager.start();
});
