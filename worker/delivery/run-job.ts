import type { Plan } from '../../src/core/plan.ts';
import type { Attempt } from '../attempt/attempt.ts';
import { JobFailure, jobError } from '../attempt/failures.ts';
import type { Inputs } from '../inputs/open-inputs.ts';
import { deliverOutputs, type OutputParts } from '../outputs/deliver-outputs.ts';
import { type EarlierPromptParts, followEarlierPrompt } from '../prompt/earlier-prompt.ts';
import { judgeEnding } from '../prompt/judge-ending.ts';
import { runPrompt } from '../prompt/run-prompt.ts';
import type { SubmitParts } from '../prompt/submit-prompt.ts';
import { type WatchParts, watchPrompt } from '../prompt/watch-prompt.ts';

export interface RunJobParts extends EarlierPromptParts, SubmitParts, WatchParts, OutputParts {}

/** Prompts that one attempt submits at most: one may fail through no fault of the graph. */
const MOST_PROMPTS = 2;
/** A job that was taken over from dead workers more often than this is likely to kill them. */
const MOST_TAKEOVERS = 10;

/**
 * One attempt that holds a slot, from its claim to SUCCEEDED. However else it ends is thrown: JobFailure, Retry, the
 * attempt's Stopped, or a bug.
 */
export async function runJob(attempt: Attempt, plan: Plan, inputs: Inputs, parts: RunJobParts): Promise<void> {
  if (attempt.job.takeovers > MOST_TAKEOVERS) {
    throw new JobFailure(jobError('INTERNAL', 'Given up: too many workers died of this job'));
  }
  await using watch = watchPrompt(attempt, plan, parts);
  let submitted = 0;
  let outOfMemory = false;
  // An earlier attempt that has submitted more than one prompt may have had the other try.
  let interrupted = (attempt.submission?.number ?? 0) > 1;
  let stale = false;
  const afresh = new Set<string>();

  let ending = await followEarlierPrompt(attempt, plan, watch, parts);
  for (;;) {
    if (ending) {
      // One that succeeded with results of an earlier prompt has not failed.
      const another = submitted < MOST_PROMPTS + (stale ? 1 : 0);
      const allowed = {
        another,
        anotherAfterOutOfMemory: another && !outOfMemory,
        anotherAfterInterruption: another && !interrupted,
        anotherAfterStale: !stale,
      };
      const judged = await judgeEnding(ending, attempt, plan, watch, allowed);
      if (judged.verdict === 'succeeded') return await deliverOutputs(judged.entry, attempt, plan, watch, parts);
      outOfMemory ||= judged.reason === 'outOfMemory';
      interrupted ||= judged.reason === 'interrupted';
      stale ||= judged.reason === 'stale';
      if ('afresh' in judged) for (const node of judged.afresh) afresh.add(node);
    }
    ending = await runPrompt(attempt, plan, inputs, watch, afresh, parts);
    if (ending) submitted++;
  }
}
