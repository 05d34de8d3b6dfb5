// Goal: who connects to /v1/ROOM is in that room, hears who else is, and talks with them.
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { open, refused } from '../lib/client.mjs';
import { startDaemon, testDaemon } from '../lib/daemon.mjs';
import { open as openRaw } from '../lib/raw.mjs';
import { enter, hear, pathOf, refusal, Session } from '../lib/v1.mjs';

const join = (base, room, options) => Session.join(base, room, options);

describe('nakodo.v1', () => {
  let daemon;
  let base;

  before(async () => {
    daemon = await startDaemon({ tls: true, args: ['--max-peers-per-address', '0', '--connect-rate', '0', '--message-rate', '0', '--byte-rate', '0'] });
    base = daemon.ws;
  });
  after(() => daemon?.stop());

  describe('joining', () => {
    it('is connecting: the first message is a welcome with all there is to know', async () => {
      const { peer, welcome } = await enter(daemon, 'first');
      const { id, session, ...rest } = welcome;
      assert.deepEqual(rest, {
        type: 'welcome', room: 'first', peers: [], history: [], locked: false, can: ['lock'], iceServers: [], resumeSeconds: 30,
        limits: { message: 65536, peers: 16 },
      });
      assert.notEqual(id, session);
      await peer.leave();
    });

    it('over wss is the same', async () => {
      const a = await join(daemon.wss, 'secure');
      const b = await join(base, 'secure');
      b.send({ type: 'offer', sdp: 'v=0' });
      assert.equal((await a.next()).type, 'peer-joined');
      assert.equal((await a.next()).raw, `{"from":"${b.id}","type":"offer","sdp":"v=0"}`);
      await Promise.all([a.bye(), b.bye()]);
    });

    it('tells the limits that are set, and the ICE servers', async (t) => {
      const other = await testDaemon(t, {
        args: ['--max-message', '5000', '--room-peers', '7', '--resume-seconds', '12', '--ice-server', 'stun:stun.example.org', '--ice-server', 'turn:turn.example.org|me|secret'],
      });
      const { peer, welcome } = await enter(other, 'r');
      assert.deepEqual([welcome.limits, welcome.resumeSeconds], [{ message: 5000, peers: 7 }, 12]);
      assert.deepEqual(welcome.iceServers.map(({ urls, ...rest }) => ({ urls: [urls].flat(), ...rest })), [
        { urls: ['stun:stun.example.org'] },
        { urls: ['turn:turn.example.org'], username: 'me', credential: 'secret' },
      ]);
      await peer.leave();
    });

    it('is told to everybody, and everybody to the newcomer, in order of arrival', async () => {
      const a = await join(base, 'meet', { name: 'Hana' });
      const b = await join(base, 'meet', { name: '太郎 & friends' });
      const c = await join(base, 'meet');
      assert.deepEqual(b.first.peers, [{ id: a.id, name: 'Hana', owner: true }]);
      assert.deepEqual(c.first.peers, [{ id: a.id, name: 'Hana', owner: true }, { id: b.id, name: '太郎 & friends', owner: true }]);
      assert.deepEqual(await a.next(), { type: 'peer-joined', peer: { id: b.id, name: '太郎 & friends', owner: false } });
      assert.deepEqual(await a.next(), { type: 'peer-joined', peer: { id: c.id, owner: false } });
      assert.deepEqual(await b.next(), { type: 'peer-joined', peer: { id: c.id, owner: false } });
      await c.bye();
      assert.deepEqual(await a.next(), { type: 'peer-left', id: c.id, reason: 'bye' });
      assert.deepEqual(await b.next(), { type: 'peer-left', id: c.id, reason: 'bye' });
      assert.equal((await b.close(1000)).code, 1000);
      assert.deepEqual(await a.next(), { type: 'peer-left', id: b.id, reason: 'bye' });
      await a.bye();
    });

    it('gives each its own id and session', async () => {
      const all = await Promise.all(Array.from({ length: 16 }, () => enter(daemon, 'ids')));
      assert.equal(new Set(all.flatMap(({ welcome }) => [welcome.id, welcome.session])).size, 32);
      await Promise.all(all.map(({ peer }) => peer.wire.reset()));
    });

    it('selects the subprotocol nakodo.v1 if it is offered, and needs none', async () => {
      for (const [offered, selected] of [[['nakodo.v1'], 'nakodo.v1'], [['x', 'nakodo.v1', 'y'], 'nakodo.v1'], [[], '']]) {
        const client = await open(base + pathOf('sub'), { protocols: offered });
        assert.equal(client.subprotocol, selected);
        assert.match(await client.next(), /^\{"type":"welcome"/);
        await client.close();
      }
      assert.equal((await refused(base + pathOf('sub'), { protocols: ['x', 'y'] })).status, 400); // it means another protocol
    });
  });

  describe('the room', () => {
    /** Join by these exact bytes in the request: the name of the room that it is. */
    async function named(path) {
      const peer = await openRaw(daemon, path);
      const { room } = await hear(peer);
      peer.wire.reset();
      return room;
    }

    it('is any name, percent-encoded', async () => {
      const names = ['a+b', 'a;b', 'a&b', 'a%b', 'a?b', 'a#b', 'a b', 'a%2Bb', 'a=b', '朝会', '...', '..a', '😀', 'A+b', '"\\', "'", 'x'.repeat(128), '会'.repeat(42)];
      for (const name of names) {
        const path = [...Buffer.from(name)].map((byte) => `%${byte.toString(16).padStart(2, '0')}`).join('');
        assert.equal(await named(`/v1/${path}`), name);
      }
    });

    it('is what encodeURIComponent makes of it, and every other name is another room', async () => {
      const names = ['a+b', 'a;b', 'a&b', 'a%b', 'a', 'b', 'a b', '朝会', '朝', 'a%2Bb', 'a?b', 'a#b'].map((name) => `1${name}`);
      const all = await Promise.all(names.map((name) => join(base, name)));
      assert.deepEqual(all.map(({ first }) => first.room), names);
      for (const session of all) {
        assert.deepEqual(session.first.peers, []);
        session.send({ type: 'hello' });
      }
      for (const session of all) await session.silent();
      const more = await Promise.all(names.map((name) => join(base, name)));
      more.forEach((session, i) => assert.deepEqual(session.first.peers.map(({ id }) => id), [all[i].id]));
      await Promise.all([...all, ...more].map((session) => session.bye()));
    });

    it('ends at a raw ; or &, and a raw + in it is what the docs say', async () => {
      assert.equal(await named('/v1/a;b'), 'a');
      assert.equal(await named('/v1/a&b'), 'a');
      assert.equal(await named('/v1/a+b'), 'a b');
    });

    it('cannot be . or .., which URLs lose on their way, encoded or not', async () => {
      for (const path of ['/v1/.', '/v1/%2e']) assert.equal((await refusal(base, path)).code, 'bad-room');
      for (const path of ['/v1/..', '/v1/%2E%2e']) {
        const raw = await openRaw(daemon, path); // ws would take the dots out itself
        await raw.text('1');
        assert.match(await raw.says(), /^text \{"type":"error","code":"bad-message"/); // the mount /
        await raw.leave();
      }
    });

    it('has nothing to do with the rooms of other mounts', async () => {
      const other = await open(`${base}/relay/same`);
      const a = await join(base, 'same');
      a.send({ type: 'x' });
      other.send('{"type":"y"}');
      await a.silent();
      await Promise.all([a.bye(), other.close()]);
    });
  });

  describe('a message', () => {
    let a;
    let b;
    let c;
    before(async () => {
      a = await join(base, 'talk');
      b = await join(base, 'talk');
      c = await join(base, 'talk');
      await a.find('peer-joined');
      await a.find('peer-joined');
      await b.find('peer-joined');
    });
    after(() => Promise.all([a, b, c].map((session) => session.bye())));

    it('of any type goes to every other peer, byte for byte, with from in front', async () => {
      const bodies = [
        '"type":"offer"', '"type":"answer","sdp":"v=0\\r\\n"', '"type":"candidate","candidate":null', '"type":"x-mine"', '"type":""',
        '"type":"\\u00e9\\ud83d\\ude00é😀"', ' "type" : "x" , "n":1.50e+02,"big":12345678901234567890,"s":"\\u0000\\ud800\\/" ',
        '"type":"x","data":{"from":"me","from":2,"type":"chat","to":{}}', '"\\u0074ype":"x"', `"type":"x","deep":${'['.repeat(31)}${']'.repeat(31)}`,
        '"a":1,"a":2,"type":"x"', '"n":"text","t":1,"text":[],"type":"offer","session":"x"', `"type":"long","x":"${'y'.repeat(65000)}"`,
        '"Type":"welcome","type":"Welcome"', '"__proto__":{"type":"x"},"type":"x"',
      ];
      for (const body of bodies) {
        a.send(`{${body}}`);
        for (const to of [b, c]) assert.equal((await to.next()).raw, `{"from":"${a.id}",${body}}`);
      }
      await a.silent();
    });

    it('with to goes to that peer alone, with to in it', async () => {
      for (const to of [`"to":"${b.id}"`, `"\\u0074o":"${b.id}"`, `"to":"\\u00${b.id.charCodeAt(0).toString(16)}${b.id.slice(1)}"`]) {
        a.send(`{"type":"offer",${to},"sdp":"x"}`);
        assert.equal((await b.next()).raw, `{"from":"${a.id}","type":"offer",${to},"sdp":"x"}`);
      }
      await c.silent();
    });

    it('loses white space in front, and nothing else', async () => {
      a.send(' \t\r\n{\n "type": "x"}');
      for (const to of [b, c]) assert.equal((await to.next()).raw, `{"from":"${a.id}",\n "type": "x"}`);
    });

    it('in many fragments is one', async () => {
      for (const [i, part] of ['{"ty', 'pe":', '"朝"', '}'].entries()) a.ws.send(part, { fin: i === 3 });
      a.sent++;
      for (const to of [b, c]) assert.equal((await to.next()).raw, `{"from":"${a.id}","type":"朝"}`);
      await a.until(() => a.acked === a.sent);
    });

    it('keeps its order between any two peers', async () => {
      for (let i = 0; i < 200; i++) for (const from of [a, b]) from.send({ type: 'x', i, ...(i % 3 ? {} : { to: c.id }) });
      const next = new Map([[a.id, 0], [b.id, 0]]);
      for (let count = 0; count < 400; count++) {
        const { from, i } = await c.next();
        assert.equal(i, next.get(from));
        next.set(from, i + 1);
      }
      for (const [to, from] of [[a, b], [b, a]]) {
        for (let i = 0; i < 200; i++) if (i % 3) assert.deepEqual(await to.next(), { from: from.id, type: 'x', i });
      }
    });

    it('is acknowledged after 16 of them at once, and one alone after a second', async () => {
      await a.until(() => a.pending === 0);
      let start = performance.now();
      const { acked } = a;
      for (let i = 0; i < 15; i++) a.send({ type: 'x' });
      await a.silent();
      assert.equal(a.acked, acked);
      a.send({ type: 'x' });
      await a.until(() => a.acked === acked + 16);
      assert.ok(performance.now() - start < 900, 'not at once');
      start = performance.now();
      a.send({ type: 'x' });
      await a.until(() => a.acked === acked + 17);
      const took = performance.now() - start;
      assert.ok(took > 900 && took < 3000, `after ${took} ms`);
      for (const to of [b, c]) for (let i = 0; i < 17; i++) await to.next();
    });
  });

  describe('ping', () => {
    it('is answered with pong and t as it was', async () => {
      const a = await join(base, 'ping');
      for (const t of ['1', '12345678901234567890', '1.50', '"朝\\u0000"', 'null', '{"a":[1]}', '[]', 'true']) {
        a.ws.send(`{"type":"ping","t":${t}}`);
        assert.equal((await a.next()).raw, `{"type":"pong","t":${t}}`);
      }
      await a.bye();
    });
  });

  describe('update', () => {
    it('is stored and told to the others and to who asked for it: name, meta or both', async () => {
      const a = await join(base, 'update', { name: 'A' });
      const b = await join(base, 'update', { name: 'B' });
      await a.find('peer-joined');
      a.send({ type: 'update', meta: { camera: true } });
      assert.deepEqual(await b.next(), { type: 'peer-updated', peer: { id: a.id, name: 'A', meta: { camera: true } } });
      a.send({ type: 'update', name: 'アン' });
      assert.deepEqual(await b.next(), { type: 'peer-updated', peer: { id: a.id, name: 'アン', meta: { camera: true } } });
      a.send('{"type":"update","name":"\\u0041\\"","meta":{"n":1.50,"big":9007199254740993}}');
      const { raw } = await b.next();
      assert.match(raw, /"meta":\{"n":1\.50,"big":9007199254740993\}/);
      assert.deepEqual(JSON.parse(raw).peer.name, 'A"');
      assert.deepEqual((await a.next()).peer, { id: a.id, name: 'A', meta: { camera: true } });
      assert.equal((await a.next()).peer.name, 'アン');
      assert.equal((await a.next()).raw, raw);
      await a.silent();
      const c = await join(base, 'update');
      assert.equal(c.peers.get(a.id).name, 'A"');
      assert.match(c.first.raw, /"meta":\{"n":1\.50,"big":9007199254740993\}/);
      assert.deepEqual(c.peers.get(b.id), { id: b.id, name: 'B', owner: true });
      await Promise.all([a, b, c].map((session) => session.bye()));
    });

    it('with more than 4 KiB of meta is refused and changes nothing, and so is a wrong member', async () => {
      const [a, b] = [await join(base, 'meta', { name: 'A' }), await join(base, 'meta')];
      await a.find('peer-joined');
      const meta = (size) => ({ x: 'y'.repeat(size - '{"x":""}'.length) });
      const wrong = [{ meta: meta(4097) }, { meta: [] }, { meta: 'x' }, { meta: 1 }, { name: 1 }, { name: {} }, { name: 'N', meta: 1 }];
      for (const members of wrong) {
        a.send({ type: 'update', ...members });
        assert.equal((await a.next()).code, 'bad-message', JSON.stringify(members).slice(0, 50));
      }
      await b.silent();
      a.send({ type: 'update', meta: meta(4096) });
      assert.deepEqual((await b.next()).peer, { id: a.id, name: 'A', meta: meta(4096) });
      await Promise.all([a.bye(), b.bye()]);
    });

    it('takes as much meta as max-meta says', async (t) => {
      const other = await testDaemon(t, { args: ['--max-meta', '100'] });
      const [a, b] = [await join(other.ws, 'r'), await join(other.ws, 'r')];
      await a.find('peer-joined');
      a.send(`{"type":"update","meta":{"x":"${'y'.repeat(93)}"}}`);
      assert.equal((await a.next()).code, 'bad-message');
      a.send(`{"type":"update","meta":{"x":"${'y'.repeat(92)}"}}`);
      assert.equal((await b.next()).type, 'peer-updated');
      await Promise.all([a.bye(), b.bye()]);
    });
  });
});
