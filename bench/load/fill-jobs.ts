// Fills a Redis with copies of jobs that the product has made and ended, and measures the memory of one.
import { createHash } from 'node:crypto';
import { Redis } from 'ioredis';
import { v7 } from 'uuid';
import * as z from 'zod';
import { createKeys } from '../../src/redis/keys.ts';
import { results } from '../../src/redis/pipeline.ts';
import { loadScript } from '../../src/redis/scripts.ts';
import { answerParent } from '../rpc.ts';

const argsSchema = z.object({ redisUrl: z.string(), jobs: z.int() });

const CALLER = 'anonymous';
/** One copy in this many is CANCELED, the others SUCCEEDED. */
const CANCELED_EVERY = 10;
/** The creation times of copies are spread evenly over these days. None of the copies has expired. */
const SPREAD_MS = 6 * 86_400_000;
const RETENTION_MS = 7 * 86_400_000;
const BATCH = 500;
const keys = createKeys('comfygate');
const copyJobs = loadScript(new URL('./copy-jobs.lua', import.meta.url));

const sha256 = (text: string) => createHash('sha256').update(text).digest('hex');

/** The keys of the first job with that status. */
async function modelOf(redis: Redis, status: 'SUCCEEDED' | 'CANCELED') {
  const [id] = await redis.zrange(keys.jobs(CALLER, status), 0, 0);
  if (id === undefined) throw new Error(`there is no ${status} job to copy`);
  for (const entry of await redis.keys(`${keys.idempotency(CALLER, '')}*`)) {
    if ((await redis.hget(entry, 'id')) === id) return { id, status, entry };
  }
  throw new Error(`job ${id} has no idempotency entry`);
}

async function usedMemory(redis: Redis) {
  return Number(/^used_memory:(\d+)/m.exec(await redis.info('memory'))?.[1]);
}

async function fill(args: unknown) {
  const { redisUrl, jobs } = argsSchema.parse(args);
  const redis = new Redis(redisUrl);
  try {
    const succeeded = await modelOf(redis, 'SUCCEEDED');
    const canceled = await modelOf(redis, 'CANCELED');
    const before = await usedMemory(redis);
    // Copies need not be on disk, so the fill is fast. What is measured later is written with the usual durability.
    await redis.config('SET', 'appendfsync', 'no');
    const end = Date.now();
    const sample: string[] = [];
    for (let made = 0, batch = 0; made < jobs; batch++) {
      const { id, status, entry } = batch % CANCELED_EVERY === 1 ? canceled : succeeded;
      const args: (string | number)[] = [];
      for (let i = 0; i < BATCH && made < jobs; i++, made++) {
        const createdAt = end - SPREAD_MS + Math.floor((SPREAD_MS * made) / jobs);
        const copy = v7({ msecs: createdAt });
        if (status === 'SUCCEEDED' && i === 0) sample.push(copy);
        args.push(copy, sha256(copy), createdAt, createdAt + RETENTION_MS);
      }
      const indexes = [keys.jobs(CALLER), keys.jobs(CALLER, status), keys.ended];
      await copyJobs(
        redis,
        [keys.job(id), keys.events(id), entry, ...indexes],
        [keys.tag, keys.idempotency(CALLER, ''), ...args],
      );
    }
    await redis.config('SET', 'appendfsync', 'always');
    const usage = redis.pipeline();
    for (const id of [succeeded.id, sample[0] ?? '']) {
      usage.memory('USAGE', keys.job(id), 'SAMPLES', 0).memory('USAGE', keys.events(id), 'SAMPLES', 0);
    }
    const [record = 0, events = 0, copiedRecord = 0, copiedEvents = 0] = (await results(usage)).map(Number);
    return {
      // Redis packs a copy tighter than a record that grew in steps, so the difference is added.
      bytesPerJob: ((await usedMemory(redis)) - before) / jobs + record + events - copiedRecord - copiedEvents,
      /** The bytes of a job that SUCCEEDED, as it was made and as it was copied. */
      record,
      events,
      copiedRecord,
      copiedEvents,
    };
  } finally {
    redis.disconnect();
  }
}

answerParent({ fill });
process.once('disconnect', () => process.exit(0));
process.stdout.write('ready\n');
