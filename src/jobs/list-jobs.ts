import * as z from 'zod';
import { badInput } from '../core/errors.ts';
import type { Job } from '../core/job.ts';
import type { GatewayJobStore, JobPageQuery } from '../job-record/job-store.ts';
import type { JobPage, ListRequest } from './jobs.ts';

/** Pages that one call looks through at most where a filter leaves much out. */
const MAX_PAGES = 5;

type Place = NonNullable<JobPageQuery['after']>;

const cursorSchema = z
  .string()
  .max(100)
  .transform((text) => Buffer.from(text, 'base64url').toString())
  .pipe(z.string().regex(/^\d{1,16}:[0-9a-f-]{36}$/));

const formatCursor = ({ createdAt, id }: Place) => Buffer.from(`${createdAt}:${id}`).toString('base64url');

function parseCursor(text: string): Place {
  const parsed = cursorSchema.safeParse(text);
  if (!parsed.success) {
    throw badInput([{ path: ['after'], message: 'expected a cursor of an earlier page', code: 'invalid_cursor' }]);
  }
  const [createdAt, id] = parsed.data.split(':');
  return { createdAt: Number(createdAt), id: id ?? '' };
}

/** `jobs` of a caller: the store filters by status and time, the rest is filtered here. */
export function createListJobs(store: Pick<GatewayJobStore, 'page'>) {
  return async ({ caller, first, after, filter }: ListRequest): Promise<JobPage> => {
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
      // Nothing there, or cut short since its jobs are large: the caller may read on.
      if (read.jobs.length < first) break;
    }
    return { edges, hasNextPage: more, endCursor: cursor && formatCursor(cursor) };
  };
}
