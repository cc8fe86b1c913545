import type { Logger } from 'pino';
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
    const seen = await createRedisNodeDefinitionsDirectory({ redis, keys, backends, log }).read();
    const reachedFirst = seen.toSorted((a, b) => Number(a.status === 'DOWN') - Number(b.status === 'DOWN'));
    return reachedFirst.flatMap(({ nodeDefinitions }) => nodeDefinitions ?? []);
  } finally {
    await closeRedis(redis);
  }
}
