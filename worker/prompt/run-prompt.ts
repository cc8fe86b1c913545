import type { Plan } from '../../src/core/plan.ts';
import type { Attempt } from '../attempt/attempt.ts';
import { ComfyError } from '../comfyui/http.ts';
import { imagesAnnounced } from '../comfyui/outputs.ts';
import type { Inputs } from '../inputs/open-inputs.ts';
import { changeServer } from './change-server.ts';
import { followPrompt, type Judgeable } from './follow-prompt.ts';
import { inPromptSpan } from './prompt-span.ts';
import { type SubmitParts, submitPrompt } from './submit-prompt.ts';
import type { PromptWatch } from './watch-prompt.ts';

/**
 * Submits a prompt to the attempt's server and follows it to its end. Null when nothing ran and it can be tried again
 * at once: the server had lost an input file, or the attempt holds a slot at another server, since this one is gone or
 * the prompt only waited there. `afresh`: nodes that must not answer from the server's cache.
 */
export async function runPrompt(
  attempt: Attempt,
  plan: Plan,
  inputs: Inputs,
  watch: PromptWatch,
  afresh: ReadonlySet<string>,
  parts: SubmitParts,
): Promise<Judgeable | null> {
  const { log, signal, state } = attempt;
  const { backend } = state.slot;
  try {
    const graph = await inputs.place(backend, signal);
    watch.restart();
    const ending = await inPromptSpan(backend.name, watch, async () => {
      const prompt = await submitPrompt(attempt, { ...plan, graph }, afresh, watch.onMessage, parts);
      if (!prompt) return { state: 'absent' };
      using _feed = prompt.feed;
      const ended = await followPrompt(prompt, attempt, plan, parts);
      if (ended.state === 'finished') await watch.images.settle(signal, imagesAnnounced(ended.entry, plan.graph));
      return ended;
    });
    return ending.state === 'withdrawn' ? null : ending;
  } catch (cause) {
    if (inputs.wasMissing(backend, cause)) return null;
    if (!(cause instanceof ComfyError && cause.failure === 'unreachable')) throw cause;
    log.info({ at: backend.name }, 'comfyui is gone');
    state.serverGone();
    changeServer(attempt, plan, parts.pool);
    return null;
  }
}
