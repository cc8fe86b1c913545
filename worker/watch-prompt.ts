import type { Graph } from '../src/core/graph.ts';
import type { Progress } from '../src/core/job.ts';
import { type Attempt, Stopped } from './attempt.ts';
import type { BackendLease } from './backends/pool.ts';
import type { PromptMessage } from './comfyui/messages.ts';
import type { JobParts } from './parts.ts';
import { applyMessage, completedProgress, startProgress } from './progress.ts';
import { createProgressWriter } from './progress-writer.ts';
import { collectWebsocketImages, type WebsocketImages } from './websocket-images.ts';

/** What an attempt's prompts tell while they run. */
export interface PromptWatch extends AsyncDisposable {
  onMessage(message: PromptMessage): void;
  /** Another prompt begins; what is shown does not fall. */
  restart(lease: BackendLease): void;
  /** How a job that SUCCEEDED is shown. */
  completed(): Progress;
  /** Results that come over the socket alone. */
  readonly images: WebsocketImages;
}

/** Turns messages into written progress. Disposing it writes nothing more. */
export function watchPrompt(
  attempt: Attempt,
  graph: Graph,
  lease: BackendLease,
  { tempDir, timings }: JobParts,
): PromptWatch {
  const { job, log } = attempt;
  const images = collectWebsocketImages(graph, tempDir);
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
    images,
    onMessage(message) {
      images.onMessage(message);
      const next = applyMessage(state, message);
      if (next === state) return;
      state = next;
      writer.set(state.progress);
    },
    restart({ backend }) {
      images.restart();
      state = startProgress(graph, backend.outputClasses(), state.progress.fraction);
    },
    completed: () => completedProgress(state),
    async [Symbol.asyncDispose]() {
      writer.stop();
      await images[Symbol.asyncDispose]();
    },
  };
}
