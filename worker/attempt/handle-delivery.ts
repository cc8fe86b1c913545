import { wait } from '../../src/async/sleep.ts';
import { isTerminal, type Job } from '../../src/core/job.ts';
import type { Plan } from '../../src/core/plan.ts';
import { inSpan } from '../../src/observability/spans.ts';
import type { DeliveryResult } from '../../src/queue/queue.ts';
import { promptIdOf } from '../comfyui/prompt.ts';
import type { JobParts } from '../parts.ts';
import type { BackendSlot } from '../pool/backend.ts';
import { type Requirements, requirementsOf } from '../pool/requirements.ts';
import { beginAttempt, type LivePrompt } from './attempt.ts';
import type { Berth } from './attempt-state.ts';
import { JobFailure, Retry } from './failures.ts';
import { finishAttempt } from './finish-attempt.ts';
import { loadPlan } from './load-plan.ts';
import { runJob } from './run-job.ts';
import { attemptSpan, tellLostAttempt } from './spans.ts';
import { whyImpossible } from './unrunnable.ts';

const DONE: DeliveryResult = { done: true };
/** After something that nobody foresaw: soon, but not in a tight loop. */
const SURPRISE_DELAY_MS = 5_000;
/** While there is no place for any job, one is looked at so often. */
const LOOK_EVERY_MS = 250;

/**
 * What becomes of one delivery. A job that no server can take now stays as it is: it is not even claimed, and others are looked
 * at meanwhile. Never rejects. `delivery` is aborted when its lock is lost, `handover` when the worker must stop.
 */
export async function handleDelivery(
  jobId: string,
  delivery: AbortSignal,
  handover: AbortSignal,
  parts: JobParts,
): Promise<DeliveryResult> {
  if (handover.aborted) return { done: false, delayMs: 0 };
  let berth: Berth | null = null;
  let requestId: string | undefined;
  try {
    const job = await parts.store.read(jobId);
    if (!job) return DONE;
    requestId = job.requestId;
    let plan = await loadPlan(job, parts.loadTemplate).catch(failureOnly);
    // Without a place: what the claim itself ends, and what cannot be run anywhere.
    if (!(plan instanceof JobFailure) && !isTerminal(job.status) && job.cancelRequestedAt === null) {
      const requirements = requirementsOf(plan, job.failures > 0 ? (job.submission?.backend ?? null) : null);
      const slot = placeFor(job, requirements, parts);
      const servers = slot ? [] : parts.pool.fitting(requirements);
      const impossible = slot || servers.length > 0 ? null : await whyImpossible(plan, parts);
      if (!slot && !impossible) return await defer(job, servers, handover, parts);
      if (slot) berth = { slot };
      else if (impossible) plan = impossible;
    }
    return await run(job, plan, berth, { delivery, handover }, parts);
  } catch (cause) {
    parts.log.error({ jobId, requestId, err: cause }, 'delivery not handled');
    return { done: false, delayMs: SURPRISE_DELAY_MS };
  } finally {
    berth?.slot[Symbol.dispose]();
  }
}

function failureOnly(cause: unknown): JobFailure {
  if (cause instanceof JobFailure) return cause;
  throw cause;
}

/** Where its prompt may be, if this worker reaches that server; otherwise the best that can run it. */
function placeFor({ submission }: Job, requirements: Requirements, { pool }: JobParts): BackendSlot | null {
  const there = submission && pool.takeSlotAt(submission.backend);
  return there ?? pool.takeSlot(requirements);
}

async function defer(
  job: Job,
  servers: string[],
  handover: AbortSignal,
  { pool, deferredJobs, log }: JobParts,
): Promise<DeliveryResult> {
  if (pool.freeSlots === 0) await wait(LOOK_EVERY_MS, handover).catch(() => undefined);
  const delayMs = deferredJobs.defer(job, servers);
  log.debug({ jobId: job.id, requestId: job.requestId, delayMs }, 'no server for this job now');
  return { done: false, delayMs };
}

async function run(
  before: Job,
  plan: Plan | JobFailure,
  berth: Berth | null,
  signals: { delivery: AbortSignal; handover: AbortSignal },
  parts: JobParts,
): Promise<DeliveryResult> {
  const claim = await parts.store.claim(before.id);
  if (claim.outcome === 'gone') return DONE;
  const { job } = claim;
  const prompt = recordedPrompt(job, parts);
  if (claim.outcome === 'ended') {
    if (claim.now && isTerminal(job.status)) parts.metrics?.jobEnded(job, job.status, '', null);
    if (prompt && job.status !== 'SUCCEEDED') await parts.reaper.cancel(prompt.backend, prompt.promptId, job.id);
    return DONE;
  }
  parts.metrics?.jobClaimed(job);
  if (job.takeovers > before.takeovers) tellLostAttempt(before);
  const details = attemptSpan(job, berth?.slot.backend.name);
  return await inSpan('process job', details, () => makeAttempt(job, prompt, plan, berth, signals, parts));
}

/** One claim of a job, to its end or back into the queue. */
async function makeAttempt(
  job: Job,
  prompt: LivePrompt | null,
  plan: Plan | JobFailure,
  berth: Berth | null,
  signals: { delivery: AbortSignal; handover: AbortSignal },
  parts: JobParts,
): Promise<DeliveryResult> {
  const log = parts.log.child({
    jobId: job.id,
    requestId: job.requestId,
    attempt: job.attempts,
    backend: berth?.slot.backend.name,
  });
  using attempt = beginAttempt({ ...parts, ...signals, job, log, prompt });
  try {
    if (plan instanceof JobFailure) throw plan;
    if (!berth) throw new Retry('no server', { counts: false });
    await runJob(attempt, plan, berth, parts);
    return DONE;
  } catch (cause) {
    return await finishAttempt(attempt, cause, parts);
  }
}

function recordedPrompt({ id, submission }: Job, { pool }: JobParts): LivePrompt | null {
  const backend = submission && pool.get(submission.backend);
  return backend ? { backend, promptId: promptIdOf(id, submission.number) } : null;
}
