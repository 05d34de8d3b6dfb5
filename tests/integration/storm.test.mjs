// Goal: many new connections at once are served in order of arrival and a few in each turn of the loop, so that who is
// here already goes on talking meanwhile.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import net from 'node:net';
import { describe, it } from 'node:test';
import tls from 'node:tls';
import { testDaemon, workers } from '../lib/daemon.mjs';
import { open, within } from '../lib/raw.mjs';

const COUNT = 300;
const AT_ONCE = 8 * workers; // of an address may begin; each worker has its own

/** What a TLS client says first. */
async function clientHello(options = {}) {
  const server = net.createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const client = tls.connect({ port: server.address().port, host: '127.0.0.1', ...options }).on('error', () => {});
  const [socket] = await once(server, 'connection');
  const [bytes] = await once(socket, 'data');
  client.destroy();
  socket.destroy();
  server.close();
  return bytes;
}

/**
 * COUNT clients who say `said` at the same moment, but for so many bytes that were said before; `events` gets
 * 'answer N' for each that is answered.
 */
async function storm(t, daemon, events, { said, before = 0, port = daemon.tlsPort }) {
  const sockets = [];
  for (let i = 0; i < COUNT; i++) {
    const socket = net.connect(port, '127.0.0.1');
    t.after(() => socket.destroy());
    socket.on('error', () => {});
    sockets.push(socket);
    await once(socket, 'connect');
    if (before) socket.write(said.subarray(0, before));
  }
  for (let i = 0; i < 3; i++) await daemon.meters(); // it has accepted them all: they came before the signal
  daemon.halt();
  const answered = sockets.map((socket, i) => new Promise((done) => {
    socket.write(said.subarray(before));
    socket.once('data', () => {
      events.push(`answer ${i}`);
      done();
    });
  }));
  daemon.goOn();
  return Promise.all(answered);
}

/** The longest run of answers without an echo between them. */
function longestRun(events) {
  let longest = 0;
  let run = 0;
  for (const event of events) {
    run = event === 'echo' ? 0 : run + 1;
    longest = Math.max(longest, run);
  }
  return longest;
}

/** Somebody talks while there is a storm. */
async function talkThrough(t, which) {
  const daemon = await testDaemon(t, { tls: true, args: ['--max-peers-per-address', '0', '--connect-rate', '0', '--handshake-timeout', '60', '--message-rate', '0'] });
  const peer = await open(daemon, '/echo');
  const events = [];
  const answered = storm(t, daemon, events, await which(daemon));
  let over = false;
  answered.then(() => { over = true; });
  while (!over) {
    await peer.text('still here');
    await peer.says('the echo');
    events.push('echo');
  }
  await within(answered, 'that all are answered');
  assert.ok(longestRun(events) < COUNT / 2, `${longestRun(events)} answers in a row`);
  assert.equal((await daemon.meters()).handshakes_queued, 0);
}

describe('a storm of plain requests', () => {
  it('leaves room for who is here already also when all keep back their last bytes', (t) => talkThrough(t, (daemon) => {
    const said = Buffer.from('GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n');
    return { said, before: said.length - 2, port: daemon.port };
  }));
});

describe('a storm of TLS handshakes', () => {
  it('leaves room for who is here already', (t) => talkThrough(t, async () => ({ said: await clientHello() })));
  it('leaves room also when all had begun to speak before', (t) => talkThrough(t, async () => ({ said: await clientHello(), before: 1 })));

  it('is served in order of arrival', async (t) => {
    const daemon = await testDaemon(t, { tls: true, args: ['--max-peers-per-address', '0', '--connect-rate', '0', '--handshake-timeout', '60'] });
    const events = [];
    await within(storm(t, daemon, events, { said: await clientHello() }), 'that all are answered');
    const order = events.map((event) => Number(event.split(' ')[1]));
    // One turn of the loop may answer its few in any order.
    order.forEach((arrived, answered) => assert.ok(Math.abs(arrived - answered) < 100, `number ${arrived} was answered as number ${answered}`));
  });

  it('of clients that do not go on keeps out nobody else, and those give way to others of their address', async (t) => {
    const daemon = await testDaemon(t, { tls: true, args: ['--handshake-timeout', '8'] });
    for (let i = 0; i < AT_ONCE + 12; i++) {
      const socket = net.connect(daemon.tlsPort, '127.0.0.1', () => socket.write('\x16')).on('error', () => {});
      t.after(() => socket.destroy());
    }
    const wait = async () => {
      while ((await daemon.meters()).handshakes_queued !== 12);
    };
    await within(wait(), 'that as many as may have begun');
    const served = [];
    const connect = async (localAddress) => {
      const socket = tls.connect({ port: daemon.tlsPort, host: '127.0.0.1', localAddress, rejectUnauthorized: false });
      t.after(() => socket.destroy());
      await once(socket, 'secureConnect');
      served.push(localAddress);
    };
    await within(Promise.all([connect('127.0.0.1'), connect('127.1.0.1')]), 'that both are served');
    assert.deepEqual(served, ['127.1.0.1', '127.0.0.1']);
    assert.ok((await daemon.meters()).handshakes_gave_way > 0);
  });

  it('of TLS 1.2 counts until the client has answered the server', async (t) => {
    const daemon = await testDaemon(t, { tls: true, args: ['--handshake-timeout', '60'] });
    const said = await clientHello({ maxVersion: 'TLSv1.2' });
    for (let i = 0; i < AT_ONCE + 12; i++) {
      const socket = net.connect(daemon.tlsPort, '127.0.0.1', () => socket.write(said)).on('error', () => {});
      t.after(() => socket.destroy());
    }
    const wait = async () => {
      while ((await daemon.meters()).handshakes_queued !== 12);
    };
    await within(wait(), 'that as many as may have begun');
    const newcomer = tls.connect({ port: daemon.tlsPort, host: '127.0.0.1', localAddress: '127.1.0.1', maxVersion: 'TLSv1.2', rejectUnauthorized: false });
    t.after(() => newcomer.destroy());
    await within(once(newcomer, 'secureConnect'), 'that another is served');
  });
});
