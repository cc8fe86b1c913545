import type { Redis } from 'ioredis';
import * as z from 'zod';
import { type Job, jobStatuses } from '../../core/job.ts';
import { pageOfIndexes } from '../../redis/index-page.ts';
import type { Keys } from '../../redis/keys.ts';
import { results } from '../../redis/pipeline.ts';
import type { JobPageQuery } from '../job-store.ts';
import { parseRecord } from '../record.ts';

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

/** As many of the jobs, from the first on, as one page may read. */
export async function fittingPage(redis: Redis, keys: Keys, ids: string[]): Promise<string[]> {
  if (ids.length <= 1) return ids;
  const pipeline = redis.pipeline();
  // The fields of a record that can be large; packed parameters as large as they are when they have been read.
  for (const id of ids) {
    const key = keys.job(id);
    pipeline.hstrlen(key, 'parameters').hstrlen(key, 'artifacts').hget(key, 'unpackedBytes');
  }
  const sizes = (await results(pipeline)).map(Number);
  let bytes = 0;
  const tooMany = ids.findIndex((_, i) => {
    for (const size of sizes.slice(3 * i, 3 * i + 3)) bytes += size;
    return i > 0 && bytes > MAX_PAGE_BYTES;
  });
  return tooMany === -1 ? ids : ids.slice(0, tooMany);
}

/** The jobs of these ids, in their order; those that are gone are left out. */
export async function readJobs(redis: Redis, keys: Keys, ids: readonly string[]): Promise<Job[]> {
  if (ids.length === 0) return [];
  const pipeline = redis.pipeline();
  for (const id of ids) pipeline.hgetall(keys.job(id));
  const records = (await results(pipeline)) as { [name: string]: string }[];
  return records.flatMap((record) => parseRecord(record) ?? []);
}
