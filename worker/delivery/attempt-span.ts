import type { Job } from '../../src/core/job.ts';
import { pastSpan, type SpanDetails } from '../../src/observability/spans.ts';

/** Of `process job`: one for each claim, in the trace that the job was made in. */
export function attemptSpan(job: Job, backend: string | undefined): SpanDetails {
  return {
    kind: 'consumer',
    parent: job.traceparent,
    attributes: {
      'messaging.operation.type': 'process',
      'messaging.message.id': job.id,
      'comfygate.job.id': job.id,
      'comfygate.request.id': job.requestId,
      'comfygate.workflow': job.workflow,
      'comfygate.attempt': job.attempts,
      ...(backend === undefined ? {} : { 'comfygate.backend': backend }),
    },
  };
}

/**
 * A worker that died cannot end the span of its attempt: whoever takes the job over does. `job`: as the dead one left
 * it.
 */
export function recordLostAttempt(job: Job): void {
  const to = Date.now();
  pastSpan('process job', {
    ...attemptSpan(job, job.submission?.backend),
    from: Math.min(to, job.claimedAt ?? to),
    to,
    code: 'WORKER_LOST',
  });
}
