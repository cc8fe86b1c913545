import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { anonymous } from '../../../src/callers/identity.ts';
import type { JobEvent } from '../../../src/core/events.ts';
import type { ProgressFeed } from '../../../src/progress/progress.ts';
import { createRedisProgress } from '../../../src/progress/redis/redis-progress.ts';
import { createBullQueue } from '../../../src/queue/bullmq/bullmq.ts';
import type { JobQueue } from '../../../src/queue/queue.ts';
import { closeRedis, connectRedis, whenReady } from '../../../src/redis/connection.ts';
import { newJob, openStores, silent } from '../../support/gateway-store.ts';
import { startTestRedis, type TestRedis } from '../../support/redis.ts';

let server: TestRedis;
let stores: Awaited<ReturnType<typeof openStores>>;
let queue: JobQueue;
/** Two gateways on one Redis. */
let gateways: Gateway[];

interface Gateway {
  feed: ProgressFeed;
  /** How many jobs each look at the places was for. */
  looks: number[];
  close(): Promise<void>;
}

/** It looks at the places more often than a gateway does, unless told otherwise. */
async function openGateway(moveIntervalMs?: number): Promise<Gateway> {
  const subscriber = connectRedis({ url: server.url, role: 'subscriber', log: silent });
  await whenReady(subscriber);
  const looks: number[] = [];
  const feed = createRedisProgress({
    redis: stores.redis,
    subscriber,
    keys: stores.keys,
    log: silent,
    ...(moveIntervalMs === undefined ? {} : { moveIntervalMs }),
    positions(jobIds) {
      looks.push(jobIds.length);
      return stores.gateway.positions(jobIds);
    },
  });
  return {
    feed,
    looks,
    async close() {
      await feed.close();
      await closeRedis(subscriber);
    },
  };
}

beforeAll(async () => {
  server = await startTestRedis();
});
afterAll(() => server.close());
beforeEach(async () => {
  stores = await openStores(server.url);
  queue = createBullQueue(stores.redis, stores.keys, silent);
  gateways = [await openGateway(50), await openGateway(50)];
});
afterEach(async () => {
  for (const gateway of gateways) await gateway.close();
  await queue.close();
  await stores.close();
});

async function accept(count: number): Promise<string[]> {
  const ids: string[] = [];
  for (let i = 0; i < count; i++) {
    const accepted = await stores.gateway.accept(newJob());
    if (accepted.outcome !== 'created') throw new Error(accepted.outcome);
    await queue.add(accepted.ticket ?? '');
    ids.push(accepted.job.id);
  }
  return ids;
}

async function cancel(id: string) {
  await stores.gateway.requestCancel(id);
  await queue.remove(id);
}

/** A watcher that reads all that it is given at once. */
async function watch(gateway: Gateway | undefined, jobId = '', options: { afterSeq?: number; moves?: boolean } = {}) {
  if (!gateway) throw new Error('no such gateway');
  const { afterSeq = null, moves = true } = options;
  const iterator = await gateway.feed.watch({ jobId, identity: anonymous, afterSeq, moves });
  const events: JobEvent[] = [];
  const reading = (async () => {
    for await (const event of iterator) events.push(event);
  })();
  return {
    events,
    shown: () => events.map(({ seq, type, queuePosition }) => `${seq} ${type} ${queuePosition ?? ''}`.trim()),
    leave: () => iterator.return?.(),
    ended: () => reading,
  };
}

const eventually = (check: () => void) => vi.waitFor(check, { timeout: 20_000, interval: 20 });
/** Two looks at places of this gateway: what there was to be told before them has been. */
async function untilLookedTwice({ looks }: Gateway) {
  const before = looks.length;
  await eventually(() => expect(looks.length).toBeGreaterThanOrEqual(before + 2));
}

test('when the first is cancelled, watchers of the others are told their new places, at every gateway', async () => {
  const [first = '', second, third] = await accept(3);
  const watchers = [
    await watch(gateways[0], second),
    await watch(gateways[1], third),
    await watch(gateways[1], second),
  ];
  await cancel(first);
  await eventually(() => {
    expect(watchers.map(({ shown }) => shown())).toEqual([
      ['1 SNAPSHOT', '1 MOVED 0'],
      ['1 SNAPSHOT', '1 MOVED 1'],
      ['1 SNAPSHOT', '1 MOVED 0'],
    ]);
  });
  const moved = watchers[1]?.events[1];
  expect(moved?.job).toMatchObject({ id: third, status: 'QUEUED', seq: 1 });
});

test('one that stays where it is is told nothing, and a place is told once', async () => {
  const [gateway] = gateways;
  const [, second] = await accept(3);
  const watcher = await watch(gateway, second);
  if (gateway) await untilLookedTwice(gateway);
  expect(watcher.shown()).toEqual(['1 SNAPSHOT']);
});

test('no number is used up, and nothing is logged or replayed', async () => {
  const [first = '', second = ''] = await accept(2);
  const watcher = await watch(gateways[0], second);
  await cancel(first);
  await eventually(() => expect(watcher.shown()).toContain('1 MOVED 0'));
  expect((await stores.gateway.get(second))?.seq).toBe(1);
  await cancel(second);
  await watcher.ended();
  expect(watcher.shown()).toEqual(['1 SNAPSHOT', '1 MOVED 0', '2 CANCELED']);
  const late = await watch(gateways[1], second, { afterSeq: 0 });
  await late.ended();
  expect(late.shown()).toEqual(['1 QUEUED', '2 CANCELED']);
});

test('who resumes behind the last number is told its place, which no event has shown it', async () => {
  const [, second] = await accept(2);
  const others = await watch(gateways[0], second);
  const resumed = await watch(gateways[0], second, { afterSeq: 1 });
  await eventually(() => expect(resumed.shown()).toEqual(['1 MOVED 1']));
  expect(others.shown()).toEqual(['1 SNAPSHOT']);
});

test('at most one a second, with the place that it has by then', async () => {
  const gateway = await openGateway();
  gateways.push(gateway);
  const [first = '', second = '', third = '', last] = await accept(4);
  const watcher = await watch(gateway, last);
  await cancel(first);
  await eventually(() => expect(watcher.shown().slice(1)).toEqual(['1 MOVED 2']));
  for (const id of [second, third]) await cancel(id);
  await eventually(() => expect(watcher.events.at(-1)?.queuePosition).toBe(0));
  const times = watcher.events.slice(1).map(({ at }) => at);
  for (const [i, at] of times.slice(1).entries()) expect(at - (times[i] ?? 0)).toBeGreaterThanOrEqual(990);
});

test('none once a worker has taken it; back in the queue it is told its place anew', async () => {
  const [gateway] = gateways;
  const [first = '', second = ''] = await accept(2);
  const other = await watch(gateway, first);
  const watcher = await watch(gateway, second);
  const claimed = await stores.worker.claim(second);
  if (claimed.outcome !== 'claimed') throw new Error(claimed.outcome);
  await eventually(() => expect(watcher.shown()).toEqual(['1 SNAPSHOT', '2 STARTED']));
  await cancel(first);
  await other.ended();
  // Its id still lies in the queue, at another place than before.
  const third = await watch(gateway, (await accept(1))[0]);
  if (gateway) await untilLookedTwice(gateway);
  expect(watcher.shown()).toEqual(['1 SNAPSHOT', '2 STARTED']);
  expect(third.shown()).toEqual(['1 SNAPSHOT']);
  await stores.worker.move(second, claimed.job.lease, { move: 'retry', counts: false });
  await eventually(() => expect(watcher.shown().slice(2)).toEqual(['3 RETRYING', '3 MOVED 0']));
});

describe('where nobody watches a job that is queued', () => {
  test('nothing is asked', async () => {
    const [gateway, busy] = gateways;
    if (!gateway || !busy) throw new Error('two gateways');
    const [first = '', second = '', third = ''] = await accept(3);
    const answer = await watch(gateway, first, { moves: false });
    const left = await watch(gateway, second);
    await left.leave();
    const running = await watch(gateway, third);
    await stores.worker.claim(third);
    await eventually(() => expect(running.shown()).toContain('2 STARTED'));
    // Those two asked for the place that their SNAPSHOT shows.
    const before = gateway.looks.length;
    await watch(busy, first);
    await untilLookedTwice(busy);
    expect(gateway.looks.length).toBe(before);
    expect(answer.shown()).toEqual(['1 SNAPSHOT']);
  });

  test('only those are asked for that somebody watches', async () => {
    const [gateway] = gateways;
    if (!gateway) throw new Error('two gateways');
    const ids = await accept(20);
    await watch(gateway, ids[3]);
    await watch(gateway, ids[7]);
    gateway.looks.length = 0;
    await untilLookedTwice(gateway);
    expect(new Set(gateway.looks)).toEqual(new Set([2]));
  });
});
