import type { Redis } from 'ioredis';
import * as z from 'zod';
import { redisNow } from '../../redis/clock.ts';
import type { Keys } from '../../redis/keys.ts';
import { results } from '../../redis/pipeline.ts';
import type { UploadStore } from '../upload.ts';

const recordSchema = z.object({
  id: z.string(),
  caller: z.string(),
  filename: z.string(),
  contentType: z.string(),
  sizeBytes: z.coerce.number().int(),
  /** Set once the upload is about to be removed. */
  retired: z.string().optional(),
});

const scoreSchema = z.string().nullable();

/**
 * Stores a hash for each upload, and a sorted set of all uploads by the time at which they expire, on Redis's clock.
 * `keep` and `retire` are one transaction each, and each reads what the other writes, so that never both succeed.
 */
export function createRedisUploads(redis: Redis, keys: Keys): UploadStore {
  return {
    async add(upload, lifeMs) {
      const expiresAt = (await redisNow(redis)) + lifeMs;
      await results(
        redis
          .multi()
          .hset(keys.upload(upload.id), { ...upload })
          .zadd(keys.uploads, expiresAt, upload.id),
      );
    },

    async get(id) {
      const found = recordSchema.safeParse(await redis.hgetall(keys.upload(id)));
      if (!found.success || found.data.retired !== undefined) return null;
      const { retired: _, ...upload } = found.data;
      return upload;
    },

    async keep(id, lifeMs) {
      const until = (await redisNow(redis)) + lifeMs;
      const multi = redis.multi().zadd(keys.uploads, 'XX', 'GT', until, id).hmget(keys.upload(id), 'id', 'retired');
      const [, record] = await results(multi);
      const [there, retired] = z.tuple([z.string().nullable(), z.string().nullable()]).parse(record);
      return there !== null && retired === null;
    },

    async due(limit) {
      return redis.zrange(keys.uploads, '-inf', await redisNow(redis), 'BYSCORE', 'LIMIT', 0, limit);
    },

    async postpone(id) {
      await redis.zadd(keys.uploads, 'XX', await redisNow(redis), id);
    },

    async retire(id) {
      const at = await redisNow(redis);
      const [, score] = await results(redis.multi().hset(keys.upload(id), 'retired', '1').zscore(keys.uploads, id));
      if (Number(scoreSchema.parse(score) ?? 0) <= at) return true;
      await redis.hdel(keys.upload(id), 'retired');
      return false;
    },

    async remove(id) {
      await results(redis.multi().del(keys.upload(id)).zrem(keys.uploads, id));
    },
  };
}
