import type { Redis } from 'ioredis';

const EVERY_MS = 10_000;
/** An answer that took longer says too little of when it was given. */
const SLOW_MS = 500;

/** What time it is for everybody: Redis's clock, which all gateways share, whatever the wall clock of this machine says. */
export interface RedisClock {
  /** Milliseconds since 1970. While Redis is away it runs on by the time that has passed here. */
  now(): number;
  close(): void;
}

/** Asks Redis once, then every ten seconds. `redis` is a request connection that is ready; rejects when that fails at first. */
export async function startRedisClock(redis: Redis): Promise<RedisClock> {
  async function ask(): Promise<{ offsetMs: number; tookMs: number }> {
    const before = performance.now();
    const [seconds, micros] = await redis.time();
    const tookMs = performance.now() - before;
    return { tookMs, offsetMs: Number(seconds) * 1000 + Number(micros) / 1000 - (before + tookMs / 2) };
  }

  let { offsetMs } = await ask();
  const timer = setInterval(() => {
    ask().then(
      (answer) => {
        if (answer.tookMs <= SLOW_MS) offsetMs = answer.offsetMs;
      },
      // It is away, which those who need it say; the clock goes on meanwhile.
      () => undefined,
    );
  }, EVERY_MS);
  timer.unref();

  return {
    now: () => Math.floor(performance.now() + offsetMs),
    close: () => clearInterval(timer),
  };
}
