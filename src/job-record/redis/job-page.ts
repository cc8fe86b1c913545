import type { Redis } from 'ioredis';
import * as z from 'zod';
import { type Job, jobStatuses } from '../../core/job.ts';
import { pageOfIndexes } from '../../redis/index-page.ts';
import type { Keys } from '../../redis/keys.ts';
import { results } from '../../redis/pipeline.ts';
import { loadScript, strings } from '../../redis/scripts.ts';
import type { JobPageQuery } from '../job-store.ts';
import { fieldsOf, parseRecord } from '../record.ts';

const readScript = loadScript(new URL('./read-page.lua', import.meta.url));

/**
 * What one page reads at most, a first job of any size apart. A graph of a caller's own may take a megabyte: a hundred
 * of them at once would hold up everyone's commands on the connection, and none would be answered in time.
 */
const MAX_PAGE_BYTES = 4_000_000;

/** The next ids by creation, newest first, one more than `first` where there are more. */
export async function pageOfIds(redis: Redis, keys: Keys, query: JobPageQuery): Promise<string[]> {
  const { caller, status, after, among } = query;
  if (among) return pageAmong(redis, keys, query, [...among]);
  const indexes =
    status === null
      ? [keys.jobs(caller)]
      : jobStatuses.filter((each) => status.includes(each)).map((each) => keys.jobs(caller, each));
  const entries = await pageOfIndexes(redis, indexes, {
    first: query.first + 1,
    min: query.createdAfter,
    max: query.createdBefore,
    after: after && { id: after.id, at: after.createdAt },
    order: 'newest first',
  });
  return entries.map(({ id }) => id);
}

const summarySchema = z.tuple([z.string(), z.enum(jobStatuses), z.coerce.number()]);

/** The same of a few ids, which no index holds. */
async function pageAmong(redis: Redis, keys: Keys, query: JobPageQuery, among: string[]): Promise<string[]> {
  const { caller, status, after, createdAfter, createdBefore } = query;
  const pipeline = redis.pipeline();
  for (const id of among) pipeline.hmget(keys.job(id), 'caller', 'status', 'createdAt');
  return (await results(pipeline))
    .flatMap((reply, i) => {
      const summary = summarySchema.safeParse(reply);
      if (!summary.success) return [];
      const [owner, state, at] = summary.data;
      return owner === caller && (status === null || status.includes(state)) ? [{ id: among[i] ?? '', at }] : [];
    })
    .filter(({ at }) => at >= (createdAfter ?? 0) && at <= (createdBefore ?? Number.POSITIVE_INFINITY))
    .filter(({ id, at }) => !after || at < after.createdAt || (at === after.createdAt && id < after.id))
    .sort((a, b) => b.at - a.at || (a.id < b.id ? 1 : -1))
    .slice(0, query.first + 1)
    .map(({ id }) => id);
}

/**
 * The jobs of these ids, in their order, as many as one page may read; those that are gone are left out. `read`: of how
 * many ids, from the first on.
 */
export async function readJobs(
  redis: Redis,
  keys: Keys,
  ids: readonly string[],
): Promise<{ jobs: Job[]; read: number }> {
  if (ids.length === 0) return { jobs: [], read: 0 };
  const records = await readScript(
    redis,
    ids.map((id) => keys.job(id)),
    [MAX_PAGE_BYTES],
  );
  if (!Array.isArray(records)) throw new Error('read-page.lua answered something else than a list');
  const jobs = records.flatMap((record) => parseRecord(fieldsOf(strings(record))) ?? []);
  return { jobs, read: records.length };
}
