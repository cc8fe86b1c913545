import { describe, expect, it } from 'vitest';
import { eventually, onlySimulator, openProduct } from '../support/product.ts';
import { startTcpProxy } from '../support/tcp-proxy.ts';
import { openHeldJob } from './held-job.ts';

describe.concurrent('a worker that is stopped', { timeout: 240_000 }, () => {
  it('C07 past its lease and goes on: it is refused, and leaves the prompt of its successor alone', async (test) => {
    const { product, simulator, gateway, worker: first, watching } = await openHeldJob(test);
    first.signal('SIGSTOP');
    const second = await product.worker();
    await watching.until(({ job: { attempts } }) => attempts === 2, 40_000);
    first.signal('SIGCONT');
    product.ledger.mended();
    // It learns that its lease is another's while the prompt, which is the other's by now, still runs.
    await first.until('"reason":"lost"');
    expect(simulator.interrupts).toBe(0);
    simulator.faults.reset();
    product.ledger.mended();

    const { job: ended } = await watching.end();
    expect(ended).toMatchObject({ status: 'SUCCEEDED', attempts: 2 });
    expect(simulator.posts).toBe(1);
    expect(simulator.interrupts).toBe(0);
    await gateway.expectWhole(ended);
    // Both are fit for the next ones.
    await second.stop();
    expect((await gateway.watch((await gateway.generate()).id).end()).job.status).toBe('SUCCEEDED');
  });

  it('C07 past its lease while its successor has ended the job: the late finisher changes nothing', async (test) => {
    const { product, simulator, gateway, worker: first, job, watching } = await openHeldJob(test);
    first.signal('SIGSTOP');
    simulator.faults.reset();
    product.ledger.mended();
    await product.worker();
    const { seq, job: ended } = await watching.end(40_000);
    expect(ended.status).toBe('SUCCEEDED');
    first.signal('SIGCONT');
    product.ledger.mended();
    await first.until(/"reason":"(?:lost|ended)"/);
    expect(await first.stop()).toBe(0);

    expect(await gateway.job(job.id)).toEqual({ ...ended, seq });
    expect(simulator.posts).toBe(1);
    await gateway.expectWhole(ended);
  });

  it('C07 cut off from Redis while it reports success: it is refused, since the lease was lost', async (test) => {
    const product = await openProduct(test);
    const simulator = onlySimulator(product);
    const wires = await Promise.all([startTcpProxy(product.redis.port), startTcpProxy(product.redis.port)]);
    for (const wire of wires) test.onTestFinished(wire.close);
    const [firstWire, secondWire] = wires;
    const [gateway, first] = await Promise.all([
      product.gateway(),
      product.worker({ REDIS_URL: `redis://127.0.0.1:${firstWire.port}` }),
    ]);
    const firstSucceeds = firstWire.holdRequest('"to":"SUCCEEDED"');
    const job = await gateway.generate();
    const watching = gateway.watch(job.id, { once: true });
    await firstSucceeds;
    // It would connect anew before long, and say it again.
    firstWire.blackHole(true);
    const secondSucceeds = secondWire.holdRequest('"to":"SUCCEEDED"');
    await product.worker({ REDIS_URL: `redis://127.0.0.1:${secondWire.port}` });
    await secondSucceeds;
    secondWire.blackHole(true);
    firstWire.cut();
    firstWire.blackHole(false);
    product.ledger.mended();
    await first.until('"reason":"lost"');
    expect(await gateway.job(job.id)).toMatchObject({ status: 'RUNNING', attempts: 2, artifacts: [] });
    secondWire.cut();
    secondWire.blackHole(false);
    product.ledger.mended();
    const { job: ended } = await watching.end();
    expect(ended).toMatchObject({ status: 'SUCCEEDED', attempts: 2 });
    expect(simulator.posts).toBe(1);
    await gateway.expectWhole(ended);
  });

  it('C08 by SIGTERM in a short job: it finishes the job, takes no other, and exits with 0', async (test) => {
    const { product, simulator, gateway, worker, watching } = await openHeldJob(test, {}, { BACKEND_DEPTH: '1' });
    const waiting = await gateway.generate();
    worker.signal('SIGTERM');
    await worker.until('stopping');
    simulator.faults.reset();
    product.ledger.mended();

    expect((await watching.end()).job).toMatchObject({ status: 'SUCCEEDED', attempts: 1 });
    expect(await worker.exited).toBe(0);
    expect(await gateway.job(waiting.id)).toMatchObject({ status: 'QUEUED', attempts: 0 });
    expect(simulator.posts).toBe(1);
  });

  it('C08 by SIGTERM in a long job: hands over in SHUTDOWN_TIMEOUT; the next continues the prompt', async (test) => {
    const {
      product,
      simulator,
      gateway,
      worker: first,
      job,
      watching,
    } = await openHeldJob(test, { env: { SHUTDOWN_TIMEOUT: '4' } });
    const began = performance.now();
    first.signal('SIGTERM');
    expect(await first.exited).toBe(0);
    expect(performance.now() - began).toBeLessThan(5_000);
    expect(await gateway.job(job.id)).toMatchObject({ status: 'QUEUED' });
    expect(simulator.interrupts).toBe(0);
    await product.worker();
    await watching.until(({ job: { attempts } }) => attempts === 2);
    simulator.faults.reset();
    product.ledger.mended();

    const { job: ended } = await watching.end();
    expect(ended).toMatchObject({ status: 'SUCCEEDED', attempts: 2 });
    expect(simulator.posts).toBe(1);
  });

  it('by nobody, but whose delivery is lost: another goes on with its prompt, and it notices', async (test) => {
    const { product, simulator, worker: first, job, watching } = await openHeldJob(test);
    await product.worker();
    const queue = `${product.keys.queue}:tickets`;
    await product.admin
      .multi()
      .del(`${queue}:${job.id}`, `${queue}:${job.id}:lock`)
      .lrem(`${queue}:active`, 0, job.id)
      .exec();
    await watching.until(({ job: { attempts } }) => attempts === 2);
    await first.until('"reason":"lost"');
    simulator.faults.reset();
    product.ledger.mended();
    expect((await watching.end()).job).toMatchObject({ status: 'SUCCEEDED', attempts: 2 });
    expect([simulator.posts, simulator.interrupts]).toEqual([1, 0]);
  });

  it('by a second signal: it exits at once', async (test) => {
    const { worker } = await openHeldJob(test);
    worker.signal('SIGTERM');
    await worker.until('stopping');
    let code: number | null | undefined;
    void worker.exited.then((exitCode) => {
      code = exitCode;
    });
    // What follows the first at once is taken for the same: said until it is heard, by an impatient operator.
    await eventually(
      () => {
        if (code === undefined) worker.signal('SIGTERM');
        return code !== undefined;
      },
      'the process is gone',
      5_000,
    );
    expect(code).toBe(1);
  });
});
