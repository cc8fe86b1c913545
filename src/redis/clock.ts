import type { Redis } from 'ioredis';
import * as z from 'zod';

const EVERY_MS = 10_000;
/** An answer that took longer says too little of when it was given. */
const SLOW_MS = 500;

/** TIME's answer: seconds, and the microseconds of the current one. */
const timeSchema = z.tuple([z.coerce.number(), z.coerce.number()]);

/** Milliseconds since 1970 of an answer to TIME, which may be one of a pipeline. */
export function millisecondsOf(time: unknown): number {
  const [seconds, micros] = timeSchema.parse(time);
  return seconds * 1000 + Math.floor(micros / 1000);
}

/** Milliseconds since 1970 on Redis's clock, by which everything in Redis is dated. */
export async function redisNow(redis: Redis): Promise<number> {
  return millisecondsOf(await redis.time());
}

/**
 * What time it is for everybody: Redis's clock, which all gateways share, whatever the wall clock of this machine says.
 */
export interface RedisClock {
  /** Milliseconds since 1970. While Redis is away it runs on by the time that has passed here. */
  now(): number;
  close(): void;
}

/**
 * Asks Redis once, then every ten seconds. `redis` is a request connection that is ready; rejects when that fails at
 * first.
 */
export async function startRedisClock(redis: Redis): Promise<RedisClock> {
  async function measure(): Promise<{ offsetMs: number; tookMs: number }> {
    const before = performance.now();
    const [seconds, micros] = timeSchema.parse(await redis.time());
    const tookMs = performance.now() - before;
    return { tookMs, offsetMs: seconds * 1000 + micros / 1000 - (before + tookMs / 2) };
  }

  let { offsetMs } = await measure();
  const timer = setInterval(() => {
    measure().then(
      (answer) => {
        if (answer.tookMs <= SLOW_MS) offsetMs = answer.offsetMs;
      },
      // Redis is away, which those who need it report; the clock runs on meanwhile.
      () => undefined,
    );
  }, EVERY_MS);
  timer.unref();

  return {
    now: () => Math.floor(performance.now() + offsetMs),
    close: () => clearInterval(timer),
  };
}
