// Goal: what one daemon promises its peers holds when the room is another node's: what was sent arrives, who reads slowly
// costs a bounded amount of memory, and a fault costs those it concerns.
import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { describe, it } from 'node:test';
import { open } from '../lib/client.mjs';
import { Redis, startNode, startNodes } from '../lib/cluster.mjs';
import { eventually } from '../lib/prometheus.mjs';
import { BINARY, frame, noise, open as openRaw } from '../lib/raw.mjs';
import { Reader } from '../lib/reader.mjs';
import { Session } from '../lib/v1.mjs';
import { ctl, killWorker, together } from '../lib/workers.mjs';

const MB = 1e6;

/** Two nodes of which the first has the room, and a client there. */
async function owned(t, room, args = []) {
  const redis = await Redis.start(t);
  const [owner, edge] = await startNodes(t, redis.url, 2, args);
  const first = await open(`${owner.ws}/relay/${room}`);
  return { redis, owner, edge, first };
}

describe('a room at another node', () => {
  it('may have a name of 128 bytes of any kind', async (t) => {
    const room = `${'%C3%BC'.repeat(60)}%01%7F%25aaaaa`;
    const { edge, first } = await owned(t, room);
    await together(first, await open(`${edge.wss}/relay/${room}`));
  });

  it('gets every byte of what is large, both ways', async (t) => {
    const { edge, first } = await owned(t, 'r', ['--byte-rate', '0']);
    const clients = [first, await open(`${edge.ws}/relay/r`), await open(`${edge.wss}/relay/r`)];
    for (const from of clients) {
      for (let i = 0; i < 100; i++) {
        const sent = randomBytes(60000);
        from.send(sent);
        for (const to of clients.filter((client) => client !== from)) assert.ok(sent.equals(await to.next()));
      }
    }
  });
});

describe('who reads slowly at another node', () => {
  it('gets all at 1 MB/s', async (t) => {
    const { owner, edge } = await owned(t, 'x', ['--byte-rate', '0']);
    const reader = await Reader.open(edge, '/relay/x', MB);
    const sender = await openRaw(owner, '/relay/x');
    const hash = createHash('sha256');
    const count = 100, size = 60000;
    for (let i = 0; i < count; i++) {
      sender.binary(noise(i, size));
      hash.update(frame(BINARY, noise(i, size), { mask: false }));
      await new Promise(setImmediate);
    }
    await reader.has(count * (size + 4), 60000);
    assert.equal(reader.digest, hash.digest('hex'));
    for (const { socket } of [reader, sender.wire]) socket.destroy();
  });

  it('and reads nothing is closed, and nobody else', async (t) => {
    const { owner, edge, first } = await owned(t, 'x', ['--byte-rate', '0', '--message-rate', '0', '--slow-seconds', '2']);
    const other = await open(`${edge.wss}/relay/x`);
    const dead = await Reader.open(edge, '/relay/x', 0);
    let gone = false;
    eventually(async () => (await owner.meters()).closed_4508 > 0, 'its end', 60000).then(() => { gone = true; });
    let sent = 0;
    while (!gone) {
      const bytes = randomBytes(30000);
      first.send(bytes);
      assert.ok(bytes.equals(await other.next()));
      assert.ok(++sent < 4000, '120 MB wait for one that reads nothing');
    }
    await together(first, other);
    await dead.leave();
  });
});

describe('a worker that is killed', () => {
  it('costs those alone who are in its rooms, wherever they have come', { timeout: 60000 }, async (t) => {
    const redis = await Redis.start(t);
    const owner = await startNode(t, redis.url, ['--workers', '2']);
    const edge = await startNode(t, redis.url);
    const rooms = Array.from({ length: 12 }, (_, i) => `r${i}`);
    const firsts = await Promise.all(rooms.map((room) => open(`${owner.ws}/relay/${room}`)));
    const guests = await Promise.all(rooms.map((room) => open(`${edge.ws}/relay/${room}`)));
    const all = [...firsts, ...guests];
    await killWorker(owner, 0);
    await eventually(() => all.some((client) => client.end), 'the end of its connections');
    await Promise.all(rooms.map(async (room, i) => { // both of a room, or none
      if (firsts[i].end || guests[i].end) await Promise.all([firsts[i].closed, guests[i].closed]);
    }));
    const spared = rooms.filter((_, i) => !firsts[i].end);
    assert.ok(spared.length > 0 && spared.length < rooms.length, `${spared.length} rooms were spared`);
    await Promise.all(rooms.map(async (room, i) => {
      const pair = firsts[i].end
        ? await Promise.all([edge, owner].map((node) => eventually(() => open(`${node.ws}/relay/${room}`).catch(() => false), room)))
        : [firsts[i], guests[i]];
      await together(...pair);
    }));
  });
});

describe('a node that has lost thousands of rooms', () => {
  it('tells the peers of each', { timeout: 120000 }, async (t) => {
    const redis = await Redis.start(t);
    const [one, two] = await startNodes(t, redis.url, 2, ['--workers', '2']);
    const count = 1500;
    const clients = [];
    for (let i = 0; i < count; i += 50) {
      clients.push(...await Promise.all(Array.from({ length: 50 }, (_, j) => open(`${one.ws}/relay/r${i + j}`))));
    }
    const bystander = await open(`${one.ws}/relay/kept`);
    const { node } = (await ctl(two.ctl, 'cluster')).find(({ self }) => self);
    // As after a Redis that had lost its data and gave them to the other node meanwhile.
    await redis.command('EVAL', `for i = 0, ${count - 1} do redis.call('HSET', 'nk:{nakodo}:u:/relay\\nr' .. i, 'o', '${node}', 'e', 1000000000) end`, 0);
    const before = one.lines('cluster.there').length;
    await redis.command('CLIENT', 'KILL', 'TYPE', 'normal');
    await one.until(() => one.lines('cluster.there').length > before, 'that Redis is back');
    const ends = await Promise.all(clients.map(({ closed }) => closed));
    assert.ok(ends.every(({ code }) => code === 1012));
    assert.equal(bystander.end, undefined);
    assert.equal(one.lines('cluster.lost').length, 1);
  });
});

describe('a room of which all are away', () => {
  it('does not give way to however many others', { timeout: 120000 }, async (t) => {
    const redis = await Redis.start(t);
    const node = await startNode(t, redis.url, ['--max-peers', '60']);
    const a = await Session.join(node.ws, 'r');
    const claim = 'nk:{nakodo}:u:/v1\nr';
    await new Promise((done) => setTimeout(done, 10500)); // it has been there for longer than who only names rooms
    a.ws.terminate();
    for (let i = 0; i < 4500; i += 30) { // 60 * 4 + 4096 are known at once
      const clients = await Promise.all(Array.from({ length: 30 }, (_, j) => open(`${node.ws}/relay/r${i + j}`)));
      await Promise.all(clients.map((client) => client.close()));
    }
    assert.equal(await redis.command('EXISTS', 'nk:{nakodo}:u:/relay\nr0'), '0'); // who has given way
    assert.equal(await redis.command('EXISTS', claim), '1');
    await a.connect();
    assert.equal(a.first.type, 'resumed');
    await a.bye();
  });
});
