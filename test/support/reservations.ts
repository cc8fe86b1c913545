import type { Redis } from 'ioredis';
import type { Keys } from '../../src/redis/keys.ts';

/**
 * What is reserved of each caller's GPU time, in milliseconds: by the sum that is kept, and by its jobs that are open.
 * They are the same whenever nothing is between two scripts.
 */
export async function reservations(redis: Redis, keys: Keys) {
  const kept = Object.entries(await redis.hgetall(keys.reserved)).map(([caller, ms]) => [caller, Number(ms)] as const);
  const open = new Map<string, number>();
  for (const id of await redis.zrange(keys.open, 0, -1)) {
    const [caller, gpuMs] = await redis.hmget(keys.job(id), 'caller', 'gpuMs');
    if (caller && gpuMs) open.set(caller, (open.get(caller) ?? 0) + Number(gpuMs));
  }
  return { kept: Object.fromEntries(kept), open: Object.fromEntries(open) };
}
