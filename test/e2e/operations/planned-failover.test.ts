import { describe, expect, it } from 'vitest';
import { eventually, onlySimulator, openProduct } from '../../support/product.ts';
import { startRedisCluster } from '../../support/redis-cluster.ts';
import { startWorkload } from '../../support/redis-workload.ts';
import { PASSWORD, SENTINEL_PASSWORD, startSentinelGroup } from '../../support/sentinel.ts';

/** Nothing has to be found out to be down first. */
const RESUMED_WITHIN_MS = 15_000;

describe('a replica that takes over from a master that is well, as before an update', { timeout: 120_000 }, () => {
  it.each([
    { what: 'Sentinels', start: () => startSentinelGroup({ replicas: 2 }) },
    { what: 'a Cluster', start: () => startRedisCluster('{comfygate}', { replica: true }) },
  ])('is followed, and every job ends: $what', async ({ what, start }) => {
    await using stack = new AsyncDisposableStack();
    const group = await start();
    stack.defer(group.close);
    const lifetime = { onTestFinished: (dispose: () => Promise<void>) => stack.defer(dispose) };
    // Its own Redis stays unused.
    const product = await openProduct(lifetime, { env: { REDIS_URL: group.url } });
    const [gateway, worker] = await Promise.all([product.gateway(), product.worker()]);
    const workload = startWorkload(gateway);
    await eventually(() => workload.acknowledged >= 10, 'jobs are accepted');
    const before = await ownerOf(group);
    const began = performance.now();
    await group.failOver();
    await eventually(async () => (await ownerOf(group)) !== before, 'another one is the master');
    const { acknowledged } = workload;
    await eventually(() => workload.acknowledged >= acknowledged + 10, 'jobs go on being accepted');
    const resumedMs = workload.acknowledgedAt - began;

    const jobs = await workload.finish();
    expect(onlySimulator(product).posts).toBe(jobs.length);
    expect(resumedMs).toBeLessThan(RESUMED_WITHIN_MS);
    console.info(`${what}: ten more jobs ${Math.round(resumedMs)} ms after the order, ${workload.refused} refusals`);
    for (const process of [gateway.process, worker]) {
      expect(await process.stop()).toBe(0);
      for (const secret of [PASSWORD, SENTINEL_PASSWORD]) expect(process.output()).not.toContain(secret);
    }
  });
});

async function ownerOf(group: Awaited<ReturnType<typeof startSentinelGroup | typeof startRedisCluster>>) {
  const owner = await ('owner' in group ? group.owner() : group.master()).catch(() => undefined);
  return owner?.port;
}
