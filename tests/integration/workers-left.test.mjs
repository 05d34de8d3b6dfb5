// Goal: sessions of nakodo.v1 outlive whatever happens to one of several processes while they are handed over: a start that
// fails costs none, what one worker cannot leave costs the others nothing, and what is lost is told.
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { readdirSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { openMany } from '../lib/client.mjs';
import { asWritten, scratch, spawnDaemon, startDaemon, testDaemon } from '../lib/daemon.mjs';
import { manage } from '../lib/manager.mjs';
import { freePorts } from '../lib/ports.mjs';
import { eventually } from '../lib/prometheus.mjs';
import { Session } from '../lib/v1.mjs';
import { ctl, killWorker, roomsByWorker, several, workersOf } from '../lib/workers.mjs';

const many = ['--max-peers-per-address', '0', '--connect-rate', '0'];
const rooms = Array.from({ length: 8 }, (_, i) => `room ${i}`);
/** A command that runs the daemon where no worker can start, since a library is not there. */
const without = ['unshare', '-rm', 'sh', '-c', 'for file in /usr/lib/*/libwebsockets-evlib_uv.so; do mount --bind /dev/null "$file"; done && exec "$@"', 'sh'];
const unshares = spawnSync(without[0], [...without.slice(1), 'true']).status === 0;
/** libwebsockets leaves something of its own behind then. */
const leaky = 'ASAN_OPTIONS=detect_leaks=0';

/** Sessions in rooms of both of two workers, left in a folder; their daemon has ended. */
async function leave() {
  const folder = join(scratch(), 'state');
  const all = ['--workers', '2', '--state-dir', folder, ...many];
  const daemon = await startDaemon({ args: all });
  const sessions = await Promise.all(rooms.map((room) => Session.join(daemon.ws, room)));
  daemon.child.kill('SIGTERM');
  await daemon.endedWell();
  await Promise.all(sessions.map((session) => session.closed));
  assert.equal(daemon.lines('restart.saved', 'sessions=8').length, 1, daemon.stderr);
  return { folder, args: all, sessions };
}

async function resume(daemon, sessions) {
  for (const session of sessions) session.base = daemon.ws;
  const firsts = await Promise.all(sessions.map((session) => session.connect()));
  assert.deepEqual(firsts.map(({ type }) => type), sessions.map(() => 'resumed'));
}

async function areBack(t, { folder, args, sessions }) {
  const daemon = await testDaemon(t, { args });
  await resume(daemon, sessions);
  assert.equal(daemon.lines(' warn ').length, 0, daemon.stderr);
  await Promise.all(sessions.map((session) => session.bye()));
  await daemon.stop();
  assert.equal(daemon.lines('restart.kept').length, 0, daemon.stderr);
  assert.deepEqual(readdirSync(folder), []);
}

const isOpen = (port) => new Promise((done) => {
  const socket = connect(port, '127.0.0.1', () => { socket.destroy(); done(true); });
  socket.on('error', () => done(false));
});

describe('a start with workers', () => {
  it('that a SIGTERM for all processes ends costs no session', async (t) => {
    const left = await leave();
    const daemon = spawnDaemon({ args: left.args });
    const workers = await eventually(() => workersOf(daemon).length === 2 && workersOf(daemon), 'two workers');
    for (const pid of [...workers, daemon.pid]) process.kill(pid, 'SIGTERM');
    await daemon.endedWell();
    assert.equal(daemon.lines('worker.ended').length, 0, daemon.stderr);
    await areBack(t, left);
  });

  it('of which one ends that has taken over its sessions, before another has, costs none of them', async (t) => {
    const left = await leave();
    const path = join(scratch(), 'ctl');
    const daemon = spawnDaemon({ args: [...left.args, '--ctl', path] });
    let workers;
    do await new Promise(setImmediate); while (!(workers = workersOf(daemon))[1]);
    process.kill(workers[1], 'SIGSTOP');
    await eventually(() => Promise.any(rooms.map((room) => ctl(path, 'unlock', room))).catch(() => undefined), 'that the first one serves');
    process.kill(workers[0], 'SIGKILL');
    await daemon.logged('worker.ended', 'worker=1');
    assert.doesNotMatch(daemon.stdout, /is ready/); // the second one was stopped in time
    process.kill(workers[1], 'SIGCONT');
    await daemon.ready();
    await resume(daemon, left.sessions);
    await Promise.all(left.sessions.map((session) => session.bye()));
    assert.equal(daemon.lines(' warn ').length, 0, daemon.stderr);
    await daemon.stop();
  });

  it('that cannot be ends the daemon with a sentence, and costs no session', { skip: !unshares }, async (t) => {
    const left = await leave();
    const broken = spawnDaemon({ args: left.args, wrap: ['env', leaky, ...without] });
    assert.equal(await broken.exit(), 1, broken.stderr);
    broken.checkSanitizers();
    assert.equal(broken.lines('restart.kept').length, 1, broken.stderr);
    assert.match(broken.stderr, /^nakodo: cannot start: worker [12] ends as soon as it is started$/m);
    await areBack(t, left);
  });

  it('that cannot be costs no session that systemd keeps either', { skip: !unshares }, async (t) => {
    const manager = await manage(t, ['--workers', '2', ...many]);
    const sessions = await Promise.all(rooms.map((room) => Session.join(manager.ws, room)));
    assert.deepEqual(await manager.stop(), { exit: 0, stored: 1 });
    for (let i = 0; i < 2; i++) {
      const failed = await manager.start([], () => manager.event('exit'), ['env', leaky, ...without]);
      assert.deepEqual(failed, { exit: 1, stored: 1 });
    }
    await manager.start();
    await Promise.all(sessions.map((session) => session.closed));
    const firsts = await Promise.all(sessions.map((session) => session.connect()));
    assert.deepEqual(firsts.map(({ type }) => type), sessions.map(() => 'resumed'));
    await Promise.all(sessions.map((session) => session.bye()));
  });
});

/** The lowest number that the process could give to a descriptor. */
function lowestFree(pid) {
  const used = new Set(readdirSync(`/proc/${pid}/fd`));
  for (let i = 0; ; i++) if (!used.has(`${i}`)) return i;
}

const limit = (pid, what) => execFileSync('prlimit', ['--pid', String(pid), ...what]);

/** Two workers with a session each, [that of the first, that of the second]. */
async function two(t) {
  const args = ['--state-dir', join(scratch(), 'state')];
  const daemon = await several(t, 2, [...args, '--drain-seconds', '60']);
  const names = (await roomsByWorker(`${daemon.ws}/v1`, daemon.ctl, 2)).flat();
  const sessions = await Promise.all(names.map((room) => Session.join(daemon.ws, room)));
  return { daemon, sessions, args: ['--workers', '2', ...many, ...args] };
}

async function onlySecondIsBack(t, { daemon, sessions, args }) {
  await daemon.endedWell();
  await Promise.all(sessions.map((session) => session.closed));
  assert.equal(daemon.lines('restart.saved', 'sessions=1').length, 1, daemon.stderr);
  const next = await testDaemon(t, { args });
  for (const session of sessions) session.base = next.ws;
  assert.equal((await sessions[0].connect()).recovered, false);
  assert.equal((await sessions[1].connect()).type, 'resumed');
  await Promise.all(sessions.map((session) => session.bye()));
}

describe('at the end of a daemon with workers', () => {
  it('one that cannot write what it leaves is told, and costs its own sessions alone', async (t) => {
    const all = await two(t);
    limit(workersOf(all.daemon)[0], ['--fsize=64']);
    all.daemon.child.kill('SIGTERM');
    await onlySecondIsBack(t, all);
    assert.equal(all.daemon.lines(' warn restart.not-saved ', 'worker=1').length, 1, all.daemon.stderr);
  });

  it('one that hangs takes no goodbye from those of the others, and no session', async (t) => {
    const args = ['--state-dir', join(scratch(), 'state'), '--drain-seconds', '0'];
    const daemon = await several(t, 2, args);
    const names = (await roomsByWorker(`${daemon.ws}/v1`, daemon.ctl, 2)).flat();
    const sessions = await Promise.all(names.map((room) => Session.join(daemon.ws, room)));
    const [hangs] = workersOf(daemon);
    process.kill(hangs, 'SIGSTOP');
    daemon.child.kill('SIGTERM');
    assert.equal((await sessions[1].closed).code, 1001);
    process.kill(hangs, 'SIGCONT');
    assert.equal((await sessions[0].closed).code, 1001);
    await daemon.endedWell();
    assert.equal(daemon.lines('restart.saved', 'sessions=2').length, 1, daemon.stderr);
    const next = await testDaemon(t, { args: ['--workers', '2', ...many, ...args] });
    await resume(next, sessions);
    await Promise.all(sessions.map((session) => session.bye()));
  });

  it('one that is killed is told, and costs its own sessions alone', async (t) => {
    const all = await two(t);
    const echo = await openMany(`${all.daemon.ws}/echo`, 200); // so that it takes some time
    all.daemon.child.kill('SIGTERM');
    await all.daemon.logged('server.stop', 'how=draining');
    process.kill(workersOf(all.daemon)[0], 'SIGKILL');
    await all.daemon.logged('worker.ended', 'worker=1', 'signal=9', 'its sessions are lost');
    all.daemon.child.kill('SIGTERM');
    await onlySecondIsBack(t, all);
    await Promise.all(echo.map((client) => client.closed));
  });
});

describe('a reload', () => {
  it('that fails in one worker costs its connections and no session, then and later', async (t) => {
    const { daemon, sessions, args } = await two(t);
    const [pid] = workersOf(daemon);
    limit(pid, [`--nofile=${lowestFree(pid)}`]);
    await daemon.reload();
    await daemon.logged('worker.ended', 'worker=1');
    await sessions[0].closed;
    assert.equal((await eventually(() => sessions[0].connect().catch(() => undefined), 'that it is back')).type, 'resumed');
    await sessions[0].bye();
    daemon.child.kill('SIGTERM');
    await daemon.endedWell();
    await sessions[1].closed;
    assert.equal(daemon.lines('restart.saved', 'sessions=1').length, 1, daemon.stderr);
    const next = await testDaemon(t, { args });
    sessions[1].base = next.ws;
    assert.equal((await sessions[1].connect()).type, 'resumed');
    await sessions[1].bye();
  });

  it('is that of what the first process has read, whatever the file says by the time a worker takes it', async (t) => {
    const [port, other] = await freePorts(2);
    const config = join(scratch(), 'nakodo.conf');
    const lines = (...more) => writeFileSync(config, ['workers = 2', `listen = 127.0.0.1:${port}`, 'max-peers-per-address = 0', ...more, ''].join('\n'));
    lines();
    const daemon = await testDaemon(t, { args: ['--config', config, ...asWritten], bare: true });
    const clients = await openMany(`${daemon.ws}/echo`, 20);
    const [pid] = workersOf(daemon);
    process.kill(pid, 'SIGSTOP');
    lines(`listen = 127.0.0.1:${other}`);
    const done = daemon.reload();
    await eventually(() => isOpen(other), 'that the first process has taken it');
    lines('this is no option');
    process.kill(pid, 'SIGCONT');
    assert.match(await done, /reload\.done/);
    for (const client of clients) {
      client.send('x');
      assert.equal(await client.next(), 'x');
      await client.close();
    }
    assert.equal(daemon.lines('worker.ended').length, 0, daemon.stderr);
  });

  it('may raise max-peers to what it was at the start, also for a worker that was started while it was lower', async (t) => {
    const config = join(scratch(), 'nakodo.conf');
    const say = (peers) => writeFileSync(config, `max-peers = ${peers}\n`);
    say(1000);
    const daemon = await several(t, 2, ['--config', config]);
    say(10);
    assert.match(await daemon.reload(), /reload\.done .*max-peers=10 /);
    await killWorker(daemon, 0);
    say(1000);
    assert.match(await daemon.reload(), /reload\.done .*max-peers=1000 /);
    const clients = await openMany(`${daemon.ws}/echo`, 20);
    await Promise.all(clients.map((client) => client.close()));
    assert.equal(daemon.lines('worker.ended').length, 1, daemon.stderr);
  });
});
