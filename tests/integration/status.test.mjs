// /status.json: how the daemon is, who may read it, and that it costs little.
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { open, openMany } from '../lib/client.mjs';
import { alone, runDaemon, scratch, testDaemon } from '../lib/daemon.mjs';
import { ask } from '../lib/http.mjs';
import { scrape } from '../lib/metrics.mjs';
import { Key, now } from '../lib/tokens.mjs';
import { Session } from '../lib/v1.mjs';

const measured = ['--listen', '127.0.0.1:0?metrics'];

/** The answer as an object; else status and code of the refusal. */
async function look(port, { token, headers = {} } = {}) {
  const bearer = token ? { Authorization: `Bearer ${token}` } : {};
  const { status, text } = await ask({ port }, '/status.json', { headers: { ...bearer, ...headers } });
  return status === 200 ? JSON.parse(text) : [status, JSON.parse(text).code];
}

const rooms = ({ largest }) => largest.map(({ mount, room, members }) => `${mount} ${room} ${members}`);

describe('who may read it', () => {
  it('with a token that has admin whoever comes by any listener, and nobody else', async (t) => {
    const key = new Key(scratch());
    const daemon = await testDaemon(t, { args: ['--listen', '*:0', '--listen', '127.0.0.1:0', '--auth', 'token', '--auth-key', key.option] });
    const admin = key.token({ room: '*', can: ['admin'] });
    for (const port of new Set(daemon.ports)) {
      assert.equal((await look(port, { token: admin })).state, 'ready');
      assert.deepEqual(await look(port), [401, 'no-token']);
      assert.deepEqual(await look(port, { token: key.token({ room: '*', can: ['admin'], exp: now() - 3600 }) }), [401, 'bad-token']);
      assert.deepEqual(await look(port, { token: `${admin.slice(0, -4)}AAAA` }), [401, 'bad-token']);
      assert.deepEqual(await look(port, { token: key.token({ can: ['send', 'receive', 'moderate'], room: '*' }) }), [403, 'not-granted']);
    }
    assert.equal(daemon.lines(admin).length, 0);
  });

  it('without keys nobody, but at a listener that says ?metrics', async (t) => {
    const daemon = await testDaemon(t, { args: [...measured, '--listen', '127.0.0.1:0'] });
    assert.equal((await look(daemon.ports[0])).state, 'ready');
    assert.deepEqual(await look(daemon.ports[1]), [404, 'not-found']);
    assert.deepEqual(await look(daemon.ports[1], { token: new Key(scratch()).token({ room: '*', can: ['admin'] }) }), [404, 'not-found']);
  });

  it('behind a proxy, where rooms need no token, who shows one with admin', alone, async (t) => {
    const key = new Key(scratch());
    const daemon = await testDaemon(t, { args: ['--listen', '127.0.0.1:0', '--listen', '[::1]:0?metrics&auth=token', '--trusted-proxy', '127.0.0.1', '--auth-key', key.option] });
    const headers = { 'X-Forwarded-For': '192.0.2.7' };
    await open(`${daemon.ws}/relay/a`, { headers });
    assert.deepEqual(await look(daemon.port, { headers }), [401, 'no-token']);
    const status = await look(daemon.port, { headers, token: key.token({ room: '*', can: ['admin'] }) });
    assert.deepEqual(rooms(status), ['/relay a 1']);
  });

  it('by ?metrics nobody whom a proxy brings, trusted or not', async (t) => {
    for (const trusted of [[], ['--trusted-proxy', '127.0.0.1']]) {
      const daemon = await testDaemon(t, { args: [...measured, ...trusted] });
      for (const address of ['127.0.0.2', '192.0.2.7']) {
        assert.deepEqual(await look(daemon.port, { headers: { 'X-Forwarded-For': address } }), [401, 'no-token'], address);
      }
    }
  });

  it('by ?metrics no page of another site', async (t) => {
    const daemon = await testDaemon(t, { args: measured });
    for (const headers of [{ Host: 'evil.example' }, { Origin: 'https://evil.example' }]) {
      assert.equal((await look(daemon.port, { headers }))[0], 403);
    }
  });

  it('who needs no token for it is not told the names of rooms without one that has admin', alone, async (t) => {
    const key = new Key(scratch());
    const daemon = await testDaemon(t, { args: ['--listen', '127.0.0.1:0?metrics&auth=none', '--listen', '*:0?metrics', '--auth-key', key.option] });
    await open(`${daemon.ws}/relay/secret`);
    const plain = await look(daemon.ports[0]);
    assert.deepEqual([plain.named, plain.largest], [false, [{ mount: '/relay', members: 1 }]]);
    const other = await look(daemon.ports[0], { token: key.token({ room: '*', can: ['send'] }) });
    assert.deepEqual([other.named, other.largest], [false, plain.largest]);
    const admin = await look(daemon.ports[0], { token: key.token({ room: '*', can: ['admin'] }) });
    assert.deepEqual([admin.named, rooms(admin)], [true, ['/relay secret 1']]);
  });
});

describe('what it says', () => {
  /** A daemon that tells names to who shows this token. */
  async function told(t, ...args) {
    const key = new Key(scratch());
    const daemon = await testDaemon(t, { args: ['--listen', '127.0.0.1:0?metrics&auth=none', '--auth', 'token', '--auth-key', key.option, ...args] });
    const token = key.token({ room: '*', can: ['admin'] });
    return [daemon, () => look(daemon.port, { token })];
  }

  it('all that nakodo ctl top says, and every meter', async (t) => {
    const path = join(scratch(), 'ctl');
    const daemon = await testDaemon(t, { args: [...measured, '--ctl', path] });
    const [client, other] = await openMany(`${daemon.ws}/relay/a`, 2);
    client.send('hello');
    await other.next();
    const { headers } = await ask({ port: daemon.port }, '/status.json');
    assert.deepEqual([headers['content-type'], headers['cache-control']], ['application/json', 'no-store']);
    const status = await look(daemon.port);
    const { stdout } = await runDaemon(['ctl', '--socket', path, '--json', 'status']);
    const members = Object.keys(JSON.parse(stdout.split('\n')[0]));
    assert.deepEqual(Object.keys(status).slice(0, members.length), members);
    assert.deepEqual([status.pid, status.peers, status.rooms, status.messages_in, status.bytes_in], [daemon.pid, 2, 1, 1, 5]);
    assert.ok(status.turns > 0 && status.turn_ns > 0 && status.memory > 0 && status.memory < status.max_memory);
    assert.ok(status.max_connections > status.max_peers);
    const meters = await daemon.meters();
    assert.deepEqual(Object.keys(status.meters).sort(), Object.keys(meters).sort());
    for (const name of ['peers', 'messages_in', 'messages_out', 'refused']) assert.equal(status.meters[name], status[name], name);
  });

  it('what was refused, and with which code peers were closed', async (t) => {
    const daemon = await testDaemon(t, { args: [...measured, '--max-message', '1024'] });
    await ask({ port: daemon.port }, '/nowhere');
    const client = await open(`${daemon.ws}/relay`);
    client.send('x'.repeat(2000));
    assert.equal((await client.closed).code, 1009);
    const { meters } = await look(daemon.port);
    assert.deepEqual(['refused', 'refused_not_found', 'refused_bad_origin', 'closed_1009', 'closed_4508'].map((name) => meters[name]), [1, 1, 0, 1, 0]);
  });

  it('rooms that listeners of their own have in common once', alone, async (t) => {
    const own = ['--listen', '127.0.0.1:0?dialect=pixel-streaming?role=streamer&auth=none', '--listen', '127.0.0.1:0?dialect=pixel-streaming?role=player&auth=none'];
    const [daemon, status] = await told(t, ...own);
    const streamer = await open(`ws://127.0.0.1:${daemon.ports[1]}/`);
    streamer.send('{"type":"endpointId","id":"cube"}');
    await streamer.next();
    assert.equal((await status()).largest.length, 1);
  });

  it('the twenty largest rooms, of all protocols, largest first', alone, async (t) => {
    const [daemon, status] = await told(t);
    for (let i = 1; i <= 22; i++) await openMany(`${daemon.ws}/relay/r${i}`, i % 3 + 1);
    await openMany(`${daemon.ws}/echo`, 3);
    await openMany(`${daemon.ws}/relay/big`, 6);
    const sessions = await Promise.all(Array.from({ length: 5 }, () => Session.join(daemon.ws, 'v "<b>"')));
    const all = await status();
    assert.equal(all.rooms, 24);
    assert.equal(all.largest.length, 20);
    assert.deepEqual(rooms(all).slice(0, 2), ['/relay big 6', '/v1 v "<b>" 5']);
    assert.deepEqual(all.largest.map(({ members }) => members), all.largest.map(({ members }) => members).toSorted((a, b) => b - a));
    assert.equal(all.largest.at(-1).members, 1);
    await Promise.all(sessions.map((session) => session.bye()));
    assert.ok(!rooms(await status()).some((room) => room.startsWith('/v1')));
  });

  it('they are found among more rooms than are looked at at once, by who asks again', alone, async (t) => {
    const [daemon, status] = await told(t, '--max-peers-per-address', '0', '--connect-rate', '0');
    const topics = (...names) => JSON.stringify({ type: 'subscribe', topics: names });
    const clients = await openMany(`${daemon.ws}/y-webrtc`, 101);
    for (const [i, client] of clients.entries()) client.send(topics(...Array.from({ length: 100 }, (_, n) => `t${i}-${n}`)));
    await daemon.until(async () => (await status()).rooms === 10100);
    const last = await openMany(`${daemon.ws}/y-webrtc`, 3);
    for (const client of last) {
      client.send(topics('last')).send('{"type":"ping"}');
      assert.equal(await client.next(), '{"type":"pong"}');
    }
    await status(); // the end of a look that was under way, or the beginning of one;
    await status();
    for (let i = 0; i < 3; i++) assert.equal(rooms(await status())[0], '/y-webrtc last 3');
    for (const client of clients) client.ws.terminate(); // rooms go while a look at them is under way
    await daemon.until(async () => (await status()).rooms === 1);
    await status();
    assert.deepEqual(rooms(await status()), ['/y-webrtc last 3']);
  });

  it('costs as much of the loop with 500 peers as with none', async (t) => {
    const daemon = await testDaemon(t, { args: [...measured, '--max-peers-per-address', '0', '--connect-rate', '0'] });
    const turns = async () => (await scrape({ port: daemon.port })).get('nakodo_turn_seconds_sum');
    /** The least that ten answers took in one of several rounds. */
    const cost = async () => {
      const rounds = [];
      for (let round = 0; round < 8; round++) {
        const before = await turns();
        for (let i = 0; i < 10; i++) await look(daemon.port);
        rounds.push(await turns() - before);
      }
      return Math.min(...rounds);
    };
    const alone = await cost();
    await openMany(`${daemon.ws}/relay`, 500);
    const among = await cost();
    assert.ok(among < alone * 2, `${among} s for ten, ${alone} s when nobody was there`);
  });
});
