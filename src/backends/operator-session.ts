import type { Logger } from 'pino';
import { createKeys } from '../jobs/keys.ts';
import { reachRedis } from '../operator-redis.ts';
import { closeRedis } from '../redis.ts';
import type { OperatorSession } from './cli.ts';
import { createRedisBackendOperator } from './redis-backends.ts';

export interface OpenOperatorOptions {
  url: string;
  prefix: string;
  log: Logger;
}

/** Rejects when Redis cannot be reached within five seconds; the message holds no password. */
export async function openOperator({ url, prefix, log }: OpenOperatorOptions): Promise<OperatorSession> {
  const redis = await reachRedis({ url, prefix, log });
  return {
    operator: createRedisBackendOperator(redis, createKeys(prefix)),
    [Symbol.asyncDispose]: () => closeRedis(redis),
  };
}
