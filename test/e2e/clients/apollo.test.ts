import { ApolloClient, InMemoryCache } from '@apollo/client';
import { expect, test, vi } from 'vitest';
import { comfyLink, possibleTypes, typePolicies } from '../../../client/src/apollo.ts';
import { createComfy } from '../../../client/src/comfy.ts';
import {
  GenerateDocument,
  JobDocument,
  JobsDocument,
  WatchJobDocument,
  type WatchJobSubscription,
} from '../../../examples/generated/graphql.ts';
import { freePort } from '../../support/free-port.ts';
import { onlySimulator, openProduct } from '../../support/product.ts';

test('Apollo Client generates, watches through a restart of the gateway, and has the result in its cache', {
  timeout: 240_000,
}, async (context) => {
  const product = await openProduct(context);
  const { faults } = onlySimulator(product);
  await product.worker();
  const port = await freePort();
  const first = await product.gateway({ PORT: String(port) });
  const comfy = createComfy({ url: `http://127.0.0.1:${port}` });
  const cache = new InMemoryCache({ typePolicies, possibleTypes });
  const client = new ApolloClient({ link: comfyLink(comfy), cache });
  context.onTestFinished(async () => {
    client.stop();
    await comfy.close();
  });

  faults.current.holdAt = 'KSampler';
  const input = {
    idempotencyKey: 'apollo',
    workflow: { textToImage: { prompt: 'a fox', width: 64, height: 64, steps: 4 } },
  };
  const { data } = await client.mutate({ mutation: GenerateDocument, variables: { input } });
  const id = data?.generate?.job.id ?? '';
  expect(id).toMatch(/^[0-9a-f-]{36}$/);

  const events: WatchJobSubscription['jobProgress'][] = [];
  const ended = new Promise<void>((resolve, reject) => {
    const subscription = client.subscribe({ query: WatchJobDocument, variables: { id } }).subscribe({
      next: ({ data: event, error }) => {
        if (error) reject(error);
        if (event) events.push(event.jobProgress);
      },
      error: reject,
      complete: resolve,
    });
    context.onTestFinished(() => subscription.unsubscribe());
  });
  const shown = () => client.readQuery({ query: JobDocument, variables: { id } })?.job;
  await vi.waitFor(() => expect(shown()?.progress.node?.classType).toBe('KSampler'), 60_000);

  await first.process.stop();
  await product.gateway({ PORT: String(port) });
  faults.current.holdAt = null;
  await ended;

  // It goes on where it was, each event once.
  expect(events.filter(({ type }) => type === 'SNAPSHOT')).toHaveLength(1);
  const seqs = events.filter(({ type }) => type !== 'MOVED').map(({ seq }) => seq);
  expect(seqs).toEqual([...new Set(seqs)].toSorted((a, b) => a - b));
  expect(events.filter(({ type }) => type === 'SUCCEEDED')).toHaveLength(1);
  expect(events.at(-1)?.type).toBe('SUCCEEDED');
  // What the mutation brought and the events did not is still there.
  expect(shown()).toMatchObject({
    status: 'SUCCEEDED',
    progress: { fraction: 1 },
    parameters: { prompt: 'a fox', width: 64 },
    artifacts: [{ __typename: 'ImageArtifact', width: 64, height: 64, contentType: 'image/png' }],
  });
  const picture = await fetch(shown()?.artifacts[0]?.url ?? '');
  expect(picture.headers.get('content-type')).toBe('image/png');
  expect((await picture.arrayBuffer()).byteLength).toBe(shown()?.artifacts[0]?.size);

  const again = await client.mutate({ mutation: GenerateDocument, variables: { input } });
  expect(again.data?.generate).toMatchObject({ replayed: true, job: { id } });
  const list = await client.query({ query: JobsDocument, variables: { first: 5 } });
  expect(list.data?.jobs?.edges.map(({ node }) => node.id)).toEqual([id]);
});
