// /metrics: what Prometheus reads of the daemon, who may read it, and that it costs little.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { open } from '../lib/client.mjs';
import { runDaemon, scratch, testDaemon } from '../lib/daemon.mjs';
import { ask } from '../lib/http.mjs';
import { ACCEPT, parseMetrics, scrape } from '../lib/metrics.mjs';

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

  it('clients of other machines do not, when a proxy brings them; nor do pages of other sites', async (t) => {
    const daemon = await testDaemon(t, { args: [...measured, '--trusted-proxy', '127.0.0.1'] });
    const get = (headers) => ask({ port: daemon.port }, '/metrics', { headers });
    assert.equal((await get({ 'X-Forwarded-For': '127.0.0.2' })).status, 200);
    assert.equal((await get({ 'X-Forwarded-For': '192.0.2.7' })).status, 404);
    assert.equal((await get({})).status, 400);
    assert.equal((await get({ 'X-Forwarded-For': '127.0.0.2', Host: 'evil.example' })).status, 403);
    assert.equal((await get({ 'X-Forwarded-For': '127.0.0.2', Origin: 'https://evil.example' })).status, 403);
  });

  it('a listener that other machines reach is refused it, with a sentence', async () => {
    const { status, stderr } = await runDaemon(['--listen', '*:0?metrics']);
    assert.equal(status, 2);
    assert.match(stderr, /`\*:0\?metrics`: metrics tells everybody .* as in localhost:3001\?metrics\n$/);
  });
});
