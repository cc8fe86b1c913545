import { describe, expect, it } from 'vitest';
import type { Watching } from '../support/gateway-client.ts';
import { findMinio, startTestMinio } from '../support/minio.ts';
import type { ProductProcess } from '../support/process.ts';
import { eventually, onlySimulator, openProduct, type Product } from '../support/product.ts';
import { startTcpProxy } from '../support/tcp-proxy.ts';
import { openHeldJob } from './held-job.ts';

/** The promise, from the death of the first to the claim of the second. */
const TAKEN_OVER_WITHIN_MS = 15_000;

async function killAndReplace({ worker, ledger }: Product, first: ProductProcess, watching: Watching) {
  await worker();
  await first.kill();
  ledger.mended();
  await watching.until(({ job: { attempts } }) => attempts === 2, TAKEN_OVER_WITHIN_MS);
}

describe.concurrent('a worker that dies', { timeout: 240_000 }, () => {
  it('C01 before its POST: another worker submits the prompt, and ComfyUI sees one', async (test) => {
    const product = await openProduct(test);
    const simulator = onlySimulator(product);
    const wire = await startTcpProxy(simulator.port);
    test.onTestFinished(wire.close);
    const [gateway, first] = await Promise.all([
      product.gateway(),
      product.worker({ COMFYUI_URLS: `comfy1=http://127.0.0.1:${wire.port}` }),
    ]);
    const posting = wire.holdRequest('POST /api/prompt');
    const job = await gateway.generate();
    const watching = gateway.watch(job.id);
    await posting;
    await killAndReplace(product, first, watching);

    const { job: ended } = await watching.end();
    expect(ended).toMatchObject({ status: 'SUCCEEDED', attempts: 2 });
    expect(simulator.posts).toBe(1);
    await gateway.expectWhole(ended);
  });

  it('C01 while its prompt runs: the next one takes it over, and a watcher elsewhere sees one end', async (test) => {
    const product = await openProduct(test);
    const simulator = onlySimulator(product);
    const [here, there, first] = await Promise.all([product.gateway(), product.gateway(), product.worker()]);
    simulator.faults.current.holdAt = 'KSampler';
    const job = await here.generate();
    const watching = there.watch(job.id, { once: true });
    await watching.until(({ job: { progress } }) => progress.node?.classType === 'KSampler');
    await killAndReplace(product, first, watching);
    simulator.faults.reset();

    const { job: ended } = await watching.end();
    expect(ended).toMatchObject({ status: 'SUCCEEDED', attempts: 2 });
    expect(simulator.posts).toBe(1);
    await here.expectWhole(ended);
  });

  it.skipIf(findMinio() === null)(
    'C01 in the middle of an upload: the next one stores the result, and the prompt is not run again',
    async (test) => {
      const minio = await startTestMinio();
      test.onTestFinished(minio.close);
      const product = await openProduct(test, { minio });
      const simulator = onlySimulator(product);
      const wire = await startTcpProxy(minio.port);
      test.onTestFinished(wire.close);
      const [gateway, first] = await Promise.all([
        product.gateway(),
        product.worker({ S3_ENDPOINT: `http://127.0.0.1:${wire.port}` }),
      ]);
      const uploading = wire.holdRequest('PUT /comfygate/');
      const job = await gateway.generate();
      const watching = gateway.watch(job.id, { once: true });
      await uploading;
      await killAndReplace(product, first, watching);

      const { job: ended } = await watching.end();
      expect(ended).toMatchObject({ status: 'SUCCEEDED', attempts: 2 });
      expect(simulator.posts).toBe(1);
      await gateway.expectWhole(ended);
    },
  );

  it('C01 before it could write SUCCEEDED: the next one does, from the same prompt', async (test) => {
    const product = await openProduct(test);
    const simulator = onlySimulator(product);
    const wire = await startTcpProxy(product.redis.port);
    test.onTestFinished(wire.close);
    const [gateway, first] = await Promise.all([
      product.gateway(),
      product.worker({ REDIS_URL: `redis://127.0.0.1:${wire.port}` }),
    ]);
    const committing = wire.holdRequest('"to":"SUCCEEDED"');
    const job = await gateway.generate();
    const watching = gateway.watch(job.id, { once: true });
    await committing;
    expect(await gateway.job(job.id)).toMatchObject({ status: 'RUNNING', artifacts: [] });
    await killAndReplace(product, first, watching);

    const { job: ended } = await watching.end();
    expect(ended).toMatchObject({ status: 'SUCCEEDED', attempts: 2 });
    expect(simulator.posts).toBe(1);
    await gateway.expectWhole(ended);
  });

  it('C06 again and again of one job: that job is given up, others are not harmed', async (test) => {
    const { product, simulator, gateway, worker: first, job: killer, watching } = await openHeldJob(test);
    // As if ten workers had died of it already: each would take its 15 s.
    await product.admin.hset(product.keys.job(killer.id), 'takeovers', 10);
    await first.kill();
    const other = await gateway.generate();
    simulator.faults.reset();
    product.ledger.mended();
    await product.worker();

    expect((await gateway.watch(other.id).end()).job.status).toBe('SUCCEEDED');
    const { job } = await watching.end();
    expect(job).toMatchObject({ status: 'FAILED', error: { code: 'INTERNAL' } });
    await eventually(async () => (await product.admin.zcard(product.keys.open)) === 0, 'nothing is open');
  });
});
