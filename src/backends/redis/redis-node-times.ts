import type { Redis } from 'ioredis';
import type { Keys } from '../../redis/keys.ts';
import { results } from '../../redis/pipeline.ts';
import type { NodeTimesStore } from '../node-times.ts';

/** The longest valid time, about 24 days: a node cannot run longer than JOB_TIMEOUT, which is at most that. */
const MOST_MS = 2 ** 31;

export function createRedisNodeTimes(redis: Redis, keys: Keys): NodeTimesStore {
  return {
    async read() {
      const entries = Object.entries(await redis.hgetall(keys.nodeTimes));
      const times = entries.map(([name, text]) => [name, text === '' ? Number.NaN : Number(text)] as const);
      return new Map(times.filter(([, ms]) => ms >= 0 && ms <= MOST_MS));
    },
    async write(times, dropped) {
      const pipeline = redis.pipeline();
      if (dropped.length > 0) pipeline.hdel(keys.nodeTimes, ...dropped);
      if (times.size > 0) pipeline.hset(keys.nodeTimes, new Map([...times].map(([name, ms]) => [name, String(ms)])));
      await results(pipeline);
    },
  };
}
