import type { Job, JobStatus } from './job.ts';

export const jobEventTypes = [
  'SNAPSHOT',
  'QUEUED',
  'STARTED',
  'PROGRESS',
  'RETRYING',
  'CANCEL_REQUESTED',
  'SUCCEEDED',
  'FAILED',
  'CANCELED',
] as const;
export type JobEventType = (typeof jobEventTypes)[number];

/** One step in a job's life, with the job at least as new as that step. `at` is milliseconds since 1970. */
export interface JobEvent {
  seq: number;
  type: JobEventType;
  at: number;
  job: Job;
}

export function isTerminalEvent(type: JobEventType): type is Extract<JobEventType, JobStatus> {
  return type === 'SUCCEEDED' || type === 'FAILED' || type === 'CANCELED';
}
