// Goal: relay, chat and echo pass every byte to the right peers, in the right opcode, in rooms of their own.
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { startDaemon, testDaemon } from '../lib/daemon.mjs';
import { BINARY, noise, open, TEXT } from '../lib/raw.mjs';

const everyByte = Buffer.from(Array.from({ length: 256 }, (_, i) => i));
const payloads = [
  [TEXT, ''],
  [BINARY, ''],
  [TEXT, 'x'],
  [TEXT, 'not JSON: {"type":'],
  [TEXT, 'null byte \0 and line ends \r\n'],
  [TEXT, '朝会 🐧 é'],
  [BINARY, everyByte],
  [BINARY, 'looks like text'],
  [TEXT, 'a'.repeat(125)],
  [TEXT, 'b'.repeat(126)],
  [BINARY, noise('relay', 2048)],
  [BINARY, noise('relay', 65535)],
  [BINARY, noise('relay', 65536)],
  [TEXT, '語'.repeat(21845)],
];

/** The next frame is this message, neither changed nor in another opcode. */
async function expect(peer, opcode, payload, what) {
  const frame = await peer.next(what);
  assert.equal(frame.opcode, opcode, what);
  assert.ok(frame.payload.equals(Buffer.from(payload)), `${what}: ${frame.payload.length} bytes came, not those sent`);
}

/** Two peers of every room talk; nobody hears another room, and nobody hears himself. */
async function apart(daemon, paths) {
  const rooms = await Promise.all(paths.map((path) => Promise.all([open(daemon, path), open(daemon, path)])));
  for (const turn of ['first', 'second']) {
    for (const [i, [from]] of rooms.entries()) await from.text(`${turn} in ${paths[i]}`);
    for (const [i, [, to]] of rooms.entries()) {
      assert.equal(await to.says(), `text ${turn} in ${paths[i]}`);
    }
  }
  for (const [i, [from, to]] of rooms.entries()) {
    await to.text(`back in ${paths[i]}`);
    assert.equal(await from.says(), `text back in ${paths[i]}`);
  }
  await Promise.all(rooms.flat().map((peer) => peer.leave()));
}

/** Two who connect to these paths are in one room. */
async function meet(daemon, one, other, o) {
  const [a, b] = await Promise.all([open(daemon, one, o), open(daemon, other, o)]);
  await a.text(`from ${one}`);
  assert.equal(await b.says(`what ${one} says at ${other}`), `text from ${one}`);
  a.wire.socket.destroy();
  await b.leave();
}

/** There is nothing to connect to at this path. */
async function missing(daemon, path, o) {
  const { response } = await open(daemon, path, o).then(() => assert.fail(`${path} was let in`), (error) => error);
  assert.equal(response.status, 404, path);
  assert.equal(JSON.parse(response.body).code, 'not-found', path);
}

describe('the relay', () => {
  let daemon;

  before(async () => {
    daemon = await startDaemon({
      tls: true,
      args: [
        ['--max-message', '128KiB'],
        ['--max-peers-per-room', '4'],
        ['--mount', '/tree=echo'],
        ['--mount', '/tree/branch=relay'],
        ['--mount', '/others=relay?frames=binary'],
        ['--mount', '/parrot=echo?prefix=you said: '],
        ['--listen', '127.0.0.1:0'],
        ['--listen', 'tls:127.0.0.1:0'],
        ['--listen', '127.0.0.1:0?dialect=relay'],
        ['--listen', '127.0.0.1:0?dialect=echo'],
      ].flat(),
    });
    [, , daemon.relayPort, daemon.echoPort] = daemon.ports;
  });

  after(() => daemon.stop());

  for (const secure of [false, true]) {
    const scheme = secure ? 'wss' : 'ws';

    it(`gives each message unchanged to every other peer, and not to its sender, over ${scheme}`, async () => {
      const [a, b, c] = await Promise.all([1, 2, 3].map(() => open(daemon, '/relay', { secure })));
      for (const [opcode, payload] of payloads) await a.send(opcode, payload);
      for (const [i, [opcode, payload]] of payloads.entries()) {
        await expect(b, opcode, payload, `message ${i} to b`);
        await expect(c, opcode, payload, `message ${i} to c`);
      }
      await b.text('last');
      assert.equal(await a.says(), 'text last');
      assert.equal(await c.says(), 'text last');
      await Promise.all([a, b, c].map((peer) => peer.leave()));
    });

    it(`gives each message of a chat to everyone once, its sender included, over ${scheme}`, async () => {
      for (const path of ['/chat', '/ws']) {
        const peers = await Promise.all([1, 2, 3].map(() => open(daemon, path, { secure })));
        for (const [opcode, payload] of payloads) {
          await peers[0].send(opcode, payload);
          for (const peer of peers) await expect(peer, opcode, payload, path);
        }
        await Promise.all(peers.map((peer) => peer.leave()));
      }
    });

    it(`echoes each message to its sender alone over ${scheme}`, async () => {
      const [a, b] = await Promise.all([open(daemon, '/echo', { secure }), open(daemon, '/echo', { secure })]);
      for (const [opcode, payload] of payloads) {
        await a.send(opcode, payload);
        await expect(a, opcode, payload, 'the echo');
      }
      await b.text('mine');
      assert.equal(await b.says(), 'text mine');
      await Promise.all([a.leave(), b.leave()]);
    });
  }

  it('keeps the order of what one peer sends', async () => {
    const [a, b] = await Promise.all([open(daemon, '/relay/order'), open(daemon, '/relay/order')]);
    for (let i = 0; i < 150; i++) a.text(`${i} ${'.'.repeat((i * 37) % 300)}`);
    for (let i = 0; i < 150; i++) assert.match(await b.says(), new RegExp(`^text ${i} `));
    await Promise.all([a.leave(), b.leave()]);
  });

  const names = ['a+b', 'a b', 'a;b', 'a&b', 'a,b', 'a%b', 'a%2Bb', 'a=b', 'a?b', 'a#b', 'a"b', 'a\\b', 'a', 'A', '...', '朝会', '朝', 'é', 'é'.normalize('NFD')];

  it('keeps every room named in the path a room of its own', async () => {
    const paths = ['/relay', ...names.map((name) => `/relay/${encodeURIComponent(name)}`)];
    await apart(daemon, paths);
  });

  it('keeps every room named in ?room= a room of its own', async () => {
    const paths = ['/relay', ...[...names, '..', '.', 'a/b', '/'].map((name) => `/relay?room=${encodeURIComponent(name)}`)];
    await apart(daemon, paths);
  });

  it('takes a name in the path and the same in ?room= for one room', async () => {
    for (const name of names) {
      const encoded = encodeURIComponent(name);
      await meet(daemon, `/relay/${encoded}`, `/relay?room=${encoded}`);
      await meet(daemon, `/chat/${encoded}`, `/chat?frames=text&room=${encoded}`);
    }
    await meet(daemon, '/relay/', '/relay');
    await meet(daemon, '/relay/x', '/relay/x?room=y');
    await meet(daemon, '/relay/x', '/relay/?room=x');
  });

  it('reads what is not encoded as docs/protocols/plain.md says', async () => {
    await meet(daemon, '/relay/朝会', `/relay/${encodeURIComponent('朝会')}`);
    await meet(daemon, '/relay/a+b', '/relay/a%20b');
    await meet(daemon, '/relay/a;b', '/relay/a');
    await meet(daemon, '/relay/a&b', '/relay/a');
    await meet(daemon, '/relay?room=a;b', '/relay/a');
  });

  it('takes names of up to 128 bytes and no longer ones', async () => {
    const longest = '字'.repeat(42) + 'ab';
    await meet(daemon, `/relay/${encodeURIComponent(longest)}`, `/relay?room=${encodeURIComponent(longest)}`);
    for (const path of ['/relay/', '/relay?room=', '/chat/', '/tree/branch/']) {
      for (const length of [129, 300, 900]) {
        const peer = await open(daemon, path + 'x'.repeat(length));
        assert.deepEqual(await peer.closed(), { code: 4400, reason: "a room's name has at most 128 bytes" }, `${path} ${length}`);
      }
    }
  });

  it('never lets rooms of two mounts meet', async () => {
    await apart(daemon, ['/relay/same', '/others/same', '/tree/branch/same', '/relay?room=other', '/others?room=other'].map((path) => `${path}${path.includes('?') ? '&' : '?'}frames=text`));
    const [chat, ws] = await Promise.all([open(daemon, '/chat/same'), open(daemon, '/ws/same')]);
    await chat.text('in /chat');
    await ws.text('in /ws');
    assert.equal(await chat.says(), 'text in /chat');
    assert.equal(await ws.says(), 'text in /ws');
    await Promise.all([chat.leave(), ws.leave()]);
  });

  it('lets the longest mount win that ends at a segment and leaves at most one segment', async () => {
    const parent = await open(daemon, '/tree/branches');
    await parent.text('echoed');
    assert.equal(await parent.says(), 'text echoed');
    await parent.leave();
    await meet(daemon, '/tree/branch', '/tree/branch');
    await meet(daemon, '/tree/branch/leaf', '/tree/branch?room=leaf');
    for (const path of ['/tree/branch/leaf/vein', '/relay/a/b', '/relay/a/', '/relay/a%2Fb', '/relays', '/rela', '/nothing', '/x']) {
      await missing(daemon, path);
    }
  });

  it('gives everyone the opcode he asked for, but never text that is not UTF-8', async () => {
    const sender = await open(daemon, '/relay/frames');
    const [plain, text, binary] = await Promise.all(['', '?frames=text', '?frames=binary'].map((query) => open(daemon, `/relay/frames${query}`)));
    const rows = [
      [TEXT, 'héllo', TEXT, TEXT, BINARY],
      [BINARY, 'héllo', BINARY, TEXT, BINARY],
      [BINARY, everyByte, BINARY, BINARY, BINARY],
      [BINARY, Buffer.from([0xc3]), BINARY, BINARY, BINARY], // the first half of a character
      [BINARY, Buffer.from([0xed, 0xa0, 0x80]), BINARY, BINARY, BINARY], // a surrogate
      [BINARY, Buffer.from([0xf4, 0x90, 0x80, 0x80]), BINARY, BINARY, BINARY], // beyond U+10FFFF
      [BINARY, Buffer.from([0xc0, 0x80]), BINARY, BINARY, BINARY], // overlong
      [BINARY, '', BINARY, TEXT, BINARY],
      [TEXT, '', TEXT, TEXT, BINARY],
    ];
    for (const [opcode, payload, ...expected] of rows) {
      await sender.send(opcode, payload);
      for (const [i, peer] of [plain, text, binary].entries()) {
        await expect(peer, expected[i], payload, `${Buffer.from(payload).toString('hex')} to receiver ${i}`);
      }
    }
    await Promise.all([sender, plain, text, binary].map((peer) => peer.leave()));
  });

  it('takes frames from the mount unless the client says otherwise', async () => {
    const [sender, silent, asking] = await Promise.all(['', '', '?frames=text'].map((query) => open(daemon, `/others/o${query}`)));
    await sender.text('x');
    assert.equal(await silent.says(), 'binary 78');
    assert.equal(await asking.says(), 'text x');
    await Promise.all([sender, silent, asking].map((peer) => peer.leave()));
  });

  it('ends a connection that asks for frames of another kind with 4400', async () => {
    for (const value of ['', 'Text', 'binary,text', 'x'.repeat(100)]) {
      const peer = await open(daemon, `/relay?frames=${value}`);
      assert.deepEqual(await peer.closed(), { code: 4400, reason: 'frames must be text or binary' }, value);
    }
  });

  it('puts the prefix of an echo in front, in the opcode that came', async () => {
    const rows = [
      ['/echo?prefix=echo:', TEXT, 'hi', 'text echo:hi'],
      ['/echo?prefix=echo:', TEXT, '', 'text echo:'],
      ['/echo?prefix=', TEXT, 'hi', 'text hi'],
      ['/echo?prefix=a%20%26%20b%3B%25', TEXT, '!', 'text a & b;%!'],
      [`/echo?prefix=${encodeURIComponent('音:')}`, TEXT, 'é', 'text 音:é'],
      ['/echo?prefix=%01%02', BINARY, Buffer.from([0xff, 0]), 'binary 0102ff00'],
      ['/echo?prefix=x&frames=binary', TEXT, 'y', 'binary 7879'],
      ['/echo?prefix=x&frames=text', BINARY, 'y', 'text xy'],
      ['/echo?prefix=x&frames=text', BINARY, Buffer.from([0xff]), 'binary 78ff'],
      ['/parrot', TEXT, 'hi', 'text you said: hi'],
      ['/parrot?prefix=', TEXT, 'hi', 'text hi'],
      [`/echo?prefix=${'p'.repeat(64)}`, TEXT, '', `text ${'p'.repeat(64)}`],
    ];
    for (const [path, opcode, payload, answer] of rows) {
      const peer = await open(daemon, path);
      await peer.send(opcode, payload);
      assert.equal(await peer.says(path), answer, path);
      await peer.leave();
    }
  });

  it('ends a connection whose prefix is too long or not UTF-8 with 4400', async () => {
    for (const prefix of ['p'.repeat(65), '%ff', '%e6%9c', 'p'.repeat(3000)]) {
      const peer = await open(daemon, `/echo?prefix=${prefix}`);
      assert.deepEqual(await peer.closed(), { code: 4400, reason: 'prefix has at most 64 bytes of UTF-8' }, prefix);
    }
  });

  it('takes as many peers into a room as allowed, and the next one when somebody has left', async () => {
    for (const path of ['/relay/full', '/chat/full']) {
      const peers = await Promise.all([1, 2, 3, 4].map(() => open(daemon, path)));
      for (let i = 0; i < 2; i++) {
        const late = await open(daemon, path);
        assert.deepEqual(await late.closed(), { code: 4413, reason: 'room full' }, path);
      }
      await peers.pop().leave();
      peers.push(await open(daemon, path));
      await peers[3].text('I am in');
      assert.equal(await peers[path.startsWith('/relay') ? 0 : 3].says(path), 'text I am in');
      for (const peer of peers) peer.wire.socket.destroy();
    }
  });

  it('speaks one dialect at every path of a listener with ?dialect=', async () => {
    const o = { port: daemon.relayPort };
    await meet(daemon, '/', '/', o);
    await meet(daemon, '/room', '/room', o);
    await meet(daemon, '/room', '/?room=room', o);
    await meet(daemon, '/relay', '/?room=relay', o);
    await missing(daemon, '/a/b', o);
    const [inside, outside, other] = await Promise.all([open(daemon, '/x', o), open(daemon, '/relay/x'), open(daemon, '/x', o)]);
    await outside.text('outside');
    await inside.text('inside');
    assert.equal(await other.says(), 'text inside');
    await Promise.all([inside, outside, other].map((peer) => peer.leave()));
    const echo = await open(daemon, '/anything?prefix=%3E', { port: daemon.echoPort });
    await echo.text('x');
    assert.equal(await echo.says(), 'text >x');
    await echo.leave();
  });
});

describe('mounts of one\'s own', () => {
  it('are added to the default ones, replace and remove them by path', async (t) => {
    const mounts = ['/=relay', '/echo=chat', '/ws=off', '/deep/er=signal'];
    const daemon = await testDaemon(t, { args: mounts.flatMap((mount) => ['--mount', mount]) });
    await meet(daemon, '/', '/');
    await meet(daemon, '/?room=x', '/?room=x');
    await meet(daemon, '/relay', '/relay');
    const chat = await open(daemon, '/echo');
    await meet(daemon, '/echo', '/echo');
    await chat.text('to all');
    assert.match(await chat.says(), /^text from /);
    assert.equal(await chat.says(), 'text to all');
    await chat.leave();
    for (const path of ['/ws', '/ws/x', '/deep', '/x']) await missing(daemon, path);
    const signal = await open(daemon, '/deep/er/room');
    await signal.text('?');
    assert.match(await signal.says(), /"code":"bad-json"/);
    await signal.leave();
  });
});
