import { expect, it } from 'vitest';
import { loadScript } from '../../../src/redis/scripts.ts';
import { openStores } from '../../support/gateway-store.ts';
import { startTestRedis } from '../../support/redis.ts';

it('takes a lock again only of a running delivery that nobody else holds', async (test) => {
  const server = await startTestRedis();
  test.onTestFinished(server.close);
  const stores = await openStores(server.url);
  test.onTestFinished(stores.close);
  const { redis, keys } = stores;
  const retake = loadScript(new URL('../../../src/queue/bullmq/retake-lock.lua', import.meta.url));
  const [active, stalled] = [`${keys.queue}:tickets:active`, `${keys.queue}:tickets:stalled`];
  const lock = (id: string) => `${keys.queue}:tickets:${id}:lock`;
  const again = (id: string) => retake(redis, [active, lock(id), stalled], [id, 'mine', 10_000]);
  await redis.rpush(active, 'held', 'taken');
  await redis.sadd(stalled, 'held', 'taken', 'waiting');
  await redis.set(lock('taken'), 'of another');

  expect(await again('held')).toBe(1);
  expect(await redis.get(lock('held'))).toBe('mine');
  const life = await redis.pttl(lock('held'));
  expect(life).toBeGreaterThan(0);
  expect(life).toBeLessThanOrEqual(10_000);

  expect([await again('taken'), await again('waiting')]).toEqual([0, 0]);
  expect(await redis.get(lock('taken'))).toBe('of another');
  expect(await redis.exists(lock('waiting'))).toBe(0);
  expect((await redis.smembers(stalled)).sort()).toEqual(['taken', 'waiting']);
});
