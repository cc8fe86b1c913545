const TICK_MS = 10;

/**
 * Starts a stopwatch and returns a function that reads it once, in milliseconds. Time in which the machine stalls or
 * runs other processes is not counted, so that a bound on the code also holds on a busy machine.
 */
export function startStopwatch(): () => number {
  let ms = 0;
  let at = performance.now();
  let used = process.cpuUsage();
  const tick = () => {
    const { user, system } = process.cpuUsage(used);
    const passed = performance.now() - at;
    ms += Math.min(passed, Math.max(2 * TICK_MS, (user + system) / 1_000));
    at += passed;
    used = process.cpuUsage();
  };
  const ticking = setInterval(tick, TICK_MS);
  return () => {
    clearInterval(ticking);
    tick();
    return ms;
  };
}

/** The result of a call, and its time by a stopwatch. */
export async function timed<T>(call: Promise<T>): Promise<{ answer: T; ms: number }> {
  const elapsed = startStopwatch();
  try {
    return { answer: await call, ms: elapsed() };
  } finally {
    elapsed();
  }
}
