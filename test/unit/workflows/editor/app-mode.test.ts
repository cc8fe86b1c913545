import { expect, test } from 'vitest';
import { objectInfoSchema } from '../../../../src/core/object-info.ts';
import { convertWorkflow } from '../../../../src/workflows/editor/convert.ts';

const classes = objectInfoSchema.parse({
  Text: { input: { required: { text: ['STRING', {}] } }, output: ['STRING'] },
  Show: { input: { required: { text: ['STRING', {}], size: ['INT', {}] } }, output_node: true },
});

const SUBGRAPH = '11111111-2222-4333-8444-555555555555';

/** An instance (5) of a subgraph with two nodes that share a text and show a size each, and a node (1) beside it. */
function file(linearData: object) {
  const show = (id: number, link: number, size: number) => ({
    id,
    type: 'Show',
    inputs: [{ name: 'text', type: 'STRING', widget: { name: 'text' }, link }],
    widgets_values: ['inner', size],
  });
  const toInside = (id: number, target_id: number) => {
    return { id, origin_id: -10, origin_slot: 0, target_id, target_slot: 0, type: 'STRING' };
  };
  return {
    nodes: [
      { id: 1, type: 'Show', widgets_values: ['outer', 64] },
      { id: 5, type: SUBGRAPH, inputs: [{ name: 'words', type: 'STRING', link: null }], widgets_values: ['shared'] },
    ],
    links: [],
    definitions: {
      subgraphs: [
        {
          id: SUBGRAPH,
          name: 'Two',
          inputs: [{ id: 'a', name: 'words', label: 'What it says', type: 'STRING', linkIds: [1, 2] }],
          outputs: [],
          nodes: [show(2, 1, 10), show(3, 2, 20)],
          links: [toInside(1, 2), toInside(2, 3)],
        },
      ],
    },
    extra: { linearMode: true, linearData },
  };
}

function appOf(linearData: object) {
  const converted = convertWorkflow(file(linearData), classes);
  if (!converted.ok) throw new Error(converted.faults.join('\n'));
  return converted;
}

test('inputs and outputs that the author chose are places of the graph, in that order, with their labels', () => {
  const { app, notes } = appOf({
    inputs: [
      [5, 'words'],
      ['1', 'size'],
      ['1', 'text', {}],
    ],
    outputs: ['1', 3],
  });
  expect(app).toEqual({
    inputs: [
      {
        name: 'words',
        title: 'What it says',
        targets: [
          { node: '5:2', input: 'text' },
          { node: '5:3', input: 'text' },
        ],
      },
      { name: 'size', title: null, targets: [{ node: '1', input: 'size' }] },
      { name: 'text', title: null, targets: [{ node: '1', input: 'text' }] },
    ],
    outputs: ['1', '5:3'],
  });
  expect(notes).toEqual([]);
});

test('nodes within a subgraph are named by their ids alone, or behind the id of the subgraph', () => {
  const { app } = appOf({ inputs: [[3, 'size'], [`${SUBGRAPH}:2:size`]], outputs: [`${SUBGRAPH}:2`] });
  expect(app?.inputs.map(({ name, targets }) => [name, targets])).toEqual([
    ['size', [{ node: '5:3', input: 'size' }]],
    ['size', [{ node: '5:2', input: 'size' }]],
  ]);
  expect(app?.outputs).toEqual(['5:2']);
});

test('what is not in the graph is left out with a note, and without anything there is no app', () => {
  const { app, notes } = appOf({ inputs: [[9, 'text'], [1, 'gone'], [1, 'size'], 7], outputs: [77] });
  expect(app).toEqual({
    inputs: [{ name: 'size', title: null, targets: [{ node: '1', input: 'size' }] }],
    outputs: [],
  });
  expect(notes).toHaveLength(4);
  expect(notes[1]).toBe('App mode: its input gone of node 1 is no value of the graph, and left out.');
  expect(appOf({ inputs: [], outputs: [] }).app).toBeNull();
  expect(appOf({ inputs: 'all', outputs: null }).app).toBeNull();
});
