import { expect, test } from 'vitest';
import { encodeNodeDefinitions, parseNodeDefinitions } from '../../../src/core/node-definitions.ts';
import { nodeReplacementsSchema, withReplaced } from '../../../src/core/node-replacements.ts';
import { objectInfoSchema } from '../../../src/core/object-info.ts';
import { validateGraph } from '../../../src/core/validate-graph.ts';

const classes = objectInfoSchema.parse({
  Net: { input: { required: { name: [['a.safetensors']] } }, output: ['NET'] },
  Save: { input: { required: { net: ['NET'] }, optional: { prefix: ['STRING'] } }, output_node: true },
  Batch: { input: { required: { images: ['COMFY_AUTOGROW_V3'] } }, output: ['IMAGE'] },
});
const replace = (new_node_id: string, input_mapping: object[] | null = null) => ({
  new_node_id,
  old_node_id: 'said once more',
  old_widget_ids: null,
  input_mapping,
  output_mapping: null,
});
const known = (replacements: { [name: string]: unknown }) =>
  withReplaced(classes, nodeReplacementsSchema.parse(replacements));
const named = { new_id: 'name', old_id: 'old_name' };
const graph = (class_type: string, inputs: { [input: string]: string }, save = 'Save') => ({
  1: { class_type, inputs },
  2: { class_type: save, inputs: { net: ['1', 0] } },
});
const issues = (found: ReturnType<typeof validateGraph>) => found.map(({ input, kind }) => `${input} ${kind}`);

test('a class that is replaced is taken under its old name, with the inputs that are copied', () => {
  const now = known({ OldNet: [replace('Net', [named])] });
  expect(validateGraph(graph('OldNet', { old_name: 'a.safetensors' }), now)).toEqual([]);
  expect(issues(validateGraph(graph('OldNet', { old_name: 'b.safetensors' }), now))).toEqual(['old_name choice']);
  // ComfyUI copies what is not there, and fails.
  expect(issues(validateGraph(graph('OldNet', { name: 'a.safetensors' }), now))).toEqual(['old_name missing']);
  expect(issues(validateGraph(graph('OldNet', {}), classes))).toEqual(['null class']);
});

test('of several replacements the first counts, and what is set or made of a dynamic input is filled', () => {
  const now = known({
    Fixed: [replace('Net', [{ new_id: 'name', set_value: 'a.safetensors' }]), replace('Gone')],
    OldBatch: [replace('Batch', [{ new_id: 'images.image0', old_id: 'image1' }])],
    First: [replace('Gone', [named]), replace('Net', [named])],
  });
  expect([...(now.get('Fixed')?.inputs ?? [])]).toEqual([]);
  expect([...(now.get('OldBatch')?.inputs ?? [])]).toEqual([
    ['image1', { required: true, spec: { kind: 'LINK', type: '*' } }],
  ]);
  expect(now.has('First')).toBe(false);
});

test('a graph’s result may be made by a class of an old name', () => {
  const now = known({ OldSave: [replace('Save', [{ new_id: 'net', old_id: 'net' }])] });
  expect(validateGraph(graph('Net', { name: 'a.safetensors' }, 'OldSave'), now)).toEqual([]);
  expect(issues(validateGraph(graph('Net', {}, 'OldSave'), now))).toEqual(['name missing']);
});

test('one that the server has, one without a replacement there, and one that it refuses all the same stay', () => {
  expect(
    known({
      Net: [replace('Batch', [{ new_id: 'images.a', old_id: 'name' }])],
      Old: [replace('Gone', [named])],
      Bare: [replace('Net')],
    }),
  ).toBe(classes);
});

test('what is in no form that is known is left out, and the rest is read', () => {
  const now = known({ A: 'x', B: [], C: [{ new_node_id: 5 }], D: [replace('Net', [named]), 'x'], E: null });
  expect([...now.keys()].filter((name) => !classes.has(name))).toEqual(['D']);
});

test('old names reach gateways with the rest', () => {
  const now = known({ OldNet: [replace('Net', [named])] });
  expect(parseNodeDefinitions(encodeNodeDefinitions(now).text)).toEqual(now);
});
