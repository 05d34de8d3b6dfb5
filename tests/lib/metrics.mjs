// What /metrics says, read as strictly as the two formats are written.
import assert from 'node:assert/strict';
import { ask } from './http.mjs';

/** What Prometheus 2.42 asks for. */
export const ACCEPT = 'application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1';

const SUFFIXES = { gauge: [''], counter: ['_total'], histogram: ['_bucket', '_sum', '_count'] };

/**
 * Take an answer apart: each family once, with its help and its type, and its samples behind these.
 *
 * @returns {{ families: Map<string, { type: string, help: string }>, samples: Map<string, number> }}
 *   families by their name as OpenMetrics has it; samples by name and labels, as they stand
 */
export function parseMetrics(text, { open = false } = {}) {
  const [families, samples] = [new Map(), new Map()];
  let family;
  assert.ok(text.endsWith('\n'));
  const lines = text.slice(0, -1).split('\n');
  if (open) assert.equal(lines.pop(), '# EOF');
  for (const line of lines) {
    const [, what, name, rest] = /^# (HELP|TYPE) (\w+) (.+)$/.exec(line) ?? [];
    if (what === 'HELP') {
      assert.match(rest, /^[^\\"]+[.;)\w]$/, line);
      family = { name, help: rest };
    } else if (what === 'TYPE') {
      assert.equal(name, family.name, line);
      family.type = rest;
      family.base = open || rest !== 'counter' ? name : name.replace(/_total$/, '');
      assert.ok(!families.has(family.base), `${family.base} is there twice`);
      families.set(family.base, family);
    } else {
      const [, sample, labels, value] = /^(\w+)((?:\{\w+="[^"\\]*"(?:,\w+="[^"\\]*")*\})?) (\d+(?:\.\d+)?)$/.exec(line) ?? [];
      assert.ok(sample && SUFFIXES[family.type].some((suffix) => sample === family.base + suffix), line);
      assert.ok(!samples.has(sample + labels), line);
      samples.set(sample + labels, Number(value));
    }
  }
  return { families, samples };
}

/** The samples as they are now, by name and labels. */
export async function scrape(target) {
  const answer = await ask(target, '/metrics');
  assert.equal(answer.status, 200, answer.text);
  return parseMetrics(answer.text).samples;
}
