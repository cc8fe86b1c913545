import type { Plan } from '../src/core/plan.ts';
import type { Attempt } from './attempt.ts';
import type { BackendLease } from './backends/pool.ts';
import type { HistoryEntry } from './comfyui/history.ts';
import { collectOutputs } from './comfyui/outputs.ts';
import { promptIdOf } from './comfyui/prompt.ts';
import { JobFailure, jobError } from './failures.ts';
import type { JobParts } from './parts.ts';
import { reasonOf } from './scrub.ts';
import { storeOutputs } from './store-outputs.ts';
import type { PromptWatch } from './watch-prompt.ts';

/** Brings what a prompt has made into storage, and ends the job as SUCCEEDED. */
export async function deliver(
  entry: HistoryEntry,
  attempt: Attempt,
  lease: BackendLease,
  plan: Plan,
  watch: PromptWatch,
  { artifacts: store, tempDir, timings }: JobParts,
): Promise<void> {
  const { job, log, submission, signal } = attempt;
  const { client } = lease.backend;
  lease.saw('succeeded');
  const outputs = collectOutputs(entry, plan.graph);
  if (outputs.length === 0) throw new JobFailure(jobError('NO_OUTPUT', 'The workflow ended well and left no result'));
  const artifacts = await storeOutputs(outputs, { attempt, client, artifacts: store, tempDir, timings });
  const status = await attempt.move({
    move: 'succeed',
    artifacts,
    progress: watch.completed(),
    timings: attempt.timings(),
  });
  log.info({ status, artifacts: artifacts.length }, 'job done');
  if (status !== 'SUCCEEDED' || !submission) return;
  // Only now: until then a successor would need it.
  await client.deleteHistory(promptIdOf(job.id, submission.number), signal).catch((cause) => {
    if (!signal.aborted) log.debug({ reason: reasonOf(cause) }, 'history not deleted');
  });
}
