import type { Redis } from 'ioredis';
import type { Logger } from 'pino';
import type { ArtifactStore } from '../artifacts/artifact-store.ts';
import { jobPrefix, uploadKey } from '../artifacts/keys.ts';
import type { Job } from '../core/job.ts';
import { type ThrottledFault, throttledWarning } from '../observability/throttled.ts';
import type { JobQueue } from '../queue/queue.ts';
import { isRedisDown } from '../redis.ts';
import type { UploadStore } from '../uploads/upload.ts';
import type { GatewayJobStore } from './job-store.ts';
import type { Keys } from './keys.ts';
import { createTransition } from './transition.ts';

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
  onEnded?: (job: Job) => void;
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

  const now = async () => {
    const [seconds, micros] = await redis.time();
    return Number(seconds) * 1000 + Math.floor(Number(micros) / 1000);
  };

  async function expire() {
    for (let step = 0; step < MAX_STEPS && !stopped.signal.aborted; step++) {
      const due = await redis.zrange(keys.open, '-inf', await now(), 'BYSCORE', 'LIMIT', 0, BATCH);
      const message = 'the job did not end before its deadline';
      const error = { code: 'TIMEOUT', message, nodeId: null, classType: null, retryable: true } as const;
      await Promise.all(
        due.map(async (id) => {
          const moved = await transition({ id, move: 'expire', set: { error } }, { withRecord: true });
          // A record that has vanished leaves its index entry behind.
          if (moved.outcome !== 'done') return await redis.zrem(keys.open, id);
          log.info({ jobId: id, requestId: moved.job?.requestId }, 'job passed its deadline');
          if (moved.job) options.onEnded?.(moved.job);
        }),
      );
      if (due.length < BATCH) return;
    }
  }

  /** A step through all open jobs each run, so that its cost does not grow with the backlog. */
  async function readd() {
    const at = await now();
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

  async function hasten() {
    const ids = await queue.hastenMisdated(await now());
    if (ids.length > 0)
      log.info({ jobs: ids.length }, 'jobs put back were overdue or dated far ahead: delivered at once');
  }

  async function removeExpired() {
    const due = await redis.zrange(keys.ended, '-inf', await now(), 'BYSCORE', 'LIMIT', 0, BATCH);
    for (const id of due) {
      if (stopped.signal.aborted) return;
      const signal = AbortSignal.any([stopped.signal, AbortSignal.timeout(REMOVE_TIMEOUT_MS)]);
      await artifacts.removePrefix(jobPrefix(id), { signal });
      await store.remove(id);
      log.debug({ jobId: id }, 'job expired');
    }
  }

  /** Bytes first: what fails half-way is due again. */
  async function removeUploads() {
    for (const id of await uploads.due(BATCH)) {
      if (stopped.signal.aborted) return;
      if (!(await uploads.retire(id))) continue;
      const signal = AbortSignal.any([stopped.signal, AbortSignal.timeout(REMOVE_TIMEOUT_MS)]);
      await artifacts.removePrefix(uploadKey(id), { signal });
      await uploads.remove(id);
    }
  }

  async function sweep() {
    if (redis.status !== 'ready') return;
    const mine = await redis.set(keys.sweeperLock, '1', 'PX', Math.ceil(intervalMs * 0.9), 'NX');
    if (mine !== 'OK') return;
    const rest = performance.now() - restedAt >= restMs;
    if (rest) restedAt = performance.now();
    for (const part of rest ? [expire, readd, hasten, removeExpired, removeUploads] : [expire]) {
      try {
        await part();
        faults.get(part.name)?.over();
      } catch (error) {
        if (isRedisDown(error)) throw error;
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
