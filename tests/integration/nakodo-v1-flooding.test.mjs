// Goal: who is closed for saying too much loses nothing of what was read before.
import assert from 'node:assert/strict';
import { it } from 'node:test';
import { testDaemon } from '../lib/daemon.mjs';
import { open as openRaw } from '../lib/raw.mjs';
import { enter, hear, pathOf, Session } from '../lib/v1.mjs';

/** The code of the close frame; what comes before it is passed over. */
async function hearClose(peer, patience) {
  for (;;) {
    const { opcode, payload } = await peer.next('a close frame', patience);
    if (opcode === 8) return payload.readUInt16BE();
  }
}

it('a participant that floods the server is closed with 4429, keeps its session, and what was read counts', { timeout: 90000 }, async (t) => {
  const daemon = await testDaemon(t, { args: ['--message-rate', '2'] });
  const a = await Session.join(daemon.ws, 'r');
  const { peer, welcome } = await enter(daemon, 'r');
  for (let i = 0; i < 300; i++) peer.text(`{"type":"x","i":${i}}`);
  assert.equal(await hearClose(peer, 45000), 4429);
  peer.wire.socket.destroy();
  const again = await openRaw(daemon, pathOf('r', { session: welcome.session, n: 0 }));
  const first = await hear(again);
  assert.equal(first.type, 'resumed');
  for (let i = 0; i < first.n; i++) assert.equal((await a.find('x')).i, i);
  assert.ok(first.n > 50 && first.n < 90, `${first.n}`);
  again.wire.reset();
  await a.bye();
});
