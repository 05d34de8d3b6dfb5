// The log: one line per event in each format, whatever peers send; where it goes; and show-messages,
// which prints what the log never has.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { open, openMany } from '../lib/client.mjs';
import { runDaemon, scratch, testDaemon, workers } from '../lib/daemon.mjs';
import { ask, dial } from '../lib/http.mjs';
import { handshake } from '../lib/raw.mjs';

const directory = scratch();
const content = (path) => readFileSync(path, 'utf8');
const records = (text) => text.split('\n').slice(0, -1);
/** Which peer of its process it is, from 1: each worker gives every so manieth number. */
const ordinal = (conn) => Math.floor((conn - 1) / workers) + 1;

/** Somebody comes, says something and leaves; the whole log. */
async function visit(t, options, path = '/echo') {
  const daemon = await testDaemon(t, options);
  const client = await open(daemon.ws + path);
  await client.send('hunter2').next();
  await client.close();
  daemon.child.kill('SIGTERM');
  await daemon.endedWell();
  return daemon;
}

describe('formats', () => {
  const events = ['server.ready', 'peer.open', 'peer.leave', 'server.stop', 'server.stopped'];

  it('text: time, level, event, key=value', async (t) => {
    const { stderr } = await visit(t, { args: ['--log-format', 'text'] });
    for (const line of records(stderr)) assert.match(line, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z (error|warn|info|debug) [a-z.]+( [a-z-]+=("([^"\\]|\\.)*"|[^ "]+))+$/);
    assert.deepEqual(records(stderr).map((line) => line.split(' ')[2]), events);
    assert.match(stderr, / info peer\.open conn=[1-9]\d* address=127\.0\.0\.1 dialect=echo mount=\/echo\n/);
  });

  it('json: one object per line', async (t) => {
    const { stderr } = await visit(t, { args: ['--log-format', 'json'] });
    const lines = records(stderr).map((line) => JSON.parse(line));
    assert.deepEqual(lines.map((line) => line.event), events);
    const { time, conn, ...opened } = lines[1];
    assert.equal(ordinal(conn), 1);
    assert.deepEqual(opened, { level: 'info', event: 'peer.open', address: '127.0.0.1', dialect: 'echo', mount: '/echo' });
    assert.ok(Math.abs(Date.parse(time) - Date.now()) < 60000, time);
  });

  it('journal: a priority and no time, picked by itself when stderr is the journal', async (t) => {
    const journal = async (stream, args = []) => {
      const wrap = ['sh', '-c', `JOURNAL_STREAM=${stream} exec "$@"`, 'sh'];
      return records((await visit(t, { wrap, args })).stderr);
    };
    const own = '$(stat -Lc %d:%i /proc/self/fd/2)';
    for (const line of await journal(own)) assert.match(line, /^<[3467]>[a-z.]+( |$)/);
    for (const line of await journal('1:1', ['--log-format', 'journal'])) assert.match(line, /^<6>/);
    for (const line of await journal('1:1')) assert.match(line, /^\d{4}-/);
    for (const line of await journal(own, ['--log-format', 'json'])) JSON.parse(line);
  });
});

describe('what is logged', () => {
  const nasty = 'http://a b"\\=\u001b[2J forged=yes\u0085é.example';

  it('a text of a peer stays inside its quotes, in each format', async (t) => {
    const bytes = Buffer.from(nasty).toString('latin1');
    for (const format of ['text', 'json', 'journal']) {
      const daemon = await testDaemon(t, { args: ['--log-format', format] });
      const wire = await dial({ port: daemon.port });
      wire.write(handshake('/', { Origin: nasty }));
      assert.equal((await wire.response()).status, 403);
      await daemon.stop();
      const lines = daemon.lines('request.refuse');
      assert.equal(lines.length, 1);
      assert.match(lines[0], /^[\x20-\x7e]*$/);
      const quoted = format === 'json' ? lines[0] : `{"origin":${/ origin=("([^"\\]|\\.)*")( |$)/.exec(lines[0])[1]}}`;
      assert.equal(JSON.parse(quoted).origin, bytes);
    }
  });

  it('a long text is cut', async (t) => {
    const daemon = await testDaemon(t);
    const wire = await dial({ port: daemon.port });
    wire.write(handshake('/', { Origin: `http://${'x'.repeat(900)}.example` }));
    assert.equal((await wire.response()).status, 403);
    assert.match(await daemon.logged('request.refuse'), / origin="http:\/\/x{300,400}" /);
  });

  it('rooms never are: who knows the name may come in', async (t) => {
    const daemon = await testDaemon(t, { args: ['--log-level', 'debug'] });
    for (const path of ['/v1/asakai-7f3k', '/relay/asakai-7f3k', '/?room=asakai-7f3k']) await (await open(daemon.ws + path)).close();
    await daemon.stop();
    assert.equal(daemon.lines('peer.open').length, 3);
    assert.doesNotMatch(daemon.stderr, /asakai/);
  });

  it('messages never are, not even at level debug', async (t) => {
    const { stderr } = await visit(t, { args: ['--log-level', 'debug'] });
    assert.ok(!stderr.includes('hunter2'));
  });

  it('peers of one address that come and go fill no log, and it says how many it has not', async (t) => {
    const daemon = await testDaemon(t, { args: ['--max-peers-per-address', '1000'] });
    // A hundred at once: a log that is read too slowly loses lines.
    const logged = (event, count) => daemon.until(() => daemon.lines(` ${event} `).length >= Math.min(512, count), `${count} ${event}`);
    const clients = [];
    for (let i = 0; i < 6; i++) {
      clients.push(...await openMany(`${daemon.ws}/echo`, 100));
      await logged('peer.open', clients.length);
    }
    const others = await Promise.all([1, 2, 3].map(() => open(`${daemon.ws}/echo`, { localAddress: '127.0.0.2' })));
    for (let i = 0; i < 6; i++) {
      await Promise.all(clients.slice(100 * i, 100 * (i + 1)).map((client) => client.close()));
      await logged('peer.leave', 100 * (i + 1));
    }
    await Promise.all(others.map((client) => client.close()));
    assert.equal((await daemon.meters()).peers_unlogged, 600 - 512);
    await daemon.stop();
    const ids = (event) => daemon.lines(` ${event} `).map((line) => ordinal(/ conn=(\d+)/.exec(line)[1])).sort((a, b) => a - b);
    assert.deepEqual(ids('peer.open'), [...Array(512).keys(), 600, 601, 602].map((i) => i + 1));
    assert.deepEqual(ids('peer.leave'), ids('peer.open'));
    assert.deepEqual(daemon.lines('peer.unlogged').map((line) => line.replace(/^.* warn /, '')), ['peer.unlogged address=127.0.0.1 peers=88']);
  });

  it('log-level is the least that is logged', async (t) => {
    assert.deepEqual((await visit(t, { args: ['--log-level', 'warn'] })).stderr, '');
    assert.deepEqual((await visit(t, { args: ['--log-level', 'error'] })).stderr, '');
    const daemon = await testDaemon(t, { args: ['--log-level', 'warn'] });
    assert.equal((await ask({ port: daemon.port }, '/', { headers: { Host: 'evil.example' } })).status, 403);
    await daemon.stop();
    assert.deepEqual(records(daemon.stderr).map((line) => line.split(' ').slice(1, 3)), [['warn', 'request.refuse']]);
  });
});

describe('log-file', () => {
  /** Keep the daemon turning until the test is true: a signal and messages are not in one order. */
  async function echoUntil(client, test) {
    for (const end = Date.now() + 10000; !test() && Date.now() < end;) await client.send('hello').next();
    assert.ok(test(), String(test));
  }

  it('is appended to, and stderr stays empty', async (t) => {
    const path = join(directory, 'log');
    writeFileSync(path, 'before\n');
    const { stderr } = await visit(t, { args: ['--log-file', path, '--log-format', 'json'] });
    assert.equal(stderr, '');
    const [first, ...lines] = records(content(path));
    assert.equal(first, 'before');
    assert.deepEqual(lines.map((line) => JSON.parse(line).event), ['server.ready', 'peer.open', 'peer.leave', 'server.stop', 'server.stopped']);
  });

  it('a new one is not for everybody to read', async (t) => {
    const path = join(directory, 'new-log');
    await visit(t, { args: ['--log-file', path] });
    assert.equal(statSync(path).mode & 0o777 & ~process.umask(), 0o640 & ~process.umask());
    assert.equal(statSync(path).mode & 0o007, 0);
  });

  it('is opened anew on SIGHUP, as rotation wants it, wherever the daemon was started', async (t) => {
    const path = join(directory, 'rotated');
    const daemon = await testDaemon(t, { cwd: directory, args: ['--log-file', 'rotated'] });
    await (await open(`${daemon.ws}/echo`)).close();
    renameSync(path, `${path}.1`);
    const between = await open(`${daemon.ws}/echo`); // still into the old file
    daemon.child.kill('SIGHUP');
    await echoUntil(between, () => existsSync(path) && content(path).includes('reload.done'));
    await between.close();
    daemon.child.kill('SIGTERM');
    await daemon.endedWell();
    const events = (file) => records(content(file)).map((line) => line.split(' ').slice(2, 4).join(' ').replace(/\d+$/, (n) => (line.includes('conn=') ? ordinal(n) : n)));
    assert.deepEqual(events(`${path}.1`), ['server.ready version=0.1.0', 'peer.open conn=1', 'peer.leave conn=1', 'peer.open conn=2']);
    assert.deepEqual(events(path), ['reload.done sockets=1', 'peer.leave conn=2', 'server.stop how=draining', 'server.stopped peers=0']);
  });

  it('that cannot be opened anew stays the old one, and says so', async (t) => {
    const folder = join(directory, 'folder');
    mkdirSync(folder);
    const daemon = await testDaemon(t, { args: ['--log-file', join(folder, 'log')] });
    renameSync(folder, `${folder}.old`);
    const client = await open(`${daemon.ws}/echo`);
    daemon.child.kill('SIGHUP');
    const log = join(`${folder}.old`, 'log');
    await echoUntil(client, () => content(log).includes('reload.log'));
    await client.close();
    await daemon.stop();
    assert.match(content(log), / error reload\.log error="No such file or directory"\n(.*\n)*.* server\.stopped /);
    rmSync(`${folder}.old`, { recursive: true });
  });

  it('that is full does not stop the service, and stderr says so once, by each process', async (t) => {
    const daemon = await visit(t, { args: ['--log-file', '/dev/full'] });
    const said = 'nakodo: cannot write log-file `/dev/full`: No space left on device; lines are left out until it can be written\n';
    const writing = workers > 1 ? 2 : 1; // the first process, and the worker that was visited
    assert.equal(daemon.stderr, said.repeat(writing));
  });

  it('that is a directory, or a pipe without a reader, is refused at once, also by SIGHUP', async (t) => {
    const pipe = join(directory, 'pipe');
    execFileSync('mkfifo', [pipe]);
    for (const [path, why] of [[directory, 'Is a directory'], [pipe, 'No such device or address']]) {
      const { status, stderr } = await runDaemon(['--log-file', path]);
      assert.equal(status, 2);
      assert.equal(stderr, `nakodo: --log-file: cannot open log-file \`${path}\`: ${why}\n`);
    }
    const path = join(directory, 'then-a-pipe');
    const daemon = await testDaemon(t, { args: ['--log-file', path] });
    const client = await open(`${daemon.ws}/echo`);
    renameSync(path, `${path}.1`);
    renameSync(pipe, path);
    daemon.child.kill('SIGHUP');
    await echoUntil(client, () => content(`${path}.1`).includes(' reload.log error="No such device or address"'));
    await client.close();
    await daemon.stop();
  });
});

describe('show-messages', () => {
  const shown = (daemon) => daemon.stdout.split('\n').filter((line) => line.startsWith('#'));

  it('prints connects and messages as they come, and the log does not', async (t) => {
    const daemon = await testDaemon(t, { args: ['--show-messages'] });
    const first = await open(`${daemon.ws}/relay`);
    await daemon.until(() => shown(daemon).length === 1);
    const second = await open(`${daemon.ws}/echo`);
    await daemon.until(() => shown(daemon).length === 2);
    const [one, two] = shown(daemon).map((line) => /^#[1-9]\d*/.exec(line)[0]);
    assert.notEqual(one, two);
    first.send('hello');
    await daemon.until(() => shown(daemon).length === 3);
    await second.send('世界').next();
    await second.send(Buffer.from('ab')).next();
    await second.send('').next();
    await daemon.until(() => shown(daemon).length === 6);
    assert.deepEqual(shown(daemon), [
      `${one} connected from 127.0.0.1 (relay)`, `${two} connected from 127.0.0.1 (echo)`, `${one} text 5 bytes: hello`, `${two} text 6 bytes: 世界`, `${two} binary 2 bytes: ab`, `${two} text 0 bytes: `,
    ]);
    assert.ok(!daemon.stderr.includes('hello'));
  });

  it('escapes what could do harm to a terminal, and cuts at 200 bytes', async (t) => {
    const daemon = await testDaemon(t, { args: ['--show-messages=yes'] });
    const client = await open(`${daemon.ws}/echo`);
    const table = [
      ['a\nb\r\tc\u0000d\u001b[31m\u007f\u009b', 'text 16 bytes: a\\x0ab\\x0d\\x09c\\x00d\\x1b[31m\\x7f\\x9b'],
      [Buffer.from([0x41, 0xff, 0x80, 0xe3, 0x81]), 'binary 5 bytes: A\\xff\\x80\\xe3\\x81'],
      ['x'.repeat(200), `text 200 bytes: ${'x'.repeat(200)}`],
      ['x'.repeat(201), `text 201 bytes: ${'x'.repeat(200)} …`],
      ['é'.repeat(5000), `text 10000 bytes: ${'é'.repeat(100)} …`],
      [`x${'é'.repeat(100)}`, `text 201 bytes: x${'é'.repeat(99)} …`],
    ];
    await daemon.until(() => shown(daemon).length === 1);
    const [peer] = shown(daemon)[0].split(' ');
    for (const [message, line] of table) {
      await client.send(message).next();
      await daemon.until(() => shown(daemon).includes(`${peer} ${line}`), line);
    }
    assert.equal(shown(daemon).length, table.length + 1);
  });

  it('is off unless asked for', async (t) => {
    assert.deepEqual(shown(await visit(t, {})), []);
  });

  it('serves all listeners that are loopback', async (t) => {
    const path = join(directory, 'socket');
    const daemon = await testDaemon(t, { args: ['--show-messages', '--listen', 'localhost:0', '--listen', `unix:${path}`] });
    await open(`ws+unix:${path}:/chat`);
    await daemon.until(() => shown(daemon).some((line) => /^#[1-9]\d* connected from unix \(chat\)$/.test(line)));
  });
});
