import * as z from 'zod';
import type { Graph } from '../../src/core/graph.ts';
import type { Json } from '../../src/core/job.ts';
import { tryParsePythonJson } from './json.ts';

/** A bare NaN, or a value that a custom node made up, counts as nothing done. */
const amount = z.number().catch(0);
const nodeId = z.union([z.string(), z.number().transform(String)]);

const nodeState = z.object({
  value: amount,
  max: amount,
  state: z.string().catch('pending'),
  display_node_id: nodeId.nullish(),
});

/** The messages of one prompt while it runs, with the fields that are read here. */
const promptMessageSchema = z.discriminatedUnion('type', [
  z.object({ type: z.literal('execution_start'), data: z.object({ prompt_id: z.string() }) }),
  z.object({
    type: z.literal('execution_cached'),
    data: z.object({ prompt_id: z.string(), nodes: z.array(nodeId) }),
  }),
  z.object({
    type: z.literal('progress_state'),
    data: z.object({ prompt_id: z.string(), nodes: z.record(z.string(), nodeState) }),
  }),
  z.object({
    type: z.literal('executing'),
    data: z.object({ prompt_id: z.string(), node: nodeId.nullable(), display_node: nodeId.nullish() }),
  }),
  z.object({
    type: z.literal('progress'),
    data: z.object({ prompt_id: z.string(), node: nodeId.nullish(), value: amount, max: amount }),
  }),
  z.object({
    type: z.literal('executed'),
    data: z.object({
      prompt_id: z.string(),
      node: nodeId,
      display_node: nodeId.nullish(),
      /** What its history will have of it; it comes from `JSON.parse`. */
      output: z.custom<Json>(() => true).optional(),
    }),
  }),
  z.object({ type: z.literal('execution_success'), data: z.object({ prompt_id: z.string() }) }),
  z.object({
    type: z.literal('execution_error'),
    data: z.object({
      prompt_id: z.string(),
      exception_type: z.string().nullish(),
      exception_message: z.string().nullish().catch(null),
      node_id: nodeId.nullish().catch(null),
      node_type: z.string().nullish().catch(null),
    }),
  }),
  z.object({ type: z.literal('execution_interrupted'), data: z.object({ prompt_id: z.string() }) }),
]);

/** A picture that came between the messages; `node` is null where it is of the node of the last message. */
export interface PictureMessage {
  type: 'picture';
  data: { prompt_id: string; node: string | null; bytes: Buffer };
}

/** The socket was opened anew: messages that were sent before and have not come are lost. */
export interface ReconnectedMessage {
  type: 'reconnected';
  data: { prompt_id: string };
}

/** A look at the server has found it running, though no message has said so. */
export interface RunningMessage {
  type: 'running';
  data: { prompt_id: string };
}

export type PromptMessage = z.infer<typeof promptMessageSchema> | PictureMessage | ReconnectedMessage | RunningMessage;

const envelopeSchema = z.object({ type: z.string(), data: z.object({ prompt_id: z.string() }) });

/** The exception of an input that was blocked on purpose: the run goes on and may still succeed. */
export const EXECUTION_BLOCKED = 'ExecutionBlocked';

/**
 * A text frame as a message of a prompt for which `wanted` is true; null for all else (other prompts, broadcasts,
 * unknown types, what cannot be parsed). Everything but the prompts that are waited for is dropped before it is checked
 * in full.
 */
export function parsePromptMessage(text: string, wanted: (promptId: string) => boolean): PromptMessage | null {
  // A custom node may send what it likes; polling finds whatever is missed here.
  const json = tryParsePythonJson(text);
  const envelope = envelopeSchema.safeParse(json);
  if (!envelope.success || !wanted(envelope.data.data.prompt_id)) return null;
  const message = promptMessageSchema.safeParse(json);
  return message.success ? message.data : null;
}

/** Whether the prompt is over with this message. History may not show it yet, except after `executing` null. */
export function isTerminalMessage(message: PromptMessage): boolean {
  switch (message.type) {
    case 'execution_success':
    case 'execution_interrupted':
      return true;
    case 'execution_error':
      return message.data.exception_type !== EXECUTION_BLOCKED;
    case 'executing':
      return message.data.node === null;
    default:
      return false;
  }
}

/**
 * The node of the graph that ComfyUI means by an id; a run-time id that nothing maps (`2.0.0.1`) belongs to its first
 * part.
 */
export function graphNode(graph: Graph, id: string): string | null {
  if (Object.hasOwn(graph, id)) return id;
  const [owner = ''] = id.split('.');
  return Object.hasOwn(graph, owner) ? owner : null;
}
