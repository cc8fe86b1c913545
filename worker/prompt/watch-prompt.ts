import { createLatestWriter } from '../../src/async/latest-writer.ts';
import type { NodeTiming, Progress } from '../../src/core/job.ts';
import { withDeclaredInputs } from '../../src/core/node-load.ts';
import type { Plan } from '../../src/core/plan.ts';
import type { WorkerMetrics } from '../../src/observability/worker-metrics.ts';
import type { PreviewPublisher } from '../../src/progress/previews.ts';
import { type Attempt, Stopped } from '../attempt/attempt.ts';
import { graphNode, isTerminalMessage, type PictureMessage, type PromptMessage } from '../comfyui/messages.ts';
import { type NodeFailure, readBlocked } from '../comfyui/outcome.ts';
import type { StoreParts } from '../outputs/store-output.ts';
import { openStoredOutputs, type StoredOutputs } from '../outputs/stored-outputs.ts';
import { collectWebsocketImages, type WebsocketImages } from '../outputs/websocket-images.ts';
import { createNodeClock, type NodeSpan } from '../progress/node-clock.ts';
import type { NodeTimes } from '../progress/node-times.ts';
import { createPreviews } from '../progress/previews.ts';
import { applyMessage, completedProgress, startProgress } from '../progress/track-progress.ts';

export interface WatchParts extends StoreParts {
  previewPublisher: PreviewPublisher;
  nodeTimes: NodeTimes;
  metrics?: WorkerMetrics | undefined;
}

/** What is known of an attempt's prompts while they run. */
export interface PromptWatch extends AsyncDisposable {
  onMessage(message: PromptMessage): void;
  /** Another prompt begins, at the server of the attempt's slot. The progress that is shown does not fall. */
  restart(): void;
  /** When the nodes of the latest prompt ran: performance.now(). */
  nodes(): NodeSpan[];
  /** How long the nodes of the latest prompt took. */
  timings(): NodeTiming[];
  /** How a job that SUCCEEDED is shown. */
  completed(): Progress;
  /** Results that come over the socket alone. */
  readonly images: WebsocketImages;
  /** Results on their way into storage. */
  readonly outputs: StoredOutputs;
  /** The first node of the latest prompt whose input was blocked, and what was said of it. History does not tell. */
  blocked(): NodeFailure | null;
}

/**
 * Makes progress, previews, node timings and early results of the messages. Disposing it reports the timings to the
 * attempt's state; nothing is written any more.
 */
export function watchPrompt(attempt: Attempt, plan: Plan, parts: WatchParts): PromptWatch {
  const { job, log } = attempt;
  const { graph } = plan;
  const { timings, previewPublisher, nodeTimes, metrics } = parts;
  const outputs = openStoredOutputs(attempt, plan, parts);
  let { backend } = attempt.state.slot;
  const images = collectWebsocketImages(graph, parts.tempDir, () => backend.outputClasses());
  let clock = createNodeClock(graph);
  let state = begin(0);
  let blocked: NodeFailure | null = null;
  /** Whether the latest prompt has begun to run, which it does once, however often its server says so. */
  let started = false;
  /** Whether a prompt was found running before any message: then it waits no more, though nothing is known of it. */
  let found = false;
  /** When ComfyUI began to execute the prompt: performance.now(); null while it does not. */
  let generatingSince: number | null = null;

  const writer = createLatestWriter<{ progress: Progress; found: boolean }>({
    initial: { progress: { ...job.progress, fraction: 0, nodesDone: 0, node: null }, found: false },
    intervalMs: timings.progress,
    async write({ progress }) {
      if (attempt.signal.aborted) return false;
      return (await attempt.move({ move: 'progress', progress })) === 'RUNNING';
    },
    onError: warnOnce('progress not written'),
  });
  const previews = createPreviews({
    jobId: job.id,
    publisher: previewPublisher,
    wanted: () => attempt.previewed && !attempt.signal.aborted,
    onError: warnOnce('preview not published'),
    intervalMs: timings.preview,
  });

  function begin(fraction: number) {
    const expectedMs = (id: string) => {
      const node = graph[id];
      return node ? nodeTimes.expected(backend.name, node) : null;
    };
    return startProgress(graph, backend.outputClasses(), fraction, expectedMs);
  }

  function warnOnce(message: string) {
    let warned = false;
    return (cause: unknown) => {
      if (cause instanceof Stopped || warned) return;
      warned = true;
      log.warn({ err: cause }, message);
    };
  }

  function generationEnded() {
    if (generatingSince !== null) metrics?.jobGenerated(job, (performance.now() - generatingSince) / 1000);
    generatingSince = null;
  }

  /** Frames do not say whether they are previews or results. */
  function onPicture({ data: { node, bytes } }: PictureMessage) {
    const id = node === null ? state.current : graphNode(graph, node);
    if (id === null || !images.onFrame(id, bytes, node === null)) previews.show(bytes);
  }

  return {
    images,
    outputs,
    onMessage(message) {
      if (message.type === 'picture') return onPicture(message);
      if (message.type === 'reconnected') images.onReconnect();
      blocked ??= readBlocked(message);
      clock.onMessage(message);
      images.onMessage(message);
      outputs.onMessage(message, backend.client);
      if (message.type === 'execution_start' && !started) {
        started = true;
        generatingSince = performance.now();
        attempt.restartClock();
      } else if (isTerminalMessage(message)) generationEnded();
      found ||= message.type === 'running';
      const next = applyMessage(state, message);
      if (next !== state || found) {
        state = next;
        writer.set({ progress: state.progress, found });
      }
      if (message.type === 'execution_success') {
        nodeTimes.learn(backend.name, withDeclaredInputs(graph, backend.nodeDefinitions()), clock.timings());
      }
    },
    restart() {
      ({ backend } = attempt.state.slot);
      images.restart();
      outputs.restart();
      blocked = null;
      started = false;
      generatingSince = null;
      clock = createNodeClock(graph);
      state = begin(state.progress.fraction);
    },
    nodes: () => clock.spans(),
    timings: () => clock.timings(),
    completed: () => completedProgress(state),
    blocked: () => blocked,
    async [Symbol.asyncDispose]() {
      attempt.state.reportTimings(clock.timings());
      // A prompt that hung until the attempt's time was over took that long. One that another worker goes on with has
      // not ended.
      if (attempt.stopped !== 'lost' && attempt.stopped !== 'handover') generationEnded();
      writer.stop();
      previews.stop();
      await Promise.all([images[Symbol.asyncDispose](), outputs[Symbol.asyncDispose]()]);
    },
  };
}
