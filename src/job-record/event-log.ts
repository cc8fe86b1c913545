import type { JobEvent, LoggedEvent } from '../core/events.ts';
import { isTerminal, type Job } from '../core/job.ts';

/** A job and what its log holds behind a number, read in one step. */
export interface LogReading {
  job: Job;
  /** Null when the log no longer reaches back to that number, or the number is higher than the job's. */
  events: LoggedEvent[] | null;
}

/**
 * What a watcher that has seen everything up to the asked-for number is owed: the events since, or a SNAPSHOT where
 * they are not to be had; behind a SNAPSHOT of a job that has ended, its terminal event.
 */
export function eventsOwed({ job, events }: LogReading, now: number): JobEvent[] {
  return events ? events.map((event) => ({ ...event, job })) : snapshot(job, now);
}

/** A SNAPSHOT, and the terminal event where the job has ended. */
export function snapshot(job: Job, now: number): JobEvent[] {
  const first: JobEvent = { seq: job.seq, type: 'SNAPSHOT', at: now, job };
  if (!isTerminal(job.status)) return [first];
  return [first, { seq: job.seq, type: job.status, at: job.finishedAt ?? now, job }];
}
