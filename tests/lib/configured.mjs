// A daemon that reads its options from a file, which a test writes anew.
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { scratch, shipped, testDaemon } from './daemon.mjs';

/** `says(text)` writes the file anew and reloads, `refuses(text, why)` does so in vain. Lines with `listen` or `web-root` replace the
 * default ones, which come first. */
export async function configured(t, text, { listen = 'listen = 127.0.0.1:0', ...options } = {}) {
  const place = scratch();
  const path = join(place, 'nakodo.conf');
  const write = (lines) => writeFileSync(path, `${/^listen/m.test(lines) ? '' : listen}\n${/^web-root/m.test(lines) ? '' : `web-root = ${shipped()}`}\n${lines}\n`);
  write(text);
  const args = ['--config', 'nakodo.conf'];
  const daemon = await testDaemon(t, { ...options, cwd: place, args, bare: true });
  return Object.assign(daemon, {
    place,
    path,
    async says(lines) {
      write(lines);
      const line = await daemon.reload();
      assert.match(line, / reload\.done /, line);
    },
    async refuses(lines, why) {
      write(lines);
      const line = await daemon.reload();
      assert.ok(line.includes(' reload.failed problem=') && line.includes(why), `${line}, not ${why}`);
    },
  });
}
