import { badInput, GatewayError } from '../core/errors.ts';
import type { LoggedEvent } from '../core/events.ts';
import type { Job } from '../core/job.ts';
import type { FailedJob, FailedJobCursor, FailedJobIndex, FailedJobQuery } from '../job-record/failed-jobs.ts';
import type { JobHandover } from '../job-record/job-handover.ts';
import { type AcceptOptions, AlreadyRetriedError, createAccept, createFindIssues } from './accept-job.ts';
import { type AssignOptions, type AssignRequest, type AssignResult, createAssignJobs } from './assign-jobs.ts';
import { createAcceptRetry, createPrepareRetry, type RetryOptions, retryFingerprint } from './retry.ts';

/**
 * What became of one job of a bulk. `retry`: the job that runs it again; null where its caller has made that meanwhile.
 * `would-retry` is all that a dry run does.
 */
export type RetryResult =
  | { id: string; outcome: 'retried'; retry: string }
  | { id: string; outcome: 'already-retried'; retry: string | null }
  | { id: string; outcome: 'would-retry' }
  | { id: string; outcome: 'refused'; reason: string };

export interface ShownJob {
  job: Job;
  /** Null when the log does not reach back to the first one. */
  events: LoggedEvent[] | null;
  /** The job that runs it again on an operator's behalf. */
  retriedAs: string | null;
}

/** What an operator does with the jobs of all callers. */
export interface JobOperator {
  /** Milliseconds since 1970 on the clock by which jobs have their times. */
  now(): Promise<number>;
  failed(query: FailedJobQuery, limit: number): AsyncIterable<FailedJob>;
  /** Null when there is no such job. */
  show(id: string): Promise<ShownJob | null>;
  /**
   * Runs FAILED jobs again, for their callers and with their parameters; each one once, however often this is called
   * and wherever it is cut off. Throws UNAVAILABLE where none could be accepted now.
   */
  retry(ids: AsyncIterable<string> | Iterable<string>, options: BulkRetryOptions): AsyncIterable<RetryResult>;
  /** Hands jobs of a caller over to another; see assign-jobs.ts. */
  assign(request: AssignRequest): AsyncIterable<AssignResult>;
}

export interface BulkRetryOptions {
  dryRun: boolean;
  /**
   * The ids are those of `failed`: leave out what its caller has run again since then. Default: whatever its caller has
   * done.
   */
  onlyListed?: boolean;
}

export interface JobOperatorOptions extends AcceptOptions, Pick<RetryOptions, 'deadlineMs' | 'newId'> {
  index: FailedJobIndex;
  handover: JobHandover;
  onAssigned?: AssignOptions['onAssigned'];
  /** Stands in the new jobs as the request that made them. */
  requestId: string;
  /** Called with the reason why a job is not run again, but not in a dry run. */
  onRefused?: (id: string, error: unknown) => void;
}

const PAGE = 100;
/** Jobs that are accepted at a time: each may bring a graph of a megabyte. */
const BATCH = 20;

/** No caller's key holds a control character: see generate-arguments.ts. */
const keyOf = (id: string) => `\u0000retry:${id}`;

export function createJobOperator(options: JobOperatorOptions): JobOperator {
  const { index, store, requestId } = options;
  // The template that the record names is read from Redis, whatever is installed where the operator sits.
  const catalogue = { get: () => undefined };
  const acceptRetry = createAcceptRetry({ ...options, catalogue, accept: createAccept(options) });
  const prepareRetry = createPrepareRetry({ ...options, catalogue });
  const findIssues = createFindIssues(options.checks);

  const madeOf = (id: string, caller: string) =>
    store.madeBy({ caller, idempotencyKey: keyOf(id), fingerprint: retryFingerprint(id) });

  /** Throws why it is not run again. */
  async function tryOne(id: string, { dryRun, onlyListed = false }: BulkRetryOptions): Promise<RetryResult> {
    const job = await store.get(id);
    if (!job) {
      throw new GatewayError('there is no such job: it was deleted, or has expired', { code: 'NOT_FOUND' });
    }
    if (job.status !== 'FAILED') throw new GatewayError(`the job is ${job.status}, not FAILED`, { code: 'CONFLICT' });
    const { caller } = job;
    const made = await madeOf(id, caller);
    if (made?.outcome === 'deleted') {
      throw new GatewayError('it was run again before, and that job was deleted', { code: 'CONFLICT' });
    }
    const call = {
      caller,
      idempotencyKey: keyOf(id),
      // Longer than the failed job can still be found and run again.
      keyLifeMs: (job.expiresAt ?? 0) - (job.finishedAt ?? 0),
      requestId,
      client: null,
      onlyListed,
    };
    if (dryRun) {
      if (made && 'job' in made) return { id, outcome: 'already-retried', retry: made.job.id };
      const prepared = await prepareRetry(id, job, call);
      if (prepared instanceof GatewayError) throw prepared;
      const issues = await findIssues(prepared, ['id']);
      if (issues.length > 0) throw badInput(issues);
      return { id, outcome: 'would-retry' };
    }
    const accepted = await acceptRetry({ id, found: job }, call);
    return { id, outcome: accepted.replayed ? 'already-retried' : 'retried', retry: accepted.job.id };
  }

  async function retryOne(id: string, how: BulkRetryOptions): Promise<RetryResult> {
    try {
      return await tryOne(id, how);
    } catch (error) {
      if (error instanceof AlreadyRetriedError) return { id, outcome: 'already-retried', retry: null };
      if (!how.dryRun) options.onRefused?.(id, error);
      if (!(error instanceof GatewayError) || error.details.code === 'UNAVAILABLE') throw error;
      return { id, outcome: 'refused', reason: error.message };
    }
  }

  /** All results there are come before what broke it off: the jobs run again are listed nowhere any more. */
  async function* retryAll(ids: string[], how: BulkRetryOptions): AsyncIterable<RetryResult> {
    const settled = await Promise.allSettled(ids.map((id) => retryOne(id, how)));
    for (const each of settled) if (each.status === 'fulfilled') yield each.value;
    for (const each of settled) if (each.status === 'rejected') throw each.reason;
  }

  return {
    now: () => index.now(),

    async *failed(query, limit) {
      let after: FailedJobCursor | null = null;
      for (let left = limit; left > 0; ) {
        const page: Awaited<ReturnType<FailedJobIndex['page']>> = await index.page({
          ...query,
          first: Math.min(PAGE, left),
          after,
        });
        yield* page.jobs;
        left -= page.jobs.length;
        if (page.next === null) return;
        after = page.next;
      }
    },

    async show(id) {
      const found = await index.read(id);
      if (!found) return null;
      const made = await madeOf(id, found.job.caller);
      const retriedAs = made && ('job' in made ? made.job.id : made.jobId);
      return { ...found, retriedAs };
    },

    assign: createAssignJobs(options),

    async *retry(ids, how) {
      let batch: string[] = [];
      for await (const id of ids) {
        batch.push(id);
        if (batch.length < BATCH) continue;
        yield* retryAll(batch, how);
        batch = [];
      }
      yield* retryAll(batch, how);
    },
  };
}
