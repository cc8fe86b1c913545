const STEPS = 5;

/**
 * Calls once this process has run for so many milliseconds, and gives a way to call it off. Of a time in which it stood
 * still, as on a machine that has too much to do, a fifth of them counts at most: behind such a time timers are due
 * before anything is read, and whoever waits for an answer would give up although it is there.
 */
export function afterRunning(ms: number, call: () => void): () => void {
  let left = STEPS;
  let timer = setTimeout(step, ms / STEPS);
  function step() {
    if (--left > 0) timer = setTimeout(step, ms / STEPS);
    else call();
  }
  return () => clearTimeout(timer);
}

/**
 * Rejects when the promise is not settled in time. The error has ioredis's own text for a command that took too long,
 * by which `isRedisDown` recognises it.
 */
export async function within<T>(ms: number, promise: Promise<T>): Promise<T> {
  const timeout = Promise.withResolvers<never>();
  const callOff = afterRunning(ms, () => timeout.reject(new Error('Command timed out')));
  try {
    return await Promise.race([promise, timeout.promise]);
  } finally {
    callOff();
  }
}
