import type { Graph } from '../src/core/graph.ts';
import type { Progress } from '../src/core/job.ts';
import { type Attempt, Stopped } from './attempt.ts';
import type { BackendLease } from './backends/pool.ts';
import type { PromptMessage } from './comfyui/messages.ts';
import type { JobParts } from './parts.ts';
import { applyMessage, completedProgress, startProgress } from './progress.ts';
import { createProgressWriter } from './progress-writer.ts';

/** What an attempt's prompts tell while they run. */
export interface PromptWatch extends Disposable {
  onMessage(message: PromptMessage): void;
  /** Another prompt begins; what is shown does not fall. */
  restart(lease: BackendLease): void;
  /** How a job that SUCCEEDED is shown. */
  completed(): Progress;
}

/** Turns messages into written progress. Disposing it writes nothing more. */
export function watchPrompt(attempt: Attempt, graph: Graph, lease: BackendLease, { timings }: JobParts): PromptWatch {
  const { job, log } = attempt;
  let state = startProgress(graph, lease.backend.outputClasses());
  let warned = false;
  const writer = createProgressWriter({
    initial: { ...job.progress, fraction: 0, nodesDone: 0, node: null },
    intervalMs: timings.progress,
    async write(progress) {
      if (attempt.signal.aborted) return false;
      return (await attempt.move({ move: 'progress', progress })) === 'RUNNING';
    },
    onError(cause) {
      if (cause instanceof Stopped || warned) return;
      warned = true;
      log.warn({ err: cause }, 'progress not written');
    },
  });
  return {
    onMessage(message) {
      const next = applyMessage(state, message);
      if (next === state) return;
      state = next;
      writer.set(state.progress);
    },
    restart({ backend }) {
      state = startProgress(graph, backend.outputClasses(), state.progress.fraction);
    },
    completed: () => completedProgress(state),
    [Symbol.dispose]: () => writer.stop(),
  };
}
