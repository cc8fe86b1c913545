import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { createRedisBackendOperator } from '../../../src/backends/redis/redis-backends.ts';
import { judgeComfyui } from '../../../src/health/comfyui.ts';
import { createProcessMetrics } from '../../../src/observability/process-metrics.ts';
import { createWorkerMetrics } from '../../../src/observability/worker-metrics.ts';
import type { Simulator } from '../../../src/simulator/simulator.ts';
import { promptIdOf } from '../../../worker/comfyui/prompt.ts';
import type { WorkerParts } from '../../../worker/worker.ts';
import { parseFigures } from '../../support/figures.ts';
import { startLackingComfyui } from '../../support/lacking-comfyui.ts';
import { startTestRedis, type TestRedis } from '../../support/redis.ts';
import { graph, inverted, startHarness } from './harness.ts';

let redis: TestRedis;
beforeAll(async () => {
  redis = await startTestRedis();
});
afterAll(() => redis.close());

/** Prompts are not moved for being idle elsewhere, so that what moves them here is that their server stalls. */
const timings = { notTaken: 400, outlived: 400, leftAlone: 60_000, idle: 3_600_000, poll: 50, cancelGrace: 300 };

async function setUp() {
  const harness = await startHarness(redis.url);
  const process = createProcessMetrics({ role: 'worker', version: '1' });
  const metrics = createWorkerMetrics(process, { workflows: [], backends: ['a', 'b'] });
  const operator = createRedisBackendOperator(harness.stores.redis, harness.stores.keys);
  const seen = async (name: string) => (await operator.backends()).find((each) => each.name === name);
  return {
    harness,
    seen,
    work(servers: { [name: string]: string }, options: Partial<WorkerParts> = {}) {
      return harness.work(servers, { metrics, ...options, timings: { ...timings, ...options.timings } });
    },
    until: (name: string, status: string, message: unknown = null) =>
      vi.waitFor(async () => expect(await seen(name)).toMatchObject({ status, message }), 10_000),
    health: async () => judgeComfyui(await operator.backends()),
    breaker: async (backend: string, to: string) =>
      parseFigures(await process.text()).value('comfygate_breaker_changes_total', { backend, to }),
    [Symbol.asyncDispose]: () => harness[Symbol.asyncDispose](),
  };
}

const TAKES_NONE = expect.stringMatching(/runs none of the prompts that wait there: restart this ComfyUI/);
const NEVER_ENDS = expect.stringMatching(/does not end the prompt that runs there: restart this ComfyUI/);

async function restart(simulator: Simulator) {
  simulator.faults.set({ reset: true, restart: 0 });
}

describe('B10 a server that answers and runs nothing', { timeout: 60_000 }, () => {
  test('is shown as down with what to do, its jobs go elsewhere uncounted, and it comes back', async () => {
    await using parts = await setUp();
    const { harness, work, until, health, breaker } = parts;
    const [a, b] = [await harness.simulate(), await harness.simulate()];
    a.faults.set({ deadBetween: true });
    b.faults.set({ hold: true });
    work({ a: a.url, b: b.url });
    await Promise.all([until('a', 'UP'), until('b', 'UP')]);
    const ids = await Promise.all(Array.from({ length: 4 }, () => harness.submit(graph)));
    await vi.waitFor(() => expect([a.posts, b.posts]).toEqual([2, 2]));
    await until('a', 'DOWN', TAKES_NONE);
    expect(await health()).toMatchObject({ status: 'DEGRADED', message: expect.stringContaining('a (it answers') });
    expect(await breaker('a', 'open')).toBe(1);
    b.faults.set({ hold: false });
    for (const id of ids) {
      expect(await harness.ended(id)).toMatchObject({ status: 'SUCCEEDED', failures: 0, submission: { backend: 'b' } });
    }
    expect([a.started.length, b.started.length]).toEqual([0, 4]);
    expect(new Set(b.started).size).toBe(4);

    await restart(a);
    await until('a', 'UP');
    expect(await health()).toEqual({ status: 'HEALTHY', message: null });
    b.faults.set({ hold: true });
    const next = await Promise.all(Array.from({ length: 4 }, () => harness.submit(graph)));
    await vi.waitFor(() => expect(a.started.length).toBeGreaterThan(0));
    b.faults.set({ hold: false });
    for (const id of next) expect(await harness.ended(id)).toMatchObject({ status: 'SUCCEEDED', failures: 0 });
    expect(await breaker('a', 'closed')).toBe(1);
  });

  test('and is the only one: its jobs wait in the queue, not tried again and again, until it works', async () => {
    await using parts = await setUp();
    const { harness, work, until, health, seen } = parts;
    const a = await harness.simulate();
    await using proxy = await startLackingComfyui(a.port, []);
    a.faults.set({ deadBetween: true });
    work({ a: proxy.url });
    await until('a', 'UP');
    const waited = await harness.submit(graph);
    await until('a', 'DOWN', TAKES_NONE);
    await harness.until(waited, 'QUEUED');
    const later = await harness.submit(graph);
    expect(await health()).toMatchObject({ status: 'UNHEALTHY' });
    // It stays so though nothing waits there any more, for many looks.
    const looks = () => proxy.requests.filter((each) => each === 'GET /api/prompt').length;
    const before = looks();
    await vi.waitFor(() => expect(looks()).toBeGreaterThan(before + 15), 10_000);
    expect(await seen('a')).toMatchObject({ status: 'DOWN', message: TAKES_NONE });
    expect(await harness.job(waited)).toMatchObject({ status: 'QUEUED', attempts: 1, failures: 0 });
    expect(await harness.job(later)).toMatchObject({ status: 'QUEUED', attempts: 0 });
    expect(a.posts).toBe(1);

    await restart(a);
    for (const id of [waited, later]) {
      expect(await harness.ended(id)).toMatchObject({ status: 'SUCCEEDED', failures: 0 });
    }
    expect(await harness.job(waited)).toMatchObject({ attempts: 2, submission: { number: 2 } });
    expect(a.started).toEqual(expect.arrayContaining([promptIdOf(waited, 2), promptIdOf(later, 1)]));
    expect(a.started).toHaveLength(2);
  });

  test('and is the only one that can run a job: it waits, though another server has free slots', async () => {
    await using parts = await setUp();
    const { harness, work, until } = parts;
    const [a, b] = [await harness.simulate(), await harness.simulate()];
    await using lacking = await startLackingComfyui(b.port, ['ImageInvert']);
    a.faults.set({ deadBetween: true });
    work({ a: a.url, b: lacking.url });
    await Promise.all([until('a', 'UP'), until('b', 'UP')]);
    const only = await harness.submit(inverted);
    await until('a', 'DOWN', TAKES_NONE);
    await harness.until(only, 'QUEUED');
    // It is delivered each second meanwhile.
    const since = performance.now();
    await vi.waitFor(() => expect(performance.now() - since).toBeGreaterThan(4_000), 10_000);
    expect(await harness.ended(await harness.submit(graph))).toMatchObject({ submission: { backend: 'b' } });
    expect(await harness.job(only)).toMatchObject({ status: 'QUEUED', attempts: 1, failures: 0 });
    await restart(a);
    expect(await harness.ended(only)).toMatchObject({ status: 'SUCCEEDED', attempts: 2, failures: 0 });
  });

  test('or is away, and is the only one that can run a job: it is not tried again and again', async () => {
    await using parts = await setUp();
    const { harness, work, until } = parts;
    const [a, b] = [await harness.simulate(), await harness.simulate()];
    await using lacking = await startLackingComfyui(b.port, ['ImageInvert']);
    a.faults.set({ hold: true });
    work({ a: a.url, b: lacking.url });
    await Promise.all([until('a', 'UP'), until('b', 'UP')]);
    const only = await harness.submit(inverted);
    await vi.waitFor(() => expect(a.started).toEqual([promptIdOf(only, 1)]));
    a.faults.set({ reset: true, restart: 8_000 });
    await harness.until(only, ({ failures }) => failures === 1);
    await until('a', 'DOWN', expect.any(String));
    const { attempts } = await harness.job(only);
    // It is delivered each second meanwhile.
    const since = performance.now();
    await vi.waitFor(() => expect(performance.now() - since).toBeGreaterThan(4_000), 10_000);
    expect(await harness.job(only)).toMatchObject({ status: 'QUEUED', attempts });
    expect(await harness.ended(only)).toMatchObject({ status: 'SUCCEEDED', failures: 1 });
  });

  test('and shows nothing of a restart: after a while it is given one job to try', async () => {
    await using parts = await setUp();
    const { harness, work, until, breaker } = parts;
    const a = await harness.simulate();
    a.faults.set({ deadBetween: true });
    work({ a: a.url }, { timings: { leftAlone: 500 } });
    await until('a', 'UP');
    const ids = await Promise.all(Array.from({ length: 3 }, () => harness.submit(graph)));
    await vi.waitFor(() => expect(a.posts).toBe(2));
    await until('a', 'DOWN', TAKES_NONE);
    await vi.waitFor(async () => expect(await breaker('a', 'open')).toBe(2), 10_000);
    expect(a.posts).toBe(3);
    a.faults.set({ deadBetween: false });
    for (const id of ids) expect(await harness.ended(id)).toMatchObject({ status: 'SUCCEEDED', failures: 0 });
  });
});

describe('B10 a server at a prompt that does not end', { timeout: 60_000 }, () => {
  test('after its cancel is shown as down with what to do; what waits behind it goes elsewhere uncounted', async () => {
    await using parts = await setUp();
    const { harness, work, until, breaker } = parts;
    const [a, b] = [await harness.simulate(), await harness.simulate()];
    a.faults.set({ deadWorker: true });
    b.faults.set({ httpStatus: 503 });
    work({ a: a.url, b: b.url });
    const stuck = await harness.submit(graph);
    await vi.waitFor(() => expect(a.started).toEqual([promptIdOf(stuck, 1)]));
    const behind = await harness.submit(graph);
    await vi.waitFor(() => expect(a.posts).toBe(2));
    b.faults.reset();
    await until('b', 'UP');
    await harness.stores.gateway.requestCancel(stuck);
    expect(await harness.ended(stuck)).toMatchObject({ status: 'CANCELED' });
    await until('a', 'DOWN', NEVER_ENDS);
    expect(await breaker('a', 'open')).toBe(1);
    expect(await harness.ended(behind)).toMatchObject({
      status: 'SUCCEEDED',
      attempts: 1,
      failures: 0,
      submission: { backend: 'b' },
    });
    for (let i = 0; i < 3; i++) await harness.ended(await harness.submit(graph));
    expect([a.posts, b.posts]).toEqual([2, 4]);
    await restart(a);
    await until('a', 'UP');
  });

  test('within the time of an attempt fails that job alone; the next ones wait for its restart', async () => {
    await using parts = await setUp();
    const { harness, work, until } = parts;
    const a = await harness.simulate();
    a.faults.set({ deadWorker: true });
    work({ a: a.url }, { jobTimeoutMs: 3_000 });
    const stuck = await harness.submit(graph);
    await vi.waitFor(() => expect(a.started).toEqual([promptIdOf(stuck, 1)]));
    const others = await Promise.all(Array.from({ length: 3 }, () => harness.submit(graph)));
    expect(await harness.ended(stuck)).toMatchObject({ status: 'FAILED', error: { code: 'TIMEOUT' } });
    await until('a', 'DOWN', NEVER_ENDS);
    for (const id of others) await harness.until(id, 'QUEUED');
    await restart(a);
    for (const id of others) expect(await harness.ended(id)).toMatchObject({ status: 'SUCCEEDED', failures: 0 });
    expect(a.started).toHaveLength(4);
  });

  test('is found out by each worker that reaches the server, also by one that came later', async () => {
    await using parts = await setUp();
    const { harness, work, until, seen } = parts;
    const a = await harness.simulate();
    await using proxy = await startLackingComfyui(a.port, []);
    a.faults.set({ deadWorker: true });
    const first = work({ a: a.url });
    const stuck = await harness.submit(graph);
    await vi.waitFor(() => expect(a.started).toEqual([promptIdOf(stuck, 1)]));
    await harness.stores.gateway.requestCancel(stuck);
    await until('a', 'DOWN', NEVER_ENDS);
    const second = work({ a: proxy.url });
    await vi.waitFor(() => expect(second.backends()).toMatchObject([{ status: 'DOWN', message: NEVER_ENDS }]), 10_000);
    await first.close();
    const looks = () => proxy.requests.filter((each) => each === 'GET /api/prompt').length;
    const before = looks();
    await vi.waitFor(() => expect(looks()).toBeGreaterThan(before + 10), 10_000);
    expect(await seen('a')).toMatchObject({ status: 'DOWN', message: NEVER_ENDS });
    await restart(a);
    await until('a', 'UP');
    expect(await harness.ended(await harness.submit(graph))).toMatchObject({ status: 'SUCCEEDED' });
  });

  test('since it is long and silent, which nobody has cancelled, is left in peace', async () => {
    await using parts = await setUp();
    const { harness, work, until, health, breaker } = parts;
    const a = await harness.simulate();
    await using proxy = await startLackingComfyui(a.port, []);
    a.faults.set({ hold: true });
    work({ a: proxy.url });
    await until('a', 'UP');
    const ids = await Promise.all(Array.from({ length: 2 }, () => harness.submit(graph)));
    await vi.waitFor(() => expect(a.posts).toBe(2));
    const looks = () => proxy.requests.filter((each) => each === 'GET /api/jobs?status=in_progress').length;
    const before = looks();
    // Each look is 100 ms after the last: more than three times what would be too long after a cancel.
    await vi.waitFor(() => expect(looks()).toBeGreaterThan(before + 12), 10_000);
    expect(await health()).toEqual({ status: 'HEALTHY', message: null });
    a.faults.set({ hold: false });
    for (const id of ids) {
      expect(await harness.ended(id)).toMatchObject({ status: 'SUCCEEDED', attempts: 1, submission: { number: 1 } });
    }
    expect(await breaker('a', 'open')).toBe(0);
  });
});
