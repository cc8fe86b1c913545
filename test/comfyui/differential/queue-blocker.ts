import { randomUUID } from 'node:crypto';
import type { Graph } from '../../../src/core/graph.ts';
import type { ComfyClient } from '../../../worker/comfyui/client.ts';
import { ComfyError } from '../../../worker/comfyui/http.ts';
import { eventually } from '../real/eventually.ts';

/** What a server says of a graph. `byDefinitions`: for what its node definitions tell, not for what it alone knows. */
export type Verdict = { refused: false } | { refused: true; byDefinitions: boolean };

/** A server that runs one long prompt, so that it can be asked what it takes and never runs any of it. */
export interface QueueBlocker extends AsyncDisposable {
  submit(graph: Graph): Promise<Verdict>;
}

const BY_DEFINITIONS = new Set([
  'missing_node_type',
  'value_not_in_list',
  'value_smaller_than_min',
  'value_bigger_than_max',
  'invalid_input_type',
  'required_input_missing',
]);

export async function openQueueBlocker(client: ComfyClient, blocks: () => Promise<Graph>): Promise<QueueBlocker> {
  const { signal } = new AbortController();
  let running: string | null = null;
  let blocking: Promise<void> | null = null;

  async function post(graph: Graph) {
    const promptId = randomUUID();
    const prompt = {
      promptId,
      clientId: 'differential',
      graph,
      previewMethod: 'none',
      editorWorkflow: null,
      apiKey: null,
    };
    return { promptId, ...(await client.submit(prompt, signal)) };
  }

  async function block() {
    if (running !== null && (await client.find(running)).state === 'running') return;
    const { promptId, outcome } = await post(await blocks());
    if (outcome !== 'accepted') throw new Error('the graph that is to block the queue is refused');
    running = promptId;
    await eventually('the queue is blocked', 60_000, async () => (await client.find(promptId)).state === 'running');
  }

  await block();
  return {
    async submit(graph) {
      blocking ??= block().finally(() => {
        blocking = null;
      });
      await blocking;
      try {
        const submitted = await post(graph);
        if (submitted.outcome !== 'rejected') await client.dequeue(submitted.promptId, signal);
        if (submitted.outcome === 'accepted') return { refused: false };
        return { refused: true, byDefinitions: BY_DEFINITIONS.has(submitted.rejection.type) };
      } catch (cause) {
        // A class that raises while it is asked: the server answers 500 and has not taken the graph.
        if (cause instanceof ComfyError && cause.status === 500) return { refused: true, byDefinitions: false };
        throw cause;
      }
    },
    async [Symbol.asyncDispose]() {
      if (running !== null) await client.cancel(running, signal);
    },
  };
}
