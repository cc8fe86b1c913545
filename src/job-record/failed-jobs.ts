import type { LoggedEvent } from '../core/events.ts';
import type { Job, JobError, JobErrorCode } from '../core/job.ts';

/** What an operator is shown of a FAILED job in a list. Times in milliseconds. */
export interface FailedJob {
  id: string;
  caller: string;
  workflow: string;
  error: JobError;
  attempts: number;
  /** The server that it was last submitted to. */
  backend: string | null;
  retryOf: string | null;
  createdAt: number;
  finishedAt: number;
}

export interface FailedJobQuery {
  codes: readonly JobErrorCode[];
  /** By the end of the job, both inclusive; null: no bound. */
  since: number | null;
  until: number | null;
  order: 'newest first' | 'oldest first';
}

/** A place in the list of failed jobs: a job, and the time of its end in milliseconds. */
export interface FailedJobCursor {
  id: string;
  at: number;
}

/** The FAILED jobs of all callers that nobody has run again yet. Every call throws when Redis cannot be reached. */
export interface FailedJobIndex {
  /** Redis's clock, by which jobs have their times. */
  now(): Promise<number>;
  /** At most `first`; `next`: where the next page begins, null behind the last one. */
  page(
    query: FailedJobQuery & { first: number; after: FailedJobCursor | null },
  ): Promise<{ jobs: FailedJob[]; next: FailedJobCursor | null }>;
  /**
   * A job of any status with its log, read in one step; `events` null: the log does not reach back to the first one.
   */
  read(id: string): Promise<{ job: Job; events: LoggedEvent[] | null } | null>;
}
