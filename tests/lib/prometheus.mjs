// Prometheus from Debian, on loopback.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pass } from 'node:timers/promises';
import { scratch } from './daemon.mjs';
import { freePorts } from './ports.mjs';

/**
 * Start one that scrapes 127.0.0.1:PORT as the job nakodo, five times a second, until the test ends; `token` is a file.
 *
 * @returns {Promise<{ api: (path: string, parameters?: object) => Promise<object>, query: (expression: string) => Promise<object[]> }>}
 */
export async function startPrometheus(t, { port, rules, token }) {
  const [folder, [own]] = [scratch(), await freePorts(1)];
  const config = join(folder, 'prometheus.yml');
  writeFileSync(config, JSON.stringify({
    global: { scrape_interval: '200ms', scrape_timeout: '200ms', evaluation_interval: '200ms' },
    rule_files: rules ? [rules] : [],
    scrape_configs: [{ job_name: 'nakodo', static_configs: [{ targets: [`127.0.0.1:${port}`] }],
      ...token ? { authorization: { credentials_file: token } } : {} }],
  }));
  const child = spawn('prometheus', [`--config.file=${config}`, `--storage.tsdb.path=${join(folder, 'data')}`, `--web.listen-address=127.0.0.1:${own}`],
    { stdio: ['ignore', 'ignore', 'pipe'] });
  const ended = once(child, 'close');
  t.after(async () => {
    child.kill();
    await ended;
  });
  let said = '';
  const ready = new Promise((done) => {
    child.stderr.setEncoding('utf8').on('data', (text) => {
      said += text;
      if (said.includes('Server is ready to receive web requests')) done();
    });
  });
  await Promise.race([ready, ended.then(() => {
    throw new Error(`prometheus has ended:\n${said}`);
  })]);
  const api = async (path, parameters = {}) => {
    const answer = await (await fetch(`http://127.0.0.1:${own}/api/v1/${path}?${new URLSearchParams(parameters)}`)).json();
    assert.equal(answer.status, 'success', `${path} ${JSON.stringify(parameters)}: ${answer.error}`);
    return answer.data;
  };
  return { api, query: async (expression) => (await api('query', { query: expression })).result };
}

/** Ask until what comes is true. */
export async function eventually(ask, what, timeout = 20000) {
  for (const end = performance.now() + timeout; performance.now() < end; await pass(100)) {
    const answer = await ask();
    if (answer) return answer;
  }
  throw new Error(`${what} did not come within ${timeout} ms`);
}
