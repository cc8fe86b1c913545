import type { Redis } from 'ioredis';
import { redisNow } from '../../redis/clock.ts';
import { pageOfIndexes } from '../../redis/index-page.ts';
import type { Keys } from '../../redis/keys.ts';
import { results } from '../../redis/pipeline.ts';
import type { FailedJobIndex } from '../failed-jobs.ts';
import { failedFields, parseFailed } from '../record.ts';
import { readLog } from './read-log.ts';

/** `redis` is a request connection. */
export function createRedisFailedJobs(redis: Redis, keys: Keys): FailedJobIndex {
  return {
    now: () => redisNow(redis),

    async page({ codes, since, until, order, first, after }) {
      const indexes = codes.map((code) => keys.failed(code));
      const entries = await pageOfIndexes(redis, indexes, { first, min: since, max: until, after, order });
      const pipeline = redis.pipeline();
      for (const { id } of entries) pipeline.hmget(keys.job(id), ...failedFields);
      const records = (await results(pipeline)) as (string | null)[][];
      const jobs = records.map(parseFailed);
      const gone = entries.flatMap(({ id }, i) => (jobs[i] ? [] : [id]));
      // A gateway of an earlier version removes records without their entry.
      if (gone.length > 0) {
        const removal = redis.pipeline();
        for (const index of indexes) removal.zrem(index, ...gone);
        await results(removal);
      }
      const next = entries.length === first ? (entries.at(-1) ?? null) : null;
      return { jobs: jobs.flatMap((job) => job ?? []), next };
    },

    read: (id) => readLog(redis, keys, id, 0),
  };
}
