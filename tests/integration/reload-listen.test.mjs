// Goal: SIGHUP changes where the daemon listens: sockets come and go, what is said again stays open, no connect is refused
// where the options go on to say that it listens, and connections outlive their listener.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { existsSync, statSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { open, refused } from '../lib/client.mjs';
import { configured } from '../lib/configured.mjs';
import { shipped } from '../lib/daemon.mjs';
import { ask, dial } from '../lib/http.mjs';
import { notifySocket } from '../lib/notify.mjs';
import { freePorts } from '../lib/ports.mjs';
import { descriptors, limitDescriptors, settles } from '../lib/process.mjs';
import { Key } from '../lib/tokens.mjs';
import { Session } from '../lib/v1.mjs';

const at = (port) => `ws://127.0.0.1:${port}`;
const hello = async (client) => assert.equal(await client.send('hello').next(), 'hello');
const closed = (target) => assert.rejects(dial(target), /ECONNREFUSED|ECONNRESET|ENOENT/);
const health = async (target) => assert.equal((await ask(target, '/healthz')).status, 200);
/** Both are in one room. */
async function together(one, other) {
  one.send('across');
  assert.equal(await other.next(), 'across');
}

/** Connect one after the other until `stop()`, which tells how many came in; a refused one fails. The kernel resets who
 * is in the middle of connecting to a socket that closes: that may happen to one where the address changes. */
function connecting(target, { resets = 0 } = {}) {
  let stopped = false, count = 0;
  const done = (async () => {
    while (!stopped) {
      await health(target).then(() => count++, (error) => {
        if (!/ECONNRESET|no HTTP answer/.test(error.message) || resets-- <= 0) throw error;
      });
    }
    return count;
  })();
  return () => {
    stopped = true;
    return done;
  };
}

describe('a listener', () => {
  it('comes, and one goes while its connections stay; what is said again goes on as it is', async (t) => {
    const [first, second, third] = await freePorts(3);
    const daemon = await configured(t, `listen = 127.0.0.1:${first}\nlisten = localhost:${second}`);
    const [one, two] = await Promise.all([first, second].map((port) => open(`${at(port)}/relay/a`)));
    await daemon.says(`listen = localhost:${second}\nlisten = 127.0.0.1:${third}`);
    const three = await open(`${at(third)}/relay/a`);
    await closed({ port: first });
    for (const [from, to, other] of [[one, two, three], [two, three, one], [three, one, two]]) {
      await together(from, to);
      assert.equal(await other.next(), 'across');
    }
    await daemon.says(`listen = 127.0.0.1:${first}`);
    await health({ port: first });
    for (const port of [second, third]) await closed({ port });
    await Promise.all([one, two, three].map((client) => client.close()));
  });

  it('changes what it says, and refuses nobody meanwhile', async (t) => {
    const [port] = await freePorts(1);
    const daemon = await configured(t, `listen = 127.0.0.1:${port}`);
    const key = new Key(daemon.place);
    const here = `listen = 127.0.0.1:${port}`;
    const client = await open(`${at(port)}/echo`);
    const stop = connecting({ port });
    const metrics = async () => (await ask({ port }, '/metrics')).status;
    assert.equal(await metrics(), 404);
    await daemon.says(`${here}?metrics`);
    assert.equal(await metrics(), 200);
    await daemon.says(`${here}?auth=token\nauth-key = main:HS256:main-HS256`);
    assert.equal(await metrics(), 404);
    assert.equal((await refused(`${at(port)}/echo`)).status, 401);
    await open(`${at(port)}/echo?token=${key.token({ room: '*' })}`).then((one) => one.close());
    await daemon.says(`${here}?origin=https://b.example`);
    await open(`${at(port)}/echo`, { headers: { origin: 'https://b.example' } }).then((one) => one.close());
    assert.ok(await stop() > 3);
    await daemon.says(`listen = proxy:127.0.0.1:${port}`);
    const wire = await dial({ port });
    wire.write('PROXY TCP4 203.0.113.1 198.51.100.1 1 2\r\nGET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n');
    assert.equal((await wire.response()).status, 200);
    await hello(client);
    await client.close();
  });

  it('gets the metrics of the loop while it asks for them', async (t) => {
    const [port] = await freePorts(1);
    const daemon = await configured(t, `listen = 127.0.0.1:${port}`);
    const turns = async () => Number(/^nakodo_turn_seconds_count (\d+)/m.exec((await ask({ port }, '/metrics')).text)?.[1]);
    await daemon.says(`listen = 127.0.0.1:${port}?metrics`);
    const before = await turns();
    await health({ port });
    assert.ok(await turns() > before);
  });

  it('goes from all addresses to one and back while clients connect', async (t) => {
    const [port] = await freePorts(1);
    const daemon = await configured(t, `listen = *:${port}`);
    const client = await open(`${at(port)}/echo`);
    for (const where of ['127.0.0.1', '*', 'localhost', '0.0.0.0', '127.0.0.1']) {
      const stop = connecting({ port }, { resets: 1 });
      await daemon.says(`listen = ${where}:${port}`);
      await stop();
      await health({ port });
    }
    await hello(client);
    await daemon.refuses(`listen = 127.0.0.1:${port}\nlisten = *:${port}`, 'already in use');
    await client.close();
  });

  it('that speaks one dialect keeps its rooms when something else of it changes, and when it comes back', async (t) => {
    const [port, other] = await freePorts(2);
    const own = `listen = 127.0.0.1:${port}?dialect=relay`;
    const spare = `listen = 127.0.0.1:${other}`;
    const daemon = await configured(t, `${own}\n${spare}`);
    const before = await open(at(port));
    await daemon.says(`${own}&origin=any\n${spare}`);
    const after = await open(at(port));
    await together(before, after);
    await daemon.says(spare);
    await together(after, before);
    await daemon.says(`${spare}\n${own}`);
    const back = await open(at(port));
    await together(before, back);
    assert.equal(await after.next(), 'across');
    await Promise.all([before, after, back].map((client) => client.close()));
  });

  it('at a unix socket stays in place when something else of it changes, and its path goes with it', async (t) => {
    const [port] = await freePorts(1);
    const spare = `listen = 127.0.0.1:${port}`;
    const daemon = await configured(t, spare);
    const path = join(daemon.place, 'socket');
    await daemon.says(`${spare}\nlisten = unix:socket`);
    const client = await open(`ws+unix:${path}:/echo`);
    const { ino } = statSync(path);
    await daemon.says(`${spare}\nlisten = unix:socket?origin=any`);
    await health({ path });
    assert.equal(statSync(path).ino, ino);
    await daemon.refuses(`${spare}\nlisten = unix:socket\nlisten = unix:${daemon.place}/gone/socket`, 'No such file');
    await health({ path });
    await daemon.says(spare);
    assert.ok(!existsSync(path));
    await hello(client);
    await client.close();
  });

  it('gets its first certificate, and TLS goes with the last one', async (t) => {
    const [port, secure] = await freePorts(2);
    const daemon = await configured(t, `listen = 127.0.0.1:${port}`);
    await daemon.says(`listen = 127.0.0.1:${port}\nlisten = tls:127.0.0.1:${secure}\ntls-self-signed = certificates`);
    await health({ port: secure, tls: true });
    assert.match((await ask({ port }, '/ca.crt')).text, /BEGIN CERTIFICATE/);
    const client = await open(`wss://127.0.0.1:${secure}/echo`);
    await daemon.refuses(`listen = 127.0.0.1:${port}\nlisten = tls:127.0.0.1:${secure}`, 'needs a certificate');
    await daemon.says(`listen = tls:127.0.0.1:${port}\ntls-self-signed = certificates`);
    await health({ port, tls: true });
    await closed({ port: secure });
    await hello(client);
    await daemon.says(`listen = 127.0.0.1:${port}`);
    await health({ port });
    assert.equal((await ask({ port }, '/ca.crt')).status, 404);
    await hello(client);
    await client.close();
  });

  it('that others reach without a token says so', async (t) => {
    const [port] = await freePorts(1);
    const daemon = await configured(t, `listen = 127.0.0.1:${port}`);
    assert.equal(daemon.lines(' auth.none ').length, 0);
    await daemon.says(`listen = *:${port}`);
    await daemon.logged(' auth.none ');
  });

  it('is counted for systemd, and the one that came last is closed at the end like the others', async (t) => {
    const [first, second] = await freePorts(2);
    const systemd = await notifySocket(t);
    const daemon = await configured(t, `listen = 127.0.0.1:${first}`, systemd);
    await systemd.next('READY');
    await daemon.says(`listen = 127.0.0.1:${first}\nlisten = 127.0.0.1:${second}`);
    await systemd.next('RELOADING');
    assert.equal((await systemd.next('READY')).STATUS, 'Listening on 2 sockets');
    const seat = await Session.join(at(second), 'a');
    daemon.child.kill('SIGTERM');
    await daemon.logged(' server.stop ');
    for (const port of [first, second]) await closed({ port });
    await seat.gone;
    await daemon.endedWell();
  });
});

describe('the sockets of systemd', () => {
  it('stay hers: entries for them come, change and go, and nobody is refused', async (t) => {
    const servers = [0, 1].map(() => net.createServer().listen(0, '127.0.0.1'));
    await Promise.all(servers.map((server) => once(server, 'listening')));
    const [web, old] = servers.map((server) => server.address().port);
    const daemon = await configured(t, 'listen = systemd?name=web', {
      wrap: ['sh', '-c', 'LISTEN_PID=$$ exec "$@"', 'sh'],
      env: { LISTEN_FDS: '2', LISTEN_FDNAMES: 'web:old' },
      fds: servers.map((server) => server._handle.fd),
    });
    for (const server of servers) server.close(); // the daemon's are its own
    const client = await open(`${at(web)}/echo`);
    const stop = connecting({ port: web });
    await daemon.says('listen = systemd?name=web&origin=any\nlisten = systemd?name=old&dialect=relay');
    const [one, two] = [await open(at(old)), await open(at(old))];
    await together(one, two);
    await daemon.says('listen = systemd');
    await health({ port: old });
    await daemon.says('listen = systemd?name=web');
    await stop();
    const early = ask({ port: old }, '/healthz'); // it connects, and is let in when an entry says so
    await daemon.refuses('listen = systemd?name=web\nlisten = systemd?name=new', 'none of the sockets that systemd passed has that name');
    await daemon.says('listen = systemd');
    assert.equal((await early).status, 200);
    await together(two, one);
    await hello(client);
    await Promise.all([client, one, two].map((each) => each.close()));
  });
});

describe('nothing changes', () => {
  /** What listened goes on, and what was opened is closed again. */
  async function keeps(t, text, why, spoil) {
    const [port, fresh, ...more] = await freePorts(4);
    const daemon = await configured(t, `listen = 127.0.0.1:${port}`);
    const client = await open(`${at(port)}/echo`);
    const before = descriptors(daemon);
    await spoil?.(daemon, more);
    await daemon.refuses(text(port, fresh, ...more), why);
    await settles(daemon, before);
    await health({ port });
    await closed({ port: fresh });
    await hello(client);
    await client.close();
    return daemon;
  }

  it('if a port is in use', (t) => keeps(t, (port, fresh, taken) => `listen = 127.0.0.1:${port}?metrics\nlisten = 127.0.0.1:${fresh}\nlisten = 127.0.0.1:${taken}`,
    'nakodo.conf:5: cannot listen on `127.0.0.1:', async (daemon, [taken]) => {
      const server = net.createServer().listen(taken, '127.0.0.1');
      await once(server, 'listening');
      t.after(() => server.close());
    }));

  it('if one of them cannot be understood', (t) => keeps(t, (port, fresh) => `listen = 127.0.0.1:${fresh}\nlisten = 127.0.0.1:${port}?dialect=morse`, 'no dialect `morse`'));

  it('if something else is wrong', (t) => keeps(t, (port, fresh) => `listen = 127.0.0.1:${fresh}\nlog-file = gone/log`, 'cannot open log-file'));

  it('if the same is said twice', (t) => keeps(t, (port) => `listen = 127.0.0.1:${port}\nlisten = 127.0.0.1:${port}`, 'already in use'));

  for (const workers of [1, 2]) {
    it(`if there is no descriptor left for one of them, with workers = ${workers}`, async (t) => {
      const [port, fresh, other] = await freePorts(3);
      const before = `workers = ${workers}\nlisten = 127.0.0.1:${port}\nlisten = unix:socket`;
      const daemon = await configured(t, before, { wrap: ['prlimit', '--nofile=200:200'] });
      const client = await open(`${at(port)}/echo`);
      const free = descriptors(daemon);
      let refusals = 0;
      for (let more = 1; ; more++) {
        limitDescriptors(daemon, more, 200);
        writeFileSync(daemon.path, `workers = ${workers}\nlisten = 127.0.0.1:${port}?metrics\nlisten = unix:socket?origin=any\nlisten = localhost:${fresh}\nlisten = *:${other}\nweb-root = ${shipped()}\n`);
        const line = await daemon.reload();
        limitDescriptors(daemon, 100, 200);
        if (line.includes('reload.done')) break;
        refusals += line.includes('cannot listen on') && line.includes('Too many open files');
        await settles(daemon, free);
        assert.equal((await ask({ port }, '/metrics')).status, 404);
        await health({ path: join(daemon.place, 'socket') });
        await closed({ port: fresh });
      }
      assert.ok(refusals >= 3, `${refusals} refusals`);
      assert.equal((await ask({ port }, '/metrics')).status, 200);
      await daemon.says(before);
      await settles(daemon, free);
      assert.equal(daemon.lines('worker.ended').length, 0);
      await hello(client);
      await client.close();
    });
  }

  it('if they are too many', (t) => keeps(t, (port) => `listen = 127.0.0.1:${port}\n${'listen = 127.0.0.1:0\n'.repeat(32)}`, 'more than 32 sockets'));
});
