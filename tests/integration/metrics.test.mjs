// /metrics: what Prometheus reads of the daemon, who may read it, and that it costs little.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { setTimeout as pass } from 'node:timers/promises';
import { open, openMany } from '../lib/client.mjs';
import { runDaemon, scratch, testDaemon } from '../lib/daemon.mjs';
import { ask } from '../lib/http.mjs';
import { ACCEPT, parseMetrics, scrape } from '../lib/metrics.mjs';
import { Key, now } from '../lib/tokens.mjs';

const measured = ['--listen', '127.0.0.1:0?metrics'];

describe('what is answered', () => {
  it('promtool finds nothing to say of it, nor of what a certificate adds', async (t) => {
    const daemon = await testDaemon(t, { args: [...measured, '--listen', 'tls:127.0.0.1:0'], tls: true });
    const { text, headers } = await ask({ port: daemon.port }, '/metrics');
    assert.equal(headers['content-type'], 'text/plain; version=0.0.4; charset=utf-8');
    assert.equal(headers['cache-control'], 'no-store');
    const { status, stdout, stderr } = spawnSync('promtool', ['check', 'metrics'], { input: text, encoding: 'utf8' });
    assert.deepEqual([status, stdout, stderr], [0, '', '']);
    const days = (parseMetrics(text).samples.get('nakodo_certificate_expiry_seconds') - Date.now() / 1000) / 86400;
    assert.ok(days > 0 && days < 10000, `${days} days`);
  });

  it('OpenMetrics, with the same content, is for who asks for it', async (t) => {
    const daemon = await testDaemon(t, { args: measured });
    const get = (accept) => ask({ port: daemon.port }, '/metrics', { headers: accept ? { Accept: accept } : {} });
    for (const accept of [ACCEPT, 'application/openmetrics-text', 'application/openmetrics-text;version=0.0.1']) {
      const { headers, text } = await get(accept);
      assert.equal(headers['content-type'], 'application/openmetrics-text; version=1.0.0; charset=utf-8', accept);
      const [ours, theirs] = [parseMetrics(text, { open: true }), parseMetrics((await get()).text)];
      for (const part of ['families', 'samples']) assert.deepEqual([...ours[part].keys()], [...theirs[part].keys()]);
    }
    for (const accept of [undefined, '*/*', 'text/plain', 'text/html', 'text/plain, application/openmetrics-text;q=0.5', 'application/openmetrics-text;q=0']) {
      const { headers } = await get(accept);
      assert.match(headers['content-type'], /^text\/plain/, accept);
    }
  });

  it('every meter that SIGUSR1 logs is there, and no label is from outside of the table', async (t) => {
    const daemon = await testDaemon(t, { args: measured });
    await ask({ port: daemon.port }, '/%22%7D%0a?"', { headers: { Origin: 'https://"evil".example', Host: 'localhost' } });
    const samples = await scrape({ port: daemon.port });
    const values = [...samples.keys()].map((key) => key.replace(/^nakodo_/, '').replace(/(_bytes)?(_total)?(\{|$)/, '$3'));
    for (const name of Object.keys(await daemon.meters())) {
      if (name === 'refused') continue; // the sum of those with a label
      const found = values.some((value) => value === name
        || value.replace(/\{\w+="([^"]*)"\}/, (_, label) => `_${label.replaceAll('-', '_')}`) === name);
      assert.ok(found, `${name} is missing`);
    }
    assert.ok([...samples.keys()].every((key) => !/evil|%/.test(key)));
  });

  it('it says who is here, what they said, and what was refused', async (t) => {
    const daemon = await testDaemon(t, { args: measured });
    const target = { port: daemon.port };
    const before = await scrape(target);
    const [a, b] = [await open(`${daemon.ws}/relay/one`), await open(`${daemon.ws}/relay/one`)];
    const c = await open(`${daemon.ws}/relay/two`);
    a.send('hello');
    assert.equal(await b.next(), 'hello');
    await ask(target, '/nowhere');
    const after = await scrape(target);
    const grown = (name) => after.get(name) - before.get(name);
    assert.deepEqual(['nakodo_peers', 'nakodo_rooms', 'nakodo_connections', 'nakodo_messages_in_total', 'nakodo_bytes_total{direction="in"}',
      'nakodo_refused_total{code="not-found"}', 'nakodo_refused_total{code="bad-host"}'].map(grown), [3, 2, 3, 1, 5, 1, 0]);
    assert.ok(after.get('nakodo_memory_bytes{kind="connections"}') > before.get('nakodo_memory_bytes{kind="connections"}'));
    assert.ok(after.get('nakodo_max_memory_bytes') > 0);
    assert.ok(Math.abs(after.get('nakodo_start_time_seconds') - Date.now() / 1000) < 60);
    await Promise.all([a, b, c].map((client) => client.close()));
    await daemon.until(() => daemon.lines('peer.leave').length === 3);
    assert.equal((await scrape(target)).get('nakodo_rooms'), 0);
  });
});

describe('how long things take', () => {
  /** How often, and how long together, by now. */
  const read = (samples, name) => ({ count: samples.get(`nakodo_${name}_seconds_count`), sum: samples.get(`nakodo_${name}_seconds_sum`) });

  it('each bucket has what those before it have, and the last one all', async (t) => {
    const daemon = await testDaemon(t, { args: measured });
    const samples = await scrape({ port: daemon.port });
    for (const name of ['turn', 'relay', 'cluster_redis']) {
      const buckets = [...samples].filter(([key]) => key.startsWith(`nakodo_${name}_seconds_bucket`)).map(([, value]) => value);
      assert.equal(buckets.length, 14);
      assert.deepEqual(buckets, buckets.toSorted((a, b) => a - b));
      assert.equal(buckets.at(-1), read(samples, name).count);
    }
    assert.ok(read(samples, 'turn').count > 0);
  });

  it('a message that is relayed is timed once, however many it goes to; an answer of HTTP is not', async (t) => {
    const daemon = await testDaemon(t, { args: measured });
    const [first, ...others] = await openMany(`${daemon.ws}/relay/crowd`, 20);
    const before = read(await scrape({ port: daemon.port }), 'relay');
    for (let i = 0; i < 10; i++) {
      first.send(`message ${i}`);
      await Promise.all(others.map((other) => other.next()));
    }
    const after = read(await scrape({ port: daemon.port }), 'relay');
    assert.equal(after.count - before.count, 10);
    assert.ok(after.sum > before.sum);
  });

  it('turns and relays take what the processor is used for', async (t) => {
    const daemon = await testDaemon(t, { args: measured });
    const [first, ...others] = await openMany(`${daemon.ws}/relay/crowd`, 20);
    const before = await scrape({ port: daemon.port });
    for (let i = 0; i < 300; i++) {
      first.send('x'.repeat(1000));
      await Promise.all(others.map((other) => other.next()));
    }
    const after = await scrape({ port: daemon.port });
    const [turn, relay, cpu] = ['nakodo_turn_seconds_sum', 'nakodo_relay_seconds_sum', 'nakodo_cpu_seconds_total'].map((name) => after.get(name) - before.get(name));
    assert.ok(turn > cpu / 2 && relay > cpu / 4, `turns ${turn} s, relays ${relay} s, processor ${cpu} s`);
    assert.ok(relay < turn, `relays ${relay} s, turns ${turn} s`);
  });

  it('a turn does not last while nothing happens', async (t) => {
    const daemon = await testDaemon(t, { args: measured });
    const before = read(await scrape({ port: daemon.port }), 'turn');
    await pass(1000);
    const after = read(await scrape({ port: daemon.port }), 'turn');
    assert.ok(after.count > before.count);
    assert.ok(after.sum - before.sum < 0.5, `turns took ${after.sum - before.sum} of 1 s`);
  });

  it('to read all this costs as much of the loop with 500 peers as with none', async (t) => {
    const daemon = await testDaemon(t, { args: [...measured, '--max-peers-per-address', '0', '--connect-rate', '0'] });
    const target = { port: daemon.port };
    /** The least that ten answers took in one of several rounds. */
    const cost = async () => {
      const rounds = [];
      for (let round = 0; round < 8; round++) {
        const { sum } = read(await scrape(target), 'turn');
        for (let i = 0; i < 9; i++) await scrape(target);
        rounds.push(read(await scrape(target), 'turn').sum - sum);
      }
      return Math.min(...rounds);
    };
    const alone = await cost();
    await openMany(`${daemon.ws}/relay`, 500);
    const among = await cost();
    assert.ok(among < alone * 2, `${among} s for ten, ${alone} s when nobody was there`);
  });
});

describe('who may read it', () => {
  it('a listener that does not say so has no such page', async (t) => {
    const daemon = await testDaemon(t, { args: [...measured, '--listen', '127.0.0.1:0'] });
    assert.equal((await ask({ port: daemon.ports[0] }, '/metrics')).status, 200);
    assert.equal((await ask({ port: daemon.ports[1] }, '/metrics')).status, 404);
  });

  it('a unix socket may have it', async (t) => {
    const path = join(scratch(), 'socket');
    await testDaemon(t, { args: ['--listen', '127.0.0.1:0', '--listen', `unix:${path}?metrics`] });
    assert.equal((await ask({ path }, '/metrics')).status, 200);
  });

  it('clients whom a proxy brings, trusted or not, do not without a token; nor do pages of other sites', async (t) => {
    for (const trusted of [[], ['--trusted-proxy', '127.0.0.1']]) {
      const daemon = await testDaemon(t, { args: [...measured, ...trusted] });
      const get = async (headers) => (await ask({ port: daemon.port }, '/metrics', { headers })).status;
      assert.equal(await get({ 'X-Forwarded-For': '127.0.0.2' }), 401);
      assert.equal(await get({ 'X-Forwarded-For': '192.0.2.7' }), 401);
      assert.equal(await get({}), trusted.length ? 400 : 200);
      assert.equal(await get({ 'X-Forwarded-For': '127.0.0.2', Host: 'evil.example' }), 403);
      assert.equal(await get({ 'X-Forwarded-For': '127.0.0.2', Origin: 'https://evil.example' }), 403);
    }
  });

  it('at a listener that other machines reach, who shows a token with admin does, and nobody else', async (t) => {
    const key = new Key(scratch());
    const daemon = await testDaemon(t, { args: ['--listen', '*:0?metrics', '--listen', '*:0', '--auth-key', key.option] });
    const get = async (token, port = daemon.ports[0]) => {
      const { status, text } = await ask({ port }, '/metrics', { headers: token ? { Authorization: `Bearer ${token}` } : {} });
      return status === 200 ? status : [status, JSON.parse(text).code];
    };
    const admin = key.token({ room: '*', can: ['admin'] });
    assert.equal(await get(admin), 200);
    assert.deepEqual(await get(), [401, 'no-token']);
    assert.deepEqual(await get(key.token({ room: '*', can: ['admin'], exp: now() - 3600 })), [401, 'bad-token']);
    assert.deepEqual(await get(`${admin.slice(0, -4)}AAAA`), [401, 'bad-token']);
    assert.deepEqual(await get(key.token({ can: ['send', 'receive', 'moderate'], room: '*' })), [403, 'not-granted']);
    assert.deepEqual(await get(admin, daemon.ports.at(-1)), [404, 'not-found']);
    assert.equal(daemon.lines(admin).length, 0);
    await open(`ws://127.0.0.1:${daemon.ports[0]}/relay/a`); // which no token is asked for
  });

  it('such a listener where no key could tell a token is refused, with a sentence', async () => {
    for (const listen of ['*:0?metrics', 'systemd?metrics', 'proxy:localhost:0?metrics']) {
      const { status, stderr } = await runDaemon(['--listen', listen]);
      assert.equal(status, 2);
      assert.match(stderr, /to other machines by a token with `admin` only: set auth-key .* as in localhost:3001\?metrics\n$/);
    }
  });
});
