import { expect, test } from 'vitest';
import { createGatewayMetrics } from '../../../src/observability/gateway-metrics.ts';
import { createProcessMetrics } from '../../../src/observability/process-metrics.ts';
import { createWorkerMetrics, registerBackendStates } from '../../../src/observability/worker-metrics.ts';
import { parseFigures } from '../../support/figures.ts';
import { testJob } from '../../support/graph-services.ts';

test('only the first claim of a job ends its waiting, and a workflow that is not installed is `other`', async () => {
  const process = createProcessMetrics({ role: 'worker', version: '1' });
  const metrics = createWorkerMetrics(process, { workflows: ['textToImage'], backends: [] });
  const waited = { createdAt: 1_000, startedAt: 3_500 };
  metrics.jobClaimed(testJob({ ...waited, attempts: 1 }));
  metrics.jobClaimed(testJob({ ...waited, attempts: 2 }));
  metrics.jobClaimed(testJob({ ...waited, attempts: 1, workflow: 'of_yesterday' }));
  metrics.jobEnded(testJob({ workflow: 'custom' }), 'FAILED', 'TIMEOUT', 4);
  metrics.jobEnded(testJob(), 'CANCELED', '', null);
  const seen = parseFigures(await process.text());
  expect(seen.value('comfygate_job_queue_seconds_sum', { workflow: 'textToImage' })).toBe(2.5);
  expect(seen.value('comfygate_job_queue_seconds_count', { workflow: 'textToImage' })).toBe(1);
  expect(seen.labels('comfygate_job_queue_seconds_count', 'workflow')).toEqual(['textToImage', 'other']);
  expect(seen.value('comfygate_jobs_ended_total', { workflow: 'custom', status: 'FAILED', code: 'TIMEOUT' })).toBe(1);
  expect(seen.value('comfygate_jobs_ended_total', { workflow: 'textToImage', status: 'CANCELED' })).toBe(1);
  expect(seen.labels('comfygate_job_run_seconds_count', 'workflow')).toEqual(['custom']);
});

test('each workflow has its series of generation times before its first job, so that rate() sees it', async () => {
  const process = createProcessMetrics({ role: 'worker', version: '1' });
  const metrics = createWorkerMetrics(process, { workflows: ['textToImage'], backends: [] });
  const count = async (workflow: string) =>
    parseFigures(await process.text()).value('comfygate_job_generation_seconds_count', { workflow });
  expect([await count('textToImage'), await count('custom')]).toEqual([0, 0]);
  metrics.jobGenerated(testJob(), 31);
  metrics.jobGenerated(testJob({ workflow: 'of_yesterday' }), 31);
  expect([await count('textToImage'), await count('other')]).toEqual([1, 1]);
});

test('a workflow that has come has its series too, and those that were there go on', async () => {
  const process = createProcessMetrics({ role: 'all', version: '1' });
  const worker = createWorkerMetrics(process, { workflows: ['textToImage'], backends: [] });
  const gateway = createGatewayMetrics(process, ['textToImage']);
  worker.jobGenerated(testJob(), 31);
  for (const metrics of [worker, gateway]) metrics.setWorkflows(['portrait', 'textToImage']);
  gateway.jobAccepted({ workflow: 'portrait' }, false);
  const count = async (metric: string, workflow: string) =>
    parseFigures(await process.text()).value(metric, { workflow });
  const generated = 'comfygate_job_generation_seconds_count';
  expect([await count(generated, 'portrait'), await count(generated, 'textToImage')]).toEqual([0, 1]);
  expect(await count('comfygate_jobs_accepted_total', 'portrait')).toBe(1);
  worker.setWorkflows(['portrait']);
  worker.jobGenerated(testJob(), 31);
  expect([await count(generated, 'other'), await count(generated, 'textToImage')]).toEqual([1, 1]);
});

test('gateway and worker in one process count the ends of jobs together', async () => {
  const process = createProcessMetrics({ role: 'all', version: '1' });
  const worker = createWorkerMetrics(process, { workflows: ['textToImage'], backends: [] });
  const gateway = createGatewayMetrics(process, ['textToImage']);
  worker.jobEnded(testJob(), 'CANCELED', '', 1);
  gateway.jobEnded(testJob({ status: 'CANCELED' }));
  gateway.jobEnded(testJob({ status: 'RUNNING' }));
  const seen = parseFigures(await process.text());
  expect(seen.value('comfygate_jobs_ended_total', { workflow: 'textToImage', status: 'CANCELED', code: '' })).toBe(2);
});

test('a server has one state, and none once nobody looks at it', async () => {
  const process = createProcessMetrics({ role: 'worker', version: '1' });
  const servers: { name: string; status: 'UP' | 'DOWN' | 'DRAINING' }[] = [{ name: 'gpu1', status: 'DRAINING' }];
  registerBackendStates(process, () => servers);
  const seen = parseFigures(await process.text());
  const states = ['up', 'down', 'draining'].map((state) =>
    seen.value('comfygate_backend_state', { backend: 'gpu1', state }),
  );
  expect(states).toEqual([0, 0, 1]);
  servers.pop();
  expect(parseFigures(await process.text()).labels('comfygate_backend_state', 'backend')).toEqual([]);
});
