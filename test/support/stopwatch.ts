const TICK_MS = 10;

/**
 * Starts to count the milliseconds that this process has had; what it gives says them, once. Where the machine stands still, or
 * gives others their turn, no more is counted than the work that was done: a bound holds of the code, on a busy machine too.
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

/** What a call answers, and the time that it took by a stopwatch. */
export async function timed<T>(call: Promise<T>): Promise<{ answer: T; ms: number }> {
  const elapsed = startStopwatch();
  try {
    return { answer: await call, ms: elapsed() };
  } finally {
    elapsed();
  }
}
