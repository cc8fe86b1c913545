import type { Plan } from '../../src/core/plan.ts';
import type { ComfyClient } from '../comfyui/client.ts';
import type { HistoryEntry } from '../comfyui/history.ts';
import { ComfyError } from '../comfyui/http.ts';
import { readOutcome } from '../comfyui/outcome.ts';
import { promptIdOf } from '../comfyui/prompt.ts';
import { reasonOf } from '../comfyui/redact.ts';
import { type Inputs, openInputs } from '../inputs/open-inputs.ts';
import { deliver } from '../outputs/deliver.ts';
import type { JobParts } from '../parts.ts';
import { followEarlierPrompt } from '../prompt/earlier-prompt.ts';
import { type Ending, followAttached } from '../prompt/follow.ts';
import { submitPrompt } from '../prompt/submit.ts';
import { type PromptWatch, watchPrompt } from '../prompt/watch-prompt.ts';
import { type Attempt, Stopped } from './attempt.ts';
import { type Berth, type Course, moveOn } from './attempt-state.ts';
import { executionError, isOutOfMemory, JobFailure, jobError, Retry } from './failures.ts';
import { inPromptSpan } from './spans.ts';

/** Prompts that one attempt submits at most: one may fail through no fault of the graph. */
const PROMPTS_AT_MOST = 2;

/**
 * One attempt, from its claim to SUCCEEDED. Everything else is thrown: JobFailure, Retry, the attempt's Stopped, or a bug.
 */
export async function runJob(attempt: Attempt, plan: Plan, berth: Berth, parts: JobParts): Promise<void> {
  const { job } = attempt;
  if (job.takeovers > MOST_TAKEOVERS) {
    throw new JobFailure(jobError('INTERNAL', 'Given up: too many workers died of this job'));
  }
  await using inputs = openInputs(plan, attempt, parts);
  await using watch = watchPrompt(attempt, plan.graph, berth.slot, parts);
  const course: Course = { plan, berth, gone: new Set(), submitted: 0, outOfMemory: 0 };

  let ending = await followEarlierPrompt(attempt, course, watch, parts);
  for (;;) {
    const entry = ending && (await judge(ending, attempt, course));
    if (entry && !lostImages(attempt, course, watch)) {
      return await deliver(entry, attempt, berth.slot, plan, watch, parts);
    }
    ending = await runPrompt(attempt, course, inputs, watch, parts);
  }
}

/**
 * Submits a prompt and follows it to its end; null when nothing was submitted, since the server is gone (there is another one now)
 * or lacks an input file.
 */
async function runPrompt(
  attempt: Attempt,
  course: Course,
  inputs: Inputs,
  watch: PromptWatch,
  parts: JobParts,
): Promise<Ending | null> {
  const { berth } = course;
  const { backend } = berth.slot;
  try {
    const graph = await inputs.place(backend);
    watch.restart(berth.slot);
    return await inPromptSpan(backend.name, watch, async () => {
      using prompt = await submitPrompt(attempt, berth.slot, graph, watch.onMessage, parts);
      course.submitted++;
      if (!prompt) return { state: 'absent' };
      const ending = await followAttached(prompt, attempt, parts);
      if (ending.state === 'finished') await watch.images.settle(attempt.signal);
      return ending;
    });
  } catch (cause) {
    if (inputs.wasMissing(backend, cause)) return null;
    if (!(cause instanceof ComfyError && cause.failure === 'unreachable')) throw cause;
    attempt.log.info({ at: backend.name }, 'comfyui is gone');
    course.gone.add(backend.name);
    moveOn(attempt, course, parts.pool);
    return null;
  }
}

/** A job that was taken from a dead worker so often kills them. */
const MOST_TAKEOVERS = 10;

/** The entry of a prompt that succeeded; null when another may be submitted in its place. Throws what ends the attempt. */
async function judge(ending: Ending, attempt: Attempt, course: Course): Promise<HistoryEntry | null> {
  const { slot } = course.berth;
  if (attempt.cancelRequested) throw new Stopped('canceled');
  if (ending.state === 'unreadable') throw unreadable(attempt, slot.backend.client);
  const outcome = ending.state === 'finished' ? readOutcome(ending.entry) : { outcome: ending.state };
  if (outcome.outcome === 'success' && ending.state === 'finished') return ending.entry;
  const last = course.submitted >= PROMPTS_AT_MOST;
  if ('failure' in outcome) {
    if (!isOutOfMemory(outcome.failure)) throw new JobFailure(executionError(outcome.failure));
    // Also after the last time: those that come after it are not to suffer from what it left.
    await slot.backend.client.free(attempt.signal).catch(logged(attempt, 'memory not freed'));
    if (++course.outOfMemory > 1 || last) throw new JobFailure(executionError(outcome.failure));
    attempt.log.warn({ at: slot.backend.name }, 'out of memory, freed it and trying once more');
    return null;
  }
  // Interrupted by somebody else, gone with a restart of its server, or with the server itself.
  attempt.log.warn({ at: slot.backend.name, outcome: outcome.outcome }, 'prompt lost');
  if (outcome.outcome !== 'lost' && !last) return null;
  slot.report('failed');
  // One that only waited there has no part in the end of its server.
  throw new Retry(`prompt ${outcome.outcome}`, { counts: ending.state !== 'lost' || ending.begun });
}

/** Whether pictures that come over the socket alone were not heard. ComfyUI has kept all but the node that sends them. */
function lostImages(attempt: Attempt, { plan, submitted }: Course, { images }: PromptWatch): boolean {
  const nodes = images.missing(plan.outputs);
  if (nodes.length === 0) return false;
  attempt.log.warn({ nodes }, 'pictures sent over the socket were lost');
  if (submitted >= PROMPTS_AT_MOST) throw new Retry('pictures lost with their socket', { counts: true });
  return true;
}

/** A node's answer that is no JSON spoils its history entry, and the whole history with it, until it is deleted. */
function unreadable(attempt: Attempt, client: ComfyClient): JobFailure {
  const { job, submission } = attempt;
  return new JobFailure(jobError('EXECUTION_FAILED', 'ComfyUI cannot tell what the prompt made'), {
    afterwards: () => client.deleteHistory(promptIdOf(job.id, submission?.number ?? 0), AbortSignal.timeout(5_000)),
  });
}

/** For what is done on the side: its failure is logged and changes nothing. */
function logged({ log, signal }: Attempt, message: string) {
  return (cause: unknown) => {
    if (!signal.aborted) log.debug({ reason: reasonOf(cause) }, message);
  };
}
