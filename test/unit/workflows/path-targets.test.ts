import { deepStrictEqual } from 'node:assert';
import { expect, test } from 'vitest';
import * as z from 'zod';
import type { Json } from '../../../src/core/job.ts';
import { objectInfoSchema } from '../../../src/core/object-info.ts';
import { planOf, putFile } from '../../../src/core/plan.ts';
import { replaceAt, type Step, valueAt } from '../../../src/core/target.ts';
import { bindTemplate, encodeTemplate, parseTemplate, type Template } from '../../../src/core/template.ts';
import { CatalogueError } from '../../../src/workflows/catalogue.ts';
import { checkAgainstServer } from '../../../src/workflows/check-server.ts';
import { loadCatalogue } from '../../../src/workflows/load.ts';
import { workflowsFolder } from './folder.ts';

const row = () => ({ on: true, lora: 'style.safetensors', strength: 0.8, strengthTwo: null });
const graph = {
  '1': { class_type: 'Start', inputs: { steps: 4, picture: { file: 'a.png', all: ['a.png'] } } },
  '50': {
    class_type: 'Power Lora Loader (rgthree)',
    inputs: { lora_1: row(), lora_2: row(), stack: { __value__: [{ name: 'x', weights: [1, 2] }] }, model: ['1', 0] },
  },
};
const target = (...path: Step[]) => ({ node: '50', input: 'lora_1', path });
const float = (...targets: object[]) => ({ type: 'float', description: 'd', targets });
const strength = float(target('strength'), { node: '50', input: 'lora_2', path: ['strength'] });
const lora = { type: 'model', description: 'd', model: 'LoraLoader.lora_name', targets: [target('lora')] };

async function load(parameters: object) {
  const manifest = { title: 't', description: 'd', parameters };
  const dir = await workflowsFolder({ 'a/graph.json': graph, 'a/manifest.json': manifest });
  return loadCatalogue({ dir, maxMegapixels: 4 });
}

async function loaded(parameters: object) {
  const workflow = (await load(parameters)).get('a');
  if (!workflow) throw new Error('it did not load');
  return workflow;
}

async function faultsOf(parameters: object): Promise<string[]> {
  const error = await load(parameters).catch((reason: unknown) => reason);
  if (!(error instanceof CatalogueError)) throw new Error('expected faults');
  return error.faults.map(({ field, reason }) => `${field}: ${reason}`);
}

test('values inside of objects are set, and what is beside them and the template stay as they are', async () => {
  const weight = float({ node: '50', input: 'stack', path: ['__value__', 0, 'weights', 1] });
  const { template } = await loaded({ strength, lora, weight });
  const read = parseTemplate(template.text);
  const before = structuredClone(read);
  const bound = bindTemplate(read, { strength: 0.25, lora: 'other.safetensors', weight: 7 });
  const expected: { [id: string]: { inputs: { [name: string]: Json } } } = structuredClone(graph);
  Object.assign(expected['50']?.inputs ?? {}, {
    lora_1: { ...row(), strength: 0.25, lora: 'other.safetensors' },
    lora_2: { ...row(), strength: 0.25 },
    stack: { __value__: [{ name: 'x', weights: [1, 7] }] },
  });
  deepStrictEqual(bound, expected);
  deepStrictEqual(read, before);
  deepStrictEqual(bindTemplate(read, {}), read.graph);
});

test('a parameter that a value inside of an object leaves empty takes one', async () => {
  const workflow = await loaded({ two: float(target('strengthTwo')) });
  const parsed = workflow.parse({ two: 0.5 }, []);
  const bound = bindTemplate(parseTemplate(workflow.template.text), parsed.parameters);
  expect(bound['50']?.inputs.lora_1).toEqual({ ...row(), strengthTwo: 0.5 });
});

test('a list inside of an object is put there as it is, since only inputs may be links', async () => {
  const { template } = await loaded({
    weights: { ...float({ node: '50', input: 'stack', path: ['__value__', 0, 'weights'] }), list: true },
  });
  const bound = bindTemplate(parseTemplate(template.text), { weights: [3, 4] });
  expect(bound['50']?.inputs.stack).toEqual({ __value__: [{ name: 'x', weights: [3, 4] }] });
});

test('files are put inside of objects, one or a list of them', async () => {
  const file = (path: Step[], more = {}) => ({
    type: 'file',
    file: 'image',
    description: 'd',
    targets: [{ node: '1', input: 'picture', path }],
    ...more,
  });
  const { template } = await loaded({ one: file(['file']), all: file(['all'], { list: true }) });
  const upload = '01890a5d-ac96-774b-bcce-b302099a8057';
  const parsed = parseTemplate(template.text);
  const plan = planOf(parsed, { one: { upload }, all: [{ upload }, { upload }] });
  const own = structuredClone(plan.graph);
  for (const place of plan.files) putFile(own, place, `${place.at.join(' ')}.png`);
  expect(own['1']?.inputs.picture).toEqual({ file: 'one.png', all: ['all 0.png', 'all 1.png'] });
  expect(parsed.graph['1']?.inputs.picture).toEqual({ file: 'a.png', all: ['a.png'] });
});

/** The schema of a template's parameters before there were paths: it leaves out what it does not know. */
const earlier = z.record(z.string(), z.object({ targets: z.array(z.object({ node: z.string(), input: z.string() })) }));

test('a version that knows no paths refuses the template, and does not overwrite the whole object', async () => {
  const withPath = JSON.parse((await loaded({ strength })).template.text);
  expect(earlier.safeParse(withPath.parameters).success).toBe(false);
  const without = JSON.parse((await loaded({ steps: float({ node: '1', input: 'steps' }) })).template.text);
  expect(earlier.parse(without.parameters)).toEqual(without.parameters);
});

test('a template with paths survives its text', async () => {
  const { template } = await loaded({ strength, lora });
  const read = parseTemplate(template.text);
  expect(read.parameters.strength?.targets).toEqual(strength.targets);
  expect(template).toMatchObject(encodeTemplate(read));
});

const NOWHERE: [what: string, path: Step[], reason: string][] = [
  [
    'a key that is not there',
    ['stregth'],
    'lora_1 of node 50 has no "stregth"; it has on, lora, strength, strengthTwo',
  ],
  ['a key that every object inherits', ['constructor'], 'lora_1 of node 50 has no "constructor"; it has on, lora'],
  ['__proto__', ['__proto__'], 'lora_1 of node 50 has no "__proto__"; it has on, lora'],
  ['the key of a text', ['lora', 'length'], 'lora_1.lora of node 50 has no "length"; it is "style.safetensors"'],
  ['an index of an object', [0], 'lora_1 of node 50 has no 0; it has on, lora'],
];

test.for(NOWHERE)('a path to %s is a fault that says what there is', async ([, path, reason]) => {
  const [fault, ...others] = await faultsOf({ it: float(target(...path)) });
  expect(fault).toContain(`parameters.it.targets.0.path: ${reason}`);
  expect(others).toEqual([]);
});

test('a path has to lead to a value of the type, and not into a link, a plain value or out of a list', async () => {
  const into = (input: string, ...path: Step[]) => ({ it: float({ node: '50', input, path }) });
  expect(await faultsOf(into('lora_1', 'on'))).toEqual([
    'parameters.it.targets.0.path: takes a boolean in graph.json (true), not a number',
  ]);
  expect(await faultsOf(into('model', 0))).toEqual([
    'parameters.it.targets.0.input: "model" of node 50 (Power Lora Loader (rgthree)) is a link to another node',
  ]);
  expect(await faultsOf(into('stack', '__value__', 7))).toEqual([
    'parameters.it.targets.0.path: stack.__value__ of node 50 has no 7; it is a list of 1',
  ]);
  expect(await faultsOf({ it: float({ node: '1', input: 'steps', path: ['x'] }) })).toEqual([
    'parameters.it.targets.0.path: steps of node 1 has no "x"; it is 4',
  ]);
  const [empty] = await faultsOf(into('lora_1'));
  expect(empty).toContain('parameters.it.targets.0.path: Too small');
  const [negative] = await faultsOf(into('stack', '__value__', -1));
  expect(negative).toContain('parameters.it.targets.0.path.1');
});

test('two parameters for one place are refused, also where one place is inside of the other', async () => {
  const whole = { ...float({ node: '50', input: 'stack' }), list: true };
  const item = float({ node: '50', input: 'stack', path: ['__value__', 0, 'weights', 0] });
  expect(await faultsOf({ strength, again: float(target('strength')) })).toEqual([
    'parameters.again.targets.0: lora_1.strength of node 50 is set by strength already',
  ]);
  expect(await faultsOf({ item, whole })).toEqual([
    'parameters.whole.targets.0: stack of node 50 is set by item (stack.__value__.0.weights.0) already',
  ]);
  expect(await faultsOf({ whole, item })).toEqual([
    'parameters.item.targets.0: stack.__value__.0.weights.0 of node 50 is set by whole (stack) already',
  ]);
  await expect(loaded({ lora, strength, two: float(target('strengthTwo')) })).resolves.toBeDefined();
});

test('what a server says of an input is not told of a value inside of it', async () => {
  const server = objectInfoSchema.parse({
    Start: { input: { required: { steps: ['INT', { max: 9 }] } }, python_module: 'nodes' },
    'Power Lora Loader (rgthree)': {
      input: { optional: { lora_1: ['INT', { max: 1 }] } },
      output_node: true,
      python_module: 'nodes',
    },
  });
  const workflow = await loaded({ it: { ...float(target('strength')), default: 0.5, limits: { maximum: 5 } } });
  expect(checkAgainstServer(workflow, server).map(({ file, field }) => `${file} ${field}`)).toEqual([
    'a/graph.json 50.inputs.lora_1',
  ]);
});

test('a template whose path leads nowhere is a fault, and nothing that is inherited is changed', () => {
  for (const path of [['x'], ['__proto__', 'y'], ['constructor'], ['lora', 0]]) {
    const broken: Template = {
      name: 't',
      graph,
      parameters: { it: { targets: [{ node: '50', input: 'lora_1', path }] } },
    };
    expect(() => bindTemplate(broken, { it: 1 })).toThrow(
      `t: it goes to 50.lora_1.${path.join('.')}, which the graph does not have`,
    );
  }
  expect(Object.keys(Object.prototype)).toEqual([]);
  expect(() => replaceAt({}, ['x'], 1)).toThrow(RangeError);
  expect(valueAt([1], [1])).toBeUndefined();
});
