import * as z from 'zod';
import type { Json } from './job.ts';

/** One node of a graph in ComfyUI's API format. An input is a literal or a link `[node id, output index]`. */
export interface GraphNode {
  class_type: string;
  inputs: { [name: string]: Json };
  _meta?: { title?: string };
}

/** ComfyUI's API format: node id -> node. */
export type Graph = { [nodeId: string]: GraphNode };

export const graphSchema: z.ZodType<Graph> = z.record(
  z.string(),
  z.object({
    class_type: z.string(),
    inputs: z.record(z.string(), z.json()),
    _meta: z.object({ title: z.string().optional() }).optional(),
  }),
) as z.ZodType<Graph>;
