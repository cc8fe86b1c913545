import { expect, test } from 'vitest';
import type { Workflow } from '../../../src/workflows/catalogue.ts';
import { loadCatalogue } from '../../../src/workflows/load.ts';
import { graph, manifest, parameters, workflowsFolder } from './folder.ts';

/** A workflow with one more parameter, or another of the same name; its `text` is required. */
async function workflowWith(name: string, parameter: object, rest: object = {}): Promise<Workflow> {
  const changed = { ...manifest, ...rest, parameters: { ...parameters, [name]: parameter } };
  const dir = await workflowsFolder({ 'a/graph.json': graph, 'a/manifest.json': changed });
  const workflow = (await loadCatalogue({ dir, maxMegapixels: 4 })).get('a');
  if (!workflow) throw new Error('not loaded');
  return workflow;
}

const outcome = (workflow: Workflow, input: { [name: string]: unknown }) => {
  const parsed = workflow.parse({ text: 'x', ...input }, []);
  return parsed.ok
    ? parsed.parameters
    : parsed.issues.map(({ path, code, message }) => `${path.join('.')} ${code}: ${message}`);
};

test('a list is checked item by item, each fault under its index', async () => {
  const list = {
    ...parameters.count,
    list: true,
    default: [1],
    limits: { minimum: 1, maximum: 4, minItems: 1, maxItems: 3 },
  };
  const workflow = await workflowWith('count', list);
  expect(outcome(workflow, { count: [4, 1] })).toMatchObject({ count: [4, 1] });
  expect(outcome(workflow, { count: [0, 1, null] })).toEqual([
    'count.0 too_small: expected an integer from 1 to 4, got 0',
    'count.2 invalid_type: expected an integer from 1 to 4, got nothing',
  ]);
  expect(outcome(workflow, { count: [] })).toEqual(['count too_small: expected a list of 1 to 3, got a list of 0']);
  expect(outcome(workflow, { count: [1, 1, 1, 1] })).toEqual([
    'count too_big: expected a list of 1 to 3, got a list of 4',
  ]);
  expect(outcome(workflow, { count: 1 })).toEqual(['count invalid_type: expected a list of 1 to 3, got 1']);
});

test('the default of a list is a new one each time', async () => {
  const workflow = await workflowWith('count', { ...parameters.count, list: true, default: [1] });
  const first = workflow.parse({ text: 'x' }, []);
  if (first.ok && Array.isArray(first.parameters.count)) first.parameters.count.push(9);
  expect(outcome(workflow, {})).toMatchObject({ count: [1] });
});

test('a list without a limit is bounded all the same', async () => {
  const workflow = await workflowWith('count', { ...parameters.count, list: true, default: null });
  const ones = Array.from({ length: 101 }, () => 1);
  expect(outcome(workflow, { count: ones.slice(1).map(() => 9) })).toHaveLength(50);
  expect(outcome(workflow, { count: ones })).toEqual(['count too_big: expected a list of 0 to 100, got a list of 101']);
});

test('a multiple of a fraction is one to a person', async () => {
  const workflow = await workflowWith('on', parameters.on);
  for (const scale of [0, 0.1, 0.3, 0.7, 1]) expect(outcome(workflow, { scale })).toMatchObject({ scale });
  expect(outcome(workflow, { scale: 0.25 })).toEqual([
    'scale not_multiple_of: expected a number from 0 to 1, a multiple of 0.1, got 0.25',
  ]);
});

test('-0 is 0', async () => {
  const workflow = await workflowWith('on', parameters.on);
  expect(Object.is((outcome(workflow, { scale: -0 }) as { scale: number }).scale, 0)).toBe(true);
});

test('a parameter that is named as what every object has is one like others', async () => {
  const workflow = await workflowWith('constructor', {
    ...parameters.on,
    targets: [{ node: '2', input: 'width' }],
    type: 'int',
    default: null,
  });
  expect(Object.hasOwn(outcome(workflow, {}), 'constructor')).toBe(false);
  expect(
    Object.hasOwn(
      workflow.complete({ text: 'x' }, () => 1),
      'constructor',
    ),
  ).toBe(false);
  expect(outcome(workflow, { constructor: 8 })).toMatchObject({ constructor: 8 });
});

test('a seed is drawn within its own range', async () => {
  const seed = { ...parameters.seed, limits: { minimum: 10, maximum: 19 } };
  const workflow = await workflowWith('seed', seed);
  for (const [random, drawn] of [
    [0, 10],
    [9, 19],
    [10, 10],
    [2 ** 53 - 1, 11],
  ] as const) {
    expect(workflow.complete({ text: 'x' }, () => random).seed).toBe(drawn);
  }
});

test('megapixels count decimal: 4 are 4,000,000 pixels', async () => {
  const size = (input: string) => ({ type: 'int', description: 'd', required: true, targets: [{ node: '2', input }] });
  const withSize = { ...parameters, width: size('width'), height: size('height') };
  const files = {
    'a/graph.json': graph,
    'a/manifest.json': { ...manifest, parameters: withSize, constraints: [{ megapixels: ['width', 'height'] }] },
  };
  const workflow = (await loadCatalogue({ dir: await workflowsFolder(files), maxMegapixels: 4 })).get('a');
  if (!workflow) throw new Error('not loaded');
  expect(outcome(workflow, { width: 2000, height: 2000 })).toMatchObject({ width: 2000, height: 2000 });
  expect(outcome(workflow, { width: 2000, height: 2001, scale: 2 })).toEqual([
    'scale too_big: expected a number from 0 to 1, a multiple of 0.1, got 2',
    'width too_big: expected width x height of at most 4 megapixels, got 2000 x 2001 = 4.002',
  ]);
  expect(outcome(workflow, { width: 2 ** 31, height: 2 })).toEqual([
    'width too_big: expected an integer from -2147483648 to 2147483647, got 2147483648',
  ]);
});
