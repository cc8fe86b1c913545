import type { Logger } from 'pino';
import { wait } from '../../src/async/sleep.ts';
import {
  isTerminal,
  type Job,
  type JobStatus,
  type NodeTiming,
  type Submission,
  type TerminalStatus,
} from '../../src/core/job.ts';
import type { Change, LeaseState, MoveOutcome, WorkerJobStore } from '../../src/job-record/job-store.ts';
import type { ThrottledFault } from '../../src/observability/throttled.ts';
import type { AttemptOutcome, WorkerMetrics } from '../../src/observability/worker-metrics.ts';
import { reasonOf } from '../comfyui/redact.ts';
import type { Backend } from '../pool/backend.ts';
import type { Timings } from '../timings.ts';

/**
 * Why an attempt is stopped from outside. `lost`: the lease is another's, so nothing more may be touched. `ended`: somebody else
 * ended the job (its deadline). `handover`: this worker stops, and another goes on with the same prompt.
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

/** A prompt of the job that may be alive at its server. */
export interface LivePrompt {
  backend: Backend;
  promptId: string;
}

/** One claim of a job: its lease, and everything that may end it early. */
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
  /** Set while a prompt may be alive: it is what a cancel stops. */
  prompt: LivePrompt | null;
  /** What is known of the nodes of the latest prompt; whoever watches it says. */
  timings: () => NodeTiming[];
  /**
   * Writes a change under the lease and gives the status that it led to. Waits out a Redis that is away. Throws Stopped (`lost`
   * or `ended`) when the record does not take it.
   */
  move(change: Change): Promise<JobStatus>;
  /** Looks at the lease now. Rejects with Stopped unless it is held. */
  confirm(): Promise<void>;
}

export interface AttemptOptions {
  store: WorkerJobStore;
  job: Job;
  log: Logger;
  timings: Timings;
  /** Running time of this attempt, in milliseconds. */
  jobTimeoutMs: number;
  /** Aborted when the delivery's lock is lost. */
  delivery: AbortSignal;
  /** Aborted when the worker must stop. */
  handover: AbortSignal;
  /** The prompt that the record names, where it is at a server of this worker. */
  prompt: LivePrompt | null;
  metrics?: WorkerMetrics | undefined;
  /** Told of each look at a lease that failed. */
  unconfirmed: ThrottledFault;
}

/** What a move that was carried out makes of the attempt; a job whose cancel was asked for ends by whichever move comes. */
const OUTCOMES: Record<TerminalStatus, AttemptOutcome> = {
  SUCCEEDED: 'succeeded',
  FAILED: 'failed',
  CANCELED: 'canceled',
};

const ENDS: Partial<Record<Change['move'], JobStatus>> = { succeed: 'SUCCEEDED', fail: 'FAILED', cancel: 'CANCELED' };

const MOVE_BACKOFF_MS = { first: 100, most: 2_000 };

export function beginAttempt(options: AttemptOptions): Attempt {
  const { store, job, log, timings, delivery, handover, metrics, unconfirmed } = options;
  const beganAt = performance.now();
  const control = new AbortController();
  const { signal } = control;
  let submission = job.submission;
  let prompt = options.prompt;
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
  function moved(change: Change, status: JobStatus): JobStatus {
    if (change.move === 'retry' && status === 'QUEUED') result = change.counts ? 'retried' : 'put_back';
    if (!isTerminal(status)) return status;
    result = OUTCOMES[status];
    const code = status === 'FAILED' && change.move === 'fail' ? change.error.code : '';
    metrics?.jobEnded(job, status, code, (performance.now() - beganAt) / 1000);
    return status;
  }

  /** The lease has just been confirmed, so a prompt may be touched. */
  function obeyCancel() {
    cancelSeenAt ??= performance.now();
    if (!prompt || performance.now() - cancelSeenAt >= timings.cancelGrace) return stop('canceled');
    // Said again with each look: an interrupt between two nodes' checks is lost at times.
    const { backend, promptId } = prompt;
    backend.client.cancel(promptId, signal).catch((cause) => {
      if (!signal.aborted) log.debug({ reason: reasonOf(cause) }, 'cancel failed');
    });
  }

  async function lookAtLease() {
    try {
      obey(await store.lease(job.id, job.lease));
      unconfirmed.over();
    } catch (cause) {
      unconfirmed(cause, { jobId: job.id, requestId: job.requestId });
    }
    if (!signal.aborted) nextLook = setTimeout(lookAtLease, timings.lease);
  }

  function obey(lease: LeaseState) {
    if (signal.aborted) return;
    previewed = lease.state === 'held' && lease.previews;
    if (lease.state !== 'held') stop(lease.state);
    else if (lease.cancelRequested) obeyCancel();
  }

  // At once, too: previews may be watched already.
  void lookAtLease();
  const timeout = setTimeout(stop, options.jobTimeoutMs, 'timeout');
  const onLockLost = () => stop('lost');
  const onHandover = () => stop('handover');
  delivery.addEventListener('abort', onLockLost);
  handover.addEventListener('abort', onHandover);
  if (delivery.aborted) onLockLost();
  else if (handover.aborted) onHandover();

  return {
    job,
    log,
    signal,
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
    get prompt() {
      return prompt;
    },
    set prompt(live) {
      prompt = live;
    },
    timings: () => [],
    async move(change) {
      const outcome = await writeOnceAnswered(options, change);
      if (outcome.outcome === 'ended' && wasCarriedOut(change, outcome)) return moved(change, outcome.status);
      if (outcome.outcome !== 'done') {
        stop(outcome.outcome);
        throw new Stopped(outcome.outcome);
      }
      if (change.move === 'submit') submission = change.submission;
      if (outcome.cancelRequested && outcome.status === 'RUNNING' && cancelSeenAt === undefined) obeyCancel();
      return moved(change, outcome.status);
    },
    async confirm() {
      obey(await store.lease(job.id, job.lease));
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

/**
 * Whether this very move has ended the job: its answer was lost with a connection, and it was sent again. A job that FAILED may
 * have passed its deadline instead, which has an error of its own.
 */
function wasCarriedOut(change: Change, { status, error }: Extract<MoveOutcome, { outcome: 'ended' }>): boolean {
  if (status !== ENDS[change.move]) return false;
  return change.move !== 'fail' || (error?.code === change.error.code && error.message === change.error.message);
}

/** Redis may be away or full for a while: what happened is written when it is back, unless the job is another's by then. */
async function writeOnceAnswered({ store, job, log, delivery }: AttemptOptions, change: Change) {
  for (let tries = 0; ; tries++) {
    try {
      return await store.move(job.id, job.lease, change);
    } catch (cause) {
      // There will be newer progress by then.
      if (change.move === 'progress') throw cause;
      if (tries === 0) log.warn({ err: cause, move: change.move }, 'move not written yet');
      await wait(Math.min(MOVE_BACKOFF_MS.most, MOVE_BACKOFF_MS.first * 2 ** tries), delivery);
    }
  }
}
