// Goal: what docs/cluster.md says of nginx and Kubernetes is so when it is run.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { parseAllDocuments } from 'yaml';
import { open } from '../lib/client.mjs';
import { kill, Redis, startNodes } from '../lib/cluster.mjs';
import { root, spawnDaemon } from '../lib/daemon.mjs';
import { ask } from '../lib/http.mjs';
import { freePorts } from '../lib/ports.mjs';
import { eventually } from '../lib/prometheus.mjs';
import { HOST, blocks, replaced, startNginx } from '../lib/proxies.mjs';
import { Session } from '../lib/v1.mjs';
import { together } from '../lib/workers.mjs';

const headers = { headers: { host: HOST } };

describe('nginx', () => {
  it('in front of three nodes brings everybody together, past one that is killed', { timeout: 90000 }, async (t) => {
    const redis = await Redis.start(t);
    const nodes = await startNodes(t, redis.url, 3, ['--trusted-proxy', '127.0.0.1', '--server-name', HOST]);
    const [port] = await freePorts(1);
    const nginx = await startNginx(t, replaced(blocks('nginx', 'docs/cluster.md')[0], {
      '10.0.0.11:3000': `127.0.0.1:${nodes[0].port}`, '10.0.0.12:3000': `127.0.0.1:${nodes[1].port}`, '10.0.0.13:3000': `127.0.0.1:${nodes[2].port}`,
      'listen 80;': `listen 127.0.0.1:${port};`,
    }), [port]);
    const first = await open(`${nodes[0].ws}/relay/r`, { ...headers, localAddress: '127.0.0.9' }); // so it is the room of the node that will be killed
    const clients = await Promise.all(Array.from({ length: 6 }, () => open(`${nginx.ws}/relay/r`, headers)));
    await together(first, ...clients);
    const a = await Session.join(nginx.ws, 'v', { name: 'a', ...headers });
    const b = await Session.join(nginx.ws, 'v', { name: 'b', ...headers });
    await a.find('peer-joined');
    await kill(nodes[0]);
    for (const session of [a, b]) { // a room of the node that is gone waits for its lease
      if (session.over) await eventually(() => session.connect().then(() => true, () => false), 'to be let in', 40000);
    }
    await Promise.all([first, ...clients].map(({ closed }) => closed));
    const again = await Promise.all(Array.from({ length: 4 }, () => eventually(() => open(`${nginx.ws}/relay/r`, headers).catch(() => false), 'the room', 40000)));
    await together(...again);
    a.send({ type: 'on' });
    assert.equal((await b.find('on')).from, a.id);
    await Promise.all([a.bye(), b.bye()]);
  });
});

describe('the manifests for Kubernetes', () => {
  const manifests = parseAllDocuments(readFileSync(join(root, 'packaging/kubernetes.yaml'), 'utf8')).map((document) => document.toJS());
  const [container] = manifests.find(({ kind, metadata }) => kind === 'Deployment' && metadata.name === 'nakodo').spec.template.spec.containers;

  it('start a node that its probes find well', async (t) => {
    const redis = await Redis.start(t);
    const env = Object.fromEntries(container.env.filter(({ value }) => value).map(({ name, value }) => [name, value]));
    const node = spawnDaemon({ args: ['--listen', '127.0.0.1:0'], env: { ...env, NAKODO_CLUSTER: redis.url } });
    t.after(() => node.stop());
    await node.ready();
    await node.logged('cluster.there');
    for (const { httpGet } of [container.readinessProbe, container.livenessProbe]) {
      const sent = Object.fromEntries(httpGet.httpHeaders.map(({ name, value }) => [name, value]));
      assert.equal((await ask(node, httpGet.path, { headers: sent })).status, 200, httpGet.path);
    }
    assert.match(env.NAKODO_CLUSTER, new RegExp(`@${manifests.find(({ kind }) => kind === 'Service').metadata.name}$`));
  });
});
