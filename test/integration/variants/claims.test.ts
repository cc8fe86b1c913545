import { expect, it } from 'vitest';
import { createRedisVariantClaims } from '../../../src/variants/redis/redis-claims.ts';
import { openStores } from '../../support/gateway-store.ts';
import { startTestRedis } from '../../support/redis.ts';

it('claims are answered one by one, are bounded for each artifact, and are removed with it', async (test) => {
  const server = await startTestRedis();
  test.onTestFinished(server.close);
  const stores = await openStores(server.url);
  test.onTestFinished(stores.close);
  const { redis, keys } = stores;
  const claims = createRedisVariantClaims(redis, keys);
  const expiresAt = Date.now() + 600_000;
  // More than one script takes, and one artifact's far apart.
  const wanted = Array.from({ length: 1_203 }, (_, i) => ({ artifactId: `a${i % 401}`, name: `v${i}`, expiresAt }));
  const answers = await claims.claim(wanted, 2);
  expect(answers).toEqual(wanted.map((_, i) => i < 802));
  // What is claimed stays so, and makes no room.
  expect(await claims.claim(wanted.slice(0, 3), 2)).toEqual([true, true, true]);
  expect(await claims.claim([{ artifactId: 'a0', name: 'other', expiresAt }], 2)).toEqual([false]);
  for (const id of ['a0', 'a400']) {
    const life = await redis.pttl(keys.variants(id));
    expect(life).toBeGreaterThan(0);
    expect(life).toBeLessThanOrEqual(600_000);
    expect(await redis.scard(keys.variants(id))).toBe(2);
  }
});
