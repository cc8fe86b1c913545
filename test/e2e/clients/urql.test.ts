import { Client } from '@urql/core';
import { cacheExchange } from '@urql/exchange-graphcache';
import { expect, test, vi } from 'vitest';
import { createComfy } from '../../../client/src/comfy.ts';
import { cacheConfig, comfyExchange } from '../../../client/src/urql.ts';
import {
  GenerateDocument,
  JobDocument,
  JobsDocument,
  WatchJobDocument,
  type WatchJobSubscription,
} from '../../../examples/generated/graphql.ts';
import { freePort } from '../../support/free-port.ts';
import { onlySimulator, openProduct } from '../../support/product.ts';

test('urql generates, watches through a restart of the gateway, and has the result in its cache', {
  timeout: 240_000,
}, async (context) => {
  const product = await openProduct(context);
  const { faults } = onlySimulator(product);
  await product.worker();
  const port = await freePort();
  const first = await product.gateway({ PORT: String(port) });
  const comfy = createComfy({ url: `http://127.0.0.1:${port}` });
  context.onTestFinished(() => comfy.close());
  const client = new Client({
    url: comfy.url,
    exchanges: [cacheExchange(cacheConfig), comfyExchange(comfy)],
  });

  // A page that shows the list of jobs.
  const lists: (string[] | undefined)[] = [];
  const listing = client.query(JobsDocument, { first: 5 }).subscribe(({ data: list }) => {
    lists.push(list?.jobs?.edges.map(({ node }) => `${node.status} ${node.id}`));
  });
  context.onTestFinished(() => listing.unsubscribe());
  await vi.waitFor(() => expect(lists.at(-1)).toEqual([]), 60_000);

  faults.current.holdAt = 'KSampler';
  const input = {
    idempotencyKey: 'urql',
    workflow: { textToImage: { prompt: 'a fox', width: 64, height: 64, steps: 4 } },
  };
  const { data, error } = await client.mutation(GenerateDocument, { input }).toPromise();
  expect(error).toBeUndefined();
  const id = data?.generate?.job.id ?? '';
  await vi.waitFor(() => expect(lists.at(-1)).toEqual([expect.stringContaining(id)]), 60_000);

  const events: WatchJobSubscription['jobProgress'][] = [];
  let complete = false;
  const watching = client.subscription(WatchJobDocument, { id }).subscribe(({ data: event, hasNext }) => {
    // urql says the last result once more when the subscription is complete.
    if (!hasNext) complete = true;
    else if (event) events.push(event.jobProgress);
  });
  context.onTestFinished(() => watching.unsubscribe());
  await vi.waitFor(() => expect(events.at(-1)?.job.progress.node?.classType).toBe('KSampler'), 60_000);

  await first.process.stop();
  await product.gateway({ PORT: String(port) });
  faults.current.holdAt = null;
  await vi.waitFor(() => expect(complete).toBe(true), 60_000);
  expect(events.at(-1)?.type).toBe('SUCCEEDED');
  // It goes on where it was, each event once.
  expect(events.filter(({ type }) => type === 'SNAPSHOT')).toHaveLength(1);
  const seqs = events.filter(({ type }) => type !== 'MOVED').map(({ seq }) => seq);
  expect(seqs).toEqual([...new Set(seqs)].toSorted((a, b) => a - b));
  expect(events.filter(({ type }) => type === 'SUCCEEDED')).toHaveLength(1);
  await vi.waitFor(() => expect(lists.at(-1)).toEqual([`SUCCEEDED ${id}`]), 60_000);

  const fetched = await client.query(JobDocument, { id }).toPromise();
  expect(fetched.data?.job).toMatchObject({ status: 'SUCCEEDED', artifacts: [{ width: 64, height: 64 }] });
  const cached = client.readQuery(JobDocument, { id }, { requestPolicy: 'cache-only' });
  expect(cached?.data).toEqual(fetched.data);
});
