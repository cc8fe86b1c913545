import { randomUUID } from 'node:crypto';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { createFolderStore } from '../../../src/artifacts/folder/folder.ts';
import { createRedisSweeperStore } from '../../../src/job-record/redis/redis-sweeper-store.ts';
import { startSweeper } from '../../../src/jobs/sweeper.ts';
import { createBullQueue } from '../../../src/queue/bullmq/bullmq.ts';
import { createRedisUploads } from '../../../src/uploads/redis/redis-uploads.ts';
import { newJob, openStores, silent } from '../../support/gateway-store.ts';
import { startTestRedis, type TestRedis } from '../../support/redis.ts';

let server: TestRedis;
beforeAll(async () => {
  server = await startTestRedis();
});
afterAll(() => server.close());

/** What a sweeper is made of, on a prefix of its own. */
async function openParts(test: { onTestFinished(dispose: () => unknown): void }) {
  const stores = await openStores(server.url);
  test.onTestFinished(stores.close);
  const { redis, keys, gateway } = stores;
  const queue = createBullQueue(redis, keys, silent);
  test.onTestFinished(() => queue.close());
  const folder = join(tmpdir(), `comfygate-${randomUUID()}`);
  const publicUrl = 'http://gateway.test';
  const artifacts = createFolderStore({ folder, publicUrl, signingSecret: 's'.repeat(32), now: Date.now });
  test.onTestFinished(() => artifacts.close());
  const sweeperStore = createRedisSweeperStore(redis, keys, 60_000);
  const uploads = createRedisUploads(redis, keys);
  return { redis, keys, store: gateway, sweeperStore, queue, artifacts, uploads, log: silent, intervalMs: 20 };
}

it('looks at ten thousand open jobs in one run, and goes on from there in the next', async (test) => {
  const parts = await openParts(test);
  const { redis, keys, queue, sweeperStore } = parts;
  const members = Array.from({ length: 10_300 }, (_, i) => [Date.now() + 3_600_000 + i, `job ${i}`]).flat();
  await redis.zadd(keys.open, ...members);
  const steps: string[] = [];
  vi.spyOn(sweeperStore, 'tickets').mockImplementation(async (_madeBefore, [first = 'none', ...more]) => {
    steps.push(`${first} and ${more.length} more`);
    return { tickets: [], strays: [], gone: [] };
  });
  // Comes behind the walk in each run.
  vi.spyOn(queue, 'promoteMisdated').mockImplementation(async () => {
    steps.push('over');
    return [];
  });
  const sweeper = startSweeper(parts);
  test.onTestFinished(() => sweeper.close());
  await vi.waitFor(() => expect(steps.filter((step) => step === 'over').length).toBeGreaterThan(2));
  const walk = Array.from({ length: 20 }, (_, i) => `job ${i * 500} and 499 more`);
  expect(steps.slice(0, 44)).toEqual([...walk, 'over', 'job 10000 and 299 more', 'over', ...walk, 'over']);
});

it('adds a missing ticket again only once its gateway has had time to, and never one that has ended', async (test) => {
  const parts = await openParts(test);
  const { redis, keys, queue, store: gateway } = parts;
  const [young, old] = [newJob({ deadlineMs: 60_000 }), newJob({ deadlineMs: 120_000 })];
  for (const job of [young, old]) await gateway.accept(job);
  const createdAt = Number(await redis.hget(keys.job(young.id), 'createdAt'));
  // Younger than any time that this test may take on a slow machine.
  await redis.zadd(keys.fair('spare'), createdAt + 600_000, young.id);
  // It ends while the walk is under way: the index that was read still has it.
  const ended = newJob({ deadlineMs: 30_000 });
  await gateway.accept(ended);
  await gateway.requestCancel(ended.id);
  await redis.zadd(keys.open, createdAt + 30_000, ended.id);
  await redis.zrem(keys.fair('spare'), ended.id);
  const add = vi.spyOn(queue, 'add');
  const sweeper = startSweeper(parts);
  test.onTestFinished(() => sweeper.close());
  await vi.waitFor(async () => expect(await queue.missing([old.id])).toEqual([]));
  expect(add.mock.calls.map(([id]) => id)).toEqual([old.id]);
  expect(await queue.missing([young.id])).toEqual([young.id]);

  await redis.zadd(keys.fair('spare'), createdAt, young.id);
  await vi.waitFor(async () => expect(await queue.missing([young.id])).toEqual([]));
});
