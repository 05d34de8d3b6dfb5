// Goal: what was held for those who have gone goes back to the system, also when it ends long after they left. The
// daemon is a release: a sanitizer keeps what is freed.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { testDaemon } from '../lib/daemon.mjs';
import { Session } from '../lib/v1.mjs';

const MIB = 1 << 20;
const ROOMS = 256;
const STAY = 16; // one in so many

/** Ask until it is so. */
async function becomes(test, what) {
  for (const end = performance.now() + 40000; !(await test());) assert.ok(performance.now() < end, what);
}

test('kept histories and seats that ended leave no memory behind', async (t) => {
  const args = ['--resume-seconds', '6', '--max-peers-per-address', '0', '--connect-rate', '0', '--message-rate', '0', '--byte-rate', '0'];
  const daemon = await testDaemon(t, { args });
  const before = { rss: await daemon.rss(), ...await daemon.meters() };
  const stay = [];
  const talk = async (room) => {
    const one = await Session.join(daemon.ws, `room ${room}`, { queue: false });
    one.send({ type: 'chat', text: 'x'.repeat(60000) });
    await one.taken();
    if (room % STAY) await one.cut();
    else stay.push(one);
  };
  for (let room = 0; room < ROOMS; room += STAY) await Promise.all(Array.from({ length: STAY }, (_, i) => talk(room + i)));
  const most = await daemon.meters();
  assert.ok(most.memory_rooms > 4 * MIB, `${most.memory_rooms} bytes of rooms`);
  await becomes(async () => (await daemon.meters()).memory_rooms < stay.length * 65000 + MIB, 'the end of the seats');
  await becomes(async () => (await daemon.meters()).heap_trims > before.heap_trims, 'that memory goes back');
  const kept = (await daemon.meters()).memory_rooms;
  await becomes(async () => (await daemon.rss()) < 1.3 * (before.rss + kept), 'that it is the system\'s again');
  for (const one of stay) await one.bye();
});
