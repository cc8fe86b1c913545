import { isDeepStrictEqual } from 'node:util';

export interface LatestWriterOptions<Value> {
  /**
   * Writes one; resolves to false when nothing more may be written. May reject, and is then tried again with the next.
   */
  write(value: Value): Promise<boolean>;
  onError(cause: unknown): void;
  /** What is written already. */
  initial: Value;
  /** At least so long from one write to the next, in milliseconds. */
  intervalMs: number;
  /** How long news waits for more before it is written, in milliseconds; default: not at all. */
  gatherMs?: (latest: Value) => number;
  /** Whether the one says nothing that the other does not; default isDeepStrictEqual. */
  same?: (a: Value, b: Value) => boolean;
}

/**
 * Writes news at once, or when it was gathered, then the latest as often as it may, as long as it differs from what was
 * written. After a failed write the next one is tried just so.
 */
export interface LatestWriter<Value> {
  set(value: Value): void;
  /** Writes nothing more; what was not written yet is dropped. */
  stop(): void;
}

export function createLatestWriter<Value>(options: LatestWriterOptions<Value>): LatestWriter<Value> {
  const { write, onError, initial, intervalMs, gatherMs = () => 0, same = isDeepStrictEqual } = options;
  let written = initial;
  let latest = initial;
  let timer: NodeJS.Timeout | undefined;
  let writing = false;
  let stopped = false;
  let nextAt = 0;

  /**
   * One write at a time: the next is planned when the last was answered, so a slow Redis gets fewer, never a heap of
   * them.
   */
  function plan() {
    if (stopped || writing || timer || same(latest, written)) return;
    const waitMs = Math.max(gatherMs(latest), nextAt - performance.now());
    if (waitMs > 0) timer = setTimeout(send, waitMs);
    else send();
  }

  function send() {
    timer = undefined;
    const value = latest;
    writing = true;
    nextAt = performance.now() + intervalMs;
    write(value)
      .then((more) => {
        written = value;
        stopped ||= !more;
      }, onError)
      .finally(() => {
        writing = false;
        plan();
      });
  }

  return {
    set(value) {
      latest = value;
      plan();
    },
    stop() {
      stopped = true;
      clearTimeout(timer);
    },
  };
}
