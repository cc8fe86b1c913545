import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { createTransition } from '../../../src/job-record/redis/transition.ts';
import { createProcessMetrics } from '../../../src/observability/process-metrics.ts';
import {
  type AttemptOutcome,
  attemptOutcomes,
  createWorkerMetrics,
} from '../../../src/observability/worker-metrics.ts';
import type { WorkerParts } from '../../../worker/worker.ts';
import { parseFigures } from '../../support/figures.ts';
import { startTestRedis, type TestRedis } from '../../support/redis.ts';
import { graph, startHarness } from './harness.ts';

let redis: TestRedis;
beforeAll(async () => {
  redis = await startTestRedis();
});
afterAll(() => redis.close());

async function setUp() {
  const harness = await startHarness(redis.url);
  const simulator = await harness.simulate();
  const process = createProcessMetrics({ role: 'worker', version: '1' });
  const metrics = createWorkerMetrics(process, { workflows: [], backends: ['main'] });
  const work = (options: Partial<WorkerParts> = {}) => harness.work({ main: simulator.url }, { metrics, ...options });
  const figures = async () => parseFigures(await process.text());

  /** Waits until attempts have ended like this, and in no other way. */
  async function attempts(wanted: Partial<Record<AttemptOutcome, number>>) {
    await vi.waitFor(async () => {
      const seen = await figures();
      const counted = attemptOutcomes.map((outcome) => [
        outcome,
        seen.value('comfygate_job_attempts_total', { outcome }),
      ]);
      expect(Object.fromEntries(counted.filter(([, count]) => count !== 0))).toEqual(wanted);
    });
  }
  const ended = async (status: string, code = '') =>
    (await figures()).value('comfygate_jobs_ended_total', { workflow: 'custom', status, code });
  return {
    harness,
    simulator,
    work,
    figures,
    attempts,
    ended,
    [Symbol.asyncDispose]: () => harness[Symbol.asyncDispose](),
  };
}

test('a job that is handed over was put back once and ended once, and waited once', async () => {
  await using parts = await setUp();
  const { harness, simulator, work, attempts, figures, ended } = parts;
  simulator.faults.set({ hold: true });
  const first = work();
  const id = await harness.submit(graph);
  await vi.waitFor(() => expect(simulator.started).toHaveLength(1));
  await first.close();
  await attempts({ put_back: 1 });
  work();
  simulator.faults.set({ hold: false });
  await harness.ended(id);
  await attempts({ put_back: 1, succeeded: 1 });
  expect(await ended('SUCCEEDED')).toBe(1);
  const seen = await figures();
  expect(seen.value('comfygate_job_queue_seconds_count', { workflow: 'custom' })).toBe(1);
  expect(seen.value('comfygate_job_run_seconds_count', { workflow: 'custom' })).toBe(1);
  // The first worker did not see its end, the second not its beginning.
  expect(seen.value('comfygate_job_generation_seconds_count', { workflow: 'custom' })).toBe(0);
  expect(seen.value('comfygate_job_upload_seconds_count')).toBe(1);
});

test('waiting behind another prompt does not count as generation; hanging until the timeout does', async () => {
  await using parts = await setUp();
  const { harness, simulator, work, attempts, figures } = parts;
  simulator.faults.set({ hold: true });
  work({ jobTimeoutMs: 5_000 });
  const hanging = await harness.submit(graph);
  await vi.waitFor(() => expect(simulator.started).toHaveLength(1));
  const behind = await harness.submit(graph);
  await harness.until(behind, ({ submission }) => submission !== null);
  await harness.stores.gateway.requestCancel(behind);
  await harness.ended(behind);
  expect(await harness.ended(hanging)).toMatchObject({ status: 'FAILED', error: { code: 'TIMEOUT' } });
  await attempts({ canceled: 1, failed: 1 });
  const seen = await figures();
  expect(simulator.started).toHaveLength(1);
  expect(seen.value('comfygate_job_run_seconds_count', { workflow: 'custom' })).toBe(2);
  expect(seen.value('comfygate_job_generation_seconds_count', { workflow: 'custom' })).toBe(1);
  expect(seen.value('comfygate_job_generation_seconds_sum', { workflow: 'custom' })).toBeGreaterThan(2);
});

test('counted failures are `retried` until the last one ends the job; the server’s breaker opens', async () => {
  await using parts = await setUp();
  const { harness, simulator, work, attempts, figures, ended } = parts;
  simulator.faults.set({ refusePrompt: 503 });
  work({ breaker: { threshold: 2, openMs: { first: 100, most: 100 } }, timings: { lookUp: 0 } });
  const id = await harness.submit(graph);
  expect(await harness.ended(id)).toMatchObject({ status: 'FAILED', error: { code: 'COMFYUI_UNAVAILABLE' } });
  await attempts({ retried: 1, failed: 1 });
  expect(await ended('FAILED', 'COMFYUI_UNAVAILABLE')).toBe(1);
  const breaker = { backend: 'main', to: 'open' };
  expect((await figures()).value('comfygate_breaker_changes_total', breaker)).toBe(1);
});

test('a failure that came behind the deadline is not counted, one that was sent twice is, once', async () => {
  await using parts = await setUp();
  const { harness, simulator, work, attempts, figures, ended } = parts;
  const { worker: store, redis: connection, keys } = harness.stores;
  const transition = createTransition(connection, keys, 60_000);
  const error = { code: 'TIMEOUT', message: 'late', nodeId: null, classType: null, retryable: true } as const;
  let before: (...move: Parameters<typeof store.move>) => Promise<unknown>;
  work({
    store: {
      ...store,
      async move(id, lease, change) {
        if (change.move === 'fail') await before(id, lease, change);
        return store.move(id, lease, change);
      },
    },
  });
  simulator.faults.set({ nodeError: { kind: 'exception' } });
  before = (id) => transition({ id, move: 'expire', set: { error } });
  await harness.ended(await harness.submit(graph));
  await attempts({ ended: 1 });
  expect((await figures()).labels('comfygate_jobs_ended_total', 'status')).toEqual([]);

  before = store.move;
  await harness.ended(await harness.submit(graph));
  await attempts({ ended: 1, failed: 1 });
  expect(await ended('FAILED', 'EXECUTION_FAILED')).toBe(1);
});

test('a cancel is the worker’s to count while the job runs, a deadline never is', async () => {
  await using parts = await setUp();
  const { harness, simulator, work, attempts, figures, ended } = parts;
  const { stores } = harness;
  simulator.faults.set({ hold: true });
  work();
  const canceled = await harness.submit(graph);
  await harness.until(canceled, 'RUNNING');
  await stores.gateway.requestCancel(canceled);
  await harness.ended(canceled);
  await attempts({ canceled: 1 });
  expect(await ended('CANCELED')).toBe(1);

  const late = await harness.submit(graph);
  await harness.until(late, 'RUNNING');
  const transition = createTransition(stores.redis, stores.keys, 60_000);
  expect(await transition({ id: late, move: 'expire' })).toMatchObject({ outcome: 'done' });
  await attempts({ canceled: 1, ended: 1 });
  expect((await figures()).labels('comfygate_jobs_ended_total', 'status')).toEqual(['CANCELED']);
});
