import { Redis } from 'ioredis';
import * as z from 'zod';
import type { Bench } from '../bench.ts';
import { type Child, startChild } from '../child.ts';
import { jobsAnswerSchema } from '../load/run-all.ts';
import { usersAnswerSchema } from '../load/users-plan.ts';
import { startGateway, startSimulator, startWorker } from '../product.ts';
import { percentile } from '../rounds.ts';
import type { Row } from '../table.ts';

const SERVERS = 4;
/** A step takes 5 ms, in which the processor is idle, as with a GPU. That is many times faster than any real server. */
const SPEED = 4;
const picture = { pixels: 256, steps: 20 };

/**
 * Measures 100 users at once, on one worker with four ComfyUIs. Each user generates, watches and downloads one job
 * after the other for a minute. The peer is as many users who drive those ComfyUIs directly, which has no `generate`
 * and no watcher to compare.
 */
export const benchUsers: Bench = async (context) => {
  const { quick, say, redis } = context;
  const plan = quick ? { users: 8, warmMs: 500, ms: 3_000 } : { users: 100, warmMs: 5_000, ms: 60_000 };
  await using stack = new AsyncDisposableStack();
  const keep = (child: Child) => stack.adopt(child, (started) => started.stop());
  const loader = (script: string) => startChild({ args: [script], ready: /ready/, probe: false });

  const admin = stack.adopt(new Redis(redis.url), (client) => client.disconnect());
  await admin.flushall();
  const simulators: Child[] = [];
  for (let i = 0; i < SERVERS; i++) simulators.push(keep(await startSimulator(SPEED)));
  const gateway = keep(await startGateway(context));
  const worker = keep(
    await startWorker(
      context,
      simulators.map(({ url }) => url),
    ),
  );
  const users = keep(await loader('bench/load/users.ts'));
  const driver = keep(await loader('bench/peers/comfyui-driver.ts'));
  const cpu = async () => (await gateway.call('cpu', null, z.number())) + (await worker.call('cpu', null, z.number()));

  // A warm-up of one job for each user, since the first jobs are slow.
  await users.call('run', { url: gateway.url, ...plan, warmMs: 0, ms: 1, picture }, usersAnswerSchema);
  const cpuBefore = await cpu();
  const ours = await users.call('run', { url: gateway.url, ...plan, picture }, usersAnswerSchema);
  const cpuMs = (await cpu()) - cpuBefore;
  const all = ours.jobs + ours.failed;
  if (ours.jobs === 0) throw new Error(`no job was done: ${ours.faults.join(', ')}`);
  say(`${ours.jobs} jobs, ${ours.failed} failed ${ours.faults.join(', ')}`);
  say(`${ours.perSecond.toFixed(1)} jobs/s, ${(cpuMs / all).toFixed(1)} ms of CPU of gateway and worker each`);

  // The same number of jobs as through the gateway, so that it takes about as long.
  const perServer = Math.max(1, Math.round(ours.jobs / SERVERS));
  const atOnce = plan.users / SERVERS;
  const direct = await Promise.all(
    simulators.map(({ url }) =>
      driver.call('run', { url, jobs: perServer, atOnce, pauseMs: 0, picture }, jobsAnswerSchema),
    ),
  );
  const directPerSecond = direct.reduce((sum, { perSecond }) => sum + perSecond, 0);
  say(`directly ${directPerSecond.toFixed(1)} jobs/s`);

  const row = (figure: string, value: number, most?: number): Row => ({
    bench: 'users',
    figure,
    ours: [value],
    peer: null,
    ...(most === undefined ? {} : { target: { of: 'figure', is: 'at most', value: most } }),
  });
  return [
    {
      ...row('jobs that succeeded, %', (100 * ours.jobs) / all),
      target: { of: 'figure', is: 'at least', value: 100 },
    },
    {
      ...row('jobs/s', ours.perSecond),
      peer: { name: `as many drivers of the ${SERVERS} ComfyUIs`, values: [directPerSecond] },
    },
    row('generate, 50th percentile, ms', percentile(ours.generateMs, 0.5)),
    row('generate, 95th percentile, ms', percentile(ours.generateMs, 0.95), MOST_GENERATE_MS),
    row('generate, 99th percentile, ms', percentile(ours.generateMs, 0.99)),
    row('from SUCCEEDED in Redis to the watcher, 50th percentile, ms', percentile(ours.deliveryMs, 0.5)),
    row(
      'from SUCCEEDED in Redis to the watcher, 95th percentile, ms',
      percentile(ours.deliveryMs, 0.95),
      MAX_DELIVERY_MS,
    ),
    row('from SUCCEEDED in Redis to the watcher, 99th percentile, ms', percentile(ours.deliveryMs, 0.99)),
    row('CPU of gateway and worker, ms/job', cpuMs / all),
  ];
};

const MOST_GENERATE_MS = 100;
const MAX_DELIVERY_MS = 50;
