import type { Graph } from '../../src/core/graph.ts';
import type { NodeTiming, Progress } from '../../src/core/job.ts';
import type { Plan } from '../../src/core/plan.ts';
import type { WorkerMetrics } from '../../src/observability/worker-metrics.ts';
import type { Attempt } from '../attempt/attempt.ts';
import { JobFailure, jobError, noOutputError } from '../attempt/failures.ts';
import type { HistoryEntry } from '../comfyui/history.ts';
import type { NodeFailure } from '../comfyui/outcome.ts';
import { collectOutputs, MOST_OUTPUTS, type PromptOutput } from '../comfyui/outputs.ts';
import { promptIdOf } from '../comfyui/prompt.ts';
import { reasonOf } from '../comfyui/redact.ts';
import type { StoredOutputs } from './stored-outputs.ts';
import type { WebsocketImages } from './websocket-images.ts';

/** What is not deleted in time does no harm, since the server's history is bounded. */
const TIDY_WITHIN_MS = 2_000;

export interface OutputParts {
  metrics?: WorkerMetrics | undefined;
}

/** What is known of a prompt that succeeded, beside its history entry. */
export interface WatchedPrompt {
  /** Results that came over the socket alone. */
  readonly images: Pick<WebsocketImages, 'images'>;
  readonly outputs: Pick<StoredOutputs, 'all'>;
  /** How the job is shown when it has SUCCEEDED. */
  completed(): Progress;
  timings(): NodeTiming[];
  /** A node whose input was blocked. */
  blocked(): NodeFailure | null;
}

/** Brings what a prompt has made into storage, and ends the job as SUCCEEDED. Throws as `StoredOutputs.all` does. */
export async function deliverOutputs(
  entry: HistoryEntry,
  attempt: Attempt,
  plan: Plan,
  watched: WatchedPrompt,
  parts: OutputParts,
): Promise<void> {
  const { job, log, submission, state } = attempt;
  const { client } = state.slot.backend;
  state.slot.report('succeeded');
  const outputs = await outputsOf(entry, attempt, plan, watched);
  const began = performance.now();
  const artifacts = await watched.outputs.all(outputs);
  parts.metrics?.jobUploaded((performance.now() - began) / 1000);
  const status = await attempt.move({
    move: 'succeed',
    artifacts,
    progress: watched.completed(),
    timings: watched.timings(),
  });
  log.info({ status, artifacts: artifacts.length }, 'job done');
  if (status !== 'SUCCEEDED' || !submission) return;
  // Not before: a successor would have needed the entry. The attempt's own signal ends with the next look at the lease.
  const tidying = AbortSignal.timeout(TIDY_WITHIN_MS);
  await client.deleteHistory(promptIdOf(job.id, submission.number), tidying).catch((cause) => {
    log.debug({ reason: reasonOf(cause) }, 'history not deleted');
  });
}

/** Throws JobFailure when there is none, or more than a job may have. */
async function outputsOf(
  entry: HistoryEntry,
  { apiKey }: Attempt,
  plan: Plan,
  watched: WatchedPrompt,
): Promise<PromptOutput[]> {
  const images = await watched.images.images();
  const { outputs, temporary } = collectOutputs(entry, plan.graph, plan.outputs, images);
  if (outputs.length === 0) throw new JobFailure(noOutputError(whyNone(plan, temporary), watched.blocked(), apiKey));
  if (outputs.length > MOST_OUTPUTS) {
    const message = `The workflow left more than ${MOST_OUTPUTS} results`;
    throw new JobFailure(jobError('OUTPUT_INVALID', message, { retryable: false }));
  }
  return outputs;
}

function whyNone({ graph, outputs }: Plan, temporary: string[]): string {
  if (outputs) return 'The workflow ended well, and none of the nodes that are its outputs left a result';
  if (temporary.length === 0) return 'The workflow ended well and left no result';
  const nodes = temporary.map((node) => named(node, graph)).join(', ');
  return `The workflow left only temporary files: name their nodes as its outputs to have them (${nodes})`;
}

function named(node: string, graph: Graph): string {
  return Object.hasOwn(graph, node) ? `${graph[node]?.class_type} ${node}` : node;
}
