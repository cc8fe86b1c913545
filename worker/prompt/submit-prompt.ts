import { wait } from '../../src/async/wait.ts';
import type { Plan } from '../../src/core/plan.ts';
import type { Attempt } from '../attempt/attempt.ts';
import { JobFailure, Retry, rejectionError } from '../attempt/failures.ts';
import { ComfyError } from '../comfyui/http.ts';
import type { PromptMessage } from '../comfyui/messages.ts';
import { isolateOutputs, promptIdOf, withReplaceable } from '../comfyui/prompt.ts';
import type { Backend } from '../pool/backend.ts';
import type { Pool } from '../pool/pool.ts';
import type { Timings } from '../timings.ts';
import type { PromptToFollow } from './follow-prompt.ts';
import { listenToPrompt } from './prompt-feed.ts';
import type { Reaper } from './reaper.ts';

export interface SubmitParts {
  /** The client id of this worker at every ComfyUI. */
  workerId: string;
  pool: Pool;
  reaper: Reaper;
  /** `preview_method` of every prompt. */
  previewMethod: string;
  timings: Timings;
}

/**
 * `perhaps`: the POST had no clear answer, and the server knows the prompt or does not say. `absent`: it had none, and
 * the server does not know the prompt.
 */
type PostOutcome = 'taken' | 'perhaps' | 'absent';

/** How long a connection that is just being made is waited for. */
const SOCKET_OPENS_WITHIN_MS = 500;
const LOOK_UP_EVERY_MS = 200;

/**
 * Submits the job's next prompt to the server of the attempt's slot; the caller disposes the feed. Gives null when the
 * POST had no clear answer and the server does not know the prompt: then the next one may be tried. Throws JobFailure
 * when the graph is refused, ComfyError `unreachable` when the server is not there.
 */
export async function submitPrompt(
  attempt: Attempt,
  { graph, editorWorkflow }: Pick<Plan, 'graph' | 'editorWorkflow'>,
  afresh: ReadonlySet<string>,
  onMessage: (message: PromptMessage) => void,
  parts: SubmitParts,
): Promise<PromptToFollow | null> {
  const { job, signal, state } = attempt;
  const { backend } = state.slot;
  const previous = attempt.submission;
  const number = (previous?.number ?? 0) + 1;
  const promptId = promptIdOf(job.id, number);

  // Before the POST: whoever comes after a crash must know what to ask for, and where.
  await attempt.submit({ number, backend: backend.name, client: parts.workerId });
  signal.throwIfAborted();
  using cleanup = new DisposableStack();
  const feed = cleanup.use(listenToPrompt(backend.socket, promptId, onMessage, true));
  state.promptStarted(promptId);
  await backend.socket.opened(SOCKET_OPENS_WITHIN_MS, signal);
  // A process that was stopped meanwhile may have a successor, which has submitted the job anew.
  await attempt.confirm(parts.timings.leaseFresh);
  const sent = withReplaceable(graph, backend.nodeDefinitions());
  const isolated = isolateOutputs(sent, promptId, backend.outputClasses(), afresh);
  const outcome = await post(attempt, promptId, { graph: isolated, editorWorkflow }, parts);
  if (outcome === 'absent') return null;

  // The record names the new prompt by now, so nobody will ever look for the old one, which may be alive.
  const old = previous && parts.pool.get(previous.backend);
  if (old) void parts.reaper.cancel(old, promptIdOf(job.id, previous.number), job.id);
  if (old && old !== backend && job.failures > 0) parts.pool.reportFailure(old.name);
  cleanup.move();
  return { promptId, feed, lookFirst: outcome === 'perhaps' };
}

async function post(
  attempt: Attempt,
  promptId: string,
  prompt: Pick<Plan, 'graph' | 'editorWorkflow'>,
  parts: SubmitParts,
): Promise<PostOutcome> {
  const { signal, log, state, apiKey } = attempt;
  const { workerId, previewMethod, reaper, timings } = parts;
  const { slot } = state;
  const { backend } = slot;
  try {
    const submitted = await backend.client.submit(
      { ...prompt, promptId, clientId: workerId, previewMethod, apiKey },
      signal,
    );
    slot.report('succeeded');
    if (submitted.outcome === 'accepted') return 'taken';
    if (submitted.outcome === 'partly') await reaper.cancel(backend, promptId, attempt.job.id);
    state.promptOver();
    throw new JobFailure(rejectionError(submitted.rejection));
  } catch (cause) {
    signal.throwIfAborted();
    if (!(cause instanceof ComfyError)) throw cause;
    slot.report('failed');
    log.warn({ failure: cause.failure, status: cause.status }, 'prompt not answered');
    if (cause.failure === 'unreachable') {
      state.promptOver();
      throw cause;
    }
    // The server has finished with this POST, so one look shows whether it failed before or after it took the prompt.
    const done = cause.status === 500;
    if (await isKnown(backend, promptId, signal, done ? 0 : timings.lookUp)) return 'perhaps';
    if (!done) return 'absent';
    state.promptOver();
    // Where the server answers everything else, the graph may be at fault, for which other jobs must not suffer.
    if (await answersOtherwise(backend, signal)) slot.report('abandoned');
    // The job waits in the queue, not here, since others wait for the slot.
    throw new Retry('comfyui failed on the prompt', { counts: true, cause });
  }
}

async function answersOtherwise({ client }: Backend, signal: AbortSignal): Promise<boolean> {
  try {
    await client.queueLength({ signal });
    return true;
  } catch (cause) {
    signal.throwIfAborted();
    if (!(cause instanceof ComfyError)) throw cause;
    return false;
  }
}

/** Whether the server knows the prompt after a POST without a clear answer, which it may still be reading. */
async function isKnown({ client }: Backend, promptId: string, signal: AbortSignal, forMs: number): Promise<boolean> {
  const until = performance.now() + forMs;
  for (;;) {
    try {
      const { state } = await client.find(promptId, { signal });
      if (state !== 'absent') return true;
      if (performance.now() >= until) return false;
    } catch (cause) {
      signal.throwIfAborted();
      if (!(cause instanceof ComfyError)) throw cause;
      // Following it finds out whether the server is silent, or lost.
      if (performance.now() >= until) return true;
    }
    await wait(LOOK_UP_EVERY_MS, signal);
  }
}
