// What packaging/ has for Prometheus and Grafana is right, and goes with what /metrics says.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { openMany } from '../lib/client.mjs';
import { root, scratch, testDaemon } from '../lib/daemon.mjs';
import { eventually, startPrometheus } from '../lib/prometheus.mjs';
import { Key } from '../lib/tokens.mjs';

const rules = join(root, 'packaging/alerts.yml');
const dashboard = JSON.parse(readFileSync(join(root, 'packaging/grafana.json'), 'utf8'));

/** promtool's own words about what it does not like; none is right. */
function promtool(...args) {
  const { status, stdout, stderr, error } = spawnSync('promtool', args, { encoding: 'utf8' });
  if (error) throw error;
  assert.equal(status, 0, stdout + stderr);
}

/** Series of two hours, a sample each minute, on a quiet day. */
const DAY = 86400;
const buckets = (name, slow) => Object.fromEntries([['0.001', 0], ['0.25', 0], ['0.5', 100], ['+Inf', 100]]
  .map(([le, late]) => [`nakodo_${name}_seconds_bucket{le="${le}"}`, `0+${slow ? late : 100}x120`]));
const quiet = {
  'up{job="nakodo"}': '1+0x120',
  nakodo_start_time_seconds: '0+0x120',
  nakodo_certificate_expiry_seconds: `${90 * DAY}+0x120`,
  nakodo_peers: '500+0x120',
  nakodo_max_peers: '1000+0x120',
  'nakodo_memory_bytes{kind="frames"}': '400+0x120',
  'nakodo_memory_bytes{kind="rooms"}': '300+0x120',
  nakodo_max_memory_bytes: '1000+0x120',
  'nakodo_refused_total{code="server-full"}': '0+0x120',
  'nakodo_refused_total{code="not-found"}': '0+6000x120',
  'nakodo_refused_total{code="bad-origin"}': '0+60x120',
  'nakodo_shed_total{what="peers"}': '7+0x120',
  nakodo_accept_paused_total: '0+0x120',
  nakodo_listeners_broken_total: '0+0x120',
  nakodo_log_dropped_total: '3+0x120',
  nakodo_admissions_total: '7+0x114 8+0x5', // one newcomer, and no answer
  nakodo_admissions_failed_total: '5+0x114 6+0x5',
  nakodo_admissions_expired_total: '0+0x120',
  nakodo_events_failures_total: '5+0x120',
  nakodo_events_waiting: '0+0x120',
  nakodo_events_given_up_total: '5+0x120',
  nakodo_saved_refused_total: '0+0x120',
  nakodo_cluster_cut_off: '0+0x120',
  nakodo_cluster_unreachable_total: '0+3x20 60+0x98', // a node was killed long ago
  nakodo_cluster_lost_total: '4+0x120',
  ...buckets('turn'),
  ...buckets('relay'),
  ...buckets('cluster_redis'),
};
/** What calls for each alert. */
const trouble = {
  NakodoDown: { 'up{job="nakodo"}': '0+0x120' },
  NakodoRestartsOften: { nakodo_start_time_seconds: '0+60x120' },
  NakodoCertificateEndsSoon: { nakodo_certificate_expiry_seconds: `${13 * DAY}+0x120` },
  NakodoCertificateEndsNow: { nakodo_certificate_expiry_seconds: `${DAY}+0x120` },
  NakodoNearlyFull: { nakodo_peers: '950+0x120' },
  NakodoTurnsPeopleAway: { 'nakodo_refused_total{code="server-full"}': '0+1x120' },
  NakodoMemoryNearlyFull: { 'nakodo_memory_bytes{kind="rooms"}': '550+0x120' },
  NakodoShedsLoad: { 'nakodo_shed_total{what="peers"}': '7+1x120' },
  NakodoOutOfDescriptors: { nakodo_accept_paused_total: '0+1x120' },
  NakodoListenerBroke: { nakodo_listeners_broken_total: '0+1x120' },
  NakodoTurnsTakeLong: buckets('turn', true),
  NakodoRelaysSlowly: buckets('relay', true),
  NakodoRefusesMany: { 'nakodo_refused_total{code="bad-origin"}': '0+600x120' },
  NakodoNobodyAnswersWhoMayComeIn: { nakodo_admissions_total: '7+40x120', nakodo_admissions_failed_total: '5+1x120', nakodo_admissions_expired_total: '0+36x120' },
  NakodoNewcomersWaitInVain: { nakodo_admissions_expired_total: '0+10x120', nakodo_admissions_total: '0+40x120' },
  NakodoEventsWait: { nakodo_events_failures_total: '5+1x120', nakodo_events_waiting: '7+0x120' },
  NakodoEventsLost: { nakodo_events_given_up_total: '5+1x120' },
  NakodoRestartLostRooms: { nakodo_saved_refused_total: '1+0x120', nakodo_start_time_seconds: '4000+0x120' },
  NakodoWithoutRedis: { nakodo_cluster_cut_off: '1+0x120' },
  NakodoRedisAnswersSlowly: buckets('cluster_redis', true),
  NakodoNodeUnreachable: { nakodo_cluster_unreachable_total: '0+1x120' },
  NakodoRoomsLost: { nakodo_cluster_lost_total: '4+1x120' },
  NakodoLogDropsLines: { nakodo_log_dropped_total: '3+1x120' },
};

/** A test for promtool: with these series, at their end the query counts so many. */
const hours = (series, query, count) => ({
  interval: '1m',
  input_series: Object.entries(series).map(([name, values]) => ({ series: name, values })),
  promql_expr_test: [{ expr: query, eval_time: '119m', exp_samples: count ? [{ labels: '{}', value: count }] : [] }],
});

describe('the alerts', () => {
  it('are none on a quiet day, and each is one when it is called for', () => {
    promtool('check', 'rules', rules);
    assert.deepEqual([...readFileSync(rules, 'utf8').matchAll(/alert: (\w+)/g)].map(([, name]) => name), Object.keys(trouble));
    const file = join(scratch(), 'rules.json');
    writeFileSync(file, JSON.stringify({
      rule_files: [rules],
      evaluation_interval: '1m',
      tests: [
        hours(quiet, 'count(ALERTS)', 0),
        ...Object.entries(trouble).map(([name, series]) => hours({ ...quiet, ...series }, `count(ALERTS{alertname="${name}",alertstate="firing"})`, 1)),
      ],
    }));
    promtool('test', 'rules', file);
  });
});

describe('the dashboard', () => {
  it('has each panel in a place of its own, with a title and a word on what it shows', () => {
    const taken = new Set();
    for (const { title, description, gridPos: { x, y, w, h } } of dashboard.panels) {
      assert.ok(title && description.endsWith('.'), title);
      assert.ok(x + w <= 24, title);
      for (let column = x; column < x + w; column++) {
        for (let line = y; line < y + h; line++) {
          assert.ok(!taken.has(`${column} ${line}`), `${title} lies on another panel`);
          taken.add(`${column} ${line}`);
        }
      }
    }
    assert.equal(new Set(dashboard.panels.map(({ id }) => id)).size, dashboard.panels.length);
  });
});

describe('Prometheus', () => {
  it('scrapes the daemon, and knows every name that the alerts and the dashboard have', async (t) => {
    const daemon = await testDaemon(t, { args: ['--listen', '127.0.0.1:0?metrics', '--listen', 'tls:127.0.0.1:0'], tls: true });
    const [a, b] = await openMany(`${daemon.ws}/relay/one`, 2);
    const { api, query } = await startPrometheus(t, { port: daemon.port, rules });
    await eventually(async () => (await query('nakodo_peers == 2'))[0], 'the scrape');
    a.send('hello');
    assert.equal(await b.next(), 'hello');
    await eventually(async () => (await query('nakodo_messages_in_total{job="nakodo"} == 1 and nakodo_relay_seconds_count >= 1'))[0], 'the message');
    const [target] = (await api('targets')).activeTargets;
    assert.deepEqual([target.health, target.lastError], ['up', '']);

    await eventually(async () => (await api('rules')).groups[0].rules.every(({ health }) => health === 'ok'), 'that all rules are evaluated');
    const expressions = [
      ...(await api('rules')).groups[0].rules.map((rule) => rule.query),
      ...dashboard.panels.flatMap(({ targets }) => targets.map(({ expr }) => expr)),
      ...dashboard.annotations.list.map(({ expr }) => expr),
      dashboard.templating.list[1].query.query.replace(/^label_values\((\w+), instance\)$/, '$1'),
    ].map((text) => text.replaceAll('$instance', '.*').replaceAll('$__rate_interval', '5m'));
    assert.ok(expressions.length > 40);
    for (const expression of expressions) {
      await query(expression);
      for (const [name] of expression.matchAll(/\bnakodo_\w+/g)) assert.ok((await query(name)).length, `there is no ${name}`);
    }
  });
  it('shows its token where other machines come in, and is told why if it has none', async (t) => {
    const [key, token] = [new Key(scratch()), join(scratch(), 'token')];
    writeFileSync(token, key.token({ sub: 'prometheus', room: '*', can: ['admin'] }));
    const daemon = await testDaemon(t, { args: ['--listen', '*:0?metrics&auth=token', '--auth-key', key.option] });
    const { query } = await startPrometheus(t, { port: daemon.port, token });
    await eventually(async () => (await query('nakodo_peers == 0'))[0], 'the scrape');
    const { api } = await startPrometheus(t, { port: daemon.port });
    const target = async () => (await api('targets')).activeTargets[0];
    await eventually(async () => (await target())?.health === 'down', 'the refusal');
    assert.match((await target()).lastError, /401/);
  });
});
