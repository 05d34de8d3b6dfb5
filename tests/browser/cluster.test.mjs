// Goal: a call on the room page goes on while the node that has its room is killed: the same connections, and who is there
// is who was there.
import assert from 'node:assert/strict';
import { after, before, it } from 'node:test';
import { kill, Redis, startNodes } from '../lib/cluster.mjs';
import { ctl } from '../lib/workers.mjs';
import { launchChromium } from './lib/browsers.mjs';
import { openPages } from './lib/room-page.mjs';
import { Proxy } from '../lib/v1-proxy.mjs';

let chromium;

before(async () => {
  chromium = await launchChromium();
});
after(() => chromium.close());

it('nobody in the call is somebody new when a node is killed', { timeout: 120000 }, async (t) => {
  const redis = await Redis.start(t);
  const nodes = await startNodes(t, redis.url, 2);
  const alive = () => nodes.filter((node) => !node.killed);
  let turn = 0;
  const balancer = await Proxy.to(() => alive()[turn++ % alive().length].port); // as any does: round robin, past the dead
  t.after(() => balancer.stop());
  const [hana, ken] = await openPages(t, [chromium, chromium], `http://127.0.0.1:${balancer.port}`, { path: '/r/killed' });
  await hana.join('Hana');
  await ken.join('Ken');
  await Promise.all([hana.moves('Ken'), ken.moves('Hana')]);
  const both = (what) => Promise.all([hana, ken].map(what));
  await both((page) => page.openChat());
  await hana.chat('before');
  await ken.says('#chat-log', 'before');
  const connections = await both((page) => page.page.evaluate(() => window.opened.pcs.length));
  const sockets = await both((page) => page.page.evaluate(() => window.opened.sockets.length));

  const owns = await Promise.all(nodes.map(async (node) => (await ctl(node.ctl, 'units')).some(({ room, state }) => room === 'killed' && state === 'own')));
  const owner = nodes[owns.indexOf(true)];
  await kill(owner);
  await both((page, i) => page.until((count) => window.opened.sockets.length > count && window.opened.sockets.at(-1).readyState === WebSocket.OPEN, sockets[i], 60000));
  await hana.chat('after');
  await ken.says('#chat-log', 'after');

  assert.deepEqual(await both((page) => page.page.evaluate(() => window.opened.pcs.length)), connections, 'a connection was made anew');
  assert.deepEqual(await ken.lines(), ['before', 'after']);
  await Promise.all([hana.moves('Ken'), ken.moves('Hana')]);
});
