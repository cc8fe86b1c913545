import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { eventually, onlySimulator, openProduct } from '../support/product.ts';

describe.concurrent('limits in time', { timeout: 240_000 }, () => {
  it('a job that waited longer than JOB_TIMEOUT still runs; one that runs longer is TIMEOUT', async (test) => {
    // Twice what a machine may stand still, and then some.
    const product = await openProduct(test, { env: { JOB_TIMEOUT: '6' } });
    const simulator = onlySimulator(product);
    const gateway = await product.gateway();
    const old = await gateway.generate();
    const accepted = performance.now();
    await product.worker();
    const waited = performance.now() - accepted;
    // Starting a worker takes about a second: the rest is what is tried here, age.
    if (waited < 6_500) await delay(6_500 - waited);
    expect((await gateway.watch(old.id).end()).job).toMatchObject({ status: 'SUCCEEDED', attempts: 1 });

    simulator.faults.current.hold = true;
    const long = await gateway.generate();
    const { job } = await gateway.watch(long.id).end();
    expect(job).toMatchObject({ status: 'FAILED', attempts: 1, error: { code: 'TIMEOUT' } });
    await eventually(() => simulator.interrupts === 1, 'its prompt is interrupted');
    // The server is free for the next one, whose turn would otherwise never come.
    simulator.faults.reset();
    product.ledger.mended();
    expect((await gateway.watch((await gateway.generate()).id).end()).job.status).toBe('SUCCEEDED');
    expect(simulator.posts).toBe(3);
  });

  it('a deadline that passes with no worker alive ends the job as TIMEOUT, and it never starts', async (test) => {
    const product = await openProduct(test);
    const simulator = onlySimulator(product);
    const gateway = await product.gateway();
    const job = await gateway.generate({ input: { deadlineSeconds: 1 } });
    const { job: ended } = await gateway.watch(job.id, { once: true }).end();
    expect(ended).toMatchObject({ status: 'FAILED', attempts: 0, error: { code: 'TIMEOUT', retryable: true } });
    await product.worker();
    expect((await gateway.watch((await gateway.generate()).id).end()).job.status).toBe('SUCCEEDED');
    expect(simulator.posts).toBe(1);
    expect(await product.admin.exists(`${product.keys.tag}fair:jobs:anonymous`)).toBe(0);
  });

  it('a deadline that passes while the job runs ends it as TIMEOUT and cancels its prompt', async (test) => {
    const product = await openProduct(test);
    const simulator = onlySimulator(product);
    const gateway = await product.both();
    simulator.faults.current.hold = true;
    const job = await gateway.generate({ input: { deadlineSeconds: 5 } });
    const watching = gateway.watch(job.id, { once: true });
    await eventually(() => simulator.posts === 1, 'the prompt is posted');
    expect((await watching.end()).job).toMatchObject({ status: 'FAILED', error: { code: 'TIMEOUT' } });
    await eventually(() => simulator.interrupts === 1, 'its prompt is interrupted');
    simulator.faults.reset();
    product.ledger.mended();
    expect((await gateway.watch((await gateway.generate()).id).end()).job.status).toBe('SUCCEEDED');
  });
});
