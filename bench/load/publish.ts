// Publishes progress of many jobs at a fixed rate: like a worker, through the transition script, or with plain PUBLISH.
import { Redis } from 'ioredis';
import { pino } from 'pino';
import { v7 } from 'uuid';
import * as z from 'zod';
import type { Progress } from '../../src/core/job.ts';
import { createRedisGatewayStore } from '../../src/job-record/redis/redis-gateway-store.ts';
import { createRedisWorkerStore } from '../../src/job-record/redis/redis-worker-store.ts';
import { createBullQueue } from '../../src/queue/bullmq/bullmq.ts';
import { createKeys } from '../../src/redis/keys.ts';
import { answerParent } from '../rpc.ts';

const openSchema = z.object({ kind: z.enum(['comfygate', 'plain']), redisUrl: z.string(), jobs: z.int() });
const rateSchema = z.object({ perSecond: z.number() });

interface Source {
  ids: string[];
  /** Publishes the `n`th step of a job. */
  publishProgress(id: string, n: number): Promise<unknown>;
  /** Publishes that the job SUCCEEDED. */
  end(id: string): Promise<unknown>;
  close(): void;
}

const progressOf = (n: number): Progress => ({
  fraction: (n % 100_000) / 100_000,
  nodesDone: 4,
  nodesTotal: 7,
  node: { id: '3', classType: 'KSampler', title: 'KSampler', step: n, totalSteps: 100_000 },
});

async function openPlain(redisUrl: string, jobs: number): Promise<Source> {
  const redis = new Redis(redisUrl);
  const publish = (id: string, seq: number, type: string, status: string) => {
    const { node, ...progress } = progressOf(seq);
    const job = { id, status, progress: { ...progress, node: { ...node, nodeId: node?.id } } };
    return redis.publish(`plain:job:${id}`, JSON.stringify({ seq, type, at: new Date().toISOString(), job }));
  };
  return {
    ids: Array.from({ length: jobs }, () => v7()),
    publishProgress: (id, n) => publish(id, n, 'PROGRESS', 'RUNNING'),
    end: (id) => publish(id, 99_999, 'SUCCEEDED', 'SUCCEEDED'),
    close: () => redis.disconnect(),
  };
}

const DAY_MS = 86_400_000;

/** Jobs of the product, which this process claims as their worker would. */
async function openOurs(redisUrl: string, jobs: number): Promise<Source> {
  const redis = new Redis(redisUrl);
  const keys = createKeys('comfygate');
  const gateway = createRedisGatewayStore({
    redis,
    keys,
    retentionMs: DAY_MS,
    idempotencyTtlMs: DAY_MS,
    noBackendGraceMs: DAY_MS,
  });
  const worker = createRedisWorkerStore(redis, keys, DAY_MS);
  const queue = createBullQueue(redis, keys, pino({ level: 'silent' }));
  const leases = new Map<string, number>();

  async function begin() {
    const id = v7();
    await gateway.accept({
      id,
      caller: 'anonymous',
      idempotencyKey: id,
      fingerprint: 'bench',
      workflow: 'textToImage',
      template: null,
      parameters: { prompt: 'a lighthouse at dusk, oil on canvas', seed: 7, width: 512, height: 512, steps: 20 },
      nodesTotal: 7,
      priority: 'NORMAL',
      tags: [],
      retryOf: null,
      deadlineMs: DAY_MS,
      traceparent: null,
      requestId: 'bench',
      client: null,
    });
    await queue.add(id);
    const claim = await worker.claim(id);
    if (claim.outcome !== 'claimed') throw new Error(`the job could not be claimed: ${claim.outcome}`);
    leases.set(id, claim.job.lease);
  }

  await Promise.all(Array.from({ length: jobs }, begin));
  return {
    ids: [...leases.keys()],
    async publishProgress(id, n) {
      const { outcome } = await worker.move(id, leases.get(id) ?? 0, { move: 'progress', progress: progressOf(n) });
      if (outcome !== 'done') throw new Error(`progress was not written: ${outcome}`);
    },
    async end(id) {
      const done = { move: 'succeed' as const, artifacts: [], progress: progressOf(99_999), timings: [] };
      const { outcome } = await worker.move(id, leases.get(id) ?? 0, done);
      if (outcome !== 'done') throw new Error(`the end was not written: ${outcome}`);
    },
    close: () => redis.disconnect(),
  };
}

const TICK_MS = 5;
/** The most commands without an answer. When there are more, Redis is the bottleneck. */
const MOST_UNDER_WAY = 2_000;

let source: Source | undefined;
let published = 0;
let since = 0;
let ticking: NodeJS.Timeout | undefined;
let underWay = 0;
let fault: unknown;

function publishNext({ ids, publishProgress }: Source) {
  const id = ids[published % ids.length] ?? '';
  const n = Math.floor(published / ids.length) + 1;
  published++;
  underWay++;
  publishProgress(id, n).then(
    () => underWay--,
    (error: unknown) => {
      fault ??= error;
    },
  );
}

async function open(args: unknown) {
  const { kind, redisUrl, jobs } = openSchema.parse(args);
  source = await (kind === 'plain' ? openPlain(redisUrl, jobs) : openOurs(redisUrl, jobs));
  published = 0;
  return source.ids;
}

/** Publishes one event for each job. */
function once() {
  if (source) for (const _ of source.ids) publishNext(source);
}

function start(args: unknown) {
  const { perSecond } = rateSchema.parse(args);
  const from = source;
  if (!from) throw new Error('nothing is open');
  const began = performance.now();
  const publishedBefore = published;
  since = began;
  ticking = setInterval(() => {
    const due = publishedBefore + ((performance.now() - began) * perSecond) / 1000;
    while (published < due && underWay < MOST_UNDER_WAY) publishNext(from);
  }, TICK_MS);
}

/** The rate since the start, in events per second. */
function stop() {
  clearInterval(ticking);
  if (fault) throw fault;
  return published / ((performance.now() - since) / 1000);
}

/** Ends each job. Returns the time at which it began to, in milliseconds since 1970. */
async function end() {
  const began = Date.now();
  const from = source;
  if (from) await Promise.all(from.ids.map((id) => from.end(id)));
  return began;
}

function close() {
  clearInterval(ticking);
  source?.close();
  source = undefined;
}

answerParent({ open, once, end, start, stop, close });
process.once('disconnect', () => process.exit(0));
process.stdout.write('ready\n');
