import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { anonymous } from '../../../src/callers/identity.ts';
import type { JobEvent } from '../../../src/core/events.ts';
import type { JobFilter } from '../../../src/core/job.ts';
import { createRedisChanges } from '../../../src/progress/redis/redis-changes.ts';
import { createRedisProgress } from '../../../src/progress/redis/redis-progress.ts';
import { closeRedis, connectRedis, whenReady } from '../../../src/redis/connection.ts';
import { newJob, openStores, silent } from '../../support/gateway-store.ts';
import { startTestRedis, type TestRedis } from '../../support/redis.ts';

let server: TestRedis;
beforeAll(async () => {
  server = await startTestRedis();
});
afterAll(() => server.close());

async function open(test: { onTestFinished(dispose: () => unknown): void }) {
  const stores = await openStores(server.url);
  test.onTestFinished(stores.close);
  const subscriber = connectRedis({ url: server.url, role: 'subscriber', log: silent });
  test.onTestFinished(() => closeRedis(subscriber));
  await whenReady(subscriber);
  const accept = async () => {
    const accepted = await stores.gateway.accept(newJob());
    if (accepted.outcome !== 'created') throw new Error(accepted.outcome);
    return accepted.job.id;
  };
  return { ...stores, subscriber, accept };
}

const all: JobFilter = { status: null, workflow: null, tag: null, createdAfter: null, createdBefore: null };

it('a later watcher of all jobs gets no change that an earlier one is still owed', async (test) => {
  const { redis, keys, subscriber, accept } = await open(test);
  const changes = createRedisChanges({ redis, subscriber, keys, log: silent, checkIntervalMs: 3_600_000 });
  test.onTestFinished(() => changes.close());
  const watch = async () => {
    const iterator = await changes.watch({ identity: anonymous, filter: all });
    const seen: string[] = [];
    void (async () => {
      for await (const { job } of iterator) seen.push(job.id);
    })();
    return seen;
  };
  const first = await watch();
  // What is published now is heard by nobody.
  await subscriber.unsubscribe(keys.changes('anonymous'));
  const before = await accept();
  const second = await watch();
  await vi.waitFor(() => expect(first).toEqual([before]));
  await subscriber.subscribe(keys.changes('anonymous'));
  const after = await accept();
  await vi.waitFor(() => expect(second).toEqual([after]));
  await vi.waitFor(() => expect(first).toEqual([before, after]));
});

it('a watcher learns that Redis lost writes although the number is the same again', async (test) => {
  const { redis, keys, subscriber, worker, accept } = await open(test);
  const feed = createRedisProgress({ redis, subscriber, keys, log: silent, checkIntervalMs: 50 });
  test.onTestFinished(() => feed.close());
  const id = await accept();
  await worker.claim(id);
  const events = await feed.watch({ jobId: id, identity: anonymous, afterSeq: null });
  const next = async (): Promise<JobEvent | undefined> => (await events.next()).value;
  expect(await next()).toMatchObject({ type: 'SNAPSHOT', seq: 2, job: { status: 'RUNNING' } });
  await redis.hset(keys.job(id), 'status', 'QUEUED');
  expect(await next()).toMatchObject({ type: 'SNAPSHOT', seq: 2, job: { status: 'QUEUED' } });
});
