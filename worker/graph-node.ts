import type { Graph } from '../src/core/graph.ts';

/** The node of the graph that ComfyUI means by an id; a run-time id that nothing maps (`2.0.0.1`) belongs to its first part. */
export function graphNode(graph: Graph, id: string): string | null {
  if (Object.hasOwn(graph, id)) return id;
  const [owner = ''] = id.split('.');
  return Object.hasOwn(graph, owner) ? owner : null;
}
