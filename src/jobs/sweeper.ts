import type { Redis } from 'ioredis';
import type { Logger } from 'pino';
import { type ArtifactStore, StorageError } from '../artifacts/artifact-store.ts';
import { jobPrefix, uploadKey } from '../artifacts/keys.ts';
import type { Job } from '../core/job.ts';
import type { GatewayJobStore } from '../job-record/job-store.ts';
import { createTransition } from '../job-record/transition.ts';
import { type ThrottledFault, throttledWarning } from '../observability/throttled.ts';
import type { JobQueue } from '../queue/queue.ts';
import { redisNow } from '../redis/clock.ts';
import { isRedisDown } from '../redis/is-down.ts';
import type { Keys } from '../redis/keys.ts';
import type { UploadStore } from '../uploads/upload.ts';

export interface SweeperOptions {
  /** A request connection. */
  redis: Redis;
  keys: Keys;
  store: GatewayJobStore;
  queue: JobQueue;
  artifacts: ArtifactStore;
  uploads: Pick<UploadStore, 'due' | 'retire' | 'remove'>;
  retentionMs: number;
  log: Logger;
  /** How often deadlines are looked at, so how late one may be seen. Default 1 s; everything else at every fifth time. */
  intervalMs?: number;
  /** Told of each job that its deadline has ended. */
  onEnded?: (job: Pick<Job, 'workflow' | 'status' | 'error'>) => void;
}

const REST_EVERY = 5;

/** Jobs looked at in one step. */
const BATCH = 500;
/** Steps of one run: what is left waits for the next one. */
const MAX_STEPS = 20;
const REMOVE_TIMEOUT_MS = 10_000;

/**
 * Makes the promises true when everything else has crashed: open jobs that the queue does not hold are added again, those that
 * it would hold back for too long are delivered, those past their deadline are ended, and what has expired is removed. Runs in each gateway; a short lock lets one at a time through.
 */
export function startSweeper(options: SweeperOptions): { close(): Promise<void> } {
  const { redis, keys, store, queue, artifacts, uploads, log, intervalMs = 1_000 } = options;
  const restMs = REST_EVERY * intervalMs;
  const transition = createTransition(redis, keys, options.retentionMs);
  const stopped = new AbortController();
  /** Where the walk through open jobs stands: a rank in `open`. */
  let position = 0;
  /** By part: storage that is away fails each sweep. */
  const faults = new Map<string, ThrottledFault>();
  let restedAt = 0;

  async function expire() {
    for (let step = 0; step < MAX_STEPS && !stopped.signal.aborted; step++) {
      const due = await redis.zrange(keys.open, '-inf', await redisNow(redis), 'BYSCORE', 'LIMIT', 0, BATCH);
      const message = 'the job did not end before its deadline';
      const error = { code: 'TIMEOUT', message, nodeId: null, classType: null, retryable: true } as const;
      await Promise.all(
        due.map(async (id) => {
          const moved = await transition({ id, move: 'expire', set: { error } });
          // A record that has vanished leaves its index entry behind.
          if (moved.outcome !== 'done') return await redis.zrem(keys.open, id);
          // Not the whole record: each may hold a graph of a megabyte.
          const [workflow, requestId] = await redis.hmget(keys.job(id), 'workflow', 'requestId');
          log.info({ jobId: id, requestId }, 'job passed its deadline');
          if (workflow) options.onEnded?.({ workflow, status: moved.status, error });
        }),
      );
      if (due.length < BATCH) return;
    }
  }

  /** A step through all open jobs each run, so that its cost does not grow with the backlog. */
  async function readd() {
    const at = await redisNow(redis);
    for (let step = 0; step < MAX_STEPS && !stopped.signal.aborted; step++) {
      const ids = await redis.zrange(keys.open, position, position + BATCH - 1);
      position = ids.length < BATCH ? 0 : position + BATCH;
      for (const id of await queue.missing(ids)) {
        const job = await store.get(id);
        if (!job) await redis.zrem(keys.open, id);
        // Its gateway may be between record and queue.
        else if (at - job.createdAt < restMs) continue;
        else if (job.status === 'QUEUED' || job.status === 'RUNNING') {
          await queue.add(id, job.order);
          log.warn({ jobId: id, requestId: job.requestId }, 'job was missing in the queue and was added again');
        }
      }
      if (position === 0) return;
    }
  }

  async function promote() {
    const ids = await queue.promoteMisdated(await redisNow(redis));
    if (ids.length > 0)
      log.info({ jobs: ids.length }, 'jobs put back were overdue or dated far ahead: delivered at once');
  }

  /**
   * Bytes first: what fails half-way is due again. What cannot be removed goes behind all that is due, so that it stands in
   * nobody's way. Throws what went wrong first, once it has gone through all, or where failing takes long: storage is away then.
   */
  async function removeEach(index: string, ids: string[], remove: (id: string, signal: AbortSignal) => Promise<void>) {
    const began = performance.now();
    const failures: unknown[] = [];
    for (const id of ids) {
      if (stopped.signal.aborted) return;
      try {
        await remove(id, AbortSignal.any([stopped.signal, AbortSignal.timeout(REMOVE_TIMEOUT_MS)]));
      } catch (error) {
        if (stopped.signal.aborted || isAway(error)) throw error;
        failures.push(error);
        await redis.zadd(index, 'XX', await redisNow(redis), id);
        if (performance.now() - began >= REMOVE_TIMEOUT_MS) break;
      }
    }
    if (failures.length > 0) throw failures[0];
  }

  async function removeExpired() {
    const due = await redis.zrange(keys.ended, '-inf', await redisNow(redis), 'BYSCORE', 'LIMIT', 0, BATCH);
    await removeEach(keys.ended, due, async (id, signal) => {
      await artifacts.removePrefix(jobPrefix(id), { signal });
      await store.remove(id);
      log.debug({ jobId: id }, 'job expired');
    });
  }

  async function removeUploads() {
    await removeEach(keys.uploads, await uploads.due(BATCH), async (id, signal) => {
      if (!(await uploads.retire(id))) return;
      await artifacts.removePrefix(uploadKey(id), { signal });
      await uploads.remove(id);
    });
  }

  /** A full Redis takes no lock: then each gateway sweeps, which does no harm, since what has expired must go to make room. */
  async function isMine(): Promise<boolean> {
    try {
      return (await redis.set(keys.sweeperLock, '1', 'PX', Math.ceil(intervalMs * 0.9), 'NX')) === 'OK';
    } catch (error) {
      if (isFull(error)) return true;
      throw error;
    }
  }

  async function sweep() {
    if (redis.status !== 'ready' || !(await isMine())) return;
    const rest = performance.now() - restedAt >= restMs;
    if (rest) restedAt = performance.now();
    for (const part of rest ? [expire, readd, promote, removeExpired, removeUploads] : [expire]) {
      try {
        await part();
        faults.get(part.name)?.over();
      } catch (error) {
        if (isAway(error)) throw error;
        if (stopped.signal.aborted) continue;
        const fault = faults.get(part.name) ?? throttledWarning(log, 'sweep failed');
        faults.set(part.name, fault);
        fault(error, { part: part.name });
      }
    }
  }

  let running = Promise.resolve();
  let busy = false;
  const timer = setInterval(() => {
    if (busy) return;
    busy = true;
    running = sweep()
      .catch((error: Error) => log.debug({ error: error.message }, 'sweep waits for redis'))
      .finally(() => {
        busy = false;
      });
  }, intervalMs);
  timer.unref();

  return {
    async close() {
      clearInterval(timer);
      stopped.abort(new Error('closing'));
      await running;
    },
  };
}

/** Whether nothing else can be done either. An S3 server that cannot be reached may say the same of itself. */
function isAway(error: unknown): boolean {
  return isRedisDown(error) && !isFull(error) && !(error instanceof StorageError);
}

const isFull = (error: unknown) => error instanceof Error && error.message.startsWith('OOM ');
