import type { Redis } from 'ioredis';
import type { Logger } from 'pino';
import * as z from 'zod';
import { redisNow } from '../../redis/clock.ts';
import type { Keys } from '../../redis/keys.ts';
import type { LookRequests } from '../node-definitions.ts';

const requestSchema = z.object({ at: z.number(), classes: z.array(z.string()) });

/** `redis` is a request connection. Gives when it was asked, on Redis's clock. */
export async function askToLookAgain(redis: Redis, keys: Keys, classes: readonly string[]): Promise<number> {
  const at = await redisNow(redis);
  await redis.publish(keys.lookRequests, JSON.stringify({ at, classes }));
  return at;
}

/** `subscriber` is a connection of that role. What is asked while it is away is lost, and the gateway stops waiting. */
export function createRedisLookRequests(subscriber: Redis, keys: Keys, log: Logger): LookRequests {
  return {
    listen(onRequest) {
      function onMessage(channel: string, message: string) {
        if (channel === keys.lookRequests) onRequest(requestSchema.parse(JSON.parse(message)));
      }
      subscriber.on('message', onMessage);
      // Once Redis answers; the connection subscribes again by itself after each reconnect.
      subscriber.subscribe(keys.lookRequests).catch((err) => log.debug({ err }, 'look requests not heard'));
      return { [Symbol.dispose]: () => void subscriber.off('message', onMessage) };
    },
  };
}
