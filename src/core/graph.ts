import * as z from 'zod';

/** One node of a graph in ComfyUI's API format. An input is a literal or a link `[node id, output index]`. */
const graphNodeSchema = z.object({
  class_type: z.string(),
  inputs: z.record(z.string(), z.json()),
  _meta: z.object({ title: z.string().exactOptional() }).exactOptional(),
});
export type GraphNode = z.infer<typeof graphNodeSchema>;

/** ComfyUI's API format: node id -> node. */
export const graphSchema = z.record(z.string(), graphNodeSchema);
export type Graph = z.infer<typeof graphSchema>;

/** Of files that ComfyUI and its usual extensions load models from. */
const MODEL_FILE = /\.(?:safetensors|sft|ckpt|pth?|pt2|bin|pkl|gguf|onnx)$/i;

/** Whether a literal of a graph names a model, by its file ending. */
export function isModelFile(value: unknown): value is string {
  return typeof value === 'string' && MODEL_FILE.test(value);
}
