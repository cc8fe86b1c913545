import { beforeAll, expect, test } from 'vitest';
import type { NodeDefinitions } from '../../../../src/core/node-definitions.ts';
import { readWorkflowFile } from '../../../../src/workflows/files/read-workflow-file.ts';
import { readStockNodeDefinitions } from '../../../../src/workflows/stock-node-definitions.ts';
import { fileOf, pngWith, tEXt } from '../../../support/media-with-texts.ts';

let stock: NodeDefinitions;
beforeAll(async () => {
  stock = await readStockNodeDefinitions();
});

const file = {
  nodes: [
    { id: 1, type: 'EmptyImage', inputs: [], outputs: [{ links: [1] }], widgets_values: [64, 64, 1, 255] },
    { id: 2, type: 'PreviewImage', title: 'Seen', inputs: [{ name: 'images', type: 'IMAGE', link: 1 }], outputs: [] },
    { id: 3, type: 'Note', inputs: [], outputs: [], widgets_values: ['made in May'] },
  ],
  links: [[1, 1, 0, 2, 0, 'IMAGE']],
  version: 0.4,
};
const inAppMode = { ...file, extra: { linearMode: true, linearData: { inputs: [[1, 'color']], outputs: [2] } } };
const _meta = { title: 'Empty Image' };
/** What the editor exports of it. */
const graph = {
  '1': { class_type: 'EmptyImage', inputs: { width: 64, height: 64, batch_size: 1, color: 255 }, _meta },
  '2': { class_type: 'PreviewImage', inputs: { images: ['1', 0] }, _meta: { title: 'Seen' } },
};
/** What ran, with another colour. */
const ran = { '1': { ...graph['1'], inputs: { ...graph['1'].inputs, color: 7 } }, '2': graph['2'] };

const read = async (content: string | Uint8Array, name = 'a.json') =>
  readWorkflowFile(await fileOf(name, content), [stock]);
const picture = async (texts: { [name: string]: unknown }) =>
  read(await pngWith(...Object.entries(texts).map(([name, it]) => tEXt(name, JSON.stringify(it)))), 'a.png');

test('what the editor saves becomes the graph that it would export, within something else too', async () => {
  expect(await read(JSON.stringify(file))).toEqual({ ok: true, graph, notes: [], app: null });
  const body = { prompt: { ...file, id: 'x' }, mode: 'slow' };
  const notes = ['the graph is prompt; left out: "mode"'];
  expect(await read(JSON.stringify(body))).toEqual({ ok: true, graph, notes, app: null });
});

test('values of the editor that Python wrote as NaN are told, and read as the editor reads null', async () => {
  const written = JSON.stringify({ ...file, extra: { zoom: 'X' } }).replace('"X"', 'NaN');
  expect(await read(written)).toMatchObject({ ok: true, graph, notes: [expect.stringContaining('became null in 1')] });
});

test('of a picture that has both, what its author saved is taken, as the editor does', async () => {
  expect(await picture({ prompt: ran, workflow: file })).toMatchObject({ graph, app: null });
  expect(await picture({ prompt: ran })).toMatchObject({ graph: ran });
  expect(await picture({ workflow: file })).toMatchObject({ graph });
});

test('of JSON that has both, what is to run is taken, but what has an App mode before that', async () => {
  const body = (workflow: unknown) => JSON.stringify({ prompt: ran, extra_data: { extra_pnginfo: { workflow } } });
  expect(await read(body(file))).toMatchObject({ graph: ran, app: null });
  const app = { inputs: [{ targets: [{ node: '1', input: 'color' }] }], outputs: ['2'] };
  expect(await read(body(inAppMode))).toMatchObject({ graph, app });
});

test('where the first of two cannot be used the other one is, and a note says why', async () => {
  const unknown = { ...inAppMode, nodes: [...file.nodes, { id: 4, type: 'NoSuchClass', inputs: [], outputs: [] }] };
  expect(await picture({ prompt: ran, workflow: unknown })).toMatchObject({
    graph: ran,
    notes: [
      expect.stringMatching(/^the graph is prompt in /),
      expect.stringMatching(/^not used: workflow in .*NoSuchClass/),
    ],
  });
  const broken = { '1': { class_type: 'EmptyImage' } };
  expect(await read(JSON.stringify({ prompt: broken, workflow: file }))).toMatchObject({
    graph,
    notes: [expect.stringMatching(/^the graph is workflow/), expect.stringMatching(/^not used: prompt.*1\.inputs/)],
  });
  const neither = await picture({ prompt: broken, workflow: unknown });
  expect(neither).toMatchObject({ ok: false });
  if (!neither.ok) expect(neither.faults).toHaveLength(2);
});
