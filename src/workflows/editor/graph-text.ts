import { inputNamed } from '../../core/dynamic-inputs.ts';
import type { Graph, GraphNode } from '../../core/graph.ts';
import type { Json } from '../../core/job.ts';
import type { NodeDefinitions } from '../../core/node-definitions.ts';

/**
 * A graph as the text of a file. Numbers that JavaScript would round, which the graph has as texts, are numbers in it
 * again, since other programs do not take a text for one.
 */
export function graphText(graph: Graph, nodeDefinitions: NodeDefinitions): string {
  const exact = Object.entries(graph).map(([id, node]) => [
    id,
    { ...node, inputs: withNumbers(node, nodeDefinitions) },
  ]);
  return `${JSON.stringify(Object.fromEntries(exact), null, 2)}\n`;
}

function withNumbers({ class_type, inputs }: GraphNode, nodeDefinitions: NodeDefinitions): { [name: string]: unknown } {
  const known = nodeDefinitions.get(class_type);
  const isNumber = (name: string, value: Json) => {
    const kind =
      known && typeof value === 'string' && /^-?[1-9]\d{15,}$/.test(value) && inputNamed(known, inputs, name);
    return kind && /^(?:INT|FLOAT)$/.test(kind.spec.kind);
  };
  return Object.fromEntries(
    Object.entries(inputs).map(([name, value]) => [name, isNumber(name, value) ? JSON.rawJSON(String(value)) : value]),
  );
}
