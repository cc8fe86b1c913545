import { hedge } from '../../src/async/hedge.ts';
import { wait } from '../../src/async/sleep.ts';
import type { Attempt } from '../attempt/attempt.ts';
import type { EndedPrompt, PromptState } from '../comfyui/client.ts';
import { ComfyError } from '../comfyui/http.ts';
import type { JobParts } from '../parts.ts';
import type { Backend } from '../pool/backend.ts';
import type { Timings } from '../timings.ts';
import type { PromptFeed } from './prompt-feed.ts';
import type { SubmittedPrompt } from './submit.ts';

/** How a prompt ended: on evidence of history, or `lost` with its server. `begun`: it was no longer waiting in the queue there. */
export type Ending = EndedPrompt | { state: 'lost'; begun: boolean };

interface FollowOptions {
  backend: Backend;
  promptId: string;
  feed: PromptFeed;
  signal: AbortSignal;
  timings: Timings;
  /** The prompt is an earlier worker's, or its POST had no clear answer: look at once. */
  lookFirst: boolean;
}

/** Waits for the end of a prompt of this attempt, which then has none to cancel. */
export async function followAttached(
  prompt: SubmittedPrompt,
  attempt: Attempt,
  { timings }: JobParts,
): Promise<Ending> {
  const { backend, promptId, feed, certain } = prompt;
  const { signal } = attempt;
  const ending = await followPrompt({ backend, promptId, feed, signal, timings, lookFirst: !certain });
  if (ending.state !== 'lost') attempt.prompt = null;
  return ending;
}

/**
 * Waits for a prompt's end. Messages only tell when to look; looks every two seconds find what messages do not tell. A server
 * that is silent is waited for; one that refuses connections or answers nonsense is `lost` after a while.
 */
async function followPrompt(options: FollowOptions): Promise<Ending> {
  const { backend, promptId, feed, signal, timings, lookFirst } = options;
  let failingSince: number | undefined;
  let contact = !lookFirst;
  let failures = 0;
  let untold = 0;
  let begun = false;

  for (let pauseMs = lookFirst ? 0 : timings.poll; ; ) {
    if (pauseMs > 0) await feed.next(pauseMs, signal);
    try {
      const state = await look(backend, promptId, feed, signal, timings);
      if (isEnded(state)) {
        // Told by looking where the socket should have told.
        if (state.state === 'finished') feed.expectEnd();
        return state;
      }
      begun ||= state.state === 'running';
      untold = state.state === 'running' && !feed.told ? untold + 1 : 0;
      if (untold > 1) feed.suspect();
      contact = true;
      failingSince = undefined;
      failures = 0;
      pauseMs = timings.poll;
    } catch (cause) {
      signal.throwIfAborted();
      if (!(cause instanceof ComfyError)) throw cause;
      // It may only be busy: a node, or loading a model, can hold up every answer for minutes.
      const silent = cause.failure === 'timeout';
      failingSince = silent ? undefined : (failingSince ?? performance.now());
      const patienceMs = !contact ? timings.firstContact : isRefused(cause) ? timings.refused : timings.lost;
      if (failingSince !== undefined && performance.now() - failingSince >= patienceMs) {
        return { state: 'lost', begun: begun || feed.told };
      }
      pauseMs = Math.min(timings.poll, 100 * 2 ** failures++);
    }
  }
}

/** Its machine is there and nobody listens: its process has ended, and every prompt with it. */
function isRefused({ cause }: ComfyError): boolean {
  return cause instanceof Error && 'code' in cause && cause.code === 'ECONNREFUSED';
}

function isEnded(state: PromptState): state is EndedPrompt {
  return state.state !== 'pending' && state.state !== 'running';
}

/** History shows a prompt some moments after `execution_success` was sent. */
const HISTORY_PAUSES_MS = [5, 10, 20, 50, 100, 200, 400];

async function look(
  { client }: Backend,
  promptId: string,
  feed: PromptFeed,
  signal: AbortSignal,
  timings: Timings,
): Promise<PromptState> {
  const timeoutMs = timings.look;
  if (feed.takeEnd()) {
    for (const pauseMs of HISTORY_PAUSES_MS) {
      const entry = await client.history(promptId, { signal, timeoutMs }).catch((cause) => {
        // `find` says what a 500 means.
        if (cause instanceof ComfyError && cause.failure === 'status') return undefined;
        throw cause;
      });
      if (entry) return { state: 'finished', entry };
      if (entry === undefined) break;
      await wait(pauseMs, signal);
    }
  }
  return await hedge((asked) => client.find(promptId, { signal: asked, timeoutMs }), timings.lookAgain, signal);
}
