import { inSpan, pastSpan, type SpanDetails } from '../../src/observability/spans.ts';
import { executionError, interruptedError } from '../attempt/failures.ts';
import { readOutcome } from '../comfyui/outcome.ts';
import type { Ending } from './follow-prompt.ts';
import type { PromptWatch } from './watch-prompt.ts';

/**
 * The span of a prompt, from its submission or from when it was found, to its end; with a span for each node that ran.
 */
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
  if (ending.state === 'withdrawn') return null;
  if (ending.state !== 'finished') return { code: ending.state.toUpperCase(), nodeId: null };
  const outcome = readOutcome(ending.entry);
  if (outcome.outcome === 'success') return null;
  return outcome.outcome === 'failed' ? executionError(outcome.failure) : interruptedError(outcome.at);
}
