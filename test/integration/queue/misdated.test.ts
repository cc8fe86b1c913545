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

it('delivers at once only what is ten seconds overdue or due in more than an hour', async (test) => {
  const stores = await openStores(server.url);
  test.onTestFinished(stores.close);
  const { redis, keys } = stores;
  const queue = createBullQueue(redis, keys, silent);
  test.onTestFinished(() => queue.close());
  const now = Date.UTC(2030, 0, 31);
  const delayed = `${keys.queue}:tickets:delayed`;
  /** Put back by a worker, to be due so many milliseconds from now. */
  async function putBack(dueInMs: number) {
    const id = v7();
    await queue.add(id);
    await redis
      .multi()
      .zrem(`${keys.queue}:tickets:prioritized`, id)
      .hset(`${keys.queue}:tickets:${id}`, 'delay', 1_000)
      .zadd(delayed, (now + dueInMs) * BITS, id)
      .exec();
    return id;
  }
  const wrong = [await putBack(-10_000), await putBack(-HOUR_MS), await putBack(HOUR_MS), await putBack(HOUR_MS * 50)];
  const right = [await putBack(-9_999), await putBack(0), await putBack(30_000), await putBack(HOUR_MS - 1)];
  expect((await queue.promoteMisdated(now)).sort()).toEqual([...wrong].sort());
  expect(await redis.zrange(delayed, 0, -1)).toEqual(right);
  for (const id of wrong) expect(await redis.zscore(`${keys.queue}:tickets:prioritized`, id)).not.toBeNull();
  expect(await queue.promoteMisdated(now)).toEqual([]);
});
