import { ApolloClient, InMemoryCache } from '@apollo/client';
import { expect, test, vi } from 'vitest';
import { comfyLink, followJobs, possibleTypes, typePolicies } from '../../../client/src/apollo.ts';
import { createComfy } from '../../../client/src/comfy.ts';
import { JobsDocument, WatchJobsDocument } from '../../../examples/generated/graphql.ts';
import { freePort } from '../../support/free-port.ts';
import { createGatewayClient } from '../../support/gateway-client.ts';
import { onlySimulator, openProduct } from '../../support/product.ts';

test('a dashboard shows every job as it is, by one subscription, through lost writes and a restart of the gateway', {
  timeout: 240_000,
}, async (context) => {
  const product = await openProduct(context);
  const { faults } = onlySimulator(product);
  await product.worker();
  const port = await freePort();
  const first = await product.gateway({ PORT: String(port) });
  const application = createGatewayClient(`http://127.0.0.1:${port}`, []);
  const comfy = createComfy({ url: application.url });
  const cache = new InMemoryCache({ typePolicies, possibleTypes });
  const client = new ApolloClient({ link: comfyLink(comfy), cache });
  context.onTestFinished(async () => {
    client.stop();
    await comfy.close();
  });
  const before = await application.generate();

  const variables = { first: 50 };
  context.onTestFinished(async () => stop());
  const stop = followJobs(client, comfy, { query: JobsDocument, variables, subscription: WatchJobsDocument });
  /** What a component that shows the list has on the screen. */
  const shown = () => {
    const data = client.readQuery({ query: JobsDocument, variables });
    return new Map(data?.jobs?.edges.map(({ node }) => [node.id, node]));
  };
  const shows = (ids: string[], status: string) =>
    vi.waitFor(
      () => {
        const jobs = shown();
        expect(ids.map((id) => jobs.get(id)?.status)).toEqual(ids.map(() => status));
      },
      { timeout: 60_000, interval: 20 },
    );
  await shows([before.id], 'SUCCEEDED');

  // Whoever makes them: the page is not told but by the gateway.
  const made = await Promise.all(Array.from({ length: 10 }, () => application.generate()));
  const ids = made.map(({ id }) => id);
  await shows(ids, 'SUCCEEDED');
  for (const id of ids)
    expect(shown().get(id)).toMatchObject({ progress: { fraction: 1 }, artifacts: [{ width: 64 }] });

  // The log of changes is lost: the gateway says so, and the page reads the list again.
  faults.current.hold = true;
  const held = await application.generate();
  await shows([held.id], 'RUNNING');
  await product.admin.del(product.keys.changes('anonymous'));
  faults.current.hold = false;
  await shows([held.id], 'SUCCEEDED');

  // What happens while the gateway is away is in the list when it is back.
  faults.current.hold = true;
  const waiting = await application.generate();
  await shows([waiting.id], 'RUNNING');
  const away = await application.generate();
  await first.process.stop();
  faults.current.hold = false;
  await product.gateway({ PORT: String(port) });
  await shows([before.id, ...ids, held.id, waiting.id, away.id], 'SUCCEEDED');
  expect(shown().size).toBe(14);
});
