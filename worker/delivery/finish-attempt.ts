import type { Artifact, JobError } from '../../src/core/job.ts';
import { failSpan } from '../../src/observability/spans.ts';
import type { DeliveryResult } from '../../src/queue/queue.ts';
import { type Attempt, Stopped, type StopReason } from '../attempt/attempt.ts';
import { JobFailure, jobError, Retry, retryDelayMs, workerFault } from '../attempt/failures.ts';
import { ComfyError } from '../comfyui/http.ts';
import { reasonOf } from '../comfyui/redact.ts';
import { putBacks } from '../prompt/earlier-prompt.ts';
import type { Reaper } from '../prompt/reaper.ts';
import type { Fitness } from './fitness.ts';

export interface FinishParts {
  reaper: Reaper;
  fitness: Pick<Fitness, 'suspect'>;
  /** Failures of an attempt in the middle of its work until the job is given up. */
  jobAttempts: number;
  /** 0 to 1. */
  random: () => number;
}

const DONE: DeliveryResult = { done: true };
/** Put-backs until a job that no worker's disk has room for is given up. */
const MOST_HANDOVERS = 30;

/**
 * Writes how an attempt that did not succeed ends. What it left at a server is touched only after that has been
 * accepted.
 */
export async function finishAttempt(attempt: Attempt, cause: unknown, parts: FinishParts): Promise<DeliveryResult> {
  try {
    const reason = attempt.stopped ?? (cause instanceof Stopped ? cause.reason : null);
    return reason === null ? await finishFailed(attempt, cause, parts) : await finishStopped(attempt, reason, parts);
  } catch (late) {
    // The lease was lost, or the job ended, before the end could be written.
    if (!(late instanceof Stopped)) throw late;
    return await finishStopped(attempt, late.reason, parts);
  }
}

async function finishStopped(attempt: Attempt, reason: StopReason, parts: FinishParts): Promise<DeliveryResult> {
  attempt.log.info({ reason }, 'attempt stopped');
  failSpan(reason.toUpperCase());
  switch (reason) {
    case 'lost':
      return DONE;
    case 'ended':
      await reap(attempt, parts);
      return DONE;
    case 'canceled':
      await attempt.move({ move: 'cancel' });
      await reap(attempt, parts);
      return DONE;
    case 'timeout':
      return await fail(attempt, jobError('TIMEOUT', 'It ran longer than an attempt may'), parts);
    case 'handover':
      return await putBack(attempt, false, 0, parts);
  }
}

async function finishFailed(attempt: Attempt, thrown: unknown, parts: FinishParts): Promise<DeliveryResult> {
  const { job, log } = attempt;
  const fault = workerFault(thrown);
  if (fault !== null) parts.fitness.suspect(fault);
  const cause = fault === null ? thrown : handover(attempt, fault, thrown, parts);
  if (cause instanceof JobFailure) {
    log.info(
      { code: cause.error.code, nodeId: cause.error.nodeId, reason: cause.cause && reasonOf(cause.cause) },
      'job failed',
    );
    const result = await fail(attempt, cause.error, parts, cause.artifacts);
    await cause.afterwards?.().catch((late) => log.debug({ reason: reasonOf(late) }, 'cleanup failed'));
    return result;
  }
  const foreseen = cause instanceof Retry || cause instanceof ComfyError;
  if (foreseen) log.warn({ reason: cause.message }, 'attempt failed');
  else log.error({ err: cause }, 'attempt failed unexpectedly');

  const counts = !(cause instanceof Retry) || cause.counts;
  if (counts && job.failures + 1 >= parts.jobAttempts) {
    const error = foreseen
      ? jobError('COMFYUI_UNAVAILABLE', 'ComfyUI was lost in each of the attempts')
      : jobError('INTERNAL', 'Something went wrong in the gateway');
    return await fail(attempt, error, parts);
  }
  const delayMs =
    (cause instanceof Retry ? cause.delayMs : null) ?? retryDelayMs(counts ? job.failures : 0, parts.random);
  failSpan('RETRY');
  return await putBack(attempt, counts, delayMs, parts);
}

/** What becomes of a job that met a fault of its worker: another one, or this one once it is well, goes on with it. */
function handover({ job }: Attempt, fault: string, cause: unknown, { random }: FinishParts): JobFailure | Retry {
  const times = putBacks(job);
  if (times < MOST_HANDOVERS) {
    return new Retry(`its worker is at fault: ${fault}`, {
      counts: false,
      delayMs: retryDelayMs(times, random),
      cause,
    });
  }
  return new JobFailure(jobError('STORAGE_FULL', 'No worker had room for the files of this job'), { cause });
}

async function fail(
  attempt: Attempt,
  error: JobError,
  parts: FinishParts,
  artifacts: Artifact[] | null = null,
): Promise<DeliveryResult> {
  failSpan(error.code);
  const { timings } = attempt.state;
  await attempt.move({ move: 'fail', error, ...(artifacts ? { artifacts } : {}), timings });
  await reap(attempt, parts);
  return DONE;
}

/** Puts the job back into the queue with its submission: the next attempt looks for that prompt first. */
async function putBack(
  attempt: Attempt,
  counts: boolean,
  delayMs: number,
  parts: FinishParts,
): Promise<DeliveryResult> {
  try {
    const status = await attempt.move({ move: 'retry', counts });
    if (status === 'QUEUED') return { done: false, delayMs };
    await reap(attempt, parts);
    return DONE;
  } catch (cause) {
    // A move that Redis carried out before its answer was lost is refused when it is sent again: the delivery is still
    // needed.
    if (cause instanceof Stopped && cause.reason === 'lost') return { done: false, delayMs };
    throw cause;
  }
}

/** The job has ended, so nobody wants its prompt any more. */
async function reap({ job, state }: Attempt, { reaper }: FinishParts): Promise<void> {
  const prompt = state.livePrompt;
  if (prompt) await reaper.cancel(prompt.backend, prompt.promptId, job.id);
}
