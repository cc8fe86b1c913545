import { afterAll, beforeAll, expect, onTestFinished, test, vi } from 'vitest';
import { createRedisBackendReporter } from '../../../src/backends/redis/redis-backends.ts';
import { createLoops } from '../../../src/observability/loops.ts';
import { createBullConsumer } from '../../../src/queue/bullmq/bullmq.ts';
import { openStores, silent } from '../../support/gateway-store.ts';
import { startTestRedis, type TestRedis } from '../../support/redis.ts';
import { type Harness, startHarness } from '../worker/harness.ts';

let server: TestRedis;
let harness: Harness;

beforeAll(async () => {
  server = await startTestRedis();
  harness = await startHarness(server.url);
});
afterAll(async () => {
  await harness[Symbol.asyncDispose]();
  await server.close();
});

test('a worker whose loops turn is not late; one whose reports are stuck is, and is told by name', async () => {
  const simulator = await harness.simulate();
  const reporter = createRedisBackendReporter(harness.stores.durable, harness.stores.keys);
  const nothing = { draining: new Set<string>(), stuck: new Map<string, string>() };
  const answer = Promise.withResolvers<typeof nothing>();
  let stuck = false;
  const worker = harness.work(
    { gpu: simulator.url },
    {
      timings: { late: 1_000, monitor: 50 },
      reporter: {
        ...reporter,
        // Answered here: while Redis is slow, reporting would be late.
        report: () => (stuck ? answer.promise : Promise.resolve(nothing)),
      },
    },
  );
  await vi.waitFor(() => expect(worker.backends()).toMatchObject([{ name: 'gpu', status: 'UP' }]));
  await new Promise((resolve) => setTimeout(resolve, 2_000));
  expect(worker.late().filter(({ name }) => name !== 'taking jobs')).toEqual([]);
  stuck = true;
  await vi.waitFor(() => expect(worker.late().map(({ name }) => name)).toContain('reporting'), { timeout: 10_000 });
  stuck = false;
  answer.resolve(nothing);
});

test('the loop that takes jobs turns while it is idle, and is late when it cannot look into the queue', async () => {
  const stores = await openStores(server.url);
  const loops = createLoops({ lateMs: 6_500 });
  onTestFinished(async () => {
    loops.close();
    await stores.close();
  });
  const watched = { loops, redisAnswers: () => true };
  const consumer = createBullConsumer(stores.durable, stores.keys, async () => ({ done: true }), silent, watched);
  onTestFinished(async () => {
    await stores.redis.call('ACL', 'SETUSER', 'default', '+bzpopmin');
    await consumer.close();
  });
  consumer.setCapacity(1);
  // Each of its waits takes five seconds.
  await new Promise((resolve) => setTimeout(resolve, 8_000));
  expect(loops.late()).toEqual([]);
  // Redis answers everything but what this loop asks.
  await stores.redis.call('ACL', 'SETUSER', 'default', '-bzpopmin');
  await vi.waitFor(() => expect(loops.late().map(({ name }) => name)).toEqual(['taking jobs']), { timeout: 20_000 });
  consumer.setCapacity(0);
  expect(loops.late()).toEqual([]);
}, 60_000);
