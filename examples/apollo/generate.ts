/*
 * Makes a picture and shows how it comes about, by Apollo Client:
 *
 *   node examples/apollo/generate.ts "a lighthouse at dusk" [http://localhost:4000]
 */
import { randomUUID } from 'node:crypto';
import { ApolloClient, InMemoryCache } from '@apollo/client';
import { createComfy } from '@comfygate/client';
import { comfyLink, possibleTypes, typePolicies } from '@comfygate/client/apollo';
import { GenerateDocument, WatchJobDocument } from '../generated/graphql.ts';

const [prompt = 'a lighthouse at dusk, in oil', url = 'http://localhost:4000'] = process.argv.slice(2);
const comfy = createComfy({ url });
const client = new ApolloClient({
  link: comfyLink(comfy),
  cache: new InMemoryCache({ typePolicies, possibleTypes }),
});

// A key of its own for each picture: sent again after a lost answer, it gives the same job instead of a second one.
const { data } = await client.mutate({
  mutation: GenerateDocument,
  variables: { input: { idempotencyKey: randomUUID(), workflow: { textToImage: { prompt } } } },
});
if (!data?.generate) throw new Error('the gateway gave no job');
const { id } = data.generate.job;
console.log(`job ${id}`);

await new Promise<void>((resolve, reject) => {
  client.subscribe({ query: WatchJobDocument, variables: { id } }).subscribe({
    next({ data: event, error }) {
      if (error) return reject(error);
      if (!event) return;
      const { type, job } = event.jobProgress;
      const { node, fraction } = job.progress;
      console.log(type.padEnd(9), `${Math.round(fraction * 100)} %`.padStart(5), node?.title ?? node?.classType ?? '');
      if (job.error) console.log(job.error.message);
      for (const { url: address } of job.artifacts) console.log(address);
    },
    error: reject,
    complete: resolve,
  });
});
client.stop();
await comfy.close();
