// Goal: players find streamers, each hears what the other says, and who leaves is missed, as at Epic's server.
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { open } from '../lib/client.mjs';
import { scratch, startDaemon, testDaemon } from '../lib/daemon.mjs';
import { Key } from '../lib/tokens.mjs';

const CONFIG = '{"type":"config","peerConnectionOptions":{},"protocolVersion":"1.3.0"}';

async function hears(client, ...texts) {
  for (const text of texts) assert.equal(await client.next(), text);
}

/** It says this, and is answered, so that all before has arrived, too, and nothing else has come. */
async function silent(client) {
  const time = Math.trunc(Math.random() * 1e12);
  client.send(`{"type":"ping","time":${time}}`);
  await hears(client, `{"type":"pong","time":${time}}`);
}

async function streamer(base, id, committed = id, config = CONFIG) {
  const client = await open(`${base}/streamer`);
  await hears(client, '{"type":"identify"}', config);
  client.send(JSON.stringify({ type: 'endpointId', id, protocolVersion: '1.3.0' }));
  await hears(client, JSON.stringify({ type: 'endpointIdConfirm', committedId: committed }));
  return client;
}

async function player(base, streamerId) {
  const client = await open(base);
  await hears(client, CONFIG);
  if (streamerId) {
    client.send(JSON.stringify({ type: 'subscribe', streamerId }));
    assert.match(await client.next(), /^\{"type":"playerCount","count":\d+\}$/);
  }
  return client;
}

describe('pixel-streaming', () => {
  let daemon;
  let base;

  before(async () => {
    daemon = await startDaemon({
      args: ['--listen', '127.0.0.1:0', '--listen', '127.0.0.1:0?dialect=pixel-streaming&origin=any', '--max-peers-per-room', '2'],
    });
    base = `${daemon.ws}/pixel-streaming`;
  });
  after(() => daemon?.stop());

  it('speaks as in the transcript', async () => {
    const s = await streamer(base, 'Str');
    const p = await open(`${base}/player`);
    await hears(p, CONFIG);
    p.send('{"type":"listStreamers"}');
    await hears(p, '{"type":"streamerList","ids":["Str"]}');
    p.send('{"type":"subscribe","streamerId":"Str"}');
    await hears(s, '{"type":"playerConnected","dataChannel":true,"sfu":false,"playerId":"Player0"}');
    await hears(p, '{"type":"playerCount","count":1}');
    s.send('{"type":"offer","playerId":"Player0","sdp":"v=0","x":1}');
    await hears(p, '{"type":"offer","playerId":"Player0","sdp":"v=0","x":1}');
    p.send('{"type":"answer","sdp":"a"}');
    await hears(s, '{"type":"answer","sdp":"a","playerId":"Player0"}');
    p.send(Buffer.from('{"type":"iceCandidate","candidate":{"candidate":"c","sdpMid":"0","sdpMLineIndex":0}}'));
    await hears(s, '{"type":"iceCandidate","candidate":{"candidate":"c","sdpMid":"0","sdpMLineIndex":0},"playerId":"Player0"}');
    p.send('{"type":"ping","time":1795866131781}');
    await hears(p, '{"type":"pong","time":1795866131781}');
    s.send('{"type":"disconnectPlayer","playerId":"Player0","reason":"go away"}');
    assert.deepEqual(await p.closed, { code: 1011, reason: 'go away' });
    await hears(s, '{"type":"playerDisconnected","playerId":"Player0"}');
    const q = await player(base, 'Str');
    await hears(s, '{"type":"playerConnected","dataChannel":true,"sfu":false,"playerId":"Player1"}');
    await s.close();
    await hears(q, '{"type":"streamerDisconnected"}');
    assert.deepEqual(await q.closed, { code: 1005, reason: '' });
  });

  it('keeps several streamers and their players apart', async () => {
    const [a, b] = [await streamer(base, 'A'), await streamer(base, 'A', 'A1')];
    const [p, q] = [await player(base, 'A'), await player(base, 'A1')];
    const [ofA, ofB] = [JSON.parse(await a.next()).playerId, JSON.parse(await b.next()).playerId];
    b.send(JSON.stringify({ type: 'offer', playerId: ofA }));
    b.send(JSON.stringify({ type: 'disconnectPlayer', playerId: ofA }));
    b.send(JSON.stringify({ type: 'offer', playerId: ofB }));
    await hears(q, `{"type":"offer","playerId":"${ofB}"}`);
    await Promise.all([p, q, a, b].map(silent));
    p.send('{"type":"subscribe","streamerId":"A1"}');
    await hears(a, `{"type":"playerDisconnected","playerId":"${ofA}"}`);
    await hears(b, `{"type":"playerConnected","dataChannel":true,"sfu":false,"playerId":"${ofA}"}`);
    await hears(q, '{"type":"playerCount","count":2}');
    const late = await player(base);
    late.send('{"type":"subscribe","streamerId":"A1"}');
    await hears(late, '{"type":"subscribeFailed","message":"Streamer A1 is full. Max players = 2."}');
    late.send('{"type":"subscribe","streamerId":"nope"}');
    await hears(late, '{"type":"subscribeFailed","message":"Streamer nope does not exist."}');
    await Promise.all([late, p, q, a, b].map((client) => client.close()));
  });

  it('serves players at any path of a listener of its own, and streamers at /streamer there', async () => {
    const own = `ws://127.0.0.1:${daemon.ports.at(-1)}`;
    const s = await streamer(own, 'Own');
    const players = [await player(`${own}/?StreamerId=Own`, 'Own'), await player(`${own}/any/path`, 'Own')];
    await Promise.all([...players, s].map((client) => client.close()));
  });

  it('has one port for streamers and one for players, who meet', async (t) => {
    const own = await testDaemon(t, {
      args: ['streamer', 'player'].flatMap((role) => ['--listen', `127.0.0.1:0?dialect=pixel-streaming?role=${role}&origin=any`]),
    });
    const [streamers, players] = own.ports.slice(-2).map((port) => `ws://127.0.0.1:${port}`);
    const s = await open(`${streamers}/`);
    s.send('{"type":"endpointId","id":"Port"}');
    await hears(s, '{"type":"identify"}', CONFIG, '{"type":"endpointIdConfirm","committedId":"Port"}');
    const p = await player(`${players}/streamer`, 'Port');
    await hears(s, '{"type":"playerConnected","dataChannel":true,"sfu":false,"playerId":"Player0"}');
    await Promise.all([p, s].map((client) => client.close()));
  });

  it('knows no other paths of a mount', async () => {
    await assert.rejects(open(`${base}/sfu`), { status: 404 });
    await assert.rejects(open(`${base}/streamer/x`), { status: 404 });
  });

  it('tells both of the STUN and TURN servers', async (t) => {
    const own = await testDaemon(t, { args: ['--ice-server', 'stun:stun.example.com'] });
    const config = '{"type":"config","peerConnectionOptions":{"iceServers":[{"urls":["stun:stun.example.com"]}]},"protocolVersion":"1.3.0"}';
    const s = await streamer(`${own.ws}/pixel-streaming`, 'Str', 'Str', config);
    const p = await open(`${own.ws}/pixel-streaming/player`);
    await hears(p, config);
    await Promise.all([s, p].map((client) => client.close()));
  });

  it('shows a token only the streamers that it names', async (t) => {
    const key = new Key(scratch(), 'EdDSA');
    const own = await testDaemon(t, { args: ['--auth', 'token', '--auth-key', key.publicOption] });
    const come = (role, room) => open(`${own.ws}/pixel-streaming/${role}?token=${key.token({ room })}`);
    for (const id of ['car', 'house']) {
      const s = await come('streamer', '*');
      s.send(JSON.stringify({ type: 'endpointId', id }));
      await hears(s, '{"type":"identify"}', CONFIG, `{"type":"endpointIdConfirm","committedId":"${id}"}`);
    }
    const p = await come('player', 'house');
    for (const message of [{ type: 'listStreamers' }, { type: 'subscribe', streamerId: 'car' }, { type: 'offer', sdp: '' }]) p.send(JSON.stringify(message));
    await hears(p, CONFIG, '{"type":"streamerList","ids":["house"]}',
      '{"type":"subscribeFailed","message":"Streamer car does not exist."}', '{"type":"playerCount","count":1}');
    const thief = await come('streamer', 'house');
    thief.send('{"type":"endpointId","id":"car"}');
    assert.deepEqual(await thief.closed, { code: 4403, reason: 'the token does not let in under this id' });
  });

  it('closes players so that they come back when the server stops', async (t) => {
    const own = await testDaemon(t);
    const p = await player(`${own.ws}/pixel-streaming`);
    await own.stop();
    assert.deepEqual(await p.closed, { code: 1012, reason: 'the server is stopping' });
  });
});
