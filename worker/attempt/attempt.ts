import { isDeepStrictEqual } from 'node:util';
import type { Logger } from 'pino';
import { isTerminal, type Job, type JobStatus, type Submission, type TerminalStatus } from '../../src/core/job.ts';
import type { Change, LeaseState, WorkerJobStore } from '../../src/job-record/job-store.ts';
import type { ThrottledFault } from '../../src/observability/throttled.ts';
import type { AttemptOutcome, WorkerMetrics } from '../../src/observability/worker-metrics.ts';
import { reasonOf } from '../comfyui/redact.ts';
import type { Timings } from '../timings.ts';
import type { AttemptState } from './attempt-state.ts';
import { wasCarriedOut, writeMove } from './write-move.ts';

/**
 * Why an attempt is stopped from outside. `lost`: the lease is another's, so nothing more may be touched. `ended`:
 * somebody else ended the job (its deadline). `handover`: this worker stops, and another goes on with the same prompt.
 */
export type StopReason = 'lost' | 'ended' | 'canceled' | 'timeout' | 'handover';

export class Stopped extends Error {
  override readonly name = 'Stopped';
  readonly reason: StopReason;

  constructor(reason: StopReason) {
    super(`stopped: ${reason}`);
    this.reason = reason;
  }
}

/** One claim of a job: its lease, what it holds at the servers, and everything that may end it early. */
export interface Attempt extends Disposable {
  readonly job: Job;
  readonly log: Logger;
  /** Aborted with a Stopped. */
  readonly signal: AbortSignal;
  readonly stopped: StopReason | null;
  readonly cancelRequested: boolean;
  /** Whether somebody watches the job's previews, as of the last look at the lease. */
  readonly previewed: boolean;
  /** The latest submission that the record names. */
  readonly submission: Submission | null;
  readonly state: AttemptState;
  /** For partner nodes, a secret: that of the job or of the installation; null: none. */
  readonly apiKey: string | null;
  /** The time that the attempt may run counts from now: its prompt still waits at its server, or begins to run. */
  restartClock(): void;
  /**
   * Writes a change under the lease and gives the status that it led to. Waits out a Redis that is away. Throws Stopped
   * (`lost` or `ended`) when the record does not take it.
   */
  move(change: Change): Promise<JobStatus>;
  /** Names the prompt that is posted next in the record, as `move` does, unless the claim has done so. */
  submit(submission: Submission): Promise<void>;
  /**
   * Looks at the lease, unless something was written under it within `trustMs` (default 0). Rejects with Stopped unless
   * it is held.
   */
  confirm(trustMs?: number): Promise<void>;
}

export interface AttemptParts {
  store: WorkerJobStore;
  timings: Timings;
  /** Running time of each attempt, in milliseconds: see `restartClock`. */
  jobTimeoutMs: number;
  metrics?: WorkerMetrics | undefined;
  /** Called with each look at a lease that failed. While Redis is slow, the looks of all jobs fail each second. */
  unconfirmed: ThrottledFault;
}

export interface AttemptOptions {
  /** As it was claimed. */
  job: Job;
  /** When the claim was sent: performance.now(). */
  claimedAt: number;
  /** The claim has written the submission that `job` names, and nothing was posted for it yet. */
  submitted: boolean;
  state: AttemptState;
  apiKey: string | null;
  log: Logger;
  /** Aborted when the delivery's lock is lost. */
  delivery: AbortSignal;
  /** Aborted when the worker must stop. */
  handover: AbortSignal;
}

/**
 * How the attempt is counted by where its last move led, which is CANCELED for any move once a cancel was requested.
 */
const OUTCOMES: Record<TerminalStatus, AttemptOutcome> = {
  SUCCEEDED: 'succeeded',
  FAILED: 'failed',
  CANCELED: 'canceled',
};

export function beginAttempt(options: AttemptOptions, parts: AttemptParts): Attempt {
  const { job, submitted, state, apiKey, log, delivery, handover } = options;
  const { store, timings, jobTimeoutMs, metrics, unconfirmed } = parts;
  const beganAt = performance.now();
  const control = new AbortController();
  const { signal } = control;
  let submission = submitted ? null : job.submission;
  /**
   * When the last write under this lease was sent. A look at the lease does not count: where this process has stood
   * still past its delivery's lock, the lease that it finds may be taken at any moment.
   */
  let writtenAt = options.claimedAt;
  let cancelSeenAt: number | undefined;
  let previewed = false;
  let stopped: StopReason | null = null;
  let nextLook: NodeJS.Timeout | undefined;
  let result: AttemptOutcome | null = null;

  function stop(reason: StopReason) {
    if (stopped === null || reason === 'lost') stopped = reason;
    control.abort(new Stopped(stopped));
  }

  /** This attempt's move has led to that status. */
  function onMoved(change: Change, status: JobStatus): JobStatus {
    if (change.move === 'retry' && status === 'QUEUED') result = change.counts ? 'retried' : 'put_back';
    if (!isTerminal(status)) return status;
    result = OUTCOMES[status];
    const code = status === 'FAILED' && change.move === 'fail' ? change.error.code : '';
    metrics?.jobEnded(job, status, code, (performance.now() - beganAt) / 1000);
    return status;
  }

  /** To be called only when the lease has just been confirmed: then the prompt may be touched. */
  function cancelPrompt() {
    cancelSeenAt ??= performance.now();
    const prompt = state.livePrompt;
    if (!prompt || performance.now() - cancelSeenAt >= timings.cancelGrace) return stop('canceled');
    // Repeated with each look at the lease: an interrupt that comes between two checks of a node is lost at times.
    prompt.backend.client.cancel(prompt.promptId, signal).catch((cause) => {
      if (!signal.aborted) log.debug({ reason: reasonOf(cause) }, 'cancel failed');
    });
  }

  async function lookAtLease() {
    onLease(await store.lease(job.id, job.lease));
  }

  async function watchLease() {
    try {
      await lookAtLease();
      unconfirmed.over();
    } catch (cause) {
      unconfirmed(cause, { jobId: job.id, requestId: job.requestId });
    }
    if (!signal.aborted) nextLook = setTimeout(watchLease, timings.lease);
  }

  function onLease(lease: LeaseState) {
    if (signal.aborted) return;
    previewed = lease.state === 'held' && lease.previews;
    if (lease.state !== 'held') stop(lease.state);
    else if (lease.cancelRequested) cancelPrompt();
  }

  // The first look is at once: previews may be watched already.
  void watchLease();
  const timeout = setTimeout(stop, jobTimeoutMs, 'timeout');
  const onLockLost = () => stop('lost');
  const onHandover = () => stop('handover');
  delivery.addEventListener('abort', onLockLost);
  handover.addEventListener('abort', onHandover);
  if (delivery.aborted) onLockLost();
  else if (handover.aborted) onHandover();

  async function move(change: Change): Promise<JobStatus> {
    const askedAt = performance.now();
    const outcome = await writeMove(store, job, change, { signal: delivery, log });
    if (outcome.outcome === 'ended' && wasCarriedOut(change, outcome)) return onMoved(change, outcome.status);
    if (outcome.outcome !== 'done') {
      stop(outcome.outcome);
      throw new Stopped(outcome.outcome);
    }
    writtenAt = askedAt;
    if (outcome.cancelRequested && outcome.status === 'RUNNING' && cancelSeenAt === undefined) cancelPrompt();
    return onMoved(change, outcome.status);
  }

  return {
    job,
    log,
    signal,
    state,
    apiKey,
    get stopped() {
      return stopped;
    },
    get cancelRequested() {
      return cancelSeenAt !== undefined;
    },
    get previewed() {
      return previewed;
    },
    get submission() {
      return submission;
    },
    restartClock() {
      if (!signal.aborted) timeout.refresh();
    },
    move,
    async submit(next) {
      const isWritten = submitted && submission === null && isDeepStrictEqual(job.submission, next);
      if (!isWritten) await move({ move: 'submit', submission: next });
      submission = next;
    },
    async confirm(trustMs = 0) {
      if (performance.now() - writtenAt > trustMs) await lookAtLease();
      signal.throwIfAborted();
    },
    [Symbol.dispose]() {
      const cutShort = stopped === 'lost' || stopped === 'ended' ? stopped : 'error';
      metrics?.attemptEnded(result ?? cutShort);
      clearTimeout(timeout);
      clearTimeout(nextLook);
      delivery.removeEventListener('abort', onLockLost);
      handover.removeEventListener('abort', onHandover);
      control.abort(new Stopped('lost'));
    },
  };
}
