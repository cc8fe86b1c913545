import type { Plan } from '../../src/core/plan.ts';
import { type Attempt, Stopped } from '../attempt/attempt.ts';
import { executionError, interruptedError, isOutOfMemory, JobFailure, jobError, Retry } from '../attempt/failures.ts';
import type { ComfyClient, FileReference } from '../comfyui/client.ts';
import type { HistoryEntry } from '../comfyui/history.ts';
import { ComfyError } from '../comfyui/http.ts';
import { readOutcome } from '../comfyui/outcome.ts';
import { imagesAnnounced, staleNodes } from '../comfyui/outputs.ts';
import { promptIdOf } from '../comfyui/prompt.ts';
import { reasonOf } from '../comfyui/redact.ts';
import type { Judgeable } from './follow-prompt.ts';
import type { PromptWatch } from './watch-prompt.ts';

/**
 * What the end of a prompt means for its attempt: its results can be fetched, or another prompt is submitted in its
 * place. `afresh`: nodes that must not answer from ComfyUI's cache there; `stale`: because they did.
 */
export type Verdict =
  | { verdict: 'succeeded'; entry: HistoryEntry }
  | { verdict: 'again'; reason: 'lost' | 'stale'; afresh: readonly string[] }
  | { verdict: 'again'; reason: 'interrupted' | 'outOfMemory' };

export interface Allowed {
  /** Whether the attempt may submit another prompt. */
  another: boolean;
  /** Whether it may do so after the server was out of memory. */
  anotherAfterOutOfMemory: boolean;
  /** Whether it may do so after its run was stopped. */
  anotherAfterInterruption: boolean;
  /** Whether it may do so after nodes answered from the cache. */
  anotherAfterStale: boolean;
}

/** Judges the end of a prompt of the attempt's server. Throws what ends the attempt. */
export async function judgeEnding(
  ending: Judgeable,
  attempt: Attempt,
  plan: Plan,
  { images }: PromptWatch,
  allowed: Allowed,
): Promise<Verdict> {
  const { log, signal, state } = attempt;
  const { slot } = state;
  const { client, name: at } = slot.backend;
  if (attempt.cancelRequested) throw new Stopped('canceled');
  if (ending.state === 'unreadable') throw unreadable(attempt);
  const outcome = ending.state === 'finished' ? readOutcome(ending.entry) : { outcome: ending.state };

  if (outcome.outcome === 'success' && ending.state === 'finished') {
    const { entry } = ending;
    // In either case the graph can be run again quickly: ComfyUI has cached all other nodes.
    const missing = images.missing(plan.outputs, imagesAnnounced(entry, plan.graph));
    if (missing.length > 0) {
      log.warn({ nodes: missing }, 'pictures sent over the socket were lost');
      if (!allowed.another) throw new Retry('pictures lost with their socket', { counts: true });
      return { verdict: 'again', reason: 'lost', afresh: missing };
    }
    const isThere = (file: FileReference) => holds(client, file, signal);
    const stale = allowed.anotherAfterStale ? await staleNodes(entry, plan.graph, plan.outputs, isThere) : [];
    if (stale.length === 0) return { verdict: 'succeeded', entry };
    log.info({ nodes: stale }, 'results of an earlier prompt, running their nodes anew');
    return { verdict: 'again', reason: 'stale', afresh: stale };
  }
  if ('failure' in outcome) {
    if (!isOutOfMemory(outcome.failure)) throw new JobFailure(executionError(outcome.failure, attempt.apiKey));
    // Also after the last prompt: what it left in memory must not make the next jobs fail.
    await client.free(signal).catch((cause) => {
      if (!signal.aborted) log.debug({ reason: reasonOf(cause) }, 'memory not freed');
    });
    if (!allowed.anotherAfterOutOfMemory) throw new JobFailure(executionError(outcome.failure, attempt.apiKey));
    log.warn({ at }, 'out of memory, freed it and trying once more');
    return { verdict: 'again', reason: 'outOfMemory' };
  }
  if (outcome.outcome === 'interrupted') {
    if (!allowed.anotherAfterInterruption) throw new JobFailure(interruptedError(outcome.at));
    log.warn({ at, nodeId: outcome.at.nodeId }, 'prompt interrupted, trying once more');
    return { verdict: 'again', reason: 'interrupted' };
  }
  // Deleted by somebody else, gone with a restart of its server, or with the server itself.
  log.warn({ at, outcome: outcome.outcome }, 'prompt lost');
  if (outcome.outcome !== 'lost' && allowed.another) return { verdict: 'again', reason: 'lost', afresh: [] };
  slot.report('failed');
  // A prompt that only waited in the queue did not bring its server down.
  throw new Retry(`prompt ${outcome.outcome}`, { counts: ending.state !== 'lost' || ending.begun });
}

/** Where the server does not say, whoever fetches the file finds out. */
async function holds(client: ComfyClient, file: FileReference, signal: AbortSignal): Promise<boolean> {
  try {
    const { body } = await client.view(file, signal);
    body.on('error', () => undefined);
    body.destroy();
    return true;
  } catch (cause) {
    signal.throwIfAborted();
    return !(cause instanceof ComfyError && cause.status === 404);
  }
}

/** A node's answer that is no JSON spoils its history entry, and the whole history with it, until it is deleted. */
function unreadable({ job, submission, state }: Attempt): JobFailure {
  const { client } = state.slot.backend;
  return new JobFailure(jobError('EXECUTION_FAILED', 'ComfyUI cannot tell what the prompt made'), {
    afterwards: () => client.deleteHistory(promptIdOf(job.id, submission?.number ?? 0), AbortSignal.timeout(5_000)),
  });
}
