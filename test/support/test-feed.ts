import { notFound } from '../../src/core/errors.ts';
import type { JobEvent } from '../../src/core/events.ts';
import type { ProgressFeed } from '../../src/progress/progress.ts';

/** A feed whose events come from the test. All watchers of a job get the same event objects, as with the real feed. */
export interface TestFeed extends ProgressFeed {
  /** Makes a job exist. Watching a job that does not exist is NOT_FOUND. */
  open(jobId: string): void;
  say(jobId: string, event: JobEvent): void;
  end(jobId: string): void;
  fail(jobId: string, error: Error): void;
  /** How often watchers have requested an event. */
  requests(): number;
}

interface TestWatcher {
  jobId: string;
  queue: JobEvent[];
  ended: boolean;
  error: Error | null;
  wake: () => void;
}

export function createTestFeed(): TestFeed {
  const jobs = new Set<string>();
  const watchers = new Set<TestWatcher>();
  let requests = 0;
  const each = (jobId: string, change: (watcher: TestWatcher) => void) => {
    for (const watcher of watchers) {
      if (watcher.jobId !== jobId) continue;
      change(watcher);
      watcher.wake();
    }
  };
  return {
    async watch({ jobId }): Promise<AsyncIterableIterator<JobEvent>> {
      if (!jobs.has(jobId)) throw notFound('job');
      const watcher: TestWatcher = { jobId, queue: [], ended: false, error: null, wake: () => {} };
      watchers.add(watcher);
      const done = { done: true, value: undefined } as const;
      const leave = async () => {
        watchers.delete(watcher);
        watcher.ended = true;
        watcher.queue = [];
        watcher.wake();
        return done;
      };
      const iterator: AsyncIterableIterator<JobEvent> = {
        async next() {
          requests += 1;
          for (;;) {
            const event = watcher.queue.shift();
            if (event) return { done: false, value: event };
            if (watcher.error) {
              watchers.delete(watcher);
              throw watcher.error;
            }
            if (watcher.ended) return leave();
            await new Promise<void>((resolve) => {
              watcher.wake = resolve;
            });
          }
        },
        return: leave,
        [Symbol.asyncIterator]: () => iterator,
      };
      return iterator;
    },
    stats: () => ({ watchers: watchers.size, jobs: new Set([...watchers].map(({ jobId }) => jobId)).size }),
    async close() {},
    open: (jobId) => void jobs.add(jobId),
    say: (jobId, event) => each(jobId, (watcher) => watcher.queue.push(event)),
    end: (jobId) =>
      each(jobId, (watcher) => {
        watcher.ended = true;
      }),
    fail: (jobId, error) =>
      each(jobId, (watcher) => {
        watcher.error = error;
      }),
    requests: () => requests,
  };
}
