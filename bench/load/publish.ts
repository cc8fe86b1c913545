// Tells progress of many jobs at a fixed rate: as a worker does, through the transition script, or plainly by PUBLISH.
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
  /** Tells the `n`th step of a job. */
  tell(id: string, n: number): Promise<unknown>;
  /** Tells that the job SUCCEEDED. */
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
    const job = { id, status, progress: progressOf(seq) };
    return redis.publish(`plain:job:${id}`, JSON.stringify({ seq, type, at: new Date().toISOString(), job }));
  };
  return {
    ids: Array.from({ length: jobs }, () => v7()),
    tell: (id, n) => publish(id, n, 'PROGRESS', 'RUNNING'),
    end: (id) => publish(id, 99_999, 'SUCCEEDED', 'SUCCEEDED'),
    close: () => redis.disconnect(),
  };
}

const DAY_MS = 86_400_000;

/** Jobs that this process has claimed, as if it were their worker. */
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
    });
    await queue.add(id, 1_000_000);
    const claim = await worker.claim(id);
    if (claim.outcome !== 'claimed') throw new Error(`the job could not be claimed: ${claim.outcome}`);
    leases.set(id, claim.job.lease);
  }

  await Promise.all(Array.from({ length: jobs }, begin));
  return {
    ids: [...leases.keys()],
    async tell(id, n) {
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
/** Commands without an answer: beyond that Redis is what cannot keep up. */
const MOST_UNDER_WAY = 2_000;

let source: Source | undefined;
let told = 0;
let since = 0;
let ticking: NodeJS.Timeout | undefined;
let underWay = 0;
let fault: unknown;

function tellNext({ ids, tell }: Source) {
  const id = ids[told % ids.length] ?? '';
  const n = Math.floor(told / ids.length) + 1;
  told++;
  underWay++;
  tell(id, n).then(
    () => underWay--,
    (error: unknown) => {
      fault ??= error;
    },
  );
}

async function open(args: unknown) {
  const { kind, redisUrl, jobs } = openSchema.parse(args);
  source = await (kind === 'plain' ? openPlain(redisUrl, jobs) : openOurs(redisUrl, jobs));
  told = 0;
  return source.ids;
}

/** One event for each job. */
function once() {
  if (source) for (const _ of source.ids) tellNext(source);
}

function start(args: unknown) {
  const { perSecond } = rateSchema.parse(args);
  const from = source;
  if (!from) throw new Error('nothing is open');
  const began = performance.now();
  const toldBefore = told;
  since = began;
  ticking = setInterval(() => {
    const due = toldBefore + ((performance.now() - began) * perSecond) / 1000;
    while (told < due && underWay < MOST_UNDER_WAY) tellNext(from);
  }, TICK_MS);
}

/** Events per second since the start. */
function stop() {
  clearInterval(ticking);
  if (fault) throw fault;
  return told / ((performance.now() - since) / 1000);
}

/** Ends each job; gives the time at which that began, in milliseconds since 1970. */
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
