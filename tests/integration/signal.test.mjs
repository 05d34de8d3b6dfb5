// Goal: signal passes exactly the JSON objects with a string `type` on, byte for byte, and answers the rest.
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { startDaemon } from '../lib/daemon.mjs';
import { BINARY, open, TEXT } from '../lib/raw.mjs';

const passed = [
  '{"type":"offer","sdp":"v=0\\r\\no=- 1 2 IN IP4 127.0.0.1\\r\\n"}',
  '{"type":"answer","sdp":""}',
  '{"type":"candidate","ice":{"candidate":"candidate:1 1 udp 2113937151 x.local 5 typ host","sdpMid":"0"}}',
  '{"type":"anything at all"}',
  '{"type":""}',
  ' \t\r\n { "type" : "spaces" , "n" : [ 1 , 2 ] } \n',
  '{"n":9007199254740993,"m":1e400,"o":-0.0,"p":1.000,"type":"numbers"}',
  '{"\\u0074ype":"escaped name"}',
  '{"type":"\\u0000 and \\ud83d\\udc27 and \\/"}',
  '{"type":"half a surrogate pair is within the grammar: \\ud800"}',
  '{"type":"朝会 🐧","é":"e\u0301"}',
  '{"Type":1,"TYPE":null,"type":"case"}',
  '{"x":{"type":5},"type":"nested"}',
  '{"a":1,"a":2,"type":"doubled, but not type"}',
  `{"type":"long","sdp":"${'x'.repeat(60000)}"}`,
];

const refused = {
  'bad-json': [
    '', ' ', 'hello', '{', '}', '{"type":"offer"', '{"type":"offer"}}', '{"type":"offer"}{"type":"offer"}', '{"type":"offer"} x',
    "{'type':'offer'}", '{type:"offer"}', '{"type":"offer",}', '{"type":"a\nb"}', '{"type":"\\x"}', '{"type":NaN}',
    '{"type":"offer","n":01}', '[1,2', '"text', '\ufeff{"type":"offer"}', '{"type":"offer"}\0', '{"type":"offer","x":tru}', '// {"type":"offer"}',
    `{"type":"deep","x":${'['.repeat(40)}${']'.repeat(40)}}`,
  ],
  'bad-message': [
    'null', 'true', '0', '"offer"', '[]', '[{"type":"offer"}]', '{}', '{"sdp":"x"}', '{"type":1}', '{"type":null}', '{"type":{}}',
    '{"type":["offer"]}', '{"Type":"offer"}', '{"type":"offer","type":"answer"}', '{"type":"offer","\\u0074ype":"answer"}', '{"type ":"offer"}',
  ],
};

describe('signal', () => {
  let daemon;

  before(async () => {
    daemon = await startDaemon({
      tls: true,
      args: [
        ['--max-peers-per-room', '3'],
        ['--message-rate', '0', '--byte-rate', '0'],
        ['--mount', '/sig=signal'],
        ['--mount', '/bin=signal?frames=binary'],
        ['--listen', '127.0.0.1:0'],
        ['--listen', 'tls:127.0.0.1:0'],
        ['--listen', '127.0.0.1:0?dialect=signal'],
      ].flat(),
    });
  });

  after(() => daemon.stop());

  for (const secure of [false, true]) {
    it(`passes messages on unchanged to every other peer of the room over ${secure ? 'wss' : 'ws'}`, async () => {
      const [a, b, c] = await Promise.all([1, 2, 3].map(() => open(daemon, '/', { secure })));
      for (const payload of passed) {
        for (const opcode of [TEXT, BINARY]) {
          await a.send(opcode, payload);
          for (const peer of [b, c]) {
            const frame = await peer.next(payload.slice(0, 60));
            assert.equal(frame.opcode, opcode, payload.slice(0, 60));
            assert.equal(frame.payload.toString(), payload);
          }
        }
      }
      await b.text('{"type":"last"}');
      assert.equal(await a.says(), 'text {"type":"last"}');
      assert.equal(await c.says(), 'text {"type":"last"}');
      await Promise.all([a, b, c].map((peer) => peer.leave()));
    });
  }

  it('answers anything else to its sender, keeps him, and passes nothing on', async () => {
    const [a, b] = await Promise.all([open(daemon, '/'), open(daemon, '/')]);
    const rows = Object.entries(refused).flatMap(([code, payloads]) => payloads.map((payload) => [code, payload]));
    for (const [code, payload] of rows) {
      for (const opcode of [TEXT, BINARY]) {
        await a.send(opcode, payload);
        const frame = await a.next(payload.slice(0, 60));
        assert.equal(frame.opcode, TEXT);
        const { type, code: answered, message, ...rest } = JSON.parse(frame.payload);
        assert.deepEqual([type, answered, typeof message, rest], ['error', code, 'string', {}], payload.slice(0, 60));
      }
    }
    for (const bytes of [[0xff], [0x7b, 0x22, 0xc3, 0x22, 0x7d]]) {
      await a.binary(Buffer.from(bytes));
      assert.match(await a.says(), /"code":"bad-json"/);
    }
    await a.text('{"type":"bye"}');
    assert.equal(await b.says(), 'text {"type":"bye"}');
    await Promise.all([a.leave(), b.leave()]);
  });

  it('answers even when the sender is alone', async () => {
    const a = await open(daemon, '/?room=alone');
    await a.text('{"type":"to nobody"}');
    await a.text('[');
    assert.match(await a.says(), /"code":"bad-json"/);
    await a.leave();
  });

  it('keeps rooms apart: by ?room= at /, by path and ?room= elsewhere, and by mount', async () => {
    const paths = ['/', '/?room=a%2Bb', '/?room=a+b', '/?room=a%3Bb', '/?room=..', '/?room=%E6%9C%9D%E4%BC%9A', '/?room=/', '/sig', '/sig/x', '/sig?room=y'];
    const rooms = await Promise.all(paths.map((path) => Promise.all([open(daemon, path), open(daemon, path)])));
    for (const turn of [1, 2]) {
      for (const [i, [from]] of rooms.entries()) await from.text(`{"type":"${paths[i]}","turn":${turn}}`);
      for (const [i, [, to]] of rooms.entries()) assert.equal(await to.says(), `text {"type":"${paths[i]}","turn":${turn}}`);
    }
    await Promise.all(rooms.flat().map((peer) => peer.leave()));
    const [path, query] = await Promise.all([open(daemon, '/sig/x%20y'), open(daemon, '/sig?room=x%20y')]);
    await path.text('{"type":"met"}');
    assert.equal(await query.says(), 'text {"type":"met"}');
    await Promise.all([path.leave(), query.leave()]);
  });

  it('is spoken at / alone, so that no path of the web site is a room', async () => {
    for (const path of ['/x', '/index.html', '/lab.html', '/sig/x/y']) {
      const { response } = await open(daemon, path).then(() => assert.fail(`${path} was let in`), (error) => error);
      assert.equal(response.status, 404, path);
      assert.deepEqual(JSON.parse(response.body), { type: 'error', code: 'not-found', message: 'No protocol is spoken at this path.' });
    }
  });

  it('sends in the opcode that the client or the mount asks for', async () => {
    const message = '{"type":"é"}';
    const [sender, text, binary] = await Promise.all(['', '&frames=text', '&frames=binary'].map((query) => open(daemon, `/?room=frames${query}`)));
    for (const opcode of [TEXT, BINARY]) {
      await sender.send(opcode, message);
      assert.equal(await text.says(), `text ${message}`);
      assert.equal(await binary.says(), `binary ${Buffer.from(message).toString('hex')}`);
    }
    await binary.text('?');
    assert.equal((await binary.next()).opcode, BINARY);
    const [other, mounted] = await Promise.all([open(daemon, '/bin'), open(daemon, '/bin')]);
    await other.text(message);
    assert.equal((await mounted.next()).opcode, BINARY);
    await Promise.all([sender, text, binary, other, mounted].map((peer) => peer.leave()));
  });

  it('says that a room is full before it closes with 4413', async () => {
    const peers = await Promise.all([1, 2, 3].map(() => open(daemon, '/?room=full')));
    const late = await open(daemon, '/?room=full');
    assert.equal(await late.says(), 'text {"type":"error","code":"room-full","message":"The room is full."}');
    assert.deepEqual(await late.closed(), { code: 4413, reason: 'room full' });
    await peers.pop().leave();
    peers.push(await open(daemon, '/?room=full'));
    await peers[0].text('{"type":"hello"}');
    assert.equal(await peers[2].says(), 'text {"type":"hello"}');
    for (const peer of peers) peer.wire.socket.destroy();
  });

  it('is spoken at every path of a listener with ?dialect=signal', async () => {
    const o = { port: daemon.ports[2] };
    const [a, b] = await Promise.all([open(daemon, '/lesson', o), open(daemon, '/?room=lesson', o)]);
    await a.text('{"type":"offer"}');
    assert.equal(await b.says(), 'text {"type":"offer"}');
    await Promise.all([a.leave(), b.leave()]);
  });
});
