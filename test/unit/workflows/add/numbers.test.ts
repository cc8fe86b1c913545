import { expect, test } from 'vitest';
import type { Graph } from '../../../../src/core/graph.ts';
import { made, node } from './made.ts';

/** The type of the number that node 31 holds, and the notes. */
async function typeOf(graph: Graph, classes = {}) {
  const { manifest, notes } = await made(
    { ...graph, '9': node('SaveImage', { images: ['30', 0], filename_prefix: 'x' }) },
    { classes },
  );
  const found = Object.values(manifest.parameters).find(({ targets }) => targets.some((at) => at.node === '31'));
  return { type: found?.type, notes: notes.filter((note) => note.includes('whole numbers')).join('\n') };
}

const holds = (class_type: string, value: number) => ({
  '31': node(class_type, { Value: value }, 'Factor'),
  '30': node('Relative', { scale_width: ['31', 0], scale_height: ['31', 0] }),
});
const relative = (...types: string[]) => ({
  Relative: {
    input: { required: { scale_width: [types[0]], scale_height: [types[1] ?? types[0]] } },
    output: ['IMAGE'],
  },
});

test.for<[class_type: string, type: string]>([
  ['Float', 'float'],
  ['FloatConstant', 'float'],
  ['easy float', 'float'],
  ['INTConstant', 'int'],
  ['easy int', 'int'],
  ['SetIntegerValue', 'int'],
])('an unknown class that is called %s holds what it says', async ([class_type, type]) => {
  expect(await typeOf(holds(class_type, 1))).toEqual({ type, notes: '' });
});

test('the inputs that a value goes to say what it is where its class does not', async () => {
  expect(await typeOf(holds('Slider', 1), relative('FLOAT'))).toEqual({ type: 'float', notes: '' });
  expect(await typeOf(holds('Slider', 1), relative('INT'))).toEqual({ type: 'int', notes: '' });
  expect(await typeOf(holds('Slider', 1), relative('INT', 'FLOAT'))).toEqual({ type: 'float', notes: '' });
});

test('what the class declares goes first', async () => {
  const slider = (type: string) => ({ Slider: { input: { required: { Value: [type] } }, output: [type] } });
  expect((await typeOf(holds('Slider', 1), { ...slider('FLOAT'), ...relative('INT') })).type).toBe('float');
  expect((await typeOf(holds('Slider', 1), { ...slider('INT'), ...relative('FLOAT') })).type).toBe('int');
});

test('a number that nothing says anything about is a Float, which a note tells', async () => {
  const alone = { '31': node('Mystery', { amount: 3 }), '30': node('Other', { x: ['31', 0] }) };
  const { type, notes } = await typeOf(alone);
  expect(type).toBe('float');
  expect(notes).toContain('maybe whole numbers only: amount; --comfyui URL asks a server');
  expect(await typeOf(alone, { Mystery: { input: { required: { amount: ['INT'] } }, output: ['INT'] } })).toEqual({
    type: 'int',
    notes: '',
  });
});

test('the note of many numbers names ten', async () => {
  const many = Object.fromEntries(Array.from({ length: 30 }, (_, index) => [`n${index}`, index]));
  const { notes } = await typeOf({ '31': node('Mystery', many), '30': node('Other', { x: ['31', 0] }) });
  expect(notes).toContain('n9 and 20 more');
  expect(notes).not.toContain('n10');
});

test('1.5 is taken where the class says FLOAT and the file 1', async () => {
  const graph = { ...holds('Float', 1), '9': node('SaveImage', { images: ['30', 0], filename_prefix: 'x' }) };
  const { workflow } = await made(graph, { classes: relative('FLOAT') });
  expect(workflow.parse({ factor: 1.5 }, [])).toEqual({ ok: true, parameters: { factor: 1.5 } });
});
