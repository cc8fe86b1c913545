import { expect, test } from 'vitest';
import type { BackendNodeDefinitions } from '../../../src/backends/node-definitions.ts';
import type { NodeDefinitions } from '../../../src/core/node-definitions.ts';
import { objectInfoSchema } from '../../../src/core/object-info.ts';
import { createEditorClasses } from '../../../src/jobs/editor-classes.ts';

const having = (...names: string[]) => objectInfoSchema.parse(Object.fromEntries(names.map((name) => [name, {}])));
const file = {
  nodes: [{ type: 'A' }, { type: 'A' }, null, { type: 5 }],
  definitions: { subgraphs: [{ nodes: [{ type: 'B' }, { type: 'C' }] }] },
};

function chosen(...servers: [NodeDefinitions | null, BackendNodeDefinitions['status']][]): Promise<NodeDefinitions> {
  const seen = servers.map(([nodeDefinitions, status]) => ({ name: 'x', configured: true, nodeDefinitions, status }));
  return createEditorClasses({ tryRead: async () => seen })(file);
}

test('the classes are those of the server that knows most of the file, of equals one that is reached', async () => {
  const [one, two, twoMore] = [having('A', 'X', 'Y', 'Z'), having('A', 'B'), having('B', 'C')];
  expect(await chosen([null, 'UP'], [one, 'UP'], [two, 'DOWN'])).toBe(two);
  expect(await chosen([two, 'DOWN'], [twoMore, 'UP'])).toBe(twoMore);
  expect(await chosen([two, 'UP'], [twoMore, 'UP'])).toBe(two);
});

test('where none are reported, or by workers of before alone, they are those of a stock ComfyUI', async () => {
  const { ordered: _, ...before } = having('A').get('A') ?? {
    outputNode: false,
    stock: true,
    inputs: new Map(),
    outputs: [],
  };
  for (const stock of [await chosen(), await chosen([new Map([['A', before]]), 'UP']), await chosen([null, 'UP'])]) {
    expect(stock.has('KSampler')).toBe(true);
  }
  const without = createEditorClasses({ tryRead: async () => null });
  expect(await without(file)).toBe(await without(file));
});
