import { once } from 'node:events';
import { setImmediate as turn } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, beforeEach, expect, it, vi } from 'vitest';
import { anonymous } from '../../../src/callers/identity.ts';
import { noProgress } from '../../../src/core/job.ts';
import type { ProgressFeed } from '../../../src/progress/progress.ts';
import { createRedisProgress } from '../../../src/progress/redis/redis-progress.ts';
import { closeRedis, connectRedis, whenReady } from '../../../src/redis/connection.ts';
import { newJob, openStores, silent } from '../../support/gateway-store.ts';
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
  // What a watcher gets it gets by a message: no look at the record mends what was not heard.
  const checkIntervalMs = 3_600_000;
  feed = createRedisProgress({ redis: stores.redis, subscriber, keys: stores.keys, log: silent, checkIntervalMs });
});
afterEach(async () => {
  server.resume();
  await feed.close();
  await closeRedis(subscriber);
  await stores.close();
});

const watch = (jobId: string) => feed.watch({ jobId, identity: anonymous, afterSeq: null });

/**
 * Until Redis has been sent something that it has not answered. Not by a spy, which would take the rejections that are
 * looked for.
 */
const untilSent = () => vi.waitFor(() => expect(Reflect.get(subscriber, 'commandQueue').length).toBeGreaterThan(0));

async function start() {
  const accepted = await stores.gateway.accept(newJob());
  if (accepted.outcome !== 'created') throw new Error(accepted.outcome);
  const claimed = await stores.worker.claim(accepted.job.id);
  if (claimed.outcome !== 'claimed') throw new Error(claimed.outcome);
  const { id, lease } = claimed.job;
  return { id, move: () => stores.worker.move(id, lease, { move: 'progress', progress: noProgress }) };
}

it('an UNSUBSCRIBE that its connection does not outlive ends nothing else', async (test) => {
  const unhandled: unknown[] = [];
  const onUnhandled = (reason: unknown) => unhandled.push(reason);
  process.on('unhandledRejection', onUnhandled);
  test.onTestFinished(() => void process.off('unhandledRejection', onUnhandled));
  const job = await start();
  const left = await watch(job.id);
  server.pause();
  await left.return?.();
  await untilSent();
  const ended = once(subscriber, 'end');
  subscriber.disconnect();
  await ended;
  // Redis stands still, so the command was rejected; that nobody has taken it is told once all that was due has run.
  await turn();
  await turn();
  expect(unhandled).toEqual([]);
  expect(feed.stats()).toEqual({ watchers: 0, jobs: 0 });
});

it('a new watcher of a job whose UNSUBSCRIBE is under way subscribes anew, and hears what happens', async () => {
  const job = await start();
  const first = await watch(job.id);
  server.pause();
  await first.return?.();
  await untilSent();
  const second = watch(job.id);
  server.resume();
  const events = await second;
  expect((await events.next()).value).toMatchObject({ type: 'SNAPSHOT' });
  await job.move();
  expect((await events.next()).value).toMatchObject({ type: 'PROGRESS' });
});

it('a new watcher that comes before the UNSUBSCRIBE is sent hears what happens', async () => {
  const job = await start();
  const first = await watch(job.id);
  void first.return?.();
  const events = await watch(job.id);
  // Leaving twice takes nothing from whoever has come since.
  void first.return?.();
  expect((await events.next()).value).toMatchObject({ type: 'SNAPSHOT' });
  await job.move();
  expect((await events.next()).value).toMatchObject({ type: 'PROGRESS' });
  expect(feed.stats()).toEqual({ watchers: 1, jobs: 1 });
});
