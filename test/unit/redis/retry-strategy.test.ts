import { expect, test } from 'vitest';
import { connectRedis } from '../../../src/redis/connection.ts';
import { silent } from '../../support/gateway-store.ts';

test('a connection that is lost is made again for ever, at first soon, and never less often than each second', () => {
  for (const role of ['request', 'durable', 'subscriber'] as const) {
    const redis = connectRedis({ url: 'redis://127.0.0.1:1', role, log: silent });
    const { retryStrategy } = redis.options;
    redis.disconnect();
    expect([1, 2, 3, 4, 5, 6, 1_000].map((times) => retryStrategy?.(times))).toEqual([
      100, 200, 400, 800, 1_000, 1_000, 1_000,
    ]);
  }
});
