// Every meter is one that something counts with.
import { code, fault, files } from './tree.mjs';

const TABLE = 'src/base/meter.c';
const declared = [...code('include/nakodo/base/meter.h').matchAll(/^\t(METER_\w+)[,]/gm)].map(([, name]) => name)
  .filter((name) => name !== 'METER_COUNT');
const used = files(/^(src|include)\/.*\.[ch]$/).filter((path) => path !== TABLE && path !== 'include/nakodo/base/meter.h').map(code).join('\n');
const byCode = code(TABLE).slice(code(TABLE).indexOf('of_code('));

if (declared.length < 20) fault('meter.h', 'is not understood by this check');
for (const name of declared) {
  const isClose = name.startsWith('METER_CLOSED_');
  if (!new RegExp(`\\b${name}\\b`).test(isClose ? byCode : used)) fault('include/nakodo/base/meter.h', `nothing counts ${name}`);
}
