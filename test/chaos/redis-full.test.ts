import { randomUUID } from 'node:crypto';
import type { Redis } from 'ioredis';
import { expect, it } from 'vitest';
import { onlySimulator, openProduct } from '../support/product.ts';

/** Longer than a worker's lock, so that what can not be renewed is lost. */
const FULL_MS = 12_000;
const LINES_AT_MOST = 40;
/** Of connections' buffers, which come and go. The jobs that are refused would take four times that. */
const GROWTH_BYTES = 200_000;

it('C04 Redis out of memory: clean refusals, few log lines, and all continues with free memory', async (test) => {
  const product = await openProduct(test);
  const simulator = onlySimulator(product);
  const [gateway, worker] = await Promise.all([product.gateway(), product.worker()]);
  simulator.faults.current.hold = true;
  const running = await gateway.generate();
  const queued = await Promise.all([gateway.generate(), gateway.generate(), gateway.generate()]);
  const watchers = [running, ...queued].map(({ id }) => gateway.watch(id));
  await watchers[0]?.until(({ job: { status } }) => status === 'RUNNING');
  const linesBefore = lines(gateway.process.output()) + lines(worker.output());

  await product.admin.config('SET', 'maxmemory', '1mb');
  const usedBefore = await usedMemory(product.admin);
  const open = await product.admin.zcard(product.keys.open);
  let key = '';
  let refused = 0;
  for (const until = performance.now() + FULL_MS; performance.now() < until || refused <= LINES_AT_MOST; refused++) {
    key = randomUUID();
    const answer = await gateway.tryGenerate({ key });
    expect(answer).toMatchObject({ status: 503, errors: [{ extensions: { code: 'UNAVAILABLE' } }] });
    expect(answer.ms).toBeLessThan(3_000);
    // What needs no room is done.
    expect((await gateway.job(running.id))?.status).toBe('RUNNING');
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  // What was refused is not there, and takes no room.
  expect(await product.admin.zcard(product.keys.open)).toBe(open);
  expect((await usedMemory(product.admin)) - usedBefore).toBeLessThan(GROWTH_BYTES);
  // It ends at ComfyUI while nothing can be written of it.
  simulator.faults.reset();
  product.ledger.mended();
  await new Promise((resolve) => setTimeout(resolve, 2_000));
  await product.admin.config('SET', 'maxmemory', '0');
  product.ledger.mended();

  const kept = await gateway.generate({ key });
  const ends = await Promise.all([...watchers, gateway.watch(kept.id)].map((watcher) => watcher.end(60_000)));
  expect(ends.map(({ type }) => type)).toEqual(Array.from({ length: 5 }, () => 'SUCCEEDED'));
  for (const { job } of ends) await gateway.expectWhole(job);
  expect(simulator.posts).toBe(5);
  expect(refused).toBeGreaterThan(LINES_AT_MOST);
  const written = lines(gateway.process.output()) + lines(worker.output()) - linesBefore;
  expect(written, gateway.process.output() + worker.output()).toBeLessThan(LINES_AT_MOST);
}, 120_000);

async function usedMemory(redis: Redis): Promise<number> {
  return Number(/^used_memory:(\d+)\r$/m.exec(await redis.info('memory'))?.[1]);
}

function lines(text: string): number {
  return text.split('\n').length;
}
