import { isDeepStrictEqual } from 'node:util';
import type { Progress } from '../src/core/job.ts';

export interface ProgressWriterOptions {
  /** Writes one; resolves to false when nothing more may be written. May reject, and is then tried again with the next. */
  write(progress: Progress): Promise<boolean>;
  onError(cause: unknown): void;
  /** At least so long from one write to the next; default 100. */
  intervalMs?: number;
}

/** Writes the first progress at once, then the latest one every 100 ms, as long as there is news. */
export interface ProgressWriter {
  set(progress: Progress): void;
  /** Writes nothing more; what was not written yet is dropped. Resolves when the last write has been answered. */
  stop(): Promise<void>;
}

export function createProgressWriter({ write, onError, intervalMs = 100 }: ProgressWriterOptions): ProgressWriter {
  let written: Progress | undefined;
  let latest: Progress | undefined;
  let timer: NodeJS.Timeout | undefined;
  let writing: Promise<void> | undefined;
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
    if (!progress) return;
    nextAt = performance.now() + intervalMs;
    writing = write(progress)
      .then((more) => {
        written = progress;
        if (!more) stopped = true;
      }, onError)
      .finally(() => {
        writing = undefined;
        plan();
      });
  }

  return {
    set(progress) {
      latest = progress;
      plan();
    },
    async stop() {
      stopped = true;
      clearTimeout(timer);
      await writing;
    },
  };
}
