import type { Job, JobStatus } from './job.ts';

export const jobEventTypes = [
  'SNAPSHOT',
  'QUEUED',
  'MOVED',
  'STARTED',
  'PROGRESS',
  'PREVIEW',
  'OUTPUT',
  'RETRYING',
  'CANCEL_REQUESTED',
  'SUCCEEDED',
  'FAILED',
  'CANCELED',
] as const;
export type JobEventType = (typeof jobEventTypes)[number];

/** A picture of work under way. */
export interface Preview {
  contentType: string;
  /** Base64. */
  data: string;
}

/**
 * One step in a job's life, with the job at least as new as that step. `at` is milliseconds since 1970. PREVIEW and
 * MOVED are no steps: they carry the last number, and are never kept.
 */
export interface JobEvent {
  seq: number;
  type: JobEventType;
  at: number;
  job: Job;
  /** Only on PREVIEW. */
  preview?: Preview;
  /** Only on MOVED: how many jobs will start before this one. */
  queuePosition?: number;
}

/** It has no number of its own, and is for who watches just then: only the latest of its kind counts. */
export function isPassing(type: JobEventType): boolean {
  return type === 'PREVIEW' || type === 'MOVED';
}

export function isTerminalEvent(type: JobEventType): type is Extract<JobEventType, JobStatus> {
  return type === 'SUCCEEDED' || type === 'FAILED' || type === 'CANCELED';
}

export interface LoggedEvent {
  seq: number;
  type: JobEventType;
  at: number;
}
