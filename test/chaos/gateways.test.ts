import { randomUUID } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { generated } from '../support/gateway-client.ts';
import { eventually, onlySimulator, openProduct } from '../support/product.ts';

describe.concurrent('several gateways', { timeout: 240_000 }, () => {
  it('A34 fifty parallel calls with one key make one job, and one prompt', async (test) => {
    const product = await openProduct(test);
    const [here, there] = await Promise.all([product.gateway(), product.both()]);
    const key = randomUUID();
    const answers = await Promise.all(
      Array.from({ length: 50 }, (_, i) => (i % 2 === 0 ? here : there).tryGenerate({ key })),
    );
    const made = answers.map(generated);
    const [id = ''] = new Set(made.map(({ job }) => job.id));
    expect(new Set(made.map(({ job }) => job.id)).size).toBe(1);
    expect(made.filter(({ replayed }) => !replayed)).toHaveLength(1);
    expect((await here.watch(id).end()).job).toMatchObject({ status: 'SUCCEEDED', attempts: 1 });
    expect(onlySimulator(product).posts).toBe(1);
    // And nothing else can be had by it.
    const other = await there.tryGenerate({ key, parameters: { prompt: 'something else' } });
    expect(other.errors).toMatchObject([{ extensions: { code: 'IDEMPOTENCY_KEY_REUSED', jobId: id } }]);
  });

  it('two gateways, two workers, two servers: forty jobs end, each watched at the other gateway', async (test) => {
    const product = await openProduct(test, { simulators: 2, speed: 20 });
    const [first, second] = await Promise.all([
      product.gateway(),
      product.gateway(),
      product.worker(),
      product.worker(),
    ]);
    // However slowly they are accepted: there is more to do than one server could have done by then.
    for (const { faults } of product.simulators) faults.set({ hold: true });
    const watchers = await Promise.all(
      Array.from({ length: 40 }, async (_, i) => {
        const [here, there] = i % 2 === 0 ? [first, second] : [second, first];
        const { id } = await here.generate({ parameters: { seed: i } });
        return there.watch(id, { once: true });
      }),
    );
    for (const { faults } of product.simulators) faults.reset();
    const ends = await Promise.all(watchers.map((watching) => watching.end(90_000)));
    expect(ends.filter(({ type }) => type === 'SUCCEEDED')).toHaveLength(40);
    for (const { job } of ends) await first.expectWhole(job);
    const [one, two] = product.simulators.map(({ posts }) => posts);
    expect((one ?? 0) + (two ?? 0)).toBe(40);
    // The least loaded is taken: with equal servers neither can be far behind.
    expect(Math.min(one ?? 0, two ?? 0)).toBeGreaterThan(10);
  });

  it('SIGKILL of one during a job: its clients see the end at another', async (test) => {
    const product = await openProduct(test);
    const simulator = onlySimulator(product);
    const [dies, lives] = await Promise.all([product.gateway(), product.both()]);
    simulator.faults.current.hold = true;
    const job = await dies.generate();
    const watching = dies.watch(job.id, { elsewhere: lives.url });
    await watching.until(({ job: { status } }) => status === 'RUNNING');
    await dies.process.kill();
    await eventually(() => watching.subscriptions.length === 2, 'the client is at the other gateway');
    simulator.faults.reset();
    product.ledger.mended();
    const { job: ended } = await watching.end();
    expect(ended.status).toBe('SUCCEEDED');
    expect(watching.subscriptions.at(-1)?.at(0)?.type).toBe('SNAPSHOT');
    // Not `ended`: its addresses were signed by whoever told of it, and either gateway may serve them.
    await lives.expectWhole((await lives.job(job.id)) ?? ended);
  });

  it('C09 killed between the record and the queue: the job runs all the same', async (test) => {
    const product = await openProduct(test);
    const gateway = await product.gateway();
    const key = randomUUID();
    const lost = await gateway.generate({ key });
    const replayed = await gateway.generate();
    // What the crash would have left: the records, and no delivery.
    const queue = `${product.keys.queue}:tickets`;
    for (const { id } of [lost, replayed]) {
      await product.admin.multi().del(`${queue}:${id}`).zrem(`${queue}:prioritized`, id).exec();
    }
    await product.worker();
    expect((await gateway.watch(lost.id).end()).job).toMatchObject({ status: 'SUCCEEDED', attempts: 1 });
    expect((await gateway.watch(replayed.id).end()).job).toMatchObject({ status: 'SUCCEEDED', attempts: 1 });
    expect(onlySimulator(product).posts).toBe(2);
  });

  it('SIGTERM with open sockets: closes them with 1001 and exits with 0; clients finish elsewhere', async (test) => {
    const product = await openProduct(test);
    const simulator = onlySimulator(product);
    const [goes, stays] = await Promise.all([product.gateway(), product.both()]);
    simulator.faults.current.hold = true;
    const job = await goes.generate();
    const watchers = Array.from({ length: 5 }, () => goes.watch(job.id, { elsewhere: stays.url }));
    await Promise.all(watchers.map((watching) => watching.until(({ job: { status } }) => status === 'RUNNING')));
    goes.process.signal('SIGTERM');
    expect(await goes.process.exited).toBe(0);
    await eventually(() => watchers.every(({ closes }) => closes.includes(1001)), 'all are told to go');
    simulator.faults.reset();
    product.ledger.mended();
    const ends = await Promise.all(watchers.map((watching) => watching.end()));
    expect(ends.every(({ type }) => type === 'SUCCEEDED')).toBe(true);
    expect(await stays.process.stop()).toBe(0);
  });
});
