import * as fc from 'fast-check';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Priority } from '../../../src/core/job.ts';
import { startTestRedis, type TestRedis } from '../../support/redis.ts';
import { openFairShare } from './fair-share.ts';

let server: TestRedis;
beforeAll(async () => {
  server = await startTestRedis();
});
afterAll(() => server.close());

const ranks: Record<Priority, number> = { HIGH: 1, NORMAL: 2, LOW: 3 };
const priority = fc.constantFrom<Priority>('HIGH', 'NORMAL', 'LOW');
const caller = fc.record({
  weight: fc.integer({ min: 1, max: 4 }),
  /** Milliseconds; often those of another caller, so that turns fall together. */
  had: fc.constantFrom(0, 1_000, 2_000, 7_777),
  jobs: fc.array(fc.record({ gpuMs: fc.constantFrom(500, 1_000, 3_000, 60_000), priority }), { maxLength: 6 }),
});

/** Starts all jobs one after the other, each caller's as long as they are on average. */
function simulate(callers: { name: string; tag: number; each: number; ids: string[] }[]): string[] {
  const started: string[] = [];
  const left = callers.map((each) => ({ ...each, ids: [...each.ids] }));
  for (;;) {
    const [next] = left.filter(({ ids }) => ids.length > 0).sort((a, b) => a.tag - b.tag || (a.name < b.name ? -1 : 1));
    const id = next?.ids.shift();
    if (!next || id === undefined) return started;
    started.push(id);
    next.tag += next.each;
  }
}

it('a place is the number of jobs that a model of start-time fair queuing starts before', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(caller, { minLength: 1, maxLength: 8, size: 'max' }), async (callers) => {
      const share = await openFairShare(server.url);
      try {
        const { redis, fair, gateway } = share;
        const model: Parameters<typeof simulate>[0] = [];
        for (const [i, { weight, had, jobs }] of callers.entries()) {
          // Not sorted by when they came.
          const name = `caller ${(i * 5) % 8}`;
          const queued: { id: string; rank: number }[] = [];
          let load = 0;
          if (had > 0) await redis.hset(fair(`caller:${name}`), 'tag', had * 1_000);
          for (const [place, { gpuMs, priority }] of jobs.entries()) {
            const id = await share.accept(name, { gpuMs, weight, priority });
            queued.push({ id, rank: ranks[priority] * 1_000 + place });
            load += Math.floor((gpuMs * 1_000) / weight);
          }
          queued.sort((a, b) => a.rank - b.rank);
          const each = Math.floor(load / Math.max(1, jobs.length));
          model.push({ name, tag: had * 1_000, each, ids: queued.map(({ id }) => id) });
        }
        const started = simulate(model);
        expect(await gateway.positions(started)).toEqual(started.map((_, i) => i));
      } finally {
        await share.close();
      }
    }),
    { numRuns: 40 },
  );
}, 60_000);

it('of a parked job it is all that wait, and none of one that a worker has or that is unknown', async (test) => {
  const share = await openFairShare(server.url);
  test.onTestFinished(share.close);
  const [first, second, third] = [await share.accept('a'), await share.accept('a'), await share.accept('b')];
  const ticket = [...share.tickets][0];
  expect((await share.pick(ticket))?.id).toBe(first);
  expect(await share.gateway.positions([first, second, third, 'nobody'])).toEqual([null, 1, 0, null]);
  await share.worker.park(first);
  expect(await share.gateway.positions([first, second, third])).toEqual([2, 1, 0]);
});
