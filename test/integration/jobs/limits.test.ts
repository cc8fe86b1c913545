import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { JobLimits } from '../../../src/core/limits.ts';
import { createRedisGatewayStore } from '../../../src/job-record/redis/redis-gateway-store.ts';
import { createRedisSweeperStore } from '../../../src/job-record/redis/redis-sweeper-store.ts';
import { closeRedis, connectRedis, whenReady } from '../../../src/redis/connection.ts';
import { newJob, openStores, silent } from '../../support/gateway-store.ts';
import { testLimits } from '../../support/limits.ts';
import { startTestRedis, type TestRedis } from '../../support/redis.ts';
import { reservations } from '../../support/reservations.ts';
import { picture } from '../../support/use-cases.ts';

const RETENTION_MS = 86_400_000;
const FOUR = 4;
/** `npm run bench -- limits` makes a hundred rounds of them. */
const CALLS = 1_000;
const LET_THROUGH = 5;
/** In which a limit of five a minute lets one more through. */
const ONE_MORE_MS = 12_000;

let redis: TestRedis;
let stores: Awaited<ReturnType<typeof openStores>>;

beforeAll(async () => {
  redis = await startTestRedis();
  stores = await openStores(redis.url);
});

afterAll(async () => {
  await stores?.close();
  await redis?.close();
});

const caller = () => `caller-${randomUUID().slice(0, 8)}`;

async function expectNothingLeftBehind() {
  const { kept, open } = await reservations(stores.redis, stores.keys);
  expect(kept).toEqual(open);
}

const limitsOfFive: [name: string, limits: Partial<JobLimits>][] = [
  ['requests a minute', { requestsPerMinute: LET_THROUGH }],
  ['GPU seconds a minute', { gpuSecondsPerMinute: 3 * LET_THROUGH }],
  ['GPU seconds a day', { gpuSecondsPerDay: 3 * LET_THROUGH }],
  ['jobs a day', { jobsPerDay: LET_THROUGH }],
  ['queued jobs', { queued: LET_THROUGH }],
];

describe('A46: of many calls at once over four gateways a limit lets exactly as many through as it says', () => {
  test.each(limitsOfFive)('%s', { timeout: 120_000 }, async (_name, given) => {
    const gateways = await Promise.all(
      Array.from({ length: FOUR }, async () => {
        // So that a slow machine does not make a call time out.
        const own = connectRedis({ url: redis.url, role: 'durable', log: silent });
        await whenReady(own);
        const { keys } = stores;
        const options = { retentionMs: RETENTION_MS, idempotencyTtlMs: 86_400_000, noBackendGraceMs: 300_000 };
        return { own, store: createRedisGatewayStore({ redis: own, keys, ...options }) };
      }),
    );
    const limits = testLimits(given);
    const who = caller();
    const began = performance.now();
    const calls = Array.from({ length: CALLS }, (_, i) =>
      gateways[i % FOUR]?.store.accept(newJob({ caller: who, limits, gpuMs: 3_000 })),
    );
    const outcomes = (await Promise.all(calls)).map((accepted) => accepted?.outcome);
    const more = Math.floor((performance.now() - began) / ONE_MORE_MS);
    const created = outcomes.filter((outcome) => outcome === 'created').length;
    expect(created).toBeGreaterThanOrEqual(LET_THROUGH);
    expect(created).toBeLessThanOrEqual(LET_THROUGH + more);
    expect(outcomes.filter((outcome) => outcome === 'limited')).toHaveLength(CALLS - created);
    await Promise.all(gateways.map(({ own }) => closeRedis(own)));
  });
});

describe('what a call costs', () => {
  const accept = (limits: JobLimits, who: string, changes = {}) =>
    stores.gateway.accept(newJob({ caller: who, limits, gpuMs: 3_000, ...changes }));
  const leftOf = async (limits: JobLimits, who: string) =>
    Object.fromEntries((await stores.gateway.limits(who, limits)).map(({ name, remaining }) => [name, remaining]));
  const all = testLimits({
    ...{ requestsPerMinute: 10, gpuSecondsPerMinute: 60, gpuSecondsPerDay: 100, jobsPerDay: 20, queued: 5 },
  });

  test('a new job one of each, which its answer tells as well', async () => {
    const who = caller();
    const accepted = await accept(all, who);
    const left = { requestsPerMinute: 9, gpuSecondsPerMinute: 57, gpuSecondsPerDay: 97, jobsPerDay: 19, queued: 4 };
    expect('left' in accepted && accepted.left?.map(({ name, remaining }) => [name, remaining])).toEqual(
      Object.entries(left),
    );
    expect(await leftOf(all, who)).toMatchObject({ gpuSecondsPerDay: 97, jobsPerDay: 19, queued: 4 });
    await expectNothingLeftBehind();
  });

  test('a replay nothing', async () => {
    const who = caller();
    const again = { idempotencyKey: 'mine', requestId: 'again' };
    await accept(all, who, again);
    const before = await stores.redis.hget(stores.keys.plan(who), 'at');
    for (let i = 0; i < 30; i++) expect(await accept(all, who, again)).toMatchObject({ outcome: 'replayed' });
    const key = { caller: who, idempotencyKey: 'mine', fingerprint: 'f' };
    expect(await stores.gateway.countRequest(who, all, key)).toMatchObject({ outcome: 'replayed' });
    expect(await stores.redis.hget(stores.keys.plan(who), 'at')).toBe(before);
  });

  test('a refused input its request and nothing else', async () => {
    const who = caller();
    expect(await stores.gateway.countRequest(who, all, null)).toBeNull();
    const { requestsPerMinute, ...others } = await leftOf(all, who);
    expect(requestsPerMinute).toBeLessThan(10);
    expect(others).toEqual({ gpuSecondsPerMinute: 60, gpuSecondsPerDay: 100, jobsPerDay: 20, queued: 5 });
    for (let i = 0; i < 9; i++) await stores.gateway.countRequest(who, all, null);
    expect(await stores.gateway.countRequest(who, all, null)).toMatchObject({
      outcome: 'limited',
      limited: { name: 'requestsPerMinute', remaining: 0 },
    });
  });

  test('a key that was used for something else, and a job that does not fit, their request', async () => {
    const who = caller();
    const limits = testLimits({ requestsPerMinute: 4, jobsPerDay: 1 });
    await accept(limits, who, { idempotencyKey: 'k' });
    expect(await accept(limits, who, { idempotencyKey: 'k', fingerprint: 'other' })).toMatchObject({
      outcome: 'reused',
    });
    expect(await accept(limits, who)).toMatchObject({ limited: { name: 'jobsPerDay' } });
    expect(await accept(limits, who)).toMatchObject({ limited: { name: 'jobsPerDay' } });
    expect(await accept(limits, who)).toMatchObject({ limited: { name: 'requestsPerMinute' } });
  });

  test('one too many nothing: Redis writes nothing for whoever goes on asking', async () => {
    const who = caller();
    const limits = testLimits({ requestsPerMinute: 1 });
    await accept(limits, who);
    const before = await stores.redis.hgetall(stores.keys.plan(who));
    for (let i = 0; i < 3; i++)
      expect(await accept(limits, who)).toMatchObject({ limited: { name: 'requestsPerMinute' } });
    expect(await stores.redis.hgetall(stores.keys.plan(who))).toEqual(before);
    // But for a plan that has changed: how many of its jobs may run is read there.
    const other = testLimits({ requestsPerMinute: 1, running: 3 });
    expect(await accept(other, who)).toMatchObject({ limited: { name: 'requestsPerMinute' } });
    for (const each of [limits, other, limits, other]) await accept(each, who);
    const { running, levels } = await stores.redis.hgetall(stores.keys.plan(who));
    expect(running).toBe('3');
    expect(Number.parseFloat(levels ?? '')).toBeLessThanOrEqual(1);
  });

  test('a job that alone is more than the limit is refused, and no time is said after which it fits', async () => {
    const limits = testLimits({ gpuSecondsPerMinute: 2 });
    expect(await accept(limits, caller())).toMatchObject({
      outcome: 'limited',
      limited: { waitMs: null, remaining: 2 },
    });
  });

  test('after the time that it says, a refused job fits, and not before', async () => {
    const limits = testLimits({ gpuSecondsPerDay: 100 });
    const who = caller();
    const plan = stores.keys.plan(who);
    /** As if all had happened so much earlier. */
    const pass = async (ms: number) => stores.redis.hset(plan, 'at', Number(await stores.redis.hget(plan, 'at')) - ms);
    expect(await accept(limits, who, { gpuMs: 100_000 })).toMatchObject({ outcome: 'created' });
    const refused = await accept(limits, who, { gpuMs: 30_000 });
    if (refused.outcome !== 'limited') throw new Error(refused.outcome);
    const waitMs = refused.limited.waitMs ?? 0;
    expect(waitMs / 86_400_000).toBeCloseTo(0.3, 2);
    await pass(waitMs - 300_000);
    expect(await accept(limits, who, { gpuMs: 30_000 })).toMatchObject({ outcome: 'limited' });
    await pass(300_000);
    expect(await accept(limits, who, { gpuMs: 30_000 })).toMatchObject({ outcome: 'created' });
  });

  test('a larger limit is there at once, with what was used of the smaller one', async () => {
    const who = caller();
    for (let i = 0; i < 2; i++) await accept(testLimits({ jobsPerDay: 2 }), who);
    expect(await accept(testLimits({ jobsPerDay: 2 }), who)).toMatchObject({ outcome: 'limited' });
    expect(await leftOf(testLimits({ jobsPerDay: 100 }), who)).toEqual({ jobsPerDay: 98 });
    expect(await accept(testLimits({ jobsPerDay: 100 }), who)).toMatchObject({ outcome: 'created' });
  });

  test('of a caller without limits nothing is counted, and nothing is written of it', async () => {
    const who = caller();
    const job = newJob({ caller: who });
    await stores.gateway.accept(job);
    expect(await stores.redis.exists(stores.keys.plan(who))).toBe(0);
    expect(await stores.redis.hexists(stores.keys.job(job.id), 'gpuMs')).toBe(0);
    expect(await stores.redis.hexists(stores.keys.reserved, who)).toBe(0);
  });
});

describe('what was reserved when a job ends', () => {
  const limits = testLimits({ gpuSecondsPerDay: 100 });
  const progress = { fraction: 1, nodesDone: 1, nodesTotal: 1, node: null };
  const timing = (ms: number, cached = false) => ({ nodeId: '3', classType: 'KSampler', ms, cached });
  const failure = { code: 'EXECUTION_FAILED', message: 'no', nodeId: null, classType: null, retryable: false } as const;
  const left = async (who: string) => (await stores.gateway.limits(who, limits))[0]?.remaining ?? Number.NaN;

  async function open(who: string, gpuMs = 30_000) {
    const job = newJob({ caller: who, limits, gpuMs });
    await stores.gateway.accept(job);
    return job.id;
  }

  async function claim(id: string) {
    const claimed = await stores.worker.claim(id);
    if (claimed.outcome !== 'claimed') throw new Error(claimed.outcome);
    return claimed.job.lease;
  }

  async function run(who: string) {
    const id = await open(who);
    const lease = await claim(id);
    await stores.worker.move(id, lease, { move: 'progress', progress });
    return { id, lease };
  }

  test('that succeeds becomes what was measured, cached nodes left out', async () => {
    const who = caller();
    const { id, lease } = await run(who);
    expect(await left(who)).toBeCloseTo(70, 0);
    const timings = [timing(40_000), timing(5_000.4), timing(9_000, true)];
    await stores.worker.move(id, lease, { move: 'succeed', artifacts: [picture], progress, timings });
    expect(await left(who)).toBeCloseTo(55, 0);
    await expectNothingLeftBehind();
  });

  test('that is cancelled while it waits is given back whole', async () => {
    const who = caller();
    const id = await open(who);
    await stores.gateway.requestCancel(id);
    expect(await left(who)).toBe(100);
    await expectNothingLeftBehind();
  });

  test('that is cancelled, fails or passes its deadline while it runs becomes the time that it has run', async () => {
    const sweeper = createRedisSweeperStore(stores.redis, stores.keys, RETENTION_MS);
    const ends = {
      async cancel(id: string, lease: number) {
        await stores.gateway.requestCancel(id);
        await stores.worker.move(id, lease, { move: 'cancel' });
      },
      fail: (id: string, lease: number) => stores.worker.move(id, lease, { move: 'fail', error: failure, timings: [] }),
      expire: (id: string) => sweeper.expire(id, { ...failure, code: 'TIMEOUT' }),
    };
    for (const end of Object.values(ends)) {
      const who = caller();
      const { id, lease } = await run(who);
      // As if it had begun twenty seconds ago.
      const ranAt = Number(await stores.redis.hget(stores.keys.job(id), 'ranAt'));
      await stores.redis.hset(stores.keys.job(id), 'ranAt', ranAt - 20_000);
      await end(id, lease);
      expect(await left(who)).toBeGreaterThan(75);
      expect(await left(who)).toBeLessThanOrEqual(80.1);
    }
    await expectNothingLeftBehind();
  });

  test('that waited at a server and ran nothing is given back whole', async () => {
    const who = caller();
    const id = await open(who);
    const lease = await claim(id);
    await stores.gateway.requestCancel(id);
    await stores.worker.move(id, lease, { move: 'cancel' });
    expect(await left(who)).toBe(100);
    await expectNothingLeftBehind();
  });

  test('whose worker crashes and which runs again is reserved once', async () => {
    const who = caller();
    const { id, lease } = await run(who);
    await stores.worker.move(id, lease, { move: 'retry', counts: true });
    expect(await left(who)).toBeCloseTo(70, 0);
    await claim(id);
    const taken = await claim(id);
    await expectNothingLeftBehind();
    expect(await left(who)).toBeCloseTo(70, 0);
    const timings = [timing(10_000)];
    await stores.worker.move(id, taken, { move: 'succeed', artifacts: [picture], progress, timings });
    expect(await left(who)).toBeCloseTo(90, 0);
    await expectNothingLeftBehind();
  });

  test('that took longer counts from its end on, though the meter had drained long before', async () => {
    const who = caller();
    const { id, lease } = await run(who);
    const plan = stores.keys.plan(who);
    // As if it had been accepted two days ago.
    await stores.redis.hset(plan, 'at', Number(await stores.redis.hget(plan, 'at')) - 2 * 86_400_000);
    expect(await left(who)).toBe(100);
    const timings = [timing(50_000)];
    await stores.worker.move(id, lease, { move: 'succeed', artifacts: [picture], progress, timings });
    expect(await left(who)).toBeCloseTo(80, 0);
  });

  test('and is removed before it has, is reserved no longer', async () => {
    const id = await open(caller());
    await stores.gateway.remove(id);
    await stores.redis.zrem(stores.keys.open, id);
    await expectNothingLeftBehind();
  });
});
