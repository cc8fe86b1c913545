import type { QueueHead } from '../comfyui/client.ts';

export interface StallOptions {
  /** How long prompts wait while none runs. */
  notTakenMs: number;
  /** How long a prompt goes on running after its cancel. */
  outlivedMs: number;
  /** How long any prompt runs. */
  longestMs: number;
  /** How long a server that took none of the prompts that waited is left alone once none waits any more. */
  leftAloneMs: number;
  /** Milliseconds that only grow; default performance.now. */
  now?: () => number;
}

/** What is wrong with a server, for a person, and the prompt that does not end there, if that is it. */
export interface Stall {
  message: string;
  promptId: string | null;
}

/**
 * Tells whether a server that answers works off its queue. Its HTTP side lives on when the one thread that runs prompts
 * has died, and only a restart helps then. None of the signs is a node's silence, since an honest node may be silent
 * for many minutes. A sign may be mistaken all the same: the server is given work again as soon as its queue moves.
 */
export interface StallWatch {
  /** Takes what a look has shown, null where it has shown nothing. Null while the server works. */
  look(head: QueueHead | null): Stall | null;
  /** The server took the cancel of this prompt, which may run there. */
  cancelled(promptId: string): void;
  /** Another worker has found that this prompt does not end there. */
  foundStuck(promptId: string): void;
  /** The server may have been restarted. */
  reset(): void;
}

type State =
  /** Nothing runs and nothing waits. */
  | { state: 'empty' }
  | { state: 'runs'; promptId: string; sinceMs: number }
  /** Prompts wait and none runs. Between two prompts that is so for moments. */
  | { state: 'takesNone'; sinceMs: number }
  /** It took none for too long, and none waits any more, since they were taken away. */
  | { state: 'leftAlone'; untilMs: number };

const TAKES_NONE: Stall = {
  message: 'it answers and runs none of the prompts that wait there: restart this ComfyUI',
  promptId: null,
};
const NEVER_ENDS =
  'it answers and does not end the prompt that runs there: restart this ComfyUI, unless that prompt may take so long';

export function createStallWatch(options: StallOptions): StallWatch {
  const { notTakenMs, outlivedMs, longestMs, leftAloneMs, now = () => performance.now() } = options;
  const cancels = new Map<string, number>();
  let current: State = { state: 'empty' };
  let stall: Stall | null = null;

  function next({ running, pending }: QueueHead, at: number): State {
    if (running !== null) {
      if (current.state === 'runs' && current.promptId === running) return current;
      return { state: 'runs', promptId: running, sinceMs: at };
    }
    if (pending > 0) {
      if (current.state === 'takesNone') return current;
      return { state: 'takesNone', sinceMs: current.state === 'leftAlone' ? at - notTakenMs : at };
    }
    if (current.state === 'takesNone' && stall !== null) return { state: 'leftAlone', untilMs: at + leftAloneMs };
    return current.state === 'leftAlone' && at < current.untilMs ? current : { state: 'empty' };
  }

  function stallOf(state: State, at: number): Stall | null {
    switch (state.state) {
      case 'empty':
        return null;
      case 'leftAlone':
        return TAKES_NONE;
      case 'takesNone':
        return at - state.sinceMs >= notTakenMs ? TAKES_NONE : null;
      case 'runs': {
        const { promptId, sinceMs } = state;
        const neverEnds = at - (cancels.get(promptId) ?? at) >= outlivedMs || at - sinceMs >= longestMs;
        return neverEnds ? { message: NEVER_ENDS, promptId } : null;
      }
    }
  }

  return {
    look(head) {
      if (!head) return stall;
      const at = now();
      current = next(head, at);
      stall = stallOf(current, at);
      for (const [id, cancelledMs] of cancels) {
        if (id !== head.running && at - cancelledMs >= outlivedMs) cancels.delete(id);
      }
      return stall;
    },
    cancelled(promptId) {
      if (!cancels.has(promptId)) cancels.set(promptId, now());
    },
    foundStuck: (promptId) => void cancels.set(promptId, Number.NEGATIVE_INFINITY),
    reset() {
      // A prompt that still runs has outlived whatever happened, and goes on being judged: it may have been no restart.
      if (current.state !== 'runs') current = { state: 'empty' };
      stall = null;
    },
  };
}
