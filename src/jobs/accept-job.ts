import { badInput, GatewayError, type InputIssue, unavailable } from '../core/errors.ts';
import type { Job } from '../core/job.ts';
import { type JobLimits, type LimitName, limitError, type OnLimits } from '../core/limits.ts';
import { type Plan, planOf } from '../core/plan.ts';
import { parseTemplate, type Template } from '../core/template.ts';
import type { AcceptOutcome, GatewayJobStore, JobKey, NewJob } from '../job-record/job-store.ts';
import { inSpan, traceparent } from '../observability/spans.ts';
import type { JobQueue } from '../queue/queue.ts';
import type { EstimateGpu } from './estimate-gpu.ts';

/**
 * Compares a job with what is outside of it and changes: what the servers have, which files were uploaded. `path` leads
 * the paths of the issues.
 */
export type JobCheck = (job: NewJob, plan: Plan, path: readonly (string | number)[]) => Promise<InputIssue[]>;

export interface AcceptOptions {
  store: GatewayJobStore;
  queue: JobQueue;
  /** All are made, and what they find is answered together. */
  checks: readonly JobCheck[];
  /** What a job is likely to take. Default: none of its callers has limits. */
  estimateGpu?: EstimateGpu;
  /** Called for each job that record and queue hold. */
  onAccepted?: (job: Job, replayed: boolean) => void;
  /** Called for each call that its caller's limits refuse, with the name of the limit. */
  onLimited?: (name: LimitName) => void;
  /** Called with what a job is likely to take that is accepted and counted. */
  onReserved?: (gpuMs: number) => void;
}

export interface Accepted {
  job: Job;
  replayed: boolean;
}

/**
 * `path` leads the paths of the issues that are found in it. `onLimits` is called where the caller has limits, unless
 * its key has made the job before.
 */
export type AcceptJob = (
  job: NewJob,
  path: readonly (string | number)[],
  onLimits?: OnLimits | undefined,
) => Promise<Accepted>;

/**
 * Somebody has run the job again meanwhile, and it was to be run again only where nobody has: see `NewJob.onlyListed`.
 */
export class AlreadyRetriedError extends Error {
  override readonly name = 'AlreadyRetriedError';
}

/** What running a job comes to. */
function createPlanOfJob(): (job: NewJob) => Plan {
  /** Those of the installed workflows are read once. */
  const templates = new WeakMap<object, Template>();

  function templateOf(text: NonNullable<NewJob['template']>): Template {
    const template = templates.get(text) ?? parseTemplate(text.text);
    templates.set(text, template);
    return template;
  }

  return ({ template, parameters }) => planOf(template && templateOf(template), parameters);
}

/** What all `checks` find. */
export function createFindIssues(checks: readonly JobCheck[], planOfJob = createPlanOfJob()) {
  return async (job: NewJob, path: readonly (string | number)[], plan = planOfJob(job)): Promise<InputIssue[]> =>
    (await Promise.all(checks.map((check) => check(job, plan, path)))).flat();
}

/** Accepts a job, or gives back what its key already made. Answers only when record and queue both hold it. */
export function createAccept(options: AcceptOptions): AcceptJob {
  const { store, checks } = options;
  const planOfJob = createPlanOfJob();
  const findIssues = createFindIssues(checks);

  async function accept(job: NewJob, path: readonly (string | number)[], onLimits?: OnLimits): Promise<Accepted> {
    const { limits } = job;
    if (checks.length === 0 && !limits) return settle(options, await store.accept(job));
    const plan = planOfJob(job);
    const issues = await findIssues(job, path, plan);
    if (issues.length > 0) return replay(options, job, badInput(issues), onLimits);
    if (!limits) return settle(options, await store.accept(job));
    if (!options.estimateGpu) throw new Error('a caller has limits, and nothing estimates jobs');
    const gpuMs = options.estimateGpu(job, plan.graph);
    return settle(options, await store.accept({ ...job, gpuMs }), { limits, gpuMs, onLimits });
  }

  return (job, path, onLimits) =>
    inSpan('accept', { attributes: { 'comfygate.workflow': job.workflow } }, async (span) => {
      const accepted = await accept({ ...job, traceparent: traceparent() }, path, onLimits);
      span.set({ 'comfygate.job.id': accepted.job.id, 'comfygate.replayed': accepted.replayed });
      return accepted;
    });
}

/**
 * What the key has already made, when the job would be refused now: whoever repeats a call that was
 * accepted is given its job, whatever has changed since. Throws the refusal where the key is new.
 */
export async function replay(
  options: ReplayOptions,
  { caller, idempotencyKey, fingerprint, limits = null }: JobKey & Pick<NewJob, 'limits'>,
  refusal: GatewayError,
  onLimits?: OnLimits,
): Promise<Accepted> {
  const key = { caller, idempotencyKey, fingerprint };
  const made = await (limits ? options.store.countRequest(caller, limits, key) : options.store.madeBy(key));
  if (!made) throw refusal;
  return settle(options, made, limits ? { limits, gpuMs: 0, onLimits } : null);
}

/** Counts a request that is refused whatever its key has made. Throws where the caller has made too many. */
export async function countRefused(
  options: ReplayOptions,
  { caller, limits }: { caller: string; limits: JobLimits | null },
  onLimits?: OnLimits,
): Promise<void> {
  const made = limits && (await options.store.countRequest(caller, limits, null));
  if (made) await settle(options, made, { limits, gpuMs: 0, onLimits });
}

export type ReplayOptions = Pick<AcceptOptions, 'store' | 'queue' | 'onAccepted' | 'onLimited' | 'onReserved'>;

function tooMany({ jobs, bytes }: Extract<AcceptOutcome, { outcome: 'tooMany' }>): string {
  const taken = `${Math.ceil(bytes / 1e6)} MB`;
  return jobs === 'open'
    ? `your jobs that have not ended take ${taken}, the most that they may: wait until some have ended, or cancel some`
    : `your jobs take ${taken}, and there is no room for more: delete some that have ended, or wait until they expire`;
}

async function settle(
  { queue, onAccepted, onLimited, onReserved }: ReplayOptions,
  accepted: AcceptOutcome,
  counted: { limits: JobLimits; gpuMs: number; onLimits: OnLimits | undefined } | null = null,
): Promise<Accepted> {
  if (counted && 'left' in accepted && accepted.left) {
    const gpuMs = accepted.outcome === 'created' ? counted.gpuMs : 0;
    if (gpuMs > 0) onReserved?.(gpuMs);
    counted.onLimits?.({ gpuMs, left: accepted.left });
  }
  switch (accepted.outcome) {
    case 'limited':
      onLimited?.(accepted.limited.name);
      if (!counted) throw new Error('a call without limits was refused by one');
      throw limitError(accepted.limited, counted.limits, counted.gpuMs);
    case 'reused':
      throw new GatewayError(
        `this idempotencyKey was used with another input, for job ${accepted.jobId}: ` +
          'send that input again or take a new key',
        { code: 'IDEMPOTENCY_KEY_REUSED', jobId: accepted.jobId },
      );
    case 'deleted':
      throw new GatewayError('the job that this idempotencyKey made was deleted; take a new key', {
        code: 'NOT_FOUND',
      });
    case 'unlisted':
      throw new AlreadyRetriedError();
    case 'refused':
      throw unavailable(`no ComfyUI server has been reached for ${Math.round(accepted.unseenMs / 1000)} s`, 30);
    case 'full':
      throw unavailable('Redis has no room for more jobs', 30);
    case 'tooMany':
      throw new GatewayError(tooMany(accepted), { code: 'LIMIT_EXCEEDED' });
  }
  const { job, ticket } = accepted;
  // Also on a replay: whoever made the record may have died before the queue had its ticket.
  if (ticket !== null) {
    const attributes = { 'messaging.operation.type': 'send', 'messaging.message.id': ticket };
    await inSpan('queue', { kind: 'producer', attributes }, () => queue.add(ticket));
  }
  const replayed = accepted.outcome === 'replayed';
  onAccepted?.(job, replayed);
  return { job, replayed };
}
