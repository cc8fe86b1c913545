import { isInputObjectType, parse, validate } from 'graphql';
import { expect, test } from 'vitest';
import { sampleCall, sampleValues } from '../../../src/cli/sample-call.ts';
import { createSchema } from '../../../src/graphql/schema.ts';
import type { Workflow } from '../../../src/workflows/catalogue.ts';
import { inputTypeName } from '../../../src/workflows/check-names.ts';
import { loadCatalogue } from '../../../src/workflows/load.ts';
import { shippedCatalogue, testGraph, testServices } from '../../support/graph-services.ts';
import { at, graph, manifest, parameters, workflowsFolder } from '../workflows/folder.ts';

const UPLOAD = '0197a0c5-6f8e-7d40-8a3b-1c2d3e4f5a6b';
const url = 'https://example.org/a';
const files = { image: { upload: UPLOAD }, mask: { url }, audio: { url }, video: { url } };

/** The sample, and what the use case of `generate` would get of it. */
async function call(workflow: Workflow) {
  const services = await testServices();
  services.catalogue = { workflows: [workflow], get: () => workflow };
  const schema = createSchema(services.catalogue);
  const type = schema.getType(inputTypeName(workflow.name));
  if (!isInputObjectType(type)) throw new Error('no input type');
  const text = sampleCall(workflow, type, 'a-key', sampleValues(workflow, files));
  expect(validate(schema, parse(text))).toEqual([]);
  const inputs: { [name: string]: unknown }[] = [];
  services.jobs.generate = async ({ workflow: { input } }) => {
    inputs.push(input);
    throw new Error('seen');
  };
  await (await testGraph(services)).run(text);
  const [input] = inputs;
  if (!input) throw new Error(`it was not called by ${text}`);
  expect(workflow.parse(input, [])).toMatchObject({ ok: true });
  return { text, input };
}

test('the sample of a workflow with texts and files is taken as it is', async () => {
  const workflow = (await shippedCatalogue()).get('inpaint');
  if (!workflow) throw new Error('there is no workflow');
  const { text } = await call(workflow);
  expect(text).toContain('        inpaint: {');
  expect(text).toContain('idempotencyKey: "a-key"');
});

test('what is required has the values of the graph where the workflow takes them, and others where not', async () => {
  const required = Object.fromEntries(
    Object.entries(parameters).map(([name, parameter]) => [name, { ...parameter, default: undefined, required: true }]),
  );
  const width = { type: 'int', description: 'd', required: true, targets: at('width') };
  const dir = await workflowsFolder({
    'a/graph.json': { ...graph, '3': { class_type: 'LoadImage', inputs: { image: 'mine.png' } } },
    'a/manifest.json': {
      ...manifest,
      parameters: {
        ...required,
        text: { ...required.text, limits: { minLength: 40, maxLength: 50 } },
        scale: { ...required.scale, limits: { minimum: 0.35, maximum: 1, multipleOf: 0.1 } },
        width: { ...width, limits: { minimum: 9, maximum: 64, multipleOf: 8 } },
        height: { ...width, list: true, targets: at('height'), limits: { minItems: 1 } },
        image: { type: 'file', description: 'd', file: 'image', required: true, targets: at('image', '3') },
      },
    },
  });
  const workflow = (await loadCatalogue({ dir, maxMegapixels: 4 })).get('a');
  if (!workflow) throw new Error('there is no workflow');
  const { input } = await call(workflow);
  expect(input).toEqual({
    text: 'a lighthouse at dusk, in oil . . . . . .',
    count: 1,
    scale: 0.4,
    on: true,
    method: 'FAST',
    seed: 0,
    file: 'a.safetensors',
    width: 16,
    height: [8],
    image: { upload: UPLOAD },
  });
});

test('what is required inside of an object has the value that is there', async () => {
  const target = { node: '3', input: 'lora_1', path: ['strength'] };
  const strength = { type: 'float', description: 'd', required: true, targets: [target] };
  const row = { class_type: 'Rows', inputs: { lora_1: { on: true, strength: 0.75 } } };
  const dir = await workflowsFolder({
    'a/graph.json': { ...graph, '3': row },
    'a/manifest.json': { ...manifest, parameters: { strength } },
  });
  const workflow = (await loadCatalogue({ dir, maxMegapixels: 4 })).get('a');
  if (!workflow) throw new Error('there is no workflow');
  expect((await call(workflow)).input).toEqual({ strength: 0.75 });
});

test('where nothing is required nothing is given', async () => {
  const { text: _text, ...optional } = parameters;
  const files = { 'a/graph.json': graph, 'a/manifest.json': { ...manifest, parameters: optional } };
  const workflow = (await loadCatalogue({ dir: await workflowsFolder(files), maxMegapixels: 4 })).get('a');
  if (!workflow) throw new Error('there is no workflow');
  expect((await call(workflow)).text).toContain('        a: {}\n');
});
