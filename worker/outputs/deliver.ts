import type { Graph } from '../../src/core/graph.ts';
import type { Plan } from '../../src/core/plan.ts';
import type { Attempt } from '../attempt/attempt.ts';
import { JobFailure, jobError } from '../attempt/failures.ts';
import type { HistoryEntry } from '../comfyui/history.ts';
import { collectOutputs, MOST_OUTPUTS, type PromptOutput } from '../comfyui/outputs.ts';
import { promptIdOf } from '../comfyui/prompt.ts';
import { reasonOf } from '../comfyui/redact.ts';
import type { JobParts } from '../parts.ts';
import type { BackendSlot } from '../pool/backend.ts';
import type { PromptWatch } from '../prompt/watch-prompt.ts';
import { isFull, noRoom, storeOutputs } from './store-outputs.ts';

/** The server's history is bounded: what stays in it does no harm. */
const TIDY_WITHIN_MS = 2_000;

/** Brings what a prompt has made into storage, and ends the job as SUCCEEDED. */
export async function deliver(
  entry: HistoryEntry,
  attempt: Attempt,
  slot: BackendSlot,
  plan: Plan,
  watch: PromptWatch,
  { artifacts: store, readMedia, tempDir, timings, metrics }: JobParts,
): Promise<void> {
  const { job, log, submission } = attempt;
  const { client } = slot.backend;
  slot.report('succeeded');
  const outputs = await outputsOf(entry, plan, watch);
  const began = performance.now();
  const artifacts = await storeOutputs(outputs, {
    attempt,
    plan,
    client,
    artifacts: store,
    readMedia,
    tempDir,
    timings,
  });
  metrics?.jobUploaded((performance.now() - began) / 1000);
  const status = await attempt.move({
    move: 'succeed',
    artifacts,
    progress: watch.completed(),
    timings: attempt.timings(),
  });
  log.info({ status, artifacts: artifacts.length }, 'job done');
  if (status !== 'SUCCEEDED' || !submission) return;
  // Only now: until then a successor would need it. Under a signal of its own: a look at the lease finds the job ended.
  const tidying = AbortSignal.timeout(TIDY_WITHIN_MS);
  await client.deleteHistory(promptIdOf(job.id, submission.number), tidying).catch((cause) => {
    log.debug({ reason: reasonOf(cause) }, 'history not deleted');
  });
}

/** Throws JobFailure when there is none, or more than a job may have. */
async function outputsOf(entry: HistoryEntry, plan: Plan, watch: PromptWatch): Promise<PromptOutput[]> {
  const images = await watch.images.images().catch((cause) => {
    throw isFull(cause) ? noRoom(cause) : cause;
  });
  const { outputs, temporary } = collectOutputs(entry, plan.graph, plan.outputs, images);
  if (outputs.length === 0) throw new JobFailure(jobError('NO_OUTPUT', whyNone(plan, temporary)));
  if (outputs.length > MOST_OUTPUTS) {
    throw new JobFailure(jobError('OUTPUT_INVALID', `The workflow left more than ${MOST_OUTPUTS} results`));
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
