import { expect, test } from 'vitest';
import { withReplaced } from '../../../src/core/node-replacements.ts';
import { objectInfoSchema } from '../../../src/core/object-info.ts';
import { withReplaceable } from '../../../worker/comfyui/prompt.ts';

const known = withReplaced(
  objectInfoSchema.parse({ Net: { input: { required: { name: ['STRING'] } } } }),
  new Map([['OldNet', { to: 'Net', inputs: [{ new_id: 'name', old_id: 'name' }] }]]),
);
const inputs = { name: 'x' };

test('a node of a class that ComfyUI replaces has _meta, without which the server fails', () => {
  const graph = {
    1: { class_type: 'OldNet', inputs },
    2: { class_type: 'OldNet', inputs, _meta: { title: 'mine' } },
    3: { class_type: 'Net', inputs },
  };
  expect(withReplaceable(graph, known)).toEqual({ ...graph, 1: { class_type: 'OldNet', inputs, _meta: {} } });
});

test('a graph without such a node is sent as it is, whether classes are known or not', () => {
  const graph = { 3: { class_type: 'Net', inputs } };
  expect(withReplaceable(graph, known)).toBe(graph);
  expect(withReplaceable(graph, null)).toBe(graph);
});
