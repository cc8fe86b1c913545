import fc from 'fast-check';
import { expect, test } from 'vitest';
import { convertWorkflow } from '../../../../src/workflows/editor/convert.ts';
import { editorCases } from './editor-cases.ts';

const { cases, nodeDefinitions } = editorCases('unit');

/** Each subgraph has two instances of the next one. */
function doubling(levels: number, last: { [field: string]: unknown }) {
  const subgraphs = Array.from({ length: levels }, (_, level) => ({
    id: `s${level}`,
    nodes: level === levels - 1 ? [{ id: 1, ...last }] : [1, 2].map((id) => ({ id, type: `s${level + 1}` })),
  }));
  return { nodes: [{ id: 1, type: 's0' }], definitions: { subgraphs } };
}

test('subgraphs that multiply are refused before they fill the memory', () => {
  expect(convertWorkflow(doubling(40, { type: 'PrimitiveInt' }), nodeDefinitions)).toMatchObject({ ok: false });
  expect(convertWorkflow(doubling(25, { type: 'PrimitiveInt' }), nodeDefinitions)).toMatchObject({ ok: false });
  const few = convertWorkflow(doubling(4, { type: 'PrimitiveInt' }), nodeDefinitions);
  expect(few.ok && Object.keys(few.graph)).toHaveLength(8);
});

test('a subgraph that contains itself is refused, and so is one nested thousands deep', () => {
  expect(convertWorkflow(doubling(1, { type: 's0' }), nodeDefinitions)).toMatchObject({ ok: false });
  const chain = (length: number) => {
    const inputs = [{ name: 'value', type: 'INT', link: 1 }];
    const links = [{ id: 1, origin_id: -10, origin_slot: 0, target_id: 1, target_slot: 0 }];
    const subgraphs = Array.from({ length }, (_, at) => {
      const type = at === length - 1 ? 'PrimitiveInt' : `s${at + 1}`;
      return { id: `s${at}`, nodes: [{ id: 1, type, inputs }], inputs: [{ name: 'value', linkIds: [1] }], links };
    });
    return { nodes: [{ id: 1, type: 's0', widgets_values: [7] }], definitions: { subgraphs } };
  };
  for (const length of [40, 1000, 20_000]) {
    expect(convertWorkflow(chain(length), nodeDefinitions)).toMatchObject({ ok: false });
  }
  const few = convertWorkflow(chain(20), nodeDefinitions);
  expect(few.ok && Object.values(few.graph)[0]?.inputs.value).toBe(7);
});

test('more nodes than a graph may have are refused', () => {
  const nodes = (count: number) => Array.from({ length: count }, (_, id) => ({ id, type: 'PrimitiveInt' }));
  expect(convertWorkflow({ nodes: nodes(1000) }, nodeDefinitions)).toMatchObject({ ok: true });
  expect(convertWorkflow({ nodes: nodes(1001) }, nodeDefinitions)).toMatchObject({
    ok: false,
    faults: ['It has more than 1000 nodes.'],
  });
});

test('links that are long and many are refused before they take minutes', () => {
  const chain = Array.from({ length: 5000 }, (_, id) => ({
    id,
    type: 'Reroute',
    inputs: [{ name: '', link: id - 1 }],
  }));
  const users = Array.from({ length: 900 }, (_, at) => ({
    id: 5000 + at,
    type: 'PreviewImage',
    inputs: [{ name: 'images', type: 'IMAGE', link: 4999 }],
  }));
  const links = chain.map(({ id }) => [id, id, 0, id + 1, 0, '*']);
  const many = {
    nodes: [{ id: -1, type: 'LoadImage' }, ...chain, ...users],
    links: [...links, [-1, -1, 0, 0, 0, '*']],
  };
  expect(convertWorkflow(many, nodeDefinitions)).toEqual({ ok: false, faults: [expect.stringContaining('steps')] });
  const few = convertWorkflow({ ...many, nodes: many.nodes.slice(0, 5002) }, nodeDefinitions);
  expect(few.ok && few.graph['5000']?.inputs).toEqual({ images: ['-1', 0] });
});

/** Puts something else in the place of one part of a workflow. */
const spoilt = fc
  .tuple(fc.constantFrom(...cases), fc.array(fc.nat(40), { maxLength: 8 }), fc.jsonValue())
  .map(([{ workflow }, path, value]) => {
    const copy = { file: structuredClone(workflow) };
    let at: Record<string, unknown> = copy;
    let key = 'file';
    for (const step of path) {
      const next = at[key];
      if (typeof next !== 'object' || next === null) break;
      const keys = Object.keys(next);
      if (keys.length === 0) break;
      at = next as Record<string, unknown>;
      key = keys[step % keys.length] ?? '';
    }
    at[key] = value;
    return copy.file;
  });

test('any file is converted or has faults, and never throws', () => {
  fc.assert(
    fc.property(fc.oneof(spoilt, fc.jsonValue()), (file) => {
      const converted = convertWorkflow(file, nodeDefinitions);
      if (converted.ok) expect(JSON.parse(JSON.stringify(converted.graph))).toEqual(converted.graph);
      else expect(converted.faults.length).toBeGreaterThan(0);
    }),
    { numRuns: 500 },
  );
});
