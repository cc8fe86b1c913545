import { v5 } from 'uuid';
import type { Graph } from '../../src/core/graph.ts';

/**
 * The id under which ComfyUI knows a job's nth submission. Anyone who has the record can compute it, so that a prompt
 * is found again after any crash; a lower-case UUID, as ComfyUI 0.25 and newer demand.
 */
export function promptIdOf(jobId: string, submission: number): string {
  return v5(`comfygate:${submission}`, jobId);
}

/**
 * The graph with every output its own. Each `filename_prefix` is made unique to the prompt and node, links included:
 * what a client wrote there is ignored. Other output nodes get an input that no class has: ComfyUI does not look at it,
 * but it counts among what makes a cached result the same, so no node answers with the files of an earlier prompt,
 * which may be gone. `outputClasses` null: not known; then the nodes that no other takes anything from.
 */
export function isolateOutputs(graph: Graph, promptId: string, outputClasses: ReadonlySet<string> | null): Graph {
  const taken = outputClasses ? null : linkedNodes(graph);
  return Object.fromEntries(
    Object.entries(graph).map(([id, node]) => {
      if ('filename_prefix' in node.inputs) {
        const filename_prefix = `comfygate/${promptId}/${id.replace(/[^A-Za-z0-9_-]/g, '_').slice(0, 64)}`;
        return [id, { ...node, inputs: { ...node.inputs, filename_prefix } }];
      }
      const isOutput = outputClasses ? outputClasses.has(node.class_type) : !taken?.has(id);
      return [id, isOutput ? { ...node, inputs: { ...node.inputs, [OWN_INPUT]: promptId } } : node];
    }),
  );
}

const OWN_INPUT = 'comfygate_prompt';

function linkedNodes(graph: Graph): Set<string> {
  const inputs = Object.values(graph).flatMap((node) => Object.values(node.inputs));
  return new Set(inputs.flatMap((value) => (Array.isArray(value) && typeof value[0] === 'string' ? [value[0]] : [])));
}
