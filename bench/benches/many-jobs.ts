import { setTimeout as delay } from 'node:timers/promises';
import { Redis } from 'ioredis';
import * as z from 'zod';
import { startTestRedis, type TestRedis } from '../../test/support/redis.ts';
import type { Bench, BenchContext } from '../bench.ts';
import { type Child, startChild } from '../child.ts';
import { usersAnswerSchema } from '../load/users-plan.ts';
import { startGateway, startSimulator, startWorker } from '../product.ts';
import { median } from '../rounds.ts';
import type { Row } from '../table.ts';

/** The same settings as the embedded Redis and docker-compose.yml. */
const SHIPPED = { appendfsync: 'always', 'stream-node-max-bytes': '256', 'hash-max-listpack-value': '1024' };

const fillSchema = z.object({
  bytesPerJob: z.number(),
  record: z.number(),
  events: z.number(),
  copiedRecord: z.number(),
  copiedEvents: z.number(),
});
const timingsSchema = z.record(z.string(), z.array(z.number()));

/** Compares the cost of each operation with very many finished jobs in Redis to its cost with few. */
export const benchManyJobs: Bench = async (context) => {
  const { quick, say } = context;
  const size = quick
    ? { many: 2_000, few: 100, rounds: 1, times: 5, healthTimes: 1, idleMs: 1_500 }
    : { many: 1_000_000, few: 1_000, rounds: 11, times: 30, healthTimes: 2, idleMs: 3_000 };
  await using stack = new AsyncDisposableStack();
  const keep = (child: Child) => stack.adopt(child, (started) => started.stop());
  const loader = async (script: string) => keep(await startChild({ args: [script], ready: /ready/, probe: false }));

  const load = { fill: await loader('bench/load/fill-jobs.ts'), calls: await loader('bench/load/gateway-calls.ts') };
  const fewRedis = stack.adopt(await startTestRedis({ config: SHIPPED }), (redis) => redis.close());
  const manyRedis = stack.adopt(
    await startTestRedis({ config: { ...SHIPPED, 'auto-aof-rewrite-percentage': '0' } }),
    (redis) => redis.close(),
  );

  async function open(redis: TestRedis, jobs: number) {
    const own = { ...context, redis };
    await makeModels(own);
    const began = performance.now();
    const filled = await load.fill.call('fill', { redisUrl: redis.url, jobs }, fillSchema);
    const seconds = ((performance.now() - began) / 1000).toFixed(0);
    say(
      `${jobs} jobs in ${seconds} s, ${filled.bytesPerJob.toFixed(0)} bytes each; ` +
        'of one that SUCCEEDED, the record takes',
    );
    say(`${filled.record} (copied ${filled.copiedRecord}), its log ${filled.events} (copied ${filled.copiedEvents})`);
    const admin = stack.adopt(new Redis(redis.url), (client) => client.disconnect());
    return { redis, admin, filled, gateway: keep(await startGateway(own)) };
  }
  const few = await open(fewRedis, size.few);
  const many = await open(manyRedis, size.many);

  const both = [few, many];

  /** The results of both Redis servers: first the one with few jobs. */
  async function measure(times: number): Promise<Record<string, number>[]> {
    const gateways = both.map(({ redis, gateway }) => ({ url: gateway.url, redisUrl: redis.url }));
    const args = { gateways, times, healthTimes: size.healthTimes };
    const timings = await load.calls.call('time', args, z.array(timingsSchema));
    for (const { admin } of both) await admin.config('RESETSTAT');
    await delay(size.idleMs);
    return await Promise.all(
      both.map(async ({ admin }, i) => ({
        ...Object.fromEntries(Object.entries(timings[i] ?? {}).map(([name, ms]) => [name, median(ms)])),
        [SWEEPS]: busyMs(await admin.info('commandstats')) / (size.idleMs / 1000),
      })),
    );
  }

  // A warm-up, since the first calls are slow.
  if (!quick) await measure(Math.ceil(size.times / 2));
  const measured: { few: Record<string, number>[]; many: Record<string, number>[] } = { few: [], many: [] };
  for (let round = 0; round < size.rounds; round++) {
    const [atFew = {}, atMany = {}] = await measure(size.times);
    measured.few.push(atFew);
    measured.many.push(atMany);
  }
  const figures = Object.keys(measured.many[0] ?? {});
  const peer = `at ${size.few.toLocaleString('en')} jobs`;
  const values = (of: keyof typeof measured, figure: string) => measured[of].map((each) => each[figure] ?? Number.NaN);
  return [
    ...figures.map(
      (figure): Row => ({
        bench: 'many-jobs',
        figure: figure === SWEEPS ? figure : `${figure}, ms`,
        ours: values('many', figure),
        peer: { name: peer, values: values('few', figure) },
        target: { of: 'ratio', is: 'at most', value: FLAT },
      }),
    ),
    {
      bench: 'many-jobs',
      figure: 'Redis, bytes/job with its log, key and indexes',
      ours: [many.filled.bytesPerJob],
      peer: null,
      target: { of: 'figure', is: 'at most', value: MOST_BYTES },
    },
  ];
};

const SWEEPS = "Redis's time for an idle gateway's sweeps, ms/s";
/**
 * A search in an index of a million takes twice as many steps as in one of a thousand, a small part of a whole call.
 */
const FLAT = 1.25;
const MOST_BYTES = 4_096;

/** Makes jobs through the product: some that SUCCEEDED, and one that was CANCELED. */
async function makeModels(context: BenchContext) {
  await using stack = new AsyncDisposableStack();
  const keep = (child: Child) => stack.adopt(child, (started) => started.stop());
  const simulator = keep(await startSimulator(4));
  const gateway = keep(await startGateway(context));
  const worker = keep(await startWorker(context, [simulator.url]));
  const users = keep(await startChild({ args: ['bench/load/users.ts'], ready: /ready/, probe: false }));
  const plan = { url: gateway.url, users: 2, warmMs: 0, ms: 1, picture: { pixels: 256, steps: 20 } };
  const { failed, faults } = await users.call('run', plan, usersAnswerSchema);
  if (failed > 0) throw new Error(`no job to copy: ${faults.join(', ')}`);
  await worker.stop();
  const call = async (query: string) => {
    const headers = { 'content-type': 'application/json' };
    const response = await fetch(gateway.url, { method: 'POST', headers, body: JSON.stringify({ query }) });
    return await response.json();
  };
  const input = '{ idempotencyKey: "canceled", workflow: { textToImage: { prompt: "a lighthouse at dusk" } } }';
  const made = madeSchema.parse(await call(`mutation { generate(input: ${input}) { job { id } } }`));
  const { id } = made.data.generate.job;
  canceledSchema.parse(await call(`mutation { cancelJob(id: "${id}") { status } }`));
}

const madeSchema = z.object({ data: z.object({ generate: z.object({ job: z.object({ id: z.string() }) }) }) });
const canceledSchema = z.object({ data: z.object({ cancelJob: z.object({ status: z.literal('CANCELED') }) }) });

/** The total time of all commands, from `INFO commandstats`, in milliseconds. */
function busyMs(stats: string): number {
  const usec = [...stats.matchAll(/^cmdstat_[^:]+:calls=\d+,usec=(\d+)/gm)].map(([, each]) => Number(each));
  return usec.reduce((sum, each) => sum + each, 0) / 1000;
}
