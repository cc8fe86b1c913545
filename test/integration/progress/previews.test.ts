import { afterAll, afterEach, beforeAll, beforeEach, expect, test, vi } from 'vitest';
import type { JobEvent } from '../../../src/core/events.ts';
import type { ProgressFeed } from '../../../src/progress/progress.ts';
import { createRedisPreviewPublisher } from '../../../src/progress/redis/redis-previews.ts';
import { createRedisProgress } from '../../../src/progress/redis/redis-progress.ts';
import { closeRedis, connectRedis, whenReady } from '../../../src/redis/connection.ts';
import { newJob, openStores, silent } from '../../support/gateway-store.ts';
import { callerNamed } from '../../support/identities.ts';
import { startTestRedis, type TestRedis } from '../../support/redis.ts';

let server: TestRedis;
let stores: Awaited<ReturnType<typeof openStores>>;
let feed: ProgressFeed;
let subscriber: ReturnType<typeof connectRedis>;

beforeAll(async () => {
  server = await startTestRedis();
});
afterAll(() => server.close());
beforeEach(async () => {
  stores = await openStores(server.url);
  subscriber = connectRedis({ url: server.url, role: 'subscriber', log: silent });
  await whenReady(subscriber);
  feed = createRedisProgress({ redis: stores.redis, subscriber, keys: stores.keys, log: silent });
});
afterEach(async () => {
  await feed.close();
  await closeRedis(subscriber);
  await stores.close();
});

async function run() {
  const accepted = await stores.gateway.accept(newJob());
  if (accepted.outcome !== 'created') throw new Error(accepted.outcome);
  const { id } = accepted.job;
  const claimed = await stores.worker.claim(id);
  if (claimed.outcome !== 'claimed') throw new Error(claimed.outcome);
  const { lease, progress } = claimed.job;
  const publisher = createRedisPreviewPublisher(stores.durable, stores.keys);
  return {
    id,
    show: (data: string) => publisher.publish(id, { contentType: 'image/jpeg', data }),
    isWatched: async () => {
      const state = await stores.worker.lease(id, lease);
      return state.state === 'held' && state.previews;
    },
    channels: async () => Number((await stores.redis.pubsub('NUMSUB', stores.keys.previews(id)))[1]),
    progress: (fraction: number) =>
      stores.worker.move(id, lease, { move: 'progress', progress: { ...progress, fraction } }),
    succeed: () => stores.worker.move(id, lease, { move: 'succeed', artifacts: [], progress, timings: [] }),
  };
}

const watch = (jobId: string, previews?: boolean, caller = 'anonymous') =>
  feed.watch({ jobId, identity: callerNamed(caller), afterSeq: null, ...(previews === undefined ? {} : { previews }) });

async function next(iterator: AsyncIterator<JobEvent>): Promise<JobEvent> {
  const { done, value } = await iterator.next();
  if (done) throw new Error('the iterator has ended');
  return value;
}

async function rest(iterator: AsyncIterable<JobEvent>): Promise<string[]> {
  const events: string[] = [];
  for await (const { type, seq, preview } of iterator) events.push(`${seq} ${type} ${preview?.data ?? ''}`.trim());
  return events;
}

/** Once the worker is told, the gateway listens. */
const untilWatched = (job: { isWatched(): Promise<boolean> }, watched = true) =>
  vi.waitFor(async () => expect(await job.isWatched()).toBe(watched));

test('a worker learns that somebody watches; all watchers get the same event with the last number', async () => {
  const job = await run();
  const plain = await watch(job.id);
  expect(await job.isWatched()).toBe(false);
  const [first, second] = [await watch(job.id, true), await watch(job.id, true)];
  await untilWatched(job);
  expect(await job.channels()).toBe(1);
  for (const each of [first, second]) expect((await next(each)).type).toBe('SNAPSHOT');
  await job.progress(0.5);
  for (const each of [first, second]) expect((await next(each)).type).toBe('PROGRESS');
  await job.show('abcd');
  const [one, other] = [await next(first), await next(second)];
  expect(one).toMatchObject({ type: 'PREVIEW', seq: 3, preview: { contentType: 'image/jpeg', data: 'abcd' } });
  expect(one.job.progress.fraction).toBe(0.5);
  expect(other).toBe(one);
  await job.succeed();
  expect(await rest(plain)).toEqual(['2 SNAPSHOT', '3 PROGRESS', '4 SUCCEEDED']);
  expect(await rest(first)).toEqual(['4 SUCCEEDED']);
});

test('of those that a slow client has not read yet it gets the newest, and none once the job has ended', async () => {
  const job = await run();
  const [slow, slower] = [await watch(job.id, true), await watch(job.id, true)];
  const reader = await watch(job.id, true);
  await untilWatched(job);
  await next(reader);
  for (const data of ['aaaa', 'bbbb', 'cccc']) {
    await job.show(data);
    await next(reader);
  }
  expect([(await next(slow)).type, (await next(slow)).preview?.data]).toEqual(['SNAPSHOT', 'cccc']);
  await job.succeed();
  expect(await rest(slow)).toEqual(['3 SUCCEEDED']);
  expect(await rest(slower)).toEqual(['2 SNAPSHOT', '3 SUCCEEDED']);
});

test('with the last who watches them nothing is listened to any more', async () => {
  const job = await run();
  const [first, second] = [await watch(job.id, true), await watch(job.id, true)];
  const plain = await watch(job.id);
  await untilWatched(job);
  await first.return?.();
  expect(await job.channels()).toBe(1);
  await second.return?.();
  await vi.waitFor(async () => expect(await job.channels()).toBe(0));
  expect(await stores.redis.ttl(stores.keys.previewed(job.id))).toBeLessThanOrEqual(10);
  expect(feed.stats()).toEqual({ watchers: 1, jobs: 1 });
  await plain.return?.();
});

test('whoever may not see the job, or comes when it has ended, makes nobody work', async () => {
  const job = await run();
  await expect(watch(job.id, true, 'someone else')).rejects.toMatchObject({ details: { code: 'NOT_FOUND' } });
  await job.succeed();
  expect(await rest(await watch(job.id, true))).toEqual(['3 SNAPSHOT', '3 SUCCEEDED']);
  expect(await stores.redis.exists(stores.keys.previewed(job.id))).toBe(0);
  expect(await job.channels()).toBe(0);
});

test('what Redis has forgotten is told again when the connection is back', async () => {
  const job = await run();
  const watching = await watch(job.id, true);
  await untilWatched(job);
  await next(watching);
  await stores.redis.del(stores.keys.previewed(job.id));
  await stores.redis.client('KILL', 'TYPE', 'pubsub');
  // Sooner than the next of the regular times.
  await vi.waitFor(() => untilWatched(job), { timeout: 3_000 });
  await job.show('abcd');
  expect((await next(watching)).preview?.data).toBe('abcd');
});

test('it is told again and again while somebody watches', async () => {
  const job = await run();
  await watch(job.id, true);
  await untilWatched(job);
  await stores.redis.del(stores.keys.previewed(job.id));
  await vi.waitFor(() => untilWatched(job), { timeout: 6_000 });
});

test('what is no preview harms nobody', async () => {
  const job = await run();
  const watching = await watch(job.id, true);
  await untilWatched(job);
  await next(watching);
  for (const junk of ['', 'no JSON', '{}', '{"contentType":"text/html","data":"aaaa"}', '[1]']) {
    await stores.durable.publish(stores.keys.previews(job.id), junk);
  }
  await job.show('abcd');
  expect((await next(watching)).preview?.data).toBe('abcd');
});
