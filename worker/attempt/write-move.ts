import type { Logger } from 'pino';
import { wait } from '../../src/async/wait.ts';
import type { Job, JobStatus } from '../../src/core/job.ts';
import type { Change, MoveOutcome, WorkerJobStore } from '../../src/job-record/job-store.ts';

/** Between two tries, doubled with each. */
const BACKOFF_MS = { first: 100, most: 2_000 };

/**
 * Writes a change of a job under the lease that it was claimed with. Redis may be away or full for a while: what
 * happened is written when it is back, unless `signal` says that the job is another's by then. Only progress, and what
 * is stored so far, is given up at once, since there will be newer.
 */
export async function writeMove(
  store: WorkerJobStore,
  job: Job,
  change: Change,
  { signal, log }: { signal: AbortSignal; log: Logger },
): Promise<MoveOutcome> {
  for (let tries = 0; ; tries++) {
    try {
      return await store.move(job.id, job.lease, change);
    } catch (cause) {
      if (change.move === 'progress' || change.move === 'output') throw cause;
      if (tries === 0) log.warn({ err: cause, move: change.move }, 'move not written yet');
      await wait(Math.min(BACKOFF_MS.most, BACKOFF_MS.first * 2 ** tries), signal);
    }
  }
}

const ENDS: Partial<Record<Change['move'], JobStatus>> = { succeed: 'SUCCEEDED', fail: 'FAILED', cancel: 'CANCELED' };

/**
 * Whether this very move has ended the job: its answer was lost with a connection, and it was sent again. A job that
 * FAILED may have passed its deadline instead, which has an error of its own.
 */
export function wasCarriedOut(change: Change, { status, error }: Extract<MoveOutcome, { outcome: 'ended' }>): boolean {
  if (status !== ENDS[change.move]) return false;
  return change.move !== 'fail' || (error?.code === change.error.code && error.message === change.error.message);
}
