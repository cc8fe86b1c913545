import type { RedisPubSub } from 'graphql-redis-subscriptions';
import type { Redis } from 'ioredis';
import type { Logger } from 'pino';
import * as z from 'zod';
import type { Preview } from '../core/events.ts';
import type { Keys } from '../redis/keys.ts';

export const previewSchema: z.ZodType<Preview> = z.object({
  contentType: z.enum(['image/jpeg', 'image/png', 'image/webp']),
  data: z.string(),
});

/** The worker's side: what it publishes goes to whoever watches just then. */
export interface PreviewPublisher {
  publish(jobId: string, preview: Preview): Promise<void>;
}

export function createRedisPreviewPublisher(redis: Redis, keys: Keys): PreviewPublisher {
  return {
    async publish(jobId, preview) {
      await redis.publish(keys.previews(jobId), JSON.stringify(preview));
    },
  };
}

/** The gateway's side. */
export interface PreviewChannels {
  /** Has the job's previews published and given to `onPreview` until it is disposed; once for each job at a time. */
  open(jobId: string, onPreview: (message: unknown) => void): Disposable;
  /** Says again now that they are watched: Redis may have forgotten it. */
  refresh(): Promise<void>;
  close(): void;
}

export interface PreviewChannelsOptions {
  redis: Redis;
  pubsub: RedisPubSub;
  keys: Keys;
  log: Logger;
  /** How often is said that a job's previews are still watched. Default 4 s. */
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
    const failure = await pipeline.exec().then(
      (replies) => replies?.find(([error]) => error)?.[0],
      (error: Error) => error,
    );
    // The next refresh says it; without previews a watcher still has everything else.
    if (failure) log.debug({ error: failure.message }, 'watched previews not told');
  }

  const refresh = () => flag(open.keys());
  const timer = setInterval(refresh, refreshIntervalMs);
  timer.unref();

  return {
    refresh,
    open(jobId, onPreview) {
      const subscription = pubsub.subscribe(keys.previews(jobId), onPreview);
      open.set(jobId, subscription);
      // Told only once they can be heard.
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
