import type { Sight } from '../callers/identity.ts';
import type { JobEvent, JobEventType } from '../core/events.ts';
import type { JobFilter, JobStatus } from '../core/job.ts';

/** Follows all jobs that may be seen: one subscription for a list of them. */
export interface JobChanges {
  /**
   * Lifecycle events from now on, each once and in order; open-ended. A filter's `status` is that which the job has by
   * the event. The iterator's `return()` frees everything at once. It throws UNAVAILABLE where events were missed:
   * whoever follows reads the jobs again then, and watches anew. Rejects with UNAVAILABLE when Redis cannot be asked.
   */
  watch(request: { identity: Sight; filter: JobFilter }): Promise<AsyncIterableIterator<JobEvent>>;
  /** Watchers and callers followed right now. */
  stats(): { watchers: number; callers: number };
  close(): Promise<void>;
}

/** Where an event leaves its job; null: where it was. */
const statusAfter: Record<JobEventType, JobStatus | null> = {
  SNAPSHOT: null,
  PROGRESS: null,
  PREVIEW: null,
  MOVED: null,
  OUTPUT: 'RUNNING',
  QUEUED: 'QUEUED',
  STARTED: 'RUNNING',
  RETRYING: 'QUEUED',
  CANCEL_REQUESTED: 'RUNNING',
  SUCCEEDED: 'SUCCEEDED',
  FAILED: 'FAILED',
  CANCELED: 'CANCELED',
};

/** Whether an event is one of those asked for; times as in a page of jobs. */
export function isWanted({ type, job }: JobEvent, filter: JobFilter): boolean {
  const { status, workflow, tag, createdAfter, createdBefore } = filter;
  return (
    (status === null || status.includes(statusAfter[type] ?? job.status)) &&
    (workflow === null || job.workflow === workflow) &&
    (tag === null || job.tags.includes(tag)) &&
    (createdAfter === null || job.createdAt >= createdAfter) &&
    (createdBefore === null || job.createdAt <= createdBefore)
  );
}
