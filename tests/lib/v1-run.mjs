// Clients of nakodo.v1 on a network that cuts connections wherever it likes: what each does until the world ends.
import assert from 'node:assert/strict';
import { dice, ModelClient, settle } from './v1-model.mjs';
import { manners, Proxy } from './v1-proxy.mjs';

const pause = (ms) => new Promise((done) => setTimeout(done, ms));
const sum = (numbers) => numbers.reduce((a, b) => a + b, 0);

/** How much a connection carries before it is cut: a little, so that a first reply is lost, more, or all. */
function plan(random) {
  const bytes = () => (random.chance(0.6) ? Infinity : random.below(random.chance(0.3) ? 1000 : 20000));
  return { up: bytes(), down: bytes(), how: random.pick(manners) };
}

/** Between two connections: mostly nothing, sometimes as long as the server takes to give one up. */
async function away({ random, room, me }, world) {
  if (room.limits.seconds < 10 && random.chance(0.05)) {
    const deadline = performance.now() + 10000;
    while (!me.gone && !world.isOver() && performance.now() < deadline) await pause(20);
  } else if (random.chance(0.3)) {
    await pause(random.below(100));
  }
}

/** What one client does until the world ends. */
async function live(client, world) {
  const { random, proxy } = client;
  while (!world.isOver()) {
    if (client.session.over) {
      await away(client, world);
      await client.connect();
    }
    for (let i = random.below(4); i > 0; i--) client.speak();
    await pause(random.below(40));
    if (random.chance(0.08)) proxy.cut();
    else if (random.chance(0.004)) await client.leave();
    else if (random.chance(0.004)) await client.reload();
  }
}

/** Nothing is cut any more: all come back, hear what they missed, and go one by one. */
async function end(clients) {
  await Promise.all(clients.map(async (client) => {
    client.proxy.calm();
    client.proxy.cut();
    await client.session.closed;
    await client.connect();
  }));
  await settle(clients);
  for (const client of clients) {
    const rest = clients.slice(clients.indexOf(client) + 1).filter(({ room }) => room === client.room);
    client.me.leaving = true;
    await client.session.bye();
    await Promise.all(rest.map(({ session }) => session.until(() => !session.peers.has(client.me.id))));
    if (!rest.length) assert.equal(client.session.peers.size, 0);
  }
}

/**
 * Clients in rooms live until `cuts` cuts, `messages` that they have said, or `seconds`, and then leave one by one; throws when one of them has missed,
 * doubled or reordered anything. `rooms` are [daemons, count of clients, Room]: each connection is to any of the daemons.
 */
export async function runModel(t, { seed, cuts: most, messages = Infinity, seconds, rooms, meanwhile = async () => {} }) {
  const random = dice(seed);
  const clients = [];
  const begin = performance.now();
  const cuts = () => sum(clients.map(({ proxy }) => sum(Object.values(proxy.cuts))));
  const spoken = () => sum(clients.map((client) => client.spoken));
  const world = { isOver: () => world.fault || cuts() >= most || spoken() >= messages || performance.now() - begin > seconds * 1000 };
  const failure = new Promise((_, fail) => {
    world.fail = (error) => {
      world.fault ??= error;
      fail(error);
    };
  });
  for (const [daemons, count, room] of rooms) {
    for (let i = 0; i < count; i++) {
      const secure = clients.length % 2 === 1;
      const proxy = await Proxy.to(() => random.pick(daemons)[secure ? 'tlsPort' : 'port']);
      t.after(() => proxy.stop());
      proxy.plan = () => plan(random);
      const base = `${secure ? 'wss' : 'ws'}://127.0.0.1:${proxy.port}`;
      clients.push(new ModelClient({ name: `c${clients.length}`, room, base, proxy, random, fail: world.fail }));
    }
  }
  const all = async () => {
    const chaos = meanwhile(world, random);
    await Promise.all(clients.map(async (client) => {
      await client.connect();
      await live(client, world);
    }));
    await chaos;
    await end(clients);
  };
  try {
    await Promise.race([all(), failure]);
  } catch (error) {
    error.message = `SEED=${seed}, after ${cuts()} cuts: ${error.message}`;
    throw error;
  }
  const total = (what) => sum(clients.map((client) => client[what]));
  t.diagnostic(`SEED=${seed}: ${cuts()} cuts, ${total('resumes')} resumed, ${total('lost')} not recovered, ${total('welcomes')} participants, ` +
    `${total('spoken')} messages said, ${total('heard')} heard, ${sum(rooms.map(([, , room]) => room.left))} left, in ${Math.round(performance.now() - begin)} ms`);
  return { cuts: cuts(), resumes: total('resumes'), lost: total('lost') };
}
