import type { Logger } from 'pino';
import { reachedFirst } from '../backends/node-definitions.ts';
import { createRedisBackendDirectory } from '../backends/redis/redis-backends.ts';
import { createRedisNodeDefinitionsDirectory } from '../backends/redis/redis-node-definitions.ts';
import type { Config } from '../config/config.ts';
import type { NodeDefinitions } from '../core/node-definitions.ts';
import { closeRedis } from '../redis/connection.ts';
import { createKeys } from '../redis/keys.ts';
import { reachRedis } from './operator-redis.ts';

/**
 * The node definitions of an installation's servers, as its workers have reported them, those that are reached now
 * first. Rejects when Redis cannot be reached within five seconds; the message holds no password.
 */
export async function readReportedClasses(
  { redis: { prefix } }: Config,
  url: string,
  log: Logger,
): Promise<NodeDefinitions[]> {
  const redis = await reachRedis({ url, prefix, log });
  try {
    const keys = createKeys(prefix);
    const backends = createRedisBackendDirectory(redis, keys);
    return reachedFirst(await createRedisNodeDefinitionsDirectory({ redis, keys, backends, log }).read());
  } finally {
    await closeRedis(redis);
  }
}
