import { badInput, GatewayError, type InputIssue, unavailable } from '../core/errors.ts';
import type { Job } from '../core/job.ts';
import { type Plan, planOf } from '../core/plan.ts';
import { parseTemplate, type Template } from '../core/template.ts';
import type { AcceptOutcome, GatewayJobStore, NewJob } from '../job-record/job-store.ts';
import { inSpan, traceparent } from '../observability/spans.ts';
import type { JobQueue } from '../queue/queue.ts';

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
  /** Called for each job that record and queue hold. */
  onAccepted?: (job: Job, replayed: boolean) => void;
}

export interface Accepted {
  job: Job;
  replayed: boolean;
}

/** `path` leads the paths of the issues that are found in it. */
export type AcceptJob = (job: NewJob, path: readonly (string | number)[]) => Promise<Accepted>;

/**
 * Somebody has run the job again meanwhile, and it was to be run again only where nobody has: see `NewJob.onlyListed`.
 */
export class AlreadyRetriedError extends Error {
  override readonly name = 'AlreadyRetriedError';
}

/** What all `checks` find. */
export function createFindIssues(checks: readonly JobCheck[]) {
  /** Those of the installed workflows are read once. */
  const templates = new WeakMap<object, Template>();

  function templateOf(text: NonNullable<NewJob['template']>): Template {
    const template = templates.get(text) ?? parseTemplate(text.text);
    templates.set(text, template);
    return template;
  }

  return async (job: NewJob, path: readonly (string | number)[]): Promise<InputIssue[]> => {
    if (checks.length === 0) return [];
    const plan = planOf(job.template && templateOf(job.template), job.parameters);
    return (await Promise.all(checks.map((check) => check(job, plan, path)))).flat();
  };
}

/** Accepts a job, or gives back what its key already made. Answers only when record and queue both hold it. */
export function createAccept(options: AcceptOptions): AcceptJob {
  const { store, checks } = options;
  const findIssues = createFindIssues(checks);

  async function accept(job: NewJob, path: readonly (string | number)[]): Promise<Accepted> {
    const issues = await findIssues(job, path);
    if (issues.length === 0) return settle(options, await store.accept(job));
    return replay(options, job, badInput(issues));
  }

  return (job, path) =>
    inSpan('accept', { attributes: { 'comfygate.workflow': job.workflow } }, async (span) => {
      const accepted = await accept({ ...job, traceparent: traceparent() }, path);
      span.set({ 'comfygate.job.id': accepted.job.id, 'comfygate.replayed': accepted.replayed });
      return accepted;
    });
}

/**
 * What the key has already made, when the job would be refused now: whoever repeats a call that was
 * accepted is given its job, whatever has changed since. Throws the refusal where the key is new.
 */
export async function replay(
  options: Pick<AcceptOptions, 'store' | 'queue' | 'onAccepted'>,
  key: Pick<NewJob, 'caller' | 'idempotencyKey' | 'fingerprint'>,
  refusal: GatewayError,
): Promise<Accepted> {
  const made = await options.store.madeBy(key);
  if (!made) throw refusal;
  return settle(options, made);
}

function tooMany({ jobs, bytes }: Extract<AcceptOutcome, { outcome: 'tooMany' }>): string {
  const taken = `${Math.ceil(bytes / 1e6)} MB`;
  return jobs === 'open'
    ? `your jobs that have not ended take ${taken}, the most that they may: wait until some have ended, or cancel some`
    : `your jobs take ${taken}, and there is no room for more: delete some that have ended, or wait until they expire`;
}

async function settle(
  { queue, onAccepted }: Pick<AcceptOptions, 'queue' | 'onAccepted'>,
  accepted: AcceptOutcome,
): Promise<Accepted> {
  switch (accepted.outcome) {
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
