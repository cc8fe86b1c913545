import type { Logger } from 'pino';

/** A fault that comes again and again. */
export interface ThrottledFault {
  /** Writes the first at once, and then one line for all that came in an interval, with their count. */
  (error: unknown, about?: { [name: string]: unknown }): void;
  /** It is over: one line more if there was a fault, with how often and for how long. */
  over(): void;
}

/** `intervalMs`: how often it is written at most. */
export function throttledWarning(log: Logger, message: string, intervalMs = 10_000): ThrottledFault {
  let writtenAt = Number.NEGATIVE_INFINITY;
  let untold = 0;
  let all = 0;
  let since = 0;
  const warn = (error: unknown, about: { [name: string]: unknown } = {}) => {
    if (all++ === 0) since = performance.now();
    untold++;
    if (performance.now() - writtenAt < intervalMs) return;
    writtenAt = performance.now();
    log.warn({ ...about, error: error instanceof Error ? error.message : String(error), times: untold }, message);
    untold = 0;
  };
  const over = () => {
    if (all === 0) return;
    log.info({ times: all, forMs: Math.round(performance.now() - since) }, `over: ${message}`);
    all = 0;
    untold = 0;
    writtenAt = Number.NEGATIVE_INFINITY;
  };
  return Object.assign(warn, { over });
}
