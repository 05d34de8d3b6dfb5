// Reads QR codes as a phone would: Debian's zbarimg looks at a picture of them.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { scratch } from './daemon.mjs';

const SCALE = 6; // pixels of a module

/** What the rows of modules say; 1 is dark. */
function read(rows) {
  const width = Math.max(...rows.map((row) => row.length)) * SCALE;
  const pixels = rows.flatMap((row) => {
    const line = Buffer.alloc(width, 255);
    row.forEach((dark, x) => line.fill(dark ? 0 : 255, x * SCALE, (x + 1) * SCALE));
    return Array(SCALE).fill(line);
  });
  const path = join(scratch(), 'code.pgm');
  writeFileSync(path, Buffer.concat([Buffer.from(`P5 ${width} ${pixels.length} 255\n`), ...pixels]));
  return execFileSync('zbarimg', ['--quiet', '--raw', '-Sdisable', '-Sqrcode.enable', path], { encoding: 'utf8' }).replace(/\n$/, '');
}

/** The code that a terminal shows: half blocks are light, and each line sets its colours. */
export function readTerminal(text) {
  const light = { '█': [0, 0], '▀': [0, 1], '▄': [1, 0], ' ': [1, 1] };
  const lines = [...text.matchAll(/^\x1b\[97;40m([█▀▄ ]+)\x1b\[0m\r?$/gm)].map(([, line]) => [...line]);
  assert.ok(lines.length, `a QR code in:\n${text}`);
  return read(lines.flatMap((line) => [0, 1].map((half) => line.map((c) => light[c][half]))));
}

/** The code in an SVG document as ours are: horizontal runs of modules on white. */
export function readSvg(svg) {
  const [, size, path] = /^<svg xmlns="http:\/\/www\.w3\.org\/2000\/svg" viewBox="0 0 (\d+) \1" .*<path fill="#000" d="(.*)"\/><\/svg>\n$/.exec(svg);
  const rows = Array.from({ length: Number(size) }, () => Array(Number(size)).fill(0));
  for (const [, x, y, length] of path.matchAll(/M(\d+) (\d+)h(\d+)v1h-\3z/g)) rows[y].fill(1, Number(x), Number(x) + Number(length));
  return read(rows);
}
