import { expect, test } from 'vitest';
import type { Graph } from '../../../../src/core/graph.ts';
import { made, node } from './made.ts';

const loads: Graph = {
  '1': node('LoadImage', { image: 'a.png' }),
  '2': node('ImageInvert', { image: ['1', 0] }),
};
const combine = (save_output: boolean, more = {}) =>
  node('VHS_VideoCombine', {
    images: ['2', 0],
    filename_prefix: 'v',
    format: 'video/h264-mp4',
    save_metadata: true,
    pingpong: false,
    save_output,
    ...more,
  });
const outputsOf = async (graph: Graph, classes = {}) => {
  const { manifest, notes } = await made({ ...loads, ...graph }, { classes });
  return {
    outputs: manifest.outputs?.map(({ node }) => node),
    notes: notes.filter((note) => /saves|NO_OUTPUT/.test(note)),
  };
};
const VHS_VideoCombine = {
  input: { required: { images: ['IMAGE'], filename_prefix: ['STRING'], save_output: ['BOOLEAN'] } },
  output: ['VHS_FILENAMES'],
  output_node: true,
};

test('a node that is told not to save is named as an output, whether its class is known or not', async () => {
  expect(await outputsOf({ '3': combine(false) })).toEqual({ outputs: ['3'], notes: [] });
  expect(await outputsOf({ '3': combine(false) }, { VHS_VideoCombine })).toEqual({ outputs: ['3'], notes: [] });
  expect(await outputsOf({ '3': combine(true) })).toEqual({ outputs: undefined, notes: [] });
  expect(await outputsOf({ '3': combine(true) }, { VHS_VideoCombine })).toEqual({ outputs: undefined, notes: [] });
});

test('it is named, too, where its results go on or the switch is another node', async () => {
  const graph = { '3': combine(false, { save_output: ['4', 0] }), '4': node('PrimitiveBoolean', { value: false }) };
  const used = { ...graph, '5': node('Use', { filenames: ['3', 0] }) };
  const Use = { input: { required: { filenames: ['VHS_FILENAMES'] } }, output: ['STRING'] };
  expect((await outputsOf(used, { VHS_VideoCombine, Use })).outputs).toEqual(['3']);
});

test.for<[what: string, graph: Graph]>([
  ['PreviewImage', { '3': node('PreviewImage', { images: ['2', 0] }) }],
  ['ImageCompare', { '3': node('ImageCompare', { image_a: ['1', 0], image_b: ['2', 0] }) }],
  ['MaskPreview', { '3': node('MaskPreview', { mask: ['1', 1] }) }],
  [
    'a mode that only shows',
    { '3': node('easy imageSave', { images: ['2', 0], image_output: 'Preview', save_prefix: 'x' }) },
  ],
  [
    'an output type that only shows',
    { '3': node('Image Out', { images: ['2', 0], output_type: 'Preview', filename_prefix: 'x' }) },
  ],
])('%s alone is named as an output', async ([, graph]) => {
  expect(await outputsOf(graph)).toEqual({ outputs: ['3'], notes: [] });
});

test('a class that only looks at what others made is a preview, whatever it is called', async () => {
  const Screen = { input: { required: { images: ['IMAGE'] } }, output: [], output_node: true };
  expect(await outputsOf({ '3': node('Screen', { images: ['2', 0] }) }, { Screen })).toEqual({
    outputs: ['3'],
    notes: [],
  });
});

test('beside what is saved, previews are not delivered, and what is told not to save is noted', async () => {
  const save = { '9': node('SaveImage', { images: ['2', 0], filename_prefix: 'x' }) };
  expect(await outputsOf({ ...save, '3': node('PreviewImage', { images: ['2', 0] }) })).toEqual({
    outputs: undefined,
    notes: [],
  });
  expect(await outputsOf({ ...save, '3': combine(false) })).toEqual({
    outputs: undefined,
    notes: ['node 3 (VHS_VideoCombine) saves nothing, and is delivered only where outputs names it'],
  });
});

test('pictures that are sent and partner nodes are results as they are', async () => {
  expect((await outputsOf({ '3': node('SaveImageWebsocket', { images: ['2', 0] }) })).outputs).toBeUndefined();
  const meshy = node('MeshyTextToModelNode', { model: 'latest', prompt: 'a chair', style: 'realistic', seed: 1 });
  expect(await outputsOf({ '3': meshy })).toEqual({ outputs: undefined, notes: [] });
});

test('where nothing says whether the only end saves, a note says what to do', async () => {
  expect(await outputsOf({ '3': node('Mystery', { images: ['2', 0] }) })).toEqual({
    outputs: undefined,
    notes: ['whether node 3 (Mystery) saves what it makes is not known; if jobs end as NO_OUTPUT, name it in outputs'],
  });
});
