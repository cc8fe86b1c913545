import { readdirSync, readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import * as z from 'zod';
import { parseExactJson } from '../../../src/core/exact-json.ts';
import { type Graph, graphSchema } from '../../../src/core/graph.ts';
import type { Json } from '../../../src/core/job.ts';
import { encodeNodeDefinitions, parseNodeDefinitions } from '../../../src/core/node-definitions.ts';
import { objectInfoBefore08Schema, objectInfoSchema } from '../../../src/core/object-info.ts';
import { findGraphIssues, type GraphIssue, validateGraph } from '../../../src/core/validate-graph.ts';
import { validatePrompt } from '../../../src/simulator/validation/validate-prompt.ts';
import { stockClasses } from '../../support/node-definitions.ts';

const recorded = new URL('../../comfyui/recorded/', import.meta.url);
const stock = stockClasses();
const nodeDefinitions = objectInfoSchema.parse(stock.objectInfo);

const kinds: { [type: string]: GraphIssue['kind'] } = {
  missing_node_type: 'class',
  value_not_in_list: 'choice',
  value_smaller_than_min: 'too_small',
  value_bigger_than_max: 'too_big',
  invalid_input_type: 'type',
  required_input_missing: 'missing',
};

const nodeErrorsSchema = z.record(
  z.string(),
  z.object({
    errors: z.array(z.object({ type: z.string(), extra_info: z.looseObject({ input_name: z.string().optional() }) })),
  }),
);
const refusalSchema = z.object({
  error: z.object({ type: z.string(), extra_info: z.looseObject({ node_id: z.string().optional() }) }).optional(),
  node_errors: nodeErrorsSchema.default({}),
});

/** `node.input kind` of what ComfyUI refused, without what it alone can know. */
function refused(answer: unknown): string[] {
  const { error, node_errors } = refusalSchema.parse(answer);
  if (error?.type === 'prompt_no_outputs') return ['null.null missing'];
  if (error?.type === 'missing_node_type') return [`${error.extra_info.node_id}.null class`];
  return Object.entries(node_errors)
    .flatMap(([id, { errors }]) =>
      errors.flatMap(({ type, extra_info }) => (kinds[type] ? `${id}.${extra_info.input_name} ${kinds[type]}` : [])),
    )
    .sort();
}

const told = (issues: GraphIssue[]) => issues.map(({ nodeId, input, kind }) => `${nodeId}.${input} ${kind}`).sort();

function read(path: string): unknown {
  return JSON.parse(readFileSync(new URL(path, recorded), 'utf8'));
}

const traceSchema = z.object({
  runs: z.array(z.looseObject({ http_status: z.int().optional(), response: z.unknown() })),
});

describe('what a real ComfyUI said of its recorded workflows', () => {
  const names = readdirSync(new URL('workflows', recorded)).filter((name) => name !== 'INDEX.json');
  // No class or no inputs at all: no graph in our sense.
  const graphs = names.filter((name) => graphSchema.safeParse(read(`workflows/${name}`)).success);

  test('all but two are graphs', () => expect(names.length - graphs.length).toBe(2));

  test.each(graphs)('%s', (name) => {
    const { runs } = traceSchema.parse(read(`traces/${name}`));
    expect(told(validateGraph(graphSchema.parse(read(`workflows/${name}`)), nodeDefinitions))).toEqual(
      refused(runs[0]?.response),
    );
  });
});

/** Classes with nothing that only the server knows: no files, no dynamic inputs. */
const plainClasses = [...nodeDefinitions].filter(([, { inputs }]) =>
  [...inputs.values()].every(({ spec }) => spec.kind !== 'OWN' && spec.kind !== 'DYNAMIC'),
);

const anyLiteral: fc.Arbitrary<Json> = fc.oneof(
  fc.integer({ min: -20_000, max: 20_000 }),
  fc.double({ noNaN: true, noDefaultInfinity: true, min: -1e4, max: 1e4 }),
  fc.constantFrom<Json>('17', ' -3 ', '1.5', '.5e2', '1__0', 'inf', '-Infinity', '', 'x', null, true, false, 0, 1),
  fc.constantFrom<Json>({}, { __value__: ['a'] }, { __value__: 3 }, 'euler', 'normal', 'nearest-exact', 'constructor'),
);

/** Nodes of random classes with random literals, each with a preview behind it, so that it is needed. */
const graphs: fc.Arbitrary<Graph> = fc
  .array(
    fc.constantFrom(...plainClasses).chain(([class_type, { inputs }]) =>
      fc
        .record({
          inputs: fc.record(Object.fromEntries([...inputs.keys()].map((name) => [name, anyLiteral])), {
            requiredKeys: [],
          }),
        })
        .map((node) => ({ class_type, ...node })),
    ),
    { minLength: 1, maxLength: 4 },
  )
  .map((nodes) =>
    graphSchema.parse(
      Object.fromEntries(
        nodes.flatMap((node, i) => [
          [`n${i}`, node],
          [`p${i}`, { class_type: 'PreviewAny', inputs: { source: [`n${i}`, 0] } }],
        ]),
      ),
    ),
  );

test('of any literals, what a ComfyUI refuses is found, and nothing else', () => {
  fc.assert(
    fc.property(graphs, (graph) => {
      // A class without outputs cannot be linked to: an error of the link, after which its inputs are not looked at.
      for (const [id, { class_type }] of Object.entries(graph)) {
        if (nodeDefinitions.get(class_type)?.outputs.length === 0) delete graph[id.replace('n', 'p')];
      }
      const { error, nodeErrors } = validatePrompt(structuredClone(graph), null, stock.nodeDefinitions, () => true);
      expect(told(validateGraph(graph, nodeDefinitions))).toEqual(refused({ error, node_errors: nodeErrors }));
    }),
    { numRuns: 500 },
  );
});

const graphOf = (inputs: { [name: string]: Json }, class_type = 'EmptyImage'): Graph => ({
  1: { class_type, inputs },
  2: { class_type: 'SaveImage', inputs: { images: ['1', 0], filename_prefix: 'x' } },
});
const whole = { width: 64, height: 64, batch_size: 1, color: 0 };

test('says what was expected, what was given, and what there is', () => {
  expect(validateGraph(graphOf({ ...whole, width: 0, height: 'tall' }), nodeDefinitions)).toEqual([
    expect.objectContaining({ kind: 'too_small', given: 0, message: 'expected an integer of 1 to 16384, got 0' }),
    expect.objectContaining({ kind: 'type', given: 'tall', message: 'expected an integer of 1 to 16384, got "tall"' }),
  ]);
  const [issue] = validateGraph(graphOf(whole, 'EmptyImages'), nodeDefinitions);
  expect(issue).toMatchObject({ nodeId: '1', classType: 'EmptyImages', input: null, given: 'EmptyImages' });
  expect(issue?.options).toContain('EmptyImage');
});

test('what no result needs is not looked at, but for its class', () => {
  const graph = graphOf(whole);
  const aside = { ...graph, 3: { class_type: 'EmptyImage', inputs: { width: 'x' } } };
  expect(validateGraph(aside, nodeDefinitions)).toEqual([]);
  expect(validateGraph({ ...aside, 4: { class_type: 'Gone', inputs: {} } }, nodeDefinitions)).toMatchObject([
    { nodeId: '4' },
  ]);
  // Neither what only an input that the class does not have would need.
  const { 2: save } = graph;
  const stray = { ...aside, 2: { class_type: 'SaveImage', inputs: { ...save?.inputs, more: ['3', 0] } } };
  expect(validateGraph(stray, nodeDefinitions)).toEqual([]);
});

test('inputs that files are brought for are left out, and nothing else is', () => {
  const graph = graphOf({ ...whole, width: 0, height: 0 });
  expect(told(validateGraph(graph, nodeDefinitions, { except: [{ node: '1', input: 'width' }] }))).toEqual([
    '1.height too_small',
  ]);
  expect(validateGraph(graphOf({ image: 'not there.png' }, 'LoadImage'), nodeDefinitions)).toEqual([]);
  expect(told(validateGraph(graphOf({}, 'LoadImage'), nodeDefinitions))).toEqual(['1.image missing']);
});

test('a list of several choices is one of values, not of links', () => {
  const own = objectInfoSchema.parse({
    Pick: {
      input: { required: { tags: ['COMBO', { multiselect: true, options: ['a', 'b', 1] }] } },
      output_node: true,
    },
  });
  const pick = (tags: Json) => told(validateGraph({ 1: { class_type: 'Pick', inputs: { tags } } }, own));
  expect(pick({ __value__: ['a', 1] })).toEqual([]);
  expect(pick('b')).toEqual([]);
  expect(pick(true)).toEqual([]);
  expect(pick({ __value__: ['a', 'c'] })).toEqual(['1.tags choice']);
});

test('dynamic inputs take anything, and what they link to is needed', () => {
  const graph: Graph = {
    1: { class_type: 'EmptyImage', inputs: { width: 0 } },
    2: {
      class_type: 'SaveVideo',
      inputs: { video: ['3', 0], filename_prefix: 'x', format: 'mp4', 'format.codec': 'h264', 'format.more': ['1', 0] },
    },
    3: { class_type: 'LoadVideo', inputs: { file: 'x.mp4' } },
  };
  expect(told(validateGraph(graph, nodeDefinitions))).toEqual([
    '1.batch_size missing',
    '1.color missing',
    '1.height missing',
    '1.width too_small',
  ]);
});

test('a circle ends', () => {
  const invert = (from: string) => ({ class_type: 'ImageInvert', inputs: { image: [from, 0] } });
  expect(validateGraph({ ...graphOf({}), 1: invert('3'), 3: invert('1') }, nodeDefinitions)).toEqual([]);
});

test('names of object properties are classes and inputs like any other', () => {
  const graph = graphOf(whole, 'constructor');
  expect(told(validateGraph(graph, nodeDefinitions))).toEqual(['1.null class']);
  const own = objectInfoSchema.parse({ A: { input: { required: { toString: ['INT', {}] } }, output_node: true } });
  expect(told(validateGraph({ 1: { class_type: 'A', inputs: {} } }, own))).toEqual(['1.toString missing']);
});

describe('lists and limits', () => {
  const declared = {
    input: {
      required: { file: [['a.mp4', 'b.mp4']], count: ['INT', { min: 1, max: 9 }], tags: ['COMBO', { options: ['x'] }] },
    },
    output_node: true,
  };
  const at = (python_module: string | undefined) => objectInfoSchema.parse({ Load: { ...declared, python_module } });
  const beyond = { file: 'sub/new.mp4', count: 10, tags: 'y' };
  const load = (inputs: { [name: string]: Json }): Graph => ({ 1: { class_type: 'Load', inputs } });

  test.each(['nodes', 'comfy_extras.nodes_video', 'comfy_api_nodes.nodes_x', undefined])(
    'of a class of ComfyUI itself are certain (%s)',
    (module) => {
      expect(told(validateGraph(load(beyond), at(module)))).toEqual([
        '1.count too_big',
        '1.file choice',
        '1.tags choice',
      ]);
    },
  );

  test.each(['custom_nodes.ComfyUI-VideoHelperSuite', 'custom_nodes.nodes', 'nodes_of_mine', ''])(
    'of a class of a pack are not, since it may check them by itself (%s)',
    (module) => {
      expect(validateGraph(load(beyond), at(module))).toEqual([]);
      expect(told(findGraphIssues(load(beyond), at(module)))).toEqual([
        '1.count too_big',
        '1.file choice',
        '1.tags choice',
      ]);
      expect(findGraphIssues(load(beyond), at(module)).some(({ certain }) => certain)).toBe(false);
    },
  );

  test('before 0.8 a list among the options is not checked, and still says what there is', () => {
    const before = objectInfoBefore08Schema.parse({ Load: declared });
    const stored = parseNodeDefinitions(encodeNodeDefinitions(before).text);
    for (const known of [before, stored]) {
      expect(told(validateGraph(load(beyond), known))).toEqual(['1.count too_big', '1.file choice']);
      expect(told(findGraphIssues(load(beyond), known))).toContain('1.tags choice');
    }
  });

  test('a list that is a tuple in Python is not checked where it stands in place of the type', () => {
    const graph: Graph = { 1: { class_type: 'LoraSave', inputs: { lora_type: 'x', another: 'x' } } };
    const declaredAs = (list: unknown[]) =>
      objectInfoSchema.parse({
        LoraSave: { input: { required: { lora_type: list, another: [['standard']] } }, output_node: true },
      });
    const old = declaredAs([['standard', 'full_diff']]);
    expect(told(validateGraph(graph, old))).toEqual(['1.another choice']);
    expect(told(findGraphIssues(graph, old))).toContain('1.lora_type choice');
    const later = declaredAs(['COMBO', { options: ['standard', 'full_diff'] }]);
    expect(told(validateGraph(graph, later))).toContain('1.lora_type choice');
  });

  test('whatever a class checks, what is missing or no number is refused', () => {
    const pack = at('custom_nodes.pack');
    expect(told(validateGraph(load({ ...beyond, count: 'many' }), pack))).toEqual(['1.count type']);
    expect(told(validateGraph(load({ count: 10, tags: 'y' }), pack))).toEqual(['1.file missing']);
    expect(told(validateGraph({ ...load(beyond), 2: { class_type: 'Gone', inputs: {} } }, pack))).toEqual([
      '2.null class',
    ]);
  });

  test('whose a class is reaches gateways, and of definitions without it nothing is certain', () => {
    const text = encodeNodeDefinitions(at('nodes')).text;
    expect(validateGraph(load(beyond), parseNodeDefinitions(text))).toHaveLength(3);
    const before = text.replace(/,"stock":true/, '');
    expect(before).not.toBe(text);
    expect(validateGraph(load(beyond), parseNodeDefinitions(before))).toEqual([]);
  });
});

describe('whole numbers of 64 bits, to the last digit', () => {
  const limits: [input: string, declared: string][] = [
    ['seed', '["INT", {"min": 0, "max": 18446744073709551615}]'],
    ['signed', '["INT", {"min": -9223372036854775808, "max": 9223372036854775807}]'],
    ['factor', '["FLOAT", {"min": -18446744073709551615, "max": 18446744073709551615.0}]'],
    ['free', '["INT", {}]'],
  ];
  const inputs = limits.map(([name, declared]) => `"${name}": ${declared}`).join();
  const declared = `{"A": {"input": {"required": {}, "optional": {${inputs}}}, "output_node": true}}`;
  const exact = objectInfoSchema.parse(parseExactJson(declared));

  test.each<[input: string, value: string, issue: string | null]>([
    ['seed', '18446744073709551615', null],
    ['seed', '"18446744073709551615"', null],
    ['seed', '" +18_446_744_073_709_551_615 "', null],
    [
      'seed',
      '18446744073709551616',
      'too_big: expected an integer of 0 to 18446744073709551615, got "18446744073709551616"',
    ],
    [
      'seed',
      '"18446744073709551616"',
      'too_big: expected an integer of 0 to 18446744073709551615, got "18446744073709551616"',
    ],
    [
      'seed',
      '-9007199254740993',
      'too_small: expected an integer of 0 to 18446744073709551615, got "-9007199254740993"',
    ],
    [
      'seed',
      `"${'1'.repeat(4_301)}"`,
      `type: expected an integer of 0 to 18446744073709551615, got "${'1'.repeat(39)}…`,
    ],
    ['signed', '9223372036854775807', null],
    [
      'signed',
      '9223372036854775808',
      'too_big: expected an integer of -9223372036854775808 to 9223372036854775807, got "9223372036854775808"',
    ],
    [
      'signed',
      '-9223372036854775809',
      'too_small: expected an integer of -9223372036854775808 to 9223372036854775807, got "-9223372036854775809"',
    ],
    ['factor', '18446744073709551615', null],
    [
      'factor',
      '-18446744073709551616',
      'too_small: expected a number of -18446744073709551615 to 18446744073709552000, got "-18446744073709551616"',
    ],
    ['free', '123456789012345678901234567890', null],
    ['free', '9007199254740993', null],
  ])('%s: %s', (input, value, issue) => {
    const graph = graphSchema.parse(parseExactJson(`{"1": {"class_type": "A", "inputs": {"${input}": ${value}}}}`));
    // As workers tell gateways of it.
    const stored = parseNodeDefinitions(encodeNodeDefinitions(exact).text);
    for (const known of [exact, stored]) {
      const [found] = validateGraph(graph, known);
      expect(found ? `${found.kind}: ${found.message}` : null).toBe(issue);
    }
  });
});
