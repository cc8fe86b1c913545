import type { Redis } from 'ioredis';
import { results } from './pipeline.ts';

/** An id of a sorted index and the time by which it is sorted, in milliseconds. */
export interface IndexEntry {
  id: string;
  at: number;
}

export interface IndexQuery {
  first: number;
  /** Both inclusive; null: no bound. */
  min: number | null;
  max: number | null;
  /** The last entry of the page before. */
  after: IndexEntry | null;
  order: 'newest first' | 'oldest first';
}

/**
 * The next entries of several indexes of Redis as if they were one, at most `first`. Each index is read from the
 * cursor's time on; entries of that very millisecond that were already given are left out, and made up for by reading
 * further.
 */
export async function pageOfIndexes(redis: Redis, indexes: string[], query: IndexQuery): Promise<IndexEntry[]> {
  const { first, after } = query;
  const newest = query.order === 'newest first';
  const sign = newest ? -1 : 1;
  const compare = (a: IndexEntry, b: IndexEntry) => sign * (a.at - b.at || (a.id < b.id ? -1 : a.id > b.id ? 1 : 0));
  const from = query[newest ? 'max' : 'min'];
  const to = query[newest ? 'min' : 'max'];
  const start =
    after === null ? from : from === null ? after.at : newest ? Math.min(from, after.at) : Math.max(from, after.at);
  const bounds: [string, string] = [bound(start, newest ? '+inf' : '-inf'), bound(to, newest ? '-inf' : '+inf')];

  for (let count = first + 16; ; count *= 2) {
    const pipeline = redis.pipeline();
    for (const index of indexes) {
      if (newest) pipeline.zrange(index, ...bounds, 'BYSCORE', 'REV', 'LIMIT', 0, count, 'WITHSCORES');
      else pipeline.zrange(index, ...bounds, 'BYSCORE', 'LIMIT', 0, count, 'WITHSCORES');
    }
    const pages = ((await results(pipeline)) as string[][]).map((flat) => ({
      cut: flat.length === count * 2,
      found: flat
        .flatMap((id, i) => (i % 2 === 0 ? [{ id, at: Number(flat[i + 1]) }] : []))
        .filter((entry) => !after || compare(after, entry) < 0),
    }));
    // The next ones over all indexes are among the next ones of each.
    if (pages.some(({ cut, found }) => cut && found.length < first)) continue;
    return pages
      .flatMap(({ found }) => found)
      .sort(compare)
      .slice(0, first);
  }
}

const bound = (at: number | null, none: string) => (at === null ? none : String(at));
