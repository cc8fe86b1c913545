import type { Logger } from 'pino';

/** Logs a fault that repeats. */
export interface ThrottledFault {
  /** Logs the first fault at once, and after that one line for all faults of an interval, with their number. */
  (error: unknown, fields?: { [name: string]: unknown }): void;
  /**
   * Reports a success. Calls may fail and succeed in turn, so the fault counts as over only after an interval without
   * one: then a last line says how many faults there were and for how long.
   */
  over(): void;
}

/** `intervalMs`: the shortest time between two lines. */
export function throttledWarning(log: Logger, message: string, intervalMs = 10_000): ThrottledFault {
  let writtenAt = Number.NEGATIVE_INFINITY;
  let unreported = 0;
  let all = 0;
  let since = 0;
  let lastAt = 0;
  const warn = (error: unknown, fields: { [name: string]: unknown } = {}) => {
    lastAt = performance.now();
    if (all++ === 0) since = lastAt;
    unreported++;
    if (lastAt - writtenAt < intervalMs) return;
    writtenAt = lastAt;
    const reason = error instanceof Error ? error.message : String(error);
    log.warn({ ...fields, error: reason, times: unreported }, message);
    unreported = 0;
  };
  const over = () => {
    if (all === 0 || performance.now() - lastAt < intervalMs) return;
    log.info({ times: all, forMs: Math.round(lastAt - since) }, `over: ${message}`);
    all = 0;
    unreported = 0;
  };
  return Object.assign(warn, { over });
}
