import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { everyMetric } from '../../support/every-metric.ts';

/** Rows of the tables of docs/metrics.md: name, type and labels of each metric. */
function documented(): [string, string, string][] {
  const text = readFileSync(new URL('../../../docs/metrics.md', import.meta.url), 'utf8');
  return [...text.matchAll(/^\| `(comfygate_\w+)` \| (\w+) \|([^|]*)\|/gm)].map(
    ([, name = '', type = '', labels = '']) => [
      name,
      type,
      [...labels.matchAll(/`(\w+)`/g)].map(([, label]) => label).join(),
    ],
  );
}

test('docs/metrics.md has each metric once, with its type and labels', () => {
  const registered = everyMetric()
    .filter(({ name }) => name.startsWith('comfygate_'))
    .map(({ name, type, labelNames }) => [name, type, labelNames.join()]);
  expect(documented().sort()).toEqual(registered.sort());
});
