import * as z from 'zod';
import { maySee } from '../callers/identity.ts';
import { badInput } from '../core/errors.ts';
import type { Job } from '../core/job.ts';
import type { GatewayJobStore, JobPageQuery } from '../job-record/job-store.ts';
import type { Seal } from '../job-record/seal.ts';
import type { JobPage, ListRequest } from './jobs.ts';

/** Pages that one call looks through at most where a filter leaves much out. */
const MAX_PAGES = 5;

type Place = NonNullable<JobPageQuery['after']>;

const cursorSchema = z
  .string()
  .max(200)
  .transform((text) => Buffer.from(text, 'base64url').toString())
  .pipe(z.string().regex(/^\d{1,16}:[0-9a-f-]{36}$/));

const formatPlace = ({ createdAt, id }: Place) => `${createdAt}:${id}`;
const formatCursor = (place: Place) => Buffer.from(formatPlace(place)).toString('base64url');

/** `jobs` of a caller: the store filters by status and time, the rest is filtered here. */
export function createListJobs(store: Pick<GatewayJobStore, 'page'>, seal: Seal) {
  /** So that nothing is said of a job that may not be seen, though the next page begins behind it. */
  const sealed = (place: Place, caller: string) => seal.close(formatPlace(place), caller);

  function parseCursor(text: string, caller: string): Place {
    const opened = seal.open(text, caller);
    const parsed = cursorSchema.safeParse(opened === null ? text : Buffer.from(opened).toString('base64url'));
    if (!parsed.success) {
      throw badInput([{ path: ['after'], message: 'expected a cursor of an earlier page', code: 'invalid_cursor' }]);
    }
    const [createdAt, id] = parsed.data.split(':');
    return { createdAt: Number(createdAt), id: id ?? '' };
  }

  return async ({ identity, first, after, filter }: ListRequest): Promise<JobPage> => {
    if (first < 1 || first > 100) {
      throw badInput([{ path: ['first'], message: `expected 1 to 100, got ${first}`, code: 'out_of_range' }]);
    }
    const { caller, watch } = identity;
    let cursor = after === null ? null : parseCursor(after, caller);
    let isSeen = true;
    const edges: { cursor: string; job: Job }[] = [];
    let more = true;
    for (let page = 0; more && edges.length < first && page < MAX_PAGES; page++) {
      const { status, createdAfter, createdBefore } = filter;
      const among = watch?.jobs;
      const read = await store.page({ caller, among, first, after: cursor, status, createdAfter, createdBefore });
      more = read.more;
      for (const job of read.jobs) {
        if (edges.length === first) {
          more = true;
          break;
        }
        cursor = { createdAt: job.createdAt, id: job.id };
        isSeen = maySee(identity, job);
        if (!isSeen) continue;
        if (filter.workflow !== null && job.workflow !== filter.workflow) continue;
        if (filter.tag !== null && !job.tags.includes(filter.tag)) continue;
        edges.push({ cursor: formatCursor(job), job });
      }
      // Nothing there, or cut short since its jobs are large: the caller may read on.
      if (read.jobs.length < first) break;
    }
    const end = cursor && (isSeen ? formatCursor(cursor) : sealed(cursor, caller));
    return { edges, hasNextPage: more, endCursor: end };
  };
}
