import type { Job } from '../../src/core/job.ts';
import { inSpan, pastSpan, type SpanDetails } from '../../src/observability/spans.ts';
import { readOutcome } from '../comfyui/outcome.ts';
import type { Ending } from '../prompt/follow.ts';
import type { PromptWatch } from '../prompt/watch-prompt.ts';
import { executionError } from './failures.ts';

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

/** A worker that died could not tell of its attempt: whoever takes the job over does. `job` as the dead one left it. */
export function tellLostAttempt(job: Job): void {
  const to = Date.now();
  pastSpan('process job', {
    ...attemptSpan(job, job.submission?.backend),
    from: Math.min(to, job.claimedAt ?? to),
    to,
    code: 'WORKER_LOST',
  });
}

/** A prompt, from its submission or from when it was found, to its end; with a span for each node that was seen to run. */
export function inPromptSpan(backend: string, watch: PromptWatch, work: () => Promise<Ending>): Promise<Ending> {
  const details: SpanDetails = { kind: 'client', attributes: { 'comfygate.backend': backend } };
  return inSpan('prompt', details, async (span) => {
    let failure: ReturnType<typeof failureOf> = null;
    try {
      const ending = await work();
      failure = failureOf(ending);
      if (failure) span.fail(failure.code);
      return ending;
    } finally {
      // Wall time and the clock of the nodes drift apart over the life of a process.
      const epoch = Date.now() - performance.now();
      for (const { nodeId, classType, from, to } of watch.nodes()) {
        pastSpan(classType, {
          attributes: { 'comfygate.node.id': nodeId, 'comfygate.node.class': classType },
          from: epoch + from,
          to: epoch + to,
          code: failure?.nodeId === nodeId ? failure.code : undefined,
        });
      }
    }
  });
}

function failureOf(ending: Ending): { code: string; nodeId: string | null } | null {
  if (ending.state !== 'finished') return { code: ending.state.toUpperCase(), nodeId: null };
  const outcome = readOutcome(ending.entry);
  if (outcome.outcome === 'success') return null;
  return outcome.outcome === 'failed' ? executionError(outcome.failure) : { code: 'INTERRUPTED', nodeId: null };
}
