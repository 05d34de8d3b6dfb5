// Goal: who comes late reads what was said, as far as the room's memory reaches.
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { startDaemon, testDaemon } from '../lib/daemon.mjs';
import { Session } from '../lib/v1.mjs';

describe('chat', () => {
  let daemon;
  const join = (room, options) => Session.join(daemon.ws, room, options);

  /** What a newcomer is told was said. */
  async function history(room) {
    const late = await join(room);
    await late.bye();
    return late.first.history;
  }

  before(async () => {
    daemon = await startDaemon({ args: ['--max-peers-per-address', '0', '--connect-rate', '0', '--message-rate', '0', '--byte-rate', '0'] });
  });
  after(() => daemon?.stop());

  it('is relayed like everything, and kept with who said it when', async () => {
    const a = await join('r', { name: 'A' });
    const b = await join('r');
    await a.find('peer-joined');
    const begin = Date.now();
    a.send('{"type":"chat","text":"hello \\u671d <b>","x":1}');
    assert.equal((await b.next()).raw, `{"from":"${a.id}","type":"chat","text":"hello \\u671d <b>","x":1}`);
    a.send({ type: 'update', name: 'Another' });
    await b.find('peer-updated');
    b.send({ type: 'chat', text: '' });
    await a.find('chat');
    const told = await history('r');
    assert.deepEqual(told.map(({ at, ...rest }) => rest), [{ from: a.id, name: 'A', text: 'hello 朝 <b>' }, { from: b.id, text: '' }]);
    const [first, second] = told.map(({ at }) => at);
    assert.ok(begin <= first + 1 && first <= second && second <= Date.now() + 1, `${begin} ${first} ${second}`);
    await Promise.all([a.bye(), b.bye()]);
  });

  it('to one peer alone is not kept', async () => {
    const [a, b] = [await join('private'), await join('private')];
    await a.find('peer-joined');
    a.send({ type: 'chat', text: 'for you', to: b.id });
    assert.deepEqual(await b.next(), { from: a.id, type: 'chat', text: 'for you', to: b.id });
    assert.deepEqual(await history('private'), []);
    await Promise.all([a.bye(), b.bye()]);
  });

  it('without a text is refused and not kept', async () => {
    const [a, b] = [await join('wrong'), await join('wrong')];
    await a.find('peer-joined');
    for (const message of ['{"type":"chat"}', '{"type":"chat","text":1}', '{"type":"chat","text":null}', '{"type":"chat","text":"a","text":"b"}', '{"type":"chat","text":"a","\\u0074ext":"b"}']) {
      a.send(message);
      assert.equal((await a.next()).code, 'bad-message', message);
    }
    await b.silent();
    assert.deepEqual(await history('wrong'), []);
    await Promise.all([a.bye(), b.bye()]);
  });

  it('is kept for latecomers to the last 50', async () => {
    const a = await join('many');
    for (let i = 0; i < 77; i++) a.send({ type: 'chat', text: String(i) });
    await a.taken();
    assert.deepEqual((await history('many')).map(({ text }) => text), Array.from({ length: 50 }, (_, i) => String(i + 27)));
    await a.bye();
  });

  it('is kept for latecomers to at most 64 KiB, the newest of it', async () => {
    const a = await join('large');
    const text = (i) => `${i}${'朝'.repeat(3000)}`; // 9 000 bytes
    for (let i = 0; i < 20; i++) a.send({ type: 'chat', text: text(i) });
    await a.taken();
    const told = await history('large');
    assert.deepEqual(told.map((line) => line.text), Array.from({ length: told.length }, (_, i) => text(20 - told.length + i)));
    assert.ok(told.length === 7 || told.length === 6, `${told.length} of 9 000 bytes`);
    await a.bye();
  });

  it('of a size that only escapes have stays within the 64 KiB', async () => {
    const a = await join('escapes');
    for (let i = 0; i < 10; i++) a.send({ type: 'chat', text: '\u0001'.repeat(9000) });
    await a.taken();
    const told = JSON.stringify(await history('escapes'));
    assert.ok(told.length <= 65536 && told.length > 50000, `${told.length} bytes`);
    await a.bye();
  });

  it('reaches a newcomer though it is more than may wait for a slow reader', async (t) => {
    const other = await testDaemon(t, { args: ['--send-queue', '4KiB', '--max-message', '2KiB', '--message-rate', '0', '--byte-rate', '0'] });
    const a = await Session.join(other.ws, 'r');
    for (let i = 0; i < 50; i++) a.send({ type: 'chat', text: 'x'.repeat(1000) });
    await a.taken();
    const late = await Session.join(other.ws, 'r');
    assert.equal(late.first.history.length, 50);
    await late.silent();
    await Promise.all([a.bye(), late.bye()]);
  });

  it('is kept as long as the room lives, also when who said it has left', async () => {
    const [a, b] = [await join('life', { name: 'A' }), await join('life')];
    a.send({ type: 'chat', text: 'I was here' });
    await b.find('chat');
    await a.bye();
    await b.find('peer-left');
    assert.deepEqual((await history('life')).map(({ from, name, text }) => [from, name, text]), [[a.id, 'A', 'I was here']]);
    await b.cut();
    assert.equal((await history('life')).length, 1); // a session that is away holds the room
    await b.connect();
    await b.bye();
    assert.deepEqual(await history('life'), []);
  });

  it('is kept as far as room-history says', async (t) => {
    for (const [count, kept] of [['3', ['7', '8', '9']], ['0', []]]) {
      const other = await testDaemon(t, { args: ['--room-history', count] });
      const a = await Session.join(other.ws, 'r');
      for (let i = 0; i < 10; i++) a.send({ type: 'chat', text: String(i) });
      await a.taken();
      const late = await Session.join(other.ws, 'r');
      assert.deepEqual(late.first.history.map(({ text }) => text), kept);
      await Promise.all([a.bye(), late.bye()]);
    }
  });
});
