import { describe, expect, it } from 'vitest';
import { eventually, onlySimulator, openProduct } from '../../support/product.ts';
import { startWorkload } from '../../support/redis-workload.ts';
import { startSentinelGroup } from '../../support/sentinel.ts';

/** The Sentinels' own part of it is under 5 s. */
const RESUMED_WITHIN_MS = 25_000;

describe('a Redis that Sentinels watch', { timeout: 120_000 }, () => {
  it.each(['killed', 'silent'] as const)(
    'fails over when its master is %s: UNAVAILABLE in time, and no acknowledged job is lost',
    async (fault) => {
      await using stack = new AsyncDisposableStack();
      const group = await startSentinelGroup({ replicas: 2 });
      stack.defer(group.close);
      const lifetime = { onTestFinished: (dispose: () => Promise<void>) => stack.defer(dispose) };
      // Its own Redis stays unused.
      const product = await openProduct(lifetime, { env: { REDIS_URL: group.url } });
      const simulator = onlySimulator(product);
      const [gateway, worker] = await Promise.all([product.gateway(), product.worker()]);

      const workload = startWorkload(gateway);
      await eventually(() => workload.acknowledged >= 10, 'jobs are accepted');
      const master = await group.master();
      const failedAt = performance.now();
      if (fault === 'killed') await master.kill();
      else master.pause();
      await eventually(() => workload.refused > 0, 'calls are refused');
      const { acknowledged } = workload;
      await eventually(() => workload.acknowledged > acknowledged, 'jobs are accepted again');
      const resumedMs = workload.acknowledgedAt - failedAt;
      await eventually(() => workload.acknowledged >= acknowledged + 10, 'jobs go on being accepted');
      await eventually(async () => (await group.master()).port !== master.port, 'all Sentinels name another master');

      const jobs = await workload.finish();
      expect(simulator.posts).toBe(jobs.length);
      expect(resumedMs).toBeLessThan(RESUMED_WITHIN_MS);
      console.info(`sentinel, master ${fault}: accepted again after ${Math.round(resumedMs)} ms, ${jobs.length} jobs`);
      for (const process of [gateway.process, worker]) expect(await process.stop()).toBe(0);
    },
  );
});
