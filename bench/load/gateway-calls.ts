// Times each operation of several gateways, and each step of a worker, one after the other. It runs all operations at
// the first gateway, then at the next, so that a machine that is slow for a while is slow for every gateway.
import { randomInt, randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { Pool } from 'undici';
import * as z from 'zod';
import { noProgress } from '../../src/core/job.ts';
import type { Change } from '../../src/job-record/job-store.ts';
import { createRedisWorkerStore } from '../../src/job-record/redis/redis-worker-store.ts';
import { createKeys } from '../../src/redis/keys.ts';
import { answerParent } from '../rpc.ts';

const argsSchema = z.object({
  gateways: z.array(z.object({ url: z.url(), redisUrl: z.string() })),
  /** The number of calls of each operation except `health`. */
  times: z.int(),
  /** The number of calls of `health`, whose answer is shared for a second. */
  healthTimes: z.int(),
});

const WEEK_MS = 7 * 86_400_000;
const SHARED_HEALTH_MS = 1_050;
const keys = createKeys('comfygate');
const page =
  'edges { node { id status createdAt progress { fraction } artifacts { url } } } pageInfo { hasNextPage endCursor }';
const answerSchema = z.object({ data: z.record(z.string(), z.unknown()), errors: z.undefined().optional() });
const acceptedSchema = z.object({ job: z.object({ id: z.string() }) });

/** The times of the calls of each operation, in milliseconds. */
type Timings = Record<string, number[]>;

function open({ url, redisUrl }: z.infer<typeof argsSchema>['gateways'][number]) {
  const { origin, pathname } = new URL(url);
  const pool = new Pool(origin);
  const redis = new Redis(redisUrl);
  const worker = createRedisWorkerStore(redis, keys, WEEK_MS);
  const timings: Timings = {};

  async function timed<T>(name: string, run: () => Promise<T>): Promise<T> {
    const began = performance.now();
    const result = await run();
    timings[name] ??= [];
    timings[name].push(performance.now() - began);
    return result;
  }

  async function ask(query: string, variables: object = {}) {
    const { body } = await pool.request({
      method: 'POST',
      path: pathname,
      headers: { 'content-type': 'application/json', accept: 'application/json' },
      body: JSON.stringify({ query, variables }),
    });
    return answerSchema.parse(await body.json()).data;
  }

  async function generate(name: string) {
    const workflow = { textToImage: { prompt: 'a lighthouse at dusk, oil on canvas', width: 768, steps: 30 } };
    const query = 'mutation ($input: GenerateInput!) { generate(input: $input) { job { id status } } }';
    const { generate } = await timed(name, () => ask(query, { input: { idempotencyKey: randomUUID(), workflow } }));
    return acceptedSchema.parse(generate).job.id;
  }

  /** A random ended job. */
  async function anyId() {
    const rank = randomInt(await redis.zcard(keys.ended));
    const [id] = await redis.zrange(keys.ended, rank, rank);
    if (id === undefined) throw new Error('there is no ended job');
    return id;
  }

  async function cursor() {
    const id = await anyId();
    return Buffer.from(`${await redis.hget(keys.job(id), 'createdAt')}:${id}`).toString('base64url');
  }

  /** Acts as the worker of a job, which it takes by its id instead of by a delivery of the queue. */
  async function work(id: string) {
    const claim = await timed('claim', () => worker.claim(id));
    if (claim.outcome !== 'claimed') throw new Error(`the job could not be claimed: ${claim.outcome}`);
    const { lease } = claim.job;
    const progress = { ...noProgress, fraction: 0.5, nodesTotal: 7 };
    const progressed = await timed('a progress event', () => worker.move(id, lease, { move: 'progress', progress }));
    const done: Change = { move: 'succeed', artifacts: [], progress, timings: [] };
    const ended = await timed('SUCCEEDED', () => worker.move(id, lease, done));
    if (progressed.outcome !== 'done' || ended.outcome !== 'done') throw new Error('a move was refused');
  }

  const list = `query ($after: String, $filter: JobFilter) {
    jobs(first: 20, after: $after, filter: $filter) { ${page} }
  }`;
  const operations = {
    job: async () => {
      const id = await anyId();
      await timed('job', () => ask('query ($id: ID!) { job(id: $id) { id status artifacts { url } } }', { id }));
    },
    jobs: () => timed('jobs, first page', () => ask(list)),
    further: async () => {
      const after = await cursor();
      await timed('jobs, any further page', () => ask(list, { after }));
    },
    ofStatus: () => timed('jobs, one status', () => ask(list, { filter: { status: ['CANCELED'] } })),
    withoutMatch: () => timed('jobs, a tag that none has', () => ask(list, { filter: { tag: 'none' } })),
    run: async () => work(await generate('generate')),
    cancel: async () => {
      const id = await generate('generate');
      await timed('cancelJob', () => ask('mutation ($id: ID!) { cancelJob(id: $id) { id status } }', { id }));
    },
    remove: async () => {
      const id = await anyId();
      await timed('deleteJob', () => ask('mutation ($id: ID!) { deleteJob(id: $id) }', { id }));
    },
  };

  return {
    timings,
    async turn() {
      for (const operation of Object.values(operations)) await operation();
    },
    health: () => timed('health', () => ask('{ health { status queue { queued running } } }')),
    async close() {
      redis.disconnect();
      await pool.close();
    },
  };
}

/** The times at each gateway, in the order of the gateways. */
async function time(args: unknown): Promise<Timings[]> {
  const { gateways, times, healthTimes } = argsSchema.parse(args);
  const opened = gateways.map(open);
  const inTurn = (i: number) => (i % 2 === 0 ? opened : opened.toReversed());
  try {
    for (let i = 0; i < times; i++) for (const { turn } of inTurn(i)) await turn();
    for (let i = 0; i < healthTimes; i++) {
      await delay(SHARED_HEALTH_MS);
      for (const { health } of inTurn(i)) await health();
    }
    return opened.map(({ timings }) => timings);
  } finally {
    for (const { close } of opened) await close();
  }
}

answerParent({ time });
process.once('disconnect', () => process.exit(0));
process.stdout.write('ready\n');
