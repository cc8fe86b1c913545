import type { Logger } from 'pino';

/** A fault that comes again and again. */
export interface ThrottledFault {
  /** Writes the first at once, and then one line for all that came in an interval, with their count. */
  (error: unknown, about?: { [name: string]: unknown }): void;
  /**
   * It has gone well, which says nothing as long as some calls do and others fail: once there was no fault for an interval one
   * line more says how often there was one and for how long.
   */
  over(): void;
}

/** `intervalMs`: how often it is written at most. */
export function throttledWarning(log: Logger, message: string, intervalMs = 10_000): ThrottledFault {
  let writtenAt = Number.NEGATIVE_INFINITY;
  let untold = 0;
  let all = 0;
  let since = 0;
  let lastAt = 0;
  const warn = (error: unknown, about: { [name: string]: unknown } = {}) => {
    lastAt = performance.now();
    if (all++ === 0) since = lastAt;
    untold++;
    if (lastAt - writtenAt < intervalMs) return;
    writtenAt = lastAt;
    log.warn({ ...about, error: error instanceof Error ? error.message : String(error), times: untold }, message);
    untold = 0;
  };
  const over = () => {
    if (all === 0 || performance.now() - lastAt < intervalMs) return;
    log.info({ times: all, forMs: Math.round(lastAt - since) }, `over: ${message}`);
    all = 0;
    untold = 0;
  };
  return Object.assign(warn, { over });
}
