import type { Redis } from 'ioredis';
import type { Logger } from 'pino';
import { ConfigError } from '../config/config.ts';
import { isRedisDown } from './is-down.ts';
import { infoValue } from './memory.ts';

/**
 * What Redis may lose of what it acknowledged, as it is now, and what to do about it; null while it evicts nothing and
 * writes its append-only file. By INFO, which also those answer that do not let their settings be read. Rejects where
 * even that is refused.
 */
export async function whatIsLost(redis: Redis): Promise<string | null> {
  const [memory, persistence] = await Promise.all([redis.info('memory'), redis.info('persistence')]);
  const policy = infoValue(memory, 'maxmemory_policy');
  if (policy !== 'noeviction') {
    return `maxmemory-policy is ${policy}: jobs are thrown away when its memory is full; set it to noeviction`;
  }
  if (infoValue(persistence, 'aof_enabled') !== '1') {
    return 'appendonly is no: what it acknowledged is lost when it crashes; set it to yes';
  }
  if (infoValue(persistence, 'aof_last_write_status') === 'err') {
    return 'its append-only file cannot be written: make room on its disk';
  }
  return null;
}

/**
 * Redis must keep what it acknowledged. A policy that evicts keys stops the start; without AOF it only warns, since a
 * managed Redis may be durable in its own way (and may not let CONFIG be read).
 */
export async function checkDurability(redis: Redis, log: Logger): Promise<void> {
  let settings: Record<string, string>;
  try {
    const reply = await redis.config('GET', 'maxmemory-policy', 'appendonly', 'appendfsync', 'min-replicas-to-write');
    const flat = Array.isArray(reply) ? reply.map(String) : [];
    settings = Object.fromEntries(flat.flatMap((name, i) => (i % 2 === 0 ? [[name, flat[i + 1] ?? '']] : [])));
  } catch (error) {
    if (isRedisDown(error)) throw error;
    log.warn('redis does not let its settings be read: make sure of maxmemory-policy noeviction and an AOF');
    return;
  }
  const policy = settings['maxmemory-policy'];
  if (policy !== undefined && policy !== 'noeviction') {
    throw new ConfigError([
      `REDIS_URL: this Redis has maxmemory-policy ${policy} and would throw jobs away when its memory is full. ` +
        'Set it to noeviction: redis-cli CONFIG SET maxmemory-policy noeviction, and in redis.conf.',
    ]);
  }
  if (settings.appendonly === 'no') {
    log.warn('redis has no append-only file: what it acknowledged is lost when it crashes. Set appendonly yes.');
  } else if (settings.appendfsync !== undefined && settings.appendfsync !== 'always') {
    log.info(
      { appendfsync: settings.appendfsync },
      'redis may lose its last second when it crashes; appendfsync always loses nothing',
    );
  }
  if (settings['min-replicas-to-write'] === '0' && (await hasReplicas(redis))) {
    log.warn(
      'redis has replicas and does not wait for any: what it acknowledged last is lost when one of them takes over. ' +
        'Set min-replicas-to-write 1.',
    );
  }
}

async function hasReplicas(redis: Redis): Promise<boolean> {
  return /^connected_slaves:[1-9]/m.test(await redis.info('replication'));
}
