// Goal: no message ends the daemon, or anybody's connection but its sender's: every dialect is sent, on each of its types
// of message, what ended the originals, and after each message two healthy peers beside still hear each other.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { open } from '../lib/client.mjs';
import { runDaemon, startDaemon, testDaemon } from '../lib/daemon.mjs';
import { changes, dialects, garbage, settled, until } from '../lib/hostile.mjs';
import { CLOSE, closing, open as openRaw, within } from '../lib/raw.mjs';

const ROOM = 'isPrototypeOf';
const MARK = /mark \d+\./; // of the healthy ones
const limits = ['--max-message', '2MiB', '--send-queue', '16MiB', '--resume-bytes', '32MiB', '--message-rate', '0', '--byte-rate', '0',
  '--connect-rate', '0', '--max-peers-per-address', '0'];
let daemon;
let marks = 0;

before(async () => {
  daemon = await startDaemon({ args: limits });
});
after(() => daemon?.stop());

const textOf = (message) => (typeof message === 'string' ? message : JSON.stringify(message));

/** Connect, and be in unless `greet` is false. */
async function enter(entry, name, room, greet = true) {
  const client = await open(`${daemon.ws}${entry.path(name, room)}`);
  Object.assign(client, { id: name, room });
  if (!greet) return client;
  for (const message of entry.greet?.(name, room) ?? []) client.send(textOf(message));
  if (entry.welcome) {
    const found = entry.welcome.exec(await client.next());
    assert.ok(found, `${name} is in`);
    client.id = found[1] ?? name;
  } else {
    await settled(client);
  }
  return client;
}

/** What one says, the other hears. */
async function talk(entry, from, to) {
  const mark = `mark ${++marks}.`;
  from.send(textOf(entry.talk(from, to, mark)));
  await until(entry.alone ? from : to, mark);
}

/** Two who talk. */
async function pair(entry, names, room) {
  const [one, other] = [await enter(entry, names[0], room), await enter(entry, names[1], room)];
  await entry.pair?.(one, other);
  return { one, other, talk: async () => Promise.all([talk(entry, one, other), talk(entry, other, one)]) };
}

/** The client that sends what it should not; it comes again when it was closed. */
class Hostile {
  constructor(entry, healthy) {
    Object.assign(this, { entry, healthy, room: ROOM });
  }

  async come(greet = true) {
    const { entry } = this;
    if (entry.unlock) {
      this.healthy.one.send(textOf(entry.unlock));
      await settled(this.healthy.one);
    }
    if (entry.two) this.room = `hostile ${++marks}`;
    this.partner = entry.two && greet ? await enter(entry, 'partner', this.room) : this.healthy.other;
    this.client = await enter(entry, 'hostile', this.room, greet);
    if (greet) await entry.pair?.(this.client, this.partner);
    this.client.rest();
  }

  async go() {
    await this.client.close();
    if (this.partner !== this.healthy.other) await this.partner.close();
  }

  types() {
    return this.entry.types(this.client, this.partner, this.room);
  }

  /** Say it, and see that the healthy ones still talk. What it is told, or the code that it is closed with. */
  async say(data, what, options) {
    this.client.ws.send(data, options);
    await settled(this.client).catch((error) => assert.fail(`${what}: ${error.message}`));
    await this.healthy.talk().catch((error) => assert.fail(`${what}: the healthy ones do not talk any more: ${error.message}`));
    const told = this.client.rest().map(String).filter((text) => !MARK.test(text));
    return { told, code: this.client.end?.code };
  }

  /** Say what is no message of the dialect, and see that it is answered as the documentation says. */
  async blunder(text, what) {
    const { wrong, hears } = this.entry;
    const { told } = await this.say(text, what);
    if (typeof wrong === 'number') assert.equal((await within(this.client.closed, `${what}: its end`)).code, wrong, what);
    else assert.equal(this.client.end, undefined, what);
    if (wrong instanceof RegExp && !told.some((each) => wrong.test(each))) assert.match(String(await this.client.next()), wrong, what);
    for (const each of told) assert.ok((wrong instanceof RegExp && wrong.test(each)) || hears?.test(each), `${what}: ${each.slice(0, 300)}`);
    if (this.client.end) await this.come();
  }
}

/** What may happen at a message that may be wrong or right. */
function isTolerable({ hears, closes = [] }, { told, code }, what) {
  assert.ok(code === undefined || closes.includes(code), `${what}: closed with ${code}`);
  for (const text of told) assert.ok(hears?.test(text), `${what}: ${text.slice(0, 300)}`);
}

const { stderr } = await runDaemon(['--check', '--mount', '/x=none']);
const names = /there are: (.*)/.exec(stderr)[1].trim().split(', ');

/** What is sent in place of the first that a dialect's clients say, if they must say something. */
const firsts = (entry) => (entry.first ?? entry.greet)?.('hostile', ROOM) ?? [];

/** The tests of one dialect. */
function attack(name, entry) {
  test(`${name}: every hostile message costs at most its sender's connection`, async () => {
    const healthy = await pair(entry, ['hasOwnProperty', 'valueOf'], ROOM);
    await healthy.talk();
    const hostile = new Hostile(entry, healthy);

    await hostile.come();
    for (const [what, text] of garbage) await hostile.blunder(text, what);
    for (const type of Object.keys(hostile.types())) {
      for (const [how, change] of changes(hostile.types()[type])) {
        const what = `${type} ${how}`;
        isTolerable(entry, await hostile.say(change(hostile.types()[type]), what), what);
        if (hostile.client.end) await hostile.come();
      }
      const binary = await hostile.say(Buffer.from(textOf(hostile.types()[type])), `${type} as a binary frame`);
      isTolerable(entry, binary, `${type} as a binary frame`);
      await hostile.go();
      await hostile.come();
    }
    assert.equal((await hostile.say(Buffer.from([0x22, 0xff, 0x22]), 'no UTF-8', { binary: false })).code, 1007);
    await Promise.all([healthy.one.close(), healthy.other.close()]);
  });

  if (firsts(entry).length) test(`${name}: nor does one that comes first`, async () => {
    const healthy = await pair(entry, ['hasOwnProperty', 'valueOf'], ROOM);
    const hostile = new Hostile(entry, healthy);
    for (const message of firsts(entry)) {
      for (const [how, change] of [...changes(message), ...garbage.map(([what, text]) => [what, () => text])]) {
        await hostile.come(false);
        isTolerable(entry, await hostile.say(change(message), `first ${how}`), `first ${how}`);
        await hostile.client.close();
      }
    }
    await Promise.all([healthy.one.close(), healthy.other.close()]);
  });

  test(`${name}: who comes twice is there when the older one has gone`, async () => {
    const healthy = await pair(entry, ['hasOwnProperty', 'valueOf'], ROOM);
    const old = await enter(entry, 'twin', entry.two ? 'first' : ROOM);
    old.ws.pause(); // it does not answer a close frame
    const again = () => pair(entry, ['twin', 'partner'], entry.two ? 'second' : ROOM);
    const early = entry.keeps ? await assert.rejects(again(), /twin is in/) : await again();
    await early?.talk();
    const { connections } = await daemon.meters();
    old.ws.terminate();
    while ((await daemon.meters()).connections >= connections);
    const twin = early ?? await again();
    await twin.talk();
    await healthy.talk();
    await Promise.all([healthy, twin].flatMap(({ one, other }) => [one.close(), other.close()]));
  });

  test(`${name}: what is said to nobody costs at most its sender's connection`, async () => {
    const healthy = await pair(entry, ['hasOwnProperty', 'valueOf'], ROOM);
    const alone = () => enter(entry, 'alone', `empty ${++marks}`);
    let client = await alone();
    for (const type of Object.keys(entry.types(client, { id: 'nobody' }, client.room))) {
      client.send(textOf(entry.types(client, { id: 'nobody' }, client.room)[type]));
      await settled(client);
      isTolerable(entry, { told: client.rest().map(String), code: client.end?.code }, type);
      await healthy.talk();
      if (client.end) client = await alone();
    }
    await Promise.all([client, healthy.one, healthy.other].map((each) => each.close()));
  });

  test(`${name}: a close frame with the longest reason ends one connection, and so does one too long`, async () => {
    const healthy = await pair(entry, ['hasOwnProperty', 'valueOf'], ROOM);
    for (const length of [123, 124]) {
      const peer = await openRaw(daemon, entry.path('raw', 'second'));
      for (const message of entry.greet?.('raw', 'second') ?? []) await peer.text(textOf(message));
      await peer.send(CLOSE, closing(1000, 'x'.repeat(length)));
      await within(peer.ended, `the end after ${length} bytes`);
      const echo = peer.frames.find(({ opcode }) => opcode === CLOSE);
      if (length === 123) assert.equal(echo?.payload.readUInt16BE(), 1000); // no frame of RFC 6455 is that of 124
      else assert.notEqual(echo?.payload.readUInt16BE(), 1000);
      await healthy.talk();
    }
    await Promise.all([healthy.one.close(), healthy.other.close()]);
  });

  test(`${name}: a message longer than max-message ends its sender's connection with 1009`, async (t) => {
    const small = await testDaemon(t);
    const client = await open(`${small.ws}${entry.path('long', ROOM)}`);
    client.send(JSON.stringify({ type: 'x'.repeat(64 * 1024) }));
    assert.equal((await client.closed).code, 1009);
  });
}

for (const name of names) {
  if (dialects[name]) {
    attack(name, dialects[name]);
    for (const [role, entry] of Object.entries(dialects[name].roles ?? {})) attack(`${name}, ${role}`, entry);
  } else {
    test(name, () => assert.fail(`tests/lib/hostile.mjs has no entry for the dialect \`${name}\`: say there how it is spoken, `
      + 'and give a message of each of its types'));
  }
}
