import { connect, type Socket } from 'node:net';
import { describe, expect, it } from 'vitest';
import { descriptorsOf, limitDescriptors } from '../support/process-limits.ts';
import { eventually, onlySimulator, openProduct } from '../support/product.ts';
import { openHeldJob } from './held-job.ts';

describe.skipIf(process.platform !== 'linux')('C22 descriptors run out', { timeout: 120_000 }, () => {
  it('at a gateway: those who are there are served, and all are once there are some again', async (test) => {
    const { product, simulator, gateway, watching } = await openHeldJob(test);
    const { pid } = gateway.process;
    const before = await descriptorsOf(pid);
    const limit = before + 20;
    await limitDescriptors(pid, limit);
    const crowd: Socket[] = Array.from({ length: 100 }, () =>
      connect(gateway.port, '127.0.0.1').on('error', () => undefined),
    );
    test.onTestFinished(async () => {
      for (const socket of crowd) socket.destroy();
    });
    await eventually(async () => (await descriptorsOf(pid)) >= limit - 2, 'no descriptor is left');

    simulator.faults.reset();
    product.ledger.mended();
    expect((await watching.end()).job.status).toBe('SUCCEEDED');

    await limitDescriptors(pid, 4_096);
    for (const socket of crowd) socket.destroy();
    await eventually(async () => (await fetch(`${gateway.url}/readyz`)).ok, 'the gateway is ready');
    const next = await gateway.generate();
    const { job: ended } = await gateway.watch(next.id).end();
    await gateway.expectWhole(ended);
    await eventually(async () => (await descriptorsOf(pid)) <= before + 20, 'descriptors are back');
  });

  it('at a worker: its jobs wait or are done, none fails, and all are done once there are some again', async (test) => {
    const product = await openProduct(test);
    const simulator = onlySimulator(product);
    const [gateway, worker] = await Promise.all([product.gateway(), product.worker()]);
    const first = await gateway.generate();
    await gateway.watch(first.id).end();
    simulator.faults.current.hold = true;
    const jobs = await Promise.all([gateway.generate(), gateway.generate(), gateway.generate()]);
    const watchers = jobs.map(({ id }) => gateway.watch(id));
    await watchers[0]?.until(({ job: { status } }) => status === 'RUNNING');
    // Not one more: no file for a result can be opened, and no connection.
    await limitDescriptors(worker.pid, await descriptorsOf(worker.pid));
    simulator.faults.reset();
    product.ledger.mended();
    await new Promise((resolve) => setTimeout(resolve, 5_000));
    await limitDescriptors(worker.pid, 4_096);
    const ends = await Promise.all(watchers.map((watcher) => watcher.end(90_000)));
    expect(ends.map(({ job }) => job.status)).toEqual(['SUCCEEDED', 'SUCCEEDED', 'SUCCEEDED']);
    for (const { job } of ends) await gateway.expectWhole(job);
    expect(simulator.posts).toBe(4);
  });
});
