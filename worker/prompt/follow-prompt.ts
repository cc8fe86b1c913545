import { hedge } from '../../src/async/hedge.ts';
import { wait } from '../../src/async/wait.ts';
import type { Plan } from '../../src/core/plan.ts';
import type { Attempt } from '../attempt/attempt.ts';
import type { EndedPrompt, PromptState } from '../comfyui/client.ts';
import { ComfyError } from '../comfyui/http.ts';
import type { Backend } from '../pool/backend.ts';
import type { Timings } from '../timings.ts';
import type { PromptFeed } from './prompt-feed.ts';
import { type WithdrawParts, withdrawWaiting } from './withdraw.ts';

/**
 * How a prompt ended: on evidence of history, or `lost` with its server. `begun`: it was no longer waiting in the queue
 * there. `withdrawn`: it never ran, and another one is to be submitted at the server of the attempt's new slot.
 */
export type Ending = EndedPrompt | { state: 'lost'; begun: boolean } | { state: 'withdrawn' };

/** An ending that says how the attempt goes on. */
export type Judgeable = Exclude<Ending, { state: 'withdrawn' }>;

export interface PromptToFollow {
  promptId: string;
  feed: PromptFeed;
  /** The prompt is an earlier worker's, or its POST had no clear answer: look at once whether the server has it. */
  lookFirst: boolean;
}

/**
 * Waits for the end of a prompt at the attempt's server. Unless it is lost, nothing of it is alive then. Throws what
 * `withdrawWaiting` throws.
 */
export async function followPrompt(
  prompt: PromptToFollow,
  attempt: Attempt,
  plan: Plan,
  parts: WithdrawParts,
): Promise<Ending> {
  const ending = await waitForEnd(prompt, attempt, plan, parts);
  if (ending.state !== 'lost') attempt.state.promptOver();
  return ending;
}

/**
 * Messages only say when to look; a look every two seconds finds what no message said. A server that is silent is
 * waited for; one that refuses connections or answers nonsense is `lost` after a while.
 */
async function waitForEnd(
  { promptId, feed, lookFirst }: PromptToFollow,
  attempt: Attempt,
  plan: Plan,
  parts: WithdrawParts,
): Promise<Ending> {
  const { signal } = attempt;
  const { backend } = attempt.state.slot;
  const { timings } = parts;
  let failingSince: number | undefined;
  let contact = !lookFirst;
  let failures = 0;
  let silentLooks = 0;
  let begun = false;

  for (let pauseMs = lookFirst ? 0 : timings.poll; ; ) {
    if (pauseMs > 0) await feed.next(pauseMs, signal);
    try {
      const state = await look(backend, promptId, feed, signal, timings);
      if (isEnded(state)) {
        // Found by looking, where a message should have come.
        if (state.state === 'finished') feed.expectEnd();
        return state;
      }
      if (state.state === 'pending') {
        attempt.restartClock();
        if (await withdrawWaiting(promptId, attempt, plan, parts)) return { state: 'withdrawn' };
      }
      if (state.state === 'running') {
        begun = true;
        feed.found();
      }
      silentLooks = state.state === 'running' && !feed.active ? silentLooks + 1 : 0;
      if (silentLooks > 1) feed.suspect();
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
        return { state: 'lost', begun: begun || feed.active };
      }
      pauseMs = Math.min(timings.poll, 100 * 2 ** failures++);
    }
  }
}

/** The machine answers and nobody listens there: the server's process has ended, and every prompt with it. */
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
  return await hedge(
    (callSignal) => client.find(promptId, { signal: callSignal, timeoutMs }),
    timings.lookAgain,
    signal,
  );
}
