// Calls `generate` over a number of connections, one call after the other on each, and counts the answers.
import { Pool } from 'undici';
import * as z from 'zod';
import { answerParent } from '../rpc.ts';

const argsSchema = z.object({
  url: z.url(),
  connections: z.int(),
  /** Answers before this time do not count. */
  warmMs: z.number(),
  ms: z.number(),
  /** A prefix that makes the idempotency keys of this run unique. */
  run: z.string(),
});

const query = /* GraphQL */ `
  mutation Generate($input: GenerateInput!) {
    generate(input: $input) { job { id status workflow priority tags createdAt } replayed }
  }
`;

async function run(args: unknown) {
  const { url, connections, warmMs, ms, run } = argsSchema.parse(args);
  const { origin, pathname } = new URL(url);
  const pool = new Pool(origin, { connections });
  const latencies: number[] = [];
  const begin = performance.now() + warmMs;
  const end = begin + ms;
  let calls = 0;

  async function call() {
    const textToImage = { prompt: 'a lighthouse at dusk, oil on canvas', width: 768, steps: 30, seed: calls };
    const input = { idempotencyKey: `${run}-${calls++}`, workflow: { textToImage }, tags: ['bench'] };
    const began = performance.now();
    const { statusCode, body } = await pool.request({
      method: 'POST',
      path: pathname,
      headers: { 'content-type': 'application/json', accept: 'application/json' },
      body: JSON.stringify({ query, variables: { input } }),
    });
    const text = await body.text();
    if (statusCode !== 200 || !text.includes('"QUEUED"')) throw new Error(`${statusCode} ${text}`);
    const answered = performance.now();
    if (answered >= begin && answered < end) latencies.push(answered - began);
  }

  async function caller() {
    while (performance.now() < end) await call();
  }
  await Promise.all(Array.from({ length: connections }, caller));
  await pool.close();
  latencies.sort((a, b) => a - b);
  return {
    perSecond: latencies.length / (ms / 1000),
    calls,
    p99Ms: latencies[Math.floor(latencies.length * 0.99)] ?? 0,
  };
}

answerParent({ run });
process.once('disconnect', () => process.exit(0));
process.stdout.write('ready\n');
