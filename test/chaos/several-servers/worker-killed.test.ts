import { expect, it } from 'vitest';
import { findMinio, startTestMinio } from '../../support/minio.ts';
import { startTcpProxy } from '../../support/tcp-proxy.ts';
import { openCluster } from './cluster.ts';

/** Lock of 10 s, looked for every 5 s, and a busy machine. */
const TAKEN_OVER_WITHIN_MS = 60_000;

it.skipIf(findMinio() === null)(
  'C01 a worker dies at all five moments in five of twelve jobs: the other takes each over with its prompt',
  async (test) => {
    const minio = await startTestMinio();
    test.onTestFinished(minio.close);
    const cluster = await openCluster(test, { minio });
    const { product, gateway } = cluster;
    const [redis, storage, [first, second, third]] = await Promise.all([
      startTcpProxy(product.redis.port),
      startTcpProxy(minio.port),
      cluster.startWires(),
    ]);
    for (const wire of [redis, storage]) test.onTestFinished(wire.close);
    const [victim] = await Promise.all([
      cluster.worker({
        COMFYUI_URLS: cluster.urlsOf([first, second, third]),
        REDIS_URL: `redis://127.0.0.1:${redis.port}`,
        S3_ENDPOINT: `http://127.0.0.1:${storage.port}`,
      }),
      cluster.worker(),
    ]);
    for (const name of ['comfy1', 'comfy2', 'comfy3']) await cluster.seen(name, 'UP');

    // One place of the victim each; one of its six is left to come as far as its commit.
    cluster.simulator('comfy2').faults.set({ hold: true });
    let struck = 0;
    const traps = [
      first.holdRequest('POST /api/prompt'),
      second.holdRequest('POST /api/prompt').then((letThrough) => letThrough()),
      third.holdRequest('GET /api/view'),
      storage.holdRequest('PUT /comfygate/'),
    ].map((trap) => trap.then(() => struck++));
    const jobs = await cluster.burst(12);
    const flow = async (until: () => boolean) => {
      while (!until()) {
        // One of them comes through, however many are held up at the second server.
        const more = await cluster.burst(4);
        jobs.push(...more);
        await Promise.race([...more.map(({ watching }) => watching.end()), Promise.all(traps)]);
        if (jobs.length > 100) throw new Error('the victim was given too little');
      }
    };
    await flow(() => struck === traps.length);
    let committing = false;
    const commit = redis.holdRequest('"to":"SUCCEEDED"').then(() => {
      committing = true;
    });
    traps.push(commit.then(() => struck++));
    await flow(() => committing);
    await victim.kill();
    cluster.simulator('comfy2').faults.reset();
    cluster.product.ledger.mended();

    const ended = await cluster.settle(jobs, TAKEN_OVER_WITHIN_MS);
    expect(ended.map(({ status, prompts }) => ({ status, prompts }))).toEqual(
      jobs.map(() => ({ status: 'SUCCEEDED', prompts: 1 })),
    );
    // Those five were taken over, and whatever else it held; nothing else was.
    const twice = ended.filter(({ attempts }) => attempts === 2).length;
    expect(twice).toBeGreaterThanOrEqual(5);
    expect(twice).toBeLessThanOrEqual(6);
    expect(ended.every(({ attempts }) => attempts <= 2)).toBe(true);
    // The one that is left is fit for more.
    const [last] = await cluster.settle(await cluster.burst(1));
    expect(last).toMatchObject({ status: 'SUCCEEDED', attempts: 1, prompts: 1 });
    expect(await gateway.job(last?.id ?? '')).not.toBeNull();
  },
  180_000,
);
