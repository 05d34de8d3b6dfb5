// Goal: of several processes behind one port any may die, and costs only what it had; and all end with the first one,
// whose restart costs nobody of nakodo.v1 anything, however many they are then.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { open, openMany } from '../lib/client.mjs';
import { scratch, spawnDaemon, startDaemon, testDaemon } from '../lib/daemon.mjs';
import { dial } from '../lib/http.mjs';
import { freePorts } from '../lib/ports.mjs';
import { eventually } from '../lib/prometheus.mjs';
import { within } from '../lib/raw.mjs';
import { Session } from '../lib/v1.mjs';
import { command, gone, killWorker, lives, roomsByWorker, several, together, workersOf } from '../lib/workers.mjs';

const BACK = 2000; // ms
const many = ['--max-peers-per-address', '0', '--connect-rate', '0'];

/** Two who answer each other until `stop()`: the longest time in ms that one of them waited. */
function conversation(one, other) {
  let going = true;
  const done = (async () => {
    let longest = 0;
    for (let i = 0; going; i++) {
      const began = performance.now();
      one.send(`${i}`);
      assert.equal(await other.next(), `${i}`);
      other.send(`${i} back`);
      assert.equal(await one.next(), `${i} back`);
      longest = Math.max(longest, performance.now() - began);
    }
    return longest;
  })();
  done.catch(() => {});
  return () => {
    going = false;
    return done;
  };
}

/** Connect until somebody lets us in. */
const comesBack = (url) => eventually(() => open(url).catch(() => undefined), `a way back to ${url}`);

describe('a worker that is killed', () => {
  it('costs those of the others nothing; its own are back on a new one within 2 s', async (t) => {
    const daemon = await several(t, 2, ['--message-rate', '0']);
    const [[lost], [kept]] = await roomsByWorker(`${daemon.ws}/relay`, daemon.ctl, 2);
    const [stay, go] = [await openMany(`${daemon.ws}/relay/${kept}`, 2), await openMany(`${daemon.ws}/relay/${lost}`, 2)];
    const [, other] = workersOf(daemon);
    const stop = conversation(...stay);
    process.kill(workersOf(daemon)[0], 'SIGKILL');
    const began = performance.now();
    const ends = await within(Promise.all(go.map((client) => client.closed)), 'the end of its connections', 1000);
    assert.deepEqual(ends.map(({ code }) => code), [1006, 1006]);
    const back = await Promise.all(go.map(({ url }) => comesBack(url)));
    const away = performance.now() - began;
    await together(...back);
    const longest = await stop();
    t.diagnostic(`back after ${Math.round(away)} ms; the others waited ${Math.round(longest)} ms at most`);
    assert.ok(away < BACK, `${away} ms`);
    assert.ok(longest < BACK / 4, `the others waited ${longest} ms`);
    assert.equal(workersOf(daemon)[1], other);
    assert.equal(daemon.lines('worker.ended').length, 1, daemon.stderr);
    assert.match(daemon.lines('worker.ended')[0], / error worker\.ended worker=1 signal=9 /);
    assert.equal((await daemon.meters()).workers_ended, 1);
    await Promise.all([...stay, ...back].map((client) => client.close()));
  });

  it('takes what it spoke by TLS for another with it, and who was there hears that they are gone', async (t) => {
    const daemon = await several(t, 2);
    const names = (await roomsByWorker(`${daemon.ws}/v1`, daemon.ctl, 2)).flat();
    const stays = await Session.join(daemon.ws, names[1]);
    const secure = [];
    for (let i = 0; i < 4; i++) secure.push(await Session.join(daemon.wss, names[1]));
    await killWorker(daemon, 0);
    const away = await stays.find('peer-away');
    const lost = secure.filter(({ id }) => id === away.id);
    assert.equal(lost.length, 1);
    await lost[0].closed;
    assert.equal((await eventually(() => lost[0].connect().catch(() => undefined), 'that it is back')).type, 'resumed');
    assert.equal((await stays.find('peer-back')).id, away.id);
    await Promise.all(secure.filter(({ over }) => over).map((session) => session.connect()));
    await Promise.all([stays, ...secure].map((session) => session.bye()));
  });

  it('takes its sessions with it, and those of the others are there', async (t) => {
    const daemon = await several(t, 2, ['--state-dir', scratch()]);
    const names = (await roomsByWorker(`${daemon.ws}/v1`, daemon.ctl, 2)).flat();
    const [lost, kept] = await Promise.all(names.map((room) => Session.join(daemon.ws, room)));
    await killWorker(daemon, 0);
    await lost.closed;
    kept.cut();
    await kept.closed;
    assert.equal((await eventually(() => lost.connect().catch(() => undefined), 'that it is back')).recovered, false);
    assert.equal((await kept.connect()).type, 'resumed');
    await Promise.all([lost.bye(), kept.bye()]);
  });

  it('leaves what waited in its queues as dropped, and counters that add up for the one that follows it', async (t) => {
    const daemon = await several(t, 2, ['--message-rate', '0', '--byte-rate', '0', '--slow-seconds', '60']);
    const [[room]] = await roomsByWorker(`${daemon.ws}/relay`, daemon.ctl, 2);
    const [slow, sender] = await openMany(`${daemon.ws}/relay/${room}`, 2);
    slow.ws.pause();
    const waiting = async () => {
      const { messages_queued: queued, messages_out: out, messages_dropped: dropped } = await daemon.meters();
      return queued - out - dropped;
    };
    do sender.send('x'.repeat(10000)); while (!await waiting());
    await killWorker(daemon, 0);
    assert.equal(await waiting(), 0);
    await (await comesBack(slow.url)).close();
    slow.ws.terminate();
  });

  it('again and again, is started again each time', async (t) => {
    const daemon = await several(t, 2);
    const [[room]] = await roomsByWorker(`${daemon.ws}/relay`, daemon.ctl, 2);
    for (let i = 1; i <= 3; i++) {
      await killWorker(daemon, 0);
      await (await comesBack(`${daemon.ws}/relay/${room}`)).close();
      assert.equal(daemon.lines('worker.ended').length, i);
    }
  });

  it('is started with the log level that an administrator has set', async (t) => {
    const daemon = await several(t, 2);
    const [[room]] = await roomsByWorker(`${daemon.ws}/relay`, daemon.ctl, 2);
    await command(daemon.ctl, 'log-level', 'error');
    await killWorker(daemon, 0);
    const before = daemon.lines('peer.').length;
    const client = await comesBack(`${daemon.ws}/relay/${room}`);
    await client.close();
    await command(daemon.ctl, 'log-level', 'info');
    await (await open(client.url)).close();
    await daemon.until(() => daemon.lines('peer.leave').length, 'that one is logged');
    assert.equal(daemon.lines('peer.').length, before + 2);
  });

  it('hangs nobody up for good who connects meanwhile', async (t) => {
    const daemon = await several(t, 2);
    const [[room]] = await roomsByWorker(`${daemon.ws}/relay`, daemon.ctl, 2);
    process.kill(workersOf(daemon)[0], 'SIGKILL');
    const answers = await Promise.all(Array.from({ length: 20 }, () => within(open(`${daemon.ws}/relay/${room}`).then((client) => client.close(), () => 'closed'), 'an answer', 5000)));
    assert.equal(answers.length, 20);
    await (await comesBack(`${daemon.ws}/relay/${room}`)).close();
  });
});

/** No more of what comes than now and then a piece. */
function readSlowly(socket) {
  socket.pause();
  setTimeout(() => socket.resume(), 300);
}

describe('the end', () => {
  it('by SIGTERM is that of all, with status 0, and each peer is told', async (t) => {
    const daemon = await several(t, 3);
    const workers = workersOf(daemon);
    assert.equal(workers.filter(lives).length, 3);
    const clients = [];
    for (let i = 0; i < 12; i++) clients.push(await open(`${i % 2 ? daemon.ws : daemon.wss}/relay/${i}`));
    daemon.child.kill('SIGTERM');
    for (const { closed } of clients) assert.equal((await within(closed, 'a goodbye')).code, 1001);
    await daemon.endedWell();
    assert.deepEqual(workers.filter(lives), []);
  });

  it('is held up by nobody who downloads slowly by https, and all are told before', async (t) => {
    const root = scratch();
    writeFileSync(join(root, 'large'), Buffer.alloc(8 << 20));
    const daemon = await several(t, 2, ['--web-root', root, '--drain-seconds', '20']);
    const rooms = (await roomsByWorker(`${daemon.ws}/relay`, daemon.ctl, 2)).flat();
    const downloads = [];
    for (let i = 0; i < 2; i++) {
      downloads.push(await dial({ port: daemon.tlsPort, tls: true }));
      downloads[i].write('GET /large HTTP/1.1\r\nHost: localhost\r\n\r\n');
      await downloads[i].until(() => downloads[i].received.length, 'that it begins');
      downloads[i].socket.on('data', () => readSlowly(downloads[i].socket));
    }
    const peers = await Promise.all(rooms.flatMap((room) => [0, 1].map(() => open(`${daemon.wss}/relay/${room}`))));
    const began = performance.now();
    daemon.child.kill('SIGTERM');
    for (const { closed } of peers) assert.equal((await within(closed, 'a goodbye')).code, 1001);
    await daemon.endedWell();
    const took = performance.now() - began;
    t.diagnostic(`ended after ${Math.round(took)} ms`);
    assert.ok(took < 10000, `ended after ${took} ms`);
    for (const { socket } of downloads) socket.destroy();
  });

  it('by two SIGTERMs is that of all at once', async () => {
    const daemon = await startDaemon({ args: ['--workers', '3', '--drain-seconds', '60', ...many] });
    const workers = workersOf(daemon);
    await openMany(`${daemon.ws}/echo`, 60);
    daemon.child.kill('SIGTERM');
    await daemon.logged('server.stop', 'how=draining');
    daemon.child.kill('SIGTERM');
    await within(daemon.endedWell(), 'the end', 10000);
    assert.deepEqual(workers.filter(lives), []);
  });

  it('comes in order as well while a worker has just died', async () => {
    for (const wait of [false, true]) {
      const daemon = await startDaemon({ args: ['--workers', '2', ...many] });
      const [first, second] = workersOf(daemon);
      process.kill(first, 'SIGKILL');
      if (wait) await daemon.logged('worker.ended');
      daemon.child.kill('SIGTERM');
      await daemon.endedWell();
      assert.deepEqual([first, second].filter(lives), []);
    }
  });

  it('comes before all are ready, too', async () => {
    const daemon = spawnDaemon({ args: ['--workers', '3'] });
    const workers = await eventually(() => workersOf(daemon).length === 3 && workersOf(daemon), 'three workers');
    daemon.child.kill('SIGTERM');
    await daemon.endedWell();
    await gone(workers);
  });

  it('of the first process by SIGKILL is that of the workers, and the next one may have its port', async (t) => {
    const [port] = await freePorts(1);
    const args = ['--workers', '2', '--listen', `127.0.0.1:${port}`, ...many];
    const daemon = await startDaemon({ args });
    const workers = workersOf(daemon);
    const clients = await openMany(`${daemon.ws}/echo`, 10);
    daemon.child.kill('SIGKILL');
    await gone(workers);
    await Promise.all(clients.map(({ closed }) => closed));
    daemon.checkSanitizers();
    const next = await testDaemon(t, { args });
    await (await open(`${next.ws}/echo`)).close();
  });

  it('a signal for all of them, as a terminal sends it, ends them in order', async (t) => {
    const daemon = await several(t, 2);
    const client = await open(`${daemon.ws}/relay/a`);
    for (const pid of [...workersOf(daemon), daemon.pid]) process.kill(pid, 'SIGINT');
    assert.equal((await client.closed).code, 1001);
    await daemon.endedWell();
    assert.equal(daemon.lines('worker.ended').length, 0);
  });
});

describe('workers = ', () => {
  const processors = Number(execFileSync('getconf', ['_NPROCESSORS_ONLN'], { encoding: 'utf8' }));

  for (const [value, count] of [['0', processors > 1 ? processors : 0], ['1', 0], ['3', 3]]) {
    it(`${value} makes ${value === '0' ? 'as many as there are processors' : count}`, async (t) => {
      const daemon = await testDaemon(t, { args: ['--workers', value] });
      assert.equal(workersOf(daemon).length, count);
      await (await open(`${daemon.ws}/echo`)).close();
    });
  }
});

describe('a restart', () => {
  for (const [before, after] of [[2, 1], [1, 3], [3, 2]]) {
    it(`from ${before} to ${after} costs no session of nakodo.v1 anything`, async (t) => {
      const args = ['--state-dir', join(scratch(), 'state'), ...many];
      const daemon = await startDaemon({ args: ['--workers', String(before), ...args], tls: true });
      const sessions = [];
      for (let i = 0; i < 24; i++) sessions.push(await Session.join(i % 2 ? daemon.ws : daemon.wss, `room ${i % 8}`, { name: `${i}` }));
      for (const [i, session] of sessions.entries()) session.send({ type: 'chat', text: `from ${i}` });
      await Promise.all(sessions.map((session) => session.taken()));
      daemon.child.kill('SIGTERM');
      await daemon.endedWell();
      await Promise.all(sessions.map((session) => session.closed));
      for (const [i, session] of sessions.entries()) session.send({ type: 'chat', text: `later from ${i}` });
      const next = await testDaemon(t, { args: ['--workers', String(after), ...args], tls: true });
      for (const [i, session] of sessions.entries()) session.base = i % 3 ? next.ws : next.wss;
      const firsts = await Promise.all(sessions.map((session) => session.connect()));
      assert.deepEqual(firsts.map(({ type }) => type), sessions.map(() => 'resumed'));
      for (const [i, session] of sessions.entries()) {
        const expected = sessions.map((_, j) => j).filter((j) => j !== i && j % 8 === i % 8).map((j) => `later from ${j}`);
        while (expected.length) {
          const { type, text } = await session.next();
          if (type === 'chat' && text.startsWith('later')) expected.splice(expected.indexOf(text), 1);
        }
      }
      const newcomer = await Session.join(next.ws, 'room 3');
      assert.equal(newcomer.peers.size, 3);
      assert.equal(newcomer.first.history.length, 6);
      await Promise.all([newcomer, ...sessions].map((session) => session.bye()));
      assert.doesNotMatch(next.stderr, / restart\.refused /);
      const meters = await next.meters();
      assert.equal(meters.sessions_restored, sessions.length);
    });
  }
});
