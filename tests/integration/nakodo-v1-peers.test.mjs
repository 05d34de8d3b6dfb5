// Goal: whoever may join a room of nakodo.v1 may see who is in it before, and nobody else may.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { scratch, testDaemon } from '../lib/daemon.mjs';
import { ask } from '../lib/http.mjs';
import { Key } from '../lib/tokens.mjs';
import { Session } from '../lib/v1.mjs';

const path = '/v1/r/peers';

describe('who is in a room of nakodo.v1', () => {
  it('is told by name to who asks, and never kept', async (t) => {
    const daemon = await testDaemon(t, { args: ['--room-peers', '2'] });
    const looks = async () => JSON.parse((await ask(daemon, path)).text);
    assert.deepEqual(await looks(), { peers: [], count: 0, full: false, locked: false });
    const hana = await Session.join(daemon.ws, 'r', { name: '花' });
    await Session.join(daemon.ws, 'r');
    const { status, headers, text } = await ask(daemon, path);
    assert.deepEqual([status, headers['content-type'], headers['cache-control']], [200, 'application/json', 'no-store']);
    assert.deepEqual(JSON.parse(text), { peers: [{ name: '花' }, {}], count: 2, full: true, locked: false });
    assert.equal((await ask(daemon, path, { method: 'HEAD' })).headers['content-length'], String(Buffer.byteLength(text)));
    await hana.bye();
    assert.deepEqual(await looks(), { peers: [{}], count: 1, full: false, locked: false });
    assert.equal((await ask(daemon, '/v1/r')).status, 426); // is for WebSockets, as before
    assert.equal((await ask(daemon, '/v1/a/b/peers')).status, 426);
  });

  it('is for who has a token for that room, where tokens are asked for', async (t) => {
    const key = new Key(scratch());
    const daemon = await testDaemon(t, { args: ['--auth', 'token', '--auth-key', key.option] });
    const looks = async (options) => {
      const { status, text } = await ask(daemon, path, options);
      return [status, JSON.parse(text).code];
    };
    const bearer = (token) => ({ headers: { Authorization: `Bearer ${token}` } });
    assert.deepEqual(await looks(), [401, 'no-token']);
    assert.deepEqual(await looks(bearer('x')), [401, 'bad-token']);
    assert.deepEqual(await looks(bearer(key.token({ room: 'other' }))), [403, 'not-granted']);
    assert.deepEqual(await looks(bearer(key.token({ room: 'r' }))), [200, undefined]);
    assert.equal((await ask(daemon, `${path}?token=${key.token({ room: 'r' })}`)).status, 200);
    const meters = await daemon.meters();
    assert.deepEqual([meters.refused_no_token, meters.refused_bad_token, meters.refused_not_granted], [1, 1, 1]);
  });

  it('is for the pages that may connect, which may ask first', async (t) => {
    const daemon = await testDaemon(t, { args: ['--origin', 'https://app.example', '--listen', '127.0.0.1:0', '--listen', '0.0.0.0:0'] });
    const [own, elsewhere] = daemon.ports.map((port) => ({ port }));
    const looks = async (target, headers) => (await ask(target, path, { headers })).status;
    const Origin = 'https://app.example';
    assert.equal((await ask(own, path, { headers: { Origin } })).headers['access-control-allow-origin'], Origin);
    assert.equal(await looks(own, { Origin: 'https://evil.example' }), 403);
    assert.equal(await looks(elsewhere, { Origin, Host: 'any.example' }), 200);
    const asked = await ask(own, path, { method: 'OPTIONS', headers: { Origin, 'Access-Control-Request-Headers': 'authorization' } });
    assert.deepEqual([asked.status, asked.headers['access-control-allow-headers']], [204, 'authorization']);
  });

  it('is not for a page whose name was made to lead here', async (t) => {
    const daemon = await testDaemon(t, { args: ['--listen', '0.0.0.0:0', '--listen', '0.0.0.0:0?origin=any'] });
    const [own, open] = [...new Set(daemon.ports)].map((port) => ({ port }));
    const looks = async (target, Host) => (await ask(target, path, { headers: { Host } })).status;
    // A browser names no Origin to the page's own server.
    assert.equal(await looks(own, 'evil.example'), 403);
    assert.equal(await looks(own, '127.0.0.1'), 200);
    assert.equal(await looks(open, 'evil.example'), 200);
  });
});
