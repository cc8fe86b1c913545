import type { Redis } from 'ioredis';
import { redisNow } from '../../redis/clock.ts';
import { isRedisFull } from '../../redis/is-down.ts';
import type { Keys } from '../../redis/keys.ts';
import { loadScript, strings } from '../../redis/scripts.ts';
import type { SweeperJobStore } from '../job-store.ts';
import { pack } from '../packed.ts';
import { type AddTicket, loadFairScript, ticketOf } from './fair.ts';
import { createTransition } from './transition.ts';

/** `redis` is a request connection: calls fail fast. `addTicket`: default, the next sweep adds what is wanted. */
export function createRedisSweeperStore(
  redis: Redis,
  keys: Keys,
  retentionMs: number,
  addTicket?: AddTicket,
): SweeperJobStore {
  const transition = createTransition(redis, keys, retentionMs, addTicket);
  const ticketsScript = loadFairScript('./tickets.lua');
  const adoptScript = loadFairScript('./adopt.lua');
  const packScript = loadScript(new URL('./pack.lua', import.meta.url));

  const due = async (index: string, limit: number) =>
    redis.zrange(index, '-inf', await redisNow(redis), 'BYSCORE', 'LIMIT', 0, limit);

  return {
    now: () => redisNow(redis),

    async lock(ms) {
      try {
        return (await redis.set(keys.sweeperLock, '1', 'PX', ms, 'NX')) === 'OK';
      } catch (error) {
        // Then each gateway sweeps, which does no harm: what has expired must go to make room.
        if (isRedisFull(error)) return true;
        throw error;
      }
    },

    overdue: (limit) => due(keys.open, limit),

    async expire(id, error) {
      const moved = await transition({ id, move: 'expire', set: { error } });
      if (moved.outcome !== 'done') {
        // A record that has vanished leaves its index entry behind.
        await redis.zrem(keys.open, id);
        return null;
      }
      // Not the whole record: each may hold a graph of a megabyte.
      const [workflow, requestId] = await redis.hmget(keys.job(id), 'workflow', 'requestId');
      return { status: moved.status, workflow: workflow ?? null, requestId: requestId ?? null };
    },

    open: (from, limit) => redis.zrange(keys.open, from, from + limit - 1),

    async tickets(madeBefore, ids) {
      const args = [keys.tag, madeBefore, ...ids];
      const reply = await ticketsScript(redis, [keys.fair('spare')], args);
      if (!Array.isArray(reply)) throw new Error('tickets.lua answered something else than a list');
      const [tickets, strays, gone] = reply;
      return { tickets: strings(tickets), strays: strings(strays), gone: strings(gone) };
    },

    async adopt(id) {
      return ticketOf(await adoptScript(redis, [keys.job(id)], [keys.tag, id]));
    },

    async forget(id) {
      await redis.zrem(keys.open, id);
    },

    expired: (limit) => due(keys.ended, limit),

    unpacked: (limit) => redis.zrange(keys.unpacked, 0, limit - 1),

    async pack(id) {
      const text = (await redis.hget(keys.job(id), 'parameters')) ?? '';
      const packed = text === '' ? '' : await pack(text);
      await packScript(
        redis,
        [keys.job(id), keys.unpacked, keys.bytesOf('kept')],
        [id, Buffer.byteLength(text), packed],
      );
    },

    async postpone(id) {
      await redis.zadd(keys.ended, 'XX', await redisNow(redis), id);
    },
  };
}
