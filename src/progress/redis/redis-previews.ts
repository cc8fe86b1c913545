import type { RedisPubSub } from 'graphql-redis-subscriptions';
import type { Redis } from 'ioredis';
import type { Logger } from 'pino';
import type { Keys } from '../../redis/keys.ts';
import { results } from '../../redis/pipeline.ts';
import type { PreviewChannels, PreviewPublisher } from '../previews.ts';

export function createRedisPreviewPublisher(redis: Redis, keys: Keys): PreviewPublisher {
  return {
    async publish(jobId, preview) {
      await redis.publish(keys.previews(jobId), JSON.stringify(preview));
    },
  };
}

export interface PreviewChannelsOptions {
  redis: Redis;
  pubsub: RedisPubSub;
  keys: Keys;
  log: Logger;
  /** How often a job's previews are marked anew as watched. Default 4 s. */
  refreshIntervalMs?: number;
}

/** Workers see it with their look at the lease, each second; a gateway that has died is forgotten after so long. */
const FLAG_SECONDS = 10;

export function createPreviewChannels(options: PreviewChannelsOptions): PreviewChannels {
  const { redis, pubsub, keys, log, refreshIntervalMs = 4_000 } = options;
  const open = new Map<string, Promise<number>>();

  async function flag(jobIds: Iterable<string>) {
    const pipeline = redis.pipeline();
    for (const jobId of jobIds) pipeline.set(keys.previewed(jobId), '1', 'EX', FLAG_SECONDS);
    if (pipeline.length === 0) return;
    // The next refresh sets it again; without previews a watcher still has everything else.
    await results(pipeline).catch((error: Error) =>
      log.debug({ error: error.message }, 'previews not marked as watched'),
    );
  }

  const refresh = () => flag(open.keys());
  const timer = setInterval(refresh, refreshIntervalMs);
  timer.unref();

  return {
    refresh,
    open(jobId, onPreview) {
      const subscription = pubsub.subscribe(keys.previews(jobId), onPreview);
      open.set(jobId, subscription);
      // Marked only once they can be received.
      subscription.then(
        () => (open.get(jobId) === subscription ? flag([jobId]) : undefined),
        (error: Error) => log.debug({ jobId, error: error.message }, 'previews not subscribed'),
      );
      return {
        [Symbol.dispose]() {
          if (open.get(jobId) === subscription) open.delete(jobId);
          subscription.then(
            (id) => pubsub.unsubscribe(id),
            () => undefined,
          );
        },
      };
    },
    close: () => clearInterval(timer),
  };
}
