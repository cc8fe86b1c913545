import { isDeepStrictEqual } from 'node:util';
import type { Progress } from '../src/core/job.ts';

export interface ProgressWriterOptions {
  /** Writes one; resolves to false when nothing more may be written. May reject, and is then tried again with the next. */
  write(progress: Progress): Promise<boolean>;
  onError(cause: unknown): void;
  /** What is shown already. */
  initial: Progress;
  /** At least so long from one write to the next; default 100. */
  intervalMs?: number;
}

/**
 * Writes news at once, then the latest every 100 ms, as long as it differs from what was written. After a failed write the next
 * one is tried just so.
 */
export interface ProgressWriter {
  set(progress: Progress): void;
  /** Writes nothing more; what was not written yet is dropped. */
  stop(): void;
}

export function createProgressWriter({
  write,
  onError,
  initial,
  intervalMs = 100,
}: ProgressWriterOptions): ProgressWriter {
  let written = initial;
  let latest = initial;
  let timer: NodeJS.Timeout | undefined;
  let writing = false;
  let stopped = false;
  let nextAt = 0;

  /** One write at a time: the next is planned when the last was answered, so a slow Redis gets fewer, never a heap of them. */
  function plan() {
    if (stopped || writing || timer || isDeepStrictEqual(latest, written)) return;
    const waitMs = nextAt - performance.now();
    if (waitMs > 0) timer = setTimeout(send, waitMs);
    else send();
  }

  function send() {
    timer = undefined;
    const progress = latest;
    writing = true;
    nextAt = performance.now() + intervalMs;
    write(progress)
      .then((more) => {
        written = progress;
        stopped ||= !more;
      }, onError)
      .finally(() => {
        writing = false;
        plan();
      });
  }

  return {
    set(progress) {
      latest = progress;
      plan();
    },
    stop() {
      stopped = true;
      clearTimeout(timer);
    },
  };
}
