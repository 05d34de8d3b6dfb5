// Goal: an administrator asks the daemon that runs who is there and has things done, by `nakodo ctl` or by lines on
// its socket; nobody else may, and whatever comes there harms nobody.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, existsSync, statSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';
import { describe, it } from 'node:test';
import { open, openMany } from '../lib/client.mjs';
import { asWritten, binary, runDaemon, scratch, startDaemon, testDaemon } from '../lib/daemon.mjs';
import { eventually } from '../lib/prometheus.mjs';
import { refusal, Session } from '../lib/v1.mjs';

const directory = scratch();
let sockets = 0;
const many = ['--max-peers-per-address', '0', '--connect-rate', '0', '--max-peers-per-room', '1000'];

/** A daemon with a socket for ctl: [daemon, path]. */
async function controlled(t, ...args) {
  const path = join(directory, `ctl${++sockets}`);
  return [await testDaemon(t, { args: ['--ctl', path, ...args] }), path];
}

const ctl = (path, ...words) => runDaemon(['ctl', '--socket', path, ...words]);

/** What `--json` prints, line by line. */
async function listed(path, ...words) {
  const { status, stdout, stderr } = await ctl(path, '--json', ...words);
  assert.equal(status, 0, stderr);
  return stdout.split('\n').filter(Boolean).map((line) => JSON.parse(line));
}

/** Send these bytes and read lines until the last one of an answer, or the end. */
async function say(path, bytes) {
  const socket = connect(path);
  const lines = [];
  socket.on('error', () => {}).write(bytes);
  for await (const line of createInterface({ input: socket })) {
    lines.push(JSON.parse(line));
    if ('ok' in lines.at(-1)) break;
  }
  socket.destroy();
  return lines;
}

describe('nakodo ctl', () => {
  it('shows how the daemon is', async (t) => {
    const [daemon, path] = await controlled(t);
    await open(`${daemon.ws}/relay/a`);
    const [status] = await listed(path, 'status');
    assert.equal(status.state, 'ready');
    assert.equal(status.pid, daemon.pid);
    assert.equal(status.peers, 1);
    assert.equal(status.rooms, 1);
    assert.ok(status.memory > 0 && status.memory < status.max_memory);
    assert.match((await ctl(path, 'status')).stdout, /^state +ready$/m);
  });

  it('lists rooms and who is in them, sessions of nakodo.v1 too', async (t) => {
    const [daemon, path] = await controlled(t);
    await open(`${daemon.ws}/relay/team`);
    await open(`${daemon.ws}/relay/team`);
    const one = await Session.join(daemon.ws, 'v');
    await open(`${daemon.ws}/echo`);
    assert.deepEqual((await listed(path, 'rooms')).map(({ mount, room, members }) => `${mount} ${room} ${members}`).sort(),
      ['/relay team 2', '/v1 v 1']);
    const peers = await listed(path, 'peers');
    assert.equal(peers.length, 4);
    assert.deepEqual(peers.filter((peer) => peer.room === 'v').map(({ id, address }) => [id, address]), [[one.id, '127.0.0.1']]);
    assert.equal((await listed(path, 'peers', 'team')).length, 2);
    assert.match((await ctl(path, 'peers', 'team')).stdout, /^ +PEER .*\n( +\d+ {2}127\.0\.0\.1 +\/relay .*team\n){2}$/);
    assert.deepEqual(await listed(path, 'peers', 'nobody'), []);
  });

  it('sends a peer away, which cannot resume', async (t) => {
    const [daemon, path] = await controlled(t);
    const one = await Session.join(daemon.ws, 'v');
    const other = await Session.join(daemon.ws, 'v');
    const [{ peer }] = (await listed(path, 'peers')).filter(({ id }) => id === one.id);
    assert.equal((await ctl(path, 'kick', String(peer))).status, 0);
    assert.equal((await other.find('peer-left')).reason, 'kicked');
    assert.deepEqual(await one.find('error'), { type: 'error', code: 'kicked', message: 'An administrator has removed you from this room.' });
    assert.equal((await listed(path, 'peers')).length, 1);
    assert.equal((await daemon.meters()).closed_4403, 1);
    const again = await ctl(path, 'kick', String(peer));
    assert.equal(again.status, 1);
    assert.match(again.stderr, new RegExp(`^nakodo: there is no peer ${peer}$`, 'm'));
    assert.match((await ctl(path, 'kick', 'alice')).stderr, /by its number/);
  });

  it('locks a room, which says so to those inside, and opens it', async (t) => {
    const [daemon, path] = await controlled(t);
    const one = await Session.join(daemon.ws, 'vw');
    assert.equal((await ctl(path, 'lock', 'vw')).status, 0);
    assert.deepEqual(await one.find('lock'), { type: 'lock', locked: true });
    assert.deepEqual(await refusal(daemon.ws, '/v1/vw?name=C'), { code: 'room-locked', close: 4403 });
    assert.equal((await ctl(path, 'unlock', 'vw')).status, 0);
    assert.deepEqual(await one.find('lock'), { type: 'lock', locked: false });
    await Session.join(daemon.ws, 'vw');
    await open(`${daemon.ws}/relay/team`);
    for (const room of ['team', 'nowhere']) {
      const { status, stderr } = await ctl(path, 'lock', room);
      assert.equal(status, 1);
      assert.match(stderr, /nobody is in such a room of nakodo\.v1/);
    }
  });

  it('shows each second what goes on, as rows or as JSON, until a signal', async (t) => {
    const [daemon, path] = await controlled(t, '--listen', 'localhost:0?metrics');
    const client = await open(`${daemon.ws}/echo`);
    const watched = (...words) => {
      const child = spawn(binary, ['ctl', '--socket', path, ...words, 'top'], { stdio: ['ignore', 'pipe', 'inherit'] });
      t.after(() => child.kill('SIGKILL'));
      return [child, once(child, 'close'), createInterface({ input: child.stdout })[Symbol.asyncIterator]()];
    };
    const [rows, rowsEnd, row] = watched();
    const titles = (await row.next()).value.trim().split(/\s+/);
    for (let i = 0; i < 50; i++) client.send('hello');
    let now;
    do {
      now = Object.fromEntries((await row.next()).value.trim().split(/\s+/).map((cell, i) => [titles[i], Number(cell)]));
    } while (!now['IN/s']);
    assert.deepEqual([now.PEERS, now.ROOMS, now['REFUSED/s']], [1, 0, 0]);
    assert.ok(now['OUT/s'] > 0 && now['BYTES-IN/s'] > now['IN/s'], JSON.stringify(now));
    assert.ok(now.MIB < now['OF-MIB'] && now['TURN-MS'] >= 0, JSON.stringify(now));
    rows.kill('SIGINT');
    assert.deepEqual(await rowsEnd, [0, null]);
    const [json, jsonEnd, line] = watched('--json');
    const [one, two] = [JSON.parse((await line.next()).value), JSON.parse((await line.next()).value)];
    assert.deepEqual([one.messages_in, two.bytes_in, two.pid], [50, 250, daemon.pid]);
    assert.ok(two.turns > one.turns);
    json.kill('SIGSTOP');
    json.kill('SIGTERM');
    json.kill('SIGCONT');
    assert.deepEqual(await jsonEnd, [0, null]);
  });

  it('shows it on a terminal, which q gives back as it was', async (t) => {
    const [, path] = await controlled(t);
    const script = spawn('script', ['-qefc', `stty -g; ${binary} ctl --socket ${path} top; echo $?; stty -g`, '/dev/null'], { stdio: 'pipe' });
    t.after(() => script.kill('SIGKILL'));
    let seen = '';
    for await (const bytes of script.stdout) {
      if (!seen.includes('q ends') && `${seen}${bytes}`.includes('q ends')) script.stdin.write('q');
      seen += bytes;
    }
    const lines = seen.trim().split('\r\n');
    assert.match(seen, /nakodo is ready.*peers +0 of \d+.*memory +\d+\.\d of/s);
    assert.equal(lines.at(-2), '0');
    assert.equal(lines.at(-1), lines[0]);
  });

  it('ends with a sentence when the daemon goes', async (t) => {
    const [daemon, path] = await controlled(t);
    const child = spawn(binary, ['ctl', '--socket', path, '--json', 'top'], { stdio: ['ignore', 'pipe', 'pipe'] });
    const [end, stderr] = [once(child, 'exit'), text(child.stderr)];
    await once(child.stdout, 'data');
    await daemon.stop();
    assert.deepEqual(await end, [1, null]);
    assert.match(await stderr, /has gone before its answer was complete/);
  });

  it('changes the log level', async (t) => {
    const [daemon, path] = await controlled(t);
    await ctl(path, 'log-level', 'error');
    await daemon.logged('ctl.log-level', 'level=error');
    await open(`${daemon.ws}/relay/a`);
    await ctl(path, 'log-level', 'info');
    await open(`${daemon.ws}/relay/b`);
    await daemon.logged('peer.open');
    assert.equal(daemon.lines('peer.open').length, 1);
    assert.match((await ctl(path, 'log-level', 'loud')).stderr, /one of error, warn, info and debug/);
  });

  it('reloads, and says what was wrong', async (t) => {
    const config = join(directory, 'conf');
    writeFileSync(config, 'max-peers = 7\n');
    const [, path] = await controlled(t, '--config', config);
    writeFileSync(config, 'max-peers = 5\n');
    assert.equal((await ctl(path, 'reload')).status, 0);
    assert.equal((await listed(path, 'status'))[0].max_peers, 5);
    writeFileSync(config, 'max-peers = many\n');
    const { status, stderr } = await ctl(path, 'reload');
    assert.equal(status, 1);
    assert.match(stderr, /conf:1/);
    assert.equal((await listed(path, 'status'))[0].max_peers, 5);
  });

  it('stops it gently, and the socket is gone', async (t) => {
    const [daemon, path] = await controlled(t);
    const peer = await open(`${daemon.ws}/relay/a`);
    assert.equal((await ctl(path, 'drain')).status, 0);
    assert.equal((await peer.closed).code, 1001);
    await daemon.endedWell();
    assert.ok(!existsSync(path));
  });

  it('says what to do if nobody is there, or if it may not', async () => {
    const none = await ctl(join(directory, 'none'), 'status');
    assert.equal(none.status, 1);
    assert.match(none.stderr, /is the daemon running, and does its configuration say ctl = /);
    for (const words of [[], ['dance'], ['kick'], ['status', 'x'], ['--loud', 'status']]) {
      assert.equal((await runDaemon(['ctl', ...words])).status, 2, words.join(' '));
    }
    const help = await runDaemon(['ctl', '--help']);
    assert.equal(help.status, 0);
    for (const verb of ['status', 'top', 'rooms', 'peers [ROOM]', 'kick PEER', 'lock ROOM', 'unlock ROOM', 'log-level LEVEL', 'reload', 'drain']) {
      assert.ok(help.stdout.includes(`\n  ${verb} `), verb);
    }
  });
});

describe('the socket of ctl', () => {
  it('is for the user and the group alone', async (t) => {
    const [, path] = await controlled(t);
    assert.equal(statSync(path).mode & 0o777, 0o660);
    if (process.getuid() === 0) {
      chmodSync(directory, 0o755);
      const { status, stderr } = await runDaemon(['ctl', '--socket', path, 'status'], { wrap: ['setpriv', '--reuid=65534', '--clear-groups', '--regid=65534'] });
      assert.equal(status, 1);
      assert.match(stderr, /be root, or in the group/);
    }
  });

  it('a stale one is replaced; another daemon keeps its own', async (t) => {
    const path = join(directory, 'stale');
    const killed = await startDaemon({ args: ['--ctl', path] });
    killed.child.kill('SIGKILL');
    await killed.exit();
    assert.ok(statSync(path).isSocket());
    await testDaemon(t, { args: ['--ctl', path] });
    const second = await runDaemon([...asWritten, '--listen', '127.0.0.1:0', '--ctl', path]);
    assert.equal(second.status, 1);
    assert.match(second.stderr, /--ctl: cannot listen for ctl on .*: another daemon answers there/);
    assert.equal((await ctl(path, 'status')).status, 0);
  });

  it('what is no request is told so, and the next one is answered', async (t) => {
    const [, path] = await controlled(t);
    const socket = connect(path);
    const lines = createInterface({ input: socket })[Symbol.asyncIterator]();
    const next = async () => JSON.parse((await lines.next()).value);
    for (const bytes of ['\n', 'GET / HTTP/1.1\n', '{}\n', '{"verb":1}\n', '{"verb":"dance"}\n', '\0\xff\n',
      '{"verb":"kick"}\n', '{"verb":"status","argument":"x"}\n', '{"verb":"kick","argument":"\\u0000"}\n',
      '{"verb":"status","verb":"drain"}\n', `{"verb":"kick","argument":"${'9'.repeat(100)}"}\n`]) {
      socket.write(bytes);
      assert.equal((await next()).ok, false, bytes);
    }
    socket.write('{"verb":"status"}\n{"verb":"rooms"}\n');
    assert.equal((await next()).state, 'ready');
    assert.deepEqual([await next(), await next()], [{ ok: true }, { ok: true }]);
    socket.destroy();
    assert.equal((await say(path, 'x'.repeat(5000))).at(-1).ok, false);
  });

  it('has eight clients at most, and one more is told so', async (t) => {
    const [daemon, path] = await controlled(t);
    const eight = Array.from({ length: 8 }, () => connect(path));
    await Promise.all(eight.map((socket) => once(socket, 'connect')));
    const { status, stderr } = await ctl(path, 'status');
    assert.equal(status, 1);
    assert.match(stderr, /8 clients are there already/);
    assert.equal((await daemon.meters()).ctl_refused, 1);
    for (const socket of eight) socket.destroy();
  });

  it('a long list is whole while others come and go, and who does not read it costs nothing', async (t) => {
    const [daemon, path] = await controlled(t, ...many);
    const stay = await openMany(`${daemon.ws}/relay/stay`, 300);
    await eventually(async () => (await listed(path, 'rooms'))[0]?.members === stay.length, 'that all have been admitted');
    const slow = connect(path);
    slow.pause().write('{"verb":"peers"}\n'.repeat(200));
    const leave = await openMany(`${daemon.ws}/relay/leave`, 300);
    const lists = Promise.all([listed(path, 'peers', 'stay'), listed(path, 'peers'), listed(path, 'rooms')]);
    for (const client of leave) client.close?.();
    const [some, all] = await lists;
    assert.equal(some.length, stay.length);
    const numbers = all.map(({ peer }) => peer);
    assert.equal(new Set(numbers).size, numbers.length);
    for (const { peer } of some) assert.ok(numbers.includes(peer));
    slow.destroy();
    assert.equal((await listed(path, 'status'))[0].state, 'ready');
  });

  it('a reader of the list that goes away in its midst is forgotten', async (t) => {
    const [daemon, path] = await controlled(t, ...many);
    await openMany(`${daemon.ws}/relay/stay`, 200);
    for (let i = 0; i < 10; i++) {
      const child = spawn(binary, ['ctl', '--socket', path, 'peers'], { stdio: ['ignore', 'pipe', 'ignore'] });
      await once(child.stdout, 'data');
      child.kill('SIGKILL');
      await once(child, 'close');
    }
    assert.equal((await listed(path, 'peers')).length, 200);
  });
});
