import { randomUUID } from 'node:crypto';
import { createClient } from 'graphql-ws';
import { Pool } from 'undici';
import { WebSocket } from 'ws';
import * as z from 'zod';
import { type Picture, workflowOf } from './picture.ts';

const generate = /* GraphQL */ `
  mutation Generate($input: GenerateInput!) {
    generate(input: $input) { job { id } }
  }
`;
const watch = /* GraphQL */ `
  subscription Watch($id: ID!) {
    jobProgress(id: $id) { type at job { progress { fraction } artifacts { url } error { code message } } }
  }
`;

const generatedSchema = z.object({ data: z.object({ generate: z.object({ job: z.object({ id: z.string() }) }) }) });
const eventSchema = z.object({
  jobProgress: z.object({
    type: z.string(),
    at: z.iso.datetime().transform(Date.parse),
    job: z.object({ artifacts: z.array(z.object({ url: z.string() })), error: z.unknown() }),
  }),
});

/** The times of a job, in milliseconds. */
export interface JobTimes {
  /** From the request to the answer with the job's id. */
  generateMs: number;
  /**
   * From SUCCEEDED until its event has arrived. The event carries Redis's time, which is this machine's clock in whole
   * milliseconds.
   */
  deliveryMs: number;
}

/** A client application with one socket for all jobs that it watches. */
export function openGatewayClient(url: string, picture: Picture) {
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

  async function resultOf(id: string) {
    for await (const { data, errors } of sockets.iterate({ query: watch, variables: { id } })) {
      const hereAt = Date.now();
      if (errors) throw errors[0];
      const { type, at, job } = eventSchema.parse(data).jobProgress;
      if (type === 'SUCCEEDED') return { addresses: job.artifacts.map(({ url }) => url), deliveryMs: hereAt - at };
      if (type === 'FAILED' || type === 'CANCELED') throw new Error(`${type}: ${JSON.stringify(job.error)}`);
    }
    throw new Error('the subscription ended before the job');
  }

  return {
    /** Generates, watches until SUCCEEDED and downloads the result. Rejects when any of these fails. */
    async run(): Promise<JobTimes> {
      const input = { idempotencyKey: randomUUID(), workflow: workflowOf(picture) };
      const began = performance.now();
      const answer = generatedSchema.safeParse(await call(generate, { input }));
      if (!answer.success) throw new Error(`generate: ${answer.error.message}`);
      const generateMs = performance.now() - began;
      const { addresses, deliveryMs } = await resultOf(answer.data.data.generate.job.id);
      if (addresses.length === 0) throw new Error('a job made nothing');
      await Promise.all(addresses.map(download));
      return { generateMs, deliveryMs };
    },
    async close() {
      await sockets.dispose();
      await pool.close();
    },
  };
}
