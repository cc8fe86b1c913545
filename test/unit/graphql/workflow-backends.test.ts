import { expect, test } from 'vitest';
import { objectInfoSchema } from '../../../src/core/object-info.ts';
import { testGraph, testServices } from '../../support/graph-services.ts';
import { stockClasses } from '../../support/node-definitions.ts';

const QUERY = '{ workflow(name: "textToImage") { name backends { backend canRun missing } } }';
const { objectInfo } = stockClasses();
const stock = objectInfoSchema.parse(objectInfo);

test('says which servers can run a workflow and what each of the others lacks', async () => {
  const CheckpointLoaderSimple = { input: { required: { ckpt_name: [['other.safetensors']] } } };
  const bare = new Map([...stock].filter(([name]) => name !== 'VAEDecode'));
  const services = await testServices({
    nodeDefinitions: {
      read: async () => [
        { name: 'whole', status: 'UP', configured: true, nodeDefinitions: stock },
        { name: 'away', status: 'DOWN', configured: true, nodeDefinitions: stock },
        { name: 'bare', status: 'UP', configured: true, nodeDefinitions: bare },
        {
          name: 'other',
          status: 'DRAINING',
          configured: true,
          nodeDefinitions: new Map([...stock, ...objectInfoSchema.parse({ CheckpointLoaderSimple })]),
        },
        { name: 'taken-out', status: 'DOWN', configured: false, nodeDefinitions: stock },
        { name: 'new', status: 'UP', configured: true, nodeDefinitions: null },
      ],
    },
  });
  const { data } = await (await testGraph(services)).run(QUERY);
  const model = expect.stringMatching(/^model \S+\.safetensors \(CheckpointLoaderSimple\.ckpt_name\)$/);
  expect(data.workflow.backends).toEqual([
    { backend: 'whole', canRun: true, missing: [] },
    { backend: 'away', canRun: true, missing: [] },
    { backend: 'bare', canRun: false, missing: ['class VAEDecode'] },
    { backend: 'other', canRun: false, missing: [model] },
  ]);
});

test('is UNAVAILABLE while Redis is away, and says no more', async () => {
  const services = await testServices({
    nodeDefinitions: { read: () => Promise.reject(new Error('connect ECONNREFUSED 10.0.0.1')) },
  });
  const { errors } = await (await testGraph(services)).run(QUERY);
  expect(errors).toMatchObject([{ extensions: { code: 'UNAVAILABLE' } }]);
  expect(JSON.stringify(errors)).not.toContain('ECONNREFUSED');
});
