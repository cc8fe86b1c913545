import type { Redis } from 'ioredis';
import { type ConnectOptions, connectRedis, whenReady } from '../redis/connection.ts';

/** A person at a terminal should not wait longer. */
const CONNECT_TIMEOUT_MS = 5_000;

/**
 * Opens a connection for an operator's command. Rejects when Redis cannot be reached within five seconds. The message
 * of that error holds no password.
 */
export async function reachRedis(where: Pick<ConnectOptions, 'url' | 'prefix' | 'log'>): Promise<Redis> {
  const redis = connectRedis({ ...where, role: 'request' });
  try {
    await whenReady(redis, AbortSignal.timeout(CONNECT_TIMEOUT_MS));
    return redis;
  } catch (cause) {
    redis.disconnect();
    throw new Error('Redis cannot be reached: see REDIS_URL in `comfygate config`', { cause });
  }
}
