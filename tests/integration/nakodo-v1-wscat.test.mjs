// Goal: a person can speak nakodo.v1, and what its page shows of that is what really happens.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { testDaemon } from '../lib/daemon.mjs';
import { replay, transcript } from '../lib/transcript.mjs';

test('the transcript in docs/protocols/nakodo.v1.md happens as it is written', async (t) => {
  const daemon = await testDaemon(t);
  const values = await replay(daemon, transcript('docs/protocols/nakodo.v1.md'));
  for (const word of ['ANNA', 'BOB', 'TICKET', 'TICKET2', 'SENTENCE']) assert.ok(values.get(word), word);
  assert.equal(new Set(values.values()).size, values.size);
});
