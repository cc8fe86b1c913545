import { expect, onTestFinished, test } from 'vitest';
import { startSimulator } from '../../src/simulator/simulator.ts';
import { onFreePort } from '../support/free-port.ts';
import { productMain, startScript } from '../support/process.ts';

/** Every row that a whole run has: what is measured, not how it came out. */
const ROWS = [
  'jobs | jobs/s, 256 px, 20 steps, a step takes 5 ms',
  'jobs | jobs/s, 512 px, 20 steps, no waits',
  'jobs | jobs/s, 64 px, 4 steps, no waits',
  'jobs | CPU of gateway and worker, ms/job',
  'jobs | one job when idle, ms',
  'servers | jobs/s with 2 ComfyUIs',
  'servers | jobs/s with 4 ComfyUIs',
  'generate | calls/s',
  'generate | CPU of the server, us/call',
  'generate | 99th percentile, ms',
  'subscriptions | events delivered/s',
  'subscriptions | CPU of the server, us/event',
  'subscriptions | memory, KiB/subscription',
  'large-output | worker grows by, MiB: video of 1 GiB to folder',
  'large-output | MiB/s: video to folder',
  'users | jobs that succeeded, %',
  'users | jobs/s',
  'users | generate, 95th percentile, ms',
  'users | from SUCCEEDED in Redis to the watcher, 95th percentile, ms',
  'watchers | 400: memory, KiB/watcher',
  "watchers | 400: the last is told of a job's end after, ms",
  'watchers | held with 256 open files',
  'watchers | of those told of the end when more were refused, %',
  'many-jobs | generate, ms',
  'many-jobs | job, ms',
  'many-jobs | jobs, first page, ms',
  'many-jobs | jobs, one status, ms',
  'many-jobs | cancelJob, ms',
  'many-jobs | deleteJob, ms',
  'many-jobs | health, ms',
  'many-jobs | claim, ms',
  'many-jobs | SUCCEEDED, ms',
  "many-jobs | Redis's time for an idle gateway's sweeps, ms/s",
  'many-jobs | Redis, bytes/job with its log, key and indexes',
  'start | gateway ready, ms',
  'start | all in one ready, ms',
  'start | resident when ready, MiB: gateway',
  'start | resident when ready, MiB: all in one',
  'start | CPU until ready, ms: gateway',
  'start | CPU of comfygate health, ms',
  'attacks | pingFlood: { __typename } of others, 99th percentile, ms',
  'attacks | pingFlood: resident at most, MiB',
  'limits | requests a minute, % of rounds exact',
  'limits | GPU seconds a minute, % of rounds exact',
  'limits | GPU seconds a day, % of rounds exact',
  'limits | jobs a day, % of rounds exact',
  'limits | queued jobs, % of rounds exact',
  'limits | CPU of generate, us',
  'limits | CPU of Redis for generate, us',
  'neighbours | generate beside one at all limits, 99th percentile, ms',
  'fairness | share of weights 1, 2, 4: furthest off, %',
  "fairness | Jain's index of 50 callers",
  "fairness | which free server gets another's first, with 2000 queued by one",
  'fairness | claim among 500 callers, ms',
  'fairness | queuePosition among 500 callers, ms',
  'fairness | queuePosition of the last of 2000, ms',
];

/** Of `bench comfyui URL`, which is told where one is running. */
const COMFYUI_ROWS = [
  'comfyui | jobs/s, EmptyImage 512 px to SaveImage, clients: 1',
  'comfyui | jobs/s, EmptyImage 512 px to SaveImage, clients: 4',
  'comfyui | jobs/s, EmptyImage 512 px to SaveImage, clients: 16',
  'comfyui | one job when idle, ms',
];

/** Runs it in its quick form, and gives the rows of its table: their names, and the figure of each. */
async function runQuick(...names: string[]): Promise<Map<string, number>> {
  const bench = startScript(['bench/main.ts', ...names, '--quick'], { PRODUCT_MAIN: productMain });
  onTestFinished(() => bench.kill());
  expect(await bench.exited, bench.output()).toBe(0);
  const rows = bench
    .output()
    .split('\n')
    .filter((line) => line.startsWith('| '))
    .map((line) => line.split('|').map((cell) => cell.trim()));
  return new Map(
    rows.slice(2).map(([, name, figure, ours]) => [`${name} | ${figure}`, Number(ours?.replaceAll(',', ''))]),
  );
}

test('the bench runs in its quick form and prints a row for each figure', { timeout: 420_000 }, async () => {
  const rows = await runQuick();
  expect([...rows.keys()]).toEqual(expect.arrayContaining(ROWS));
  for (const [name, figure] of rows) expect(figure, name).toBeGreaterThan(0);
});

test('it measures in front of a ComfyUI that it is told the address of', { timeout: 120_000 }, async () => {
  const comfyui = await onFreePort((port) => startSimulator({ port }));
  onTestFinished(() => comfyui.close());
  const rows = await runQuick('comfyui', comfyui.url);
  expect([...rows.keys()]).toEqual(COMFYUI_ROWS);
  for (const [name, figure] of rows) expect(figure, name).toBeGreaterThan(0);
});
