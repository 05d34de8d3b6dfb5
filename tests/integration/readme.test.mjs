// The wscat transcript in both READMEs is what really happens.
import test from 'node:test';
import { testDaemon } from '../lib/daemon.mjs';
import { replay, transcript } from '../lib/transcript.mjs';

for (const file of ['README.md', 'README.ja.md']) {
  test(`the transcript in ${file} happens as it is written`, async (t) => {
    await replay(await testDaemon(t), transcript(file));
  });
}
