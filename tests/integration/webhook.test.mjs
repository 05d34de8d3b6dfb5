// Goal: event-webhook is told who joins and leaves each room, in order, each once, whatever the receiver does
// meanwhile; and nobody waits for it.
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { appendFileSync, readFileSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { open } from '../lib/client.mjs';
import { alone, root, runDaemon, scratch, spawnDaemon, testDaemon, workers } from '../lib/daemon.mjs';
import { eventually } from '../lib/prometheus.mjs';
import { Receiver, SECRET, assertOrdered, secretFile } from '../lib/receiver.mjs';
import { Key } from '../lib/tokens.mjs';
import { Session, enter } from '../lib/v1.mjs';
import { killWorker } from '../lib/workers.mjs';

const hooked = (receiver, ...args) => ['--event-webhook', receiver.url, '--webhook-secret', secretFile(), ...args];

/** Send a message and wait until the daemon has answered something. */
async function say(client, text) {
  client.send(text);
  return client.next();
}

describe('what is told', () => {
  test('a room opens with its first peer and closes with its last, and each who joins leaves', { timeout: 30000 }, async (t) => {
    const receiver = await Receiver.start(t);
    const daemon = await testDaemon(t, { args: hooked(receiver) });
    const one = await open(`${daemon.ws}/relay/lobby`);
    const other = await open(`${daemon.ws}/relay/lobby`);
    await other.close();
    one.ws.terminate();
    await receiver.heard(1, 'closed');
    const [first, second] = receiver.events.filter(({ type }) => type === 'joined').map(({ peer }) => peer);
    assert.equal(receiver.events[0].type, 'started');
    assert.deepEqual(receiver.story('lobby'), ['opened', `joined ${first}`, `joined ${second}`, `left ${second} closed 1000`, `left ${first} gone`, 'closed']);
    const { id, number, time, mount, dialect } = receiver.events.find(({ type }) => type === 'opened');
    assert.match(id, new RegExp(`^[0-9A-Z]{26}\\.${number}$`));
    assert.ok(Math.abs(Date.parse(time) - Date.now()) < 30000, time);
    assert.deepEqual([mount, dialect], ['/relay', 'relay']);
    const { headers, method, url } = receiver.requests[0];
    assert.deepEqual([method, url, headers['content-type'], headers.host], ['POST', '/hook', 'application/json', `localhost:${receiver.port}`]);
    assert.match(headers['user-agent'], /^nakodo\//);
    assertOrdered(receiver.events);
  });

  test('a participant of nakodo.v1 who loses the connection has not left until it is given up', { timeout: 30000 }, async (t) => {
    const receiver = await Receiver.start(t);
    const daemon = await testDaemon(t, { args: hooked(receiver, '--resume-seconds', '1') });
    const [anna, ben] = [await Session.join(daemon.ws, 'talk'), await Session.join(daemon.ws, 'talk')];
    anna.ws.terminate();
    await ben.find('peer-away');
    await anna.connect();
    await ben.find('peer-back');
    const id = (session) => session.first.id;
    const names = [id(anna), id(ben)];
    await anna.bye();
    ben.ws.terminate();
    await receiver.heard(1, 'closed', 'talk');
    assert.deepEqual(receiver.story('talk'), ['opened', `joined ${names[0]}`, `joined ${names[1]}`, `left ${names[0]} bye`, `left ${names[1]} gone`, 'closed']);
    assertOrdered(receiver.events);
  });

  test('a room of nakodo.v1 that gives way as a whole is left and closed', { ...alone, timeout: 30000 }, async (t) => {
    const receiver = await Receiver.start(t);
    const daemon = await testDaemon(t, { args: hooked(receiver, '--rooms-max', '1') });
    const { peer, welcome } = await enter(daemon, 'old', {}, { from: '127.0.0.2' });
    peer.wire.reset(); // it never showed that it can come back
    await peer.ended;
    const anna = await Session.join(daemon.ws, 'new', { localAddress: '127.0.0.3' });
    await receiver.heard(1, 'closed', 'old');
    assert.deepEqual(receiver.story('old'), ['opened', `joined ${welcome.id}`, `left ${welcome.id} gone`, 'closed']);
    await anna.bye();
    assertOrdered(receiver.events);
  });

  test('who is kept over a restart is told anew, with the subject of the token', { timeout: 30000 }, async (t) => {
    const [receiver, key] = [await Receiver.start(t), new Key(scratch())];
    const args = hooked(receiver, '--state-dir', scratch(), '--auth', 'token', '--auth-key', key.option);
    const first = await testDaemon(t, { args });
    const headers = { authorization: `Bearer ${key.token({ room: 'r', sub: 'ali"ce' })}` };
    const session = await Session.join(first.ws, 'r', { headers });
    await first.stop();
    await receiver.heard(1, 'stopped');
    const second = await testDaemon(t, { args });
    await receiver.heard(2, 'joined', 'r');
    const joined = receiver.events.filter(({ type }) => type === 'joined');
    assert.deepEqual(joined.map(({ peer, user }) => [peer, user]), Array(2).fill([session.first.id, 'ali"ce']));
    session.base = second.ws;
    await session.connect();
    await session.bye();
  });

  test('every protocol with rooms tells of its own', { timeout: 30000 }, async (t) => {
    const receiver = await Receiver.start(t);
    const daemon = await testDaemon(t, { args: hooked(receiver) });
    const visits = {
      signal: async () => (await open(`${daemon.ws}/?room=s`)).close(),
      chat: async () => (await open(`${daemon.ws}/chat/c`)).close(),
      'named-room': async () => {
        const client = await open(`${daemon.ws}/video_chat/signaling`);
        for (const roomName of ['n', 'm']) client.send(JSON.stringify({ method: 'open', roomName, name: 'anna' }));
        await receiver.heard(1, 'joined', 'm');
        await client.close();
      },
      gstreamer: async () => {
        const client = await open(`${daemon.ws}/gst`);
        client.send('{"type":"setPeerStatus","roles":["producer","listener"],"meta":null}');
        while (JSON.parse(await client.next()).type !== 'peerStatusChanged');
        await client.close();
      },
      ayame: async () => {
        const clients = [await open(`${daemon.ws}/signaling`), await open(`${daemon.ws}/signaling`)];
        for (const client of clients) await say(client, '{"type":"register","roomId":"a","clientId":"x"}');
        await clients[0].close();
        await clients[1].closed;
      },
      matchbox: async () => {
        const clients = [await open(`${daemon.ws}/matchbox/b?next=2`), await open(`${daemon.ws}/matchbox/b?next=2`)];
        for (const client of clients) await client.next();
        for (const client of clients) await client.close();
      },
      peerjs: async () => {
        const client = await open(`${daemon.ws}/peerjs?key=peerjs&id=p1&token=t`);
        await client.next();
        await client.close();
      },
      'pixel-streaming': async () => {
        const [streamer, player] = [await open(`${daemon.ws}/pixel-streaming/streamer`), await open(`${daemon.ws}/pixel-streaming/player`)];
        for (const id of ['stage', 'hall']) streamer.send(JSON.stringify({ type: 'endpointId', id }));
        while (!(await streamer.next()).includes('hall'));
        player.send('{"type":"subscribe","streamerId":"hall"}');
        while (!(await player.next()).includes('playerCount'));
        await streamer.close();
        await player.closed;
      },
      'y-webrtc': async () => {
        const client = await open(`${daemon.ws}/y-webrtc`);
        client.send('{"type":"subscribe","topics":["y","z"]}');
        client.send('{"type":"unsubscribe","topics":["y"]}');
        await say(client, '{"type":"ping"}');
        await client.close();
      },
    };
    for (const visit of Object.values(visits)) await visit();
    await (await open(`${daemon.ws}/echo`)).close();
    await (await open(`${daemon.ws}/relay/last`)).close();
    await receiver.heard(1, 'closed', 'last');
    const told = () => [...new Set(receiver.events.map(({ dialect }) => dialect).filter(Boolean))];
    const all = [...Object.keys(visits), 'relay'];
    if (workers > 1) { // each tells its own
      const count = (wanted) => receiver.events.filter(({ type }) => type === wanted).length;
      await receiver.until(() => told().length === all.length && count('opened') === count('closed'));
    } else {
      assert.deepEqual(told(), all);
    }
    assert.equal(assertOrdered(receiver.events).size, 0, 'a room is still open');
    assert.deepEqual(told().sort(), all.sort());
    assert.deepEqual(receiver.story('n'), ['opened', 'joined anna', 'left anna moved', 'closed']);
    assert.equal(receiver.story('a').length, 6);
    assert.equal(receiver.story('2/b').at(-2).endsWith(' moved'), true);
    assert.match(receiver.story('y').at(-2), / bye$/);
    assert.deepEqual(receiver.story('streamers').map((line) => line.replace(/ \d+$/, '')),
      ['opened', 'joined stage', 'left stage moved', 'closed', 'opened', 'joined hall', 'left hall closed', 'closed']);
    assert.deepEqual(receiver.story('').slice(0, 2), ['opened', 'joined p1']);
  });

  test('the subject of a token is told as user, and names that are no UTF-8 as in a URL', { timeout: 30000 }, async (t) => {
    const receiver = await Receiver.start(t);
    const key = join(scratch(), 'key');
    writeFileSync(key, 'k'.repeat(64), { mode: 0o600 });
    const daemon = await testDaemon(t, { args: hooked(receiver, '--auth-key', `k:HS256:${key}`, '--listen', '127.0.0.1:0?auth=token', '--listen', '127.0.0.1:0') });
    const { stdout: token } = await runDaemon(['token', '--key', `k:HS256:${key}`, '--room', '*', '--sub', 'ann"a', '--ttl', '1m']);
    await (await open(`${daemon.ws}/relay/r?token=${token.trim()}`)).close();
    await (await open(`ws://127.0.0.1:${daemon.ports[1]}/relay/%FF%22%01`)).close();
    await receiver.heard(2, 'closed');
    assert.equal(receiver.events.find(({ type, room }) => type === 'joined' && room === 'r').user, 'ann"a');
    assert.deepEqual(receiver.events.filter(({ type }) => type === 'closed').map(({ room }) => room).sort(), ['%FF"\u0001', 'r']);
    assertOrdered(receiver.events);
  });

  test('of several workers each says which it is, from the first event on, and so does the one in the place of another', { timeout: 30000 }, async (t) => {
    const receiver = await Receiver.start(t);
    const daemon = await testDaemon(t, { args: hooked(receiver, '--workers', '3') });
    const started = async (count) => (await receiver.heard(count, 'started')).map(({ worker }) => worker);
    assert.deepEqual((await started(3)).sort(), [1, 2, 3]);
    await killWorker(daemon, 1);
    assert.equal((await started(4)).at(-1), 2);
    await (await open(`${daemon.ws}/relay/r`)).close();
    const [closed] = await receiver.heard(1, 'closed');
    const own = receiver.events.filter(({ worker }) => worker === closed.worker);
    assert.deepEqual(own.slice(-5).map(({ type }) => type), ['started', 'opened', 'joined', 'left', 'closed']);
    await eventually(async () => {
      const { events_waiting: waiting, memory_events: bytes } = await daemon.meters();
      return !waiting && !bytes;
    }, 'that nothing waits, in the first process either');
  });

  test('a daemon that stops tells who left, and last that it stopped', { timeout: 30000 }, async (t) => {
    const receiver = await Receiver.start(t);
    const daemon = spawnDaemon({ args: hooked(receiver, '--drain-seconds', '0') });
    await daemon.ready();
    const client = await open(`${daemon.ws}/relay/r`);
    const session = await Session.join(daemon.ws, 'v');
    await receiver.heard(2, 'joined');
    daemon.child.kill('SIGTERM');
    await Promise.all([client.closed, once(session.ws, 'close')]);
    await daemon.endedWell();
    assert.match(receiver.story('r').at(-2), / closed 1001$/);
    assert.deepEqual(receiver.events.at(-1).type, 'stopped');
    assertOrdered(receiver.events);
  });
});

describe('a receiver', () => {
  /** Rooms one after the other while the receiver answers as it likes; then all of them must have been told. */
  async function survives(t, misbehave, failures) {
    const receiver = await Receiver.start(t);
    const daemon = await testDaemon(t, { args: hooked(receiver) });
    await receiver.heard(workers, 'started');
    receiver.answer = misbehave;
    for (let i = 0; i < 5; i++) await (await open(`${daemon.ws}/relay/r${i}`)).close();
    await daemon.logged(' webhook.down ');
    receiver.answer = (request, response) => response.writeHead(200).end('thanks');
    await receiver.heard(5, 'closed');
    await daemon.logged(' webhook.up ');
    assertOrdered(receiver.events);
    await eventually(async () => workers === 1 || !(await daemon.meters()).events_waiting, 'what other workers have to tell');
    const meters = await daemon.meters();
    assert.ok(meters.events_failures >= failures, `${meters.events_failures} failures`);
    assert.deepEqual([meters.events_given_up, meters.events_waiting, meters.memory_events], [0, 0, 0]);
    assert.equal(meters.events, meters.events_delivered);
    return receiver;
  }

  test('that answers 500 is told the same again, under the same id', { timeout: 30000 }, async (t) => {
    const receiver = await survives(t, (request, response) => response.writeHead(500).end(), 1);
    const [failed, next] = receiver.requests.filter(({ events }) => events[0].type !== 'started' && events[0].worker === receiver.requests[workers].events[0].worker);
    assert.equal(failed.headers['webhook-id'], next.headers['webhook-id']);
    assert.deepEqual(failed.events, next.events);
  });

  test('that sends elsewhere is not followed', { timeout: 30000 }, async (t) => {
    const receiver = await survives(t, (request, response) => response.writeHead(307, { location: '/other' }).end(), 1);
    assert.ok(receiver.requests.every(({ url }) => url === '/hook'));
  });

  test('that resets connections is told again', { timeout: 30000 }, async (t) => {
    await survives(t, (request) => request.socket.resetAndDestroy(), 1);
  });

  test('that answers garbage is told again', { timeout: 30000 }, async (t) => {
    await survives(t, (request) => request.socket.end('\u0000\u0001 no HTTP at all \r\n\r\n'), 1);
  });

  test('that answers without end is told again', { timeout: 30000 }, async (t) => {
    await survives(t, (request, response) => {
      response.writeHead(200);
      const more = () => {
        while (!response.destroyed && response.write(Buffer.alloc(65536, 'x')));
      };
      response.on('drain', more);
      more();
    }, 1);
  });

  test('that is not there is told when it comes', { timeout: 30000 }, async (t) => {
    const taken = net.createServer().listen(0, '127.0.0.1');
    await once(taken, 'listening');
    const { port } = taken.address();
    taken.close();
    const daemon = await testDaemon(t, { args: ['--event-webhook', `http://127.0.0.1:${port}`, '--webhook-secret', secretFile()] });
    await (await open(`${daemon.ws}/relay/r`)).close();
    await daemon.logged(' webhook.down ');
    const receiver = await Receiver.start(t, { port });
    await receiver.heard(1, 'closed');
    assert.equal(receiver.events[0].type, 'started');
    assertOrdered(receiver.events);
  });

  test('that hangs keeps nobody waiting', { timeout: 60000 }, async (t) => {
    const quiet = await testDaemon(t);
    const receiver = await Receiver.start(t);
    receiver.answer = () => {};
    const daemon = await testDaemon(t, { args: hooked(receiver) });
    await receiver.until(() => receiver.requests.length);
    const percentile = async ({ ws }) => {
      const client = await open(`${ws}/echo`);
      const times = [];
      for (let i = 0; i < 300; i++) {
        if (i % 10 === 0) await (await open(`${ws}/relay/r${i}`)).close();
        const begun = process.hrtime.bigint();
        await say(client, `${i}`);
        times.push(Number(process.hrtime.bigint() - begun) / 1e6);
      }
      await client.close();
      return times.sort((a, b) => a - b)[Math.floor(times.length * 0.99)];
    };
    const [usual, hooks] = [await percentile(quiet), await percentile(daemon)];
    t.diagnostic(`99 %: ${usual.toFixed(2)} ms without, ${hooks.toFixed(2)} ms with a receiver that hangs`);
    assert.ok(hooks < usual * 5 + 5, `${hooks} ms, without ${usual} ms`);
    receiver.answer = (request, response) => response.writeHead(204).end();
    await receiver.heard(30, 'closed'); // after the time-out
    assertOrdered(receiver.events);
  });

  const isolated = ['unshare', ...(process.getuid() ? ['-r'] : []), '-n', '-m'];
  const noNamespaces = spawnSync(isolated[0], [...isolated.slice(1), 'true']).status !== 0 && 'no namespaces here';
  test('whose name is never found keeps nobody waiting', { skip: noNamespaces, timeout: 60000 }, async (t) => {
    const folder = scratch();
    writeFileSync(join(folder, 'resolv.conf'), 'nameserver 192.0.2.1\noptions timeout:30\n'); // nobody answers there
    const setUp = [
      'ip link add v0 type veth peer name v1', 'ip addr add 192.0.2.2/24 dev v0', 'ip link set v0 up', 'ip link set v1 up',
      'ip neigh add 192.0.2.1 lladdr 02:00:00:00:00:01 dev v0', `mount --bind ${folder}/resolv.conf /etc/resolv.conf`, 'exec "$@"',
    ].join(' && ');
    const daemon = await testDaemon(t, {
      args: ['--listen', `unix:${folder}/socket`, ...hooked({ url: 'http://receiver.example/' })],
      wrap: [...isolated, 'sh', '-c', setUp, 'sh'],
    });
    const client = await open(`ws+unix:${folder}/socket:/echo`);
    let down;
    daemon.logged(' webhook.down ').then((line) => { down = line; });
    // A loop that waits for the name says nothing until it is given up, in a minute.
    for (let i = 0; !down; i++) assert.equal(await say(client, `${i}`), `${i}`);
    assert.match(down, /time/i);
    assert.equal(await say(client, 'and goes on'), 'and goes on');
    await client.close();
  });

  test('of more than fits is told the newest, and what was given up is counted', { timeout: 60000 }, async (t) => {
    const receiver = await Receiver.start(t);
    const daemon = await testDaemon(t, { args: hooked(receiver, '--max-memory', '8MiB') }); // 128 KiB of events
    await receiver.heard(workers, 'started');
    receiver.answer = (request, response) => response.writeHead(503).end();
    const client = await open(`${daemon.ws}/y-webrtc`);
    const topics = Array.from({ length: 100 }, (_, i) => `topic ${i}`);
    for (let i = 0; i < 10; i++) {
      client.send(JSON.stringify({ type: 'subscribe', topics }));
      client.send(JSON.stringify({ type: 'unsubscribe', topics }));
    }
    await say(client, '{"type":"ping"}');
    const { memory_events: kept, events_given_up: given, events } = await daemon.meters();
    assert.ok(kept <= 128 * 1024 && kept > 64 * 1024, `${kept} bytes`);
    assert.ok(given > 3000, `${given} of ${events} given up`);
    receiver.answer = (request, response) => response.writeHead(204).end();
    await client.close();
    await (await open(`${daemon.ws}/relay/last`)).close();
    await receiver.heard(1, 'closed', 'last');
    await eventually(async () => workers === 1 || !(await daemon.meters()).events_waiting, 'what other workers have to tell');
    const numbers = new Map();
    for (const { worker, number } of receiver.events) numbers.set(worker, [...numbers.get(worker) ?? [], number]);
    const gaps = [...numbers.values()].reduce((sum, own) => sum + own.at(-1) - own.length, 0);
    const meters = await daemon.meters();
    assert.equal(gaps, meters.events_given_up, 'the gap in the numbers is what was given up');
    assert.equal(meters.events, meters.events_delivered + meters.events_given_up);
    assert.equal(meters.memory_events, 0);
  });
});

describe('docs/webhooks.md', () => {
  test('verifies a request in Node and in Python, and sees when it was changed', { timeout: 30000 }, async (t) => {
    const receiver = await Receiver.start(t);
    await testDaemon(t, { args: hooked(receiver) });
    const [{ headers, body }] = await receiver.until(() => receiver.requests.length && receiver.requests);
    const text = readFileSync(join(root, 'docs/webhooks.md'), 'utf8');
    const example = (language) => new RegExp(`\`\`\`${language}\\n([^]*?)\`\`\``).exec(text)[1];
    const folder = scratch();
    const forged = { ...headers, 'webhook-timestamp': `${Number(headers['webhook-timestamp']) + 1}` };
    writeFileSync(join(folder, 'verify.mjs'), example('js'));
    const { verify } = await import(join(folder, 'verify.mjs'));
    assert.deepEqual([verify(headers, body, SECRET), verify(forged, body, SECRET), verify({}, body, SECRET)], [true, false, false]);
    const script = `${example('python')}\nimport json, sys\nprint([verify(headers, sys.argv[2].encode(), sys.argv[3].encode()) for headers in json.loads(sys.argv[1])])`;
    const said = execFileSync('python3', ['-c', script, JSON.stringify([headers, forged]), body.toString(), SECRET], { encoding: 'utf8' });
    assert.equal(said.trim(), '[True, False]');
  });
});

describe('a secret', () => {
  test('is the first line, and read anew by SIGHUP', { timeout: 30000 }, async (t) => {
    const receiver = await Receiver.start(t);
    const file = secretFile();
    const daemon = await testDaemon(t, { args: ['--event-webhook', receiver.url, '--webhook-secret', file] });
    await receiver.heard(1, 'started');
    writeFileSync(file, `the next one\n${SECRET}\n`);
    daemon.child.kill('SIGHUP');
    await daemon.logged(' reload.done ');
    receiver.secret = 'the next one';
    await (await open(`${daemon.ws}/relay/r`)).close();
    await receiver.heard(1, 'closed');
    appendFileSync(file, '\n\n');
    daemon.child.kill('SIGHUP');
    await daemon.logged(' error reload.failed ', 'is empty, where a secret must stand');
    await (await open(`${daemon.ws}/relay/s`)).close();
    await receiver.heard(2, 'closed');
  });

  test('that everybody may read, and a webhook without one, are refused', { timeout: 30000 }, async () => {
    const file = secretFile();
    execFileSync('chmod', ['644', file]);
    const url = 'http://localhost:1/';
    for (const [args, sentence] of [
      [['--event-webhook', url, '--webhook-secret', file], /webhook-secret `.*`: everybody may read or change it \(mode 0644\): chmod o-rw/],
      [['--event-webhook', url, '--webhook-secret', join(scratch(), 'none')], /webhook-secret `.*none`: No such file/],
      [['--event-webhook', url], /event-webhook needs webhook-secret/],
      [['--webhook-secret', file], /webhook-secret is for nobody/],
      [['--event-webhook', 'ftp://localhost/'], /event-webhook: the value must be http:/],
      [['--event-webhook', 'http://user:pass@localhost/'], /without name, password/],
      [['--event-webhook', 'http://localhost/a b'], /white space/],
    ]) {
      const { status, stderr } = await runDaemon([...args, '--check']);
      assert.equal(status, 2, stderr);
      assert.match(stderr, sentence);
    }
  });
});

describe('https', () => {
  /** A key and a certificate for localhost, by itself. */
  function certificate(...more) {
    const folder = scratch();
    execFileSync('openssl', ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2', '-subj', '/CN=localhost',
      '-addext', 'subjectAltName=DNS:localhost', '-keyout', `${folder}/key`, '-out', `${folder}/cert`, ...more], { stdio: 'pipe' });
    return { key: readFileSync(`${folder}/key`), cert: readFileSync(`${folder}/cert`), file: `${folder}/cert` };
  }

  test('is verified: a certificate that is not trusted is told nothing', { timeout: 30000 }, async (t) => {
    const trusted = certificate();
    const [receiver, stranger] = [await Receiver.start(t, { tls: trusted }), await Receiver.start(t, { tls: certificate() })];
    const env = { SSL_CERT_FILE: trusted.file };
    const daemons = await Promise.all([receiver, stranger].map((each) => testDaemon(t, { env, args: hooked(each) })));
    await (await open(`${daemons[0].ws}/relay/r`)).close();
    await receiver.heard(1, 'closed');
    await daemons[1].logged(' webhook.down ', 'certificate');
    assert.equal(stranger.requests.length, 0);
    const elsewhere = await testDaemon(t, { env, args: hooked({ url: receiver.url.replace('localhost', '127.0.0.1') }) });
    await elsewhere.logged(' webhook.down ', 'certificate');
  });
});
