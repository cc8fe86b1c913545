import { randomUUID } from 'node:crypto';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { newJob, openStores } from '../../support/gateway-store.ts';
import { testLimits } from '../../support/limits.ts';
import { startTestRedis, type TestRedis } from '../../support/redis.ts';
import { reservations } from '../../support/reservations.ts';

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

const LIMIT = 1_000;
const DAY_SECONDS = 86_400;
/** What drains while a step is carried out: some milliseconds of GPU time for each second, however slow the machine. */
const INEXACT = 1;
const limits = testLimits({ gpuSecondsPerDay: LIMIT });
const progress = { fraction: 0.5, nodesDone: 1, nodesTotal: 2, node: null };

const steps = fc.array(
  fc.oneof(
    fc.record({ act: fc.constant('accept' as const), cost: fc.integer({ min: 1, max: 400 }) }),
    fc.record({ act: fc.constant('pass' as const), seconds: fc.integer({ min: 0, max: DAY_SECONDS }) }),
    fc.record({
      act: fc.constantFrom('cancel' as const, 'succeed' as const, 'interrupt' as const, 'crash' as const),
      which: fc.nat(20),
      took: fc.integer({ min: 0, max: 600 }),
    }),
  ),
  { minLength: 5, maxLength: 25 },
);

/** A level that drains, of which what jobs turn out not to take is taken off. */
function createModel() {
  let level = 0;
  return {
    left: () => LIMIT - level,
    pass(seconds: number) {
      level = Math.max(0, level - (seconds * LIMIT) / DAY_SECONDS);
    },
    add(seconds: number) {
      level = Math.max(0, level + seconds);
    },
  };
}

test('what is left of a limit is what a model says, whatever jobs do and however time passes', async () => {
  await fc.assert(
    fc.asyncProperty(steps, async (all) => {
      const caller = `caller-${randomUUID()}`;
      const model = createModel();
      const open: { id: string; cost: number }[] = [];
      const { keys, redis: connection, gateway, worker } = stores;

      /** As if it had happened so much earlier. */
      async function pass(seconds: number) {
        const at = await connection.hget(keys.plan(caller), 'at');
        if (at !== null) await connection.hset(keys.plan(caller), 'at', Number(at) - 1_000 * seconds);
        model.pass(seconds);
      }

      async function begin(id: string): Promise<number> {
        const claimed = await worker.claim(id);
        if (claimed.outcome !== 'claimed') throw new Error(claimed.outcome);
        await worker.move(id, claimed.job.lease, { move: 'progress', progress });
        return claimed.job.lease;
      }

      for (const step of all) {
        if (step.act === 'pass') await pass(step.seconds);
        else if (step.act === 'accept') {
          const job = newJob({ caller, limits, gpuMs: 1_000 * step.cost });
          const { outcome } = await gateway.accept(job);
          const room = model.left() - step.cost;
          if (Math.abs(room) > INEXACT) expect(outcome).toBe(room >= 0 ? 'created' : 'limited');
          if (outcome === 'created') {
            model.add(step.cost);
            open.push({ id: job.id, cost: step.cost });
          }
        } else {
          const [job] = open.splice(step.which % Math.max(1, open.length), 1);
          if (!job) continue;
          if (step.act === 'cancel') {
            await gateway.requestCancel(job.id);
            model.add(-job.cost);
          } else {
            const lease = await begin(job.id);
            if (step.act === 'crash') {
              await worker.move(job.id, lease, { move: 'retry', counts: true });
              open.push(job);
            } else if (step.act === 'interrupt') {
              const ranAt = Number(await connection.hget(keys.job(job.id), 'ranAt'));
              await connection.hset(keys.job(job.id), 'ranAt', ranAt - 1_000 * step.took);
              await gateway.requestCancel(job.id);
              await worker.move(job.id, lease, { move: 'cancel' });
              model.add(step.took - job.cost);
            } else {
              const timings = [{ nodeId: '3', classType: 'KSampler', ms: 1_000 * step.took, cached: false }];
              await worker.move(job.id, lease, { move: 'succeed', artifacts: [], progress, timings });
              model.add(step.took - job.cost);
            }
          }
        }
        const [state] = await gateway.limits(caller, limits);
        expect(Math.abs((state?.remaining ?? 0) - Math.max(0, model.left()))).toBeLessThanOrEqual(INEXACT);
      }
      const { kept, open: reserved } = await reservations(connection, keys);
      expect(kept[caller] ?? 0).toBe(reserved[caller] ?? 0);
    }),
    { numRuns: 30 },
  );
});
