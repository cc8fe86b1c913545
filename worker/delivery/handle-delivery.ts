import type { Logger } from 'pino';
import { wait } from '../../src/async/wait.ts';
import { isTerminal, type Job, type Submission } from '../../src/core/job.ts';
import { inSpan } from '../../src/observability/spans.ts';
import type { DeliveryResult } from '../../src/queue/queue.ts';
import { type AttemptOptions, type AttemptParts, beginAttempt } from '../attempt/attempt.ts';
import { createAttemptState, type LivePrompt } from '../attempt/attempt-state.ts';
import { JobFailure, jobError, Retry, workerFault } from '../attempt/failures.ts';
import { promptIdOf } from '../comfyui/prompt.ts';
import type { Pool } from '../pool/pool.ts';
import { type Assignment, type AssignParts, assignJob } from './assign-job.ts';
import { attemptSpan, recordLostAttempt } from './attempt-span.ts';
import type { DeferredJobs } from './deferred-jobs.ts';
import type { DeliverySignals } from './fetch-inputs.ts';
import { type FinishParts, finishAttempt } from './finish-attempt.ts';
import type { Fitness } from './fitness.ts';
import { type RunJobParts, runJob } from './run-job.ts';

/** What all deliveries of a worker share. */
export interface DeliveryParts extends AssignParts, AttemptParts, RunJobParts, FinishParts {
  deferredJobs: DeferredJobs;
  fitness: Fitness;
  /** The installation's key for partner nodes; null: it has none. */
  orgApiKey: string | null;
  /** Opens the key that a job brings; null: it was sealed with another secret. */
  openApiKey(sealed: string, jobId: string): string | null;
  log: Logger;
}

const DONE: DeliveryResult = { done: true };
/** After an unexpected error: soon, but not in a tight loop. */
const UNEXPECTED_ERROR_DELAY_MS = 5_000;
/** What an unfit worker was just given goes back, to one that is well. */
const UNFIT_DELAY_MS = 1_000;
/** While no server has a free slot, deliveries are taken no faster than this. */
const NO_SLOT_PAUSE_MS = 250;

/**
 * What becomes of one delivery of a ticket. A job that no server can take now stays as it is: it is not even claimed,
 * and other jobs are tried meanwhile. Never rejects.
 */
export async function handleDelivery(
  ticket: string,
  signals: DeliverySignals,
  parts: DeliveryParts,
): Promise<DeliveryResult> {
  if (signals.handover.aborted) return { done: false, delayMs: 0 };
  if (parts.fitness.unfit !== null) return { done: false, delayMs: UNFIT_DELAY_MS };
  const { store, pool, reaper, metrics } = parts;
  let delivered: Pick<Job, 'id' | 'requestId'> | null = null;
  try {
    const picked = await store.pick(ticket);
    if (!picked) return DONE;
    const { job: before, sealedApiKey } = picked;
    delivered = before;
    const jobId = before.id;
    const assignment = await assignJob(before, signals, parts);
    if (assignment.outcome === 'wait') {
      return await defer(before, ticket, assignment.servers, signals.handover, parts);
    }
    if (assignment.outcome === 'later') {
      if (signals.delivery.aborted) return DONE;
      await store.park(jobId);
      return { done: false, delayMs: assignment.delayMs };
    }
    await using _inputs = assignment.outcome === 'run' ? assignment.inputs : null;
    using state = createAttemptState(assignment.outcome === 'run' ? assignment.slot : null);

    const apiKey = sealedApiKey === null ? parts.orgApiKey : parts.openApiKey(sealedApiKey, jobId);
    const isKeyOpen = sealedApiKey === null || apiKey !== null;
    const claimedAt = performance.now();
    const claim = await store.claim(jobId, isKeyOpen ? firstSubmission(before, assignment, parts) : null);
    if (claim.outcome === 'gone') return DONE;
    const { job } = claim;
    const submitted = claim.outcome === 'claimed' && claim.submitted;
    const prompt = submitted ? null : recordedPrompt(job, pool);
    if (claim.outcome === 'ended') {
      if (claim.now && isTerminal(job.status)) metrics?.jobEnded(job, job.status, '', null);
      if (prompt && job.status !== 'SUCCEEDED') await reaper.cancel(prompt.backend, prompt.promptId, job.id);
      return DONE;
    }
    state.claimed(prompt);
    metrics?.jobClaimed(job);
    if (job.takeovers > before.takeovers) recordLostAttempt(before);
    const claimed = { job, claimedAt, submitted, state, apiKey, ...signals };
    return await makeAttempt(claimed, isKeyOpen, assignment, parts);
  } catch (cause) {
    const fault = workerFault(cause);
    if (fault !== null) parts.fitness.suspect(fault);
    parts.log.error(
      { ticket, jobId: delivered?.id, requestId: delivered?.requestId, err: cause },
      'delivery not handled',
    );
    return { done: false, delayMs: UNEXPECTED_ERROR_DELAY_MS };
  }
}

/** Puts a job back that no server can take now. */
async function defer(
  { id, order, requestId }: Job,
  ticket: string,
  servers: string[],
  handover: AbortSignal,
  { store, pool, deferredJobs, log }: DeliveryParts,
): Promise<DeliveryResult> {
  if (pool.freeSlots === 0) await wait(NO_SLOT_PAUSE_MS, handover).catch(() => undefined);
  await store.park(id);
  const delayMs = deferredJobs.defer({ id, order, ticket }, servers);
  log.debug({ jobId: id, requestId, delayMs }, 'no server for this job now');
  return { done: false, delayMs };
}

/** One claim of a job, to its end or back into the queue. */
function makeAttempt(
  claimed: Omit<AttemptOptions, 'log'>,
  isKeyOpen: boolean,
  assignment: Exclude<Assignment, { outcome: 'wait' | 'later' }>,
  parts: DeliveryParts,
): Promise<DeliveryResult> {
  const { job } = claimed;
  const backend = assignment.outcome === 'run' ? assignment.slot.backend.name : undefined;
  const log = parts.log.child({ jobId: job.id, requestId: job.requestId, attempt: job.attempts, backend });
  return inSpan('process job', attemptSpan(job, backend), async () => {
    using attempt = beginAttempt({ ...claimed, log }, parts);
    try {
      if (!isKeyOpen) throw unopened(log);
      if (assignment.outcome === 'fail') throw new JobFailure(assignment.error, { cause: assignment.cause });
      if (assignment.outcome === 'claim') throw new Retry('no server', { counts: false });
      await runJob(attempt, assignment.plan, assignment.inputs, parts);
      return DONE;
    } catch (cause) {
      return await finishAttempt(attempt, cause, parts);
    }
  });
}

/** Another secret than the gateway's, so that the other workers may have the right one. */
function unopened(log: Logger): JobFailure {
  log.error("a job's key cannot be opened: give gateways and workers the same SIGNING_SECRET");
  return new JobFailure(jobError('INTERNAL', "The job's comfyOrgApiKey could not be read by its worker"));
}

/**
 * What the claim writes down besides, to save a write that the disk is waited for: the first prompt of a job, unless
 * its input files are sent to the server before it is posted.
 */
function firstSubmission(before: Job, assignment: Assignment, { workerId }: DeliveryParts): Submission | null {
  if (assignment.outcome !== 'run' || assignment.plan.files.length > 0 || before.submission) return null;
  return { number: 1, backend: assignment.slot.backend.name, client: workerId };
}

/** The prompt that the record names, where it is at a server of this worker. */
function recordedPrompt({ id, submission }: Job, pool: Pool): LivePrompt | null {
  const backend = submission && pool.get(submission.backend);
  return backend ? { backend, promptId: promptIdOf(id, submission.number) } : null;
}
