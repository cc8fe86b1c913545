import type { Logger } from 'pino';
import { createKeys } from '../jobs/keys.ts';
import { closeRedis, connectRedis, whenReady } from '../redis.ts';
import type { OperatorSession } from './cli.ts';
import { createRedisBackendOperator } from './redis-backends.ts';

/** A person at a terminal does not wait for longer. */
const CONNECT_TIMEOUT_MS = 5_000;

export interface OpenOperatorOptions {
  url: string;
  prefix: string;
  log: Logger;
}

/** Rejects when Redis cannot be reached within five seconds; the message holds no password. */
export async function openOperator({ url, prefix, log }: OpenOperatorOptions): Promise<OperatorSession> {
  const redis = connectRedis({ url, role: 'request', log });
  try {
    await whenReady(redis, AbortSignal.timeout(CONNECT_TIMEOUT_MS));
  } catch (cause) {
    redis.disconnect();
    throw new Error('Redis cannot be reached: see REDIS_URL in `comfygate config`', { cause });
  }
  return {
    operator: createRedisBackendOperator(redis, createKeys(prefix)),
    [Symbol.asyncDispose]: () => closeRedis(redis),
  };
}
