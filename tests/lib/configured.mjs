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
  const has = (lines, name) => new RegExp(`^${name} *=`, 'm').test(lines);
  const write = (lines) => writeFileSync(path, `${has(lines, 'listen') ? '' : listen}\n${has(lines, 'web-root') ? '' : `web-root = ${shipped()}`}\n${lines}\n`);
  write(text);
  const args = ['--config', 'nakodo.conf'];
  const env = { NAKODO_MAX_PEERS: undefined, ...options.env }; // what the file may say later
  const daemon = await testDaemon(t, { ...options, env, cwd: place, args, bare: true });
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
