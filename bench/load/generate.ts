// Calls `generate`, `job` or `jobs` over a number of connections, one call after the other on each, and counts the
// answers.
import { Pool } from 'undici';
import * as z from 'zod';
import { answerParent } from '../rpc.ts';

const argsSchema = z.object({
  url: z.url(),
  operation: z.enum(['generate', 'job', 'jobs']),
  connections: z.int(),
  /** Answers before this time do not count. */
  warmMs: z.number(),
  ms: z.number(),
  /** A prefix that makes the idempotency keys of this run unique. */
  run: z.string(),
});

const JOB = '{ id status workflow priority tags createdAt }';
const GENERATE = `mutation Generate($input: GenerateInput!) { generate(input: $input) { job ${JOB} replayed } }`;
const READ = `query Read($id: ID!) { job(id: $id) ${JOB} }`;
const LIST = `{ jobs(first: 20) { nodes ${JOB} } }`;

/** Of which `jobs` gives twenty. */
const JOBS_TO_READ = 30;

const acceptedSchema = z.object({ data: z.object({ generate: z.object({ job: z.object({ id: z.string() }) }) }) });

async function run(args: unknown) {
  const { url, operation, connections, warmMs, ms, run } = argsSchema.parse(args);
  const { origin, pathname } = new URL(url);
  const pool = new Pool(origin, { connections });
  const latencies: number[] = [];
  let calls = 0;

  async function post(body: object): Promise<string> {
    const answer = await pool.request({
      method: 'POST',
      path: pathname,
      headers: { 'content-type': 'application/json', accept: 'application/json' },
      body: JSON.stringify(body),
    });
    const text = await answer.body.text();
    if (answer.statusCode !== 200 || !text.includes('"QUEUED"')) throw new Error(`${answer.statusCode} ${text}`);
    return text;
  }

  function generate(): Promise<string> {
    const textToImage = { prompt: 'a lighthouse at dusk, oil on canvas', width: 768, steps: 30, seed: calls };
    const input = { idempotencyKey: `${run}-${calls}`, workflow: { textToImage }, tags: ['bench'] };
    return post({ query: GENERATE, variables: { input } });
  }

  let id = '';
  if (operation !== 'generate') {
    for (; calls < JOBS_TO_READ; calls++) id = acceptedSchema.parse(JSON.parse(await generate())).data.generate.job.id;
    calls = 0;
  }
  const asks = {
    generate,
    job: () => post({ query: READ, variables: { id } }),
    jobs: () => post({ query: LIST }),
  };
  const begin = performance.now() + warmMs;
  const end = begin + ms;

  async function call() {
    const began = performance.now();
    const answer = asks[operation]();
    calls += 1;
    await answer;
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
