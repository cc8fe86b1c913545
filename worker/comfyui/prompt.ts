import { v5 } from 'uuid';
import type { Graph } from '../../src/core/graph.ts';
import type { NodeDefinitions } from '../../src/core/node-definitions.ts';

/**
 * The id under which ComfyUI knows a job's nth submission. Anyone who has the record can compute it, so that a prompt
 * is found again after any crash; a lower-case UUID, as ComfyUI 0.25 and newer demand.
 */
export function promptIdOf(jobId: string, submission: number): string {
  return v5(`comfygate:${submission}`, jobId);
}

/**
 * The graph with every output its own, and no node changed so that it makes less.
 *
 * Each `filename_prefix`, links included, becomes unique to the prompt and node: what a client wrote there is ignored.
 * It names no folder, since many nodes that save make none. An output node without one gets an input that no class
 * has: ComfyUI does not look at it, but it counts among what makes a cached result the same, so the node does not
 * answer with the files of an earlier prompt, which may be gone. Only nodes whose results no other takes get it, since
 * all that follow would run anew, too, and those of `afresh`.
 *
 * `outputClasses` null: not known; then every node that no other takes anything from counts as one.
 */
export function isolateOutputs(
  graph: Graph,
  promptId: string,
  outputClasses: ReadonlySet<string> | null,
  afresh: ReadonlySet<string> = new Set(),
): Graph {
  const taken = linkedNodes(graph);
  return Object.fromEntries(
    Object.entries(graph).map(([id, node]) => {
      if ('filename_prefix' in node.inputs) {
        const filename_prefix = `comfygate-${promptId}-${id.replace(/[^A-Za-z0-9_-]/g, '_').slice(0, 64)}`;
        return [id, { ...node, inputs: { ...node.inputs, filename_prefix } }];
      }
      const isLast = !taken.has(id) && (outputClasses?.has(node.class_type) ?? true);
      const isMarked = isLast || afresh.has(id);
      return [id, isMarked ? { ...node, inputs: { ...node.inputs, [OWN_INPUT]: promptId } } : node];
    }),
  );
}

/** The graph as ComfyUI can replace classes in it: it fails with 500 on a node of an old class without `_meta`. */
export function withReplaceable(graph: Graph, nodeDefinitions: NodeDefinitions | null): Graph {
  const replaced = Object.entries(graph).flatMap(([id, node]) =>
    nodeDefinitions?.get(node.class_type)?.replacedBy === undefined ? [] : [[id, { _meta: {}, ...node }] as const],
  );
  return replaced.length === 0 ? graph : { ...graph, ...Object.fromEntries(replaced) };
}

const OWN_INPUT = 'comfygate_prompt';

/** The name of a file without what `isolateOutputs` made it begin with, but for the node. */
export function withoutOwnPrefix(filename: string): string {
  return filename.replace(/^comfygate-[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}-/, '');
}

/** Nodes that another takes something from. */
export function linkedNodes(graph: Graph): Set<string> {
  const inputs = Object.values(graph).flatMap((node) => Object.values(node.inputs));
  return new Set(
    inputs.flatMap((value) => {
      const isLink = Array.isArray(value) && value.length === 2 && typeof value[1] === 'number';
      return isLink ? [String(value[0])] : [];
    }),
  );
}
