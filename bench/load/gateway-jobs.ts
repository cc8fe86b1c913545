// Runs jobs through the gateway as an application does: generate, watch until SUCCEEDED, download the result.
import { randomInt, randomUUID } from 'node:crypto';
import { createClient } from 'graphql-ws';
import { Pool } from 'undici';
import { WebSocket } from 'ws';
import * as z from 'zod';
import { answerParent } from '../rpc.ts';
import { jobsSchema, runAll } from './run-all.ts';

const generate = /* GraphQL */ `
  mutation Generate($input: GenerateInput!) {
    generate(input: $input) { job { id } }
  }
`;
const watch = /* GraphQL */ `
  subscription Watch($id: ID!) {
    jobProgress(id: $id) { type job { progress { fraction } artifacts { url } error { code message } } }
  }
`;

const generatedSchema = z.object({ data: z.object({ generate: z.object({ job: z.object({ id: z.string() }) }) }) });
const eventSchema = z.object({
  jobProgress: z.object({
    type: z.string(),
    job: z.object({ artifacts: z.array(z.object({ url: z.string() })), error: z.unknown() }),
  }),
});

function open(url: string) {
  const { origin, pathname } = new URL(url);
  const pool = new Pool(origin);
  const sockets = createClient({ url: url.replace('http', 'ws'), webSocketImpl: WebSocket, lazy: false });

  async function call(query: string, variables: unknown) {
    const { body } = await pool.request({
      method: 'POST',
      path: pathname,
      headers: { 'content-type': 'application/json', accept: 'application/json' },
      body: JSON.stringify({ query, variables }),
    });
    return await body.json();
  }

  async function download(address: string) {
    const { pathname: path, search } = new URL(address);
    const { statusCode, body } = await pool.request({ method: 'GET', path: path + search });
    const bytes = await body.arrayBuffer();
    if (statusCode !== 200) throw new Error(`${address}: ${statusCode}`);
    if (bytes.byteLength === 0) throw new Error(`${address} is empty`);
  }

  async function resultOf(id: string): Promise<string[]> {
    for await (const { data, errors } of sockets.iterate({ query: watch, variables: { id } })) {
      if (errors) throw errors[0];
      const { type, job } = eventSchema.parse(data).jobProgress;
      if (type === 'SUCCEEDED') return job.artifacts.map((artifact) => artifact.url);
      if (type === 'FAILED' || type === 'CANCELED') throw new Error(`${type}: ${JSON.stringify(job.error)}`);
    }
    throw new Error('the subscription ended before the job');
  }

  return {
    async run(textToImage: object) {
      const input = { idempotencyKey: randomUUID(), workflow: { textToImage } };
      const { id } = generatedSchema.parse(await call(generate, { input })).data.generate.job;
      const addresses = await resultOf(id);
      if (addresses.length === 0) throw new Error('a job made nothing');
      await Promise.all(addresses.map(download));
    },
    async close() {
      await sockets.dispose();
      await pool.close();
    },
  };
}

async function run(args: unknown) {
  const { url, pixels, steps, ...plan } = jobsSchema.parse(args);
  const gateway = open(url);
  try {
    return await runAll(plan, () =>
      gateway.run({
        prompt: 'a lighthouse at dusk',
        width: pixels,
        height: pixels,
        steps,
        seed: randomInt(2 ** 47),
      }),
    );
  } finally {
    await gateway.close();
  }
}

answerParent({ run });
process.once('disconnect', () => process.exit(0));
process.stdout.write('ready\n');
