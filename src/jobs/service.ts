import * as z from 'zod';
import type { ArtifactStore } from '../artifacts/artifact-store.ts';
import { jobPrefix } from '../artifacts/keys.ts';
import { badInput, GatewayError, notFound, unavailable } from '../core/errors.ts';
import { isTerminal, type Job } from '../core/job.ts';
import { type Audit, noAudit } from '../observability/audit.ts';
import type { JobQueue } from '../queue/queue.ts';
import { isRedisDown } from '../redis/is-down.ts';
import { type AcceptOptions, createAccept } from './accept-job.ts';
import { createJobAudit } from './audited.ts';
import { createGenerate, type GenerateOptions } from './generate.ts';
import type { GenerateRequest, Jobs, ListRequest } from './jobs.ts';
import { createRetry } from './retry.ts';

export interface JobsOptions extends Omit<GenerateOptions, 'accept'>, AcceptOptions {
  artifacts: Pick<ArtifactStore, 'removePrefix'>;
  /** Told why a call was answered UNAVAILABLE. */
  onRedisDown: (error: unknown) => void;
  /** Who did what. Default: nobody wants to know. */
  audit?: Audit;
}

/** Pages that one `jobs` call looks through at most where a filter leaves much out. */
const MAX_PAGES = 5;
const REMOVE_TIMEOUT_MS = 10_000;

const cursorSchema = z
  .string()
  .max(100)
  .transform((text) => Buffer.from(text, 'base64url').toString())
  .pipe(z.string().regex(/^\d{1,16}:[0-9a-f-]{36}$/));

const formatCursor = ({ createdAt, id }: Job) => Buffer.from(`${createdAt}:${id}`).toString('base64url');

function parseCursor(text: string): { createdAt: number; id: string } {
  const parsed = cursorSchema.safeParse(text);
  if (!parsed.success) {
    throw badInput([{ path: ['after'], message: 'expected a cursor of an earlier page', code: 'invalid_cursor' }]);
  }
  const [createdAt, id] = parsed.data.split(':');
  return { createdAt: Number(createdAt), id: id ?? '' };
}

/** What callers may do with jobs, on the record and the queue. */
export function createJobs(options: JobsOptions): Jobs {
  const { store, queue, artifacts, waits } = options;
  const audited = createJobAudit(options.audit ?? noAudit);
  const accept = audited.acceptance(createAccept(options));
  const generate = createGenerate({ ...options, accept });
  const retry = createRetry({ ...options, accept });
  const positions = batchPositions(queue);

  async function own(caller: string, id: string): Promise<Job | null> {
    const job = await store.get(id);
    return job?.caller === caller ? job : null;
  }

  async function get(caller: string, id: string, wait?: Pick<GenerateRequest, 'waitSeconds' | 'signal'>) {
    if (!wait) return own(caller, id);
    try {
      return (await waits.hold({ ...wait, caller }, async () => ({ job: await own(caller, id) }))).job;
    } catch (error) {
      // Removed while it was waited for.
      if (error instanceof GatewayError && error.details.code === 'NOT_FOUND') return null;
      throw error;
    }
  }

  async function list({ caller, first, after, filter }: ListRequest) {
    if (first < 1 || first > 100) {
      throw badInput([{ path: ['first'], message: `expected 1 to 100, got ${first}`, code: 'out_of_range' }]);
    }
    let cursor = after === null ? null : parseCursor(after);
    const edges: { cursor: string; job: Job }[] = [];
    let more = true;
    for (let page = 0; more && edges.length < first && page < MAX_PAGES; page++) {
      const { status, createdAfter, createdBefore } = filter;
      const read = await store.page({ caller, first, after: cursor, status, createdAfter, createdBefore });
      more = read.more;
      for (const job of read.jobs) {
        if (edges.length === first) {
          more = true;
          break;
        }
        cursor = { createdAt: job.createdAt, id: job.id };
        if (filter.workflow !== null && job.workflow !== filter.workflow) continue;
        if (filter.tag !== null && !job.tags.includes(filter.tag)) continue;
        edges.push({ cursor: formatCursor(job), job });
      }
      // Nothing there, or cut short since its jobs are large: the caller may ask for the rest.
      if (read.jobs.length < first) break;
    }
    const endCursor = cursor ? Buffer.from(`${cursor.createdAt}:${cursor.id}`).toString('base64url') : null;
    return { edges, hasNextPage: more, endCursor };
  }

  async function cancel(caller: string, id: string): Promise<Job> {
    if (!(await own(caller, id))) throw notFound('job');
    const job = await store.requestCancel(id);
    if (!job) throw notFound('job');
    // Only tidying: a delivery of a job that has ended is dropped.
    if (job.status === 'CANCELED') await queue.remove(id).catch(() => undefined);
    return job;
  }

  async function remove(caller: string, id: string): Promise<void> {
    const job = await own(caller, id);
    if (!job) throw notFound('job');
    if (!isTerminal(job.status)) {
      throw new GatewayError(`the job is ${job.status}: cancel it first, or wait for its end`, { code: 'CONFLICT' });
    }
    try {
      await artifacts.removePrefix(jobPrefix(id), { signal: AbortSignal.timeout(REMOVE_TIMEOUT_MS) });
    } catch (error) {
      throw unavailable('the artifact storage cannot be reached', 10, error);
    }
    await store.remove(id);
  }

  const guarded =
    <Args extends unknown[], Result>(call: (...args: Args) => Promise<Result>) =>
    async (...args: Args): Promise<Result> => {
      try {
        return await call(...args);
      } catch (error) {
        if (!isRedisDown(error)) throw error;
        options.onRedisDown(error);
        throw unavailable('Redis cannot be reached', 2, error);
      }
    };

  const guardedCalls = {
    generate: guarded(generate),
    retry: guarded(retry),
    cancel: guarded(cancel),
    remove: guarded(remove),
  };

  return {
    generate(request) {
      const { caller, requestId, address, workflow } = request;
      const asked = { caller, requestId, address, workflow: workflow.name };
      return audited.making('generate', asked, () => guardedCalls.generate(request));
    },
    retry(request) {
      const { caller, requestId, address, id } = request;
      return audited.making('retry', { caller, requestId, address, retryOf: id }, () => guardedCalls.retry(request));
    },
    get: guarded(get),
    list: guarded(list),
    cancel: (caller, id, requestId, address) =>
      audited.changing('cancel', { caller, requestId, address, jobId: id }, () => guardedCalls.cancel(caller, id)),
    remove: (caller, id, requestId, address) =>
      audited.changing('delete', { caller, requestId, address, jobId: id }, () => guardedCalls.remove(caller, id)),
    queuePosition: guarded(async (job) => (job.status === 'QUEUED' ? positions(job.id) : null)),
  };
}

/** Collects the ids of one tick into one round trip. */
function batchPositions(queue: JobQueue): (id: string) => Promise<number | null> {
  let batch: { ids: string[]; answer: Promise<Map<string, number | null>> } | null = null;
  return async (id) => {
    if (!batch) {
      const ids: string[] = [];
      const answer = Promise.resolve().then(async () => {
        batch = null;
        const found = await queue.positions(ids);
        return new Map(ids.map((each, i) => [each, found[i] ?? null]));
      });
      batch = { ids, answer };
    }
    batch.ids.push(id);
    return (await batch.answer).get(id) ?? null;
  };
}
