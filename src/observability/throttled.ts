import type { Logger } from 'pino';

/** A warning that is written at once and then, however often it is called, at most once in `intervalMs`, with the count. */
export function throttledWarning(log: Logger, message: string, intervalMs = 10_000): (error: unknown) => void {
  let writtenAt = Number.NEGATIVE_INFINITY;
  let untold = 0;
  return (error) => {
    untold++;
    if (performance.now() - writtenAt < intervalMs) return;
    writtenAt = performance.now();
    log.warn({ error: error instanceof Error ? error.message : String(error), times: untold }, message);
    untold = 0;
  };
}
