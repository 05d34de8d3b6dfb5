// Goal: several processes behind one port are one daemon to whoever comes: who is in a room is together, whichever
// process has it, and lists, numbers and limits are those of all.
//
// SEED=… sets what the requests say that are made by chance; it is printed.
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { open, openMany, refused } from '../lib/client.mjs';
import { configured } from '../lib/configured.mjs';
import { runDaemon, scratch } from '../lib/daemon.mjs';
import { ask, dial } from '../lib/http.mjs';
import { scrape } from '../lib/metrics.mjs';
import { freePorts } from '../lib/ports.mjs';
import { descriptors, isIdle, limitDescriptors } from '../lib/process.mjs';
import { eventually } from '../lib/prometheus.mjs';
import { frame, handshake, open as openRaw, PING, TEXT, within } from '../lib/raw.mjs';
import { refusal, Session } from '../lib/v1.mjs';
import { random } from '../lib/v1-talk.mjs';
import { command, ctl, killWorker, roomsByWorker, several, together, workerOf, workersOf } from '../lib/workers.mjs';

const SEED = Number(process.env.SEED ?? Math.floor(Math.random() * 2 ** 31));
const measured = ['--listen', '127.0.0.1:0?metrics', '--listen', 'tls:127.0.0.1:0'];

describe('a room', () => {
  it('works whichever worker has it, for who comes by ws and for who comes by wss', async (t) => {
    const daemon = await several(t, 3);
    for (const [room] of await roomsByWorker(`${daemon.ws}/relay`, daemon.ctl, 3)) {
      const clients = [];
      for (const base of [daemon.ws, daemon.wss, daemon.wss, daemon.ws]) clients.push(await open(`${base}/relay/${room}`));
      await together(...clients);
      await Promise.all(clients.map((client) => client.close()));
    }
  });

  /** Who comes by these, [path, headers] each made of a room's name, is heard in that room. */
  async function oneRoom(t, spellings) {
    const daemon = await several(t, 3, ['--subprotocol', 'chat']);
    for (const [room] of await roomsByWorker(`${daemon.ws}/relay`, daemon.ctl, 3)) {
      const listener = await open(`${daemon.ws}/relay/${room}`);
      for (const secure of [false, true]) {
        for (const [path, headers] of spellings(room)) {
          const peer = await openRaw(daemon, path, { secure, headers });
          await peer.text(path);
          assert.equal(await within(listener.next(), `what is said in ${path} ${Object.keys(headers ?? {})}`, 3000), path);
          await peer.leave();
        }
      }
      await listener.close();
    }
  }

  it('is one room however its path is spelled', (t) => oneRoom(t, (room) => {
    const escaped = `%${room.charCodeAt(0).toString(16)}${room.slice(1)}`;
    return [[`/relay/${escaped}`], [`/%72elay/${room}`], [`//relay/${room}`], [`/relay//${room}`], [`/relay/./${room}`],
      [`/relay/other/../${room}`], [`/relay?room=${room}`], [`/relay/?x=y&room=${escaped}`], [`/relay/${room}?room=other`]];
  }));

  it('is one room for who offers it as a subprotocol', (t) => oneRoom(t, (room) => {
    const offered = { 'Sec-WebSocket-Protocol': `chat, nakodo.room.${room}` };
    return [['/relay', offered], ['/relay?room=other', offered], ['/relay', { 'X-Long': 'x'.repeat(3000), ...offered }]];
  }));

  it('is one room for who offers it in a second line', (t) => oneRoom(t, (room) => [
    ['/relay', { 'Sec-WebSocket-Protocol': 'chat', 'sec-websocket-protocol': `nakodo.room.${room}` }],
  ]));

  it('is one room for who goes back from its path', (t) => oneRoom(t, (room) => [[`/relay/${room}/x/..`], [`/relay/x/..?room=${room}`]]));

  it('is one room for who writes & or ; behind it', (t) => oneRoom(t, (room) => [[`/relay/${room};x`], [`/relay/${room}&x`], [`/relay;?room=${room}`]]));

  it('is one room for who writes two spaces before its path', (t) => oneRoom(t, (room) => [[` /relay/${room}`]]));

  it(`is at one worker, whatever else a request says (SEED=${SEED})`, async (t) => {
    const count = 4;
    const daemon = await several(t, count);
    const chance = random(SEED);
    const some = (...choices) => choices[Math.floor(chance() * choices.length)];
    const piece = () => some('a', 'b', 'relay', 'v1', '/', '/', '//', '.', '..', '/.', '/..', '/./', '/../', '%2f', '%2F', '%2e', '%61', '%', '%6', '+', '%20',
      '%2b', '?', '&', ';', '=', 'room=', 'room=a', 'room%3Da', 'name=b', '%3f', '%26', '%3D', '#', '%e6%97%a5', '%ff', ':', '@', '\\', '~');
    const path = () => `/${some('relay', 'relay/', 'relay/a', 'relay?room=a', 'v1/a', 'chat/', '/', '')}${Array.from({ length: Math.floor(chance() * 6) }, piece).join('')}`;
    const offered = () => some(undefined, undefined, undefined, { 'Sec-WebSocket-Protocol': `nakodo.room.${some('a', 'b', '%61', '', 'a/b')}` });
    const where = new Map(); // of each room its worker, and by what request
    const workers = new Set(), faults = [];
    for (let i = 0; i < 8; i++) {
      const tries = Array.from({ length: 50 }, () => [path(), offered()]);
      const peers = (await Promise.all(tries.map(([target, headers], number) => openRaw(daemon, target, { headers, from: `127.0.${i}.${number + 1}` })
        .catch(() => undefined)))).filter(Boolean);
      assert.ok(peers.length > 5, 'some come in');
      for (const peer of await ctl(daemon.ctl, 'peers')) {
        const [place, worker, request] = [`${peer.mount} ${peer.room}`, workerOf(peer, count), tries[peer.address.split('.')[3] - 1]];
        if (!peer.address.startsWith(`127.0.${i}.`) || peer.room === undefined) continue;
        const [first, by] = where.get(place) ?? [worker];
        if (first !== worker) faults.push([place, by, request]);
        else where.set(place, [worker, request]);
        workers.add(worker);
      }
      for (const peer of peers) peer.wire.reset();
    }
    assert.deepEqual(faults.slice(0, 3).map((fault) => JSON.stringify(fault)), [], `${faults.length} faults`);
    assert.equal(workers.size, count);
  });

  it('is one room for who comes by a unix socket or through a proxy, each known by its address', async (t) => {
    const path = join(scratch(), 'socket');
    const daemon = await several(t, 3, ['--listen', `unix:${path}`, '--listen', 'proxy:127.0.0.1:0', '--listen', '127.0.0.1:0']);
    const [proxied, plain] = daemon.ports;
    for (const [room] of await roomsByWorker(`ws://127.0.0.1:${plain}/relay`, daemon.ctl, 3)) {
      const listener = await open(`ws://127.0.0.1:${plain}/relay/${room}`);
      for (const [target, header, address] of [[{ path }, '', 'unix'], [{ port: proxied }, 'PROXY TCP4 192.0.2.7 192.0.2.1 1000 80\r\n', '192.0.2.7']]) {
        const wire = await dial(target);
        wire.write(header + handshake(`/relay/${room}`));
        assert.equal((await wire.response()).status, 101);
        assert.deepEqual((await ctl(daemon.ctl, 'peers', room)).map((peer) => peer.address).sort(), ['127.0.0.1', address].sort());
        wire.write(frame(TEXT, address));
        assert.equal(await listener.next(), address);
        wire.socket.destroy();
        await eventually(async () => (await ctl(daemon.ctl, 'peers', room)).length === 1, 'that it has left');
      }
      await listener.close();
    }
  });

  it('is with who asks about it by plain HTTP', async (t) => {
    const daemon = await several(t, 3);
    for (const [room] of await roomsByWorker(`${daemon.ws}/v1`, daemon.ctl, 3)) {
      const session = await Session.join(daemon.wss, room);
      for (const target of [{ port: daemon.port }, { port: daemon.tlsPort, tls: true }]) {
        const { status, text } = await ask(target, `/v1/${room}/peers`);
        assert.equal(status, 200, text);
        assert.equal(JSON.parse(text).count, 1);
        assert.equal((await ask(target, '/')).status, 200);
        assert.equal((await ask(target, '/nowhere')).status, 404);
      }
      await session.bye();
    }
  });

  it('is left at once by who vanishes behind TLS', async (t) => {
    const daemon = await several(t, 2);
    for (const [room] of await roomsByWorker(`${daemon.ws}/v1`, daemon.ctl, 2)) {
      const stays = await Session.join(daemon.ws, room);
      const goes = await Session.join(daemon.wss, room);
      await stays.find('peer-joined');
      goes.ws.terminate();
      assert.equal((await stays.find('peer-away')).id, goes.id);
      await stays.bye();
    }
  });
});

describe('a connection by TLS', () => {
  it('loses nothing while more is sent than is read', async (t) => {
    const daemon = await several(t, 2, ['--message-rate', '10000', '--byte-rate', '64MiB', '--send-queue', '16MiB', '--resume-bytes', '32MiB']);
    const clients = await openMany(`${daemon.wss}/echo`, 4);
    await Promise.all(clients.map(async (client, number) => {
      client.ws.pause();
      for (let i = 0; i < 100; i++) client.send(`${number} ${i} ${'x'.repeat(i * 500)}`);
      setImmediate(() => client.ws.resume());
      for (let i = 0; i < 100; i++) assert.equal(await client.next(), `${number} ${i} ${'x'.repeat(i * 500)}`);
      await client.close();
    }));
  });

  it('that says nothing ends by handshake-timeout, before, in and behind TLS, and leaves no descriptor', async (t) => {
    const daemon = await several(t, 2, ['--handshake-timeout', '1']);
    const count = () => [daemon.pid, ...workersOf(daemon)].map((pid) => descriptors({ pid }));
    const before = count();
    const target = { port: daemon.tlsPort };
    const wires = [await dial(target), await dial(target), await dial({ ...target, tls: true }), await dial({ ...target, tls: true })];
    wires[1].write(Buffer.from('16030100', 'hex'));
    wires[3].write('GET /relay/a HT');
    await Promise.all(wires.map((wire) => within(wire.ended, 'its end', 5000)));
    await eventually(() => String(count()) === String(before), `that only ${before} descriptors are open`);
  });

  it('is known by the address that it comes from', async (t) => {
    const daemon = await several(t, 2);
    const clients = [];
    for (const base of [daemon.ws, daemon.wss]) {
      for (let i = 5; i < 8; i++) clients.push(await open(`${base}/relay/${i}`, { localAddress: `127.0.0.${i}` }));
    }
    const peers = await ctl(daemon.ctl, 'peers');
    assert.equal(peers.length, 6);
    for (const { room, address } of peers) assert.equal(address, `127.0.0.${room}`);
    for (const client of clients) await client.close();
  });
});

describe('nakodo ctl', () => {
  it('lists the peers and rooms of all workers, each once', async (t) => {
    const daemon = await several(t, 3);
    const rooms = (await roomsByWorker(`${daemon.ws}/relay`, daemon.ctl, 3, 2)).flat();
    const clients = [];
    for (const room of rooms) clients.push(await open(`${daemon.ws}/relay/${room}`), await open(`${daemon.wss}/relay/${room}`));
    const listed = await command(daemon.ctl, 'rooms');
    assert.deepEqual(listed.map(({ room, members }) => [room, members]).sort(), rooms.map((room) => [room, 2]).sort());
    const peers = await command(daemon.ctl, 'peers');
    assert.equal(new Set(peers.map(({ peer }) => peer)).size, clients.length);
    assert.deepEqual(new Set(peers.map((peer) => workerOf(peer, 3))), new Set([0, 1, 2]));
    for (const room of rooms) assert.equal((await command(daemon.ctl, 'peers', room)).length, 2);
    const [status] = await command(daemon.ctl, 'status');
    assert.deepEqual([status.pid, status.peers, status.rooms], [daemon.pid, clients.length, rooms.length]);
    await Promise.all(clients.map((client) => client.close()));
  });

  it('sends a peer of any worker away by its number, and no other', async (t) => {
    const daemon = await several(t, 3);
    const names = (await roomsByWorker(`${daemon.ws}/v1`, daemon.ctl, 3)).flat();
    const sessions = [];
    for (const [i, room] of names.entries()) sessions.push(await Session.join(i % 2 ? daemon.ws : daemon.wss, room));
    for (const [i, session] of sessions.entries()) {
      const { peer } = (await command(daemon.ctl, 'peers', session.room)).find(({ id }) => id === session.id);
      await command(daemon.ctl, 'kick', String(peer));
      assert.equal((await session.closed).code, 4403);
      assert.equal((await command(daemon.ctl, 'peers')).length, sessions.length - i - 1);
      await assert.rejects(command(daemon.ctl, 'kick', String(peer)), new RegExp(`there is no peer ${peer}\\b`));
    }
  });

  it('locks and unlocks a room of any worker', async (t) => {
    const daemon = await several(t, 3);
    for (const [room] of await roomsByWorker(`${daemon.ws}/v1`, daemon.ctl, 3)) {
      const session = await Session.join(daemon.ws, room);
      await command(daemon.ctl, 'lock', room);
      assert.deepEqual(await session.find('lock'), { type: 'lock', locked: true });
      assert.deepEqual(await refusal(daemon.wss, `/v1/${room}`), { code: 'room-locked', close: 4403 });
      await command(daemon.ctl, 'unlock', room);
      await Promise.all([session.bye(), (await Session.join(daemon.wss, room)).bye()]);
    }
    await assert.rejects(command(daemon.ctl, 'lock', 'nowhere'), /nobody is in such a room of nakodo\.v1/);
  });

  it('changes the log level of all workers', async (t) => {
    const daemon = await several(t, 2);
    const [[one], [two]] = await roomsByWorker(`${daemon.ws}/relay`, daemon.ctl, 2);
    await command(daemon.ctl, 'log-level', 'error');
    const before = daemon.lines('peer.').length;
    for (const room of [one, two]) await (await open(`${daemon.ws}/relay/${room}`)).close();
    await command(daemon.ctl, 'log-level', 'info');
    assert.equal(daemon.lines('peer.').length, before);
    for (const room of [one, two]) await (await open(`${daemon.ws}/relay/${room}`)).close();
    await daemon.until(() => daemon.lines('peer.open').length === daemon.lines('peer.leave').length && daemon.lines('peer.').length === before + 4);
  });
});

describe('what is counted', () => {
  it('is counted of all together by /metrics and SIGUSR1, and does not go back when a worker dies', async (t) => {
    const daemon = await several(t, 2, measured);
    const [[one], [two]] = await roomsByWorker(`${daemon.ws}/relay`, daemon.ctl, 2);
    const read = () => scrape({ port: daemon.port });
    const before = await read();
    const pairs = [];
    for (const room of [one, two]) pairs.push(await Promise.all([open(`${daemon.ws}/relay/${room}`), open(`${daemon.ws}/relay/${room}`)]));
    for (const [from, to] of pairs) {
      for (let i = 0; i < 10; i++) assert.equal(await from.send('hello') && await to.next(), 'hello');
    }
    const after = await read();
    const grown = (name) => after.get(name) - before.get(name);
    assert.deepEqual(['nakodo_peers', 'nakodo_rooms', 'nakodo_messages_in_total', 'nakodo_bytes_total{direction="in"}'].map(grown), [4, 2, 20, 100]);
    const meters = await daemon.meters();
    assert.deepEqual([meters.peers, meters.rooms, meters.messages_in], [4, 2, after.get('nakodo_messages_in_total')]);
    await killWorker(daemon, 0);
    await pairs[0][0].closed;
    const then = await eventually(async () => {
      const samples = await read();
      return samples.get('nakodo_peers') === 2 && samples;
    }, 'that those of the dead worker are not counted');
    assert.equal(then.get('nakodo_rooms'), 1);
    for (const [name, value] of after) {
      if (/_(total|count|sum|bucket\{.*)$/.test(name) || name.includes('_total{')) assert.ok(then.get(name) >= value, `${name}: ${value}, then ${then.get(name)}`);
    }
    await Promise.all(pairs[1].map((client) => client.close()));
    assert.equal(await eventually(async () => (await daemon.meters()).peers === 0, 'that nobody is left'), true);
  });

  it('each connection is counted once, whoever has it, by TLS as well', async (t) => {
    const daemon = await several(t, 3);
    const counted = (count) => eventually(async () => (await daemon.meters()).connections === count, `that ${count} connections are counted`, 3000);
    const clients = [];
    for (const [base, sum] of [[daemon.ws, 4], [daemon.wss, 8]]) {
      while (clients.length < sum) clients.push(await open(`${base}/relay/${clients.length}`));
      await counted(sum);
    }
    await Promise.all(clients.map((client) => client.close()));
    await counted(0);
  });

  it('max-peers is the limit of all together, also by TLS', async (t) => {
    const daemon = await several(t, 3, ['--max-peers', '30']);
    const names = (await roomsByWorker(`${daemon.ws}/relay`, daemon.ctl, 3)).flat();
    await eventually(async () => (await daemon.meters()).peers === 0, 'that all places are free');
    const clients = [];
    for (let i = 0; i < 30; i++) clients.push(await open(`${i % 2 ? daemon.ws : daemon.wss}/relay/${names[i % 3]}`));
    for (const room of names) {
      for (const base of [daemon.ws, daemon.wss]) assert.equal((await refused(`${base}/relay/${room}`)).json.code, 'server-full', room);
    }
    await clients[0].close();
    const last = await eventually(() => open(`${daemon.ws}/relay/${names[1]}`).catch(() => undefined), 'a free place');
    await Promise.all([last, ...clients].map((client) => client.close()));
  });

  it('max-peers counts the places that other workers keep for who lost its connection', async (t) => {
    const daemon = await several(t, 2, ['--max-peers', '9']);
    const [[kept]] = await roomsByWorker(`${daemon.ws}/v1`, daemon.ctl, 2);
    const [, [other]] = await roomsByWorker(`${daemon.ws}/relay`, daemon.ctl, 2);
    const isFull = async () => assert.equal((await refused(`${daemon.ws}/relay/${other}`)).json.code, 'server-full');
    const sessions = [await Session.join(daemon.ws, kept), await Session.join(daemon.wss, kept)];
    for (const session of sessions) await session.taken();
    for (const session of sessions) await session.cut();
    await eventually(async () => (await command(daemon.ctl, 'status'))[0].peers === 0, 'that both are away');
    const newcomers = [];
    for (let i = 0; i < 7; i++) newcomers.push(await open(`${i % 2 ? daemon.ws : daemon.wss}/relay/${other}`));
    await isFull();
    for (const session of sessions) assert.equal((await session.connect()).type, 'resumed');
    await isFull();
    await Promise.all([...sessions.map((session) => session.bye()), ...newcomers.map((client) => client.close())]);
  });

  it('rooms-max is the limit of all together', async (t) => {
    const daemon = await several(t, 2, ['--rooms-max', '3']);
    const sessions = [];
    for (const room of ['a', 'b', 'c']) sessions.push(await Session.join(daemon.ws, room));
    for (let i = 0; i < 10; i++) assert.equal((await refusal(daemon.ws, `/v1/other-${i}`)).close, 4413);
    await sessions.pop().bye();
    sessions.push(await eventually(() => Session.join(daemon.ws, 'other').catch(() => undefined), 'a place'));
    await Promise.all(sessions.map((session) => session.bye()));
  });

  it('an address has max-peers-per-address and 64 connections, whichever workers have them', async (t) => {
    const daemon = await several(t, 2, ['--max-peers-per-address', '10', '--handshake-timeout', '60']);
    const [[one], [two]] = await roomsByWorker(`${daemon.ws}/relay`, daemon.ctl, 2);
    const from = { localAddress: '127.0.0.9' };
    const peers = [];
    for (const room of [one, two]) {
      for (let i = 0; i < 5; i++) peers.push(await open(`${i % 2 ? daemon.ws : daemon.wss}/relay/${room}`, from));
    }
    const silent = await Promise.all(Array.from({ length: 74 - peers.length }, () => dial({ port: daemon.port, ...from })));
    const isRefused = async () => {
      const wire = await dial({ port: daemon.port, ...from });
      wire.write('GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n');
      await wire.ended;
      return !wire.received.length;
    };
    await eventually(isRefused, 'that the address has all that it may', 2000);
    await (await open(`${daemon.ws}/relay/${one}`)).close(); // another may still
    await Promise.all(peers.slice(0, 2).map((client) => client.close()));
    await eventually(async () => !await isRefused(), 'that what was freed can be had again');
    silent.push(...await Promise.all([1, 2].map(() => dial({ port: daemon.port, ...from }))));
    await eventually(isRefused, 'that it has all again', 2000);
    await killWorker(daemon, 1);
    await eventually(async () => !await isRefused(), 'that those of a dead worker are not counted');
    for (const wire of silent) wire.socket.destroy();
    await Promise.all(peers.slice(0, 5).map((client) => client.close()));
  });
});

describe('SIGHUP', () => {
  /** A daemon that reads a file. */
  async function fromFile(t, text, options) {
    const path = join(scratch(), 'ctl');
    const fixed = `workers = 2\nctl = ${path}\nmax-peers-per-address = 0\nconnect-rate = 0\n`;
    const daemon = await configured(t, fixed + text, options);
    const says = daemon.says;
    return Object.assign(daemon, { ctl: path, fixed, says: (lines) => says(fixed + lines) });
  }

  it('changes what all workers do, and those that follow them: a mount, the size of a message', async (t) => {
    const daemon = await fromFile(t, '');
    const names = (await roomsByWorker(`${daemon.ws}/relay`, daemon.ctl, 2)).flat();
    const stay = await Promise.all(names.map((room) => open(`${daemon.ws}/relay/${room}`)));
    assert.equal((await refused(`${daemon.ws}/fresh/a`)).status, 404);
    await daemon.says('mount = /fresh=relay\nmount = /relay=relay\nmax-message = 1KiB');
    const fresh = (await roomsByWorker(`${daemon.ws}/fresh`, daemon.ctl, 2)).flat();
    for (const client of stay) assert.equal((await client.send('x'.repeat(2000)).closed).code, 1009);
    writeFileSync(daemon.path, `listen = 127.0.0.1:0\n${daemon.fixed}max-message = 2KiB`); // not told of yet
    await killWorker(daemon, 0);
    for (const room of fresh) {
      const client = await eventually(() => open(`${daemon.ws}/fresh/${room}`).catch(() => undefined), `${room} on a new worker`);
      assert.equal((await client.send('x'.repeat(2000)).closed).code, 1009, room);
    }
    await daemon.says('');
    for (const room of names) {
      assert.equal((await refused(`${daemon.ws}/fresh/${room}`)).status, 404);
      const [one, other] = [await open(`${daemon.ws}/relay/${room}`), await open(`${daemon.ws}/relay/${room}`)];
      one.send('x'.repeat(2000));
      assert.equal((await other.next()).length, 2000);
      await Promise.all([one.close(), other.close()]);
    }
  });

  it('opens a listener for all workers and closes one, whose connections stay', async (t) => {
    const [first, second, third] = await freePorts(3);
    const at = (port) => `ws://127.0.0.1:${port}`;
    const daemon = await fromFile(t, `listen = 127.0.0.1:${first}\nlisten = 127.0.0.1:${second}`);
    const names = (await roomsByWorker(`${at(first)}/relay`, daemon.ctl, 2)).flat();
    const stay = await Promise.all(names.map((room) => open(`${at(second)}/relay/${room}`)));
    await daemon.says(`listen = 127.0.0.1:${first}\nlisten = 127.0.0.1:${third}`);
    await assert.rejects(dial({ port: second }), /ECONNREFUSED/);
    for (const [i, room] of names.entries()) {
      const others = [await open(`${at(first)}/relay/${room}`), await open(`${at(third)}/relay/${room}`)];
      await together(stay[i], ...others);
      await Promise.all([stay[i], ...others].map((client) => client.close()));
    }
  });

  it('changes nothing in any worker if the options are wrong', async (t) => {
    const daemon = await fromFile(t, '');
    const names = (await roomsByWorker(`${daemon.ws}/relay`, daemon.ctl, 2)).flat();
    await daemon.refuses(`${daemon.fixed}max-message = 1KiB\nno-such = 1`, 'no-such');
    await daemon.refuses('workers = 3\nmax-message = 1KiB', 'workers cannot change while the daemon runs');
    for (const room of names) {
      const [one, other] = [await open(`${daemon.ws}/relay/${room}`), await open(`${daemon.ws}/relay/${room}`)];
      one.send('x'.repeat(2000));
      assert.equal((await other.next()).length, 2000);
      await Promise.all([one.close(), other.close()]);
    }
  });
});

describe('a worker without descriptors', () => {
  it('refuses who comes, and what those say who are there reaches whom it is for', async (t) => {
    const daemon = await several(t, 2);
    const [[one], [two]] = await roomsByWorker(`${daemon.ws}/relay`, daemon.ctl, 2);
    const clients = {};
    for (const room of [one, two]) clients[room] = [await open(`${daemon.ws}/relay/${room}`), await open(`${daemon.ws}/relay/${room}`)];
    const worker = { pid: workersOf(daemon)[0] };
    limitDescriptors(worker, 0, 10000);
    for (let i = 0; i < 5; i++) await assert.rejects(open(`${daemon.ws}/relay/${one}`));
    for (const room of [one, two]) await together(...clients[room]);
    limitDescriptors(worker, 100, 10000);
    const late = await open(`${daemon.ws}/relay/${one}`);
    await together(...clients[one], late);
    assert.equal(daemon.lines('worker.ended').length, 0);
    await Promise.all([late, ...clients[one], ...clients[two]].map((client) => client.close()));
  });
});

describe('a certificate that comes by a reload', () => {
  it('lowers max-peers to what there are descriptors for, and one that goes raises it again', async (t) => {
    const [port, tlsPort] = await freePorts(2);
    const text = `workers = 2\nmax-peers = 150\nmax-peers-per-address = 0\nconnect-rate = 0\nlisten = 127.0.0.1:${port}\n`;
    const daemon = await configured(t, text, { wrap: ['prlimit', '--nofile=300'] });
    const places = () => Number(/ reload\.done .*max-peers=(\d+) /.exec(daemon.lines('reload.done').at(-1))[1]);
    await daemon.says(`${text}listen = tls:127.0.0.1:${tlsPort}\ntls-self-signed = certs`);
    assert.ok(places() < 100, `${places()} places`);
    assert.equal(daemon.lines(' warn limit.descriptors ', `max-peers=${places()} `).length, 1, daemon.stderr);
    const clients = [];
    for (let i = 0; i < places(); i++) clients.push(await open(`wss://127.0.0.1:${tlsPort}/echo`));
    assert.equal((await refused(`wss://127.0.0.1:${tlsPort}/echo`)).json.code, 'server-full');
    await Promise.all(clients.map((client) => client.close()));
    await daemon.says(text);
    assert.equal(places(), 150);
    assert.equal(daemon.lines('worker.ended').length, 0, daemon.stderr);
  });
});

describe('a unix socket', () => {
  it('costs the first process little by requests that are never finished, and one that is finished late is answered', async (t) => {
    const path = join(scratch(), 'socket');
    const daemon = await several(t, 2, ['--listen', `unix:${path}`, '--listen', '127.0.0.1:0', '--handshake-timeout', '60']);
    const wires = [];
    for (let i = 0; i < 4000; i++) wires.push(await dial({ path }));
    for (const wire of wires) wire.write('GET /healthz HTTP/1.1\r\n');
    await isIdle(daemon);
    wires[0].write('Host: localhost\r\n\r\n');
    assert.equal((await wires[0].response()).status, 200);
    for (const { socket } of wires) socket.destroy();
  });
});

describe('what the worker that has a room cannot see', () => {
  it('is bounded by the one that speaks TLS: pings are read no faster than the rates allow messages', async (t) => {
    const daemon = await several(t, 2, ['--byte-rate', '64KiB']);
    const flooding = await openRaw(daemon, '/echo', { secure: true });
    const pings = Buffer.concat(Array.from({ length: 100000 }, () => frame(PING, '')));
    flooding.wire.socket.on('error', () => {});
    for (let i = 0; i < 10; i++) flooding.wire.socket.write(pings);
    while (!(await daemon.meters()).held); // or the test is not over in time
    const other = await openRaw(daemon, '/echo', { secure: true, from: '127.0.0.2' });
    await other.text('hello');
    assert.equal(await other.says('the echo'), 'text hello');
    await Promise.all([other.leave(), flooding.wire.reset()]);
  });
});

describe('nakodo worker', () => {
  it('typed by a person says what starts a worker, and ends with 2', async () => {
    for (const words of [[], ['--help'], ['1', '2'], ['these', 'are', 'more', 'words', 'than', 'numbers']]) {
      const { status, stdout, stderr } = await runDaemon(['worker', ...words]);
      assert.deepEqual([status, stdout, stderr], [2, '', 'nakodo: workers are started by the option `workers`\n'], words.join(' '));
    }
  });
});
