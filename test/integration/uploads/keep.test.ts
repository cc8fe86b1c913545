import { expect, it } from 'vitest';
import { createRedisUploads } from '../../../src/uploads/redis/redis-uploads.ts';
import { openStores } from '../../support/gateway-store.ts';
import { startTestRedis } from '../../support/redis.ts';

it('keeping an upload makes it expire later, never sooner; an unknown one leaves nothing behind', async (test) => {
  const server = await startTestRedis();
  test.onTestFinished(server.close);
  const stores = await openStores(server.url);
  test.onTestFinished(stores.close);
  const { redis, keys } = stores;
  const uploads = createRedisUploads(redis, keys);
  await uploads.add({ id: 'u', caller: 'a', filename: 'f', contentType: 'image/png', sizeBytes: 1 }, 60_000);
  const goesAt = async () => Number(await redis.zscore(keys.uploads, 'u'));
  const before = await goesAt();
  expect(await uploads.keep('u', 1_000)).toBe(true);
  expect(await goesAt()).toBe(before);
  expect(await uploads.keep('u', 600_000)).toBe(true);
  expect(await goesAt()).toBeGreaterThan(before);

  expect(await uploads.keep('unknown', 60_000)).toBe(false);
  expect(await redis.zrange(keys.uploads, 0, -1)).toEqual(['u']);
});
