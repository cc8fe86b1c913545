import { deepStrictEqual } from 'node:assert';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Graph } from '../../../src/core/graph.ts';
import type { Json } from '../../../src/core/job.ts';
import { bindTemplate, encodeTemplate, parseTemplate, type Template } from '../../../src/core/template.ts';

const names = ['a', 'b', 'constructor', 'toString', 'hasOwnProperty', '1', '2', '10'];
const literal = fc.oneof(fc.string(), fc.integer(), fc.boolean(), fc.constant(null));
const graphs: fc.Arbitrary<Graph> = fc.dictionary(
  fc.constantFrom(...names),
  fc.record({
    class_type: fc.string({ minLength: 1 }),
    inputs: fc.dictionary(fc.constantFrom(...names), literal, { minKeys: 1 }),
  }),
  { minKeys: 1 },
);

/** A graph, parameters that each go to one or two of its inputs, and a value for some of them. */
const bindings = graphs.chain((graph) => {
  const targets = Object.entries(graph).flatMap(([node, { inputs }]) =>
    Object.keys(inputs).map((input) => ({ node, input })),
  );
  const parameter = fc.record({
    targets: fc.subarray(targets, { minLength: 1, maxLength: Math.min(2, targets.length) }),
  });
  const value: fc.Arbitrary<Json> = fc.oneof(literal, fc.array(literal, { maxLength: 3 }));
  const drawn = fc.record({
    template: fc.record({
      name: fc.constant('t'),
      graph: fc.constant(graph),
      parameters: fc.dictionary(fc.constantFrom(...names), parameter),
    }),
    values: fc.dictionary(fc.constantFrom(...names), value),
  });
  // fast-check makes some objects without a prototype, which is no difference in JSON; a clone has none of those.
  return drawn.map((binding) => structuredClone(binding));
});

function deepFreeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null)
    for (const item of Object.values(Object.freeze(value))) deepFreeze(item);
  return value;
}

test('binding changes the targets of the given parameters and nothing else, and leaves the template as it was', () => {
  fc.assert(
    fc.property(bindings, ({ template, values }) => {
      const expected = structuredClone(template.graph);
      for (const [name, { targets }] of Object.entries(template.parameters)) {
        const value = Object.hasOwn(values, name) ? values[name] : null;
        if (value === undefined || value === null) continue;
        for (const { node, input } of targets) {
          const inputs = expected[node]?.inputs ?? {};
          inputs[input] = Array.isArray(value) ? { __value__: value } : value;
        }
      }
      const bound = bindTemplate(deepFreeze(template), deepFreeze(values));
      deepStrictEqual(bound, expected);
      for (const node of Object.values(bound)) node.inputs = {};
    }),
  );
});

test('a template survives its text, and its hash tells it from others', () => {
  fc.assert(
    fc.property(bindings, bindings, ({ template }, { template: other }) => {
      const { hash, text } = encodeTemplate(template);
      deepStrictEqual(parseTemplate(text), structuredClone(template));
      deepStrictEqual(encodeTemplate(parseTemplate(text)), { hash, text });
      expect(encodeTemplate(other).hash === hash).toBe(encodeTemplate(other).text === text);
    }),
  );
});

const template: Template = {
  name: 't',
  graph: {
    '1': { class_type: 'A', inputs: { x: 1, y: ['2', 0], list: 'none' } },
    '2': { class_type: 'B', inputs: {} },
  },
  parameters: {
    x: { targets: [{ node: '1', input: 'x' }] },
    method: { targets: [{ node: '1', input: 'list' }], values: { FAST: 'fast', SLOW: 'slow' } },
  },
};

test('a list is wrapped, so that a caller cannot make a link of it', () => {
  expect(bindTemplate(template, { x: ['2', 0] })['1']?.inputs.x).toEqual({ __value__: ['2', 0] });
  expect(bindTemplate(template, { method: ['FAST', 'SLOW'] })['1']?.inputs.list).toEqual({
    __value__: ['fast', 'slow'],
  });
});

test('a bound value is not shared with the parameters', () => {
  const x = { deep: [1] };
  const bound = bindTemplate(template, { x });
  x.deep.push(2);
  expect(bound['1']?.inputs.x).toEqual({ deep: [1] });
});

test.for(['MEDIUM', 'constructor', '__proto__', 'toString', 7])('%s is no choice', (method) => {
  expect(() => bindTemplate(template, { method })).toThrow(
    `template t: method has no choice ${JSON.stringify(method)}`,
  );
});

test.for([
  { node: '9', input: 'x' },
  { node: '1', input: 'z' },
  { node: '1', input: '__proto__' },
  { node: '__proto__', input: 'x' },
  { node: 'constructor', input: 'name' },
])('a target that the graph does not have is a fault: $node.$input', (target) => {
  const broken = { ...template, parameters: { x: { targets: [target] } } };
  expect(() => bindTemplate(broken, { x: 1 })).toThrow(
    `template t: x goes to ${target.node}.${target.input}, which the graph does not have`,
  );
  expect(({} as { x?: number }).x).toBeUndefined();
});

test('what parameters inherit is not bound', () => {
  const named = { ...template, parameters: { constructor: { targets: [{ node: '1', input: 'x' }] } } };
  expect(bindTemplate(named, {})['1']?.inputs.x).toBe(1);
});

test('a text that is no template is refused', () => {
  expect(() => parseTemplate('{"name":"t","graph":{"1":{}},"parameters":{}}')).toThrow();
});
