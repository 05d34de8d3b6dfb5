// Goal: a restart costs nobody of nakodo.v1 anything: nobody is refused, each is who it was, and not one
// message is lost, doubled or out of order. What cannot be taken over is one warning.
//
// CLIENTS=2000 and SEED=… set how many and how; the seed is printed.
import assert from 'node:assert/strict';
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { openMany } from '../lib/client.mjs';
import { asWritten, runDaemon, scratch, spawnDaemon, startDaemon, testDaemon } from '../lib/daemon.mjs';
import { manage } from '../lib/manager.mjs';
import { notifySocket } from '../lib/notify.mjs';
import { Session } from '../lib/v1.mjs';
import { crowd, settle } from '../lib/v1-talk.mjs';

const CLIENTS = Number(process.env.CLIENTS ?? 200);
const ROOM = 10;
const SEED = Number(process.env.SEED ?? Math.floor(Math.random() * 2 ** 31));
const WITHIN = 10000; // ms
const directory = scratch();
let folders = 0;
/** The path of a folder that there is not yet. */
const folder = () => join(directory, String(++folders));
/** All clients are one process here, which may take long until it says what it wants. */
const many = ['--max-peers-per-address', '0', '--connect-rate', '0', '--handshake-timeout', '60'];

describe(`a restart while all talk (SEED=${SEED})`, () => {
  it('nobody is refused, all are back within 10 s, and nothing is lost, doubled or out of order', async (t) => {
    const manager = await manage(t, many);
    const all = await crowd(manager.ws, CLIENTS, ROOM, SEED);
    const talks = all.map((talker) => talker.talk(1000));
    const delay = monitorEventLoopDelay();
    delay.enable();
    for (let i = 1; i <= 3; i++) {
      await sleep(1000);
      await manager.restart();
      const late = AbortSignal.timeout(3 * WITHIN);
      while (!all.every((talker) => talker.absences.length === i || talker.faults.length)) {
        late.throwIfAborted();
        await sleep(50);
      }
    }
    await settle(all);
    const longest = Math.max(...all.flatMap((talker) => talker.absences));
    t.diagnostic(`${CLIENTS} clients, 3 restarts, ${all.reduce((sum, talker) => sum + talker.said, 0)} messages, the longest absence ${longest} ms, of which this process may have been late by ${Math.round(delay.max / 1e6)} ms`);
    assert.ok(longest < WITHIN, `away for ${longest} ms`);
    await Promise.all(talks);
    await Promise.all(all.map((talker) => talker.leave()));
  });

  it('a next process that cannot start costs nothing', async (t) => {
    const manager = await manage(t, many);
    const all = await crowd(manager.ws, 20, ROOM, SEED);
    const talks = all.map((talker) => talker.talk(100));
    await sleep(300);
    assert.deepEqual(await manager.stop(), { exit: 0, stored: 1 });
    const failed = await manager.start(['--listen', '192.0.2.1:0'], () => manager.event('exit'));
    assert.deepEqual(failed, { exit: 1, stored: 1 });
    await manager.start();
    await settle(all);
    await Promise.all(talks);
    await Promise.all(all.map((talker) => talker.leave()));
    assert.match(manager.stderr, /restart\.restored.* sessions=20 /);
    assert.deepEqual(await manager.stop(), { exit: 0, stored: 0 }, 'nothing lies there when nobody is left');
    await manager.start();
  });

  it('a process that is killed leaves nothing that is out of date', async (t) => {
    const manager = await manage(t);
    const session = await Session.join(manager.ws, 'r');
    await manager.stop();
    await session.closed;
    await manager.start();
    assert.equal((await session.connect()).type, 'resumed');
    assert.deepEqual(await manager.stop('SIGKILL'), { exit: -9, stored: 0 });
    await session.closed;
    await manager.start();
    assert.equal((await session.connect()).recovered, false);
    await session.bye();
  });

  it('a systemd that takes long costs nobody time to come back', async (t) => {
    const manager = await manage(t, ['--resume-seconds', '8']);
    const session = await Session.join(manager.ws, 'r');
    await manager.stop();
    await session.closed;
    manager.behave({ slow: 4 });
    await manager.start();
    assert.equal((await session.connect()).type, 'resumed');
    await session.bye();
  });

  it('a systemd that keeps what it should not costs nobody a session', async (t) => {
    const manager = await manage(t);
    manager.behave({ deaf: true });
    const session = await Session.join(manager.ws, 'r');
    for (const stored of [1, 3]) { // what is saved; and before it that of the restart before, with its mark
      assert.deepEqual(await manager.stop(), { exit: 0, stored });
      await session.closed;
      await manager.start();
      assert.equal((await session.connect()).type, 'resumed');
    }
    assert.doesNotMatch(manager.stderr, / warn /);
    manager.behave({ deaf: false });
    await session.bye();
  });
});

describe('in state-dir', () => {
  /** A daemon with a session whose client was sent away, and the folder. */
  async function leave() {
    const state = folder();
    const args = ['--state-dir', state];
    const daemon = await startDaemon({ args });
    const session = await Session.join(daemon.ws, 'r', { name: 'A' });
    session.send({ type: 'chat', text: 'hello' });
    await session.taken();
    daemon.child.kill('SIGTERM');
    await daemon.endedWell();
    await session.closed;
    return { args, session, file: join(state, 'nakodo.sessions') };
  }

  async function comesBack(t, { args, session, file }) {
    const daemon = await testDaemon(t, { args });
    assert.ok(!existsSync(file), 'it lies there no more');
    session.base = daemon.ws;
    const first = await session.connect();
    const other = await Session.join(daemon.ws, 'r');
    const { history } = other.first;
    await Promise.all([session.bye(), other.bye()]);
    return { daemon, first, history };
  }

  it('is a file that nobody else may read, and the next process goes on', async (t) => {
    const left = await leave();
    assert.equal(statSync(left.file).mode & 0o777, 0o600);
    assert.equal(statSync(join(left.file, '..')).mode & 0o777, 0o700);
    assert.ok(!readFileSync(left.file, 'latin1').includes(left.session.session), 'the token that resumes');
    const { daemon, first, history } = await comesBack(t, left);
    assert.equal(first.type, 'resumed');
    assert.deepEqual(history.map(({ name, text }) => ({ name, text })), [{ name: 'A', text: 'hello' }]);
    await daemon.logged('restart.restored', 'sessions=1');
    assert.equal((await daemon.meters()).sessions_restored, 1);
    await daemon.stop();
    assert.deepEqual(readdirSync(join(left.file, '..')), [], 'all have left');
  });

  it('two SIGTERMs lose nothing either', async (t) => {
    const args = ['--state-dir', folder()];
    const daemon = await startDaemon({ args });
    const session = await Session.join(daemon.ws, 'r');
    const echo = await openMany(`${daemon.ws}/echo`, 30);
    daemon.child.kill('SIGTERM');
    await daemon.logged('server.stop', 'how=draining');
    daemon.child.kill('SIGTERM');
    await daemon.endedWell();
    await Promise.all([session.closed, ...echo.map((client) => client.closed)]);
    const next = await testDaemon(t, { args });
    session.base = next.ws;
    assert.equal((await session.connect()).type, 'resumed');
    await session.bye();
  });

  for (const [what, spoil] of [
    ['something else', (file) => writeFileSync(file, 'nakodo saved 02\nand more of it')],
    ['nothing', (file) => writeFileSync(file, '')],
    ['cut', (file, bytes) => writeFileSync(file, bytes.subarray(0, -1))],
    ['changed', (file, bytes) => writeFileSync(file, Buffer.from(bytes.map((byte, i) => (i === bytes.length >> 1 ? byte ^ 1 : byte))))],
    ['open to others', (file) => chmodSync(file, 0o644)],
  ]) {
    it(`what is ${what} is one warning, and a clean start`, async (t) => {
      const left = await leave();
      spoil(left.file, readFileSync(left.file));
      const { daemon, first } = await comesBack(t, left);
      assert.equal(first.type, 'welcome');
      assert.equal(first.recovered, false);
      assert.equal(daemon.lines(' warn ').length, 1, daemon.stderr);
      assert.equal(daemon.lines('restart.refused').length, 1, daemon.stderr);
      assert.equal((await daemon.meters()).saved_refused, 1);
    });
  }

  it('what an earlier start could not read costs nothing beside a newer one, and is kept', async (t) => {
    const left = await leave();
    writeFileSync(`${left.file}.restoring`, 'old');
    const { daemon, first } = await comesBack(t, left);
    assert.equal(first.type, 'resumed');
    assert.equal(daemon.lines(' warn ').length, 1, daemon.stderr);
    assert.equal(daemon.lines('restart.ignored', 'the start before this one ended while it read it').length, 1, daemon.stderr);
    assert.equal(daemon.lines('restart.restored', 'sessions=1').length, 1, daemon.stderr);
    assert.equal((await daemon.meters()).saved_refused, 0);
    assert.deepEqual(readdirSync(join(left.file, '..')), ['nakodo.sessions.failed']);
  });

  it('what was kept of a start that failed is gone with the next restart that goes well', async (t) => {
    const left = await leave();
    writeFileSync(`${left.file}.failed`, 'old');
    const { daemon, first } = await comesBack(t, left);
    assert.equal(first.type, 'resumed');
    assert.equal(daemon.lines(' warn ').length, 0, daemon.stderr);
    assert.deepEqual(readdirSync(join(left.file, '..')), []);
  });

  it('where no file can be, the daemon says so and does not start', async () => {
    const file = folder();
    writeFileSync(file, '');
    for (const check of [[], ['--check']]) {
      const { status, stderr } = await runDaemon([...check, ...asWritten, '--state-dir', file]);
      assert.equal(status, 2);
      assert.equal(stderr, `nakodo: --state-dir: cannot keep sessions in \`${file}\`: Not a directory\n`);
    }
  });

  it('--check makes no folder, and a start does', async () => {
    const state = folder();
    assert.equal((await runDaemon(['--check', ...asWritten, '--state-dir', state])).status, 0);
    assert.equal(existsSync(state), false);
    await (await startDaemon({ args: ['--state-dir', state] })).stop();
    assert.equal(existsSync(state), true);
  });

  it('a directory where the new file would be made costs nobody a session', async (t) => {
    const state = folder();
    const args = ['--state-dir', state];
    const daemon = await startDaemon({ args });
    const session = await Session.join(daemon.ws, 'r');
    mkdirSync(join(state, 'nakodo.sessions.new'));
    daemon.child.kill('SIGTERM');
    await daemon.endedWell();
    await session.closed;
    const { first } = await comesBack(t, { args, session, file: join(state, 'nakodo.sessions') });
    assert.equal(first.type, 'resumed');
    assert.deepEqual(readdirSync(state), ['nakodo.sessions.new']);
  });

  it('a folder that cannot be written any more is a warning at the end', async () => {
    const state = folder();
    const daemon = await startDaemon({ args: ['--state-dir', state] });
    mkdirSync(join(state, 'nakodo.sessions')); // a file cannot take its place
    const session = await Session.join(daemon.ws, 'r');
    daemon.child.kill('SIGTERM');
    await daemon.endedWell();
    await session.closed;
    assert.equal(daemon.lines('restart.not-saved').length, 1, daemon.stderr);
  });
});

describe('on the way out', () => {
  it('who goes on is sent away last', async () => {
    const daemon = spawnDaemon({ args: ['--state-dir', folder(), '--drain-seconds', '2'] });
    await daemon.ready();
    const echo = await openMany(`${daemon.ws}/echo`, 40);
    const session = await Session.join(daemon.ws, 'r');
    const ends = [];
    for (const client of echo) client.closed.then(() => ends.push('echo'));
    session.closed.then(() => ends.push('session'));
    daemon.child.kill('SIGTERM');
    await daemon.endedWell();
    await Promise.all([session.closed, ...echo.map((client) => client.closed)]);
    assert.ok(ends.indexOf('session') >= 38, ends.join(' '));
  });

  it('systemd is asked for as much time as it may take', async (t) => {
    const systemd = await notifySocket(t);
    const daemon = await startDaemon({ env: systemd.env, args: ['--drain-seconds', '600'] });
    daemon.child.kill('SIGTERM');
    const asked = Number((await systemd.next('STOPPING')).EXTEND_TIMEOUT_USEC);
    assert.ok(asked >= 605e6 && asked <= 660e6, String(asked));
    await daemon.endedWell();
  });
});
