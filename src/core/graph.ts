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
