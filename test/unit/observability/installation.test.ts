import { expect, test } from 'vitest';
import { type InstallationSources, registerInstallation } from '../../../src/observability/installation-metrics.ts';
import { createProcessMetrics } from '../../../src/observability/process-metrics.ts';
import { parseFigures } from '../../support/figures.ts';
import { timed } from '../../support/stopwatch.ts';

function start(changes: Partial<InstallationSources> = {}) {
  const process = createProcessMetrics({ role: 'gateway', version: '1' });
  const asked: string[] = [];
  const faults: unknown[] = [];
  const sources: InstallationSources = {
    counts: async () => {
      asked.push('counts');
      return { queued: 3, running: 1, oldestQueuedMs: 1_500 };
    },
    liveWorkers: async () => 2,
    backends: async () => [{ status: 'UP' }, { status: 'DOWN' }, { status: 'UP' }],
    durable: async () => false,
    checkStorage: async () => undefined,
    ...changes,
  };
  const overs: number[] = [];
  const fault = (error: unknown) => void faults.push(error);
  registerInstallation(process, sources, Object.assign(fault, { over: () => void overs.push(faults.length) }));
  return { overs, sources, asked, faults, figures: async () => parseFigures(await process.text()) };
}

const never = () => new Promise<never>(() => undefined);

test('all figures are of one reading, and the next time of a new one', async () => {
  const { figures, asked } = start();
  const seen = await figures();
  expect(asked).toHaveLength(1);
  expect(seen.value('comfygate_queue_jobs', { status: 'QUEUED' })).toBe(3);
  expect(seen.value('comfygate_queue_jobs', { status: 'RUNNING' })).toBe(1);
  expect(seen.value('comfygate_queue_oldest_seconds')).toBe(1.5);
  expect(seen.value('comfygate_workers')).toBe(2);
  expect(seen.value('comfygate_backends', { status: 'UP' })).toBe(2);
  expect(seen.value('comfygate_backends', { status: 'DRAINING' })).toBe(0);
  expect(seen.value('comfygate_redis_durable')).toBe(0);
  await figures();
  expect(asked).toHaveLength(2);
});

test('what hangs is absent after a second, also where it was known before; the rest is there', async () => {
  const calls = { hang: false };
  const { figures, faults, overs } = start({
    liveWorkers: () => (calls.hang ? never() : Promise.resolve(2)),
    backends: () =>
      calls.hang ? Promise.reject(new Error('not what was expected')) : Promise.resolve([{ status: 'UP' }]),
    checkStorage: ({ signal }) =>
      calls.hang
        ? new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)))
        : Promise.resolve(),
  });
  const before = await figures();
  expect(before.value('comfygate_workers')).toBe(2);
  expect(before.value('comfygate_dependency_up', { name: 'storage' })).toBe(1);
  expect(faults).toEqual([]);
  expect(overs).toEqual([0]);

  calls.hang = true;
  const { answer: seen, ms } = await timed(figures());
  expect(ms).toBeLessThan(1_500);
  expect(seen.value('comfygate_workers')).toBeUndefined();
  expect(seen.labels('comfygate_backends', 'status')).toEqual([]);
  expect(seen.value('comfygate_dependency_up', { name: 'storage' })).toBe(0);
  expect(seen.value('comfygate_dependency_up', { name: 'redis' })).toBe(1);
  expect(seen.value('comfygate_queue_jobs', { status: 'QUEUED' })).toBe(3);
  expect(faults).toHaveLength(3);
  expect(overs).toEqual([0]);

  calls.hang = false;
  expect((await figures()).value('comfygate_workers')).toBe(2);
  expect(overs).toEqual([0, 3]);
});
