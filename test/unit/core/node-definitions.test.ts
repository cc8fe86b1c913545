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
    matching: ['COMFY_MATCHTYPE_V3', {}],
    upload: [['a.png'], { image_upload: true }],
    uploadNow: ['COMBO', { options: [], file_upload: true }],
    remote: ['COMBO', { remote: { route: '/x' } }],
    odd: [[{ content: 'x' }], {}],
    strange: 5,
    empty: [],
  };
  expect(specs(declared)).toEqual({
    oldList: { kind: 'COMBO', options: ['x', 'y'] },
    bareList: { kind: 'COMBO', options: ['x', 1, true] },
    newList: { kind: 'COMBO', options: ['z', 3] },
    several: { kind: 'COMBO', options: ['z'], multiple: true },
    number: { kind: 'INT', min: 0, max: 8 },
    open: { kind: 'FLOAT' },
    text: { kind: 'STRING' },
    truth: { kind: 'BOOLEAN' },
    link: { kind: 'LINK', type: 'IMAGE' },
    dynamic: { kind: 'DYNAMIC' },
    growing: { kind: 'DYNAMIC' },
    matching: { kind: 'LINK', type: 'COMFY_MATCHTYPE_V3' },
    upload: { kind: 'OWN' },
    uploadNow: { kind: 'OWN' },
    remote: { kind: 'OWN' },
    odd: { kind: 'OWN' },
    strange: { kind: 'LINK', type: '*' },
    empty: { kind: 'LINK', type: '*' },
  });
  expect(specs({ latent: [['a.latent'], {}] }, 'LoadLatent')).toEqual({ latent: { kind: 'OWN' } });
  // Of older versions.
  expect(specs({ pan: ['FLOAT', { max: 10 }], type: [['a']] }, 'KlingCameraControls')).toEqual({
    pan: { kind: 'OWN' },
    type: { kind: 'COMBO', options: ['a'] },
  });
});

test('a class that says nothing has nothing, and outputs that are lists are choices', () => {
  const info = objectInfoSchema.parse({ A: {}, B: { output: ['IMAGE', ['a', 'b']], output_node: true, input: null } });
  expect(info.get('A')).toEqual({ outputNode: false, stock: true, inputs: new Map(), outputs: [] });
  expect(info.get('B')).toEqual({
    outputNode: true,
    stock: true,
    inputs: new Map(),
    outputs: ['IMAGE', 'COMBO'],
  });
});

test('an input that is both required and optional is required', () => {
  const input = { required: { a: ['INT', {}] }, optional: { a: ['STRING', {}], b: ['STRING', {}] } };
  const inputs = objectInfoSchema.parse({ A: { input } }).get('A')?.inputs;
  expect(inputs?.get('a')).toEqual({ required: true, spec: { kind: 'INT' } });
  expect(inputs?.get('b')).toEqual({ required: false, spec: { kind: 'STRING' } });
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
  fc.constantFrom<InputSpec>({ kind: 'STRING' }, { kind: 'OWN' }, { kind: 'DYNAMIC' }, { kind: 'LINK', type: 'IMAGE' }),
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
      }),
    ),
  )
  .map((classes) => new Map(classes));

test('a catalogue comes back from its text as it was; equal ones have one text, whatever the order', () => {
  fc.assert(
    fc.property(nodeDefinitions, (nodeDefinitions) => {
      const { hash, text } = encodeNodeDefinitions(nodeDefinitions);
      expect(parseNodeDefinitions(text)).toEqual(nodeDefinitions);
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

test('the stock classes lose nothing that a graph is checked against, and most of their size', () => {
  const { objectInfo } = stockClasses();
  const nodeDefinitions = objectInfoSchema.parse(objectInfo);
  expect(nodeDefinitions.size).toBe(Object.keys(objectInfo).length);
  expect(nodeDefinitions.get('KSampler')?.inputs.get('steps')).toEqual({
    required: true,
    spec: { kind: 'INT', min: 1, max: 10000 },
  });
  expect(encodeNodeDefinitions(nodeDefinitions).text.length).toBeLessThan(JSON.stringify(objectInfo).length / 2);
});
