import { randomUUID } from 'node:crypto';
import { Redis } from 'ioredis';
import { v7 } from 'uuid';
import { anonymous } from '../../src/callers/identity.ts';
import { createPlans, noPlan, type Plan } from '../../src/callers/plans.ts';
import type { JobLimits } from '../../src/core/limits.ts';
import { createRedisGatewayStore } from '../../src/job-record/redis/redis-gateway-store.ts';
import { closeRedis, connectRedis, whenReady } from '../../src/redis/connection.ts';
import { newJob, openStores, silent } from '../../test/support/gateway-store.ts';
import { testLimits } from '../../test/support/limits.ts';
import { openUseCases } from '../../test/support/use-cases.ts';
import type { Bench, BenchContext } from '../bench.ts';
import { interleave } from '../rounds.ts';
import type { Row } from '../table.ts';

const GATEWAYS = 4;
const LET_THROUGH = 5;

/** Of each limit, so many let through at once; it takes twelve seconds until one more is. */
const limits: [name: string, limits: Partial<JobLimits>][] = [
  ['requests a minute', { requestsPerMinute: LET_THROUGH }],
  ['GPU seconds a minute', { gpuSecondsPerMinute: LET_THROUGH }],
  ['GPU seconds a day', { gpuSecondsPerDay: LET_THROUGH }],
  ['jobs a day', { jobsPerDay: LET_THROUGH }],
  ['queued jobs', { queued: LET_THROUGH }],
];

/** Measures whether limits are exact, and what they cost Redis and the gateway. */
export const benchLimits: Bench = async (context) => [...(await exactness(context)), ...(await cost(context))];

/** In how many rounds of a thousand calls over four gateways exactly as many are accepted as a limit says. */
async function exactness({ redis, quick, say }: BenchContext): Promise<Row[]> {
  const [rounds, calls] = quick ? [1, 100] : [100, 1_000];
  await using stack = new AsyncDisposableStack();
  const stores = stack.adopt(await openStores(redis.url), (opened) => opened.close());
  const gateways = await Promise.all(
    Array.from({ length: GATEWAYS }, async () => {
      const own = connectRedis({ url: redis.url, role: 'durable', log: silent });
      stack.defer(() => closeRedis(own));
      await whenReady(own);
      const times = { retentionMs: 86_400_000, idempotencyTtlMs: 86_400_000, noBackendGraceMs: 300_000 };
      return createRedisGatewayStore({ redis: own, keys: stores.keys, ...times });
    }),
  );
  const rows: Row[] = [];
  for (const [name, given] of limits) {
    let exact = 0;
    for (let round = 0; round < rounds; round++) {
      const caller = `caller-${randomUUID()}`;
      const outcomes = await Promise.all(
        Array.from({ length: calls }, (_, i) =>
          gateways[i % GATEWAYS]?.accept(newJob({ caller, limits: testLimits(given), gpuMs: 1_000 })),
        ),
      );
      const created = outcomes.filter((each) => each?.outcome === 'created').length;
      if (created === LET_THROUGH) exact += 1;
      else say(`${name}: ${created} of ${LET_THROUGH}`);
    }
    say(`${name}: ${exact} of ${rounds} rounds are exact`);
    const target = { of: 'figure', is: 'at least', value: 100 } as const;
    rows.push({
      bench: 'limits',
      figure: `${name}, % of rounds exact`,
      ours: [(100 * exact) / rounds],
      peer: null,
      target,
    });
    await stores.redis.flushall();
  }
  return rows;
}

const bounded: Plan = {
  ...{ ...noPlan, name: 'bounded', requestsPerMinute: 1e9, gpuSecondsPerMinute: 1e9, gpuSecondsPerDay: 1e9 },
  ...{ jobsPerDay: 1e9, queued: 1e9, running: 8, megapixels: 4 },
};

/** `generate` of the use cases with a plan that bounds everything, beside the same without one. */
async function cost({ redis, quick, say }: BenchContext): Promise<Row[]> {
  const [rounds, calls] = quick ? [1, 50] : [9, 3_000];
  await using stack = new AsyncDisposableStack();
  const plans = createPlans(() => new Map([[bounded.name, bounded]]));
  const cases = stack.adopt(await openUseCases(redis.url, { plans }), (opened) => opened.close());
  const admin = stack.adopt(new Redis(redis.url), (client) => client.disconnect());

  async function redisCpuUs(): Promise<number> {
    const used = (await admin.info('cpu')).matchAll(/used_cpu_(?:user|sys)_main_thread:([\d.]+)/g);
    return [...used].reduce((sum, [, seconds]) => sum + Number(seconds) * 1e6, 0);
  }

  async function measure(plan: string | null) {
    await admin.flushall();
    const identity = { ...anonymous, plan };
    const before = { cpu: process.cpuUsage(), redisUs: await redisCpuUs() };
    for (let done = 0; done < calls; done += 50) {
      await Promise.all(Array.from({ length: 50 }, () => cases.generate({ identity, idempotencyKey: v7() })));
    }
    const { user, system } = process.cpuUsage(before.cpu);
    const cpuUs = (user + system) / calls;
    const redisUs = ((await redisCpuUs()) - before.redisUs) / calls;
    say(`${plan ?? 'no plan'}: ${cpuUs.toFixed(1)} us of CPU, Redis ${redisUs.toFixed(1)} us`);
    return { cpuUs, redisUs };
  }

  for (const plan of [null, bounded.name]) await measure(plan);
  const measured = await interleave(rounds, { none: () => measure(null), bounded: () => measure(bounded.name) });
  const row = (figure: string, of: 'cpuUs' | 'redisUs'): Row => ({
    bench: 'limits',
    figure,
    ours: measured.bounded.map((each) => each[of]),
    peer: { name: 'the same without a plan', values: measured.none.map((each) => each[of]) },
  });
  return [
    { ...row('CPU of generate, us', 'cpuUs'), target: { of: 'difference', is: 'at most', value: 10 } },
    row('CPU of Redis for generate, us', 'redisUs'),
  ];
}
