import { readFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { objectInfoSchema } from '../../../src/core/object-info.ts';
import { checkAgainstServer } from '../../../src/workflows/check-server.ts';
import { loadCatalogue } from '../../../src/workflows/load.ts';
import { stockClasses } from '../../support/node-definitions.ts';
import { workflowsFolder } from './folder.ts';

const root = new URL('../../../', import.meta.url);
const server = objectInfoSchema.parse(stockClasses().objectInfo);
const readJson = async (path: string) => JSON.parse(await readFile(new URL(path, root), 'utf8'));

/** The faults of a workflow, as they are told. */
async function faultsOf(manifest: unknown, graph: unknown): Promise<string[]> {
  const dir = await workflowsFolder({ 'a/manifest.json': manifest, 'a/graph.json': graph });
  const workflow = (await loadCatalogue({ dir, maxMegapixels: 4 })).get('a');
  if (!workflow) throw new Error('it did not load');
  return checkAgainstServer(workflow, server).map((fault) => `${fault.file}: ${fault.field}: ${fault.reason}`);
}

test('what is shipped runs on a stock server with its models', async () => {
  const { workflows } = await loadCatalogue({ dir: new URL('workflows', root).pathname, maxMegapixels: 4 });
  expect(workflows).toHaveLength(6);
  for (const workflow of workflows) expect(checkAgainstServer(workflow, server), workflow.name).toEqual([]);
});

test('classes, models, values, limits and choices that the server lacks are named where they stand', async () => {
  const graph = await readJson('workflows/textToImage/graph.json');
  const manifest = await readJson('workflows/textToImage/manifest.json');
  const { steps, model, sampler, batchSize, scheduler } = manifest.parameters;
  graph['3'].inputs.denoise = 1.5;
  graph['5'].inputs.width = 8;
  graph['9'].class_type = 'SaveImages';
  graph['10'] = { class_type: 'PreviewImage', inputs: { images: ['8', 0] } };
  Object.assign(steps, { default: 20_000, limits: { minimum: 0, maximum: 20_000 } });
  Object.assign(batchSize, { limits: {} });
  Object.assign(manifest.parameters.seed, { limits: { maximum: 9 } });
  model.default = 'v1-5-pruned-emaonly.ckpt';
  sampler.enumType = 'Other';
  sampler.choices.push('my_sampler', 'ddim_x');
  scheduler.required = true;
  delete scheduler.default;
  graph['3'].inputs.scheduler = 'not asked for: every caller gives one';
  delete manifest.parameters.width;
  delete manifest.constraints;

  expect(await faultsOf(manifest, graph)).toEqual([
    expect.stringMatching(
      /^a\/graph\.json: 9\.class_type: the server has no class "SaveImages"; did you mean SaveImage/,
    ),
    'a/manifest.json: parameters.steps.default: expected an integer of 1 to 10000, got 20000 (KSampler.steps)',
    'a/graph.json: 3.inputs.denoise: expected a number of 0 to 1, got 1.5 (KSampler)',
    expect.stringMatching(
      new RegExp(
        String.raw`^a/manifest\.json: parameters\.model\.default: "v1-5-pruned-emaonly\.ckpt" is not a choice` +
          String.raw`.*v1-5-pruned-emaonly\.safetensors.*\(CheckpointLoaderSimple\.ckpt_name\)$`,
      ),
    ),
    'a/graph.json: 5.inputs.width: expected an integer of 16 to 16384, got 8 (EmptyLatentImage)',
    'a/manifest.json: parameters.steps.limits.minimum: 0 is below 1, the least that KSampler.steps takes',
    'a/manifest.json: parameters.steps.limits.maximum: 20000 is above 10000, the most that KSampler.steps takes',
    'a/manifest.json: parameters.sampler.choices: KSampler.sampler_name does not take "my_sampler", "ddim_x"',
  ]);
});

test('a seed is held to what its node takes, since it is drawn from all of its range', async () => {
  const seed = { type: 'seed', description: 'd', targets: [{ node: '1', input: 'width' }] };
  const graph = {
    '1': { class_type: 'EmptyImage', inputs: { width: 64, height: 64, batch_size: 1, color: 0 } },
    '2': { class_type: 'SaveImage', inputs: { images: ['1', 0], filename_prefix: 'x' } },
  };
  expect(await faultsOf({ title: 't', description: 'd', parameters: { seed } }, graph)).toEqual([
    'a/manifest.json: parameters.seed.limits.minimum: 0 is below 1, the least that EmptyImage.width takes',
    'a/manifest.json: parameters.seed.limits.maximum: 9007199254740991 is above 16384, the most that ' +
      'EmptyImage.width takes',
  ]);
});
