import { Queue } from 'bullmq';
import { v7 } from 'uuid';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { drainQueueBefore } from '../../../src/queue/bullmq/bullmq.ts';
import { newJob, silent } from '../../support/gateway-store.ts';
import { startTestRedis, type TestRedis } from '../../support/redis.ts';
import { openFairShare } from './fair-share.ts';

let server: TestRedis;
beforeAll(async () => {
  server = await startTestRedis();
});
afterAll(() => server.close());

/** As the version before fair share leaves a job: with no place, and a delivery of its own. */
async function acceptedBefore(test: { onTestFinished(dispose: () => Promise<void>): void }) {
  const share = await openFairShare(server.url);
  test.onTestFinished(share.close);
  const { redis, keys, gateway } = share;
  const before = new Queue('jobs', { connection: redis, prefix: keys.queue, skipVersionCheck: true });
  test.onTestFinished(() => before.close());
  const id = v7();
  await gateway.accept(newJob({ id }));
  await redis.del(...(await redis.keys(`${keys.tag}fair:*`)));
  await before.add('job', null, { jobId: id, priority: 1_000_000, removeOnComplete: true, removeOnFail: true });
  return { ...share, id, before };
}

it('a job of the version before gets its turn from a worker, and is delivered once', async (test) => {
  const { id, before, redis, durable, keys, worker, tickets, pick } = await acceptedBefore(test);
  const draining = drainQueueBefore(durable, keys, worker.adopt, silent);
  test.onTestFinished(() => draining.close());
  await vi.waitFor(async () => expect(await redis.zrange(`${keys.tag}fair:jobs:anonymous`, 0, -1)).toEqual([id]));
  await vi.waitFor(async () => expect(await before.getJob(id)).toBeUndefined());
  expect(await Promise.all([...tickets].map(pick))).toMatchObject([{ id, status: 'QUEUED' }]);
  // Its gateway's sweeper misses it there, and delivers it again.
  await before.add('job', null, { jobId: id, priority: 1_000_000, removeOnComplete: true, removeOnFail: true });
  await vi.waitFor(async () => expect(await before.getJob(id)).toBeUndefined());
  expect(tickets.size).toBe(1);
});

it('one that a worker of the version before died of goes on with the next ticket', async (test) => {
  const { id, worker, tickets, pick } = await acceptedBefore(test);
  await worker.claim(id);
  await worker.adopt(id);
  expect(tickets.size).toBe(1);
  expect(await pick([...tickets][0])).toMatchObject({ id, status: 'RUNNING', attempts: 1 });
});

it('one that its queue has lost is found by the sweeper', async (test) => {
  const { id, sweeper, sweep, pick } = await acceptedBefore(test);
  expect(await sweep()).toMatchObject({ strays: [id] });
  expect(await sweeper.adopt(id)).toBe(id);
  expect(await pick(id)).toMatchObject({ id });
  expect(await sweep()).toMatchObject({ strays: [], tickets: [id] });
});
