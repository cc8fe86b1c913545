import { v7 } from 'uuid';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import type { JobEvent } from '../../../src/core/events.ts';
import type { Progress } from '../../../src/core/job.ts';
import type { ProgressFeed } from '../../../src/progress/progress.ts';
import { createRedisProgress } from '../../../src/progress/redis/redis-progress.ts';
import { closeRedis, connectRedis, whenReady } from '../../../src/redis/connection.ts';
import { newJob, openStores, silent } from '../../support/gateway-store.ts';
import { testLog } from '../../support/graph-services.ts';
import { callerNamed } from '../../support/identities.ts';
import { startTestRedis, type TestRedis } from '../../support/redis.ts';
import { picture } from '../../support/use-cases.ts';

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
  feed = createRedisProgress({ redis: stores.redis, subscriber, keys: stores.keys, log: silent, checkIntervalMs: 200 });
});
afterEach(async () => {
  await feed.close();
  await closeRedis(subscriber);
  await stores.close();
});

const at = (fraction: number): Progress => ({ fraction, nodesDone: 0, nodesTotal: 7, node: null });

async function accept() {
  const accepted = await stores.gateway.accept(newJob());
  if (accepted.outcome !== 'created') throw new Error(accepted.outcome);
  return accepted.job.id;
}

/** A job that a worker runs, with its moves. */
async function run() {
  const id = await accept();
  const claimed = await stores.worker.claim(id);
  if (claimed.outcome !== 'claimed') throw new Error(claimed.outcome);
  const { lease } = claimed.job;
  return {
    id,
    output: () => stores.worker.move(id, lease, { move: 'output', artifacts: [picture] }),
    progress: (fraction: number) => stores.worker.move(id, lease, { move: 'progress', progress: at(fraction) }),
    succeed: () => stores.worker.move(id, lease, { move: 'succeed', artifacts: [], progress: at(1), timings: [] }),
  };
}

const watch = (jobId: string, afterSeq: number | null = null) =>
  feed.watch({ jobId, identity: callerNamed('anonymous'), afterSeq });
const types = (events: JobEvent[]) => events.map(({ seq, type }) => `${seq} ${type}`);

async function all(iterator: AsyncIterable<JobEvent>) {
  const events: JobEvent[] = [];
  for await (const event of iterator) events.push(event);
  return events;
}

async function next(iterator: AsyncIterator<JobEvent>): Promise<JobEvent> {
  const { done, value } = await iterator.next();
  if (done) throw new Error('the iterator has ended');
  return value;
}

describe('without afterSeq', () => {
  it('begins with a SNAPSHOT, tells what happens in order, and completes behind the end', async () => {
    const job = await run();
    const watched = all(await watch(job.id));
    await job.progress(0.2);
    await job.progress(0.4);
    await job.succeed();
    const events = await watched;
    expect(types(events)).toEqual(['2 SNAPSHOT', '3 PROGRESS', '4 PROGRESS', '5 SUCCEEDED']);
    expect(events.map(({ job }) => job.progress.fraction)).toEqual([0, 0.2, 0.4, 1]);
    expect(events.at(-1)?.job).toEqual(await stores.gateway.get(job.id));
  });

  it('gives a job that has ended as SNAPSHOT and terminal event', async () => {
    const job = await run();
    await job.succeed();
    expect(types(await all(await watch(job.id)))).toEqual(['3 SNAPSHOT', '3 SUCCEEDED']);
  });
});

describe('a result that is stored before the job has ended', () => {
  it('is told to watchers by an event of its own, which stays in the log', async () => {
    const job = await run();
    const watched = all(await watch(job.id));
    await job.progress(0.2);
    await job.output();
    await job.progress(0.4);
    await job.succeed();
    const events = await watched;
    expect(types(events)).toEqual(['2 SNAPSHOT', '3 PROGRESS', '4 OUTPUT', '5 PROGRESS', '6 SUCCEEDED']);
    expect(events.map(({ job }) => job.artifacts.length)).toEqual([0, 0, 1, 1, 0]);
    expect(events[2]?.job.artifacts).toEqual([picture]);
    expect(types(await all(await watch(job.id, 1)))).toEqual(['2 STARTED', '4 OUTPUT', '6 SUCCEEDED']);
  });

  it('is PROGRESS for a version that knows no such event, so that its watchers go on', async () => {
    const job = await run();
    await subscriber.subscribe(stores.keys.channel(job.id));
    const told = new Promise<string>((resolve) => subscriber.once('message', (_, text) => resolve(text)));
    await job.output();
    expect(JSON.parse(await told)).toMatchObject({ seq: 3, type: 'PROGRESS' });
    const [last] = await stores.redis.xrevrange(stores.keys.events(job.id), '+', '-', 'COUNT', 1);
    expect(last?.[1].slice(0, 2)).toEqual(['type', 'PROGRESS']);
  });

  it('of an unknown kind that a later version has is read as what it is for the others', async () => {
    const job = await run();
    await job.output();
    await stores.redis.xadd(stores.keys.events(job.id), '4-0', 'type', 'PROGRESS', 'at', 1, 'as', 'LATER');
    await stores.redis.hset(stores.keys.job(job.id), 'seq', 4);
    const watched = all(await watch(job.id, 2));
    await job.succeed();
    expect(types(await watched)).toEqual(['3 OUTPUT', '4 PROGRESS', '5 SUCCEEDED']);
  });
});

describe('with afterSeq', () => {
  it('gives every event after that number, each with the job as it is now, then goes on live', async () => {
    const job = await run();
    await job.progress(0.1);
    await job.progress(0.2);
    const watched = all(await watch(job.id, 1));
    await job.succeed();
    const events = await watched;
    expect(types(events)).toEqual(['2 STARTED', '3 PROGRESS', '4 PROGRESS', '5 SUCCEEDED']);
    expect(events[0]?.job.progress.fraction).toBe(0.2);
  });

  it('leaves out what the log no longer holds once the job has ended', async () => {
    const job = await run();
    await job.progress(0.1);
    await job.succeed();
    expect(types(await all(await watch(job.id, 1)))).toEqual(['2 STARTED', '4 SUCCEEDED']);
    expect(types(await all(await watch(job.id, 0)))).toEqual(['1 QUEUED', '2 STARTED', '4 SUCCEEDED']);
  });

  it('just completes when the number is the last one of a job that has ended', async () => {
    const job = await run();
    await job.succeed();
    expect(await all(await watch(job.id, 3))).toEqual([]);
  });

  it('begins with a SNAPSHOT when the number is higher than the job’s', async () => {
    const job = await run();
    const watched = all(await watch(job.id, 99));
    await job.succeed();
    expect(types(await watched)).toEqual(['2 SNAPSHOT', '3 SUCCEEDED']);
  });

  it('begins with a SNAPSHOT where the log no longer reaches back', async () => {
    const job = await run();
    for (let i = 0; i < 10; i++) await job.progress(i / 10);
    await stores.redis.xtrim(stores.keys.events(job.id), 'MINID', '8-0');
    const watched = all(await watch(job.id, 3));
    await job.succeed();
    expect(types(await watched)).toEqual(['12 SNAPSHOT', '13 SUCCEEDED']);
  });

  it('replays 2,000 events without a hole', async () => {
    const job = await run();
    await Promise.all(Array.from({ length: 2000 }, () => job.progress(0.5)));
    const watched = all(await watch(job.id, 2));
    await job.succeed();
    expect((await watched).map(({ seq }) => seq)).toEqual(Array.from({ length: 2001 }, (_, i) => i + 3));
  });

  it('refuses a negative number', async () => {
    const id = await accept();
    await expect(watch(id, -1)).rejects.toMatchObject({ details: { code: 'BAD_USER_INPUT' } });
  });
});

describe('whoever may not see it', () => {
  it('is told NOT_FOUND for an unknown job and for another’s', async () => {
    const id = await accept();
    await expect(watch(v7())).rejects.toMatchObject({ details: { code: 'NOT_FOUND' } });
    const other = feed.watch({ jobId: id, identity: callerNamed('someone else'), afterSeq: null });
    await expect(other).rejects.toMatchObject({ details: { code: 'NOT_FOUND' } });
    expect(feed.stats()).toEqual({ watchers: 0, jobs: 0 });
  });
});

describe('many watchers', () => {
  it('share one channel, and leave nothing behind when they go while nothing happens', async () => {
    const job = await run();
    const iterators = await Promise.all(Array.from({ length: 20 }, () => watch(job.id)));
    const pending = iterators.map(async (iterator) => {
      await iterator.next();
      return iterator.next();
    });
    await vi.waitFor(() => expect(feed.stats()).toEqual({ watchers: 20, jobs: 1 }));
    expect(await stores.redis.pubsub('NUMSUB', stores.keys.channel(job.id))).toEqual([stores.keys.channel(job.id), 1]);
    for (const iterator of iterators) await iterator.return?.();
    expect(await Promise.all(pending)).toEqual(iterators.map(() => ({ done: true, value: undefined })));
    expect(feed.stats()).toEqual({ watchers: 0, jobs: 0 });
    await vi.waitFor(async () => {
      expect(await stores.redis.pubsub('NUMSUB', stores.keys.channel(job.id))).toEqual([
        stores.keys.channel(job.id),
        0,
      ]);
    });
  });

  it('each get the end exactly once, at two processes, joining at any time', async () => {
    const otherSubscriber = connectRedis({ url: server.url, role: 'subscriber', log: silent });
    const other = createRedisProgress({
      redis: stores.redis,
      subscriber: otherSubscriber,
      keys: stores.keys,
      log: silent,
    });
    try {
      const job = await run();
      const watched: Promise<JobEvent[]>[] = [];
      for (let i = 0; i < 40; i++) {
        const feeds = [feed, other];
        for (const each of feeds) {
          watched.push(
            each.watch({ jobId: job.id, identity: callerNamed('anonymous'), afterSeq: i % 3 ? null : i }).then(all),
          );
        }
        await job.progress(i / 100);
      }
      await job.succeed();
      for (const events of await Promise.all(watched)) {
        expect(events.filter(({ type }) => type === 'SUCCEEDED')).toHaveLength(1);
        expect(events.at(-1)).toMatchObject({ type: 'SUCCEEDED', seq: 43 });
        const seqs = events.filter(({ type }) => type !== 'SNAPSHOT').map(({ seq }) => seq);
        expect(seqs).toEqual([...new Set(seqs)].sort((a, b) => a - b));
      }
    } finally {
      await other.close();
      await closeRedis(otherSubscriber);
    }
  });

  it('drops only PROGRESS for one that reads slowly', async () => {
    const job = await run();
    const iterator = await watch(job.id);
    expect((await next(iterator)).type).toBe('SNAPSHOT');
    for (let i = 0; i < 50; i++) await job.progress(i / 100);
    await stores.gateway.requestCancel(job.id);
    for (let i = 50; i < 60; i++) await job.progress(i / 100);
    await job.succeed();
    await vi.waitFor(async () => expect((await stores.gateway.get(job.id))?.status).toBe('CANCELED'));
    const after = watch(job.id, 2).then(all);
    await after;
    expect(types(await all(iterator))).toEqual(['52 PROGRESS', '53 CANCEL_REQUESTED', '63 PROGRESS', '64 CANCELED']);
  });
});

describe('when Redis misbehaves', () => {
  it('misses nothing though the pub/sub connection is killed again and again', async () => {
    const job = await run();
    const watched = all(await watch(job.id));
    for (let i = 0; i < 10; i++) {
      await stores.redis.client('KILL', 'TYPE', 'pubsub');
      await job.progress(i / 10);
    }
    await stores.redis.client('KILL', 'TYPE', 'pubsub');
    await job.succeed();
    const events = await watched;
    expect(events.at(-1)?.type).toBe('SUCCEEDED');
    expect(events.filter(({ type }) => type === 'SUCCEEDED')).toHaveLength(1);
    const seqs = events.map(({ seq }) => seq);
    expect(seqs).toEqual([...seqs].sort((a, b) => a - b));
  });

  it('miss nothing where what is published cannot be read, which is one line for all of it', async () => {
    const { log, lines } = testLog();
    const other = connectRedis({ url: server.url, role: 'subscriber', log: silent });
    await whenReady(other);
    const own = createRedisProgress({
      redis: stores.redis,
      subscriber: other,
      keys: stores.keys,
      log,
      checkIntervalMs: 200,
    });
    const job = await run();
    const events = (await own.watch({ jobId: job.id, identity: callerNamed('anonymous'), afterSeq: null }))[
      Symbol.asyncIterator
    ]();
    await events.next();
    for (let i = 0; i < 5; i++) await stores.redis.publish(stores.keys.channel(job.id), '{"seq":"none"}');
    await job.succeed();
    expect((await events.next()).value).toMatchObject({ type: 'SUCCEEDED' });
    expect(lines).toMatchObject([
      { msg: 'what was published for watchers could not be read', times: 1, jobId: job.id },
    ]);
    await own.close();
    await closeRedis(other);
  });

  it('finds the end by itself when the message of it was lost', async () => {
    const job = await run();
    const watched = all(await watch(job.id));
    await subscriber.unsubscribe(stores.keys.channel(job.id));
    await job.progress(0.5);
    await job.succeed();
    expect((await watched).at(-1)).toMatchObject({ type: 'SUCCEEDED', seq: 4 });
  });

  it('follows with a SNAPSHOT when Redis has lost its last writes, and goes on from there', async () => {
    const job = await run();
    const iterator = await watch(job.id);
    await next(iterator);
    for (let i = 0; i < 5; i++) {
      await job.progress(i / 10);
      await next(iterator);
    }
    const { keys, redis } = stores;
    // In one step: the feed may look at any moment.
    await redis.multi().hset(keys.job(job.id), 'seq', 3).xtrim(keys.events(job.id), 'MAXLEN', 0).exec();
    expect(await next(iterator)).toMatchObject({ type: 'SNAPSHOT', seq: 3 });
    await job.succeed();
    expect(types(await all(iterator))).toEqual(['4 SUCCEEDED']);
  });

  it('tells watchers of a record that has vanished', async () => {
    const job = await run();
    const iterator = await watch(job.id);
    await next(iterator);
    await stores.redis.del(stores.keys.job(job.id));
    await expect(next(iterator)).rejects.toMatchObject({ details: { code: 'NOT_FOUND' } });
    expect(feed.stats()).toEqual({ watchers: 0, jobs: 0 });
  });
});

describe('B14 a watcher that comes while Redis is away', () => {
  const awayFor = (waitMs: number) =>
    createRedisProgress({
      redis: stores.redis,
      subscriber,
      keys: stores.keys,
      log: silent,
      checkIntervalMs: 50,
      waitMs,
    });
  const outage = async () => {
    await server.kill();
    await vi.waitFor(() => expect([stores.redis.status, subscriber.status]).not.toContain('ready'));
  };

  it('waits as those do that are open, and sees the end when Redis is back', async () => {
    const job = await run();
    const open = all(await watch(job.id));
    await outage();
    const late = [await watch(job.id), await watch(job.id, 1)].map(all);
    const stranger = await feed.watch({ jobId: job.id, identity: callerNamed('someone else'), afterSeq: null });
    const nobodys = await watch(v7());
    const leaver = await watch(job.id);
    const left = leaver.next();
    expect(feed.stats()).toEqual({ watchers: 6, jobs: 1 });
    await leaver.return?.();
    expect(await left).toEqual({ done: true, value: undefined });
    expect(feed.stats()).toEqual({ watchers: 5, jobs: 1 });
    await server.restart();
    for (const none of [stranger, nobodys]) {
      await expect(next(none)).rejects.toMatchObject({ details: { code: 'NOT_FOUND' } });
    }
    await vi.waitFor(() => job.succeed(), { timeout: 10_000 });
    expect((await open).at(-1)?.type).toBe('SUCCEEDED');
    const seen = (await Promise.all(late)).map(types);
    expect(seen.map((each) => each.at(-1))).toEqual(['3 SUCCEEDED', '3 SUCCEEDED']);
    expect(seen.map(([first]) => first?.split(' ')[1])).toEqual(['SNAPSHOT', 'STARTED']);
    expect(feed.stats()).toEqual({ watchers: 0, jobs: 0 });
  });

  it('is told UNAVAILABLE with the time after which to ask again, when it stays away', async () => {
    const job = await run();
    const impatient = awayFor(300);
    await outage();
    const late = await impatient.watch({ jobId: job.id, identity: callerNamed('anonymous'), afterSeq: null });
    await expect(next(late)).rejects.toMatchObject({ details: { code: 'UNAVAILABLE', retryAfter: 2 } });
    expect(impatient.stats()).toEqual({ watchers: 0, jobs: 0 });
    await impatient.close();
    await server.restart();
  });

  it('that has begun is not given up when the time is over that it would have waited', async () => {
    const job = await run();
    const waitMs = 5_000;
    const patient = awayFor(waitMs);
    await outage();
    const late = await patient.watch({ jobId: job.id, identity: callerNamed('anonymous'), afterSeq: null });
    const came = performance.now();
    await server.restart();
    expect(await next(late)).toMatchObject({ type: 'SNAPSHOT' });
    await vi.waitFor(() => expect(performance.now() - came).toBeGreaterThan(waitMs + 500), 10_000);
    await vi.waitFor(() => job.succeed(), { timeout: 10_000 });
    expect(types(await all(late))).toEqual(['3 SUCCEEDED']);
    await patient.close();
  });

  it('sends nothing to a Redis that is silent, however many come and leave', async () => {
    const job = await run();
    const subscribing = vi.spyOn(subscriber, 'subscribe');
    server.pause();
    const first = all(await watch(job.id));
    expect(subscribing).toHaveBeenCalledOnce();
    for (let i = 0; i < 100; i++) await (await watch(v7())).return?.();
    expect(subscribing).toHaveBeenCalledOnce();
    expect(feed.stats()).toEqual({ watchers: 1, jobs: 0 });
    server.resume();
    await vi.waitFor(() => job.succeed(), { timeout: 10_000 });
    expect((await first).at(-1)?.type).toBe('SUCCEEDED');
  });

  it('is let go when the gateway stops', async () => {
    const job = await run();
    await outage();
    const late = all(await watch(job.id));
    await feed.close();
    expect(await late).toEqual([]);
    await server.restart();
  });
});

it('B04 what is no id of a job is looked for nowhere', async () => {
  const subscribing = vi.spyOn(subscriber, 'subscribe');
  for (const id of ['', 'x'.repeat(1_000_000), `${v7()}0`]) {
    await expect(watch(id)).rejects.toMatchObject({ details: { code: 'NOT_FOUND' } });
  }
  expect(subscribing).not.toHaveBeenCalled();
});
