import { v5 } from 'uuid';
import type { Graph } from '../../src/core/graph.ts';

/**
 * The id under which ComfyUI knows a job's nth submission. Anyone who has the record can compute it, so that a prompt is found
 * again after any crash; a lower-case UUID, as ComfyUI 0.25 and newer demand.
 */
export function promptIdOf(jobId: string, submission: number): string {
  return v5(`comfygate:${submission}`, jobId);
}

/**
 * The graph with every `filename_prefix` made unique to the prompt and node, links included: what a client wrote there is
 * ignored. It also keeps a cached save node from pointing at the files of an earlier prompt.
 */
export function isolateOutputs(graph: Graph, promptId: string): Graph {
  return Object.fromEntries(
    Object.entries(graph).map(([id, node]) => {
      if (!('filename_prefix' in node.inputs)) return [id, node];
      const filename_prefix = `comfygate/${promptId}/${id.replace(/[^A-Za-z0-9_-]/g, '_').slice(0, 64)}`;
      return [id, { ...node, inputs: { ...node.inputs, filename_prefix } }];
    }),
  );
}
