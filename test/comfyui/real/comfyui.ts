import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { readdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import * as z from 'zod';
import type { Graph } from '../../../src/core/graph.ts';
import { eventually } from './eventually.ts';

/** A ComfyUI as one sees it who does not use the product: what it ran, and the files that it wrote. */
export interface ComfyServer {
  readonly url: string;
  version(): Promise<string>;
  checkpoints(): Promise<string[]>;
  /** Why a graph cannot be tried there: classes that it, an older version perhaps, does not have. Null: it has all. */
  lacks(graph: Graph): Promise<string | null>;
  /** Prompts that wait or run, whoever sent them. */
  queueLength(): Promise<number>;
  /** Of one prompt: pending, in_progress, completed, failed, cancelled; null when the server knows nothing of it. */
  status(promptId: string): Promise<string | null>;
  /** Sends a prompt of nobody's and gives its id. */
  post(graph: Graph): Promise<string>;
  forget(promptId: string): Promise<void>;
  /** The nodes in which it finds faults when it is sent a graph of nobody's; null: nothing is wrong with it. */
  faults(graph: unknown): Promise<string[] | null>;
  /** The number that the next prompt is given: each POST takes one, refused ones too. It takes one itself. */
  nextNumber(): Promise<number>;
  /**
   * The bytes of a file in its output folder, or in the one for temporary files; null when there is none of that name.
   */
  file(filename: string, type?: 'output' | 'temp'): Promise<Buffer | null>;
  /** Names in its output folder that begin so; null when it was not said where that is. */
  list(prefix: string): Promise<string[] | null>;
  /** Where it is installed and writes on its machine, which nobody may be told. */
  folders(): Promise<string[]>;
}

const statsSchema = z.object({ system: z.object({ comfyui_version: z.string() }) });
const loaderSchema = z.object({
  CheckpointLoaderSimple: z.object({ input: z.object({ required: z.object({ ckpt_name: z.array(z.unknown()) }) }) }),
});
const queueSchema = z.object({ exec_info: z.object({ queue_remaining: z.number() }) });
const queueItemsSchema = z.array(z.tuple([z.unknown(), z.string()], z.unknown()).transform(([, id]) => id));
const queuesSchema = z.object({ queue_running: queueItemsSchema, queue_pending: queueItemsSchema });
const historySchema = z.record(
  z.string(),
  z.object({
    status: z.object({ status_str: z.string(), messages: z.array(z.tuple([z.string()], z.unknown())) }),
  }),
);
const postedSchema = z.object({
  prompt_id: z.string(),
  number: z.number(),
  node_errors: z.record(z.string(), z.unknown()),
});
const refusedSchema = z.object({
  error: z.object({ details: z.string(), extra_info: z.object({ node_id: z.string().optional() }) }),
  node_errors: z.record(z.string(), z.unknown()),
});
const foldersSchema = z.object({ checkpoints: z.array(z.string()) });

const PROBE: Graph = {
  '1': { class_type: 'EmptyImage', inputs: { width: 16, height: 16, batch_size: 1, color: 0 } },
  '2': { class_type: 'PreviewImage', inputs: { images: ['1', 0] } },
};

/** `outputFolder`: where its output folder is on this machine, if it is. */
export function openComfyServer(url: string, outputFolder: string | undefined): ComfyServer {
  async function call(path: string, body?: unknown): Promise<Response> {
    const signal = AbortSignal.timeout(20_000);
    if (body === undefined) return await fetch(url + path, { signal });
    return await fetch(url + path, { signal, method: 'POST', body: JSON.stringify(body) });
  }

  async function get<T>(path: string, schema: z.ZodType<T>): Promise<T> {
    const answer = await call(path);
    assert.equal(answer.status, 200, `ComfyUI answers ${answer.status} to ${path}`);
    return schema.parse(await answer.json());
  }

  async function status(promptId: string): Promise<string | null> {
    const answer = await call(`/api/jobs/${promptId}`);
    if (answer.status === 200) return z.object({ status: z.string() }).parse(await answer.json()).status;
    assert.equal(answer.status, 404, `ComfyUI says what has become of ${promptId}`);
    // It knows nothing of it, or it is older than 0.6 and has no such endpoint. What has left the queue is in history.
    const queue = await get('/api/queue', queuesSchema);
    if (queue.queue_running.includes(promptId)) return 'in_progress';
    if (queue.queue_pending.includes(promptId)) return 'pending';
    const { [promptId]: entry } = await get(`/api/history/${promptId}`, historySchema);
    if (!entry) return null;
    const { status_str, messages } = entry.status;
    if (status_str === 'success') return 'completed';
    return messages.some(([type]) => type === 'execution_interrupted') ? 'cancelled' : 'failed';
  }

  async function post(graph: Graph) {
    const answer = await call('/api/prompt', { prompt: graph, client_id: '', prompt_id: randomUUID() });
    assert.equal(answer.status, 200, 'ComfyUI takes a prompt of nobody');
    return postedSchema.parse(await answer.json());
  }

  const forget = async (promptId: string) => void (await call('/api/history', { delete: [promptId] }));

  return {
    url,
    status,
    forget,
    version: async () => (await get('/api/system_stats', statsSchema)).system.comfyui_version,
    queueLength: async () => (await get('/api/prompt', queueSchema)).exec_info.queue_remaining,
    post: async (graph) => (await post(graph)).prompt_id,
    async checkpoints() {
      const info = await get('/api/object_info/CheckpointLoaderSimple', loaderSchema);
      const [type, options] = info.CheckpointLoaderSimple.input.required.ckpt_name;
      const named = z.object({ options: z.array(z.string()) }).safeParse(options);
      return z.array(z.string()).safeParse(type).data ?? named.data?.options ?? [];
    },
    async lacks(graph) {
      const missing: string[] = [];
      for (const name of new Set(Object.values(graph).map(({ class_type }) => class_type))) {
        const found = await get(`/api/object_info/${name}`, z.record(z.string(), z.unknown()));
        if (!(name in found)) missing.push(name);
      }
      return missing.length === 0 ? null : `it has no ${missing.join(', ')}`;
    },
    async faults(graph) {
      const answer = await call('/api/prompt', { prompt: graph, client_id: '', prompt_id: randomUUID() });
      if (answer.status === 400) {
        const { error, node_errors } = refusedSchema.parse(await answer.json());
        // Older servers say only in the text which node has no class, or one that there is not.
        const node = error.extra_info.node_id ?? /^Node ID '#(.*)'$/.exec(error.details)?.[1] ?? [];
        return [...Object.keys(node_errors), ...node].sort();
      }
      assert.equal(answer.status, 200, 'ComfyUI takes or refuses a prompt of nobody');
      const { prompt_id, node_errors } = postedSchema.parse(await answer.json());
      await eventually('what it takes of it has run', 60_000, async () => (await status(prompt_id)) === 'completed');
      await forget(prompt_id);
      const nodes = Object.keys(node_errors);
      return nodes.length === 0 ? null : nodes;
    },
    async nextNumber() {
      const { prompt_id, number } = await post(PROBE);
      await eventually('the probe has run', 60_000, async () => (await status(prompt_id)) === 'completed');
      await forget(prompt_id);
      return number;
    },
    async file(filename, type = 'output') {
      const answer = await call(`/api/view?${new URLSearchParams({ filename, type })}`);
      if (answer.status === 404) return null;
      assert.equal(answer.status, 200, `ComfyUI shows ${filename}`);
      return Buffer.from(await answer.arrayBuffer());
    },
    async list(prefix) {
      if (outputFolder === undefined) return null;
      return (await readdir(outputFolder)).filter((name) => name.startsWith(prefix)).sort();
    },
    async folders() {
      const answer = await call('/internal/folder_paths');
      // The simulator has none.
      if (answer.status === 404) return [];
      // They stand in `models` or `output`: what is above those tells everything else, its code included.
      const { checkpoints } = foldersSchema.parse(await answer.json());
      return [...new Set(checkpoints.map((folder) => dirname(dirname(folder))))];
    },
  };
}
