// Every meter is one that something counts with, and every refusal and close frame of ours has its meter.
import { code, fault, files, read } from './tree.mjs';

const TABLE = 'src/base/meter.c';
const HEADER = 'include/nakodo/base/meter_names.h';
const declared = [...code(HEADER).matchAll(/^\t(METER_\w+)[,]/gm)].map(([, name]) => name)
  .filter((name) => name !== 'METER_COUNT');
const paths = files(/^(src|include)\/.*\.[ch]$/).filter((path) => path !== TABLE && path !== HEADER);
const sources = paths.map(code).join('\n');
const texts = paths.map(read).join('\n'); // with what stands in strings
const byCode = code(TABLE).slice(code(TABLE).indexOf('of_code('));
const all = (...patterns) => patterns.flatMap((pattern) => [...texts.matchAll(pattern)].map(([, found]) => found));

const refusals = new Set(all(/\brefuse\(\s*\d{3},\s*"([a-z-]+)"/g, /\.code = "([a-z-]+)"/g)
  .map((text) => `METER_REFUSED_${text.toUpperCase().replaceAll('-', '_')}`));
const closes = new Set(all(/\bhub_close\([^;]*?\b([14]\d{3})\b/g, /#define (?:\w*CLOSE\w*|TOO_SLOW|BYE) ([14]\d{3})\b/g)
  .map((text) => `METER_CLOSED_${text}`));

/** Does something count it? */
function isCounted(name) {
  if (name.startsWith('METER_REFUSED_')) return refusals.has(name);
  return new RegExp(`\\b${name}\\b`).test(name.startsWith('METER_CLOSED_') ? byCode : sources);
}

if (declared.length < 20 || refusals.size < 15 || closes.size < 10) fault(HEADER, 'is not understood by this check');
for (const name of declared.filter((each) => each !== 'METER_REFUSED')) if (!isCounted(name)) fault(HEADER, `nothing counts ${name}`);
for (const name of [...refusals, ...closes]) if (!declared.includes(name)) fault(HEADER, `${name} is missing`);
