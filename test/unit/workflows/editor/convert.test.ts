import { expect, test } from 'vitest';
import { parseExactJson } from '../../../../src/core/exact-json.ts';
import type { Graph } from '../../../../src/core/graph.ts';
import { objectInfoSchema } from '../../../../src/core/object-info.ts';
import { convertWorkflow } from '../../../../src/workflows/editor/convert.ts';
import { editorCases } from './editor-cases.ts';

for (const group of ['unit', 'unit-custom'] as const) {
  const { classes, cases, nodeDefinitions } = editorCases(group);
  /** Without inputs that only the editor's page knows, and titles. */
  const served = (graph: Graph) =>
    Object.fromEntries(
      Object.entries(graph).map(([id, { class_type, inputs }]) => {
        const { required = {}, optional = {}, hidden = {} } = classes[class_type]?.input ?? {};
        const known = { ...required, ...optional, ...hidden };
        const kept = Object.entries(inputs).filter(([name]) => Object.hasOwn(known, name.split('.')[0] ?? ''));
        return [id, { class_type, inputs: Object.fromEntries(kept) }];
      }),
    );

  test.each(cases)(`as the editor exports it: $name ($note)`, ({ workflow, expected, refused }) => {
    const converted = convertWorkflow(workflow, nodeDefinitions);
    if (!converted.ok) expect(converted.faults).toEqual(refused);
    else expect(served(converted.graph)).toEqual(expected && served(expected));
  });
}

const number = ['INT', { default: 5, control_after_generate: true }];
const nodeDefinitions = objectInfoSchema.parse({
  Number: { input: { required: { value: number } }, output: ['INT'], display_name: 'A number' },
  Text: { input: { required: { text: ['STRING', { dynamicPrompts: true }] } }, output: ['STRING'] },
  Named: { input: { required: { cfg: ['FLOAT', {}], name: ['STRING', {}] } }, output: ['FLOAT'] },
  Save: { input: { required: { of: ['INT', {}], filename_prefix: ['STRING', {}] } }, output_node: true },
  SaveImage: { input: { required: { of: ['INT', {}], filename_prefix: ['STRING', {}] } }, output_node: true },
});

function convert(...nodes: { [field: string]: unknown }[]) {
  return convertWorkflow({ nodes: nodes.map((node, at) => ({ id: at + 1, ...node })) }, nodeDefinitions);
}

function inputsOf(...nodes: { [field: string]: unknown }[]) {
  const converted = convert(...nodes);
  if (!converted.ok) throw new Error(converted.faults.join(' '));
  return Object.fromEntries(Object.entries(converted.graph).map(([id, { inputs }]) => [id, inputs]));
}

test('a long seed stays exact, and a title is that of the node, of its class or its name', () => {
  const text = '{"nodes":[{"id":1,"type":"Number","widgets_values":[18446744073709551615,"fixed"]},';
  const file = parseExactJson(`${text}{"id":2,"type":"Number","title":"Mine"},{"id":3,"type":"Text","title":""}]}`);
  const converted = convertWorkflow(file, nodeDefinitions);
  expect(converted).toMatchObject({
    ok: true,
    graph: {
      1: { inputs: { value: '18446744073709551615' }, _meta: { title: 'A number' } },
      2: { inputs: { value: 5 }, _meta: { title: 'Mine' } },
      3: { inputs: { text: '' }, _meta: { title: 'Text' } },
    },
  });
});

test('values by name are taken where those by position do not fit the class, and not where they do', () => {
  const named = { widgets_values_named: { cfg: 7, name: 'a' } };
  expect(inputsOf({ type: 'Named', widgets_values: ['euler', 7], ...named })[1]).toEqual({ cfg: 7, name: 'a' });
  expect(inputsOf({ type: 'Named', widgets_values: [3, 'edited'], ...named })[1]).toEqual({ cfg: 3, name: 'edited' });
  expect(inputsOf({ type: 'Named', widgets_values: [3], ...named })[1]).toEqual({ cfg: 7, name: 'a' });
  expect(inputsOf({ type: 'Named', widgets_values: { name: 'b', cfg: 1 } })[1]).toEqual({ cfg: 1, name: 'b' });
});

test('values that do not fit their class are written as the editor does, and said', () => {
  const converted = convert({ type: 'Named', widgets_values: ['euler', 7] });
  expect(converted).toMatchObject({ ok: true, graph: { 1: { inputs: { cfg: 'euler', name: 7 } } } });
  expect(converted.ok && converted.notes).toEqual([
    expect.stringMatching(/^Node 1 \(Named\): .*another version.* cfg .*"euler"/),
  ]);
});

test('what is taken out of a prompt is said', () => {
  const converted = convert({
    type: 'Text',
    widgets_values: ['a {red|{b|c}} \\{x\\} cat // at https://x.org\n/* no */!'],
  });
  expect(converted).toMatchObject({ ok: true, graph: { 1: { inputs: { text: 'a red {x} cat \n!' } } } });
  expect(converted.ok && converted.notes).toEqual([
    expect.stringContaining('comments'),
    expect.stringContaining('the first is taken'),
  ]);
});

test('a date in a file name is left to the server, which has that of each run', () => {
  expect(inputsOf({ type: 'SaveImage', widgets_values: [1, '%date:yyyy-MM-dd%/%Nobody.x%'] })[1]).toMatchObject({
    filename_prefix: '%year%-%month%-%day%/%Nobody.x%',
  });
  expect(inputsOf({ type: 'Save', widgets_values: [1, '%date:yyyy%'] })[1]).toMatchObject({
    filename_prefix: '%date:yyyy%',
  });
});

test('all classes that are not known are named at once, with their nodes', () => {
  const converted = convert({ type: 'A' }, { type: 'Number' }, { type: 'B' }, { type: 'A' }, { type: 'C', mode: 4 });
  expect(converted).toEqual({
    ok: false,
    faults: [
      expect.stringMatching(/^Class A \(nodes 1, 4\) is none that the ComfyUI has/),
      expect.stringMatching(/^Class B \(node 3\)/),
    ],
  });
});

test('a bypassed node passes on the input with the number of its output, where the types fit', () => {
  const two = { input: { required: { a: ['X'], b: ['X'] } }, output: ['X', 'X'] };
  const classes = objectInfoSchema.parse({
    Make: { output: ['X'] },
    Two: two,
    End: { input: { required: { of: ['X'] } } },
  });
  const x = (name: string, link: number) => ({ name, type: 'X', link });
  const nodes = [
    { id: 1, type: 'Make' },
    { id: 2, type: 'Make' },
    { id: 3, type: 'Two', mode: 4, inputs: [x('a', 1), x('b', 2)] },
    { id: 4, type: 'End', inputs: [x('of', 3)] },
  ];
  const links = [
    [1, 1, 0, 3, 0, 'X'],
    [2, 2, 0, 3, 1, 'X'],
    [3, 3, 1, 4, 0, 'X'],
  ];
  expect(convertWorkflow({ nodes, links }, classes)).toMatchObject({ graph: { 4: { inputs: { of: ['2', 0] } } } });
});

test('classes whose order is not known are refused, not guessed', () => {
  const before = new Map([...nodeDefinitions].map(([name, { ordered: _, ...known }]) => [name, known]));
  expect(convertWorkflow({ nodes: [{ id: 1, type: 'Number' }] }, before)).toEqual({
    ok: false,
    faults: [expect.stringContaining('update workers')],
  });
});

test('names that every object has are ids, types and inputs like others', () => {
  const file = {
    nodes: [
      { id: '__proto__', type: 'Number', widgets_values: [7] },
      { id: 'constructor', type: 'Number', inputs: [{ name: 'value', type: 'INT', link: 1 }] },
      { id: 'x', type: 'Number', inputs: [{ name: '__proto__', type: 'INT', link: 1 }] },
    ],
    links: [[1, '__proto__', 0, 'constructor', 0, 'INT']],
  };
  const converted = convertWorkflow(file, nodeDefinitions);
  const graph = converted.ok ? new Map(Object.entries(converted.graph)) : new Map();
  expect([...graph.keys()]).toEqual(['__proto__', 'constructor', 'x']);
  expect(graph.get('constructor').inputs).toEqual({ value: ['__proto__', 0] });
  expect(Object.entries(graph.get('x').inputs)).toContainEqual(['__proto__', ['__proto__', 0]]);
  expect(convert({ type: 'constructor' })).toMatchObject({ ok: false });
});
