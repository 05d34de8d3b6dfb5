// Where tokens are asked for, a good one lets in and each kind of bad one does not, in every dialect.
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { open, refused } from '../lib/client.mjs';
import { connect as connectClient } from './client.mjs';
import { runDaemon, scratch, startDaemon, testDaemon } from '../lib/daemon.mjs';
import { ask } from '../lib/http.mjs';
import { Key, now } from '../lib/tokens.mjs';

const directory = scratch();
const key = new Key(directory, 'EdDSA');
const secret = new Key(directory, 'HS256', 'hs');
/** Those that nobody here knows, by what the others are. */
const others = new Map([[key, new Key(scratch(), 'EdDSA')], [secret, new Key(scratch(), 'HS256')]]);
const args = ['--auth', 'token', '--auth-key', key.publicOption, '--auth-key', secret.option];
const bearer = (token) => ({ headers: { authorization: `Bearer ${token}` } });

/** Daemons: with two keys; with one, whose tokens may be short, since they need no `kid`; with one issuer and audience. */
const doors = {
  common: { args },
  short: { args: ['--auth', 'token', '--auth-key', secret.option, '--subprotocol', 'x'] },
  strict: { args: [...args, '--auth-issuer', 'joe', '--auth-audience', 'us'] },
};
let base;

before(async () => {
  for (const door of Object.values(doors)) door.daemon = await startDaemon(door);
  base = doors.common.daemon.ws;
});
after(() => Promise.all(Object.values(doors).map(({ daemon }) => daemon?.stop())));

/**
 * What a path's client says before it is in, and the room that its token must name; "" where there are none. `plain`: the
 * option `subprotocol` says what is spoken, so that a token may stand among the subprotocols.
 */
const dialects = {
  signal: { path: '/?room=team-a', room: 'team-a', greet: [], plain: true },
  relay: { path: '/relay/team-a', room: 'team-a', greet: [], plain: true },
  chat: { path: '/chat/team-a?frames=text', room: 'team-a', greet: [], plain: true },
  echo: { path: '/echo', room: '', greet: [], plain: true },
  'named-room': { path: '/video_chat/signaling', room: 'team-a', inMessage: true, plain: true,
    greet: [{ method: 'open', roomName: 'team-a', name: 'a' }] },
  ayame: { path: '/signaling', room: 'team-a', inMessage: true, greet: [{ type: 'register', roomId: 'team-a', clientId: 'a' }],
    answer: /"accept"/, reject: /"Forbidden"/ },
  gstreamer: { path: '/gst', room: '', greet: [], answer: /"welcome"/ },
  libdatachannel: { path: '/libdatachannel/team-a', room: 'team-a', greet: [{ id: 'team-a' }], answer: /"team-a"/ },
  matchbox: { path: '/matchbox/team-a', room: 'team-a', greet: [], answer: /IdAssigned/ },
  'nakodo.v1': { path: '/v1/team-a?name=a', room: 'team-a', greet: [], answer: /"welcome"/ },
  peerjs: { path: '/peerjs?key=peerjs&id=ID&token=TOKEN', room: '', greet: [], answer: /OPEN/ },
  'pixel-streaming': { path: '/pixel-streaming/streamer', room: 'team-a', inMessage: true, greet: [{ type: 'endpointId', id: 'team-a' }],
    answer: /"identify"/ },
  webtorrent: { path: '/webtorrent', room: '68'.repeat(20), begin: '6868*', inMessage: true, stays: true,
    greet: [{ action: 'announce', info_hash: 'h'.repeat(20), peer_id: 'p'.repeat(20) }],
    answer: /"complete"/, reject: /the token does not let into this swarm/ },
  'y-webrtc': { path: '/y-webrtc', room: 'team-a', inMessage: true, greet: [{ type: 'subscribe', topics: ['team-a'] }] },
};

/** How a token is carried: the path and the options of open(). */
const carriers = {
  query: (path, token) => [path.includes('TOKEN') ? path.replace('TOKEN', token) : `${path}${path.includes('?') ? '&' : '?'}token=${token}`, {}],
  header: (path, token) => [path, bearer(token)],
  subprotocol: (path, token) => [path, { protocols: ['x', `nakodo.token.${token}`] }],
};

let ids = 0;
const connect = (dialect, carrier, token, { go = open, door = 'common' } = {}) => {
  const [path, options] = carriers[carrier](dialect.path.replace('ID', `id${++ids}`), token);
  return go(`${doors[door].daemon.ws}${path}`, options);
};

const meetsPong = (client) => new Promise((done) => {
  client.ws.once('pong', () => done('pong'));
  client.ws.ping();
});

/** Nothing of a connection ends it until it has been pinged, so it is in. */
async function isIn(client, dialect) {
  for (const message of dialect.greet) client.send(JSON.stringify(message));
  if (dialect.answer) assert.match(await client.next(), dialect.answer);
  await Promise.race([meetsPong(client), client.closed.then(({ code }) => assert.fail(`closed with ${code}`))]);
  assert.equal(client.end, undefined);
  client.ws.terminate();
  await client.closed;
}

const joe = { iss: 'joe', aud: 'us' };
/** Each kind of bad token: its claims, its header, what is cut off, at which daemon, why it is refused; `long`: it is never short. */
const kinds = {
  expired: { claims: { exp: now() - 31 }, why: 'has expired' },
  'not good yet': { claims: { nbf: now() + 600 }, why: 'is not good yet', long: true },
  'without exp': { claims: { exp: undefined }, why: 'does not say when it expires' },
  'without room': { claims: { room: undefined }, why: 'names no rooms as they can be' },
  'for an audience': { claims: { aud: 'them' }, why: 'is for another audience' },
  'for another audience': { door: 'strict', claims: { ...joe, aud: ['them'] }, why: 'is for another audience' },
  'without audience': { door: 'strict', claims: { iss: 'joe' }, why: 'is for another audience' },
  'of another issuer': { door: 'strict', claims: { ...joe, iss: 'jim' }, why: 'is from another issuer' },
  'without issuer': { door: 'strict', claims: { aud: 'us' }, why: 'is from another issuer' },
  'of another key': { stranger: true, why: 'has a wrong signature' },
  'of an unknown key': { header: { kid: 'w' }, why: 'is signed with a key that is not known here' },
  'without signature': { cut: /[^.]*$/, why: 'is no signed token' },
  'with alg none': { header: { alg: 'none' }, why: 'has another algorithm than its key' },
  'of the other algorithm': { header: { alg: 'ES256' }, why: 'has another algorithm than its key' },
  'of the other key': { header: { kid: 'hs' }, why: 'has another algorithm than its key', long: true },
  'no token': { cut: /\..*/, why: 'is no signed token' },
};
const SHORT = 126 - 'x,nakodo.token.'.length;

function make({ claims, header, cut, stranger }, short = false) {
  const own = short ? secret : key;
  const signer = stranger ? others.get(own) : own;
  const said = { alg: own.algorithm, ...!short && { kid: own.kid }, ...header };
  const token = signer.token({ room: '*', ...claims }, said);
  // What is looked at first needs no room.
  return (short && token.length > SHORT ? signer.token(claims, said) : token).replace(cut ?? /$/, '');
}
const bad = (kind) => make(kinds[kind]);

for (const [name, dialect] of Object.entries(dialects)) {
  test(`${name}: a good token lets in, by each carrier`, async () => {
    for (const carrier of ['query', 'header']) {
      for (const room of [dialect.room, ['x', dialect.room], '*', ...(dialect.room ? [dialect.begin ?? 'team-*'] : [])]) {
        await isIn(await connect(dialect, carrier, key.token({ room, sub: 'u' })), dialect);
      }
    }
    await isIn(await connect(dialect, 'query', secret.token({ room: '*' })), dialect);
    if (dialect.plain) await isIn(await connect(dialect, 'subprotocol', make({}, true), { door: 'short' }), dialect);
    else assert.equal((await connect(dialect, 'subprotocol', make({}, true), { go: refused, door: 'short' })).json.code, 'bad-subprotocol');
    await isIn(await connect(dialect, 'query', key.token({ room: '*', ...joe }), { door: 'strict' }), dialect);
  });

  test(`${name}: each kind of bad token is refused before a place is taken`, async () => {
    const isRefused = async (kind, carrier, door, token) => {
      const { status, headers, json } = await connect(dialect, carrier, token, { go: refused, door });
      assert.deepEqual([carrier, kind, status, json.code, json.message], [carrier, kind, 401, 'bad-token', `The token ${kinds[kind].why}`]);
      assert.match(headers['www-authenticate'], /^Bearer/);
    };
    for (const [kind, what] of Object.entries(kinds)) {
      await isRefused(kind, 'query', what.door, make(what));
      if (dialect.plain && !what.door && !what.long) await isRefused(kind, 'subprotocol', 'short', make(what, true));
    }
    for (const { daemon } of Object.values(doors)) assert.equal((await daemon.meters()).peers, 0);
  });

  test(`${name}: a token for another room does not let in`, async () => {
    const token = key.token({ room: dialect.room ? ['team-b', 'team', 'a-*'] : 'team-a' });
    if (!dialect.inMessage) {
      const { status, json } = await connect(dialect, 'header', token, { go: refused });
      assert.deepEqual([status, json.code], [403, 'not-granted']);
      return;
    }
    const client = await connect(dialect, 'header', token);
    for (const message of dialect.greet) client.send(JSON.stringify(message));
    if (dialect.reject) assert.match(await client.next(), dialect.reject);
    if (dialect.stays) client.ws.terminate();
    else assert.equal((await client.closed).code, dialect.reject ? 1000 : 4403);
  });

  test(`${name}: without a token nobody comes in`, async () => {
    if (['ayame', 'nakodo.v1'].includes(name)) return; // the token may be in a message
    const { status, json } = await refused(`${base}${dialect.path.replace('&token=TOKEN', '')}`);
    assert.deepEqual([status, json.code], [401, 'no-token']);
  });
}

test('in every dialect who is in is closed with 4401 when the token expires', async (t) => {
  const own = await testDaemon(t, { args });
  const exp = now() + 2;
  const ends = Object.values(dialects).map(async ({ path, room, greet }) => {
    const client = await open(`${own.ws}${path.replace('ID', 'x').replace('TOKEN', 'x')}`, bearer(key.token({ room: room || '*', exp })));
    for (const message of greet) client.send(JSON.stringify(message));
    const { code } = await client.closed;
    assert.ok(Date.now() >= exp * 1000, `${path} ended before`);
    return code;
  });
  const register = await open(`${own.ws}/signaling`);
  register.send(JSON.stringify({ type: 'register', roomId: 'team-b', signalingKey: key.token({ room: '*', exp }) }));
  ends.push(register.closed.then(({ code }) => code));
  assert.deepEqual(await Promise.all(ends), ends.map(() => 4401));
  assert.equal((await own.meters()).closed_4401, ends.length);
});

test('who comes within the 30 s by which clocks may differ stays until they are over', async () => {
  const client = await open(`${base}/relay/a`, bearer(key.token({ room: 'a', exp: now() - 28 })));
  assert.equal((await client.closed).code, 4401);
});

test('a token says how many may be in its rooms', async () => {
  for (const path of ['/?room=few', '/relay/few', '/chat/few?frames=text', '/matchbox/few', '/v1/few']) {
    const few = bearer(key.token({ room: 'few', max: 1 }));
    const first = await open(`${base}${path}`, few);
    const second = await open(`${base}${path}`, few);
    assert.equal((await second.closed).code, 4413, path);
    const other = await open(`${base}${path}`, bearer(key.token({ room: 'few' })));
    assert.equal(await Promise.race([other.closed.then(({ code }) => code), meetsPong(other)]), 'pong', path);
    for (const client of [first, other]) await client.close();
  }
});

test('where all of a mount are one room, as ids are, it bounds none', async () => {
  const few = bearer(key.token({ room: '*', max: 1 }));
  const [one, two] = [await open(`${base}/libdatachannel/one`, few), await open(`${base}/libdatachannel/two`, few)];
  two.send('{"id":"one"}');
  assert.equal(await one.next(), '{"id":"two"}');
  for (const client of [one, two]) await client.close();
});

test('a short token may stand among the subprotocols, and a long one is refused with a sentence', async (t) => {
  const own = await testDaemon(t, { args: ['--auth', 'token', '--auth-key', secret.option, '--subprotocol', 'x'] });
  const url = `${own.ws}/relay/a`;
  const offer = (token) => ({ protocols: ['x', `nakodo.token.${token}`] });
  const long = await refused(url, offer(secret.token({ room: 'a', sub: 'somebody' }, { alg: 'HS256' })));
  assert.deepEqual([long.status, long.json.code], [400, 'bad-subprotocol']);
  assert.match(long.json.message, /126 bytes/);
  const short = await open(url, offer(secret.token({ room: 'a' }, { alg: 'HS256' })));
  assert.equal(short.subprotocol, 'x');
  short.ws.terminate();
  const { status, json } = await refused(url, offer(secret.token({ room: 'a', exp: 1 }, { alg: 'HS256' })));
  assert.deepEqual([status, json.message], [401, 'The token has expired']);
});

/** A token in a message: what it is, and what is heard if it is bad. */
const messages = {
  'nakodo.v1': { path: '/v1/team-a?name=a', asks: true, say: (token) => ({ type: 'token', token }), answer: /"welcome"/,
    refused: (why) => [{ type: 'error', code: 'unauthorized', message: `The token ${why}.` }, 4401] },
  ...Object.fromEntries(['signalingKey', 'key'].map((name) => [`ayame's ${name}`, {
    path: '/signaling', say: (token) => ({ type: 'register', roomId: 'team-a', [name]: token }), answer: /"accept"/,
    refused: () => [{ type: 'reject', reason: 'Unauthorized' }, 1000] }])),
};

for (const [name, { path, asks, say, answer, refused: expected }] of Object.entries(messages)) {
  test(`${name}: a good token in a message lets in, and each kind of bad one does not`, async () => {
    const show = async (token, door = 'common') => {
      const client = await open(`${doors[door].daemon.ws}${path}`);
      if (asks) assert.equal(await client.next(), '{"type":"token"}');
      return client.send(JSON.stringify(say(token)));
    };
    for (const [token, door] of [[key.token({ room: 'team-a' })], [key.token({ room: 'team-a', ...joe }), 'strict']]) {
      const client = await show(token, door);
      assert.match(await client.next(), answer);
      client.ws.terminate();
      await client.closed;
    }
    for (const [kind, what] of Object.entries(kinds)) {
      const client = await show(make(what), what.door);
      assert.deepEqual([kind, JSON.parse(await client.next()), (await client.closed).code], [kind, ...expected(what.why)]);
    }
  });
}

test('ayame: a token in a message for another room, or none, does not let in', async () => {
  for (const [more, reason] of [[{ signalingKey: key.token({ room: 'team-b' }) }, 'Forbidden'], [{ key: key.token({ room: 'team-b' }) }, 'Forbidden'], [{}, 'Unauthorized']]) {
    const client = await open(`${base}/signaling`);
    client.send(JSON.stringify({ type: 'register', roomId: 'team-a', ...more }));
    assert.deepEqual(JSON.parse(await client.next()), { type: 'reject', reason });
    await client.closed;
  }
});

test('peerjs: an id is whose token it is, so a fresh one takes it over, and nobody else\'s does', async () => {
  const enter = async (claims, secretOfId) => {
    const token = key.token({ room: '*', ...claims });
    return open(`${base}/peerjs?key=peerjs&id=mine&token=${secretOfId ?? token}`, secretOfId ? bearer(token) : {});
  };
  const says = async (client, type) => assert.equal(JSON.parse(await client.next()).type, type);
  const first = await enter({ sub: 'anna' });
  await says(first, 'OPEN');
  for (const claims of [{ sub: 'ben' }, {}]) await says(await enter(claims), 'ID-TAKEN');
  const second = await enter({ sub: 'anna', exp: now() + 90 });
  await says(second, 'OPEN');
  assert.equal((await first.closed).code, 1005);
  await second.close();

  const nobody = await enter({}, 'secret');
  await says(nobody, 'OPEN');
  for (const [claims, secretOfId] of [[{}, 'another'], [{ sub: 'anna' }, 'secret']]) await says(await enter(claims, secretOfId), 'ID-TAKEN');
  const back = await enter({}, 'secret');
  await says(back, 'OPEN');
  await nobody.closed;
  await back.close();
});

test('ayame: who does not say who it is keeps no place', async () => {
  const client = await open(`${base}/signaling`);
  assert.equal((await client.closed).code, 1000);
});

test('plain requests of dialects: who is there is told with a token for it, and anything else without one', async (t) => {
  const own = await testDaemon(t, { args: [...args, '--mount', '/peerjs=peerjs?allow-discovery=yes'] });
  const ask = (path, token) => fetch(`http://127.0.0.1:${own.port}${path}`, token && bearer(token));
  const client = await open(`${own.ws}/peerjs?key=peerjs&id=hana&token=t`, bearer(key.token({ room: '' })));
  await client.next();
  for (const path of ['/peerjs/peerjs/peers', '/peerjs/any/peers', '/peerjs/peers']) {
    for (const [token, status, code] of [[undefined, 401, 'no-token'], [bad('expired'), 401, 'bad-token'], [key.token({ room: 'a' }), 403, 'not-granted']]) {
      const answer = await ask(path, token);
      assert.deepEqual([path, answer.status, (await answer.json()).code], [path, status, code]);
    }
    assert.deepEqual(await (await ask(path, key.token({ room: '*' }))).json(), ['hana']);
    assert.deepEqual(await (await ask(`${path}?token=${key.token({ room: '' })}`)).json(), ['hana']);
  }
  assert.match(await (await ask('/peerjs/peerjs/id')).text(), /^[0-9a-f-]{36}$/);
  await client.close();
});

test('the JavaScript client shows the token that it joins with', async () => {
  const client = connectClient(base);
  const room = await client.join('team-a', { token: key.token({ room: 'team-*' }) });
  assert.equal(room.name, 'team-a');
  await client.close();
});

test('y-webrtc: nobody speaks in a topic that the token does not name', async () => {
  const client = await open(`${base}/y-webrtc?token=${key.token({ room: 'team-a' })}`);
  client.send(JSON.stringify({ type: 'publish', topic: 'team-b', data: 1 }));
  assert.equal((await client.closed).code, 4403);
});

test('named-room: a second room is looked at as the first', async () => {
  const client = await open(`${base}/video_chat/signaling`, bearer(key.token({ room: 'team-a' })));
  client.send(JSON.stringify({ method: 'open', roomName: 'team-a', name: 'a' }));
  client.send(JSON.stringify({ method: 'open', roomName: 'team-b', name: 'a' }));
  assert.equal((await client.closed).code, 4403);
});

test('a room in the query counts as the dialect reads it', async () => {
  const token = key.token({ room: 'team-a' });
  for (const path of ['/relay?room=team-b', '/relay/team-b?room=team-a', '/relay?room=team-b&room=team-a',
    '/matchbox/team-b?room=team-a', '/matchbox?room=team-a', '/v1/team-b?room=team-a&name=a', '/relay', '/echo?room=team-a']) {
    const { status } = await refused(`${base}${path}`, bearer(token));
    assert.deepEqual([path, status], [path, 403]);
  }
});

test('a token that may not both send and receive lets in nowhere', async () => {
  const { json } = await refused(`${base}/relay/a`, bearer(key.token({ room: '*', can: ['receive'] })));
  assert.equal(json.code, 'not-granted');
});

test('a long token gets through', async () => {
  const token = key.token({ room: 'a', more: 'x'.repeat(1000) });
  for (const carrier of Object.keys(carriers)) {
    if (carrier === 'subprotocol') continue; // it may be no long one
    const client = await connect({ path: '/relay/a' }, carrier, token);
    client.ws.terminate();
    await client.closed;
  }
});

test('tokens stand in no line of the log, and refusals are counted', async (t) => {
  const own = await testDaemon(t, { args: [...args, '--log-level', 'debug'] });
  const tokens = [key.token({ room: 'a' }), bad('expired'), bad('of another key')];
  for (const token of tokens) {
    for (const carrier of Object.keys(carriers)) {
      const [path, options] = carriers[carrier]('/v1/a?name=a', token);
      const client = await open(`${own.ws}${path}`, options).catch(() => null);
      client?.ws.terminate();
      await client?.closed;
    }
    await refused(`${own.ws}/nowhere?token=${token}`, bearer(token));
  }
  await refused(`${own.ws}/relay/b`, bearer(tokens[0]));
  await refused(`${own.ws}/relay/b`);
  const meters = await own.meters();
  assert.equal(meters.refused_bad_token, 4);
  assert.equal(meters.refused_bad_subprotocol, 3); // too long
  assert.equal(meters.refused_no_token, 1);
  assert.equal(meters.refused_not_granted, 1);
  await own.stop();
  for (const token of tokens) for (const part of token.split('.').slice(1)) assert.ok(!own.stderr.includes(part));
});

test('each listener asks for what it is told to', async (t) => {
  const own = await testDaemon(t, { args: ['--auth-key', key.publicOption, '--auth-issuer', 'joe', '--auth-audience', 'us',
    '--listen', '127.0.0.1:0?auth=token', '--listen', '127.0.0.1:0'] });
  const [asks, open_] = own.ports.map((port) => `ws://127.0.0.1:${port}/relay/a`);
  (await open(open_)).ws.terminate();
  assert.equal((await refused(asks)).status, 401);
  (await open(asks, bearer(key.token({ room: 'a', iss: 'joe', aud: ['us', 'them'] })))).ws.terminate();
  assert.equal((await refused(asks, bearer(key.token({ room: 'a', iss: 'joe', aud: 'them' })))).status, 401);
  assert.equal((await refused(asks, bearer(key.token({ room: 'a', iss: 'jim', aud: 'us' })))).status, 401);
});

test('who gets no token gets no passwords of TURN servers either', async (t) => {
  const own = await testDaemon(t, { args: [...args, '--ice-server', 'turn:turn.example|me|pass'] });
  const ask = async (query, headers) => {
    const answer = await fetch(`http://127.0.0.1:${own.port}/ice.json${query}`, { headers });
    return [answer.status, (await answer.text()).includes('pass')];
  };
  const token = key.token({ room: 'a' });
  assert.deepEqual(await ask(''), [401, false]);
  assert.deepEqual(await ask(`?token=${bad('expired')}`), [401, false]);
  assert.deepEqual(await ask(`?token=${token}`), [200, true]);
  assert.deepEqual(await ask('', bearer(token).headers), [200, true]);
});

test('with a token whoever may connect reads the TURN servers, pages of other sites and of other servers\' listeners too', async (t) => {
  const origin = 'https://app.example';
  const own = await testDaemon(t, { args: [...args, '--ice-server', 'turn:turn.example|me|pass', '--origin', origin, '--listen', '127.0.0.1:0',
    '--listen', '127.0.0.1:0?dialect=peerjs&origin=any', '--listen', '127.0.0.1:0?dialect=peerjs&origin=any&auth=none', '--listen', '127.0.0.1:0?origin=any&auth=none'] });
  const [common, peerjs, replaced, open_] = own.ports;
  const token = key.token({ room: 'a' });
  const read = async (port, { page = origin, query = '', method = 'GET', headers = {} } = {}) => {
    const answer = await ask({ port }, `/ice.json${query}`, { method, headers: { Origin: page, ...headers } });
    return [answer.status, answer.headers['access-control-allow-origin'], answer.text.includes('pass')];
  };
  for (const [port, page] of [[common, origin], [peerjs, 'http://any.example']]) {
    assert.deepEqual(await read(port, { page, query: `?token=${token}` }), [200, page, true]);
    assert.deepEqual(await read(port, { page, ...bearer(token) }), [200, page, true]);
    assert.deepEqual(await read(port, { page: null, query: `?token=${token}` }), [200, undefined, true]);
    assert.deepEqual(await read(port, { page, method: 'OPTIONS', headers: { 'access-control-request-headers': 'authorization' } }), [204, page, false]);
    assert.deepEqual(await read(port, { page }), [401, undefined, false]);
    assert.deepEqual(await read(port, { page, query: `?token=${bad('expired')}` }), [401, undefined, false]);
  }
  assert.deepEqual(await read(common, { page: 'https://evil.example', query: `?token=${token}` }), [403, undefined, false]);
  assert.deepEqual(await read(common, { page: 'https://evil.example', method: 'OPTIONS' }), [403, undefined, false]);
  assert.equal((await read(common, { page: 'http://localhost:1', query: `?token=${token}` }))[0], 200, 'its own pages');
  assert.equal((await read(replaced, { page: null, query: `?token=${token}` }))[0], 404);
  assert.deepEqual(await read(open_, { query: `?token=${token}` }), [403, undefined, false], 'where no token is asked for, none counts');
});

test('a listener that others reach and that asks for nothing is told of in one line', async (t) => {
  const lines = async (listen) => {
    const own = await testDaemon(t, { args: ['--listen', listen, '--auth-key', key.publicOption, '--listen', '127.0.0.1:0?auth=token'] });
    await own.logged('server.ready');
    await own.meters(); // what was logged is there
    return own.lines('auth.none').length;
  };
  assert.equal(await lines('0.0.0.0:0'), 1);
  assert.equal(await lines('0.0.0.0:0?auth=token'), 0);
  assert.equal(await lines('127.0.0.1:0'), 0);
});

test('keys in a JWK set are believed as well', async (t) => {
  const set = join(directory, 'set.json');
  writeFileSync(set, JSON.stringify({ keys: [{ ...key.publicKey.export({ format: 'jwk' }), kid: 'main' }] }), { mode: 0o644 });
  const own = await testDaemon(t, { args: ['--auth', 'token', '--auth-jwks', set] });
  (await open(`${own.ws}/relay/a`, bearer(key.token({ room: 'a' })))).ws.terminate();
  assert.equal((await refused(`${own.ws}/relay/a`, bearer(others.get(key).token({ room: 'a' })))).status, 401);
});

test('SIGHUP reads the keys anew, from where the daemon was started, or keeps the old ones', async (t) => {
  const place = scratch();
  const [first, second] = [new Key(place), new Key(scratch())];
  const own = await testDaemon(t, { cwd: place, args: ['--auth', 'token', '--auth-key', 'main:HS256:main-HS256'] });
  const knows = (one) => open(`${own.ws}/relay/a`, bearer(one.token({ room: 'a' }))).then((client) => client.ws.terminate() ?? true, () => false);
  const reload = async (bytes) => {
    writeFileSync(join(place, 'main-HS256'), bytes);
    return own.reload();
  };
  assert.deepEqual([await knows(first), await knows(second)], [true, false]);
  assert.match(await reload('short'), /reload\.failed.*the secret has 5 bytes/);
  assert.deepEqual([await knows(first), await knows(second)], [true, false]);
  assert.match(await reload(second.secret), /reload\.done/);
  assert.deepEqual([await knows(first), await knows(second)], [false, true]);
});

test('what is wrong with keys is said before anything is served', async () => {
  const file = join(directory, 'open');
  writeFileSync(file, readFileSync(secret.option.split(':')[2]), { mode: 0o644 });
  const cases = [
    [['--auth', 'token'], /--auth: a token is asked for, but there is no key/],
    [['--listen', 'localhost:0?auth=token'], /--listen: a token is asked for, but there is no key/],
    [['--auth-key', key.publicOption], /--auth-key: there is a key for tokens, but nothing asks for one/],
    [['--listen', 'localhost:0?metrics', '--auth-key', key.publicOption], /--auth-key: there is a key for tokens, but nothing asks for one/],
    [['--auth', 'token', '--auth-key', `k:HS256:${file}`], /a secret that everybody may read \(mode 0644\)/],
    [['--auth', 'token', '--auth-key', 'k:HS256:/none'], /auth-key `k:HS256:\/none`: No such file/],
    [['--auth', 'token', '--auth-jwks', file], /it is no JWK set/],
    [['--auth', 'maybe'], /must be one of none, token/],
    [['--listen', 'localhost:0?auth=maybe'], /the parameter auth must be none or token/],
  ];
  for (const [more, sentence] of cases) {
    for (const check of [['--check'], []]) {
      const { status, stderr } = await runDaemon([...check, ...more]);
      assert.match(stderr, sentence);
      assert.equal(status, 2);
    }
  }
});
