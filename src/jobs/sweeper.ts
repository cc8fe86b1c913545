import type { Logger } from 'pino';
import { type ArtifactStore, StorageError } from '../artifacts/artifact-store.ts';
import { jobPrefix, uploadKey } from '../artifacts/keys.ts';
import type { Job, JobError } from '../core/job.ts';
import type { GatewayJobStore, SweeperJobStore } from '../job-record/job-store.ts';
import { type ThrottledFault, throttledWarning } from '../observability/throttled.ts';
import type { JobQueue } from '../queue/queue.ts';
import { isRedisDown, isRedisFull } from '../redis/is-down.ts';
import type { UploadStore } from '../uploads/upload.ts';

export interface SweeperOptions {
  store: Pick<GatewayJobStore, 'get' | 'remove'>;
  sweeperStore: SweeperJobStore;
  queue: JobQueue;
  artifacts: ArtifactStore;
  uploads: Pick<UploadStore, 'due' | 'postpone' | 'retire' | 'remove'>;
  log: Logger;
  /**
   * How often deadlines are looked at, so how late one may be seen. Default 1 s; everything else at every fifth time.
   */
  intervalMs?: number;
  /** Called with each job that its deadline has ended. */
  onEnded?: (job: Pick<Job, 'workflow' | 'status' | 'error'>) => void;
}

const REST_EVERY = 5;

const DEADLINE_PASSED: JobError = {
  code: 'TIMEOUT',
  message: 'the job did not end before its deadline',
  nodeId: null,
  classType: null,
  retryable: true,
};

/** Jobs looked at in one step. */
const BATCH = 500;
/** Jobs whose parameters are packed in one step: each may hold a megabyte. */
const PACK_BATCH = 20;
/** Steps of one run: what is left waits for the next one. */
const MAX_STEPS = 20;
const REMOVE_TIMEOUT_MS = 10_000;

/**
 * Makes the promises true when everything else has crashed: tickets that the queue has lost are added again, those
 * that it would hold back for too long are delivered, those past their deadline are ended, and what has expired
 * is removed; what is kept is packed. Runs in each gateway; a short lock lets one at a time through.
 */
export function startSweeper(options: SweeperOptions): { close(): Promise<void> } {
  const { store, sweeperStore, queue, artifacts, uploads, log, intervalMs = 1_000 } = options;
  const restMs = REST_EVERY * intervalMs;
  const stopped = new AbortController();
  /** How far the walk through all open jobs has come. */
  let position = 0;
  /** By part: storage that is away fails each sweep. */
  const faults = new Map<string, ThrottledFault>();
  let restedAt = 0;

  async function expire() {
    for (let step = 0; step < MAX_STEPS && !stopped.signal.aborted; step++) {
      const due = await sweeperStore.overdue(BATCH);
      await Promise.all(
        due.map(async (id) => {
          const ended = await sweeperStore.expire(id, DEADLINE_PASSED);
          if (!ended) return;
          const { workflow, status, requestId } = ended;
          log.info({ jobId: id, requestId }, 'job passed its deadline');
          if (workflow) options.onEnded?.({ workflow, status, error: DEADLINE_PASSED });
        }),
      );
      if (due.length < BATCH) return;
    }
  }

  /** A step through all open jobs each run, so that its cost does not grow with the backlog. */
  async function readd() {
    const at = await sweeperStore.now();
    for (let step = 0; step < MAX_STEPS && !stopped.signal.aborted; step++) {
      const ids = await sweeperStore.open(position, BATCH);
      position = ids.length < BATCH ? 0 : position + BATCH;
      // A gateway may be between record and queue.
      const { tickets, strays, gone } = await sweeperStore.tickets(at - restMs, ids);
      for (const id of gone) await sweeperStore.forget(id);
      for (const ticket of await queue.missing(tickets)) {
        await queue.add(ticket);
        log.warn({ ticket }, 'ticket was missing in the queue and was added again');
      }
      for (const id of await queue.missingBefore(strays)) {
        const job = await store.get(id);
        if (!job || at - job.createdAt < restMs) continue;
        const ticket = await sweeperStore.adopt(id);
        if (ticket !== null) await queue.add(ticket);
        log.warn({ jobId: id, requestId: job.requestId }, 'job was missing in the queue and was added again');
      }
      if (position === 0) return;
    }
  }

  async function promote() {
    const ids = await queue.promoteMisdated(await sweeperStore.now());
    if (ids.length > 0)
      log.info({ jobs: ids.length }, 'jobs put back were overdue or dated far ahead: delivered at once');
  }

  /**
   * Bytes first: what fails half-way is due again. What cannot be removed goes behind all that is due, so that it
   * stands in nobody's way. Throws what went wrong first, once it has gone through all, or where failing takes long:
   * storage is away then.
   */
  async function removeEach(
    ids: string[],
    remove: (id: string, signal: AbortSignal) => Promise<void>,
    postpone: (id: string) => Promise<void>,
  ) {
    const began = performance.now();
    const failures: unknown[] = [];
    for (const id of ids) {
      if (stopped.signal.aborted) return;
      try {
        await remove(id, AbortSignal.any([stopped.signal, AbortSignal.timeout(REMOVE_TIMEOUT_MS)]));
      } catch (error) {
        if (stopped.signal.aborted || isAway(error)) throw error;
        failures.push(error);
        await postpone(id);
        if (performance.now() - began >= REMOVE_TIMEOUT_MS) break;
      }
    }
    if (failures.length > 0) throw failures[0];
  }

  async function packEnded() {
    for (let step = 0; step < MAX_STEPS && !stopped.signal.aborted; step++) {
      const ids = await sweeperStore.unpacked(PACK_BATCH);
      for (const id of ids) await sweeperStore.pack(id);
      if (ids.length < PACK_BATCH) return;
    }
  }

  async function removeExpired() {
    async function remove(id: string, signal: AbortSignal) {
      await artifacts.removePrefix(jobPrefix(id), { signal });
      await store.remove(id);
      log.debug({ jobId: id }, 'job expired');
    }
    await removeEach(await sweeperStore.expired(BATCH), remove, sweeperStore.postpone);
  }

  async function removeUploads() {
    async function remove(id: string, signal: AbortSignal) {
      if (!(await uploads.retire(id))) return;
      await artifacts.removePrefix(uploadKey(id), { signal });
      await uploads.remove(id);
    }
    await removeEach(await uploads.due(BATCH), remove, uploads.postpone);
  }

  async function sweep() {
    if (!(await sweeperStore.lock(Math.ceil(intervalMs * 0.9)))) return;
    const rest = performance.now() - restedAt >= restMs;
    if (rest) restedAt = performance.now();
    for (const part of rest ? [expire, readd, promote, removeExpired, removeUploads, packEnded] : [expire]) {
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
  return isRedisDown(error) && !isRedisFull(error) && !(error instanceof StorageError);
}
