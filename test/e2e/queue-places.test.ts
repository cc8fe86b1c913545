import { isDeepStrictEqual } from 'node:util';
import { createClient } from 'graphql-ws';
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { WebSocket } from 'ws';
import * as z from 'zod';
import { disposals } from '../support/disposals.ts';
import { eventually, type Gateway, onlySimulator, openProduct, type Product } from '../support/product.ts';

const WATCH = 'subscription W($id: ID!) { jobProgress(id: $id) { seq type job { status queuePosition } } }';
const eventSchema = z.object({
  jobProgress: z.object({
    seq: z.int(),
    type: z.string(),
    job: z.object({ status: z.string(), queuePosition: z.int().nullable() }),
  }),
});

describe('places in the queue', { timeout: 120_000 }, () => {
  const suite = disposals();
  let product: Product;
  let gateways: [Gateway, Gateway];

  beforeAll(async () => {
    product = await openProduct(suite);
    gateways = [await product.gateway(), await product.gateway()];
    await product.worker();
  }, 240_000);

  function watch({ url }: Gateway, id: string) {
    const seen: z.infer<typeof eventSchema>['jobProgress'][] = [];
    const client = createClient({ url: `${url.replace('http', 'ws')}/graphql`, webSocketImpl: WebSocket });
    onTestFinished(() => void client.dispose());
    const reading = (async () => {
      for await (const { data } of client.iterate({ query: WATCH, variables: { id } })) {
        seen.push(eventSchema.parse(data).jobProgress);
      }
    })();
    return { seen, ended: () => reading };
  }

  it('reach watchers at another gateway, down to 0 inside a server, and end when it begins', async () => {
    const { faults } = onlySimulator(product);
    faults.current.holdAt = 'KSampler';
    const [here, there] = gateways;
    const begun = await here.generate();
    const first = watch(here, begun.id);
    const begins = { status: 'RUNNING', queuePosition: null };
    await eventually(() => isDeepStrictEqual(first.seen.at(-1)?.job, begins), 'the first has begun');
    const waiting = await here.generate();
    const second = watch(there, waiting.id);
    await eventually(() => second.seen.at(-1)?.job.status === 'RUNNING', 'the second is given to the server');
    expect(second.seen.at(-1)?.job.queuePosition).toBe(0);
    expect(first.seen.at(-1)?.job).toEqual({ status: 'RUNNING', queuePosition: null });

    const [third, fourth] = [await here.generate(), await here.generate()];
    const last = watch(there, fourth.id);
    await eventually(() => last.seen.length > 0, 'the last is watched');
    await here.cancel(third.id);
    await eventually(() => last.seen.length > 1, 'it is told that it has moved');
    expect(last.seen).toEqual([
      { seq: 1, type: 'SNAPSHOT', job: { status: 'QUEUED', queuePosition: 1 } },
      { seq: 1, type: 'MOVED', job: { status: 'QUEUED', queuePosition: 0 } },
    ]);
    faults.reset();
    for (const watching of [first, second, last]) {
      await watching.ended();
      expect(watching.seen.at(-1)).toMatchObject({ type: 'SUCCEEDED', job: { queuePosition: null } });
    }
  });
});
