import { afterAll, beforeAll, expect, test } from 'vitest';
import { createRedisBackendReporter } from '../../../src/backends/redis/redis-backends.ts';
import { createRedisNodeDefinitionsPublisher } from '../../../src/backends/redis/redis-node-definitions.ts';
import { readKnownClasses } from '../../../src/cli/known-classes.ts';
import { loadConfig } from '../../../src/config/config.ts';
import { objectInfoSchema } from '../../../src/core/object-info.ts';
import { knowingMost } from '../../../src/workflows/known-classes.ts';
import { unknownBackend } from '../../support/backends.ts';
import { freePort } from '../../support/free-port.ts';
import { openStores } from '../../support/gateway-store.ts';
import { startTestRedis, type TestRedis } from '../../support/redis.ts';

let server: TestRedis;

beforeAll(async () => {
  server = await startTestRedis();
});
afterAll(() => server.close());

test('a file is understood by what the workers have reported, a stock ComfyUI where that knows more', async () => {
  const stores = await openStores(server.url);
  try {
    const { durable, keys } = stores;
    const publisher = createRedisNodeDefinitionsPublisher(durable, keys);
    const report = async (name: string, status: 'UP' | 'DOWN', classes: string[]) => {
      const nodeDefinitions = objectInfoSchema.parse(Object.fromEntries(classes.map((each) => [each, {}])));
      return { ...unknownBackend, name, status, catalogue: await publisher.publish(nodeDefinitions) };
    };
    await createRedisBackendReporter(durable, keys).report('worker', [
      await report('away', 'DOWN', ['KSampler', 'FromAPack', 'Gone']),
      await report('here', 'UP', ['KSampler', 'FromAPack']),
    ]);
    const config = loadConfig({ REDIS_URL: server.url, REDIS_PREFIX: keys.tag.slice(1, -2) });
    const notes: string[] = [];
    const { servers, candidates } = await readKnownClasses({}, config, (text) => notes.push(text));
    expect(servers.map((each) => [...each.keys()].sort())).toEqual([
      ['FromAPack', 'KSampler'],
      ['FromAPack', 'Gone', 'KSampler'],
    ]);
    expect(knowingMost(candidates, ['KSampler', 'FromAPack'])).toBe(servers[0]);
    expect(knowingMost(candidates, ['FromAPack', 'Gone'])).toBe(servers[1]);
    expect(knowingMost(candidates, ['KSampler', 'SaveImage'])).toBe(candidates[2]);
    expect(notes).toEqual([]);
  } finally {
    await stores.close();
  }
});

test('where the Redis that is set cannot be reached, a stock ComfyUI is taken and that is said', async () => {
  const config = loadConfig({ REDIS_URL: `redis://:secret@127.0.0.1:${await freePort()}` });
  const notes: string[] = [];
  const { servers, candidates } = await readKnownClasses({}, config, (text) => notes.push(text));
  expect(servers).toEqual([]);
  expect(candidates).toHaveLength(1);
  expect(notes).toEqual([expect.stringMatching(/^Note: Redis cannot be reached.*stock ComfyUI are taken\n$/)]);
});
