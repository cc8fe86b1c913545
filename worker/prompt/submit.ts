import { wait } from '../../src/async/sleep.ts';
import type { Graph } from '../../src/core/graph.ts';
import type { Attempt } from '../attempt/attempt.ts';
import { JobFailure, Retry, rejectionError } from '../attempt/failures.ts';
import { ComfyError } from '../comfyui/http.ts';
import type { PromptMessage } from '../comfyui/messages.ts';
import { isolateOutputs, promptIdOf } from '../comfyui/prompt.ts';
import type { JobParts } from '../parts.ts';
import type { Backend, BackendSlot } from '../pool/backend.ts';
import { listenToPrompt, type PromptFeed } from './prompt-feed.ts';

/** A prompt of this attempt; disposing it stops listening. */
export interface SubmittedPrompt extends Disposable {
  backend: Backend;
  promptId: string;
  feed: PromptFeed;
  /** Its POST was answered clearly by this attempt; otherwise it must be looked for. */
  certain: boolean;
}

/** For the first `status` of a connection that is just being made. */
const SOCKET_OPENS_WITHIN_MS = 500;
const LOOK_UP_EVERY_MS = 200;

/** Listens to a prompt: one that this attempt is about to post (`ours`), or an earlier one that may be at this server. */
export function attachPrompt(
  attempt: Attempt,
  backend: Backend,
  promptId: string,
  onMessage: (message: PromptMessage) => void,
  ours: boolean,
  socket = backend.socket,
): SubmittedPrompt {
  const feed = listenToPrompt(socket, promptId, onMessage, ours);
  attempt.prompt = { backend, promptId };
  return { backend, promptId, feed, certain: ours, [Symbol.dispose]: () => feed[Symbol.dispose]() };
}

/**
 * Submits the job's next prompt. Gives null when the POST was not answered and the server does not know the prompt: then the one
 * after it may be tried. Throws JobFailure when the graph is refused, ComfyError `unreachable` when the server is not there.
 */
export async function submitPrompt(
  attempt: Attempt,
  slot: BackendSlot,
  graph: Graph,
  onMessage: (message: PromptMessage) => void,
  parts: JobParts,
): Promise<SubmittedPrompt | null> {
  const { job, signal } = attempt;
  const { backend } = slot;
  const previous = attempt.submission;
  const number = (previous?.number ?? 0) + 1;
  const promptId = promptIdOf(job.id, number);

  const beganAt = performance.now();
  // Before the POST: whoever comes after a crash must know what to ask for, and where.
  await attempt.move({ move: 'submit', submission: { number, backend: backend.name, client: parts.workerId } });
  signal.throwIfAborted();
  const prompt = attachPrompt(attempt, backend, promptId, onMessage, true);
  try {
    await backend.socket.opened(SOCKET_OPENS_WITHIN_MS, signal);
    // A process that was stopped meanwhile may have a successor, which has submitted the job anew.
    if (performance.now() - beganAt > parts.timings.leaseFresh) await attempt.confirm();
    const taken = await post(prompt, slot, isolateOutputs(graph, promptId, backend.outputClasses()), attempt, parts);
    if (taken) {
      // The record names the new one by now, so nobody will ever ask for what may be left of the old one.
      const old = previous && parts.pool.get(previous.backend);
      if (old) void parts.reaper.cancel(old, promptIdOf(job.id, previous.number), job.id);
      if (old && old !== backend && job.failures > 0) parts.pool.reportFailure(old.name);
      return prompt;
    }
  } catch (cause) {
    prompt[Symbol.dispose]();
    throw cause;
  }
  prompt[Symbol.dispose]();
  return null;
}

/** Whether the server has the prompt. */
async function post(
  prompt: SubmittedPrompt,
  slot: BackendSlot,
  graph: Graph,
  attempt: Attempt,
  { workerId, previewMethod, reaper, timings }: JobParts,
): Promise<boolean> {
  const { backend, promptId } = prompt;
  const { signal, log } = attempt;
  try {
    const submitted = await backend.client.submit({ promptId, clientId: workerId, graph, previewMethod }, signal);
    slot.report('succeeded');
    if (submitted.outcome === 'accepted') return true;
    if (submitted.outcome === 'partly') await reaper.cancel(backend, promptId, attempt.job.id);
    attempt.prompt = null;
    throw new JobFailure(rejectionError(submitted.rejection));
  } catch (cause) {
    signal.throwIfAborted();
    if (!(cause instanceof ComfyError)) throw cause;
    slot.report('failed');
    log.warn({ failure: cause.failure, status: cause.status }, 'prompt not answered');
    if (cause.failure === 'unreachable') {
      attempt.prompt = null;
      throw cause;
    }
    prompt.certain = false;
    // It is done with this POST, so one look tells whether it failed before or behind taking the prompt.
    const done = cause.status === 500;
    const known = await isKnown(prompt, signal, done ? 0 : timings.lookUp);
    if (known || !done) return known;
    attempt.prompt = null;
    // Where everything else is answered it may be the graph, of which other jobs are not to suffer.
    if (await isWell(backend, signal)) slot.report('abandoned');
    // Into the queue meanwhile: others wait for the place.
    throw new Retry('comfyui failed on the prompt', { counts: true, cause });
  }
}

async function isWell({ client }: Backend, signal: AbortSignal): Promise<boolean> {
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
async function isKnown({ backend, promptId }: SubmittedPrompt, signal: AbortSignal, forMs: number): Promise<boolean> {
  const until = performance.now() + forMs;
  for (;;) {
    try {
      const { state } = await backend.client.find(promptId, { signal });
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
