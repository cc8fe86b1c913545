import type { Sight } from '../callers/identity.ts';
import type { JobEvent } from '../core/events.ts';

export interface WatchRequest {
  jobId: string;
  identity: Sight;
  afterSeq: number | null;
  previews?: boolean;
  moves?: boolean;
}

/** Follows jobs for watchers: the log, then what happens, to the end. */
export interface ProgressFeed {
  /**
   * A job's events in order, ending with its terminal event. Subscribes before it reads, so nothing falls in between.
   * `afterSeq` null: begins with a SNAPSHOT. `previews` (default false): PREVIEW events in between, the newest only for
   * a slow reader, and none that is late for the end. `moves` (default false): MOVED events in the same way, at most
   * one a second, each time that its place in the queue is another. The iterator's `return()` frees everything at
   * once, also while it waits. Rejects with NOT_FOUND when none may be seen. While Redis is away the events are waited
   * for, for 30 s: then, or when there turns out to be no such job, the iterator throws UNAVAILABLE or
   * NOT_FOUND.
   */
  watch(request: WatchRequest): Promise<AsyncIterableIterator<JobEvent>>;
  /** Watchers and jobs followed right now. */
  stats(): { watchers: number; jobs: number };
  close(): Promise<void>;
}
