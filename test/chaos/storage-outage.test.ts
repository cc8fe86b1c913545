import { describe, expect, it } from 'vitest';
import { findMinio, startTestMinio } from '../support/minio.ts';
import { onlySimulator, openProduct } from '../support/product.ts';

describe.skipIf(findMinio() === null)('storage that breaks', { concurrent: true, timeout: 240_000 }, () => {
  it('C18 down when a job stores a result: tried again until it is back, and the prompt runs once', async (test) => {
    const minio = await startTestMinio();
    test.onTestFinished(minio.close);
    const product = await openProduct(test, { minio });
    const simulator = onlySimulator(product);
    const gateway = await product.both();
    await gateway.expectWhole((await gateway.watch((await gateway.generate()).id).end()).job);

    await minio.kill();
    const job = await gateway.generate({ parameters: { batchSize: 3 } });
    const watching = gateway.watch(job.id, { once: true });
    await gateway.process.until('result not stored yet');
    expect(await gateway.job(job.id)).toMatchObject({ status: 'RUNNING', artifacts: [] });
    await minio.restart();
    product.ledger.mended();
    const { job: ended } = await watching.end();
    expect(ended).toMatchObject({ status: 'SUCCEEDED', attempts: 1 });
    expect(simulator.posts).toBe(2);
    await gateway.expectWhole(ended, 3);
  });

  it('C18 away at the start: jobs are accepted and wait, and are done when it comes', async (test) => {
    const minio = await startTestMinio();
    test.onTestFinished(minio.close);
    await minio.kill();
    const product = await openProduct(test, { minio });
    const gateway = await product.both();
    const job = await gateway.generate();
    const watching = gateway.watch(job.id, { once: true });
    await gateway.process.until('result not stored yet');
    expect((await fetch(`${gateway.url}/readyz`)).status).toBe(200);
    expect((await gateway.post('{ health { status } }')).data).toEqual({ health: { status: 'DEGRADED' } });
    await minio.restart();
    product.ledger.mended();
    await gateway.expectWhole((await watching.end()).job);
    expect(onlySimulator(product).posts).toBe(1);
  });
});
