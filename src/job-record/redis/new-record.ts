import { noProgress, type Priority } from '../../core/job.ts';
import type { NewJob } from '../job-store.ts';

/** BullMQ's priority numbers, smaller first, with room between them. Without one a job would run before all others. */
const orders: Record<Priority, number> = { HIGH: 500_000, NORMAL: 1_000_000, LOW: 1_500_000 };

/** The fields of a job's record that the job says itself. */
export const fieldsOfNew = (job: NewJob) => ({
  id: job.id,
  caller: job.caller,
  workflow: job.workflow,
  template: job.template?.hash ?? null,
  parameters: job.parameters,
  priority: job.priority,
  order: orders[job.priority],
  tags: job.tags,
  retryOf: job.retryOf,
  progress: { ...noProgress, nodesTotal: job.nodesTotal },
  requestId: job.requestId,
  traceparent: job.traceparent ?? null,
});

/** Those that all jobs begin with: accept.lua has the same, so that they are not sent. */
export const fieldsOfAll = () => ({
  status: 'QUEUED' as const,
  seq: 1,
  ticket: null,
  artifacts: [],
  error: null,
  timings: [],
  attempts: 0,
  failures: 0,
  takeovers: 0,
  lease: 0,
  submission: null,
  waits: false,
  cancelRequestedAt: null,
  startedAt: null,
  claimedAt: null,
  finishedAt: null,
  expiresAt: null,
});
