import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  encodeNodeDefinitions,
  type InputSpec,
  type NodeDefinitions,
  parseNodeDefinitions,
} from '../../../src/core/node-definitions.ts';
import { objectInfoSchema } from '../../../src/core/object-info.ts';
import { stockClasses } from '../../support/node-definitions.ts';

function specs(required: { [input: string]: unknown }, className = 'A') {
  const info = objectInfoSchema.parse({ [className]: { input: { required } } });
  return Object.fromEntries([...(info.get(className)?.inputs ?? [])].map(([name, { spec }]) => [name, spec]));
}

test('every way to declare an input is read', () => {
  const declared = {
    oldList: [['x', 'y'], {}],
    bareList: [['x', 1, true]],
    newList: ['COMBO', { options: ['z', 3] }],
    several: ['COMBO', { options: ['z'], multiselect: true }],
    number: ['INT', { min: 0, max: 8, default: 1, tooltip: 'x' }],
    open: ['FLOAT', { min: null, max: 'high' }],
    text: ['STRING', { multiline: true }],
    truth: ['BOOLEAN'],
    link: ['IMAGE', {}],
    dynamic: ['COMFY_DYNAMICCOMBO_V3', { options: [] }],
    growing: ['COMFY_AUTOGROW_V3', { template: {} }],
    matching: ['COMFY_MATCHTYPE_V3', { template: { allowed_types: 'IMAGE,MASK' } }],
    upload: [['a.png'], { image_upload: true }],
    uploadNow: ['COMBO', { options: [], file_upload: true }],
    remote: ['COMBO', { remote: { route: '/x' } }],
    odd: [[{ content: 'x' }], {}],
    endless: ['FLOAT', { default: Infinity }],
    shown: [
      'INT',
      { default: 3, control_after_generate: 'fixed', forceInput: true, socketless: true, hidden: true, min: 1 },
    ],
    edited: ['FLOAT,INT', { default: 25, widgetType: 'FLOAT', image_folder: 'output' }],
    usual: ['COMBO', { options: ['z'], default: 'z', control_after_generate: false, image_folder: 'input' }],
    prompt: ['STRING', { default: '', multiline: false, dynamicPrompts: true }],
    strange: 5,
    empty: [],
  };
  expect(specs(declared)).toEqual({
    oldList: { kind: 'COMBO', options: ['x', 'y'] },
    bareList: { kind: 'COMBO', options: ['x', 1, true] },
    newList: { kind: 'COMBO', options: ['z', 3] },
    several: { kind: 'COMBO', options: ['z'], multiple: true },
    number: { kind: 'INT', min: 0, max: 8, default: 1 },
    open: { kind: 'FLOAT' },
    text: { kind: 'STRING', multiline: true },
    truth: { kind: 'BOOLEAN' },
    link: { kind: 'LINK', type: 'IMAGE' },
    dynamic: { kind: 'DYNAMIC', options: [] },
    growing: { kind: 'DYNAMIC' },
    matching: { kind: 'LINK', type: 'COMFY_MATCHTYPE_V3', allowed: 'IMAGE,MASK' },
    upload: { kind: 'OWN', shown: { upload: 'image' } },
    uploadNow: { kind: 'OWN', shown: { upload: 'file' } },
    remote: { kind: 'OWN' },
    odd: { kind: 'OWN' },
    endless: { kind: 'FLOAT' },
    shown: {
      kind: 'INT',
      min: 1,
      default: 3,
      shown: { control: 'fixed', forceInput: true, socketless: true, hidden: true },
    },
    edited: { kind: 'LINK', type: 'FLOAT,INT', default: 25, shown: { widget: 'FLOAT', folder: 'output' } },
    usual: { kind: 'COMBO', options: ['z'], shown: { control: false } },
    prompt: { kind: 'STRING', dynamicPrompts: true },
    strange: { kind: 'LINK', type: '*' },
    empty: { kind: 'LINK', type: '*' },
  });
  expect(specs({ latent: [['a.latent'], {}] }, 'LoadLatent')).toEqual({ latent: { kind: 'OWN' } });
  // Of older versions.
  expect(specs({ pan: ['FLOAT', { max: 10 }], type: [['a']] }, 'KlingCameraControls')).toEqual({
    pan: { kind: 'OWN', type: 'FLOAT' },
    type: { kind: 'COMBO', options: ['a'] },
  });
});

test('a class that says nothing has nothing, and outputs that are lists are choices', () => {
  const info = objectInfoSchema.parse({ A: {}, B: { output: ['IMAGE', ['a', 'b']], output_node: true, input: null } });
  expect(info.get('A')).toEqual({
    outputNode: false,
    stock: true,
    inputs: new Map(),
    ordered: true,
    outputs: [],
  });
  expect(info.get('B')).toEqual({
    outputNode: true,
    stock: true,
    inputs: new Map(),
    ordered: true,
    outputs: ['IMAGE', 'COMBO'],
  });
});

test('an input that is both required and optional is required', () => {
  const input = { required: { a: ['INT', {}] }, optional: { a: ['STRING', {}], b: ['STRING', {}] } };
  const inputs = objectInfoSchema.parse({ A: { input } }).get('A')?.inputs;
  expect(inputs?.get('a')).toEqual({ required: true, spec: { kind: 'INT' } });
  expect(inputs?.get('b')).toEqual({ required: false, spec: { kind: 'STRING' } });
});

test('a class has its own names, and its inputs in its own order, also after they were stored', () => {
  const declared = {
    input: { required: { b: ['INT'], a: ['INT'], '1': ['INT'] }, optional: { d: ['INT'], c: ['INT'], late: ['INT'] } },
    input_order: { required: ['b', '1', 'a'], optional: ['d', 'c', 'gone'] },
    output: ['IMAGE', 'MASK'],
    output_name: ['picture', 'MASK'],
    display_name: 'An A',
  };
  const nodeDefinitions = objectInfoSchema.parse({ A: declared, B: { output: ['IMAGE'], output_name: ['IMAGE'] } });
  for (const known of [nodeDefinitions, parseNodeDefinitions(encodeNodeDefinitions(nodeDefinitions).text)]) {
    expect([...(known.get('A')?.inputs.keys() ?? [])]).toEqual(['b', '1', 'a', 'd', 'c', 'late']);
    expect(known.get('A')).toMatchObject({ displayName: 'An A', outputNames: ['picture', 'MASK'], ordered: true });
    expect(known.get('B')?.outputNames).toBeUndefined();
  }
});

test('what workers of before stored is read, and has no order', () => {
  const stored = '{"A":{"optional":{},"outputNode":true,"outputs":[],"required":{"b":{"kind":"INT","min":1}}}}';
  const known = parseNodeDefinitions(stored).get('A');
  expect(known?.inputs.get('b')).toEqual({ required: true, spec: { kind: 'INT', min: 1 } });
  expect(known?.ordered).toBeUndefined();
});

test('options within options are read as deep as servers nest them, and no deeper than eight', () => {
  const nested = (depth: number): unknown[] =>
    depth === 0
      ? ['INT', {}]
      : ['COMFY_DYNAMICCOMBO_V3', { options: [{ key: 'k', inputs: { required: { i: nested(depth - 1) } } }] }];
  const depthOf = (spec: InputSpec | undefined): number =>
    spec?.kind === 'DYNAMIC' ? 1 + depthOf(spec.options?.[0]?.inputs[0]?.spec) : 0;
  expect(depthOf(specs({ a: nested(3) }).a)).toBe(3);
  expect(depthOf(specs({ a: nested(500) }).a)).toBe(9);
});

/** `__proto__` aside, which is lost: no checked graph has such an input. */
const name = fc
  .oneof(fc.string(), fc.constantFrom('constructor', 'toString', '0', '10', '9'))
  .filter((each) => each !== '__proto__');
const spec: fc.Arbitrary<InputSpec> = fc.oneof(
  fc.record(
    { kind: fc.constantFrom('INT' as const, 'FLOAT' as const), min: fc.integer(), max: fc.integer() },
    { requiredKeys: ['kind'] },
  ),
  fc.record({
    kind: fc.constant('COMBO' as const),
    options: fc.array(fc.oneof(fc.string(), fc.integer(), fc.boolean())),
  }),
  fc.constantFrom<InputSpec>(
    { kind: 'STRING', default: 'x', dynamicPrompts: true },
    { kind: 'OWN', shown: { upload: 'image' } },
    { kind: 'DYNAMIC', each: { kind: 'LINK', type: 'IMAGE' } },
    { kind: 'DYNAMIC', options: [{ key: 1, inputs: [{ name: 'x', required: false, spec: { kind: 'OWN' } }] }] },
    { kind: 'LINK', type: 'COLOR', default: null, shown: { control: false, widget: 'COLOR', forceInput: true } },
  ),
);
const nodeDefinitions: fc.Arbitrary<NodeDefinitions> = fc
  .array(
    fc.tuple(
      name,
      fc.record({
        outputNode: fc.boolean(),
        stock: fc.boolean(),
        inputs: fc.array(fc.tuple(name, fc.record({ required: fc.boolean(), spec }))).map((inputs) => new Map(inputs)),
        outputs: fc.array(fc.string()),
        ordered: fc.constant(true as const),
      }),
    ),
  )
  .map((classes) => new Map(classes));

test('a catalogue comes back from its text as it was; equal ones have one text, whatever the order', () => {
  fc.assert(
    fc.property(nodeDefinitions, (nodeDefinitions) => {
      const { hash, text } = encodeNodeDefinitions(nodeDefinitions);
      const parsed = parseNodeDefinitions(text);
      expect(parsed).toEqual(nodeDefinitions);
      for (const [name, { inputs }] of nodeDefinitions) {
        expect([...(parsed.get(name)?.inputs.keys() ?? [])]).toEqual([...inputs.keys()]);
      }
      expect(encodeNodeDefinitions(new Map([...nodeDefinitions].reverse())).hash).toBe(hash);
    }),
  );
});

test('what is no catalogue is refused', () => {
  expect(() => parseNodeDefinitions('{"A":{"outputNode":true}}')).toThrow();
  expect(() =>
    parseNodeDefinitions('{"A":{"outputNode":true,"required":{"x":{"kind":"NEW"}},"optional":{},"outputs":[]}}'),
  ).toThrow();
});

test('the stock classes lose nothing that a graph is checked against, and much of their size', () => {
  const { objectInfo } = stockClasses();
  const nodeDefinitions = objectInfoSchema.parse(objectInfo);
  expect(nodeDefinitions.size).toBe(Object.keys(objectInfo).length);
  expect(nodeDefinitions.get('KSampler')?.inputs.get('steps')).toEqual({
    required: true,
    spec: { kind: 'INT', min: 1, max: 10000, default: 20 },
  });
  expect(encodeNodeDefinitions(nodeDefinitions).text.length).toBeLessThan((JSON.stringify(objectInfo).length * 2) / 3);
});
