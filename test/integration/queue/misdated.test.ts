import { v7 } from 'uuid';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createBullQueue } from '../../../src/queue/bullmq/bullmq.ts';
import { openStores, silent } from '../../support/gateway-store.ts';
import { startTestRedis, type TestRedis } from '../../support/redis.ts';

const HOUR_MS = 3_600_000;
/** BullMQ dates what is put back in milliseconds, with 12 bits behind them for what is of one. */
const BITS = 0x1000;

let server: TestRedis;
beforeAll(async () => {
  server = await startTestRedis();
});
afterAll(() => server.close());

it('delivers at once only what a wrong clock dated: overdue for 10 s, or due in over an hour', async (test) => {
  const stores = await openStores(server.url);
  test.onTestFinished(stores.close);
  const { redis, keys } = stores;
  const queue = createBullQueue(redis, keys, silent);
  test.onTestFinished(() => queue.close());
  const now = Date.UTC(2030, 0, 31);
  const delayed = `${keys.queue}:jobs:delayed`;
  /** Put back by a worker, to be due so many milliseconds from now. */
  async function putBack(dueInMs: number) {
    const id = v7();
    await queue.add(id, 1_000_000);
    await redis
      .multi()
      .zrem(`${keys.queue}:jobs:prioritized`, id)
      .hset(`${keys.queue}:jobs:${id}`, 'delay', 1_000)
      .zadd(delayed, (now + dueInMs) * BITS, id)
      .exec();
    return id;
  }
  const wrong = [await putBack(-10_000), await putBack(-HOUR_MS), await putBack(HOUR_MS), await putBack(HOUR_MS * 50)];
  const right = [await putBack(-9_999), await putBack(0), await putBack(30_000), await putBack(HOUR_MS - 1)];
  expect((await queue.promoteMisdated(now)).sort()).toEqual([...wrong].sort());
  expect(await redis.zrange(delayed, 0, -1)).toEqual(right);
  expect((await queue.positions(wrong)).every((position) => position !== null)).toBe(true);
  expect(await queue.promoteMisdated(now)).toEqual([]);
});
