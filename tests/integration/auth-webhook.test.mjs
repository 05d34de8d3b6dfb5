// Goal: auth-webhook says who may come in, in every dialect; who waits for it keeps nobody else waiting, and what it
// says is lost by nobody.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { open, openMany } from '../lib/client.mjs';
import { runDaemon, scratch, spawnDaemon, testDaemon, workers } from '../lib/daemon.mjs';
import { eventually } from '../lib/prometheus.mjs';
import { Receiver, assertOrdered, secretFile } from '../lib/receiver.mjs';
import { Key, now } from '../lib/tokens.mjs';
import { Ended, Session } from '../lib/v1.mjs';
import { connect } from './client.mjs';

const asking = (receiver, ...args) => ['--auth-webhook', receiver.url, '--webhook-secret', secretFile(), ...args];
const json = (response, value) => response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(value));

/** A receiver that answers each question with that value, or with what a function makes of it. */
async function start(t, verdict) {
  const receiver = await Receiver.start(t);
  receiver.verdict = verdict;
  receiver.answer = (request, response, said) => {
    if (said.events) return response.writeHead(204).end();
    const value = typeof receiver.verdict === 'function' ? receiver.verdict(said) : receiver.verdict;
    if (value === undefined) return undefined; // hangs
    return typeof value === 'number' ? response.writeHead(value).end() : json(response, value);
  };
  return receiver;
}
const questions = (receiver) => receiver.requests.map(({ said }) => said).filter(({ events }) => !events);

/** Where each dialect is spoken, and what a client says at once. */
const dialects = {
  ayame: ['/signaling', '{"type":"register","roomId":"r","clientId":"x"}'],
  chat: ['/chat/r'],
  echo: ['/echo', 'hello'],
  gstreamer: ['/gst'],
  libdatachannel: ['/libdatachannel/x'],
  matchbox: ['/matchbox/r'],
  'nakodo.v1': ['/v1/r?name=anna'],
  'named-room': ['/video_chat/signaling', '{"method":"open","roomName":"r","name":"anna"}'],
  peerjs: ['/peerjs?key=peerjs&id=p1&token=t'],
  'pixel-streaming': ['/pixel-streaming/streamer', '{"type":"endpointId","id":"r"}'],
  relay: ['/relay/r'],
  signal: ['/?room=r'],
  webtorrent: ['/webtorrent', JSON.stringify({ action: 'announce', info_hash: 'h'.repeat(20), peer_id: 'p'.repeat(20), numwant: 0, offers: [] })],
  'y-webrtc': ['/y-webrtc', '{"type":"subscribe","topics":["r"]}'],
};

async function visit(daemon, name) {
  const [path, first] = dialects[name];
  const client = await open(daemon.ws + path, name === 'nakodo.v1' ? { protocols: [name] } : {});
  if (first) client.send(first);
  return client;
}

describe('in every dialect', () => {
  test('who is let in is in, and what it said at once is heard', { timeout: 60000 }, async (t) => {
    const receiver = await start(t, { allow: true });
    const daemon = await testDaemon(t, { args: asking(receiver, '--event-webhook', receiver.url) });
    const roomless = { echo: 'hello', webtorrent: /"complete":/ };
    for (const name of Object.keys(dialects)) {
      const client = await visit(daemon, name);
      if (name in roomless) assert.match(await client.next(), new RegExp(roomless[name]), name);
      else await receiver.until(() => receiver.events.some(({ type, dialect }) => type === 'joined' && dialect === name));
      await client.close();
    }
    assertOrdered(receiver.events);
    const { admissions, admissions_allowed: allowed, admissions_waiting: waiting } = await daemon.meters();
    const all = Object.keys(dialects).length;
    assert.deepEqual([admissions, allowed, waiting], [all, all, 0]);
    assert.deepEqual(questions(receiver).map(({ dialect }) => dialect), Object.keys(dialects).map((name) => (name === 'ayame' ? undefined : name)));
    assert.deepEqual(questions(receiver).map(({ room }) => room), Object.keys(dialects).map((name) =>
      ({ echo: '', gstreamer: '', libdatachannel: 'x', peerjs: '' }[name] ?? (/chat|matchbox|v1|relay|signal/.test(name) ? 'r' : undefined))));
  });

  /** What a client hears in place of being let in, as [messages, code, reason]. */
  async function turnedAway(daemon, name) {
    const client = await visit(daemon, name);
    const heard = [];
    for (;;) {
      const message = await client.next().catch(() => undefined);
      if (message === undefined) break;
      heard.push(message);
    }
    const { code, reason } = await client.closed;
    return [heard.map(JSON.parse), code, reason];
  }

  test('who is not let in is told why, and was never there', { timeout: 60000 }, async (t) => {
    const receiver = await start(t, { allow: false, reason: 'Not "today".' });
    const daemon = await testDaemon(t, { args: asking(receiver, '--event-webhook', receiver.url) });
    for (const name of Object.keys(dialects)) {
      assert.deepEqual(await turnedAway(daemon, name), {
        ayame: [[{ type: 'reject', reason: 'Not "today".' }], 1000, ''],
        'nakodo.v1': [[{ type: 'error', code: 'not-admitted', message: 'Not "today".' }], 4403, 'not-admitted'],
      }[name] ?? [[], 4403, 'Not "today".'], name);
    }
    assert.equal((await daemon.meters()).admissions_refused, Object.keys(dialects).length);
    assert.deepEqual(receiver.events.filter(({ type }) => type !== 'started'), []);
  });

  test('nobody is let in when no answer can be had, and the log says so once', { timeout: 60000 }, async (t) => {
    const receiver = await start(t, 500);
    const daemon = await testDaemon(t, { args: asking(receiver) });
    const failed = 'nobody could say whether you may come in';
    for (const name of Object.keys(dialects)) {
      assert.deepEqual(await turnedAway(daemon, name), {
        ayame: [[{ type: 'reject', reason: 'InternalServerError' }], 1000, ''],
        'nakodo.v1': [[{ type: 'error', code: 'unavailable', message: failed }], 4503, 'unavailable'],
      }[name] ?? [[], 4503, failed], name);
    }
    const told = daemon.lines(' auth-webhook.down ', 'it answered 500').length; // each worker asks by itself
    assert.ok(told >= 1 && told <= workers, `${told} times`);
    receiver.verdict = { allow: true };
    const client = await visit(daemon, 'echo');
    assert.equal(await client.next(), 'hello');
    await daemon.logged(' auth-webhook.up ');
    assert.equal((await daemon.meters()).admissions_failed, Object.keys(dialects).length);
  });

  test('a server that answers some and not others does not fill the log', { timeout: 30000 }, async (t) => {
    const receiver = await start(t, ({ query }) => (query.includes('good=') ? { allow: true } : 500)); // in one room, so by one worker
    const daemon = await testDaemon(t, { args: asking(receiver) });
    for (let i = 0; i < 5; i++) {
      assert.equal((await (await open(`${daemon.ws}/relay/r?bad`)).closed).code, 4503);
      await (await open(`${daemon.ws}/relay/r?good=`)).close();
    }
    assert.equal((await daemon.meters()).admissions_failed, 5);
    assert.equal(daemon.lines(' auth-webhook.down ').length, 1);
    assert.equal(daemon.lines(' auth-webhook.up ').length, 1);
  });
});

describe('a question', () => {
  test('says who wants to come where, and is signed', { timeout: 30000 }, async (t) => {
    const receiver = await start(t, { allow: true });
    const daemon = await testDaemon(t, { args: asking(receiver, '--origin', 'https://app.example', '--trusted-proxy', '127.0.0.1') });
    const client = await open(`${daemon.ws}/relay/b%C3%A4r?ticket=a%26b&token=opaque`, { headers: { origin: 'https://app.example', 'x-forwarded-for': '192.0.2.7' } });
    await receiver.until(() => receiver.requests.length);
    assert.deepEqual(questions(receiver), [{
      dialect: 'relay', mount: '/relay', room: 'bär', address: '192.0.2.7', origin: 'https://app.example', query: ['ticket=a&b', 'token=opaque'],
    }]);
    assert.match(receiver.requests[0].headers['webhook-id'], /^[0-9A-Z]{26}$/);
    await client.close();
  });

  test('has who a token is for, not the token, which may come in a message', { timeout: 30000 }, async (t) => {
    const receiver = await start(t, { allow: true, user: 'eve', room: '*', name: 'Anna B.' });
    const key = new Key(scratch());
    const daemon = await testDaemon(t, { args: asking(receiver, '--auth', 'token', '--auth-key', key.option, '--event-webhook', receiver.url) });
    const token = key.token({ room: 'r', sub: 'anna', name: 'Anna' });
    const session = await Session.join(daemon.ws, 'r', { token: () => token });
    assert.deepEqual(questions(receiver).map(({ user, name, room }) => [user, name, room]), [['anna', 'Anna', 'r']]);
    await receiver.heard(1, 'joined', 'r');
    assert.equal(receiver.events.find(({ type }) => type === 'joined').user, 'anna', 'whose token it is, the token says');
    const ben = await Session.join(daemon.ws, 'r', { token: () => token });
    assert.deepEqual([...ben.peers.values()].map(({ name, user }) => [name, user]), [['Anna B.', 'anna']]);
    await Promise.all([session.bye(), ben.bye()]);
    const client = await open(`${daemon.ws}/relay/r?token=${token}&x=y`);
    await receiver.until(() => questions(receiver).length === 3);
    assert.deepEqual(questions(receiver)[2].query, ['x=y']);
    await client.close();
    assert.ok(!receiver.requests.some(({ body }) => body.includes(token)), 'the token was told');
  });

  test('and an answer that gives terms keep nobody from being asked for a fresh token in time', { timeout: 30000 }, async (t) => {
    const receiver = await start(t, { allow: true, name: 'Anna B.' });
    const key = new Key(scratch());
    const daemon = await testDaemon(t, { args: asking(receiver, '--auth', 'token', '--auth-key', key.option) });
    const exp = now() + 3;
    const token = (claims) => key.token({ room: 'r', sub: 'anna', exp, ...claims });
    const hear = async (client) => JSON.parse(await client.next());
    const [inUrl, inMessage] = [await open(`${daemon.ws}/v1/r?name=anna&token=${token()}`), await open(`${daemon.ws}/v1/r?name=anna`)];
    assert.deepEqual(await hear(inMessage), { type: 'token' });
    inMessage.send(JSON.stringify({ type: 'token', token: token() }));
    await Promise.all([inUrl, inMessage].map(async (client) => {
      let message;
      do message = await hear(client); while (message.type !== 'token');
      assert.ok(Date.now() < exp * 1000);
      client.send(JSON.stringify({ type: 'token', token: token({ exp: now() + 60 }) }));
      do message = await hear(client); while (message.type !== 'token');
      assert.ok(message.seconds > 50);
    }));
    for (const client of [inUrl, inMessage]) await client.close();
  });

  test('of ayame is that of its authn_webhook_url, and so is the answer', { timeout: 30000 }, async (t) => {
    const servers = [{ urls: ['turn:turn.example'], username: 'u', credential: 'c' }];
    const receiver = await start(t, ({ clientId }) => ({ allowed: true, iceServers: servers, authzMetadata: { for: clientId }, ttl: 60 }));
    const daemon = await testDaemon(t, { args: asking(receiver, '--ice-server', 'stun:stun.example') });
    const client = await open(`${daemon.ws}/signaling`);
    client.send('{"type":"register","roomId":"r","clientId":"c1","key":"old","authnMetadata":{"a":[1]},"ayameClient":"me","environment":null}');
    const accept = JSON.parse(await client.next());
    const { connectionId } = accept;
    assert.deepEqual(accept, { type: 'accept', connectionId, iceServers: servers, authzMetadata: { for: 'c1' }, isExistClient: false, isExistUser: false });
    assert.deepEqual(questions(receiver), [{ roomId: 'r', clientId: 'c1', signalingKey: 'old', authnMetadata: { a: [1] }, ayameClient: 'me', connectionId }]);
    const other = await open(`${daemon.ws}/signaling`);
    other.send('{"type":"register","roomId":"r"}');
    const { connectionId: id } = JSON.parse(await other.next());
    assert.deepEqual(questions(receiver)[1], { roomId: 'r', clientId: id, connectionId: id });
    other.send('{"type":"offer","sdp":"s"}');
    assert.equal(await client.next(), '{"type":"offer","sdp":"s"}');
    await client.close();
  });
});

describe('of ayame', () => {
  test('a question has who a token is for, not the token, and a signalingKey that is none', { timeout: 30000 }, async (t) => {
    const receiver = await start(t, { allowed: true });
    const key = new Key(scratch());
    const daemon = await testDaemon(t, { args: asking(receiver, '--auth', 'token', '--auth-key', key.option) });
    const token = key.token({ room: 'r', sub: 'anna', name: 'Anna' });
    const asked = async (members, query = '') => {
      const client = await open(`${daemon.ws}/signaling${query}`);
      client.send(JSON.stringify({ type: 'register', roomId: 'r', clientId: 'c', ...members }));
      const { type, connectionId } = JSON.parse(await client.next());
      assert.equal(type, 'accept');
      await client.close();
      const { connectionId: id, ...question } = questions(receiver).at(-1);
      assert.equal(id, connectionId);
      return question;
    };
    const who = { roomId: 'r', clientId: 'c', user: 'anna', name: 'Anna' };
    assert.deepEqual(await asked({ signalingKey: token }), who);
    assert.deepEqual(await asked({ key: token }), who);
    assert.deepEqual(await asked({ signalingKey: token, key: token }), who);
    assert.deepEqual(await asked({ signalingKey: token }, `?token=${token}`), who);
    assert.deepEqual(await asked({ signalingKey: 'ticket' }, `?token=${token}`), { ...who, signalingKey: 'ticket' });
    assert.ok(!receiver.requests.some(({ body }) => body.includes(token)), 'the token was told');
  });
});

describe('an answer', () => {
  test('is good for its ttl, and forgotten when the configuration is read anew', { timeout: 30000 }, async (t) => {
    const receiver = await start(t, ({ room }) => ({ allow: room === 'yes', ttl: 600 }));
    const daemon = await testDaemon(t, { args: asking(receiver) });
    for (let i = 0; i < 3; i++) {
      await (await open(`${daemon.ws}/relay/yes`)).close();
      assert.equal((await (await open(`${daemon.ws}/relay/no`)).closed).code, 4403);
    }
    assert.equal(questions(receiver).length, 2);
    const { admissions, admissions_cached: cached } = await daemon.meters();
    assert.deepEqual([admissions, cached], [6, 4]);
    daemon.child.kill('SIGHUP');
    await daemon.logged(' reload.done ');
    assert.equal((await daemon.meters()).memory_events, 0);
    assert.equal((await (await open(`${daemon.ws}/relay/no`)).closed).code, 4403);
    assert.equal(questions(receiver).length, 3);
  });

  test('gives a name, a user, rights, rooms and how many there may be', { timeout: 30000 }, async (t) => {
    const receiver = await start(t, ({ query = [] }) => (query.includes('name=boss')
      ? { allow: true, name: 'The Boss', user: 'u1', can: ['send', 'receive', 'moderate'], max: 2 } : { allow: true, room: ['team-*'], max: 2 }));
    const daemon = await testDaemon(t, { args: asking(receiver) });
    const [boss, anna] = [await Session.join(daemon.ws, 'team-1', { name: 'boss' }), await Session.join(daemon.ws, 'team-1', { name: 'anna' })];
    assert.deepEqual([boss.first.can, anna.first.can], [['lock', 'kick'], []]);
    assert.deepEqual([...anna.peers.values()].map(({ name, user }) => [name, user]), [['The Boss', 'u1']]);
    await assert.rejects(Session.join(daemon.ws, 'team-1', { name: 'ben' }), (ended) => ended instanceof Ended && ended.code === 4413);
    const client = await open(`${daemon.ws}/y-webrtc`);
    client.send('{"type":"subscribe","topics":["team-2"]}');
    client.send('{"type":"ping"}');
    assert.match(await client.next(), /pong/);
    client.send('{"type":"subscribe","topics":["other"]}');
    assert.equal((await client.closed).code, 4403);
    await boss.bye();
    await anna.bye();
  });

  test('that cannot be understood lets nobody in', { timeout: 30000 }, async (t) => {
    const receiver = await start(t, { allow: true, name: 'x'.repeat(200) });
    const daemon = await testDaemon(t, { args: asking(receiver) });
    assert.equal((await (await open(`${daemon.ws}/relay/r`)).closed).code, 4503);
    await daemon.logged(' auth-webhook.bad ', '128 bytes');
    for (const answer of ['', 'yes', '{"allow":"true"}', '[true]', '{"allow":true,"allow":true}', `{"allow":true,"x":"${'x'.repeat(20000)}"}`]) {
      receiver.answer = (request, response) => response.writeHead(200).end(answer);
      assert.equal((await (await open(`${daemon.ws}/relay/r`)).closed).code, 4503, answer);
    }
  });
});

describe('who waits', () => {
  test('is refused after two seconds, keeps nobody waiting, and what it said is heard in order if it is let in', { timeout: 60000 }, async (t) => {
    const held = [];
    const receiver = await start(t, { allow: true });
    const daemon = await testDaemon(t, { args: asking(receiver) });
    const inside = await open(`${daemon.ws}/echo`);
    inside.send('a');
    await inside.next();
    receiver.answer = (request, response, { query = [] }) => query.includes('in') && held.push(response);
    const begun = performance.now();
    const [lost, late] = [await open(`${daemon.ws}/echo`), await open(`${daemon.ws}/echo?in`)];
    const said = Array.from({ length: 50 }, (_, i) => `${i} ${'x'.repeat(i * 20)}`);
    for (const text of said) late.send(text);
    for (let i = 0; i < 20; i++) {
      inside.send(`${i}`);
      assert.equal(await inside.next(), `${i}`);
    }
    await receiver.until(() => questions(receiver).length === 3);
    json(held[0], { allow: true });
    for (const text of said) assert.equal(await late.next(), text);
    assert.equal((await lost.closed).code, 4503);
    const took = performance.now() - begun;
    assert.ok(took > 1900 && took < 10000, `${took} ms`);
    assert.equal(daemon.lines(' auth-webhook.down ', 'no answer came within 2 s').length, 1);
  });

  test('and leaves costs nobody anything', { timeout: 30000 }, async (t) => {
    const held = [];
    const receiver = await start(t, { allow: true });
    const daemon = await testDaemon(t, { args: asking(receiver, '--event-webhook', receiver.url) });
    await receiver.heard(1, 'started');
    receiver.answer = (request, response, { events }) => (events ? response.writeHead(204).end() : held.push(response));
    const [reset, closed, stays] = await Promise.all(Array.from({ length: 3 }, () => open(`${daemon.ws}/relay/r`)));
    await receiver.until(() => questions(receiver).length === 3);
    reset.ws._socket.resetAndDestroy();
    closed.ws.close(1000);
    for (const response of held) json(response, { allow: true });
    await closed.closed;
    await eventually(async () => (await daemon.meters()).peers === 1, 'one peer that is left');
    await stays.close();
    await receiver.until(() => receiver.events.filter(({ type }) => type === 'left').length >= 1 && receiver.events.at(-1).type === 'closed');
    assertOrdered(receiver.events);
    assert.equal((await daemon.meters()).admissions_waiting, 0);
  });

  test('is asked for at another URL after a reload, and let in if nobody is to be asked any more', { timeout: 30000 }, async (t) => {
    const [hanging, other] = [await start(t, undefined), await start(t, { allow: true })];
    const file = join(scratch(), 'conf');
    const secret = secretFile();
    const configure = (url) => writeFileSync(file, url ? `auth-webhook = ${url}\nwebhook-secret = ${secret}\n` : '');
    configure(hanging.url);
    const daemon = await testDaemon(t, { args: ['--config', file] });
    const client = await open(`${daemon.ws}/echo`);
    client.send('a');
    await hanging.until(() => hanging.requests.length);
    configure(other.url);
    daemon.child.kill('SIGHUP');
    assert.equal(await client.next(), 'a');
    assert.equal(questions(other).length, 1);
    other.verdict = undefined;
    const [last, ayame] = [await open(`${daemon.ws}/echo`), await visit(daemon, 'ayame')];
    last.send('b');
    await other.until(() => questions(other).length === 3);
    configure('');
    daemon.child.kill('SIGHUP');
    assert.equal(await last.next(), 'b');
    assert.equal(JSON.parse(await ayame.next()).type, 'accept');
  });

  test('is sent away by a daemon that stops', { timeout: 30000 }, async (t) => {
    const receiver = await start(t, undefined);
    const daemon = spawnDaemon({ args: asking(receiver, '--drain-seconds', '0') });
    await daemon.ready();
    const clients = [await visit(daemon, 'relay'), await visit(daemon, 'ayame')];
    await receiver.until(() => receiver.requests.length === 2);
    daemon.child.kill('SIGTERM');
    for (const { closed } of clients) assert.equal((await closed).code, 1001);
    await daemon.endedWell();
  });

  test('in a crowd that comes back at once is let in at the first try, by a server that takes 20 ms for each', { timeout: 60000 }, async (t) => {
    const receiver = await start(t, { allow: true });
    let busy = Promise.resolve();
    receiver.answer = (request, response) => {
      busy = busy.then(() => sleep(20)).then(() => json(response, { allow: true }));
    };
    const daemon = await testDaemon(t, { args: asking(receiver, '--max-peers-per-address', '0', '--connect-rate', '0') });
    const crowd = await openMany(`${daemon.ws}/echo`, 250);
    for (const client of crowd) client.send('a');
    assert.deepEqual(await Promise.all(crowd.map((client) => client.next().catch(() => client.closed))), crowd.map(() => 'a'));
    await Promise.all(crowd.map((client) => client.close()));
    const { admissions, admissions_allowed: allowed, admissions_waiting: waiting } = await daemon.meters();
    assert.deepEqual([admissions, allowed, waiting], [250, 250, 0]);
  });

  test('in the client is no other try, however long the crowd before it', { timeout: 60000 }, async (t) => {
    const held = [];
    const receiver = await start(t, { allow: true });
    const isCrowd = ({ query }) => query.includes('name=crowd');
    receiver.answer = (request, response, said) => (isCrowd(said) ? held.push(response) : json(response, { allow: true }));
    const daemon = await testDaemon(t, { args: asking(receiver, '--max-peers-per-address', '0', '--connect-rate', '0') });
    const crowd = await openMany(`${daemon.ws}/v1/r?name=crowd`, 4 * 24, { protocols: ['nakodo.v1'] }); // in one room, so by one worker
    const client = connect(daemon.ws);
    t.after(() => client.close());
    const begun = performance.now();
    const room = await client.join('r');
    assert.ok(performance.now() - begun > 6000, 'three turns of the crowd took 2 s each');
    assert.equal(questions(receiver).filter((said) => !isCrowd(said)).length, 1);
    await room.leave();
    for (const { closed } of crowd) assert.equal((await closed).code, 4503);
  });

  test('behind a crowd of one address is asked for at once if it comes from another', { timeout: 60000 }, async (t) => {
    const receiver = await start(t, ({ room }) => (room === 'good' ? { allow: true } : undefined));
    const daemon = await testDaemon(t, { args: asking(receiver, '--max-peers-per-address', '200', '--connect-rate', '1000') });
    const crowd = await Promise.all(Array.from({ length: 100 }, (_, i) => open(`${daemon.ws}/relay/bad${i}`, { localAddress: '127.0.0.2' })));
    await receiver.until(() => receiver.requests.length >= 24);
    const one = await open(`${daemon.ws}/relay/good`, { localAddress: '127.0.0.3' });
    const two = await open(`${daemon.ws}/relay/good`, { localAddress: '127.0.0.3' });
    one.send('hello');
    two.send('there');
    const heard = await Promise.race([one.next(), two.next(), crowd[0].closed]);
    assert.match(String(heard), /hello|there/, 'behind the crowd');
    assert.ok(crowd.every(({ end }) => !end), 'the crowd still waits');
    for (const { closed } of crowd) assert.equal((await closed).code, 4503);
    await Promise.all([one.close(), two.close()]);
    assert.equal((await daemon.meters()).admissions_waiting, 0);
  });
});

test('auth-webhook without a secret is refused', async () => {
  const { status, stderr } = await runDaemon(['--auth-webhook', 'http://localhost/', '--check']);
  assert.equal(status, 2);
  assert.match(stderr, /auth-webhook needs webhook-secret/);
});

test('whoever is inside when auth-webhook comes stays', { timeout: 30000 }, async (t) => {
  const receiver = await start(t, { allow: false });
  const file = join(scratch(), 'conf');
  writeFileSync(file, '');
  const daemon = await testDaemon(t, { args: ['--config', file] });
  const client = await open(`${daemon.ws}/echo`);
  writeFileSync(file, `auth-webhook = ${receiver.url}\nwebhook-secret = ${secretFile()}\n`);
  daemon.child.kill('SIGHUP');
  await daemon.logged(' reload.done ');
  client.send('still');
  assert.equal(await client.next(), 'still');
  const [end] = await once((await open(`${daemon.ws}/echo`)).ws, 'close');
  assert.equal(end, 4403);
});
