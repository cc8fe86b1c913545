import type { Redis } from 'ioredis';
import * as z from 'zod';
import { redisNow } from '../../redis/clock.ts';
import type { Keys } from '../../redis/keys.ts';
import { results } from '../../redis/pipeline.ts';
import { loadScript } from '../../redis/scripts.ts';
import type { UploadBounds, UploadStore } from '../upload.ts';

/** Each takes about 700 bytes of Redis until it expires. */
const DEFAULT_MOST_OPEN = { ofClient: 1_000, ofAll: 100_000 };

const NO_BOUNDS: UploadBounds = { openUploads: null, uploadBytes: null };

const recordSchema = z.object({
  id: z.string(),
  caller: z.string(),
  filename: z.string(),
  contentType: z.string(),
  sizeBytes: z.coerce.number().int(),
  /** Whom it is counted against until a job names it. */
  client: z.string().optional(),
  /** Set once the upload is about to be removed. */
  retired: z.string().optional(),
});

const scoreSchema = z.string().nullable();
const keptSchema = z.tuple([z.string().nullable(), z.string().nullable(), z.string().nullable()]);

/**
 * Stores a hash for each upload, and a sorted set of all uploads by the time at which they expire, on Redis's clock.
 * Those that no job names yet are in two more such sets, of their client and of all, by which they are bounded. `keep`
 * and `retire` are one transaction each, and each reads what the other writes, so that never both succeed.
 */
export function createRedisUploads(redis: Redis, keys: Keys, mostOpen = DEFAULT_MOST_OPEN): UploadStore {
  const addUpload = loadScript(new URL('./add-upload.lua', import.meta.url));

  return {
    async add({ client = '', ...upload }, lifeMs, { openUploads, uploadBytes } = NO_BOUNDS) {
      const { id, sizeBytes } = upload;
      const reply = await addUpload(
        redis,
        [keys.upload(id), keys.uploads, keys.openUploads(client), keys.allOpenUploads],
        [
          ...[id, lifeMs, openUploads ?? mostOpen.ofClient, mostOpen.ofAll],
          ...[keys.tag, sizeBytes, uploadBytes ?? ''],
          ...Object.entries({ ...upload, client }).flat(),
        ],
      );
      if (Array.isArray(reply)) return { openBytes: Number(reply[1]) };
      if (reply === 0) return 'added';
      if (reply === 4) return 'retired';
      return reply === 1 ? 'tooManyOfClient' : 'tooMany';
    },

    async get(id) {
      const found = recordSchema.safeParse(await redis.hgetall(keys.upload(id)));
      if (!found.success || found.data.retired !== undefined) return null;
      const { retired: _, client: __, ...upload } = found.data;
      return upload;
    },

    async keep(id, lifeMs) {
      const until = (await redisNow(redis)) + lifeMs;
      const fields = ['id', 'retired', 'client'];
      const multi = redis
        .multi()
        .zadd(keys.uploads, 'XX', 'GT', until, id)
        .hmget(keys.upload(id), ...fields);
      const [, record] = await results(multi);
      const [there, retired, client] = keptSchema.parse(record);
      if (there === null || retired !== null) return false;
      await results(
        redis
          .multi()
          .zrem(keys.openUploads(client ?? ''), id)
          .zrem(keys.allOpenUploads, id),
      );
      return true;
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
