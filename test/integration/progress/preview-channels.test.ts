import { RedisPubSub } from 'graphql-redis-subscriptions';
import { expect, it, vi } from 'vitest';
import { createPreviewChannels } from '../../../src/progress/redis/redis-previews.ts';
import { closeRedis, connectRedis, whenReady } from '../../../src/redis/connection.ts';
import { openStores, silent } from '../../support/gateway-store.ts';
import { startTestRedis } from '../../support/redis.ts';

it('a gateway reports watched previews while anybody watches; the report expires after ten seconds', async (test) => {
  const server = await startTestRedis();
  test.onTestFinished(server.close);
  const stores = await openStores(server.url);
  test.onTestFinished(stores.close);
  const subscriber = connectRedis({ url: server.url, role: 'subscriber', log: silent });
  test.onTestFinished(() => closeRedis(subscriber));
  await whenReady(subscriber);
  const { redis, keys } = stores;
  const pubsub = new RedisPubSub({ publisher: redis, subscriber });
  const channels = createPreviewChannels({ redis, pubsub, keys, log: silent, refreshIntervalMs: 3_600_000 });
  test.onTestFinished(() => channels.close());
  const flag = keys.previewed('job');
  const ttl = async () => {
    const left = await redis.pttl(flag);
    expect(left).toBeGreaterThan(0);
    expect(left).toBeLessThanOrEqual(10_000);
  };

  const first = channels.open('job', () => undefined);
  await vi.waitFor(ttl);
  // Opened anew before the first one has been let go.
  const second = channels.open('job', () => undefined);
  first[Symbol.dispose]();
  await redis.del(flag);
  await channels.refresh();
  await ttl();
  second[Symbol.dispose]();
  await redis.del(flag);
  await channels.refresh();
  expect(await redis.exists(flag)).toBe(0);
});
