import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createSchema } from '../../../src/graphql/schema.ts';
import type { CatalogueFault } from '../../../src/workflows/catalogue.ts';
import { parseWorkflow } from '../../../src/workflows/read-workflow.ts';
import { fuzzSeed, mutatedJson } from '../../support/mutated-json.ts';

const folder = join(import.meta.dirname, '../../../workflows');
const read = (name: string, file: string) => readFileSync(join(folder, name, file), 'utf8');
const shipped = readdirSync(folder, { withFileTypes: true }).flatMap((entry) =>
  entry.isDirectory() ? entry.name : [],
);

test('whatever a manifest and its graph say, they are faults with a place or a workflow that can be offered', () => {
  let offered = 0;
  let refused = 0;
  const files = fc.constantFrom(...shipped).chain((name) =>
    fc.record({
      manifest: mutatedJson(JSON.parse(read(name, 'manifest.json'))),
      graph: fc.oneof(fc.constant(read(name, 'graph.json')), mutatedJson(JSON.parse(read(name, 'graph.json')))),
      input: fc.oneof(fc.constant({}), fc.dictionary(fc.string(), fc.jsonValue())),
    }),
  );
  const property = fc.property(files, ({ manifest, graph, input }) => {
    const faults: CatalogueFault[] = [];
    const texts = {
      'manifest.json': { text: JSON.stringify(manifest) ?? '' },
      'graph.json': { text: typeof graph === 'string' ? graph : JSON.stringify(graph) },
    };
    const options = { name: 'mutated', maxMegapixels: 4, report: (fault: CatalogueFault) => void faults.push(fault) };
    const workflow = parseWorkflow(texts, options);
    for (const { file, reason } of faults) expect([file, reason.length > 0]).toEqual([expect.any(String), true]);
    if (workflow === null) expect(faults).not.toEqual([]);
    if (workflow === null || faults.length > 0) {
      refused++;
      return;
    }
    offered++;
    const parsed = workflow.parse(input, ['input']);
    if (parsed.ok) workflow.complete(parsed.parameters, () => 1);
    createSchema({ workflows: [workflow], get: (name) => (name === workflow.name ? workflow : undefined) });
  });
  fc.assert(property, { seed: fuzzSeed('manifests'), numRuns: 150, endOnFailure: true });
  // Both ways were gone.
  expect(Math.min(offered, refused)).toBeGreaterThan(0);
});
