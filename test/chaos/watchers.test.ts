import { beforeAll, describe, expect, it } from 'vitest';
import type { Simulator } from '../../src/simulator/simulator.ts';
import { disposals } from '../support/disposals.ts';
import { eventually, type Gateway, onlySimulator, openProduct, type Product } from '../support/product.ts';

describe('watching over a real WebSocket', { timeout: 120_000 }, () => {
  const suite = disposals();
  let product: Product;
  let gateway: Gateway;
  let simulator: Simulator;

  beforeAll(async () => {
    product = await openProduct(suite);
    simulator = onlySimulator(product);
    gateway = await product.both();
  }, 240_000);

  async function watchedChannels(): Promise<number> {
    return (await product.admin.pubsub('CHANNELS', `${product.keys.tag}job:*`)).length;
  }

  it('a late watcher gets a SNAPSHOT and the end; one that says what it has seen, just the rest', async () => {
    const job = await gateway.generate({ parameters: { steps: 30 } });
    const early = gateway.watch(job.id, { once: true });
    const end = await early.end();
    const late = gateway.watch(job.id, { once: true });
    await late.end();
    expect(late.events.map(({ type, seq }) => [type, seq])).toEqual([
      ['SNAPSHOT', end.seq],
      ['SUCCEEDED', end.seq],
    ]);

    const rest = gateway.watch(job.id, { once: true, afterSeq: end.seq - 1 });
    await rest.end();
    expect(rest.events.map(({ type, seq }) => [type, seq])).toEqual([['SUCCEEDED', end.seq]]);
    const ahead = gateway.watch(job.id, { once: true, afterSeq: end.seq + 7 });
    await ahead.end();
    expect(ahead.events.map(({ type }) => type)).toEqual(['SNAPSHOT', 'SUCCEEDED']);
  });

  it('afterSeq in the middle of a job gives every event in between, without a hole', async () => {
    simulator.faults.current.holdAt = 'VAEDecode';
    const job = await gateway.generate({ parameters: { steps: 30 } });
    const watching = gateway.watch(job.id, { once: true });
    await watching.until(({ job: { progress } }) => progress.node?.classType === 'VAEDecode');
    const seen = watching.events.at(-1)?.seq ?? 0;
    const again = gateway.watch(job.id, { once: true, afterSeq: 1 });
    await again.until(({ seq }) => seq >= seen);
    simulator.faults.reset();
    product.ledger.mended();
    await Promise.all([watching.end(), again.end()]);
    const numbers = again.events.filter(({ seq }) => seq <= seen).map(({ seq }) => seq);
    expect(numbers).toEqual(Array.from({ length: seen - 1 }, (_, i) => i + 2));
  });

  it('a client that leaves in the middle, with or without a good-bye, leaves nothing behind', async () => {
    await eventually(async () => (await watchedChannels()) === 0, 'nothing is watched before');
    simulator.faults.current.hold = true;
    const job = await gateway.generate();
    const watchers = Array.from({ length: 6 }, () => gateway.watch(job.id, { once: true }));
    await Promise.all(watchers.map((watcher) => watcher.until(({ job: { status } }) => status === 'RUNNING')));
    expect(await watchedChannels()).toBe(1);
    const [stays, ...others] = watchers;
    others.forEach((watcher, i) => {
      if (i % 2 === 0) watcher.leave();
      else watcher.vanish();
    });
    simulator.faults.reset();
    product.ledger.mended();
    expect((await stays?.end())?.type).toBe('SUCCEEDED');
    await eventually(async () => (await watchedChannels()) === 0, 'nothing is watched any more');
  });
});
