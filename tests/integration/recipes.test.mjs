// Goal: what the README tells users of VDO.Ninja and of simple-peer to do works: what their pages send arrives as it is.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { open } from '../lib/client.mjs';
import { startDaemon } from '../lib/daemon.mjs';

let daemon;

before(async () => {
  daemon = await startDaemon({ tls: true, args: ['--origin', 'same-host', '--origin', 'https://vdo.ninja'] });
});
after(() => daemon?.stop());

const sdp = `v=0\r\no=- 4611731400430051336 2 IN IP4 127.0.0.1\r\ns=-\r\n${'a=rtpmap:111 opus/48000/2\r\n'.repeat(60)}`;
const candidate = 'candidate:842163049 1 udp 1677729535 192.0.2.7 46154 typ srflx raddr 0.0.0.0 rport 0 generation 0 ufrag x network-cost 999';

/** Each line comes out at every other and nowhere else, as text and in the bytes that were sent. */
async function replay(lines, everybody) {
  for (const [from, message] of lines) {
    const text = JSON.stringify(message);
    from.send(text);
    for (const client of everybody.filter((each) => each !== from)) assert.equal(await client.next(), text);
  }
}

/** Nothing has come that was not taken: what is said last is the next. */
async function silent(stranger, other) {
  other.send('{"type":"last"}');
  assert.equal(await stranger.next(), '{"type":"last"}');
}

/** One viewing, as the page at https://vdo.ninja writes it; `hide` is what its password does to a member. */
function viewing(publisher, viewer, hide, streamID) {
  const [a, b] = ['k3YzXqvWmP0aLr7TnB2c', 'Zt8QeUj5oHd1sGf4VxNw'];
  const candidates = [{ candidate, sdpMid: '0', sdpMLineIndex: 0, usernameFragment: 'x' }];
  const session = 'aB3dE6gH9k';
  return [
    [publisher, { request: 'seed', streamID, from: a }],
    [viewer, { request: 'joinroom', roomid: 'testroom', from: b }],
    [viewer, { request: 'play', streamID, from: b }],
    [publisher, { UUID: b, streamID, ...hide({ description: { type: 'offer', sdp } }), session, isScene: false, from: a }],
    [publisher, { UUID: b, type: 'local', ...hide({ candidates }), session, from: a }],
    [viewer, { UUID: a, ...hide({ description: { type: 'answer', sdp } }), session, from: b }],
    [viewer, { UUID: a, type: 'remote', ...hide({ candidates }), session, from: b }],
  ];
}

const plain = (member) => member;
const encrypted = (member) => ({
  ...Object.fromEntries(Object.entries(member).map(([name, value]) => [name, Buffer.from(JSON.stringify(value)).toString('hex')])),
  vector: '00112233445566778899aabbccddeeff',
});

for (const [how, hide, stream] of [['without a password', plain, 'abc123'], ['with one', encrypted, 'abc123808d64']]) {
  test(`VDO.Ninja ${how}: /relay/NAME carries a viewing to all of the production, and to nobody else`, async () => {
    const enter = (path) => open(`${daemon.wss}${path}`, { origin: 'https://vdo.ninja' });
    const all = await Promise.all(['/relay/studio', '/relay/studio', '/relay/studio'].map(enter));
    const [stranger, other] = [await enter('/relay/garden'), await enter('/relay/garden')];
    await replay(viewing(all[0], all[1], hide, stream), all);
    await silent(stranger, other);
    await Promise.all([...all, stranger, other].map((client) => client.close()));
  });
}

/** What simple-peer 9.11.1 emits as `signal`: a call with trickle, later a track of the one who was called. */
const signals = (caller, called) => [
  [caller, { type: 'offer', sdp }],
  [caller, { type: 'candidate', candidate: { candidate, sdpMLineIndex: 0, sdpMid: '0' } }],
  [called, { type: 'answer', sdp }],
  [called, { type: 'candidate', candidate: { candidate, sdpMLineIndex: 0, sdpMid: '0' } }],
  [called, { type: 'transceiverRequest', transceiverRequest: { kind: 'video', init: { direction: 'recvonly' } } }],
  [called, { type: 'renegotiate', renegotiate: true }],
  [caller, { type: 'offer', sdp }],
  [called, { type: 'answer', sdp }],
];

for (const path of ['/', '/?room=asakai', '/relay/asakai']) {
  test(`simple-peer: ${path} carries all that it signals`, async () => {
    const [called, caller] = [await open(`${daemon.ws}${path}`), await open(`${daemon.ws}${path}`)];
    const [stranger, other] = [await open(`${daemon.ws}/?room=yukai`), await open(`${daemon.ws}/?room=yukai`)];
    await replay(signals(caller, called), [caller, called]);
    await silent(stranger, other);
    await Promise.all([called, caller, stranger, other].map((client) => client.close()));
  });
}
