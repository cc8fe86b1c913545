import type { Redis } from 'ioredis';
import { jobStatuses } from '../core/job.ts';
import type { JobPageQuery } from './job-store.ts';
import type { Keys } from './keys.ts';
import { results } from './pipeline.ts';

/**
 * What one page reads at most, a first job of any size apart. A graph of a caller's own may take a megabyte: a hundred of them
 * at once would hold up everyone's commands on the connection, and none would be answered in time.
 */
const MAX_PAGE_BYTES = 4_000_000;

/** The fields of a record that can be large. */
const LARGE_FIELDS = ['parameters', 'artifacts'] as const;

/**
 * The next ids by creation, newest first, one more than `first` where there are more. Each index is read from the cursor's
 * score on; ids of that very millisecond that were already given are left out, and made up for by reading further.
 */
export async function pageOfIds(
  redis: Redis,
  keys: Keys,
  query: JobPageQuery,
): Promise<{ id: string; createdAt: number }[]> {
  const { after } = query;
  const statuses = query.status ?? [];
  const indexes =
    query.status === null
      ? [keys.jobs(query.caller)]
      : jobStatuses.filter((status) => statuses.includes(status)).map((status) => keys.jobs(query.caller, status));
  const newest = Math.min(
    after?.createdAt ?? Number.POSITIVE_INFINITY,
    query.createdBefore ?? Number.POSITIVE_INFINITY,
  );
  const max = Number.isFinite(newest) ? String(newest) : '+inf';
  const min = query.createdAfter === null ? '-inf' : String(query.createdAfter);
  const wanted = query.first + 1;

  for (let count = wanted + 16; ; count *= 2) {
    const pipeline = redis.pipeline();
    for (const index of indexes) pipeline.zrange(index, max, min, 'BYSCORE', 'REV', 'LIMIT', 0, count, 'WITHSCORES');
    const pages = ((await results(pipeline)) as string[][]).map((flat) => ({
      cut: flat.length === count * 2,
      found: flat
        .flatMap((id, i) => (i % 2 === 0 ? [{ id, createdAt: Number(flat[i + 1]) }] : []))
        .filter(({ id, createdAt }) => !after || createdAt < after.createdAt || id < after.id),
    }));
    // The next ones over all indexes are among the next ones of each.
    if (pages.some(({ cut, found }) => cut && found.length < wanted)) continue;
    return pages
      .flatMap(({ found }) => found)
      .sort((a, b) => b.createdAt - a.createdAt || (a.id < b.id ? 1 : -1))
      .slice(0, wanted);
  }
}

/** As many of the jobs, from the first on, as one page may read. */
export async function fittingPage(redis: Redis, keys: Keys, ids: string[]): Promise<string[]> {
  if (ids.length <= 1) return ids;
  const pipeline = redis.pipeline();
  for (const id of ids) for (const field of LARGE_FIELDS) pipeline.hstrlen(keys.job(id), field);
  const sizes = (await results(pipeline)).map(Number);
  let bytes = 0;
  const tooMany = ids.findIndex((_, i) => {
    const first = i * LARGE_FIELDS.length;
    for (const size of sizes.slice(first, first + LARGE_FIELDS.length)) bytes += size;
    return i > 0 && bytes > MAX_PAGE_BYTES;
  });
  return tooMany === -1 ? ids : ids.slice(0, tooMany);
}
