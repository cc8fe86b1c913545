import type { Redis } from 'ioredis';
import { pageOfIndexes } from '../../redis/index-page.ts';
import { CHANGES_LIFE_MS, type Keys } from '../../redis/keys.ts';
import { loadScript } from '../../redis/scripts.ts';
import type { JobHandover } from '../job-handover.ts';
import { loadFairScript } from './fair.ts';

/** Keys of Redis that one step looks through. */
const SCANNED = 1_000;

/** `redis` is a request connection. */
export function createRedisHandover(redis: Redis, keys: Keys): JobHandover {
  const assignScript = loadFairScript('./assign.lua');
  const assignKeyScript = loadScript(new URL('./assign-key.lua', import.meta.url));

  return {
    page: ({ caller, since, after, first }) =>
      pageOfIndexes(redis, [keys.jobs(caller)], { first, min: since, max: null, after, order: 'oldest first' }),

    async assign(id, from, to, uploads) {
      return (await assignScript(redis, [keys.job(id)], [keys.tag, id, from, to, CHANGES_LIFE_MS, ...uploads])) === 1;
    },

    async assignKeys(from, to) {
      const prefix = keys.idempotency(from, '');
      const pattern = `${prefix.replaceAll(/[\\*?[\]]/g, '\\$&')}*`;
      let count = 0;
      let cursor = '0';
      do {
        const [next, found] = await redis.scan(cursor, 'MATCH', pattern, 'COUNT', SCANNED);
        cursor = next;
        const moved = await Promise.all(
          found.map((key) =>
            assignKeyScript(redis, [key, keys.idempotency(to, key.slice(prefix.length))], [keys.tag, to]),
          ),
        );
        count += moved.filter((reply) => reply === 1).length;
      } while (cursor !== '0');
      return count;
    },
  };
}
