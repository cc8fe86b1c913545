import type { NodeDefinitions } from '../../core/node-definitions.ts';
import { virtualKind } from './virtual-nodes.ts';
import { BYPASSED, type EditorGraph, type EditorNode, MUTED, type WorkflowFile } from './workflow-file.ts';

const SHOWN_NODES = 5;
const MOST_CLASSES = 100;
/** Of cg-use-everywhere: their links are made only when the editor runs the workflow, and stand in no file. */
const MAKES_LINKS = /^(?:Anything|Prompts|Seed) Everywhere/;
/** Ids of subgraphs. */
const UUID = /^[\da-f]{8}-[\da-f]{4}-[\da-f]{4}-[\da-f]{4}-[\da-f]{12}$/i;

/** Why classes of nodes that run cannot be converted, one sentence for each class: all of them at once. */
export function findUnknown(file: WorkflowFile, nodeDefinitions: NodeDefinitions): string[] {
  const why = new Map<string, { reason: string; nodes: string[] }>();
  const groupNodes = file.extra.groupNodes;
  for (const graph of graphsInUse(file)) {
    for (const node of graph.nodes.values()) {
      const reason = isOff(node) ? null : reasonOf(node, file, nodeDefinitions, groupNodes);
      if (reason === null) continue;
      const found = why.get(node.type) ?? { reason, nodes: [] };
      found.nodes.push(graph === file.root ? node.id : `${node.id} in subgraph ${graph.name.slice(0, 80)}`);
      why.set(node.type, found);
    }
  }
  return [...why].slice(0, MOST_CLASSES).map(([type, { reason, nodes }]) => {
    const more = nodes.length > SHOWN_NODES ? ` and ${nodes.length - SHOWN_NODES} more` : '';
    const where = `${nodes.length === 1 ? 'node' : 'nodes'} ${nodes.slice(0, SHOWN_NODES).join(', ')}${more}`;
    return `Class ${type.slice(0, 200)} (${where}) ${reason}`;
  });
}

/** The workflow, and each subgraph that an instance of it leads to, whatever the instances inside are set to. */
function graphsInUse(file: WorkflowFile): Set<EditorGraph> {
  const graphs = new Set([file.root]);
  for (const graph of graphs) {
    for (const node of graph.nodes.values()) {
      const inner = file.subgraphs.get(node.type);
      if (inner && !(graph === file.root && isOff(node))) graphs.add(inner);
    }
  }
  return graphs;
}

function isOff({ mode }: EditorNode): boolean {
  return mode === MUTED || mode === BYPASSED;
}

function reasonOf(
  { type }: EditorNode,
  file: WorkflowFile,
  nodeDefinitions: NodeDefinitions,
  groupNodes: unknown,
): string | null {
  if (file.subgraphs.has(type) || virtualKind(type, nodeDefinitions) !== null) return null;
  const known = nodeDefinitions.get(type);
  if (/^workflow[/>]/.test(type) && (!known || groupNodes)) {
    return 'is a group node of an older editor: open the workflow in a current ComfyUI, and save it there.';
  }
  if (MAKES_LINKS.test(type)) {
    return 'makes links that are not in the file: link the nodes themselves, or use File > Export (API) in ComfyUI.';
  }
  if (!known && UUID.test(type)) {
    return 'is a subgraph that the file does not have: open the workflow where it was made, and save it again.';
  }
  if (!known) return 'is none that the ComfyUI has: install the pack that it is from, or ask a ComfyUI that has it.';
  if (known.replacedBy !== undefined) {
    return `was replaced by ${known.replacedBy}: open the workflow in ComfyUI, and save it there.`;
  }
  return known.ordered ? null : 'was read by a worker of an earlier version, which lacks its widgets: update workers.';
}
