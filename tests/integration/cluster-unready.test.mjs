// Goal: a balancer is told when a node has been without Redis for so long that others may have its rooms.
import assert from 'node:assert/strict';
import { it } from 'node:test';
import { Redis, startNode } from '../lib/cluster.mjs';
import { ask } from '../lib/http.mjs';
import { eventually } from '../lib/prometheus.mjs';

it('/readyz is red when Redis has been away for a minute, and green when it is back', { timeout: 120000 }, async (t) => {
  const redis = await Redis.start(t);
  const node = await startNode(t, redis.url);
  assert.equal((await ask(node, '/readyz')).status, 200);
  redis.hang();
  await node.logged('cluster.away');
  assert.equal((await ask(node, '/readyz')).status, 200);
  await eventually(async () => (await ask(node, '/readyz')).status === 503, 'a red /readyz', 90000);
  assert.deepEqual(JSON.parse((await ask(node, '/readyz')).text), { status: 'cut-off' });
  redis.goOn();
  await eventually(async () => (await ask(node, '/readyz')).status === 200, 'a green /readyz');
});
