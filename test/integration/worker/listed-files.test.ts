import type { IncomingMessage, ServerResponse } from 'node:http';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { createRedisBackendDirectory } from '../../../src/backends/redis/redis-backends.ts';
import { createRedisNodeDefinitionsDirectory } from '../../../src/backends/redis/redis-node-definitions.ts';
import { graphSchema } from '../../../src/core/graph.ts';
import { planOf } from '../../../src/core/plan.ts';
import { createRunnableCheck } from '../../../src/jobs/check-runnable.ts';
import { startComfyuiProxy } from '../../support/comfyui-proxy.ts';
import { newJob, silent } from '../../support/gateway-store.ts';
import { stockClasses } from '../../support/node-definitions.ts';
import { startTestRedis, type TestRedis } from '../../support/redis.ts';
import { recordedGraph, startHarness } from './harness.ts';

let redis: TestRedis;
beforeAll(async () => {
  redis = await startTestRedis();
});
afterAll(() => redis.close());

const { objectInfo } = stockClasses();
const MODEL = 'v1-5-pruned-emaonly.safetensors';
const recorded = await recordedGraph('30_text_to_image');
const inputsOf = (id: string) => recorded[id]?.inputs ?? {};
const picture = graphSchema.parse({
  ...recorded,
  3: { ...recorded['3'], inputs: { ...inputsOf('3'), steps: 1 } },
  5: { ...recorded['5'], inputs: { ...inputsOf('5'), width: 64, height: 64 } },
});

/** A simulator that has the model, and a proxy before it that says what its loader lists and whose class that is. */
async function startServer(harness: Awaited<ReturnType<typeof startHarness>>, python_module: string, models: string[]) {
  const simulator = await harness.simulate();
  const proxy = await startComfyuiProxy(simulator.port);
  const server = { simulator, url: proxy.url, models, [Symbol.asyncDispose]: proxy[Symbol.asyncDispose] };
  proxy.onRequest = ({ url = '' }: IncomingMessage, res: ServerResponse) => {
    if (!url.startsWith('/api/object_info')) return false;
    const CheckpointLoaderSimple = {
      ...(objectInfo.CheckpointLoaderSimple as object),
      input: { required: { ckpt_name: [server.models] } },
      python_module,
    };
    const one = url.includes('CheckpointLoaderSimple');
    res.end(JSON.stringify(one ? { CheckpointLoaderSimple } : { ...objectInfo, CheckpointLoaderSimple }));
    return true;
  };
  return server;
}

async function setUp() {
  const harness = await startHarness(redis.url);
  const { redis: connection, keys } = harness.stores;
  const backends = createRedisBackendDirectory(connection, keys);
  const directory = createRedisNodeDefinitionsDirectory({ redis: connection, keys, backends, log: silent });
  const isRunnable = createRunnableCheck(directory);
  return {
    harness,
    /** The codes of what is wrong with the graph, as `generate` would say. */
    async check(graph = picture) {
      const job = newJob({ parameters: { graph } });
      return (await isRunnable(job, planOf(null, { graph }), [])).map(({ code }) => code);
    },
    async known(count: number) {
      await vi.waitFor(
        async () => {
          const seen = await directory.read();
          expect(seen.filter(({ nodeDefinitions }) => nodeDefinitions !== null)).toHaveLength(count);
        },
        { timeout: 20_000 },
      );
    },
    [Symbol.asyncDispose]: harness[Symbol.asyncDispose],
  };
}

test('a model that was copied in a moment ago counts at once, and is looked for only where it is missing', async () => {
  await using parts = await setUp();
  const { harness, check, known } = parts;
  await using server = await startServer(harness, 'nodes', []);
  harness.work({ a: server.url });
  await known(1);
  expect(await check()).toEqual(['not_a_choice']);
  server.models = [MODEL];
  // At once but on a machine that is so slow that the gateway stops waiting: long before the next look at all lists.
  await vi.waitFor(async () => expect(await check()).toEqual([]), { timeout: 20_000 });
  const asked = vi.spyOn(harness.stores.redis, 'publish');
  expect(await check()).toEqual([]);
  expect(asked).not.toHaveBeenCalled();
  const id = await harness.submit(picture);
  expect(await harness.ended(id, 30_000)).toMatchObject({ status: 'SUCCEEDED', submission: { backend: 'a' } });
});

test('what no list of a pack’s class has runs on any server, for the class may take it', async () => {
  await using parts = await setUp();
  const { harness, check, known } = parts;
  await using server = await startServer(harness, 'custom_nodes.pack', ['other.safetensors']);
  harness.work({ a: server.url });
  await known(1);
  expect(await check()).toEqual([]);
  const id = await harness.submit(picture);
  expect(await harness.ended(id, 30_000)).toMatchObject({ status: 'SUCCEEDED', submission: { backend: 'a' } });
});

test('where one server lists it, another worker’s too, jobs go there', async () => {
  await using parts = await setUp();
  const { harness, check, known } = parts;
  await using without = await startServer(harness, 'custom_nodes.pack', ['other.safetensors']);
  await using having = await startServer(harness, 'custom_nodes.pack', [MODEL]);
  harness.work({ without: without.url });
  harness.work({ having: having.url });
  await known(2);
  expect(await check()).toEqual([]);
  const ids = await Promise.all(Array.from({ length: 4 }, () => harness.submit(picture)));
  for (const id of ids) {
    expect(await harness.ended(id, 30_000)).toMatchObject({ status: 'SUCCEEDED', submission: { backend: 'having' } });
  }
  expect(without.simulator.posts).toBe(0);
});
