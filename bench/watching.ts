import { setTimeout as delay } from 'node:timers/promises';
import * as z from 'zod';
import type { BenchContext } from './bench.ts';
import { type Child, startChild } from './child.ts';

export const PLAIN_WATCHING = 'plain graphql-ws + RedisPubSub';
const WATCHING_TIMEOUT_MS = 60_000;

/** Starts the simplest subscription server. */
export function startPlainWatching({ redis }: BenchContext): Promise<Child> {
  return startChild({
    args: ['bench/peers/graphql-ws.ts'],
    env: { REDIS_URL: redis.url },
    ready: /ready (http:\S+)/,
  });
}

/**
 * Publishes events until every socket has received one, since the simple server cannot report when a subscription is
 * active.
 */
export async function untilAllWatch(watch: Child, publish: Child, sockets: number): Promise<void> {
  const until = performance.now() + WATCHING_TIMEOUT_MS;
  for (;;) {
    await publish.call('once', null, z.null());
    await delay(300);
    const { watching } = await watch.call('state', null, z.object({ events: z.number(), watching: z.number() }));
    if (watching === sockets) return;
    if (performance.now() > until) throw new Error(`only ${watching} of ${sockets} sockets are watching`);
  }
}
