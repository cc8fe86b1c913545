import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { anonymous } from '../../../src/callers/identity.ts';
import type { JobEvent } from '../../../src/core/events.ts';
import { type JobFilter, noProgress } from '../../../src/core/job.ts';
import type { JobChanges } from '../../../src/progress/job-changes.ts';
import { createRedisChanges } from '../../../src/progress/redis/redis-changes.ts';
import { closeRedis, connectRedis, whenReady } from '../../../src/redis/connection.ts';
import { newJob, openStores, silent } from '../../support/gateway-store.ts';
import { startTestRedis, type TestRedis } from '../../support/redis.ts';
import { startStopwatch } from '../../support/stopwatch.ts';
import { picture } from '../../support/use-cases.ts';

let server: TestRedis;
let stores: Awaited<ReturnType<typeof openStores>>;
let undo: (() => Promise<void>)[];
let subscriber: ReturnType<typeof connectRedis>;
let changes: JobChanges;

beforeAll(async () => {
  server = await startTestRedis();
});
afterAll(() => server.close());
beforeEach(async () => {
  undo = [];
  stores = await openStores(server.url);
  undo.push(stores.close);
  ({ changes, subscriber } = await openGateway());
});
afterEach(async () => {
  for (const each of undo.reverse()) await each();
});

/** As another gateway has it: connections of its own. */
async function openGateway(checkIntervalMs = 200) {
  const [own, redis] = [
    connectRedis({ url: server.url, role: 'subscriber', log: silent }),
    connectRedis({ url: server.url, role: 'request', log: silent }),
  ];
  await Promise.all([whenReady(own), whenReady(redis)]);
  const opened = createRedisChanges({ redis, subscriber: own, keys: stores.keys, log: silent, checkIntervalMs });
  undo.push(async () => {
    await opened.close();
    await Promise.all([closeRedis(own), closeRedis(redis)]);
  });
  return { changes: opened, subscriber: own, redis };
}

const all: JobFilter = { status: null, workflow: null, tag: null, createdAfter: null, createdBefore: null };
const watch = (filter: Partial<JobFilter> = {}, from = changes) =>
  from.watch({ identity: anonymous, filter: { ...all, ...filter } });

async function accept(overrides: Parameters<typeof newJob>[0] = {}) {
  const accepted = await stores.gateway.accept(newJob(overrides));
  if (accepted.outcome !== 'created') throw new Error(accepted.outcome);
  return accepted.job.id;
}

/** A job's whole life, with progress in between; its attempts before the one that succeeds. */
async function live(overrides: Parameters<typeof newJob>[0] = {}, retries = 0) {
  const id = await accept(overrides);
  for (let i = 0; ; i++) {
    const claimed = await stores.worker.claim(id);
    if (claimed.outcome !== 'claimed') throw new Error(claimed.outcome);
    const { lease } = claimed.job;
    await stores.worker.move(id, lease, { move: 'progress', progress: { ...noProgress, fraction: 0.5 } });
    if (i < retries) await stores.worker.move(id, lease, { move: 'retry', counts: true });
    else {
      await stores.worker.move(id, lease, { move: 'succeed', artifacts: [], progress: noProgress, timings: [] });
      return id;
    }
  }
}

/** Collects until it ends, or until it is told to stop. */
function collect(iterator: AsyncIterableIterator<JobEvent>) {
  const events: JobEvent[] = [];
  const ended = (async () => {
    for await (const event of iterator) events.push(event);
  })();
  ended.catch(() => undefined);
  return { events, ended, of: (id: string) => events.filter(({ job }) => job.id === id).map(({ type }) => type) };
}

const LIFE = ['QUEUED', 'STARTED', 'SUCCEEDED'];
const missed = { details: { code: 'UNAVAILABLE' }, message: expect.stringContaining('read `jobs` again') };

describe('a watcher of all jobs', () => {
  it('gets the lifecycle of each from then on, in order, with the job at least as new, and nothing else', async () => {
    const before = await live();
    const seen = collect(await watch());
    const id = await live({}, 2);
    await stores.gateway.requestCancel(await accept({ caller: 'someone else' }));
    const last = await accept();
    await stores.gateway.requestCancel(last);
    await vi.waitFor(() => expect(seen.of(last)).toEqual(['QUEUED', 'CANCELED']));
    expect(seen.of(before)).toEqual([]);
    expect(seen.of(id)).toEqual(['QUEUED', ...Array(2).fill(['STARTED', 'RETRYING']).flat(), 'STARTED', 'SUCCEEDED']);
    expect(seen.events).toHaveLength(9);
    expect(seen.events.filter(({ job }) => job.id === id).map(({ seq }) => seq)).toEqual([1, 2, 4, 5, 7, 8, 10]);
    for (const { seq, job } of seen.events) expect(job.seq).toBeGreaterThanOrEqual(seq);
    expect(seen.events.at(-1)?.job).toEqual(await stores.gateway.get(last));
  });

  it('is told of results that are stored before a job has ended, which is RUNNING then', async () => {
    const seen = collect(await watch({ status: ['RUNNING'] }));
    const id = await accept();
    const claimed = await stores.worker.claim(id);
    if (claimed.outcome !== 'claimed') throw new Error(claimed.outcome);
    await stores.worker.move(id, claimed.job.lease, { move: 'output', artifacts: [picture] });
    await vi.waitFor(() => expect(seen.of(id)).toEqual(['STARTED', 'OUTPUT']));
    expect(seen.events.at(-1)?.job.artifacts).toEqual([picture]);
  });

  it('is told only of what its filter lets through, by the status that the event leads to', async () => {
    const start = Date.now();
    const seen = await Promise.all(
      [
        { status: ['QUEUED' as const] },
        { status: ['SUCCEEDED' as const, 'RUNNING' as const], tag: 'a' },
        { workflow: 'custom' },
        { createdAfter: start - 60_000, createdBefore: start + 60_000, tag: 'b' },
        { createdAfter: start + 60_000 },
        { createdBefore: start - 60_000 },
        { status: [] },
      ].map(async (filter) => collect(await watch(filter))),
    );
    const a = await live({ tags: ['a', 'x'] }, 1);
    const b = await live({ tags: ['b'], workflow: 'custom' });
    await vi.waitFor(() => expect(seen[3]?.of(b)).toEqual(LIFE));
    expect(seen.map(({ of }) => [of(a), of(b)])).toEqual([
      [['QUEUED', 'RETRYING'], ['QUEUED']],
      [['STARTED', 'STARTED', 'SUCCEEDED'], []],
      [[], LIFE],
      [[], LIFE],
      [[], []],
      [[], []],
      [[], []],
    ]);
  });

  it('is not told of a job that is gone by then', async () => {
    const quiet = await openGateway(60_000);
    const channel = stores.keys.changes('anonymous');
    const seen = collect(await watch({}, quiet.changes));
    await quiet.subscriber.unsubscribe(channel);
    const gone = await live();
    await stores.gateway.remove(gone);
    const id = await live();
    await quiet.subscriber.subscribe(channel);
    await stores.redis.publish(channel, '');
    await vi.waitFor(() => expect(seen.of(id)).toEqual(LIFE));
    expect(seen.events).toHaveLength(3);
  });

  it('gets jobs of megabytes a few at a time, by one message', async () => {
    const quiet = await openGateway(60_000);
    const seen = collect(await watch({}, quiet.changes));
    const channel = stores.keys.changes('anonymous');
    await quiet.subscriber.unsubscribe(channel);
    const parameters = { prompt: 'x'.repeat(1_500_000) };
    const ids = await Promise.all(Array.from({ length: 8 }, () => accept({ parameters })));
    for (const id of ids) await stores.gateway.requestCancel(id);
    await quiet.subscriber.subscribe(channel);
    await stores.redis.publish(channel, '');
    await vi.waitFor(() => expect(seen.events).toHaveLength(16), 10_000);
    for (const id of ids) expect(seen.of(id)).toEqual(['QUEUED', 'CANCELED']);
  });
});

describe('nothing is missed, nothing comes twice', () => {
  it('at two gateways, though their pub/sub connections are killed again and again', async () => {
    const other = await openGateway();
    const seen = [collect(await watch()), collect(await watch({}, other.changes)), collect(await watch())];
    const ids: string[] = [];
    for (let i = 0; i < 60; i++) {
      const lives = Promise.all([live({}, i % 3), live()]);
      await stores.redis.client('KILL', 'TYPE', 'pubsub');
      ids.push(...(await lives));
    }
    const last = await live();
    for (const each of seen) await vi.waitFor(() => expect(each.of(last)).toEqual(LIFE), 10_000);
    const told = seen.map(({ events }) => events.map(({ job, seq, type }) => `${job.id} ${seq} ${type}`));
    expect(told[0]?.length).toBeGreaterThan(120 * 3);
    expect(new Set(told[0]).size).toBe(told[0]?.length);
    expect(told[1]).toEqual(told[0]);
    expect(told[2]).toEqual(told[0]);
    for (const id of ids) {
      const log = await stores.redis.xrange(stores.keys.events(id), '-', '+');
      expect(seen[0]?.of(id)).toEqual(log.map(([, fields]) => fields[1]));
    }
  });

  it('when a message was lost: the log is read every so often', async () => {
    const seen = collect(await watch());
    await subscriber.unsubscribe(stores.keys.changes('anonymous'));
    const id = await live();
    await vi.waitFor(() => expect(seen.of(id)).toEqual(LIFE));
  });

  it('when many join while much happens', async () => {
    const lives = Promise.all(Array.from({ length: 100 }, () => live()));
    const seen = await Promise.all(Array.from({ length: 30 }, async () => collect(await watch())));
    await lives;
    const last = await live();
    for (const each of seen) {
      await vi.waitFor(() => expect(each.of(last)).toEqual(LIFE));
      const told = each.events.map(({ job, seq }) => `${job.id} ${seq}`);
      expect(told).toEqual([...new Set(told)]);
    }
  });

  it('when Redis crashes and comes back; whoever begins meanwhile is told UNAVAILABLE within 3 s', async () => {
    const seen = collect(await watch());
    const before = await live();
    await server.kill();
    const elapsed = startStopwatch();
    await expect(watch()).rejects.toMatchObject({ details: { code: 'UNAVAILABLE' } });
    await expect(watch({}, (await openedWhileDown()).changes)).rejects.toMatchObject({
      details: { code: 'UNAVAILABLE' },
    });
    expect(elapsed()).toBeLessThan(3_000);
    await server.restart();
    const after = await vi.waitFor(() => live(), { timeout: 10_000 });
    await vi.waitFor(() => expect(seen.of(after)).toEqual(LIFE), 10_000);
    expect(seen.of(before)).toEqual(LIFE);
    expect(changes.stats()).toEqual({ watchers: 1, callers: 1 });
  });

  async function openedWhileDown() {
    const [own, redis] = [
      connectRedis({ url: server.url, role: 'subscriber', log: silent }),
      connectRedis({ url: server.url, role: 'request', log: silent }),
    ];
    const opened = createRedisChanges({ redis, subscriber: own, keys: stores.keys, log: silent });
    undo.push(async () => {
      await opened.close();
      await Promise.all([closeRedis(own), closeRedis(redis)]);
    });
    return { changes: opened };
  }
});

describe('a hole is told', () => {
  it('when the log no longer reaches back; who subscribes anew goes on', async () => {
    const seen = [collect(await watch()), collect(await watch())];
    await subscriber.unsubscribe(stores.keys.changes('anonymous'));
    await stores.redis
      .multi()
      .xadd(stores.keys.changes('anonymous'), '*', 'id', randomUUID(), 'seq', 1, 'type', 'QUEUED', 'at', 1)
      .xtrim(stores.keys.changes('anonymous'), 'MAXLEN', 0)
      .exec();
    for (const { ended } of seen) await expect(ended).rejects.toMatchObject(missed);
    expect(changes.stats()).toEqual({ watchers: 0, callers: 0 });
    const again = collect(await watch());
    const id = await live();
    await vi.waitFor(() => expect(again.of(id)).toEqual(LIFE));
  });

  it('when more happened than the log holds', async () => {
    const seen = collect(await watch());
    await subscriber.unsubscribe(stores.keys.changes('anonymous'));
    const { caller } = newJob();
    const pipeline = stores.redis.multi();
    for (let i = 0; i < 1_200; i++) {
      const fields = ['id', randomUUID(), 'seq', 1, 'type', 'QUEUED', 'at', 1];
      pipeline.xadd(stores.keys.changes(caller), 'MAXLEN', '~', 1000, '*', ...fields);
    }
    await pipeline.exec();
    await expect(seen.ended).rejects.toMatchObject(missed);
  });

  it('when Redis has lost writes', async () => {
    const seen = collect(await watch());
    await live();
    await vi.waitFor(() => expect(seen.events).toHaveLength(3));
    await stores.redis.flushall();
    await expect(seen.ended).rejects.toMatchObject(missed);
  });

  it('to a client that reads too slowly, and to no other', async () => {
    const slow = await watch();
    const fast = collect(await watch());
    for (let i = 0; i < 12; i++) {
      await Promise.all(Array.from({ length: 30 }, () => live()));
      await vi.waitFor(() => expect(fast.events).toHaveLength((i + 1) * 90));
    }
    expect(changes.stats().watchers).toBe(1);
    await expect(slow.next()).rejects.toMatchObject(missed);
    expect(await slow.next()).toEqual({ done: true, value: undefined });
    const id = await live();
    await vi.waitFor(() => expect(fast.of(id)).toEqual(LIFE));
  });
});

describe('what it costs', () => {
  it('is one channel and one reading for a thousand watchers, who share their events', async () => {
    const xranges = async () =>
      Number(/cmdstat_xrange:calls=(\d+)/.exec(await stores.redis.info('commandstats'))?.[1] ?? 0);
    const { changes: quiet } = await openGateway(60_000);
    const seen = await Promise.all(Array.from({ length: 1_000 }, async () => collect(await watch({}, quiet))));
    const before = await xranges();
    await changes.close();
    const id = await accept();
    await vi.waitFor(() => expect(seen.every(({ events }) => events.length === 1)).toBe(true));
    expect(new Set(seen.map(({ events }) => events[0])).size).toBe(1);
    expect(seen[999]?.of(id)).toEqual(['QUEUED']);
    expect((await xranges()) - before).toBeLessThanOrEqual(2);
    const channel = stores.keys.changes('anonymous');
    expect(await stores.redis.pubsub('NUMSUB', channel)).toEqual([channel, 1]);
  });

  it('is nothing any more once they have left, also while nothing happens', async () => {
    const iterators = await Promise.all([watch(), watch()]);
    const pending = iterators.map((iterator) => iterator.next());
    for (const iterator of iterators) await iterator.return?.();
    const done = { done: true, value: undefined };
    expect(await Promise.all(pending)).toEqual([done, done]);
    expect(changes.stats()).toEqual({ watchers: 0, callers: 0 });
    const channel = stores.keys.changes('anonymous');
    await vi.waitFor(async () => expect(await stores.redis.pubsub('NUMSUB', channel)).toEqual([channel, 0]));
    const again = collect(await watch());
    const id = await live();
    await vi.waitFor(() => expect(again.of(id)).toEqual(LIFE));
  });

  it('is a log that goes by itself, but not while somebody follows it', async () => {
    const channel = stores.keys.changes('anonymous');
    await accept();
    expect(await stores.redis.pttl(channel)).toBeGreaterThan(500_000);
    const seen = collect(await watch());
    await stores.redis.pexpire(channel, 60_000);
    await vi.waitFor(async () => expect(await stores.redis.pttl(channel)).toBeGreaterThan(500_000));
    expect(seen.events).toEqual([]);
  });

  it('ends with the gateway', async () => {
    const seen = collect(await watch());
    await changes.close();
    await seen.ended;
  });
});
