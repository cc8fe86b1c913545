import { describe, expect, it } from 'vitest';
import { createKeys } from '../../../src/redis/keys.ts';
import { eventually, onlySimulator, openProduct } from '../../support/product.ts';
import { startRedisCluster } from '../../support/redis-cluster.ts';
import { startWorkload } from '../../support/redis-workload.ts';
import { ask } from '../../support/sentinel.ts';

/** The cluster's own part of it is some 5 s. */
const RESUMED_WITHIN_MS = 25_000;
const PREFIX = 'pictures';

async function openClustered(stack: AsyncDisposableStack, options: { replica: boolean }) {
  const cluster = await startRedisCluster(`{${PREFIX}}`, options);
  stack.defer(cluster.close);
  const lifetime = { onTestFinished: (dispose: () => Promise<void>) => stack.defer(dispose) };
  // Its own Redis stays unused.
  const product = await openProduct(lifetime, { env: { REDIS_URL: cluster.url, REDIS_PREFIX: PREFIX } });
  const [gateway, worker] = await Promise.all([product.gateway(), product.worker()]);
  return { cluster, product, gateway, worker };
}

describe('a Redis Cluster', { timeout: 120_000 }, () => {
  it('of three masters carries everything: jobs, watchers, cancel, delete, lists, health and the sweeper', async () => {
    await using stack = new AsyncDisposableStack();
    const { cluster, product, gateway, worker } = await openClustered(stack, { replica: false });
    const simulator = onlySimulator(product);

    const { job } = await gateway.watch((await gateway.generate()).id).end();
    expect(job.status).toBe('SUCCEEDED');
    await gateway.expectWhole(job);

    simulator.faults.current.holdAt = 'KSampler';
    const running = await gateway.generate();
    const watching = gateway.watch(running.id);
    await watching.until(({ job: { status, progress } }) => status === 'RUNNING' && progress.node !== null);
    const waiting = await gateway.generate({ input: { priority: 'LOW' } });
    await gateway.cancel(running.id);
    simulator.faults.reset();
    expect((await watching.end()).type).toBe('CANCELED');
    expect((await gateway.watch(waiting.id).end()).type).toBe('SUCCEEDED');

    const listed = await gateway.post('{ jobs(first: 10, filter: { status: [SUCCEEDED] }) { edges { node { id } } } }');
    expect(listed.data).toMatchObject({ jobs: { edges: [{ node: { id: waiting.id } }, { node: { id: job.id } }] } });
    const removed = await gateway.post(`mutation { deleteJob(id: "${job.id}") }`);
    expect(removed.errors).toEqual([]);
    expect(await gateway.job(job.id)).toBeNull();
    const health = await gateway.post('{ health { status checks { name status } } }');
    expect(health.data).toMatchObject({ health: { status: 'HEALTHY' } });

    // As after a gateway that died between record and queue: the sweeper finds the job.
    expect(await worker.stop()).toBe(0);
    const lost = await gateway.generate();
    const keys = createKeys(PREFIX);
    const { url } = await cluster.owner();
    const gone = await ask(url, (redis) =>
      redis.multi().del(`${keys.queue}:tickets:${lost.id}`).zrem(`${keys.queue}:tickets:prioritized`, lost.id).exec(),
    );
    expect(gone?.map(([, count]) => count)).toEqual([1, 1]);
    const another = await product.worker();
    expect((await gateway.watch(lost.id).end()).type).toBe('SUCCEEDED');
    for (const process of [gateway.process, another]) expect(await process.stop()).toBe(0);
  });

  it.each([
    { how: 'to its replica', replica: true },
    { how: 'back to itself, from its append-only file', replica: false },
  ])('goes on when the master of our slot is killed and the slot comes $how', async ({ replica }) => {
    await using stack = new AsyncDisposableStack();
    const { cluster, product, gateway, worker } = await openClustered(stack, { replica });
    const workload = startWorkload(gateway);
    await eventually(() => workload.acknowledged >= 10, 'jobs are accepted');
    const owner = await cluster.owner();
    const failedAt = performance.now();
    await owner.kill();
    await eventually(() => workload.refused > 0, 'calls are refused');
    if (!replica) await owner.restart();
    const { acknowledged } = workload;
    await eventually(() => workload.acknowledged > acknowledged, 'jobs are accepted again');
    const resumedMs = workload.acknowledgedAt - failedAt;
    await eventually(() => workload.acknowledged >= acknowledged + 10, 'jobs go on being accepted');
    await cluster.settled();
    const ownerIs = async () => ((await cluster.owner()).port === owner.port) === !replica;
    await eventually(ownerIs, 'all nodes name the same owner');

    const jobs = await workload.finish();
    expect(onlySimulator(product).posts).toBe(jobs.length);
    expect(resumedMs).toBeLessThan(RESUMED_WITHIN_MS);
    console.info(`cluster, replica ${replica}: accepted again after ${Math.round(resumedMs)} ms, ${jobs.length} jobs`);
    for (const process of [gateway.process, worker]) expect(await process.stop()).toBe(0);
  });
});
