import { describe, expect, it } from 'vitest';
import * as z from 'zod';
import type { Simulator } from '../../src/simulator/simulator.ts';
import { eventually, openProduct, type Product } from '../support/product.ts';

const errorSchema = z.object({
  job: z.object({
    error: z.object({
      code: z.string(),
      nodeId: z.string().nullable(),
      classType: z.string().nullable(),
      retryable: z.boolean(),
    }),
  }),
});
const queueSchema = z.object({ queue_pending: z.array(z.tuple([z.number(), z.string()], z.unknown())) });

/** Somebody else's prompt, which runs until it is let go. */
async function occupy(simulator: Simulator) {
  simulator.faults.current.hold = true;
  const prompt = {
    1: { class_type: 'EmptyImage', inputs: { width: 64, height: 64, batch_size: 1, color: 0 } },
    2: { class_type: 'PreviewImage', inputs: { images: ['1', 0] } },
  };
  await fetch(`${simulator.url}/prompt`, { method: 'POST', body: JSON.stringify({ prompt, client_id: 'somebody' }) });
  await eventually(() => simulator.started.length === 1, 'it runs');
}

function servers({ simulators: [first, second] }: Product) {
  if (!first || !second) throw new Error('there are not two simulators');
  return { first, second };
}

describe.concurrent('a ComfyUI that others use, too', { timeout: 240_000 }, () => {
  it('B09 a job that waits there for longer than JOB_TIMEOUT succeeds when its turn comes', async (test) => {
    const product = await openProduct(test, { env: { JOB_TIMEOUT: '3' } });
    const [simulator] = product.simulators;
    if (!simulator) throw new Error('there is no simulator');
    await occupy(simulator);
    const gateway = await product.both();
    const { id } = await gateway.generate();
    const watching = gateway.watch(id, { once: true });
    await eventually(() => simulator.posts === 2, 'its prompt is posted');
    const postedAt = performance.now();
    await eventually(() => performance.now() - postedAt > 7_000, 'it has waited for more than twice that time');
    expect(await gateway.job(id)).toMatchObject({ status: 'RUNNING', attempts: 1, progress: { fraction: 0 } });
    simulator.faults.reset();
    product.ledger.mended();
    expect((await watching.end()).job).toMatchObject({ status: 'SUCCEEDED', attempts: 1 });
    expect(simulator.posts).toBe(2);
  });

  it('B09 a job that waits there runs at another server once that one is free, and nowhere else', async (test) => {
    const product = await openProduct(test, { simulators: 2 });
    const { first, second } = servers(product);
    await occupy(first);
    second.faults.current.httpStatus = 503;
    const gateway = await product.both();
    const { id } = await gateway.generate();
    const watching = gateway.watch(id, { once: true });
    await eventually(() => first.posts === 2, 'its prompt is posted');
    second.faults.reset();
    product.ledger.mended();
    expect((await watching.end()).job).toMatchObject({ status: 'SUCCEEDED', attempts: 1 });
    const { queue_pending } = queueSchema.parse(await (await fetch(`${first.url}/queue`)).json());
    expect(queue_pending).toEqual([]);
    first.faults.reset();
    expect([first.started.length, second.started.length]).toEqual([1, 1]);
  });

  it('B11 a node that stops its own run: two prompts, then INTERRUPTED with the node', async (test) => {
    const product = await openProduct(test);
    const [simulator] = product.simulators;
    if (!simulator) throw new Error('there is no simulator');
    simulator.faults.set({ nodeError: { kind: 'interrupt', node: 'KSampler' } });
    const gateway = await product.both();
    const { id } = await gateway.generate();
    expect((await gateway.watch(id).end()).job).toMatchObject({ status: 'FAILED', attempts: 1 });
    const query = 'query($id: ID!) { job(id: $id) { error { code nodeId classType retryable } } }';
    expect((await gateway.ask(errorSchema, query, { id })).job.error).toEqual({
      code: 'INTERRUPTED',
      nodeId: expect.any(String),
      classType: 'KSampler',
      retryable: true,
    });
    expect(simulator.posts).toBe(2);
  });
});
