import { expect, test } from 'vitest';
import { fitToServers } from '../../../src/cli/fit-to-servers.ts';
import { objectInfoSchema } from '../../../src/core/object-info.ts';
import { loadCatalogue } from '../../../src/workflows/load.ts';
import { at, graph, manifest, parameters, workflowsFolder } from '../workflows/folder.ts';

const stock = { python_module: 'nodes', output_node: true };
const serverWith = (files: string[], methods: string[]) =>
  objectInfoSchema.parse({
    Loader: { ...stock, input: { required: { file: [files] } } },
    Sampler: { ...stock, input: { required: { method: [methods] } } },
  });

async function installed(changed: { [parameter: string]: unknown } = {}, nodes = {}) {
  const dir = await workflowsFolder({
    'a/graph.json': { ...graph, ...nodes },
    'a/manifest.json': { ...manifest, parameters: { ...parameters, ...changed } },
  });
  const workflow = (await loadCatalogue({ dir, maxMegapixels: 4 })).get('a');
  if (!workflow) throw new Error('there is no workflow');
  return workflow;
}

test('in place of what no server has, a call gives the nearest that one has, and says so', async () => {
  const workflow = await installed({ file: { ...parameters.file, default: 'sd_v1.safetensors' } });
  const far = serverWith([], ['slow']);
  const near = serverWith(['x.safetensors', 'sd_v1.ckpt', 'sd_v1_b.safetensors'], ['very-slow', 'unheard of', '++']);
  expect(fitToServers(workflow, { text: 'x' }, [far, near])).toEqual({
    values: { text: 'x', file: 'sd_v1_b.safetensors', method: 'VERY_SLOW' },
    changes: [
      'file: no server has sd_v1.safetensors; the call gives sd_v1_b.safetensors',
      'method: no server has fast; the call gives VERY_SLOW',
    ],
    faults: [],
  });
});

test('what the caller must give is fitted too, and what fits stays as it is', async () => {
  const required = { type: 'model', description: 'd', model: 'Loader.file', required: true, targets: at('file', '1') };
  const workflow = await installed({ file: required });
  const server = serverWith(['b.safetensors', 'a.safetensors'], ['fast']);
  const kept = { text: 'x', file: 'a.safetensors' };
  expect(fitToServers(workflow, kept, [server])).toEqual({ values: kept, changes: [], faults: [] });
  expect(fitToServers(workflow, { text: 'x', file: '?' }, [server]).values).toEqual({
    text: 'x',
    file: 'b.safetensors',
  });
});

test('what no call can mend is told', async () => {
  const workflow = await installed({}, { '7': { class_type: 'Unknown', inputs: {} } });
  const { values, changes, faults } = fitToServers(workflow, { text: 'x' }, [serverWith([], ['fast'])]);
  expect({ values, changes }).toEqual({ values: { text: 'x' }, changes: [] });
  expect(faults).toEqual([
    expect.stringMatching(/^node 7 \(Unknown\): the server has no class "Unknown"/),
    expect.stringMatching(/"a\.safetensors" is not a choice\. There is none$/),
  ]);
});

test('where no servers are known, nothing is changed', async () => {
  const values = { text: 'x' };
  expect(fitToServers(await installed(), values, [])).toEqual({ values, changes: [], faults: [] });
});
