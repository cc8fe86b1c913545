import { expect, it } from 'vitest';
import { createRedisVariantClaims } from '../../../src/variants/redis/redis-claims.ts';
import { openStores } from '../../support/gateway-store.ts';
import { startTestRedis } from '../../support/redis.ts';

it('the newest are kept of each original, and what is made again is new', async (test) => {
  const server = await startTestRedis();
  test.onTestFinished(server.close);
  const stores = await openStores(server.url);
  test.onTestFinished(stores.close);
  const { redis, keys } = stores;
  const claims = createRedisVariantClaims(redis, keys, 600_000);
  const claim = (i: number, original = 'a') => claims.claim(original, `v${i}`);
  for (let i = 0; i < 16; i++) expect(await claim(i)).toEqual([]);
  expect(await claim(0)).toEqual([]);
  expect(await claim(16)).toEqual(['v1']);
  // Those of different gateways at one time.
  expect((await Promise.all([claim(17), claim(18)])).flat().sort()).toEqual(['v2', 'v3']);
  expect(await claim(0, 'b')).toEqual([]);
  expect(await redis.zcard(keys.pictures('a'))).toBe(16);
  const life = await redis.pttl(keys.pictures('a'));
  expect(life).toBeGreaterThan(0);
  expect(life).toBeLessThanOrEqual(600_000);
});
